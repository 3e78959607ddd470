# SPDX-License-Identifier: BSD-3-Clause
"""For gem5: a bare RISC-V program on gem5's RiscvBoard, a full system, while homes move.

gem5.opt tests/gem5/bare_metal.py FILE
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

import m5
from gem5.components.boards.riscv_board import RiscvBoard
from gem5.components.processors.cpu_types import CPUTypes
from gem5.components.processors.simple_processor import SimpleProcessor
from gem5.isas import ISA
from gem5.resources.resource import DiskImageResource, KernelResource
from m5.objects import DDR4_2400_8x8, Root

from homeshift.engines.gem5_component import HomeShiftCacheHierarchy, NodeMemory

MEMORY = 0x80000000
PAGE = 4096

hierarchy = HomeShiftCacheHierarchy("quad", exit_when_moved=True)
board = RiscvBoard(
    clk_freq="2GHz",
    processor=SimpleProcessor(cpu_type=CPUTypes.TIMING, isa=ISA.RISCV, num_cores=4),
    memory=NodeMemory(DDR4_2400_8x8, 4, size="256MiB"),
    cache_hierarchy=hierarchy,
)
program = sys.argv[1]
# The disk is never read.
board.set_kernel_disk_workload(KernelResource(program), DiskImageResource(program))
if board._pre_instantiate() is None:
    Root(full_system=True, board=board)
m5.instantiate()
home = 0
while True:
    home = (home + 1) % 4
    hierarchy.transfer([MEMORY + page * PAGE for page in range(8)], home)
    event = m5.simulate(10**11)
    if "a job of a migration engine" not in event.getCause():
        break
print(f"{hierarchy.regions_moved()} regions moved")
print(f"Exiting @ tick {m5.curTick()} because {event.getCause()}")
