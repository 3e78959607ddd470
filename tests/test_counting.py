# SPDX-License-Identifier: BSD-3-Clause
"""The events and states that engines/counting.py names are those of the protocol.

A name that is there no more would count 0, and say nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeshift.check.build import default_protocol
from homeshift.engines import counting
from homeshift.engines.base import Counters
from homeshift.slicc import load
from homeshift.slicc.model import Machine

MACHINES = load(default_protocol()).machines


def calls_of_home() -> Iterator[list[str]]:
    """The names that home() is called with: an event, and states."""
    for node in ast.walk(ast.parse(Path(counting.__file__).read_text("utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "home":
            yield [ast.literal_eval(argument) for argument in node.args]


def events_of_memory() -> Iterator[str]:
    for node in ast.walk(ast.parse(Path(counting.__file__).read_text("utf-8"))):
        match node:
            case ast.Subscript(value=ast.Name("memory"), slice=ast.Constant(str(event))):
                yield event


def pairs(machine: Machine) -> set[tuple[str, str]]:
    return {(t.state, t.event) for t in machine.transitions}


def test_homes_have_the_transitions_that_are_counted() -> None:
    home = pairs(MACHINES["Directory"])
    counted = [*calls_of_home(), *([event] for event in counting._VM_REQUESTS)]
    counted += [[event] for event in counting._SLC_ACCESSES]
    assert ["Depart", "I", "S", "EM"] in counted
    for event, *states in counted:
        for state in states:
            assert (state, event) in home
        assert event in {taken for _, taken in home}, event


def test_memories_have_the_events_that_are_counted() -> None:
    events = set(events_of_memory())
    assert events == {"Read", "Write"}
    assert events <= {event for _, event in pairs(MACHINES["Memory"])}


def counted(*transitions: tuple[str, str, int]) -> Counters:
    return counting.counters(
        [("Directory", 0, state, event, count) for state, event, count in transitions],
        between_nodes={},
        on_links={},
    )


def test_what_a_fence_recalls_is_the_migrations_wherever_it_is_written() -> None:
    """To the slice, or through to memory if that has no room; what a VM's read recalls is not."""
    fenced = counted(("F_D", "WbDirty", 5), ("F_D", "WbThrough", 3), ("S_D", "WbThrough", 7))
    assert fenced.migration_slc_accesses == 5
    assert fenced.migration_dram_writes == 3


@pytest.mark.parametrize(
    ("state", "event", "fenced"),
    [
        *(("I", "Recall", 3), ("S", "Recall", 3), ("EM", "Recall", 3)),
        *(("EM", "RecallOwner", 3), ("S", "RecallSharers", 3), ("S", "RecallSharers_All", 3)),
        ("F_D", "Recall", 0),
    ],
)
def test_a_fence_looks_up_each_record_once_whatever_it_finds(
    state: str, event: str, fenced: int
) -> None:
    """A record on which something is under way is looked up again when that has ended."""
    found = counted((state, event, 3))
    assert found.migration_directory_accesses == found.directory_accesses == fenced


@pytest.mark.parametrize(("state", "recalled"), [("F_D", 3), ("S_D", 0), ("S_DU", 0)])
def test_what_comes_to_a_slice_is_the_migrations_only_if_a_fence_recalls_it(
    state: str, recalled: int
) -> None:
    found = counted((state, "WbDirty", 3))
    assert found.slc_accesses == 3
    assert found.migration_slc_accesses == recalled
