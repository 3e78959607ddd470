# SPDX-License-Identifier: BSD-3-Clause
"""Runs as one HTML page that needs no other file: tables, figures, machine, parameters, command.

`scripts/report.py` draws the figures and writes the page; this module says what stands on it.
"""

from __future__ import annotations

import base64
import os
import platform
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from homeshift.analysis import groups, machine_drawing
from homeshift.analysis.comparable import comparable
from homeshift.analysis.display import common_unit, format_number
from homeshift.analysis.measures import measure_named, not_equally_fast
from homeshift.analysis.runs import Run
from homeshift.analysis.selection import as_given, run_table, shown_name
from homeshift.analysis.sweep_note import (
    failure_file,
    is_sweep,
    read_failure,
    read_note,
    run_directory,
)

TEMPLATE = Path(__file__).with_name("report.html")
_LIBRARIES = ("numpy", "pandas", "matplotlib")
_NAMED = 3  # directories that a page can be called after
_LISTED = ("total-time", "downtime", "interconnect.migration-bytes", "energy.total")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A figure of the page: its SVG, a title, and a sentence on how to read it."""

    svg: bytes
    title: str
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A sweep: what the page calls it, its directory, and its sweep.json."""

    name: str
    directory: Path
    note: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Results:
    """What a page is about.

    Args:
        name: of the page.
        runs: those that are done.
        table: of these, a row a run.
        comparable: the rows that can be summed up.
        warnings: what is missing, what is left out, and what the numbers can mislead about.
        sweeps: of which there are runs among them.
        command: that makes the page again, once the sweeps are made; or nothing.
    """

    name: str
    runs: Sequence[Run]
    table: pd.DataFrame
    comparable: pd.DataFrame
    warnings: Sequence[str]
    sweeps: Sequence[Sweep]
    command: str

    @property
    def comparable_runs(self) -> list[Run]:
        """The runs that can be summed up."""
        return [self.runs[row] for row in self.comparable.index]


def results_of(
    paths: Sequence[str | os.PathLike[str]],
    runs: Sequence[Run],
    warnings: Sequence[str],
    *,
    where: Sequence[str],
) -> Results:
    """Return what a page shows of runs.

    Args:
        paths: where they were found: runs, sweeps, directories of runs.
        runs: those to show.
        warnings: on these.
        where: conditions by which they were chosen.

    Raises:
        InputError: a sweep.json cannot be read.
    """
    places = [(path, read_note(path) if is_sweep(path) else None) for path in map(Path, paths)]
    names = [note["name"] if note else path.resolve().name for path, note in places]
    if len(set(names)) < len(names):
        names = [path.resolve().name for path, _ in places]
    sweeps = [
        Sweep(name=name, directory=path, note=note)
        for name, (path, note) in zip(names, places, strict=True)
        if note
    ]
    command = ["python", "scripts/report.py", *(f"results/{sweep.name}" for sweep in sweeps)]
    command += [word for condition in where for word in ("--where", condition)]
    table = run_table(runs)
    chosen, others = comparable(table, ["strategy"])
    return Results(
        name=", ".join(names) if len(names) <= _NAMED else f"{len(runs)} runs",
        runs=runs,
        table=table,
        comparable=chosen,
        warnings=[
            *([f"only runs with {', '.join(where)}"] if where else []),
            *warnings,
            *([others] if others else []),
        ],
        sweeps=sweeps,
        command=shlex.join([*command, "-o", "report.html"]) if len(sweeps) == len(names) else "",
    )


def page(results: Results, pictures: Sequence[Picture]) -> str:
    """Return the page of runs with its figures.

    Raises:
        InputError: what is recorded about a failed run cannot be read.
    """
    import jinja2

    table = results.comparable
    summary = groups.summarise(table)
    means, ratios = groups.texts(summary)
    seeds = int(table[groups.SEED].nunique())
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        name=results.name,
        runs=len(results.runs),
        notes=[
            *results.warnings,
            *filter(None, [summary.attrs["gaps"], *not_equally_fast(summary, "group", "mean")]),
        ],
        version=", ".join(sorted({run.config["homeshift"] for run in results.runs})),
        engines=", ".join(sorted(set(table["engine"]))),
        over=groups.means_over(table),
        baseline=summary["baseline"].iloc[0],
        intervals=seeds > 1,
        seeds=seeds,
        means=_html(means),
        ratios="" if ratios.empty else _html(ratios),
        figures=[
            {
                "svg": base64.b64encode(picture.svg).decode("ascii"),
                "title": picture.title,
                "caption": picture.caption,
            }
            for picture in pictures
        ],
        machines=_machines(results.runs),
        parameters=_parameters(results.table),
        failures=_failures(results.sweeps),
        run_list=_html(
            _run_list(results.table, groups.condition_columns(results.table, ["strategy"]))
        ),
        sweeps=results.sweeps,
        command=results.command,
        versions=_versions(),
    )


