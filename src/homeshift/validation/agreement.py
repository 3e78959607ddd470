# SPDX-License-Identifier: BSD-3-Clause
"""Whether the two engines agree: the same work on both, transition by transition, tick by tick.

    case = CASES["serial-ownership"]
    run_case(case, ["gem5.opt"], out / "gem5")        # or [sys.executable]
    for difference in differences(observe(out / "gem5"), observe(out / "embedded")): ...

Runs are made by configs/migrate.py in processes of their own, and compared by the files they write.
They must agree on everything.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

from homeshift.analysis.stats_text import parse
from homeshift.errors import RunError
from homeshift.run_format import leaves

SERIAL = "tests/gem5/serial.toml"
OWN_MACHINE = "own-machine.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One piece of work for both engines.

    Args:
        name: for people, and of the golden file.
        options: of configs/migrate.py; paths are relative to the repository.
        more_vms: text of a file for its option --more-vms, if there are others.
        machine: text of the machine file that the options call `OWN_MACHINE`, if they do.
    """

    name: str
    options: tuple[str, ...]
    more_vms: str = ""
    machine: str = ""


def _case(name: str, machine: str, strategy: str, *more: str) -> Case:
    options = ("--machine", machine, "--strategy", strategy, *more, "--check")
    return Case(name=name, options=options)


_SHORT = ("--vm-memory", "64KiB", "--warmup", "5us", "--window", "20us")
_ONE = (*_SHORT, "--vcpus", "1")
_QUAD = ("--vm-memory", "4MiB", "--borrow", "2:0.25,3:0.25")
_HALF_REMOTE = (
    *("pre-copy", "post-copy", "ownership+pull"),
    *("ignore-shared", "static-homes", "static-homes+pull"),
)
_MANY = ",".join(f"{node}:0.06" for node in range(2, 18))
_RING = "tests/gem5/serial-ring.toml"
_MESH = "tests/gem5/serial-mesh.toml"

CASES: dict[str, Case] = {
    case.name: case
    for case in (
        _case("serial-stop-and-copy", SERIAL, "stop-and-copy", *_ONE),
        _case(
            "serial-chase",
            SERIAL,
            "stop-and-copy",
            *(*_ONE, "--workload", "pointer-chase", "--borrow", "1:0.5"),
        ),
        _case(
            "serial-ring",
            _RING,
            "stop-and-copy",
            *(*_ONE, "--target", "2", "--borrow", "1:0.25,2:0.25,3:0.25", "--seed", "3"),
        ),
        _case(
            "serial-mesh",
            _MESH,
            "stop-and-copy",
            *(*_ONE, "--target", "3", "--borrow", "1:0.25,2:0.25,3:0.25"),
        ),
        _case(
            "serial-trace",
            SERIAL,
            "stop-and-copy",
            *("--trace", "traces/xz.npy", "--vcpus", "1", "--vm-memory", "2MiB"),
            *("--warmup", "5us", "--window", "50us"),
        ),
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
        _case("fast-memory", "tiny:memory.bandwidth=111GB/s", "stop-and-copy", *_SHORT),
        _case("fully-connected", "quad:network.topology=fully-connected", "ownership+copy", *_QUAD),
        _case("links", "tests/gem5/chassis.toml", "ownership+copy", *_QUAD),
        _case("crossbar-24", "tiny:nodes=24", "ownership", *_SHORT, "--borrow", _MANY),
        _case(
            "quad-ownership-and-copy",
            "quad",
            "ownership+copy",
            *("--vm-memory", "4MiB", "--borrow", "1:0.25,2:0.25"),
        ),
        _case("pool-ownership", "pool", "ownership", "--vm-memory", "4MiB", "--borrow", "4:1"),
        *(
            _case(f"quad-{strategy.replace('+', '-and-')}", "quad", strategy, *_QUAD)
            for strategy in _HALF_REMOTE
        ),
    )
}


