# SPDX-License-Identifier: BSD-3-Clause
"""What is emitted as C++, and what is refused because the embedded engine has no such thing.

That the emitted controllers do what the protocol says is tested in tests/engine.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from homeshift.slicc import load
from homeshift.slicc.__main__ import main
from homeshift.slicc.emit import write_cpp

PROTOCOL = Path(__file__).resolve().parents[2] / "src" / "protocol"


def copy_of_protocol(to: Path, old: str, new: str) -> Path:
    """Write a copy of the protocol with one text replaced, which must be there."""
    found = False
    for file in PROTOCOL.iterdir():
        text = file.read_text("utf-8")
        found = found or old in text
        (to / file.name).write_text(text.replace(old, new), "utf-8")
    assert found
    return to / "MESI_HomeShift.slicc"


def test_every_transition_is_one_case_of_its_machine(tmp_path: Path) -> None:
    protocol = load(PROTOCOL / "MESI_HomeShift.slicc")
    write_cpp(protocol, tmp_path)
    code = (tmp_path / "protocol.cc").read_text("utf-8")
    for machine in protocol.machines.values():
        for transition in machine.transitions:
            case = (
                f"case key({machine.name}_State_{transition.state}, "
                f"{machine.name}_Event_{transition.event}):"
            )
            assert code.count(case) == 1


def test_the_same_protocol_is_emitted_the_same(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_cpp(load(PROTOCOL / "MESI_HomeShift.slicc"), tmp_path / name)
    for file in ("protocol.hh", "protocol.cc"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_functions_of_functional_accesses_are_left_out(tmp_path: Path) -> None:
    write_cpp(load(PROTOCOL / "MESI_HomeShift.slicc"), tmp_path)
    code = (tmp_path / "protocol.cc").read_text("utf-8")
    assert "functionalRead" not in code
    assert "AccessPermission" not in code


def test_what_the_engine_lacks_is_refused_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slicc = copy_of_protocol(
        tmp_path, "if (command_in.isReady(clockEdge())) {", "if (command_in.isEmpty() == false) {"
    )
    assert main(["emit", str(slicc), "-o", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert "MESI_HomeShift-dma.sm:" in error
    assert "the embedded engine does not provide 'isEmpty' of an in_port" in error
