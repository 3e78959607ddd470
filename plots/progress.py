#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draw how the VM gets on over time across a migration, one line a strategy.

    python plots/progress.py m5out/pre-copy m5out/ownership -o figures

Above, the VM's speed in percent of that before the migration; below, the share of its accesses (of
those of all VMs, if there are several) that needed another node. Time counts from the begin of the
migration; a mark shows its end. All runs must be of one VM, machine and workload; of several seeds
the first is drawn.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import figure

from homeshift.front_end import call

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from homeshift.runs import Run

NAME = "progress"


def figure_data(runs: Sequence[Run]) -> pd.DataFrame:
    """Return, for each strategy and span of time, its speed and share of remote accesses."""
    import pandas as pd

    rows = [row for label, run in figure.one_of_each(runs) for row in _spans(label, run)]
    return pd.DataFrame(rows, columns=["strategy", "begin", "end", "speed", "remote", "migration"])


def _spans(label: str, run: Run) -> Iterator[tuple[str, float, float, float, float, float]]:
    before = figure.speed_before(run)
    points = run.migration["progress"]
    for earlier, later in itertools.pairwise(points):
        seconds = later["time"] - earlier["time"]
        accesses = later["accesses"][0] - earlier["accesses"][0]
        everybody = sum(later["accesses"]) - sum(earlier["accesses"])
        remote = later["remote-services"] - earlier["remote-services"]
        share = remote / everybody if everybody else float("nan")
        yield (
            label,
            earlier["time"],
            later["time"],
            accesses / seconds / before,
            share,
            run.migration["total-time"],
        )


def draw(data: pd.DataFrame, *, columns: int) -> Figure:
    """Return the figure: two panels over one axis of time."""
    from matplotlib.figure import Figure

    from homeshift.display import common_unit

    lines = -(-data["strategy"].nunique() // 2)  # of the legend
    fig = Figure(figsize=(figure.WIDTHS[columns], 2.8 + 0.17 * lines))
    speed, remote = fig.subplots(2, 1, sharex=True)
    unit = common_unit([float(data["end"].max())], "s")
    for label, rows in data.groupby("strategy", sort=False):
        looks = figure.look(str(label))
        style = {"color": looks.colour, "linestyle": looks.dashes, "label": str(label)}
        middle = (rows["begin"] + rows["end"]) / 2 / unit.factor
        speed.plot(middle, rows["speed"] * 100, **style)
        remote.plot(middle, rows["remote"] * 100, **style)
        end = float(rows["migration"].iloc[0]) / unit.factor
        at = (middle - end).abs().idxmin()
        for axes, name in ((speed, "speed"), (remote, "remote")):
            axes.plot(
                [end], rows.loc[[at], name] * 100, looks.marker, color=looks.colour, markersize=3.5
            )
    speed.axhline(100, color="0.6", linewidth=0.5, zorder=0)
    speed.set_ylabel("speed (% of before)")
    remote.set_ylabel("remote accesses (%)")
    shown = figure.shown(unit.name)
    remote.set_xlabel(f"time since the begin of the migration ({shown}); marks: its end")
    for axes in (speed, remote):
        axes.set_ylim(bottom=0)
        axes.grid(visible=True)
    fig.align_ylabels()
    figure.legend(fig, speed, columns=columns)
    return fig


main = figure.script(NAME, __doc__, figure_data, draw)

if __name__ == "__main__":
    sys.exit(call(main))
