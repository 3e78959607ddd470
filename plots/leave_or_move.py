#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draw from how many misses a page on it pays to move data instead of leaving it where it is.

    python plots/leave_or_move.py results/leave/ownership results/leave/stop-and-copy -o figures

The strategy that --left names leaves data where it is, by default ownership, or that of the first
RUN; the others move it: output directories of one VM, or a sweep, measured over the same horizon;
migrations that did not complete are left out. Both are compared when they have done as many
accesses. Misses are those since the end of the migration that left the data. Writes
leave_or_move.png, .pdf and .csv, and prints where the curves cross: for energy with the range of
its constants, and for time.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import figure

from homeshift.analysis.given_runs import add_runs, read_runs
from homeshift.errors import InputError
from homeshift.front_end import call

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from homeshift.analysis.crossover import Crossing
    from homeshift.analysis.runs import Run

_LEAVES = "ownership"


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the figure of the runs that the arguments name; return the exit status."""
    parser = figure.arguments(__file__, __doc__, columns=2)
    add_runs(parser)
    parser.add_argument(
        "--left",
        metavar="STRATEGY",
        help="leaves data where it is (default: ownership, or that of the first RUN)",
    )
    crossings: list[Crossing] = []

    def data(options: argparse.Namespace) -> pd.DataFrame:
        import pandas as pd

        crossings.extend(compared(read_runs(options, parser.prog), left=options.left))
        return pd.concat([c.data.assign(left=c.left, moved=c.moved) for c in crossings])

    def drawn(_: pd.DataFrame, *, columns: int) -> Figure:
        return draw(crossings, columns=columns)

    status = figure.run(parser, data, drawn, argv)
    if status == 0:
        for crossing in crossings:
            print(text(crossing))
    return status


def compared(runs: Sequence[Run], *, left: str | None = None) -> list[Crossing]:
    """Return the comparison of the run that leaves data with each other one.

    Args:
        runs: of one VM.
        left: strategy that leaves data; by default ownership, or that of the first run.

    Raises:
        InputError: there are not two strategies, or no data is left; or as `compare_courses`.
    """
    from homeshift.analysis.crossover import compare_courses
    from homeshift.analysis.runs import completed
    from homeshift.analysis.selection import strategy_names

    each = figure.one_of_each(runs := completed(runs))
    leaving = left or (_LEAVES if _LEAVES in dict(each) else strategy_names(runs)[0])
    names = [label for label, _ in each if leaving in (label, figure.strategy_of(label))]
    if len(names) != 1 or len(each) == 1:
        known = ", ".join(label for label, _ in each)
        fault = f"name one strategy that leaves data, and others; the runs are by {known}"
        raise InputError("--left" if left else "list of runs", [fault])
    base = dict(each)[names[0]]
    note = "".join(figure.seeds_shown(each, runs))
    found = [
        dataclasses.replace(compare_courses(base, run), left=names[0], moved=label, note=note)
        for label, run in each
        if run is not base
    ]
    if not any(crossing.data["misses_per_page"].any() for crossing in found):
        fault = (
            "no access needs another node after the migration, so that no data was left there; "
            "--left names a strategy that leaves it"
        )
        raise InputError(f"run '{base.path}'", [fault])
    return found


def text(crossing: Crossing) -> str:
    """Return in a line from where on moving pays."""
    from homeshift.analysis.display import format_number

    at = crossing.at

    def number(misses: float) -> str:
        if math.isnan(misses):
            return f"more than {most}"
        return f"{misses:,.0f}" if misses >= 10 else format_number(misses)

    def never(measure: str) -> str:
        """Return up to where moving has cost less, if it has not for good."""
        data = crossing.data
        cheaper = data["misses_per_page"][data[f"moved_{measure}"] < data[f"left_{measure}"]]
        up_to = f"only up to {number(cheaper.max())}"
        return up_to if cheaper.max() > 0 else f"not up to {most}"

    most = number(crossing.data["misses_per_page"].max())
    energy = f"{never('energy')} misses a page for energy"
    if not math.isnan(at["energy"]):
        energy = (
            f"from {number(at['energy'])} misses a page on for energy (all constants low: "
            f"{number(at['energy-low'])}, high: {number(at['energy-high'])})"
        )
    time = f"{never('time')} for time"
    if not math.isnan(at["time"]):
        time = f"from {number(at['time'])} on for time"
    return f"{crossing.moved} pays, instead of {crossing.left}, {energy}, {time}"


def draw(crossings: Sequence[Crossing], *, columns: int) -> Figure:
    """Return the figure: a panel for energy, one for time."""
    from matplotlib.figure import Figure

    from homeshift.analysis.display import common_unit

    rows = 1 if columns == 2 else 2
    fig = Figure(figsize=(figure.WIDTHS[columns], 0.8 + 2.2 * rows))
    caption = [
        "in brackets, misses a page from which on moving pays: for energy, for time; "
        "-: not for good in these runs",
        "bands: all constants of the energy low to all of them high",
        *filter(None, [crossings[0].note]),
    ]
    figure.caption(fig, caption, columns=columns)
    looks = figure.looks([crossings[0].left, *(crossing.moved for crossing in crossings)])
    energy, time = fig.subplots(rows, 2 // rows, squeeze=False).ravel()
    joules, seconds = (
        common_unit([max(float(c.data[f"left_{name}"].max()) for c in crossings)], unit)
        for name, unit in (("energy", "J"), ("time", "s"))
    )
    for axes, measure, unit in ((energy, "energy", joules), (time, "time", seconds)):
        factor = 1 / unit.factor
        _curve(axes, crossings[0], "left", measure, factor, looks[crossings[0].left], 0)
        for place, crossing in enumerate(crossings, start=1):
            _curve(axes, crossing, "moved", measure, factor, looks[crossing.moved], place)
            _mark(axes, crossing, measure, factor, looks[crossing.moved])
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("remote misses a page since the migration, if data is left")
        axes.grid(visible=True)
    energy.set_title("Energy, migration and VM")
    energy.set_ylabel(f"{figure.shown(joules.name)} a page")
    time.set_title("Time for the same work")
    time.set_ylabel(figure.shown(seconds.name))
    figure.legend(fig, columns=columns)
    return fig


def _curve(
    axes: Axes,
    crossing: Crossing,
    side: str,
    measure: str,
    factor: float,
    look: figure.Look,
    place: int,
) -> None:
    data = crossing.data
    axes.plot(
        data["misses_per_page"],
        data[f"{side}_{measure}"] * factor,
        label=crossing.left if side == "left" else _label(crossing),
        **look.line(place),
    )
    if measure == "energy":
        axes.fill_between(
            data["misses_per_page"],
            data[f"{side}_energy-low"] * factor,
            data[f"{side}_energy-high"] * factor,
            color=look.colour,
            alpha=0.12,
            linewidth=0,
        )


def _label(crossing: Crossing) -> str:
    from homeshift.analysis.display import format_count

    pays = ", ".join(format_count(crossing.at[measure]) for measure in ("energy", "time"))
    return f"{crossing.moved} ({pays})"


def _mark(axes: Axes, crossing: Crossing, measure: str, factor: float, look: figure.Look) -> None:
    """Mark from where on moving pays."""
    misses = crossing.at[measure]
    if math.isnan(misses):
        return
    import numpy as np

    height = np.interp(
        misses, crossing.data["misses_per_page"], crossing.data[f"left_{measure}"] * factor
    )
    axes.plot([misses, misses], [0, height], color=look.colour, linestyle=":", linewidth=0.8)
    axes.plot([misses], [height], color=look.colour, marker=look.marker, markersize=3.5)


if __name__ == "__main__":
    sys.exit(call(main))