def matrix(
    machines: Sequence[str],
    workloads: Sequence[str],
    strategies: Sequence[str],
    seeds: Sequence[int],
) -> list[Case]:
    """Return a case for every combination, with a small VM.

    Producers and consumers come in pairs, so they are left out where there is one vCPU.
    """
    return [
        _case(
            f"{Path(machine).stem}/{workload}/{strategy}/{seed}",
            machine,
            strategy,
            *(_ONE if "serial" in machine else _SHORT),
            *("--workload", workload, "--seed", str(seed)),
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
        summary: "phases[0].end" -> what migration.json says there, but for the engine's name.
        statistics: "vm.vcpu0.numLoads" -> other numbers in stats.txt that both engines have, if
            they are not 0.
    """

    transitions: dict[str, int]
    messages: dict[str, int]
    summary: dict[str, Any]
    statistics: dict[str, float]

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
    machine = directory.with_name(f"{directory.name}-machine.toml")
    if case.machine:
        machine.write_text(case.machine, encoding="utf-8")
    options = [option.replace(OWN_MACHINE, str(machine)) for option in case.options]
    line = [*command, "configs/migrate.py", *options, "--outdir", str(directory)]
    if case.more_vms:
        others = directory.with_name(f"{directory.name}-more-vms.toml")
        others.write_text(case.more_vms, encoding="utf-8")
        line += ["--more-vms", str(others)]
    start = time.perf_counter()
    result = subprocess.run(line, cwd=repository, check=False, capture_output=True, text=True)
    if result.returncode != 0:
        end = "\n".join((result.stdout + result.stderr).splitlines()[-20:])
        raise RunError(f"{' '.join(line)}: exit status {result.returncode}\n{end}")
    return time.perf_counter() - start


def observe(directory: Path, *, progress: bool = False) -> Observed:
    """Read the files of a run, whichever engine wrote them.

    Args:
        directory: of the run.
        progress: whether to take in the progress of migration.json, which is most of it.

    Raises:
        RunError: something in stats.txt is not a statistic, or it has no end.
    """
    summary = json.loads((directory / "migration.json").read_text(encoding="utf-8"))
    left_out = {"engine"} if progress else {"engine", "progress"}
    compared = {name: part for name, part in summary.items() if name not in left_out}
    stats = _read_stats(directory / "stats.txt")
    return Observed(
        transitions=dict(sorted(_transitions(stats))),
        messages=dict(sorted(_messages(stats).items())),
        summary=dict(leaves(compared, lists=True)),
        statistics=dict(sorted(_common(stats))),
    )


def _read_stats(path: Path) -> dict[str, float]:
    with path.open(encoding="utf-8") as file:
        columns = parse(file)
    if columns.faults:
        raise RunError(f"statistics '{path}': {columns.faults[0]}")
    names = (columns.distinct_names[number] for number in columns.names)
    return dict(zip(names, columns.values, strict=True))


_COMMON = re.compile(
    r"system\.(?:ruby\.)?("
    r"vm\d*\.vcpu\d+\.(?:num|total|blocked)\w+|vm\d*\.allBlockedTime"
    r"|home_table\d+\.served\w+|migration_engine\d+\.(?:lines|regions)\w+"
    r"|\w+\.\w+\.m_demand_(?:hits|misses)|mem_ctrls\d+\.num(?:Reads|Writes)"
    r")(?:::total)?"
)


def _common(stats: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    for name, value in stats.items():
        found = _COMMON.fullmatch(name)
        if found and value:
            yield found[1], value


_TRANSITION = re.compile(r"system\.ruby\.(\w+)_Controller\.(\w+)\.(\w+)::total")


def _transitions(stats: Mapping[str, float]) -> Iterator[tuple[str, int]]:
    for name, value in stats.items():
        found = _TRANSITION.fullmatch(name)
        if found and value:
            yield ".".join(found.groups()), int(value)


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
    """What two runs differ in; None stands for what only one of them has."""

    what: str
    first: Any
    second: Any


def differences(first: Observed, second: Observed) -> list[Difference]:
    """Return all that the runs differ in."""
    return [
        Difference(f"{kind} {name}", one.get(name, missing), two.get(name, missing))
        for kind, missing, one, two in (
            ("transition", 0, first.transitions, second.transitions),
            ("message", 0, first.messages, second.messages),
            ("summary", None, first.summary, second.summary),
            ("statistic", 0, first.statistics, second.statistics),
        )
        for name in sorted(one.keys() | two.keys())
        if not _same(one.get(name, missing), two.get(name, missing))
    ]


def _same(one: Any, two: Any) -> bool:
    """Whether two values are the same, but for the last digits of a sum of fractions."""
    if isinstance(one, float) and isinstance(two, float):
        return math.isclose(one, two, rel_tol=1e-9)
    return bool(one == two)


def final_tick(observed: Observed) -> int:
    """Return the tick at which the migration was done."""
    phase_end = re.compile(r"phases\[\d+\]\.end")
    return max(int(n) for name, n in observed.summary.items() if phase_end.fullmatch(name))
