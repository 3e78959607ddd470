# SPDX-License-Identifier: BSD-3-Clause
"""The study as a small table, made from its sweeps.

    study = Study(collect("results/study"))        # or Study.read("docs/study.csv")
    study.value("accesses", "ownership", cpi=4)    # a mean over seeds, of one case

A case is the base case with some of its parameters changed. `page` makes the page of it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from homeshift.analysis.confidence import interval
from homeshift.analysis.crossover import compare_courses, course, last_crossing
from homeshift.analysis.runs import Run, read_run
from homeshift.analysis.sweep_note import TABLE, run_directory
from homeshift.errors import InputError
from homeshift.output_file import output_file
from homeshift.units import TICKS_PER_MICROSECOND, TICKS_PER_SECOND

STRATEGIES = (
    *("stop-and-copy", "pre-copy", "post-copy", "hybrid", "ignore-shared"),
    *("static-homes", "static-homes+pull", "ownership", "ownership+copy", "ownership+pull"),
)
LEFT = "ownership"  # what others are compared with: it leaves all data where it is
BASE: Mapping[str, Any] = {
    "workload": "traces",
    "write_ratio": math.nan,
    "cpi": 1.0,
    "memory_mib": 20.0,
    "on_target": 0.25,
    "on_third": 0.25,
    "link_gbs": 32.0,
    "latency_ns": 27.5,
    "slice_kib": 512.0,
    "region_kib": 4.0,
    "lines": 32.0,
    "pool_ns": math.nan,
    "warmup_ms": 1.0,
    "variant": math.nan,
}
"""The base case: its parameters are the columns that tell cases apart.

