# SPDX-License-Identifier: BSD-3-Clause
"""Leave it or move it: from how many misses a page on does it pay to bring the data along?

    crossing = compare_courses(read_run("results/ownership"), read_run("results/pre-copy"))
    crossing.data             # the two courses side by side, as a table
    crossing.at["energy"]     # misses a page at which moving begins to pay, or NaN

Two runs of one VM are compared at equal work: when both have done as many accesses since the begin
of the migration. The run that leaves data where it is spends little at first, then more for every
miss that needs another node; the run that moves it spends much at first. The courses are those of
`progress` in migration.json; between its points they are taken for straight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from homeshift.errors import InputError
from homeshift.runs import Run

LEVELS = {"energy": "total", "energy-low": "total-low", "energy-high": "total-high"}
MEASURES = (*LEVELS, "time")
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
    """

    left: str
    moved: str
    data: pd.DataFrame
    at: dict[str, float]


def compare_courses(left: Run, moved: Run) -> Crossing:
    """Compare a run that leaves data where it is with one that moves it.

    Raises:
        InputError: a run has no course, or they are not of one and the same VM.
    """
    runs = (left, moved)
    courses = [_course(run) for run in runs]
    pages = [run.migration["ram"]["total"] // run.migration["ram"]["page-size"] for run in runs]
    if pages[0] != pages[1]:
        raise InputError("pair of runs", [f"VMs of {pages[0]} and {pages[1]} pages"])
    work = np.linspace(0, min(course["accesses"].iloc[-1] for course in courses), _STEPS)
    data = pd.DataFrame({"accesses": work})
    misses = _at(work, courses[0], "remote-services")
    resumed = left.migration["total-time"]
    over = np.interp(resumed, courses[0]["time"], courses[0]["remote-services"])
    data["misses_per_page"] = np.maximum(misses - over, 0.0) / pages[0]
    for prefix, course in zip(("left", "moved"), courses, strict=True):
        for measure in MEASURES:
            share = 1 if measure == "time" else pages[0]
            data[f"{prefix}_{measure}"] = _at(work, course, measure) / share
    at = {
        measure: _crossing(
            data["misses_per_page"].to_numpy(),
            (data[f"left_{measure}"] - data[f"moved_{measure}"]).to_numpy(),
        )
        for measure in MEASURES
    }
    return Crossing(left=left.strategy, moved=moved.strategy, data=data, at=at)


def _course(run: Run) -> pd.DataFrame:
    """Return the course of a run as a table, without the time before the migration."""
    points: list[dict[str, Any]] = run.migration.get("progress", [])
    if len(points) < 2:
        raise InputError(f"run '{run.path}'", ["migration.json: no course ('progress')"])
    if len(points[0]["accesses"]) > 1:
        raise InputError(f"run '{run.path}'", ["several VMs: nobody knows which of them missed"])
    return pd.DataFrame(
        {
            "accesses": [point["accesses"][0] for point in points],
            "time": [point["time"] for point in points],
            "remote-services": [point["remote-services"] for point in points],
            **{name: [point["energy"][key] for point in points] for name, key in LEVELS.items()},
        },
        dtype="float64",
    )


def _at(work: Floats, course: pd.DataFrame, column: str) -> Floats:
    """Return a column of the course at amounts of work."""
    # While the VM stands still its work does not grow: what counts is the moment when it goes on.
    rising = course.drop_duplicates("accesses", keep="last")
    return np.asarray(np.interp(work, rising["accesses"], rising[column]), dtype=np.float64)


def _crossing(misses: Floats, excess: Floats) -> float:
    """Return the misses a page from which on leaving costs more, for good."""
    behind = np.flatnonzero(excess <= 0)
    if len(behind) == 0:
        return 0.0
    last = int(behind[-1])
    if last + 1 >= len(misses):
        return math.nan
    rise = excess[last + 1] - excess[last]
    return float(misses[last] - excess[last] / rise * (misses[last + 1] - misses[last]))
