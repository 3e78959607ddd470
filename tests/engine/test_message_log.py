# SPDX-License-Identifier: BSD-3-Clause
"""Single messages: those that are noted are those that were sent, and noting changes nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any

from machines import LINE, MEMORY, PAGE, settle, small, stop, streams, wait_for

from homeshift._engine import System

EVERYTHING = 10**6
Note = tuple[str, str, int, str, tuple[int, str, int], tuple[int, str, int], int, int]


def busy(*, most: int | None, **changes: Any) -> tuple[System, list[Note]]:
    """A machine after 3,000 cycles of a VM with memory on both nodes, and the messages noted."""
    system = System(small(**changes))
    frames = [page * PAGE for page in range(4)] + [MEMORY + page * PAGE for page in range(4)]
    vm = system.add_vm(frames, streams(4, vm_bytes=8 * PAGE))
    if most is not None:
        system.open_message_log(most)
    system.start_vm(vm, [0, 1, 2, 3])
    system.run(3000)
    system.transfer(0, [0, PAGE], 1)
    stop(system, vm)
    settle(system)
    return system, system.take_message_log()


def test_a_miss_is_five_messages_with_the_hops_of_their_ways() -> None:
    system = System(small())
    system.open_message_log(EVERYTHING)
    system.probe(0, MEMORY + 3 * LINE, False)
    settle(system)
    notes = system.take_message_log()
    cache, home, memory = (0, "L1Cache", 0), (1, "Directory", 1), (1, "Memory", 1)
    assert [(n[1], n[2], n[4], n[5]) for n in notes] == [
        ("GetS", MEMORY + 3 * LINE, cache, home),
        ("Read", MEMORY + 3 * LINE, home, memory),
        ("Data", MEMORY + 3 * LINE, memory, home),
        ("DataE", MEMORY + 3 * LINE, home, cache),
        ("Unblock", MEMORY + 3 * LINE, cache, home),
    ]
    far, near = 3 * 1 + 2 * 5 + 1, 1 + 1  # routers, links and the way to the controller
    stage, look_up = 1, 2  # cycles until a message leaves: see small()
    ways = [sent_arrived[7] - sent_arrived[6] for sent_arrived in notes]
    assert ways == [stage + far, look_up + near, stage + near, stage + far, stage + far]


def test_every_message_that_is_counted_is_noted() -> None:
    system, notes = busy(most=EVERYTHING)
    assert Counter(note[3] for note in notes) == system.all_messages()
    assert len(notes) > 1000


def test_invalidations_of_several_copies_are_several_messages() -> None:
    system = System(small())
    for core in (0, 1, 2):
        system.probe(core, 0, False)
    settle(system)
    system.open_message_log(EVERYTHING)
    system.probe(3, 0, True)
    settle(system)
    kinds = Counter(note[1] for note in system.take_message_log())
    assert kinds["Inv"] == 3
    assert kinds["InvAck"] == 3
    assert kinds["GetM"] == 1


def test_noting_messages_changes_nothing() -> None:
    for changes in ({}, {"jitter": 7, "jitter_seed": 3}, {"bytes_per_cycle": 1.0}):
        plain, none = busy(most=None, **changes)
        watched, notes = busy(most=EVERYTHING, **changes)
        assert none == []
        assert notes != []
        assert plain.now == watched.now
        assert plain.transitions() == watched.transitions()


def test_messages_arrive_after_they_were_sent_with_jitter_too() -> None:
    _, notes = busy(most=EVERYTHING, jitter=7, jitter_seed=3)
    assert all(arrived > sent for *_, sent, arrived in notes)


def test_no_more_than_asked_for_are_noted_and_they_are_the_first() -> None:
    _, everything = busy(most=EVERYTHING)
    _, some = busy(most=50)
    firsts = sorted(note[6] for note in everything)[:50]
    assert len({tuple(note) for note in some}) >= 50
    assert max(note[6] for note in some) == firsts[-1]


def test_what_was_sent_before_the_end_is_noted_even_if_it_arrives_later() -> None:
    system = System(small(bytes_per_cycle=1.0))
    system.open_message_log(EVERYTHING)
    job = system.copy(0, [MEMORY], [0], 8 * LINE)
    system.run(60)
    end = system.now
    system.close_message_log()
    wait_for(system, job)
    notes = system.take_message_log()
    assert max(note[6] for note in notes) <= end < max(note[7] for note in notes)
    system.probe(0, 0, False)
    assert system.take_message_log() == []
