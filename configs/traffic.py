# SPDX-License-Identifier: BSD-3-Clause
"""Move homes under the traffic of gem5's own generators or CPUs, on boards of its standard library.

Examples:
    gem5.opt configs/traffic.py --machine tiny --cores 4 --transfers 100
    gem5.opt configs/traffic.py --machine tiny --cores 4 --footprint 1048576 --program ./a.out 3

A program is a static executable for gem5's ISA; what follows it are its arguments. It runs in
system-call emulation, with as many threads as there are cores at most.
"""

from __future__ import annotations

import argparse
import math
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from homeshift.errors import InputError, RunError, out_of_bounds
from homeshift.front_end import HelpFormatter, call, tells_errors
from homeshift.units import parse_time

REGION_BYTES = 4096
MEMORY_BYTES = 256 << 20  # and a little more, if these are not whole regions for each node
CPUS = ("timing", "minor", "o3")
BOUNDS = {
    "cores": (1, 10**6),
    "footprint": (REGION_BYTES, MEMORY_BYTES),
    "reads": (0, 100),
    "transfers": (0, 10**9),
}


@tells_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; return its exit status: 2: bad input, 1: a failed run."""
    _run(_parser().parse_args(arguments))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="traffic.py",
        description=(__doc__ or "").split("\n\n")[0],
        formatter_class=HelpFormatter,
    )
    add = parser.add_argument
    add("--machine", default="tiny", metavar="NAME|FILE", help="machine, or a TOML file of one")
    add("--cores", type=int, default=4, metavar="N", help="generators of random addresses, or CPUs")
    add("--footprint", type=int, default=65536, metavar="BYTES", help="memory whose homes move")
    add("--reads", type=int, default=70, metavar="PERCENT", help="share of reads, of generators")
    add("--duration", default="20us", metavar="TIME", help="of the traffic of generators")
    add("--transfers", type=int, default=100, metavar="N", help="of regions, one after the other")
    add("--cpu", default="timing", choices=CPUS, help="gem5's model that runs a program")
    add("--program", nargs=argparse.REMAINDER, metavar="FILE", help="to run, with its arguments")
    return parser


def _run(options: argparse.Namespace) -> None:
    # Imported here so that --help is quick.
    from homeshift.engines import inside_gem5

    faults = out_of_bounds(vars(options), BOUNDS)
    try:
        if parse_time(options.duration) == 0:
            faults.append(f"--duration {options.duration}: generators would never end")
    except ValueError as error:
        faults.append(f"--duration {options.duration}: {error}")
    if options.program == []:
        faults.append("--program: name the file, and after it the program's arguments")
    elif options.program and not Path(options.program[0]).is_file():
        faults.append(f"--program {options.program[0]}: no such file")
    if faults:
        raise InputError("the command line", faults)
    if not inside_gem5():
        raise RunError("this needs gem5; run it with gem5.opt: gem5.opt configs/traffic.py")
    import m5
    from m5.objects import Root

    from homeshift.engines.gem5_output import say_less
    from homeshift.machine import load_machine

    nodes = load_machine(options.machine).nodes
    make_board = _program_board if options.program else _generator_board
    try:
        board = make_board(options, nodes)
    except ImportError as error:
        if m5.defines.buildEnv.get("BUILD_ISA", True):
            raise
        raise RunError(
            f"{error}: since 24.1 gem5's standard library, which this uses, needs a gem5 built "
            "with an ISA"
        ) from error
    if board._pre_instantiate() is None:  # since 24.1 it makes the root itself
        Root(full_system=False, board=board)
    m5.instantiate()
    say_less()
    if not options.program:
        board.get_processor().start_traffic()
    hierarchy = board.get_cache_hierarchy()
    event = _move_homes(hierarchy, options, nodes)
    m5.stats.dump()
    print(f"traffic.py: {hierarchy.regions_moved()} regions moved")
    print(f"Exiting @ tick {m5.curTick()} because {event.getCause()}")
    if options.program and event.getCode() != 0:
        raise RunError(f"the program ended with status {event.getCode()}")


def _move_homes(hierarchy: Any, options: argparse.Namespace, nodes: int) -> Any:
    """Simulate to the end, and return what it was."""
    from homeshift.engines.gem5_loop import JOB_DONE, simulate

    homes = [0] * (options.footprint // REGION_BYTES)
    for number in range(options.transfers):
        region = number % len(homes)
        homes[region] = (homes[region] + 1) % nodes
        hierarchy.transfer([region * REGION_BYTES], homes[region])
        while hierarchy.home_of(region * REGION_BYTES) != homes[region]:
            event = simulate()
            if event.getCause() != JOB_DONE:
                return event
    return simulate()


def _memory(nodes: int) -> Any:
    from m5.objects import DDR4_2400_8x8

    from homeshift.engines.gem5_component import NodeMemory

    regions = math.ceil(MEMORY_BYTES / (nodes * REGION_BYTES))  # of a node
    return NodeMemory(DDR4_2400_8x8, nodes, size=f"{nodes * regions * REGION_BYTES}B")


def _generator_board(options: argparse.Namespace, nodes: int) -> Any:
    from gem5.components.boards.test_board import TestBoard
    from gem5.components.processors.random_generator import RandomGenerator

    from homeshift.engines.gem5_component import HomeShiftCacheHierarchy

    return TestBoard(
        clk_freq="2GHz",
        generator=RandomGenerator(
            num_cores=options.cores,
            duration=options.duration,
            rate="2GB/s",
            max_addr=options.footprint,
            rd_perc=options.reads,
        ),
        memory=_memory(nodes),
        cache_hierarchy=HomeShiftCacheHierarchy(options.machine, exit_when_moved=True),
    )


def _program_board(options: argparse.Namespace, nodes: int) -> Any:
    import m5

    if not m5.defines.buildEnv.get("BUILD_ISA", True):
        raise RunError("--program: this gem5 was built without an ISA (see docs/gem5.md)")
    from gem5.components.boards.simple_board import SimpleBoard
    from gem5.components.processors.cpu_types import CPUTypes
    from gem5.components.processors.simple_processor import SimpleProcessor
    from gem5.isas import ISA
    from gem5.resources.resource import BinaryResource
    from gem5.runtime import get_supported_isas

    from homeshift.engines.gem5_component import HomeShiftCacheHierarchy
    from homeshift.engines.gem5_vms import PREFIXES
    from homeshift.workload import program_workload

    program = program_workload(shlex.join(options.program))
    isa = ISA[PREFIXES[program.isa].upper()]
    if isa not in get_supported_isas():
        raise RunError(f"--program: this gem5 was built without {program.isa} (see docs/gem5.md)")
    board = SimpleBoard(
        clk_freq="2GHz",
        processor=SimpleProcessor(cpu_type=CPUTypes(options.cpu), isa=isa, num_cores=options.cores),
        memory=_memory(nodes),
        cache_hierarchy=HomeShiftCacheHierarchy(options.machine, exit_when_moved=True),
    )
    binary, *arguments = program.command
    board.set_se_binary_workload(BinaryResource(local_path=binary), arguments=arguments)
    return board


if __name__ in ("__main__", "__m5_main__"):
    sys.exit(call(main))
