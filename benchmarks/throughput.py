#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""How fast the embedded engine simulates: coherent requests and events per second of CPU time.

    python benchmarks/throughput.py                         # all cases, about 20 s
    python benchmarks/throughput.py --only all-miss-64MiB --repeats 9 --json speed.json

Every case is a machine made from quad.toml and a VM with one vCPU a core. It is warmed up once;
then the cases take turns, so that what disturbs the host disturbs them all. A row shows the median
of the turns. Time is CPU time of this process: the engine runs in one thread. benchmarks/README.md
says how to read the table.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import homeshift
from homeshift import _engine
from homeshift.engines.embedded import system_spec
from homeshift.errors import HomeshiftError, InputError, RunError, near
from homeshift.machine import load_machine
from homeshift.workload import Workload, parse_workload, trace_workload

PAGE_BYTES = 4096
MIB = 1 << 20
TRACES = Path(__file__).resolve().parent.parent / "traces"
STEP_CYCLES = 10_000
VM = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A machine and what its vCPUs do.

    Args:
        name: for `--only`.
        nodes: of the machine, one core each, on a crossbar.
        vm_bytes: memory of the VM, its pages dealt out to the nodes in turn.
        workload: what the vCPUs do.
        warmup_requests: until caches and slices hold what they will hold.
    """

    name: str
    nodes: int
    vm_bytes: int
    workload: Workload
    warmup_requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one case did in one turn."""

    seconds: float
    requests: int
    misses: int
    events: int


