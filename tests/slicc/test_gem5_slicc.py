# SPDX-License-Identifier: BSD-3-Clause
"""gem5's own SLICC compiler takes the protocol. Set GEM5_ROOT to a gem5 source tree to run this.

Accepted by gem5 24.0.0.1 and by gem5 24.1.0.1 when it was last run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from calls import ROOT

SOURCES = ROOT / "src"
PROTOCOL = SOURCES / "protocol" / "MESI_HomeShift.slicc"
SEVERAL = SOURCES / "gem5" / "homeshift" / "several_protocols" / PROTOCOL.name

# The plugin declares the same classes to gem5's SLICC, which knows a closed list of them.
COMPILE = """
import sys
root, protocol, several, out = sys.argv[1:]
sys.path[:0] = [root + part for part in ("/src/mem", "/ext/ply", "/src/python", "/build_tools")]
from slicc.symbols.StateMachine import python_class_map
for name in ("HomeTable", "HomeDirectory", "MigrationEngine"):
    python_class_map[name] = name
from slicc.parser import SLICC
own = root + "/src/mem/ruby/protocol"
if several:
    slicc = SLICC(protocol, [own + "/RubySlicc_interfaces.slicc"], own, verbose=False)
else:
    slicc = SLICC(protocol, own, verbose=False)
slicc.process()
slicc.writeCodeFiles(out, ["mem/ruby/slicc_interface/RubySlicc_includes.hh"])
"""


def several_protocols() -> bool:
    """Whether the tree is of gem5 24.1 or later, where a binary can have several protocols."""
    root = os.environ.get("GEM5_ROOT", "")
    if not root:
        pytest.skip("GEM5_ROOT does not name a gem5 source tree")
    return (Path(root) / "src/mem/ruby/slicc_interface/ProtocolInfo.hh").exists()


def compile_with_gem5(sources: Path, out: Path) -> subprocess.CompletedProcess[str]:
    several = several_protocols()
    protocol = sources / (SEVERAL if several else PROTOCOL).relative_to(SOURCES)
    return subprocess.run(
        [
            *(sys.executable, "-c", COMPILE, os.environ["GEM5_ROOT"]),
            *(protocol, "several" if several else "", out),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def test_gem5_compiles_the_protocol(tmp_path: Path) -> None:
    done = compile_with_gem5(SOURCES, tmp_path)
    assert done.returncode == 0, done.stderr
    for machine in ("L1Cache", "Directory", "Memory", "DMA"):
        assert list(tmp_path.rglob(f"{machine}_Controller.cc"))


def test_gem5_refuses_a_broken_protocol(tmp_path: Path) -> None:
    for file in (*PROTOCOL.parent.iterdir(), SEVERAL):
        text = file.read_text("utf-8").replace("trigger(Event:Recall", "trigger(Event:X")
        broken = tmp_path / file.relative_to(SOURCES)
        broken.parent.mkdir(parents=True, exist_ok=True)
        broken.write_text(text, "utf-8")
    done = compile_with_gem5(tmp_path, tmp_path / "out")
    assert done.returncode != 0
    assert "'Event' does not have enumeration 'X'" in done.stderr


def test_both_versions_of_gem5_get_the_same_files() -> None:
    def included(protocol: Path) -> list[Path]:
        names = re.findall(r'(?m)^include "(.*)";$', protocol.read_text("utf-8"))
        return [(protocol.parent / name).resolve() for name in names]

    gem5s_own, *ours = included(PROTOCOL)
    assert gem5s_own.name == "RubySlicc_interfaces.slicc"
    assert ours == included(SEVERAL)
    assert all(file.exists() for file in ours)
