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
from pathlib import Path
from typing import TYPE_CHECKING

from homeshift.errors import HomeshiftError, InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from homeshift.crossover import Crossing

STYLE = Path(__file__).with_name("homeshift.mplstyle")
NAME = "leave_or_move"
_WIDTH = 7.16  # inches of a paper's two columns
_LEFT = "#0072B2"
_MOVED = ("#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")  # Okabe and Ito's colours
_NANO, _MILLI = 1e9, 1e3


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the figure of the runs that the arguments name; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="leave_or_move.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("left", metavar="RUN", help="that leaves data where it is")
    parser.add_argument("moved", metavar="RUN", nargs="+", help="that moves data")
    parser.add_argument("-o", "--outdir", type=Path, required=True, metavar="DIR")
    arguments = parser.parse_args(argv)
    if len(arguments.moved) > len(_MOVED):
        parser.error(f"at most {len(_MOVED)} runs that move data can be told apart")
    try:
        # Slow imports come last, so that --help is fast.
        from homeshift.crossover import compare_courses
        from homeshift.runs import read_run

        left = read_run(arguments.left)
        crossings = [compare_courses(left, read_run(path)) for path in arguments.moved]
        for path in save(crossings, arguments.outdir):
            print(path)
        for crossing in crossings:
            print(text(crossing))
    except HomeshiftError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return error.exit_status
    return 0


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


def save(crossings: Sequence[Crossing], directory: Path) -> list[Path]:
    """Write the figure and its data into `directory`; return the paths."""
    import matplotlib
    import pandas as pd

    paths = [directory / f"{NAME}.{suffix}" for suffix in ("png", "pdf", "csv")]
    tables = [c.data.assign(left=c.left, moved=c.moved) for c in crossings]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with matplotlib.rc_context(fname=STYLE):
            figure = draw(crossings)
            figure.savefig(paths[0], metadata={"Software": None})
            # Without a date, the same data gives the same bytes.
            figure.savefig(paths[1], metadata={"CreationDate": None, "Producer": None})
        pd.concat(tables).to_csv(paths[2], index=False, lineterminator="\n")
    except OSError as error:
        fault = f"cannot be written: {error.strerror} ({error.filename})"
        raise InputError(f"figure directory '{directory}'", [fault]) from error
    return paths


def draw(crossings: Sequence[Crossing]) -> Figure:
    """Return the figure: energy on the left, time on the right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, 2.6))
    energy, time = figure.subplots(1, 2)
    first = crossings[0]
    _curve(energy, first, "left", "energy", _LEFT, _NANO)
    _curve(time, first, "left", "time", _LEFT, _MILLI)
    for crossing, colour in zip(crossings, _MOVED, strict=False):
        _curve(energy, crossing, "moved", "energy", colour, _NANO)
        _curve(time, crossing, "moved", "time", colour, _MILLI)
        _mark(energy, crossing, "energy", colour, _NANO)
        _mark(time, crossing, "time", colour, _MILLI)
    energy.set_title("Energy, migration and VM")
    energy.set_ylabel("nJ a page")
    time.set_title("Time for the same work")
    time.set_ylabel("ms")
    for axes in (energy, time):
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("remote misses a page, if data is left where it is")
        axes.grid(visible=True)
    energy.legend(loc="upper left", frameon=False)
    return figure


def _curve(
    axes: Axes, crossing: Crossing, side: str, measure: str, colour: str, factor: float
) -> None:
    data = crossing.data
    name = crossing.left if side == "left" else crossing.moved
    axes.plot(data["misses_per_page"], data[f"{side}_{measure}"] * factor, color=colour, label=name)
    if measure == "energy":
        axes.fill_between(
            data["misses_per_page"],
            data[f"{side}_energy-low"] * factor,
            data[f"{side}_energy-high"] * factor,
            color=colour,
            alpha=0.12,
            linewidth=0,
        )


def _mark(axes: Axes, crossing: Crossing, measure: str, colour: str, factor: float) -> None:
    """Mark from where on moving pays."""
    misses = crossing.at[measure]
    if math.isnan(misses):
        return
    import numpy as np

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
    sys.exit(main())
