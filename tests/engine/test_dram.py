# SPDX-License-Identifier: BSD-3-Clause
"""What DRAM serves, when, and how its bus is counted; its latencies are in test_timing.py."""

from __future__ import annotations

import pytest
from machines import LINE, PAGE, small

from homeshift._engine import System

FAR = (1 << 20) + PAGE  # in the memory of node 1


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
