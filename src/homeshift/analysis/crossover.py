# SPDX-License-Identifier: BSD-3-Clause
"""Leave it or move it: from how many misses a page on does it pay to bring the data along?

    crossing = compare_courses(read_run("results/ownership"), read_run("results/pre-copy"))
    crossing.data             # the two courses side by side, as a table
    crossing.at["energy"]     # misses a page at which moving begins to pay, or NaN

Two runs of one VM are compared at equal work: when both have done as many accesses since the start
of the migration. The run that leaves data where it is spends little at first, then more for every
miss that needs another node; the run that moves it spends much at first. The courses are those of
`progress` in migration.json; between its points they are taken for straight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from homeshift.analysis.runs import Run
from homeshift.errors import InputError

_MEASURES = {
    "energy": "energy.total",
    "energy-low": "energy.total-low",
    "energy-high": "energy.total-high",
    "time": "time",
}
Floats = npt.NDArray[np.float64]
_STEPS = 400


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crossing:
    """Two runs at equal work.

    Args:
        left: name of the strategy that leaves data where it is.
        moved: name of the one that moves it.
        data: one row for each amount of work: accesses, misses_per_page (that needed another node
            after the migration that left the data), and each measure per page (energy in joules) or
            in all (time in seconds) as left_... and moved_....
        at: measure -> misses a page from which moving pays; NaN if it does not within the runs.
        note: what else a figure should say.
    """

    left: str
    moved: str
    data: pd.DataFrame
    at: dict[str, float]
    note: str = ""


def compare_courses(left: Run, moved: Run) -> Crossing:
    """Compare a run that leaves data where it is with one that moves it.

    Raises:
        InputError: a run has no course, or they are not of one and the same VM.
    """
    runs = (left, moved)
    courses = [course(run) for run in runs]
    pages = [run.migration["ram"]["total"] // run.migration["ram"]["page-size"] for run in runs]
    if pages[0] != pages[1]:
        raise InputError("pair of runs", [f"VMs of {pages[0]} and {pages[1]} pages"])
    work = np.linspace(0, min(points["accesses"].iloc[-1] for points in courses), _STEPS)
    data = pd.DataFrame({"accesses": work})
    misses = _at(work, courses[0], "remote-accesses")
    resumed = left.migration["total-time"]
    over = np.interp(resumed, courses[0]["time"], courses[0]["remote-accesses"])
    data["misses_per_page"] = np.maximum(misses - over, 0.0) / pages[0]
    for prefix, points in zip(("left", "moved"), courses, strict=True):
        for measure, column in _MEASURES.items():
            share = 1 if measure == "time" else pages[0]
            data[f"{prefix}_{measure}"] = _at(work, points, column) / share
    at = {
        measure: _crossing(
            data["misses_per_page"].to_numpy(),
            (data[f"left_{measure}"] - data[f"moved_{measure}"]).to_numpy(),
        )
        for measure in _MEASURES
    }
    return Crossing(left=left.strategy, moved=moved.strategy, data=data, at=at)


def course(run: Run) -> pd.DataFrame:
    """Return the `progress` of a run as a table, its columns by their dotted names."""
    points = run.migration.get("progress", [])
    if len(points) < 2:
        raise InputError(f"run '{run.path}'", ["migration.json: no course ('progress')"])
    if len(points[0]["accesses"]) > 1:
        raise InputError(f"run '{run.path}'", ["several VMs, whose energy nobody can tell apart"])
    counts = ("accesses", "remote-accesses")
    first = {name: [point[name][0] for point in points] for name in counts}
    return pd.json_normalize(points).assign(**first)


def last_crossing(excess: Floats) -> int | None:
    """Return the first point that has the sign of the end from then on; None: all are 0."""
    unequal = np.flatnonzero(excess)
    changes = np.flatnonzero(np.diff(np.sign(excess[unequal]), prepend=0))
    return int(unequal[changes[-1]]) if len(changes) else None


def _at(work: Floats, points: pd.DataFrame, column: str) -> Floats:
    """Return a column of a course at amounts of work."""
    # While the VM stands still its work does not grow: what counts is the moment when it goes on.
    rising = points.drop_duplicates("accesses", keep="last")
    return np.asarray(np.interp(work, rising["accesses"], rising[column]), dtype=np.float64)


def _crossing(misses: Floats, excess: Floats) -> float:
    """Return the misses a page from which on leaving costs more, for good."""
    after = last_crossing(excess)
    if after is None or excess[after] < 0:
        return math.nan
    ends = slice(max(after - 1, 0), after + 1)
    return float(np.interp(0.0, excess[ends], misses[ends]))
