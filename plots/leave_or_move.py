#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draw from how many misses a page on it pays to move data instead of leaving it where it is.

    python plots/leave_or_move.py results/leave/ownership results/leave/stop-and-copy -o figures

The first RUN leaves data where it is, the others move it: output directories of one VM, measured
over the same horizon. Both are compared when they have done as many accesses. Writes
leave_or_move.png, .pdf and .csv, and prints where the curves cross: for energy with the range of
its constants, and for time.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import figure

from homeshift.front_end import call

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from homeshift.crossover import Crossing

NAME = "leave_or_move"
_NANO, _MILLI = 1e9, 1e3


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the figure of the runs that the arguments name; return the exit status."""
    parser = figure.arguments(NAME, __doc__, columns=2)
    parser.add_argument("left", metavar="RUN", help="that leaves data where it is")
    parser.add_argument("moved", metavar="RUN", nargs="+", help="that moves data")
    crossings: list[Crossing] = []

    def data(options: argparse.Namespace) -> pd.DataFrame:
        import pandas as pd

        from homeshift.crossover import compare_courses
        from homeshift.runs import read_run

        left, *moved = (read_run(path, stats=False) for path in (options.left, *options.moved))
        crossings.extend(compare_courses(left, run) for run in moved)
        return pd.concat([c.data.assign(left=c.left, moved=c.moved) for c in crossings])

    def drawn(_: pd.DataFrame, *, columns: int) -> Figure:
        return draw(crossings, columns=columns)

    status = figure.run(parser, data, drawn, argv)
    if status == 0:
        for crossing in crossings:
            print(text(crossing))
    return status


def text(crossing: Crossing) -> str:
    """Return in a line from where on moving pays."""
    at = crossing.at
    most = crossing.data["misses_per_page"].max()

    def number(misses: float) -> str:
        return f"more than {most:.3g}" if math.isnan(misses) else f"{misses:.0f}"

    energy = f"not up to {most:.3g} misses a page for energy"
    if not math.isnan(at["energy"]):
        energy = (
            f"from {number(at['energy'])} misses a page on for energy (all constants low: "
            f"{number(at['energy-low'])}, high: {number(at['energy-high'])})"
        )
    time = f"not up to {most:.3g} for time"
    if not math.isnan(at["time"]):
        time = f"from {number(at['time'])} on for time"
    return f"{crossing.moved} pays, instead of {crossing.left}, {energy}, {time}"


def draw(crossings: Sequence[Crossing], *, columns: int) -> Figure:
    """Return the figure: a panel for energy, one for time."""
    from matplotlib.figure import Figure

    rows = 1 if columns == 2 else 2
    fig = Figure(figsize=(figure.WIDTHS[columns], 0.5 + 2.2 * rows))
    energy, time = fig.subplots(rows, 2 // rows, squeeze=False).ravel()
    for axes, measure, factor in ((energy, "energy", _NANO), (time, "time", _MILLI)):
        _curve(axes, crossings[0], "left", measure, factor)
        for crossing in crossings:
            _curve(axes, crossing, "moved", measure, factor)
            _mark(axes, crossing, measure, factor)
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("remote misses a page, if data is left where it is")
        axes.grid(visible=True)
    energy.set_title("Energy, migration and VM")
    energy.set_ylabel("nJ a page")
    time.set_title("Time for the same work")
    time.set_ylabel("ms")
    figure.legend(fig, energy, columns=columns)
    return fig


def _curve(axes: Axes, crossing: Crossing, side: str, measure: str, factor: float) -> None:
    data = crossing.data
    name = crossing.left if side == "left" else crossing.moved
    looks = figure.look(name)
    axes.plot(
        data["misses_per_page"],
        data[f"{side}_{measure}"] * factor,
        color=looks.colour,
        linestyle=looks.dashes,
        label=name,
    )
    if measure == "energy":
        axes.fill_between(
            data["misses_per_page"],
            data[f"{side}_energy-low"] * factor,
            data[f"{side}_energy-high"] * factor,
            color=looks.colour,
            alpha=0.12,
            linewidth=0,
        )


def _mark(axes: Axes, crossing: Crossing, measure: str, factor: float) -> None:
    """Mark from where on moving pays."""
    misses = crossing.at[measure]
    if math.isnan(misses):
        return
    import numpy as np

    colour = figure.look(crossing.moved).colour
    height = np.interp(
        misses, crossing.data["misses_per_page"], crossing.data[f"left_{measure}"] * factor
    )
    axes.plot([misses, misses], [0, height], color=colour, linestyle=":", linewidth=0.8)
    axes.plot([misses], [height], color=colour, marker="o", markersize=3)
    axes.annotate(
        f"{misses:.0f}",
        (misses, height),
        xytext=(3, -8),
        textcoords="offset points",
        fontsize=6,
        color=colour,
    )


if __name__ == "__main__":
    sys.exit(call(main))
