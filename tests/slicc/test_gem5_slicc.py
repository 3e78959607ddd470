# SPDX-License-Identifier: BSD-3-Clause
"""gem5's own SLICC compiler takes the protocol. Set GEM5_ROOT to a gem5 source tree to run this.

Accepted by gem5 24.0.0.1 when it was last run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROTOCOL = Path(__file__).resolve().parents[2] / "src" / "protocol" / "MESI_HomeShift.slicc"

# The plugin declares the same classes to gem5's SLICC, which knows a closed list of them.
COMPILE = """
import sys
root, protocol, out = sys.argv[1:]
sys.path[:0] = [root + part for part in ("/src/mem", "/ext/ply", "/src/python", "/build_tools")]
from slicc.symbols.StateMachine import python_class_map
for name in ("HomeTable", "HomeDirectory", "MigrationEngine"):
    python_class_map[name] = name
from slicc.parser import SLICC
slicc = SLICC(protocol, root + "/src/mem/ruby/protocol", verbose=False)
slicc.process()
slicc.writeCodeFiles(out, ["mem/ruby/slicc_interface/RubySlicc_includes.hh"])
"""


def compile_with_gem5(protocol: Path, out: Path) -> subprocess.CompletedProcess[str]:
    root = os.environ.get("GEM5_ROOT", "")
    if not root:
        pytest.skip("GEM5_ROOT does not name a gem5 source tree")
    return subprocess.run(
        [sys.executable, "-c", COMPILE, root, protocol, out],
        capture_output=True,
        text=True,
        check=False,
    )


def test_gem5_compiles_the_protocol(tmp_path: Path) -> None:
    done = compile_with_gem5(PROTOCOL, tmp_path)
    assert done.returncode == 0, done.stderr
    for machine in ("L1Cache", "Directory", "Memory", "DMA"):
        assert (tmp_path / f"{machine}_Controller.cc").exists()


def test_gem5_refuses_a_broken_protocol(tmp_path: Path) -> None:
    for file in PROTOCOL.parent.iterdir():
        text = file.read_text("utf-8")
        (tmp_path / file.name).write_text(text.replace("trigger(Event:Recall", "trigger(Event:X"))
    done = compile_with_gem5(tmp_path / PROTOCOL.name, tmp_path / "out")
    assert done.returncode != 0
