# SPDX-License-Identifier: BSD-3-Clause
"""Ruby's random tester on the protocol, while homes of its lines move about at random.

Example:
    gem5.opt configs/random_test.py --machine tiny --checks 20000 --seed 1

Messages get random delays (Ruby's randomization), caches are those of the machine: small ones make
races. The tester verifies what it reads; at the end directories are held against caches.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from homeshift.errors import InputError, RunError, out_of_bounds
from homeshift.front_end import HelpFormatter, call, tells_errors

CANCELLED = 0.25  # so often a transfer, under way or done, is cancelled
TESTED_BYTES = 32768  # Ruby's tester uses addresses from 0 to a little less than this
COMPLETED = "Ruby Tester completed"
BOUNDS = {
    "checks": (1, 10**9),
    "seed": (0, 2**64 - 1),
    "region": (64, TESTED_BYTES),
    "pause": (1, 10**9),
}


@tells_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; return its exit status: 2: bad input, 1: a failed run."""
    _run(_parser().parse_args(arguments))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="random_test.py",
        description=(__doc__ or "").split("\n\n")[0],
        formatter_class=HelpFormatter,
    )
    add = parser.add_argument
    add("--machine", default="tiny", metavar="NAME|FILE", help="machine, or a TOML file of one")
    add("--checks", type=int, default=20000, metavar="N", help="that the tester has to complete")
    add("--seed", type=int, default=1, metavar="N", help="of tester, delays and transfers")
    add("--region", type=int, default=4096, metavar="BYTES", help="unit in which homes move")
    add("--pause", type=int, default=50, metavar="CYCLES", help="between transfers, on the average")
    add("--no-transfers", action="store_true", help="let all homes stay where they are")
    return parser


def _run(options: argparse.Namespace) -> None:
    # Imported here so that --help is quick.
    from homeshift.engines import inside_gem5

    faults = out_of_bounds(vars(options), BOUNDS)
    if options.region > 0 and options.region & (options.region - 1):
        faults.append(f"--region {options.region}: not a power of two")
    if faults:
        raise InputError("the command line", faults)
    if not inside_gem5():
        raise RunError("this needs gem5; run it with gem5.opt: gem5.opt configs/random_test.py")
    import _m5.core
    import m5
    import m5.objects as gem5

    from homeshift.engines.base import Models
    from homeshift.engines.gem5_loop import JOB_DONE, REACHED, simulate
    from homeshift.engines.gem5_machine import build
    from homeshift.engines.gem5_output import say_less
    from homeshift.machine import load_machine

    machine = load_machine(options.machine)
    size = machine.memory.size_bytes
    if machine.nodes * size < TESTED_BYTES:
        faults.append(f"memory.size: {machine.nodes} x {size} B, and {TESTED_BYTES} B are tested")
    if size % options.region:
        faults.append(f"memory.size: {size} B are not whole regions of {options.region} B")
    if faults:
        raise InputError(f"machine '{machine.name}'", faults)
    _m5.core.seedRandom(options.seed)
    system, controllers = build(machine, region_bytes=options.region, models=Models())
    system.ruby.randomization = True
    tester = system.tester = gem5.RubyTester(
        num_cpus=len(controllers.sequencers),
        checks_to_complete=options.checks,
        wakeup_frequency=10,
    )
    for sequencer in controllers.sequencers:
        tester.cpuInstDataPort = sequencer.in_ports
        sequencer.no_retry_on_stall = True
        sequencer.using_ruby_tester = True
    m5.instantiate()
    say_less()

    chance = random.Random(options.seed)
    jobs: list[Any] = []
    while True:
        cycles = machine.clock_period_ps * chance.randint(1, 2 * options.pause)
        cause = simulate(m5.curTick() + cycles).getCause()
        if cause == COMPLETED:
            break
        if cause not in (REACHED, JOB_DONE):
            raise RunError(f"the test ended at tick {m5.curTick()}: {cause}")
        if cause == REACHED and not options.no_transfers:
            region = chance.randrange(TESTED_BYTES // options.region) * options.region
            engine = controllers.migration_engines[chance.randrange(machine.nodes)]
            engine.transfer(len(jobs), 0, [region], chance.randrange(machine.nodes))
            jobs.append(engine)
            if chance.random() < CANCELLED:
                job = chance.randrange(len(jobs))
                jobs[job].cancel(job)
    while any(engine.left(job) for job, engine in enumerate(jobs)):
        simulate(m5.curTick() + machine.clock_period_ps * 1000)
    for region in range(0, TESTED_BYTES, options.region):
        homes = [node for node, d in enumerate(controllers.directories) if d.isHome(region)]
        if len(homes) != 1:
            raise RunError(f"the region of {region:#x} has these homes: {homes}")
    taken = {(kind, state, event) for kind, _, state, event, _ in controllers.probe.transitions()}
    moved = sum(engine.regionsMoved() for engine in controllers.migration_engines)
    print(
        f"random_test.py: {options.checks} checks passed, {moved} regions moved, "
        f"{len(taken)} transitions taken"
    )
    print(f"Exiting @ tick {m5.curTick()} because {cause}")


if __name__ in ("__main__", "__m5_main__"):
    sys.exit(call(main))
