#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draw how the cost of a simulation grows: with the VM's memory, its accesses, and the nodes.

    python benchmarks/scale.py --json results/scale.json
    python plots/simulator_cost.py results/scale.json -o figures

CPU time of one core of the host. The left panels are logarithmic, and the grey lines in them have
the slope of what grows linearly. On the right is what one more region or access takes: the
difference of a large run and a small one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import figure

from homeshift.errors import InputError
from homeshift.front_end import call

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BY_MEMORY = {
    "4KiB regions": ("#0072B2", "o", "seconds"),
    "2MiB regions": ("#009E73", "s", "seconds"),
}
BY_NODES = {
    "region by nodes": ("#0072B2", "o", "regions", "a region"),
    "access by nodes": ("#D55E00", "^", "accesses", "an access that misses"),
}


def figure_data(path: Path) -> pd.DataFrame:
    """Return a row a run: its series, its place on it, and what it took.

    Raises:
        InputError: the file is not one of scale.py, or has too little in it.
    """
    import pandas as pd

    subject = f"benchmark '{path}'"
    try:
        data = pd.DataFrame(json.loads(path.read_text(encoding="utf-8"))["points"])
        series = set(data["series"])
    except OSError as error:
        raise InputError(subject, [f"cannot be read: {error.strerror}"]) from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(subject, [f"not written by scale.py --json: {error}"]) from error
    missing = {*BY_MEMORY, *BY_NODES, "accesses"} - series
    if missing:
        raise InputError(subject, [f"has nothing of {', '.join(sorted(missing))}"])
    return data


def draw(data: pd.DataFrame, *, columns: int) -> Figure:
    """Return the figure: CPU time by memory, by accesses, and of one more of each by nodes."""
    import numpy as np
    from matplotlib.figure import Figure

    fig = Figure(figsize=(figure.WIDTHS[columns], 2.3))
    by_memory, by_accesses, by_nodes = fig.subplots(1, 3)
    for name, (colour, marker, column) in BY_MEMORY.items():
        rows = data[data["series"] == name].sort_values("x")
        label = name.replace("KiB", " KiB").replace("MiB", " MiB")
        _line(by_memory, rows["x"], rows[column], colour, marker, label)
        if name == "4KiB regions":
            _line(by_memory, rows["x"], rows["setup_seconds"], colour, "x", "set-up, 4 KiB")
            _slope(by_memory, rows["x"], rows[column])
    by_memory.set_xlabel("VM's memory on 64 nodes (GiB)")
    by_memory.set_ylabel("CPU time (s)")
    rows = data[data["series"] == "accesses"].sort_values("accesses")
    spent = rows["seconds"] - rows["setup_seconds"]
    _line(by_accesses, rows["accesses"], spent, "#D55E00", "^", "on quad")
    _slope(by_accesses, rows["accesses"], spent)
    by_accesses.set_xlabel("accesses")
    by_accesses.set_ylabel("CPU time without the set-up (s)")
    for axes in (by_memory, by_accesses):
        axes.set_xscale("log")
        axes.set_yscale("log")
    for name, (colour, marker, column, label) in BY_NODES.items():
        rows = data[data["series"] == name]
        spread = rows.groupby("x")[["seconds", "setup_seconds", column]].agg(np.ptp)
        each = (spread["seconds"] - spread["setup_seconds"]) / spread[column] * 1e6
        _line(by_nodes, spread.index.to_series(), each, colour, marker, label)
    by_nodes.set_xscale("log", base=2)
    by_nodes.set_ylim(bottom=0)
    nodes = sorted(set(data[data["series"] == "region by nodes"]["x"].astype(int)))
    by_nodes.set_xticks(nodes, labels=[str(count) for count in nodes])
    by_nodes.set_xlabel("nodes")
    by_nodes.set_ylabel("CPU time of one more (\N{MICRO SIGN}s)")
    for axes in (by_memory, by_accesses, by_nodes):
        axes.minorticks_off()
        axes.grid(visible=True)
        axes.legend(frameon=False, fontsize="x-small")
    return fig


def _line(
    axes: Axes, x: pd.Series[float], y: pd.Series[float], colour: str, marker: str, label: str
) -> None:
    dashes = ":" if marker == "x" else "-"
    axes.plot(x, y, color=colour, marker=marker, markersize=3, linestyle=dashes, label=label)


def _slope(axes: Axes, x: pd.Series[float], y: pd.Series[float]) -> None:
    """Draw what grows linearly, through the last point."""
    last_x, last_y = float(x.iloc[-1]), float(y.iloc[-1])
    first_x = float(x.iloc[0])
    axes.plot(
        [first_x, last_x],
        [last_y * first_x / last_x, last_y],
        color="#999999",
        linewidth=0.8,
        zorder=0,
        label="linear",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the figure of a benchmark's record; return the exit status."""
    parser = figure.arguments(__file__, __doc__, columns=2)
    parser.add_argument("record", type=Path, metavar="FILE", help="of scale.py --json")
    return figure.run(parser, lambda options: figure_data(options.record), draw, argv)


if __name__ == "__main__":
    sys.exit(call(main))
