# SPDX-License-Identifier: BSD-3-Clause
"""What is emitted as C++, and what is refused because the embedded engine has no such thing.

That the emitted controllers do what the protocol says is tested in tests/engine.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest
from calls import ROOT

from homeshift.slicc import load
from homeshift.slicc.__main__ import main
from homeshift.slicc.emit import write_cpp
from homeshift.slicc.hits import hits, only_keeps_state
from homeshift.slicc.mutants import mutants_of

PROTOCOL = ROOT / "src" / "protocol"


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
        start = code.index(f"void {machine.name}_Controller::transition(")
        body = code[start : code.index("\n}\n", start)]
        for transition in machine.transitions:
            case = (
                f"case key({machine.name}_State_{transition.state}, "
                f"{machine.name}_Event_{transition.event}):"
            )
            assert body.count(case) == 1


def test_hits_are_what_a_cache_answers_alone() -> None:
    machines = load(PROTOCOL / "MESI_HomeShift.slicc").machines
    found = {(name, t.state, t.event) for name, m in machines.items() for t in hits(m)}
    loads = {("L1Cache", state, "Load") for state in "SEM"}
    assert found == loads | {("L1Cache", state, "Store") for state in "EM"}


def test_a_hit_that_sends_something_is_none(tmp_path: Path) -> None:
    """A protocol whose cache tells the home of every store that hits."""
    old = "transition({E, M}, Store, M) {"
    protocol = copy_of_protocol(tmp_path, old, f"{old}\n    gm_sendGetM;")
    machine = load(protocol).machines["L1Cache"]
    assert {t.event for t in hits(machine)} == {"Load"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("mandatory_in.dequeue(clockEdge());", "{old} cache.profileDemandHit();"),
        ("cache.profileDemandHit();", "peek(mandatory_in, RubyRequest) {{ {old} }}"),
    ],
)
def test_a_hit_takes_its_request_by_an_action_of_its_own_and_looks_at_it_no_more(
    old: str, new: str, tmp_path: Path
) -> None:
    protocol = copy_of_protocol(tmp_path, old, new.format(old=old))
    assert hits(load(protocol).machines["L1Cache"]) == []


def test_a_port_that_does_more_than_trigger_has_no_hits(tmp_path: Path) -> None:
    old = "trigger(coreEvent(in_msg.Type)"
    protocol = copy_of_protocol(tmp_path, old, f"cache.profileDemandMiss();\n        {old}")
    assert hits(load(protocol).machines["L1Cache"]) == []


def test_a_cache_that_asks_other_caches_has_no_hits(tmp_path: Path) -> None:
    """The directory's name is where a miss says whom to ask."""
    old = "createMachineID(MachineType:Directory, home_table.lookup(machineID, address))"
    protocol = copy_of_protocol(tmp_path, old, old.replace("Directory", "L1Cache"))
    assert hits(load(protocol).machines["L1Cache"]) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("cache_entry.CacheState := state;", "cache_entry.CacheState := State:I;"),
        ("cache_entry.CacheState := state;", "{old} cache.profileDemandMiss();"),
        ("cache_entry.CacheState := state;", "{old} cache_entry.DataBlk := tbe.DataBlk;"),
        ("cache_entry.DataBlk := in_msg.DataBlk;", "{old} cache_entry.CacheState := State:E;"),
    ],
)
def test_a_state_that_stays_is_not_set_if_nothing_else_is(
    old: str, new: str, tmp_path: Path
) -> None:
    protocol = load(copy_of_protocol(tmp_path, old, new.format(old=old)))
    assert only_keeps_state(protocol.machines["L1Cache"]) == (not old)
    write_cpp(protocol, tmp_path)
    code = (tmp_path / "protocol.cc").read_text("utf-8")
    assert ("if (next != state) { setState(" in code) == (not old)


def test_mutants_and_the_checker_have_no_way_past_the_transitions(tmp_path: Path) -> None:
    protocol = load(PROTOCOL / "MESI_HomeShift.slicc")
    for name, arguments in {
        "engine": {},
        "checker": {"runtime": "checker"},
        "mutants": {"mutants": mutants_of(protocol)[:3]},
    }.items():
        write_cpp(protocol, tmp_path / name, **arguments)  # type: ignore[arg-type]
        has_hits = "run_hit" in (tmp_path / name / "protocol.cc").read_text("utf-8")
        assert has_hits == (name == "engine")


def test_the_same_protocol_is_emitted_the_same(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_cpp(load(PROTOCOL / "MESI_HomeShift.slicc"), tmp_path / name)
    for file in ("protocol.hh", "protocol.cc"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_an_action_can_be_called_as_what_the_engine_has(tmp_path: Path) -> None:
    """Small.slicc has one named `stall`."""
    write_cpp(load(Path(__file__).with_name("Small.slicc")), tmp_path)
    command = [*shlex.split(os.environ.get("CXX", "c++")), "-std=c++20", "-fsyntax-only", "-w"]
    where = ["-I", str(tmp_path), "-I", str(PROTOCOL.parent)]
    subprocess.run([*command, *where, str(tmp_path / "protocol.cc")], check=True)


def test_fields_and_variables_begin_with_their_defaults(tmp_path: Path) -> None:
    slicc = copy_of_protocol(
        tmp_path,
        "int PendingAcks,",
        'int PendingAcks, default="7",',
    )
    cache = tmp_path / "MESI_HomeShift-cache.sm"
    text = cache.read_text("utf-8")
    variable = "  TBETable TBEs,"
    assert text.count(variable) == 1
    cache.write_text(text.replace(variable, f'  int evicted, default="5";\n{variable}'), "utf-8")
    write_cpp(load(slicc), tmp_path)
    code = (tmp_path / "protocol.hh").read_text("utf-8")
    assert "    int PendingAcks = 7;" in code
    assert "    int evicted = 5;" in code
    assert "    L1Cache_State CacheState = L1Cache_State_I;" in code


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
