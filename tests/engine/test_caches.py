# SPDX-License-Identifier: BSD-3-Clause
"""Cache arrays: who has to go, and what an array can hold."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from machines import LINE, small

from homeshift._engine import System

SETS = 2  # of a cache of `small()`
LINES = [way * SETS * LINE for way in range(3)]  # all of one set, which holds two
HIT = 1


def evicted(pause: int) -> set[int]:
    """Load two lines with a pause between them, then a third; return which of them has gone."""
    system = System(small())
    system.run(100)
    system.probe(0, LINES[0], False)
    system.run(pause)
    system.probe(0, LINES[1], False)
    system.probe(0, LINES[2], False)
    return {line for line in LINES if system.probe(0, line, False) > HIT}


# Times are kept with 32 bits: after nearly 2^32 cycles a later one could look like an earlier one.
@pytest.mark.parametrize("pause", [0, 1 << 20, (1 << 32) - (1 << 16), (1 << 32) - 50, 1 << 34])
def test_the_line_that_was_not_used_for_longest_goes_however_long_that_is(pause: int) -> None:
    assert LINES[0] in evicted(pause)


# Times begin anew at the first use after that, which is of one of the lines or of another set.
@pytest.mark.parametrize("first", [[], [LINE]], ids=["same set", "other set"])
def test_the_order_of_use_stays_when_times_begin_anew(first: list[int]) -> None:
    system = System(small())
    older, newer, third = LINES[1], LINES[0], LINES[2]
    for line in (newer, older):
        system.probe(0, line, False)
    if first:
        system.probe(0, newer, False)
    system.run(1 << 32)
    for line in first or [newer]:
        system.probe(0, line, False)
    system.probe(0, third, False)
    assert system.probe(0, newer, False) == HIT
    assert system.probe(0, older, False) > HIT


def test_a_cache_with_too_few_sets_for_the_memory_is_refused() -> None:
    one_set = {"cache_bytes": 2 * LINE, "region_bytes": 1 << 30}
    System(small(memory_bytes=1 << 36, **one_set))
    with pytest.raises(ValueError, match="cannot tell so many lines apart"):
        System(small(memory_bytes=1 << 38, **one_set))


# Eight ways are looked at at once: fewer, some more, and twice as many.
@pytest.mark.parametrize("ways", [1, 2, 5, 8, 12, 16, 17])
def test_a_set_keeps_the_lines_that_were_used_last(ways: int) -> None:
    system = System(small(cache_bytes=SETS * ways * LINE, cache_associativity=ways))
    chance = random.Random(ways)
    kept: dict[int, list[int]] = {}  # by set, the one used last at the end
    for _ in range(40 * ways):
        line = chance.randrange(3 * ways * SETS // 2)
        lines = kept.setdefault(line % SETS, [])
        hit = system.probe(0, line * LINE, False) == HIT
        assert hit == (line in lines)
        lines[:] = [*(other for other in lines if other != line), line][-ways:]


# Messages are kept for those to come, by each thread: what one has made may go in another.
def test_a_machine_goes_on_in_another_thread() -> None:
    with ThreadPoolExecutor(1) as other:
        system = other.submit(System, small()).result()
        first = [other.submit(system.probe, 0, line, True).result() for line in LINES]
    again = System(small())
    assert first == [again.probe(0, line, True) for line in LINES]
    assert [system.probe(1, line, True) for line in LINES] == [
        again.probe(1, line, True) for line in LINES
    ]
