# SPDX-License-Identifier: BSD-3-Clause
"""A strategy in a file of one's own is one like any other, and its mistakes are told."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from calls import ROOT, called
from gem5_binary import gem5, needs_gem5

from homeshift.errors import InputError
from homeshift.strategies import STRATEGIES, strategy_named
from homeshift.sweep.spec import RunSpec

PAGE = (ROOT / "docs" / "strategies.md").read_text(encoding="utf-8")
EVACUATE = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)[0]
ROUNDS = """
from __future__ import annotations
from dataclasses import dataclass
from homeshift.strategies import base, parameters

@dataclass(frozen=True, kw_only=True)
class Rounds(base.Strategy):
    name = "rounds"
    most: int = parameters.count(3, "rounds while the VM runs", least=1)

    def migrate(self, vm: base.Vm, target: int):
        vm.take_dirty_log()
        pages = vm.pages
        for _ in range(self.most):
            yield base.Copy(pages, to=target)
            pages = vm.take_dirty_log()
        yield base.Pause(vm)
        yield base.Copy(sorted({*pages, *vm.take_dirty_log()}), to=target)
        yield base.MoveStage2Table(vm, to=target)
        yield base.MoveCpuState(vm, to=target)
        yield base.Resume(vm, on=target)
"""
ENDLESS = """
from homeshift.strategies import base

class Endless(base.Strategy):
    name = "endless"

    def migrate(self, vm, target):
        vm.take_dirty_log()
        yield base.Copy(vm.pages[:2], to=target, max_bandwidth=1)
        while True:
            yield base.Watch(1_000_000)
"""
HALVES = """
from homeshift.strategies import base

class Halves(base.Strategy):
    name = "halves"

    def migrate(self, vm, target):
        yield base.Pause(vm)
        yield base.Copy(vm.pages[:8], to=target)
        yield base.Copy(vm.pages[7:-3], to=target)
        yield base.MoveStage2Table(vm, to=target)
        yield base.MoveCpuState(vm, to=target)
        yield base.Resume(vm, on=target)