A variant is that of a strategy: those of its parameters that not every case has.
"""
SYNTHETIC = {**BASE, "cpi": math.nan, "memory_mib": 8.0}
_AHEAD = 0.01
ENERGY_RATIOS = ("energy_ratio", "energy_ratio_low", "energy_ratio_high")
"""Energy for the same work, against LEFT: at the typical constants, all of them low, all high."""
_AGAINST_LEFT = ("overtakes_s", "saves_energy_s", *ENERGY_RATIOS)
_COPIES = ("copy", "move-stage2-table", "move-cpu-state")
_MEASURES = {
    "total_s": "total-time",
    "downtime_s": "downtime",
    "blocked_s": "postcopy-blocktime",
    "pages": "ram.total",  # in bytes there
    "copied_pages": "copied-pages",
    "migration_bytes": "interconnect.migration-bytes",
    "migration_j": "energy.total",
    "entries_moved": "home.entries-moved",
    "forwarded": "home.forwarded-requests",
    "speed_before": "vm.accesses-per-microsecond.before",
    "speed_during": "vm.accesses-per-microsecond.during",
    "speed_after": "vm.accesses-per-microsecond.after",
    "local_after": "vm.local-share.after",
    "window_s": "window.time",
    "accesses": "window.accesses",
    "remote": "window.remote-accesses",
    "link_bytes": "window.link-bytes",
    "energy_j": "window.energy.total",
    "energy_low_j": "window.energy.total-low",
    "energy_high_j": "window.energy.total-high",
}


def collect(directory: str | os.PathLike[str]) -> pd.DataFrame:
    """Return a row a run of the sweeps in a directory, with the columns of BASE and all measures.

    Raises:
        InputError: there is no finished sweep, or a run of one has failed.
    """
    paths = sorted(Path(directory).glob(f"*/{TABLE}"))
    if not paths:
        raise InputError(f"study '{directory}'", ["holds no finished sweep; run `make study`"])
    rows = []
    for path in paths:
        table = pd.read_parquet(path)
        failed = table[table["status"] != "completed"]
        if not failed.empty:
            fault = f"{len(failed)} runs have not completed, {failed['run'].iloc[0]} among them"
            raise InputError(f"sweep '{path.parent}'", [fault])
        runs = {name: read_run(run_directory(path.parent, name)) for name in table["run"]}
        rows += [_row(row["arguments.seed"], row, runs[row["run"]]) for _, row in table.iterrows()]
    found = pd.DataFrame(rows)
    conditions = [*(name for name in BASE if name != "variant"), "seed"]
    left = {_key(row, conditions): row["run"] for row in rows if row["strategy"] == LEFT}
    against = [
        _against_left(left.get(_key(row, conditions)), row["run"])
        if row["strategy"] != LEFT
        else (math.nan, math.nan, 1.0, 1.0, 1.0)
        for row in rows
    ]
    found[list(_AGAINST_LEFT)] = against
    return found.drop(columns="run").sort_values(
        [*BASE, "strategy", "seed"], kind="stable", ignore_index=True
    )


def _key(row: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in names)


def _row(seed: int, row: pd.Series[Any], run: Run) -> dict[str, Any]:
    workload = run.config["workload"]
    kind = workload["kind"]
    machine, vm = run.config["machine"], run.config["vm"]
    network = machine["network"]
    period_ns = machine["clock_period_ps"] / 1000
    pool = machine.get("pool")
    borrow = {int(node): share for node, share in vm["borrow"].items()}
    phases = run.migration["migrations"][0]["phases"]
    rounds = [phase["migration-bytes"] for phase in phases if phase["name"] == "copy"]
    copies = [phase["migration-bytes"] for phase in phases if phase["name"] in _COPIES]
    pauses = [phase["end"] - phase["start"] for phase in phases if phase["name"] == "pause"]
    return {
        "strategy": run.strategy,
        "seed": seed,
        "workload": "traces" if kind == "trace" else kind,
        "write_ratio": workload.get("write_ratio", math.nan),
        "cpi": workload.get("cycles_per_instruction", math.nan),
        "memory_mib": vm["memory_bytes"] / 2**20,
        "on_target": borrow.get(vm["targets"][0], 0.0),
        "on_third": sum(share for node, share in borrow.items() if node != vm["targets"][0]),
        "link_gbs": network["link_bandwidth_bytes_per_second"] / 1e9,
        "latency_ns": network["link_latency_cycles"] * period_ns,
        "slice_kib": machine["slc"]["size_bytes"] / 1024,
        "region_kib": vm["region_bytes"] / 1024,
        "lines": float(machine["migration"]["outstanding_lines"]),
        "pool_ns": pool["latency_cycles"] * period_ns if pool else math.nan,
        "warmup_ms": run.config["arguments"]["warmup"] / (1000 * TICKS_PER_MICROSECOND),
        "variant": _variant(row["option.strategy"]),
        **{name: row[path] for name, path in _MEASURES.items()},
        "pages": row["ram.total"] // row["ram.page-size"],
        "pause_s": sum(pauses) / TICKS_PER_SECOND,
        "copy_bytes": sum(copies),
        "round_bytes": _listed(rounds),
        "program_accesses": _listed(_by_vcpu(run)),
        "steady": run.migration["vm"].get("steady", True),
        "run": run,
    }


def _variant(strategy: str) -> str | float:
    """Return the parameters of a strategy as it was given, but for what every case has."""
    parameters = strategy.partition(":")[2].split(",")
    return ",".join(p for p in parameters if not p.startswith("max-rounds=")) or math.nan


def _listed(values: Sequence[int]) -> str:
    return ";".join(map(str, values))


def listed(text: Any) -> list[int]:
    """Return the numbers of a column that holds several in a row."""
    return [int(value) for value in str(text).split(";")]


def _by_vcpu(run: Run) -> list[int]:
    """Return the accesses of each vCPU, those of the time before the migration included."""
    found = run.stats[run.stats["object"].str.fullmatch(r"system\.vm\.vcpu\d+")]
    found = found[found["stat"].isin(["numLoads", "numStores"])]
    return [int(value) for value in found.groupby("object", sort=False)["value"].sum()]


def _against_left(left: Run | None, moved: Run) -> tuple[float, ...]:
    """Return from when on, since the migration began, moving has paid: for work, and for energy.

    NaN: not within the measurement. Energy is compared at equal work, and the time is that of the
    run that moved. The others are the ratios of energies when both have done as much as the one
    that has done less in all: at the typical constants, with all of them low, and with all high.
    """
    if left is None:
        return (math.nan,) * len(_AGAINST_LEFT)
    courses = [course(run) for run in (left, moved)]
    times = np.linspace(0, min(points["time"].iloc[-1] for points in courses), 2000)
    done = [np.interp(times, points["time"], points["accesses"]) for points in courses]
    ahead = done[1] - done[0]
    work = energy = math.nan
    at = last_crossing(ahead)
    # Less is as good as equal.
    if at is not None and ahead[-1] > _AHEAD * courses[0]["accesses"].iloc[-1]:
        work = float(times[at])
    data = compare_courses(left, moved).data
    saved = (data["left_energy"] - data["moved_energy"]).to_numpy()
    at = last_crossing(saved)
    if at is not None and saved[at] > 0:
        energy = float(data["moved_time"].iloc[at])
    last = data.iloc[-1]
    ratios = (last[f"moved_energy{at}"] / last[f"left_energy{at}"] for at in ("", "-low", "-high"))
    return work, energy, *map(float, ratios)


@dataclass(frozen=True)
class Study:
    """The table of a study, and what the page asks of it."""

    table: pd.DataFrame
    _found: dict[tuple[Any, ...], pd.DataFrame] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Study:
        """Read the table that `write` has written."""
        return cls(pd.read_csv(path))

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the table, with six digits."""
        with output_file(Path(path)) as partial:
            self.table.to_csv(partial, index=False, float_format="%.6g", lineterminator="\n")

    def rows(self, strategy: str, **changes: Any) -> pd.DataFrame:
        """Return the runs of a case, one a seed; the base case has `changes` made to it.

        Raises:
            KeyError: there is no such case.
        """
        key = (strategy, *sorted(changes.items()))
        if key not in self._found:
            self._found[key] = self._search(strategy, changes)
        return self._found[key]

    def _search(self, strategy: str, changes: Mapping[str, Any]) -> pd.DataFrame:
        kind = changes.get("workload", "traces")
        wanted = {**(BASE if kind == "traces" else SYNTHETIC), **changes}
        found = self.table[self.table["strategy"] == strategy]
        for name, value in wanted.items():
            if isinstance(value, float) and math.isnan(value):
                if name != "write_ratio" or kind == "traces":
                    found = found[found[name].isna()]
            else:
                found = found[found[name] == value]
        if found.empty:
            raise KeyError(f"no run of {strategy} with {changes}")
        return found

    def value(self, measure: str, strategy: str, **changes: Any) -> float:
        """Return a measure of a case: a column, or an expression over columns."""
        return float(_measure(self.rows(strategy, **changes), measure).mean())

    def ratios(self, measure: str, strategy: str, to: str, **changes: Any) -> tuple[float, ...]:
        """Return a ratio of two strategies and its 95 % interval over the seeds (NaN for one)."""
        pair = [
            _measure(self.rows(s, **changes).set_index("seed"), measure) for s in (strategy, to)
        ]
        mean, low, high = interval(np.log((pair[0] / pair[1]).to_numpy(dtype=float)))
        return math.exp(mean), math.exp(low), math.exp(high)


def _measure(rows: pd.DataFrame, measure: str) -> pd.Series[Any]:
    return rows[measure] if measure in rows else pd.Series(rows.eval(measure))