class Run:
    """A warm machine that takes turns."""

    def __init__(self, case: Case) -> None:
        node_bytes = _power_of_two(max(64 * MIB, case.vm_bytes // case.nodes))
        machine = load_machine(
            f"quad:nodes={case.nodes},cores.per_node=1,memory.size={node_bytes // MIB}MiB"
        )
        self._system = _engine.System(system_spec(machine, region_bytes=PAGE_BYTES, check=False))
        frames = [
            page % case.nodes * node_bytes + page // case.nodes * PAGE_BYTES
            for page in range(case.vm_bytes // PAGE_BYTES)
        ]
        streams = case.workload.streams(vcpus=case.nodes, vm_bytes=case.vm_bytes, seed=1)
        self._system.add_vm(frames, [dict(stream) for stream in streams])
        self._system.start_vm(VM, range(case.nodes))
        while self._requests() < case.warmup_requests:
            self._system.run(STEP_CYCLES)

    def turn(self, *, seconds: float, cycles: int | None = None) -> Turn:
        """Run for so much CPU time, or for so many cycles."""
        system = self._system
        system.reset_statistics()
        requests, events = self._requests(), system.events
        start = time.process_time()
        if cycles is not None:
            system.run(cycles)
        else:
            while time.process_time() - start < seconds:
                system.run(STEP_CYCLES)
        spent = time.process_time() - start
        return Turn(
            seconds=spent,
            requests=self._requests() - requests,
            misses=sum(core["misses"] for core in system.core_counts()),
            events=system.events - events,
        )

    def _requests(self) -> int:
        return sum(vcpu["loads"] + vcpu["stores"] for vcpu in self._system.vcpu_counts(VM))


def _power_of_two(number: int) -> int:
    return 1 << (number - 1).bit_length()


def cases() -> list[Case]:
    """Return all cases; those of traces only if there are traces."""
    random = parse_workload("uniform:write_ratio=0.5,shared=1,footprint=1,think=0")
    found = [
        Case(
            name=f"all-miss-{mib}MiB",
            nodes=4,
            vm_bytes=mib * MIB,
            workload=random,
            warmup_requests=400_000,
        )
        for mib in (64, 1024)
    ]
    for name, hot_ratio in (("hits-95", 0.95), ("hits-99.5", 0.995)):
        # 16 pages of each vCPU's 4096 are hot: a quarter of its cache.
        hot = f"hot=0.00390625,hot_ratio={hot_ratio},phase_accesses=1000000000000"
        found.append(
            Case(
                name=name,
                nodes=4,
                vm_bytes=64 * MIB,
                workload=parse_workload(
                    f"phased:write_ratio=0.3,shared=0,footprint=1,think=0,{hot}"
                ),
                warmup_requests=1_000_000,
            )
        )
    large = sorted(TRACES.glob("*-large.npy"))
    small = sorted(set(TRACES.glob("*.npy")) - set(large))
    for name, traces in (("traces", small), ("traces-large", large)):
        if traces:
            found.append(
                Case(
                    name=name,
                    nodes=4,
                    vm_bytes=64 * MIB,
                    workload=trace_workload(traces),
                    warmup_requests=500_000,
                )
            )
    found.append(
        Case(
            name="all-miss-64-nodes",
            nodes=64,
            vm_bytes=1024 * MIB,
            workload=random,
            warmup_requests=300_000,
        )
    )
    return found


def scaling_cases() -> list[Case]:
    """Return machines of 2 to 64 nodes with 16 MiB each, with few hits and with many."""
    # 16 pages of each vCPU's 4096 are hot: a quarter of its cache.
    hot = "hot=0.00390625,hot_ratio=0.95,phase_accesses=1000000000000"
    workloads = {
        "all-miss": "uniform:write_ratio=0.5,shared=1,footprint=1,think=0",
        "hits-95": f"phased:write_ratio=0.3,shared=0,footprint=1,think=0,{hot}",
    }
    return [
        Case(
            name=f"{name}-{nodes}-nodes",
            nodes=nodes,
            vm_bytes=16 * nodes * MIB,
            workload=parse_workload(workload),
            warmup_requests=100_000 * nodes if name == "hits-95" else 20_000 * nodes,
        )
        for name, workload in workloads.items()
        for nodes in (2, 4, 8, 16, 32, 64)
    ]


def select(names: Sequence[str]) -> list[Case]:
    """Return the cases of these names, or all.

    Raises:
        InputError: there is no case of such a name.
    """
    known = {case.name: case for case in cases()}
    faults = [
        f"{name}: no such case{near(name, known)}; there are {', '.join(known)}"
        for name in names
        if name not in known
    ]
    if faults:
        raise InputError("--only", faults)
    return [known[name] for name in names] if names else list(known.values())


def measure(
    chosen: Iterable[Case], *, repeats: int, seconds: float, cycles: int | None
) -> dict[str, list[Turn]]:
    """Warm every case up, then let them take turns."""
    runs = {case.name: Run(case) for case in chosen}
    turns: dict[str, list[Turn]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            turn = run.turn(seconds=seconds, cycles=cycles)
            if turn.requests == 0:
                raise RunError(f"{name}: no request ended in {cycles} cycles; give more")
            turns[name].append(turn)
    return turns


def table(turns: dict[str, list[Turn]]) -> str:
    """Return one row a case."""
    rows = [
        ("case", "Mreq/s", "[least - most]", "Mmiss/s", "Mevent/s", "ns/event", "event/req", "hits")
    ]
    for name, taken in turns.items():
        rates = [turn.requests / turn.seconds / 1e6 for turn in taken]
        requests, misses, events = (
            sum(getattr(turn, field) for turn in taken)
            for field in ("requests", "misses", "events")
        )
        events_per_second = statistics.median(turn.events / turn.seconds for turn in taken)
        rows.append(
            (
                name,
                f"{statistics.median(rates):.3f}",
                f"[{min(rates):.3f} - {max(rates):.3f}]",
                f"{statistics.median(turn.misses / turn.seconds for turn in taken) / 1e6:.3f}",
                f"{events_per_second / 1e6:.2f}",
                f"{1e9 / events_per_second:.0f}",
                f"{events / requests:.2f}",
                f"{100 * (1 - misses / requests):.2f} %",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="throughput.py", description=(__doc__ or "").split("\n\n")[0]
    )
    add = parser.add_argument
    add("--only", nargs="+", default=[], metavar="CASE", help="these cases")
    add("--scaling", action="store_true", help="instead, machines of 2 to 64 nodes")
    add(
        "--repeats",
        type=_count,
        default=5,
        metavar="N",
        help="turns of each case (default: 5)",
    )
    add(
        "--seconds",
        type=_duration,
        default=0.25,
        metavar="T",
        help="CPU time of a turn (default: 0.25)",
    )
    add(
        "--cycles",
        type=_count,
        metavar="N",
        help="simulated length of a turn instead: the same work in every build",
    )
    add("--json", type=Path, metavar="FILE", help="write every turn there as well")
    return parser


def _count(text: str) -> int:
    return int(_above_zero(int(text), text))


def _duration(text: str) -> float:
    return _above_zero(float(text), text)


def _above_zero(value: float, text: str) -> float:
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text}: not above 0")
    return value


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        chosen = scaling_cases() if options.scaling else select(options.only)
        load_before = os.getloadavg()[0]
        turns = measure(
            chosen, repeats=options.repeats, seconds=options.seconds, cycles=options.cycles
        )
    except HomeshiftError as error:
        print(f"throughput.py: error: {error}", file=sys.stderr)
        return error.exit_status
    print(table(turns))
    print(
        f"\nmedian of {options.repeats} interleaved turns, per second of CPU time; "
        f"load average before: {load_before:.1f}"
    )
    if options.json:
        record = {
            "format": 1,
            "homeshift": homeshift.__version__,
            "host": {"machine": platform.machine(), "python": platform.python_version()},
            "load-average": load_before,
            "nodes": {case.name: case.nodes for case in chosen},
            "cases": {name: [asdict(turn) for turn in taken] for name, taken in turns.items()},
        }
        options.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
