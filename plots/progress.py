#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draw how the VM gets on over time across a migration, one line a strategy.

    python plots/progress.py m5out/pre-copy m5out/ownership -o figures

Above, the VM's speed in percent of that before the migration; below, the share of its accesses that
needed another node. There is no share while the VM hardly runs (less than 5 % of its speed before).
Time counts from the start of the migration; a mark shows its end. A point is the mean of a span of
time, which can be longer than the VM is paused: bars at the bottom show when it is, a row a
strategy. All runs must be of the same VMs, machine and workload; of several VMs the first is drawn,
and of several seeds.
"""

from __future__ import annotations

import itertools
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import figure

from homeshift.front_end import call
from homeshift.run_format import begin, lost_at, pauses
from homeshift.units import TICKS_PER_SECOND

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from homeshift.analysis.display import DisplayUnit
    from homeshift.analysis.runs import Run

_RUNS = 0.05  # of its speed before: a VM that does less has too few accesses for a share of them


def figure_data(runs: Sequence[Run]) -> pd.DataFrame:
    """Return, for each strategy and span of time, its speed and share of remote accesses.

    A row of the kind "pause" is a time in which the VM is paused; other spans may be around it.
    """
    import pandas as pd

    from homeshift.analysis.measures import equally_fast
    from homeshift.analysis.remarks import several_vms

    rows = []
    chosen = figure.one_of_each(runs)
    for label, run in chosen:
        end = run.migration["total-time"]
        rows += [("span", label, *row, end) for row in _spans(run)]
        rows += [("pause", label, *row, 0.0, float("nan"), end) for row in _pauses(run)]
    columns = ["kind", "strategy", "start", "end", "speed", "remote", "migration"]
    data = pd.DataFrame(rows, columns=columns)
    said = figure.seeds_shown(chosen, runs)
    if several_vms(runs):
        said.append("several VMs: the first one is drawn")
    if not equally_fast(speeds := [figure.speed_before(run) for _, run in chosen]):
        least, most = (f"{speed / 1e6:.4g}" for speed in (min(speeds), max(speeds)))
        unit = figure.shown("accesses/us")
        said.append(f"not equally fast before: 100 % is {least} to {most} {unit}")
    data.attrs[figure.CAPTION] = said
    return data


def _pauses(run: Run) -> Iterator[tuple[float, float]]:
    """Yield from when to when the first VM is paused, in seconds."""
    own = [leg for leg in run.migration["migrations"] if leg["vm"] == 0]
    start = begin(run.migration)
    for told, _, on, _ in itertools.chain.from_iterable(map(pauses, own)):
        yield (told - start) / TICKS_PER_SECOND, (on - start) / TICKS_PER_SECOND
    if (lost := lost_at(run.migration)) is not None:
        yield (lost - start) / TICKS_PER_SECOND, run.migration["progress"][-1]["time"]


def _spans(run: Run) -> Iterator[tuple[float, float, float, float]]:
    from homeshift.analysis.time_series import progress

    before = figure.speed_before(run)
    points = list(run.migration["progress"])
    spans = [later["time"] - earlier["time"] for earlier, later in itertools.pairwise(points)]
    if spans and spans[-1] < statistics.median(spans) / 4:
        del points[-2]  # a few accesses of a last moment would be a speed of their own
    table = progress({"progress": points})[["start", "end", "speed", "remote-share"]]
    for start, end, speed, remote in table.itertuples(index=False, name=None):
        yield start, end, speed / before, remote if speed / before >= _RUNS else float("nan")


def draw(data: pd.DataFrame, *, columns: int) -> Figure:
    """Return the figure: a panel for the speed, and below, if any is known, shares and pauses."""
    import numpy as np
    from matplotlib.figure import Figure

    from homeshift.analysis.display import common_unit, format_number

    said = figure.caption(fig := Figure(), data.attrs.get(figure.CAPTION, ()), columns=columns)
    names = ["speed", "remote"] if data["remote"].notna().any() else ["speed"]
    unit = common_unit([float(data["end"].max())], "s")
    looks = figure.looks(map(str, data["strategy"]))
    pauses = data[data["kind"] == "pause"]
    heights = [1.2] * len(names) + [0.1 + 0.07 * len(looks)] * (not pauses.empty)
    panels = fig.subplots(
        len(heights), 1, sharex=True, squeeze=False, height_ratios=heights
    ).ravel()
    for label, own in data.groupby("strategy", sort=False):
        look, rows = looks[str(label)], own[own["kind"] == "span"]
        style = {"color": look.colour, "linestyle": look.dashes, "label": str(label)}
        middle = (rows["start"] + rows["end"]) / 2 / unit.factor
        end = float(rows["migration"].iloc[0]) / unit.factor
        for axes, name in zip(panels, names, strict=False):
            axes.plot(middle, rows[name] * 100, **style)
            known = rows[name].notna()
            alone = known & ~known.shift(1, fill_value=False) & ~known.shift(-1, fill_value=False)
            axes.plot(middle[alone], rows[name][alone] * 100, ".", color=look.colour, markersize=2)
            height = np.interp(end, middle, rows[name] * 100)
            axes.plot([end], [height], look.marker, color=look.colour, markersize=3.5)
    panels[0].axhline(100, color="0.6", linewidth=0.5, zorder=0)
    labels = {"speed": "speed (% of before)", "remote": "remote accesses (%)"}
    for axes, name in zip(panels, names, strict=False):
        axes.set_ylabel(labels[name])
        axes.set_ylim(bottom=0)
        axes.grid(visible=True)
    if not pauses.empty:
        _draw_pauses(panels[-1], pauses, looks, unit)
    shown = figure.shown(unit.name)
    spans = data[data["kind"] == "span"]
    longest = float((spans["end"] - spans["start"]).max())
    short = common_unit([longest], "s")
    panels[-1].set_xlabel(
        f"time since the start of the migration ({shown}); marks: its end\n"
        f"bars: the VM is paused; points: means of up to "
        f"{format_number(longest / short.factor)} {figure.shown(short.name)}"
    )
    fig.align_ylabels()
    lines = figure.legend(fig, columns=columns)
    fig.set_size_inches(figure.WIDTHS[columns], 0.55 + sum(heights) + 0.17 * lines + 0.12 * said)
    return fig


def _draw_pauses(
    axes: Axes, pauses: pd.DataFrame, looks: Mapping[str, figure.Look], unit: DisplayUnit
) -> None:
    """Draw when the VM is paused: a row a strategy, in the order of the legend."""
    rows = {label: row for row, label in enumerate(looks)}
    begin, end = pauses["start"] / unit.factor, pauses["end"] / unit.factor
    colours = [looks[label].colour for label in pauses["strategy"]]
    # With an edge, as many are shorter than what can be seen.
    bars = axes.barh(
        pauses["strategy"].map(rows), end - begin, 0.7, begin,
        color=colours, edgecolor=colours, linewidth=0.5,
    )  # fmt: skip
    for bar in bars:
        bar.sticky_edges.x.clear()  # or one that begins at 0 would stand on the axis
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks([len(rows) / 2 - 0.5], labels=["paused"])
    axes.grid(visible=True, axis="x")


main = figure.script(__file__, __doc__, figure_data, draw)

if __name__ == "__main__":
    sys.exit(call(main))
