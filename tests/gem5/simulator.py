# SPDX-License-Identifier: BSD-3-Clause
"""For gem5: the component on a board that gem5's Simulator runs, a machine of three nodes.

gem5.opt tests/gem5/simulator.py

Node 0 has the only core, which uses node 0's part of the memory; then one of its homes moves.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

import m5
from gem5.components.boards.test_board import TestBoard
from gem5.components.processors.random_generator import RandomGenerator
from gem5.simulate.simulator import Simulator
from m5.objects import DDR4_2400_8x8

from homeshift.engines.gem5_component import HomeShiftCacheHierarchy, NodeMemory
from homeshift.errors import InputError

PART = 1 << 20

hierarchy = HomeShiftCacheHierarchy("tiny:nodes=3")
simulator = Simulator(
    board=TestBoard(
        clk_freq="2GHz",
        generator=RandomGenerator(num_cores=1, duration="20us", rate="2GB/s", max_addr=16384),
        memory=NodeMemory(DDR4_2400_8x8, 3, size=f"{3 * PART}B"),
        cache_hierarchy=hierarchy,
    ),
    max_ticks=5 * 10**6,
)
simulator.run()
m5.stats.dump()
for addresses, node in (([0, 3 * PART, 1 << 50, -1], 3), ([0], -1)):
    try:
        hierarchy.transfer(addresses, node)
    except InputError as error:
        print(error)
try:
    hierarchy.home_of(3 * PART)
except InputError as error:
    print(error)
hierarchy.transfer([100], 2)
simulator.run()
print(f"the home is node {hierarchy.home_of(0)}, at tick {m5.curTick()}")
print(f"Exiting @ tick {m5.curTick()} because {simulator.get_last_exit_event_cause()}")