"""
GEM5S_OWN = ("citations.bib", "config.ini", "gem5-config.json", "stats.txt")
TINY = ("--machine", "tiny", "--vm-memory", "64KiB", "--warmup", "5us", "--window", "5us")


def written(folder: Path, text: str, name: str = "mine.py") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def migrate(outdir: Path, strategy: str, *more: str) -> subprocess.CompletedProcess[str]:
    options = (*TINY, "--check", "--strategy", strategy, "--outdir", str(outdir), *more)
    return called("configs/migrate.py", *options)


def test_a_file_is_a_strategy_with_parameters(tmp_path: Path) -> None:
    path = written(tmp_path, ROUNDS)
    done = migrate(tmp_path / "out", f"{path}:most=2")
    assert done.returncode == 0, done.stderr
    config = json.loads((tmp_path / "out" / "config.json").read_text("utf-8"))
    assert config["strategy"] == {"name": "rounds", "most": 2}
    summary = json.loads((tmp_path / "out" / "migration.json").read_text("utf-8"))
    assert [phase["name"] for phase in summary["phases"]].count("copy") == 3


def test_its_path_may_have_colons(tmp_path: Path) -> None:
    path = written(tmp_path, ROUNDS, "8:30.py")
    assert strategy_named(f"{path}:most=2").to_dict() == {"name": "rounds", "most": 2}


@needs_gem5
def test_gem5_takes_it_as_well(tmp_path: Path) -> None:
    path = written(tmp_path, EVACUATE)
    done = gem5(tmp_path / "out", "configs/migrate.py", *TINY, "--check", "--strategy", str(path))
    assert done.returncode == 0, done.stderr
    assert migrate(tmp_path / "own", str(path)).returncode == 0
    phases = [
        json.loads((tmp_path / out / "migration.json").read_text("utf-8"))["phases"]
        for out in ("out", "own")
    ]
    assert phases[0] == phases[1]


def test_which_pages_are_copied_again_is_told(tmp_path: Path) -> None:
    done = migrate(tmp_path / "out", f"{written(tmp_path, ROUNDS)}:most=1")
    assert re.search(
        r"^migrate.py: copy 2: \d+ pages, all of them copied before$", done.stdout, re.M
    )


def test_what_is_copied_again_and_what_is_left_behind_is_told(tmp_path: Path) -> None:
    lines = migrate(tmp_path / "out", str(written(tmp_path, HALVES))).stdout.splitlines()
    assert "migrate.py: copy 2: 6 pages, 1 of them copied before" in lines
    left = "3 regions are left on node 0: neither copied, nor their homes transferred"
    assert f"migrate.py: {left}" in lines


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_strategy_of_ours_leaves_anything_behind(tmp_path: Path, strategy: str) -> None:
    done = migrate(tmp_path / "out", strategy, "--borrow", "1:0.25", "--keep-borrowed")
    assert done.returncode == 0
    assert "left on node" not in done.stdout


def told_at_the_horizon(done: subprocess.CompletedProcess[str], outdir: Path) -> bool:
    fault = "migrate.py: error: the migration is not over after 30us; give a longer horizon"
    left = [path.name for path in outdir.glob("*") if path.name not in GEM5S_OWN]
    return (done.returncode, done.stderr.splitlines()[-1], left) == (1, fault, [])


def test_one_that_never_ends_is_ended_at_the_horizon(tmp_path: Path) -> None:
    path = written(tmp_path, ENDLESS)
    done = migrate(tmp_path / "out", str(path), "--horizon", "30us")
    assert told_at_the_horizon(done, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@needs_gem5
def test_gem5_ends_it_there_as_well(tmp_path: Path) -> None:
    options = (*TINY, "--strategy", str(written(tmp_path, ENDLESS)), "--horizon", "30us")
    done = gem5(tmp_path / "out", "configs/migrate.py", *options)
    assert told_at_the_horizon(done, tmp_path / "out")


def test_a_sweep_makes_the_runs_of_a_changed_file_again(tmp_path: Path) -> None:
    path = written(tmp_path, ROUNDS)
    before = RunSpec(engine="embedded", options={"strategy": f"{path}:most=2"}).name
    written(tmp_path, ROUNDS.replace("vm.pages", "list(vm.pages)"))
    assert RunSpec(engine="embedded", options={"strategy": f"{path}:most=2"}).name != before


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("class A:\n  pass", "has to define one class of a Strategy, and defines none"),
        (
            "from homeshift.strategies import base\nclass A(base.Strategy):\n  name = 'a'",
            "A has no migrate()",
        ),
        (
            ROUNDS + "\nclass Other(Rounds):\n    name = 'other'\n",
            "has to define one class of a Strategy, and defines Rounds, Other",
        ),
        ("x = (\n", r"line 1: '\(' was never closed"),
        ("\nimport homeshift.strategie\n", "line 2: ModuleNotFoundError: No module named"),
        ("open('none')\n", "line 1: FileNotFoundError: .*'none'"),
        ("import sys\nsys.exit(0)\n", "line 2: SystemExit: 0"),
        (ROUNDS.replace('"rounds"', '"hybrid"'), "has the name of another strategy, 'hybrid'"),
        (ROUNDS.replace('    name = "rounds"', ""), "the class Rounds needs a text `name`"),
        (EVACUATE + "    def __init__(self, most):\n        pass\n", "cannot be made: .*most"),
    ],
)
def test_a_file_that_is_no_strategy_is_told(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        strategy_named(str(written(tmp_path, text)))


def test_how_a_field_becomes_a_parameter_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, ROUNDS.replace("    most:", "    at_once: int = 5\n    most:"))
    with pytest.raises(InputError) as raised:
        strategy_named(f"{path}:at-once=6,most=0,least=1")
    plain, wrong, unknown = raised.value.faults
    assert re.fullmatch(
        r"at-once: no such parameter; it has most; Rounds\.at_once becomes one in a dataclass .* "
        r'as in at_once: int = parameters\.count\(5, "what it means"\)',
        plain,
    )
    assert wrong == "most = 0: not between 1 and 1000000000 (rounds while the VM runs)"
    assert unknown == "least: no such parameter; it has most"


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        strategy_named(str(tmp_path / "none.py"))


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ("vm.pages[0] / 0", "ZeroDivisionError: division by zero"),
        ("__import__('json').loads('')", "JSONDecodeError: .*"),  # within what it calls
        ("__import__('sys').exit(0)", "SystemExit: 0"),
    ],
)
def test_an_exception_of_a_strategy_is_told_with_its_place(
    tmp_path: Path, wrong: str, fault: str
) -> None:
    path = written(tmp_path, ROUNDS.replace("pages = vm.pages", f"pages = {wrong}"))
    done = migrate(tmp_path / "out", str(path))
    assert done.returncode == 1
    told = rf"migrate\.py: error: strategy rounds raises {fault} \(mine\.py, line 13\)"
    assert re.fullmatch(told, done.stderr.splitlines()[-1])
    assert not (tmp_path / "out").exists()
