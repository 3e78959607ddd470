# SPDX-License-Identifier: BSD-3-Clause
"""Inside a gem5 without the plugin, of other sources, or that names controllers by protocol.

No gem5 is needed: a package `m5` of a few lines stands in for what the engine looks at first.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from homeshift.engines.gem5_sources import digest_of

REPOSITORY = Path(__file__).resolve().parents[2]


def run_inside(
    tmp_path: Path, objects: str, script: str, *, protocol: str | None
) -> subprocess.CompletedProcess[str]:
    """Run Python code with a stand-in for m5, whose `m5.objects` is given as source."""
    package = tmp_path / "stand-in" / "m5"
    package.mkdir(parents=True)
    (tmp_path / "m5out").mkdir()
    build = {} if protocol is None else {"PROTOCOL": protocol}
    (package / "__init__.py").write_text(
        "from types import SimpleNamespace as N\n"
        f"options = N(outdir={str(tmp_path / 'm5out')!r}, stats_file='stats.txt',"
        " json_config='config.json', dot_config='config.dot')\n"
        f"defines = N(buildEnv={build!r})\n"
        "util = N(warn=print)\n"
    )
    (package / "objects.py").write_text(objects)
    code = f"import sys; sys.modules['_m5'] = sys; sys.path[:0] = {[str(package.parent)]!r}\n"
    return subprocess.run(
        [sys.executable, "-c", code + script],
        cwd=REPOSITORY,
        env={"PYTHONPATH": str(REPOSITORY / "src"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


RUN = """
sys.argv = ["migrate.py", "--machine", "tiny", "--vm-memory", "64KiB", "--outdir", OUT]
import runpy
runpy.run_path("configs/migrate.py", run_name="__m5_main__")
"""


def test_a_gem5_without_the_plugin_says_what_to_do(tmp_path: Path) -> None:
    script = RUN.replace("OUT", repr(str(tmp_path / "out")))
    result = run_inside(tmp_path, "", script, protocol="MESI_Two_Level")
    assert result.returncode == 1
    assert "this gem5 was built for MESI_Two_Level, without Homeshift's plugin" in result.stderr
    assert "EXTRAS" in result.stderr
    assert "MESI_HomeShift" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_gem5_with_several_protocols_and_no_plugin_says_so_too(tmp_path: Path) -> None:
    script = RUN.replace("OUT", repr(str(tmp_path / "out")))
    objects = "class MESI_Two_Level_Directory_Controller: pass\n"
    result = run_inside(tmp_path, objects, script, protocol=None)
    assert result.returncode == 1
    assert "without Homeshift's plugin" in result.stderr


FIND = "from homeshift.engines.gem5_ruby import controller_class as c; print(c('Directory'))"


def test_controllers_are_found_under_their_names_before_and_after_24_1(tmp_path: Path) -> None:
    for number, name in enumerate(("Directory_Controller", "MESI_HomeShift_Directory_Controller")):
        objects = f"class {name}: pass\nclass HomeTable: pass\n"
        result = run_inside(tmp_path / str(number), objects, FIND, protocol=None)
        assert result.stdout == f"<class 'm5.objects.{name}'>\n", result.stderr


OBJECTS = "class Directory_Controller: pass\nclass HomeTable: pass\n"
LOOK = "from homeshift.engines.gem5_ruby import require_plugin; require_plugin()"


def told_by(tmp_path: Path, *, digest: str | None) -> str:
    """Return what a gem5 is told about the sources that it was built from; None: it cannot tell."""
    built = ""
    if digest is not None:
        built = f"import types; x = types.SimpleNamespace(digest={digest!r})\n"
        built += "sys.modules['homeshift_sources'] = x\n"
    return run_inside(tmp_path, OBJECTS, built + LOOK, protocol=None).stdout


def test_a_gem5_of_other_sources_is_told(tmp_path: Path) -> None:
    assert told_by(tmp_path / "same", digest=digest_of(REPOSITORY / "src")) == ""
    for place, digest in {"other": "0123456789abcdef", "without": None}.items():
        told = told_by(tmp_path / place, digest=digest)
        assert "this gem5 was built from other sources of Homeshift's plugin" in told
        assert f"than those in {REPOSITORY / 'src'}" in told


def test_the_digest_is_of_names_and_contents_and_not_of_the_place(tmp_path: Path) -> None:
    def digest(place: str, files: dict[str, str]) -> str:
        for name, text in files.items():
            path = tmp_path / place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return digest_of(tmp_path / place)

    files = {"common/a.hh": "int a;", "gem5/homeshift/b.cc": "", "protocol/c.sm": "x"}
    one = digest("one", files)
    assert one == digest("two", {**files, "protocol/notes.txt": "", "engine/d.hh": "not gem5's"})
    assert one != digest("three", {**files, "protocol/c.sm": "y"})
    assert one != digest("four", {**files, "gem5/homeshift/e.cc": ""})
    assert one != digest(
        "five", {"common/a.hh": "", "gem5/homeshift/b.cc": "int a;", "protocol/c.sm": "x"}
    )
