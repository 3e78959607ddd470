# SPDX-License-Identifier: BSD-3-Clause
"""How the cost of a simulation grows with the VM's memory, its accesses and the nodes.

    python benchmarks/scale.py --json results/scale.json                    # a few minutes
    python benchmarks/scale.py --json results/scale.json --largest 4GiB     # quicker
    python plots/simulator_cost.py results/scale.json -o results/figures

Every point is a process of configs/migrate.py: the CPU time until the machine and the VM are set
up, until the end, and the peak of its memory.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from homeshift.errors import RunError
from homeshift.front_end import HelpFormatter, tells_errors
from homeshift.units import parse_size

MIGRATE = Path(__file__).resolve().parent.parent / "configs" / "migrate.py"
GIB = 1 << 30
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A run.

    Args:
        series: line of the figure that it belongs to.
        x: its place on it.
        options: of configs/migrate.py.
    """

    series: str
    x: float
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a run took."""

    setup_seconds: float
    setup_bytes: int
    seconds: float
    bytes: int
    accesses: float
    regions: int


def cases(largest: int) -> Iterator[Case]:
    """Yield all runs, VMs of up to `largest` bytes."""
    for region in ("4KiB", "2MiB"):
        size = GIB // 4
        while size <= largest:
            yield Case(
                series=f"{region} regions",
                x=size / GIB,
                options=("--vm-memory", f"{size}B", "--region", region, *_rack(64)),
            )
            size *= 4
    for window_us in (100, 400, 1600, 6400):
        yield Case(
            series="accesses",
            x=window_us,
            options=("--machine", "quad", "--cancel-at", "0us", "--window", f"{window_us}us"),
        )
    # Two of each: the figure shows what one region or access more takes, without set-up and end.
    for nodes in (2, 4, 8, 16, 32, 64):
        for memory in ("1GiB", "3GiB"):
            idle = ("--workload", "uniform:think=1000000", "--stage2-entry", "0B")
            yield Case(
                series="region by nodes",
                x=nodes,
                options=("--vm-memory", memory, *idle, *_rack(nodes, memory="4GiB")),
            )
        for window in ("1ms", "4ms"):
            busy = ("--workload", "uniform:footprint=1,think=0", "--window", window)
            yield Case(
                series="access by nodes",
                x=nodes,
                options=("--vm-memory", "64MiB", *busy, "--strategy", "borrow", *_rack(nodes)),
            )


def _rack(nodes: int, *, memory: str = "2GiB") -> tuple[str, ...]:
    """Return a machine of so many nodes, and a VM that lies on all of them."""
    spread = f"1-{nodes - 1}:{1 - 1 / nodes!r}"
    return ("--machine", f"rack64:nodes={nodes},memory.size={memory}", "--borrow", spread)


def measure(case: Case) -> Cost:
    """Run a case.

    Raises:
        RunError: it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [sys.executable, str(MIGRATE), *case.options, "--outdir", str(out)]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout is not None
            at_setup = (0.0, 0)
            said = ""
            for line in process.stdout:
                said = line
                if "warming up" in line:  # it is set up
                    at_setup = _so_far(process.pid)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RunError(f"this failed: {' '.join(command)}\n  {said.strip()}")
        run = json.loads((out / "migration.json").read_text(encoding="utf-8"))
    before, after = at_setup[0], used.ru_utime + used.ru_stime
    vm = run["vm"]["accesses-per-microsecond"]
    return Cost(
        setup_seconds=before,
        setup_bytes=at_setup[1],
        seconds=after,
        bytes=used.ru_maxrss << 10,
        # The window before is as long as the one that is counted, without the migration.
        accesses=run["window"]["accesses"] + vm["before"] * case.x * (case.series == "accesses"),
        regions=run["home"]["regions-transferred"],
    )


def _so_far(pid: int) -> tuple[float, int]:
    """Return a process's CPU time, and the peak of its memory."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return (int(fields[11]) + int(fields[12])) / TICK, int(peak.split()[1]) << 10


@tells_errors
def main() -> int:
    """Measure, print and write; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="scale.py",
        description=(__doc__ or "").split("\n\n")[0],
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--largest", type=parse_size, default="64GiB", metavar="SIZE", help="VM")
    parser.add_argument("--only", nargs="+", metavar="SERIES", help='as in "4KiB regions"')
    parser.add_argument("--json", type=Path, required=True, metavar="FILE", help="where to write")
    options = parser.parse_args()
    points = []
    head = ("", "x", "set-up s", "MiB", "all s", "MiB", "regions", "accesses")
    print("{:<16}{:>8}{:>10}{:>7}{:>8}{:>7}{:>10}{:>11}".format(*head))
    for case in cases(options.largest):
        if options.only and case.series not in options.only:
            continue
        cost = measure(case)
        points.append({"series": case.series, "x": case.x, **asdict(cost)})
        print(
            f"{case.series:<16}{case.x:>8g}{cost.setup_seconds:>10.2f}"
            f"{cost.setup_bytes >> 20:>7}{cost.seconds:>8.2f}{cost.bytes >> 20:>7}"
            f"{cost.regions:>10}{cost.accesses:>11.0f}",
            flush=True,
        )
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps({"format": 1, "points": points}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
