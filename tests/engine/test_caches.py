# SPDX-License-Identifier: BSD-3-Clause
"""Cache arrays: who has to go, and what an array can hold."""

from __future__ import annotations

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


def test_a_cache_with_too_few_sets_for_the_memory_is_refused() -> None:
    one_set = {"cache_bytes": 2 * LINE, "region_bytes": 1 << 30}
    System(small(memory_bytes=1 << 36, **one_set))
    with pytest.raises(ValueError, match="cannot tell so many lines apart"):
        System(small(memory_bytes=1 << 38, **one_set))
