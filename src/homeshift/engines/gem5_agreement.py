# SPDX-License-Identifier: BSD-3-Clause
"""Whether the two engines agree: the same work on both, transition by transition.

    case = CASES["serial-ownership"]
    run_case(case, ["gem5.opt"], out / "gem5")        # or [sys.executable]
    for difference in differences(observe(out / "gem5"), observe(out / "embedded")): ...

Runs are made by configs/migrate.py in processes of their own, and compared by the files they write.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

from homeshift.errors import RunError

SERIAL = "tests/gem5/serial.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One piece of work for both engines.

    Args:
        name: for people, and of the golden file.
        options: of configs/migrate.py; paths are relative to the repository.
        exact: whether the engines must agree exactly, since nothing happens at once.
    """

    name: str
    options: tuple[str, ...]
    exact: bool


def _case(name: str, machine: str, strategy: str, *more: str, exact: bool = False) -> Case:
    # Recorded before page tables moved, and before borrowed memory went back.
    as_recorded = ("--stage2-entry", "0B", "--keep-borrowed")
    options = ("--machine", machine, "--strategy", strategy, *more, *as_recorded, "--check")
    return Case(name=name, options=options, exact=exact)


_SHORT = ("--vm-memory", "64KiB", "--warmup", "5us", "--window", "20us")
_ONE = (*_SHORT, "--vcpus", "1")
_QUAD = ("--vm-memory", "4MiB", "--borrow", "2:0.25,3:0.25")
_RING = "tests/gem5/serial-ring.toml"
_MESH = "tests/gem5/serial-mesh.toml"

CASES: dict[str, Case] = {
    case.name: case
    for case in (
        _case("serial-stop-and-copy", SERIAL, "stop-and-copy", *_ONE, exact=True),
        _case(
            "serial-chase",
            SERIAL,
            "stop-and-copy",
            *(*_ONE, "--workload", "pointer-chase", "--borrow", "1:0.5"),
            exact=True,
        ),
        _case(
            "serial-ring",
            _RING,
            "stop-and-copy",
            *(*_ONE, "--target", "2", "--borrow", "1:0.25,2:0.25,3:0.25", "--seed", "3"),
            exact=True,
        ),
        _case(
            "serial-mesh",
            _MESH,
            "stop-and-copy",
            *(*_ONE, "--target", "3", "--borrow", "1:0.25,2:0.25,3:0.25"),
            exact=True,
        ),
        _case(
            "serial-trace",
            SERIAL,
            "stop-and-copy",
            *("--trace", "traces/xz.npy", "--vcpus", "1", "--vm-memory", "2MiB"),
            *("--warmup", "5us", "--window", "50us"),
            exact=True,
        ),
        # The VM runs while homes move, so two things happen at once even here.
        _case("serial-ownership", SERIAL, "ownership", *_ONE),
        _case("serial-stream", SERIAL, "ownership", *_ONE, "--workload", "stream", "--seed", "2"),
        _case("tiny-ownership", "tiny", "ownership", *_SHORT),
        _case("tiny-stop-and-copy", "tiny", "stop-and-copy", *_SHORT, "--workload", "uniform"),
        _case(
            "tiny-pairs",
            "tiny",
            "ownership",
            *(*_SHORT, "--workload", "producer-consumer:ring=4KiB"),
        ),
        _case("quad-ownership", "quad", "ownership", *_QUAD),
        _case("quad-stop-and-copy", "quad", "stop-and-copy", "--vm-memory", "4MiB"),
        _case("octo-ownership", "octo", "ownership", "--vm-memory", "4MiB", "--target", "5"),
        _case("tiny-pre-copy", "tiny", "pre-copy", *_SHORT),
        _case(
            "quad-ownership-and-copy",
            "quad",
            "ownership+copy",
            *("--vm-memory", "4MiB", "--borrow", "1:0.25,2:0.25"),
        ),
        *(
            _case(f"quad-{strategy.replace('+', '-and-')}", "quad", strategy, *_QUAD)
            for strategy in ("pre-copy", "post-copy", "ownership+pull", "ignore-shared")
        ),
    )
}


