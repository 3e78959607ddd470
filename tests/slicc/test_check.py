# SPDX-License-Identifier: BSD-3-Clause
"""Is every fault found, said in full, and shown where it is?

`Small.slicc` is a correct protocol. Each entry of faults/*.txt changes it and gives the whole text
of the diagnostics that must come of it:

    # what is wrong
    - old text
    + new text
    Small-cache.sm:12:3: error: ...
        the line
        ^^^
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from homeshift.errors import InputError
from homeshift.slicc import SliccError, ast, load, load_checked
from homeshift.slicc.walk import walk

FOLDER = Path(__file__).parent
SMALL = FOLDER / "Small.slicc"


@dataclass(slots=True)
class Fault:
    """An entry: what to change, each old text with its new one, and what must be said."""

    name: str
    edits: list[tuple[list[str], list[str]]] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)


def read_faults() -> list[Fault]:
    faults: list[Fault] = []
    for path in sorted((FOLDER / "faults").glob("*.txt")):
        for line in path.read_text("utf-8").splitlines():
            if line.startswith("# "):
                faults.append(Fault(f"{path.stem}: {line[2:]}"))
            elif line[:1] == "-":
                if not faults[-1].edits or faults[-1].edits[-1][1]:
                    faults[-1].edits.append(([], []))
                faults[-1].edits[-1][0].append(line[2:])
            elif line[:1] == "+":
                faults[-1].edits[-1][1].append(line[2:])
            elif line:
                faults[-1].expected.append(line)
    return faults


FAULTS = read_faults()


def diagnose(path: Path) -> str:
    try:
        checked = load_checked(path)
    except SliccError as error:
        return str(error)
    return "\n".join(warning.render(checked.sources) for warning in checked.warnings)


def without_blank_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_fault_is_reported_where_it_is(fault: Fault, tmp_path: Path) -> None:
    text = (FOLDER / "Small-cache.sm").read_text("utf-8")
    for old, new in fault.edits:
        assert "\n".join(old) in text
        text = text.replace("\n".join(old), "\n".join(new), 1)
    shutil.copy(SMALL, tmp_path)
    (tmp_path / "Small-cache.sm").write_text(text, "utf-8")

    assert without_blank_lines(diagnose(tmp_path / "Small.slicc")) == fault.expected


def test_correct_protocol_has_no_diagnostic() -> None:
    assert diagnose(SMALL) == ""


def test_all_faults_are_reported_at_once(tmp_path: Path) -> None:
    text = (FOLDER / "Small-cache.sm").read_text("utf-8")
    text = text.replace("wakeUpAllBuffers(address);", "wakeUpAllBuffers(adress);")
    text = text.replace("{ drop; }", "{ dorp; }")
    shutil.copy(SMALL, tmp_path)
    (tmp_path / "Small-cache.sm").write_text(text, "utf-8")
    with pytest.raises(SliccError) as caught:
        load(tmp_path / "Small.slicc")
    assert [d.position.line for d in caught.value.diagnostics] == [208, 213]
    assert caught.value.exit_status == 2


def test_protocol_can_have_the_options_of_gem5_24_1(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "Small-cache.sm", tmp_path)
    small = tmp_path / "Small.slicc"
    right = 'protocol "Small" use_secondary_load_linked, partial_func_reads;\n'
    small.write_text(right + 'include "Small-cache.sm";\n', "utf-8")
    assert diagnose(small) == ""
    small.write_text(right.replace("func", "fnc") + 'include "Small-cache.sm";\n', "utf-8")
    assert without_blank_lines(diagnose(small))[0] == (
        "Small.slicc:1:45: error: a protocol has no option 'partial_fnc_reads' "
        "(did you mean 'partial_func_reads'?)"
    )


def test_missing_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file or directory"):
        load(tmp_path / "none.slicc")


def test_a_part_of_a_protocol_is_told_in_one_sentence() -> None:
    with pytest.raises(InputError, match="names no protocol, as a part of one"):
        load(SMALL.with_name("Small-cache.sm"))


def test_model_holds_what_emitters_need() -> None:
    machine = load(SMALL).machines["L1Cache"]
    assert machine.description == "a cache"
    assert [p.name for p in machine.parameters if p.network] == ["toHome", "fromHome"]
    assert machine.parameters[4].virtual_network == 0
    assert machine.states["IV_D"].permission == "Busy"
    assert machine.tbe is not None
    assert machine.tbe.unique_name == "L1Cache_TBE"
    assert machine.entry is machine.function("getCacheEntry").return_type
    assert [port.name for port in machine.in_ports] == ["home_in", "core_in"]
    assert machine.in_ports[0].rank == 1
    assert machine.actions["sendGet"].short == "g"
    assert machine.missing == (("I", "Replacement"), ("I", "Data"), ("V", "Data"))


def test_transitions_are_flattened() -> None:
    machine = load(SMALL).machines["L1Cache"]
    flat = [(t.state, t.event, t.next_state, t.actions) for t in machine.transitions]
    assert flat[0] == ("I", "Load", "IV_D", ("allocate", "sendGet", "popCore"))
    assert flat[3:5] == [
        ("IV_D", "Load", "IV_D", ("stall",)),
        ("IV_D", "Replacement", "IV_D", ("stall",)),
    ]


def test_every_expression_of_a_body_has_its_type() -> None:
    machine = load(SMALL).machines["L1Cache"]
    bodies = [f.body for f in machine.functions if f.body is not None]
    bodies += [a.body for a in machine.actions.values()] + [p.body for p in machine.in_ports]
    untyped = [
        node
        for body in bodies
        for node in walk(body)
        if isinstance(node, ast.Expression) and node.note.type is None
    ]
    # The flag of DPRINTF is no variable.
    assert [node.name for node in untyped if isinstance(node, ast.Name)] == ["RubySlicc"]
    assert len(untyped) == 1


def test_names_and_calls_know_what_they_stand_for() -> None:
    machine = load(SMALL).machines["L1Cache"]
    nodes = list(walk(machine.actions["loadHit"].body))
    names = {node.name: node.note.variable for node in nodes if isinstance(node, ast.Name)}
    kinds = {name: variable.kind for name, variable in names.items() if variable}
    assert kinds == {
        "address": "implicit",
        "cache_entry": "implicit",
        "sequencer": "machine parameter",
    }
    (call,) = [node for node in nodes if isinstance(node, ast.MethodCall)]
    assert call.note.function is not None
    assert call.note.function.signature == "readCallback(Addr, DataBlock)"
