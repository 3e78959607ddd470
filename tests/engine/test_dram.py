# SPDX-License-Identifier: BSD-3-Clause
"""What DRAM serves, when, and how its bus is counted; its latencies are in test_timing.py."""

from __future__ import annotations

import pytest
from machines import LINE, MEMORY, PAGE, small

from homeshift._engine import System

FAR = MEMORY + PAGE  # in the memory of node 1


def dram(system: System, node: int) -> tuple[int, int, int]:
    """Return reads, writes, and the ps in which the bus was in use."""
    counts = system.node_counts()[node]
    return counts["dram_reads"], counts["dram_writes"], counts["dram_busy_ps"]


@pytest.mark.parametrize("line_time_ps", [300, 1000, 1344, 2500, 7777])
def test_the_bus_is_in_use_for_a_line_an_access_however_often_it_is_looked_at(
    line_time_ps: int,
) -> None:
    system = System(small(line_time_ps=line_time_ps, slc_bytes=128, outstanding_lines=32))
    job = system.copy(0, [0], [FAR], PAGE)
    reads = writes = busy = looks = 0
    while system.left(job):
        system.reset_statistics()
        system.run(13)
        done, busy_ps = dram(system, 0)[0], dram(system, 0)[2]
        assert busy_ps <= 13 * 1000
        reads, busy, looks = reads + done, busy + busy_ps, looks + 1
        writes += dram(system, 1)[1]
    system.reset_statistics()
    system.run(100)
    assert looks > 5
    assert (reads, writes + dram(system, 1)[1]) == (PAGE // LINE, PAGE // LINE)
    assert busy + dram(system, 0)[2] == reads * line_time_ps


@pytest.mark.parametrize(
    ("line_time_ps", "cycles_a_line"), [(1, 1), (900, 1), (1000, 1), (2000, 2), (2500, 2.5)]
)
def test_a_line_a_cycle_is_the_most_that_it_serves(line_time_ps: int, cycles_a_line: float) -> None:
    """A copy with any number of lines under way, over links that carry any of them at once."""
    spec = small(line_time_ps=line_time_ps, outstanding_lines=64, bytes_per_cycle=10_000.0)
    ends = []
    for lines in (16, 48):
        system = System(spec)
        job = system.copy(0, [0], [FAR], lines * LINE)
        while system.left(job):
            system.wait(None)
        ends.append(system.now)
    assert ends[1] - ends[0] == pytest.approx(32 * cycles_a_line, abs=1)


@pytest.mark.parametrize(
    ("latency_ps", "cycles"), [(10_000, 10), (10_001, 11), (10_999, 11), (11_000, 11)]
)
def test_an_answer_waits_for_the_next_edge_of_the_clock(latency_ps: int, cycles: int) -> None:
    ten = System(small(memory_latency_ps=10_000)).probe(0, 0, False)
    assert System(small(memory_latency_ps=latency_ps)).probe(0, 0, False) == ten + cycles - 10


COMMAND, REQUEST, HOP, HOME, TO_DRAM = 1, 1, 2, 2, 1  # cycles, see `small()`
AT_DRAM = COMMAND + REQUEST + HOP + HOME + HOP + TO_DRAM  # when a copy can read memory here


def begun(line_time_ps: int, latency_ps: int, *, another_at: int | None = None) -> list[int]:
    """Return the cycles, after the first one, in which reads begin that come all at once.

    another_at: cycle, likewise, in which one more comes to the memory.
    """
    system = System(
        small(line_time_ps=line_time_ps, memory_latency_ps=latency_ps, outstanding_lines=64)
    )
    system.copy(0, [0], [FAR], 32 * LINE)
    cycles: list[int] = []
    for cycle in range(AT_DRAM + 20):
        if another_at is not None and cycle == another_at + TO_DRAM:
            system.copy(0, [PAGE], [FAR + PAGE], LINE)
        cycles += [cycle - AT_DRAM] * (dram(system, 0)[0] - len(cycles))
        system.run(1)
    return cycles


def multiples(line_time_ps: int) -> list[int]:
    """Return the cycles in which lines begin that follow each other without a gap."""
    return [start // 1000 for start in range(0, 20_000, line_time_ps)]


# Of 1,090 ps, the line that is handed over in cycle 12 begins at 13,080 ps. In cycle 13 the memory
# hands over none, since one waits, and nothing wakes it up in cycle 14.
def test_a_bus_that_is_a_little_slower_than_the_clock_has_gaps() -> None:
    assert multiples(1090)[:13] == [*range(12), 13]
    assert begun(1090, 100_000) == [*range(12), 13, 15, 16, 17, 18, 19]


@pytest.mark.parametrize(
    ("latency_ps", "another_at"), [(10_000, None), (100_000, 14)], ids=["answer", "request"]
)
def test_whatever_wakes_the_memory_up_closes_the_gap(
    latency_ps: int, another_at: int | None
) -> None:
    assert begun(1090, latency_ps, another_at=another_at) == multiples(1090)


# Of 1,100 ps, the one that is handed over in cycle 10 begins with cycle 11.
@pytest.mark.parametrize("line_time_ps", [1100, 1500, 2000, 2500])
def test_a_bus_without_gaps_serves_line_after_line(line_time_ps: int) -> None:
    assert begun(line_time_ps, 100_000) == multiples(line_time_ps)


def test_an_access_counts_from_the_cycle_in_which_it_begins() -> None:
    spec = small(line_time_ps=2500)
    watched, reset = System(spec), System(spec)
    for system in (watched, reset):
        system.copy(0, [0], [FAR], LINE)
    watched.run(AT_DRAM - 1)
    assert dram(watched, 0) == (0, 0, 0)
    seen = []
    for _ in range(3):
        watched.run(1)
        seen.append(dram(watched, 0))
    assert seen == [(1, 0, 999), (1, 0, 1999), (1, 0, 2500)]  # up to the last ps of the cycle
    reset.run(AT_DRAM)
    reset.reset_statistics()
    reset.run(2)
    assert dram(reset, 0) == (0, 0, 2500 - 999)