def _html(table: pd.DataFrame) -> Any:
    import markupsafe

    return markupsafe.Markup(table.to_html(border=0, justify="right"))


def _machines(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return a drawing of each machine that has another shape than those before."""
    import markupsafe

    found: dict[str, dict[str, Any]] = {}
    for run in runs:
        machine = run.config["machine"]
        svg = machine_drawing.draw(machine, run.config["vm"])
        network = machine["network"]
        period = machine["clock_period_ps"]
        bandwidths, latencies = (
            [_of_link(machine, link, key) for link in network.get("links", [{}])]
            for key in ("bandwidth_bytes_per_second", "latency_cycles")
        )
        found.setdefault(
            svg,
            {
                "svg": markupsafe.Markup(svg),
                "caption": (
                    f"{machine['name']}: {machine['nodes']} nodes, {network['topology']}; links of "
                    f"{_span(bandwidths, 1e9)} GB/s and {_span(latencies, 1e3 / period)} ns. "
                    f"{_pool(machine)}Blue: "
                    "where the VM is before; yellow: where it goes; green: nodes that lend it "
                    "memory."
                ),
            },
        )
    return list(found.values())


def _of_link(machine: dict[str, Any], link: dict[str, Any], key: str) -> float:
    """Return what a link has: of its own, of the pool if it is at one, or as all links."""
    pool = machine.get("pool", {})
    first = machine["nodes"] - pool.get("nodes", 0)
    at_pool = any(first <= router < machine["nodes"] for router in link.get("between", ()))
    usual = {**machine["network"], **pool} if at_pool else machine["network"]
    return float(link.get(key) or usual[f"link_{key}"])


def _span(values: Sequence[float], factor: float) -> str:
    """Return the least and the most of some values, or their only one."""
    ends = dict.fromkeys(format_number(end / factor) for end in (min(values), max(values)))
    return " to ".join(ends)


def _pool(machine: dict[str, Any]) -> str:
    if "pool" not in machine:
        return ""
    pool = {**machine["network"], **machine["pool"]}  # older runs say less of a pool

    def nanoseconds(cycles: int) -> str:
        return format_number(cycles * machine["clock_period_ps"] / 1e3)

    return (
        f"Pool: memory of {format_number(pool['bandwidth_bytes_per_second'] / 1e9)} GB/s and "
        f"{nanoseconds(pool['latency_cycles'])} ns, links of "
        f"{format_number(pool['link_bandwidth_bytes_per_second'] / 1e9)} GB/s and "
        f"{nanoseconds(pool['link_latency_cycles'])} ns. "
    )


def _parameters(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Return every option and every part of machine and workload, those that vary first."""
    rows = []
    for name in map(str, table):
        if name.startswith(("arguments.", "machine.", "workload.")):
            # Another kind of workload has other parameters.
            values = table[name] if name.startswith("arguments.") else table[name].dropna()
            shown = dict.fromkeys(as_given(name, value) for value in values)
            rows.append((shown_name(name), list(shown)))
    rows = [row for row in rows if row[1] not in ([], ["none"])]
    rows.sort(key=lambda row: len(row[1]) == 1)
    return [(name, "; ".join(values)) for name, values in rows]


def _failures(sweeps: Sequence[Sweep]) -> list[dict[str, str]]:
    failures = []
    for sweep in sweeps:
        for run in sweep.note["runs"]:
            if run_directory(sweep.directory, run["run"]).is_dir():
                continue
            failure = read_failure(failure_file(sweep.directory, run["run"]))
            if failure is not None:
                options = " ".join(f"--{name} {value}" for name, value in run["options"].items())
                command = f"configs/migrate.py {options}"
                failures.append({"command": command, "error": failure["error"]})
    return failures


def _run_list(table: pd.DataFrame, conditions: Sequence[str]) -> pd.DataFrame:
    chosen = table[["strategy", *conditions, groups.SEED, "status", *_LISTED]].copy()
    for name in conditions:
        chosen[name] = [as_given(name, value) for value in chosen[name]]
    names = {name: shown_name(name) for name in map(str, chosen)}
    for measure in map(measure_named, _LISTED):
        unit = common_unit([float(value) for value in chosen[measure.path]], measure.unit)
        chosen[measure.path] = [format_number(v / unit.factor) for v in chosen[measure.path]]
        names[measure.path] = measure.heading(unit)
    return chosen.rename(columns=names).set_index("strategy", drop=True).rename_axis(None)


def _versions() -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return f"Page made with Python {platform.python_version()}, {libraries}."