def matrix(
    machines: Sequence[str],
    workloads: Sequence[str],
    strategies: Sequence[str],
    seeds: Sequence[int],
) -> list[Case]:
    """Return a case for every combination, with a small VM; one access at a time must be exact.

    Producers and consumers come in pairs, so they are left out where there is one vCPU.
    """
    return [
        _case(
            f"{Path(machine).stem}/{workload}/{strategy}/{seed}",
            machine,
            strategy,
            *(_ONE if "serial" in machine else _SHORT),
            *("--workload", workload, "--seed", str(seed)),
            exact="serial" in machine and strategy == "stop-and-copy",
        )
        for machine, workload, strategy, seed in product(machines, workloads, strategies, seeds)
        if not ("serial" in machine and workload.startswith("producer-consumer"))
    ]


@dataclass(frozen=True, slots=True)
class Observed:
    """What a run did.

    Args:
        transitions: "Directory.I.GetS" -> times that all controllers of the kind took it.
        messages: "all.Request_Control", "between.Response_Data" -> number of messages.
        phases: name of the phase and its ticks from the beginning of the run.
        accesses_per_microsecond: of the VM, before, during and after the migration.
    """

    transitions: dict[str, int]
    messages: dict[str, int]
    phases: list[list[Any]]
    accesses_per_microsecond: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)


def run_case(case: Case, command: Sequence[str], directory: Path, *, repository: Path) -> float:
    """Run a case into a directory; return the seconds that it took.

    Args:
        case: what to run.
        command: a Python, or a gem5 with its options.
        directory: must not exist.
        repository: a checkout, whose configs/migrate.py is run.

    Raises:
        RunError: the run failed.
    """
    start = time.perf_counter()
    line = [*command, "configs/migrate.py", *case.options, "--outdir", str(directory)]
    result = subprocess.run(line, cwd=repository, check=False, capture_output=True, text=True)
    if result.returncode != 0:
        end = "\n".join((result.stdout + result.stderr).splitlines()[-20:])
        raise RunError(f"{' '.join(line)}: exit status {result.returncode}\n{end}")
    return time.perf_counter() - start


def observe(directory: Path) -> Observed:
    """Read the files of a run, whichever engine wrote them."""
    summary = json.loads((directory / "migration.json").read_text(encoding="utf-8"))
    stats = _read_stats(directory / "stats.txt")
    transitions = {
        f"{machine}.{state}.{event}": count
        for (machine, state, event), count in _transitions(stats)
    }
    return Observed(
        transitions=dict(sorted(transitions.items())),
        messages=dict(sorted(_messages(stats).items())),
        phases=[[p["name"], p["start"], p["end"]] for p in summary["phases"]],
        accesses_per_microsecond=summary["vm"]["accesses-per-microsecond"],
    )


def _read_stats(path: Path) -> dict[str, float]:
    values = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition(" ")
        if name and rest.strip() and not name.startswith("-"):
            try:
                values[name] = float(rest.split()[0])
            except ValueError:
                continue
    return values


_TRANSITION = re.compile(r"system\.ruby\.(\w+)_Controller\.(\w+)\.(\w+)::total")


def _transitions(stats: Mapping[str, float]) -> Iterator[tuple[tuple[str, str, str], int]]:
    for name, value in stats.items():
        found = _TRANSITION.fullmatch(name)
        if found and value:
            yield (found[1], found[2], found[3]), int(value)


_EMBEDDED_MESSAGES = re.compile(r"system\.ruby\.network\.(all|between_nodes)\.msg_count\.(\w+)")
_GEM5_MESSAGES = re.compile(
    r"system\.ruby\.network\.routers\d+\.routing_unit\.(allMessages|betweenNodes)::(\w+)"
)


