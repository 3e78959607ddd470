# SPDX-License-Identifier: BSD-3-Clause
"""Move homes under the traffic of gem5's own generators, on a board of gem5's standard library.

Example:
    gem5.opt configs/traffic.py --machine tiny --cores 4 --transfers 100
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from homeshift.errors import HomeshiftError, InputError, RunError, out_of_bounds
from homeshift.units import parse_time

REGION_BYTES = 4096
MEMORY_BYTES = 256 << 20
BOUNDS = {
    "cores": (1, 10**6),
    "footprint": (REGION_BYTES, MEMORY_BYTES),
    "reads": (0, 100),
    "transfers": (0, 10**9),
}


def main() -> int:
    """Run the script; return its exit status: 2 for bad input, 1 for a failed run."""
    options = _parser().parse_args()
    try:
        _run(options)
    except HomeshiftError as error:
        print(f"traffic.py: error: {error}", file=sys.stderr)
        return error.exit_status
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="traffic.py",
        description=(__doc__ or "").split("\n\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--machine", default="tiny", metavar="NAME|FILE", help="machine, or a TOML file of one")
    add("--cores", type=int, default=4, metavar="N", help="generators of random addresses")
    add("--footprint", type=int, default=65536, metavar="BYTES", help="that they read and write")
    add("--reads", type=int, default=70, metavar="PERCENT", help="share of reads")
    add("--duration", default="20us", metavar="TIME", help="of the traffic")
    add("--transfers", type=int, default=100, metavar="N", help="of regions, one after the other")
    return parser


def _run(options: argparse.Namespace) -> None:
    # Imported here so that --help is quick.
    from homeshift.engines import inside_gem5

    faults = out_of_bounds(vars(options), BOUNDS)
    try:
        parse_time(options.duration)
    except ValueError as error:
        faults.append(f"--duration {options.duration}: {error}")
    if faults:
        raise InputError("the command line", faults)
    if not inside_gem5():
        raise RunError("this needs gem5; run it with gem5.opt: gem5.opt configs/traffic.py")
    import m5
    from m5.objects import DDR4_2400_8x8, Root

    try:
        from gem5.components.boards.test_board import TestBoard
        from gem5.components.memory.memory import ChanneledMemory
        from gem5.components.processors.random_generator import RandomGenerator
    except ImportError as error:
        if m5.defines.buildEnv.get("BUILD_ISA", True):
            raise
        raise RunError(
            f"{error}: since 24.1 gem5's standard library, which this uses, needs a gem5 built "
            "with an ISA"
        ) from error
    from homeshift.engines.gem5_component import HomeShiftCacheHierarchy
    from homeshift.machine import load_machine

    nodes = load_machine(options.machine).nodes
    hierarchy = HomeShiftCacheHierarchy(options.machine)
    generator = RandomGenerator(
        num_cores=options.cores,
        duration=options.duration,
        rate="2GB/s",
        max_addr=options.footprint,
        rd_perc=options.reads,
    )
    board = TestBoard(
        clk_freq="2GHz",
        generator=generator,
        memory=ChanneledMemory(DDR4_2400_8x8, nodes, 64, size=f"{MEMORY_BYTES}B"),
        cache_hierarchy=hierarchy,
    )
    if board._pre_instantiate() is None:  # since 24.1 it makes the root itself
        Root(full_system=False, board=board)
    m5.instantiate()
    generator.start_traffic()
    homes = [0] * (options.footprint // REGION_BYTES)
    for number in range(options.transfers):
        region = number % len(homes)
        homes[region] = (homes[region] + 1) % nodes
        hierarchy.transfer([region * REGION_BYTES], homes[region])
        while hierarchy.home_of(region * REGION_BYTES) != homes[region]:
            event = m5.simulate()
            if "a job of a migration engine" not in event.getCause():
                break
    event = m5.simulate()
    m5.stats.dump()
    print(f"traffic.py: {hierarchy.regions_moved()} regions moved")
    print(f"Exiting @ tick {m5.curTick()} because {event.getCause()}")


if __name__ in ("__main__", "__m5_main__"):
    sys.exit(main())