def _messages(stats: Mapping[str, float]) -> dict[str, int]:
    """Count messages: the embedded engine's names, or those of the plugin's routers."""
    counts: dict[str, int] = {}
    routers = [_GEM5_MESSAGES.fullmatch(name) for name in stats]
    gem5 = any(routers)
    for name, value in stats.items():
        found = (_GEM5_MESSAGES if gem5 else _EMBEDDED_MESSAGES).fullmatch(name)
        if not found or found[2] == "total" or not value:
            continue
        scope = "between" if found[1] in ("betweenNodes", "between_nodes") else "all"
        key = f"{scope}.{found[2]}"
        counts[key] = counts.get(key, 0) + int(value)
    return counts


@dataclass(frozen=True, slots=True)
class Difference:
    """A number on which two runs differ."""

    what: str
    first: float
    second: float


def differences(first: Observed, second: Observed) -> list[Difference]:
    """Return all numbers on which the runs differ, the largest difference in size first."""
    found = [
        Difference(f"{kind} {name}", one.get(name, 0), two.get(name, 0))
        for kind, one, two in (
            ("transition", first.transitions, second.transitions),
            ("message", first.messages, second.messages),
        )
        for name in sorted(one.keys() | two.keys())
        if one.get(name, 0) != two.get(name, 0)
    ]
    for one, two in zip(first.phases, second.phases, strict=True):
        found += [
            Difference(f"tick {one[0]} {end}", one[place], two[place])
            for place, end in ((1, "start"), (2, "end"))
            if one[place] != two[place]
        ]
    return sorted(found, key=lambda d: -abs(d.first - d.second))


def final_tick(observed: Observed) -> int:
    """Return the tick at which the migration was done."""
    return int(observed.phases[-1][2])


def migration_ticks(observed: Observed) -> int:
    """Return the ticks that the migration took, without its pause.

    A pause waits for the few accesses that happen to be under way: one draw, of tens of cycles.
    """
    return sum(int(end) - int(start) for name, start, end in observed.phases if name != "pause")


EDGE_MESSAGES = 2
"""Messages of a size that may differ even in an exact case: the embedded engine counts a message
when it is sent and gem5 when a router sees it, and the statistics end in between for some."""

COUNTS_WITHIN = 0.005
TIMES_WITHIN = 0.01
"""Where several things happen at once. Most cases agree exactly, `ownership+pull` least of all."""


def violations(case: Case, gem5: Observed, embedded: Observed) -> list[str]:
    """Return where the engines disagree by more than the case allows."""
    if case.exact:
        return [
            f"{d.what}: gem5 {d.first:g}, embedded {d.second:g}"
            for d in differences(gem5, embedded)
            if not (d.what.startswith("message") and abs(d.first - d.second) <= EDGE_MESSAGES)
        ]
    found = [
        f"{kind}: {off:.2%} of the counts differ, more than {COUNTS_WITHIN:.1%}"
        for kind, one, two in (
            ("transitions", gem5.transitions, embedded.transitions),
            ("messages", gem5.messages, embedded.messages),
        )
        if (off := share_that_differs(one, two)) > COUNTS_WITHIN
    ]
    quantities: dict[str, tuple[float, float]] = {
        "end of the migration": (final_tick(gem5), final_tick(embedded)),
        "time of the migration": (migration_ticks(gem5), migration_ticks(embedded)),
    }
    for when in ("before", "after"):
        one, two = (o.accesses_per_microsecond[when] for o in (gem5, embedded))
        quantities[f"speed of the VM {when} it"] = (one, two)
    return found + [
        f"{what}: {off:+.2%}, more than {TIMES_WITHIN:.0%}"
        for what, (one, two) in quantities.items()
        if abs(off := two / one - 1) > TIMES_WITHIN
    ]


def share_that_differs(one: Mapping[str, int], two: Mapping[str, int]) -> float:
    """Return the sum of the differences of counts over the sum of the first ones."""
    off = sum(abs(one.get(name, 0) - two.get(name, 0)) for name in one.keys() | two.keys())
    return off / max(1, sum(one.values()))
