#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draw what a migration costs: bytes between nodes, total time, downtime and energy by strategy.

    python plots/migration_cost.py m5out -o figures
    python plots/migration_cost.py m5out/pre-copy m5out/ownership -o figures --columns 1

A RUN is the output directory of a run or a sweep, or a directory of runs. Writes the figure as .png
and .pdf, and the data behind it as .csv, in SI units. Equal data gives equal files. Blue bars are
the strategies that move homes, orange ones those that only copy memory, grey ones all others. Of
more than eight runs, and of runs with several seeds, the mean of each strategy is shown, with its
95 % confidence interval over the seeds. An energy has the range of its constants instead: all of
them low to all of them high (src/homeshift/energy.toml).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import figure

from homeshift.front_end import call

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from homeshift.analysis.runs import Run

_RUNS_EACH = "runs each"
_OURS, _KNOWN = "#0072B2", "#E69F00"  # Okabe and Ito's blue and orange
_OTHER = "#666666"
_DECADE = 10.0
_LONGEST = {1: 24, 2: 30}  # letters of a line of a label, by columns of the figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One measure; `low` and `high` name its range when it has one."""

    title: str
    measure: str
    low: str = ""
    high: str = ""


PANELS = (
    Panel(title="Bytes between nodes", measure="interconnect.migration-bytes"),
    Panel(title="Total time", measure="total-time"),
    Panel(title="Downtime", measure="downtime"),
    Panel(title="Energy", measure="energy.total", low="energy.total-low", high="energy.total-high"),
)


def run_data(runs: Sequence[Run]) -> pd.DataFrame:
    """Return what the figure shows: of each run, or of each strategy where there are many."""
    import pandas as pd

    from homeshift.analysis.comparable import comparable
    from homeshift.analysis.comparison import SIDE_BY_SIDE, compare, differences
    from homeshift.analysis.display import listed
    from homeshift.analysis.groups import summarise
    from homeshift.analysis.remarks import not_completed, several_vms
    from homeshift.analysis.runs import completed
    from homeshift.analysis.selection import run_table

    seeds = {run.seed for run in runs}
    if len(runs) <= SIDE_BY_SIDE and len(seeds) == 1:
        data = figure_data(compare(runs))
        apart = listed([difference.partition(": ")[0] for difference in differences(runs)])
        notes = [f"the runs differ in more than their strategy: {apart}"] if apart else []
        data.attrs[figure.NOTES] = notes
        data.attrs[figure.CAPTION] = [*filter(None, [several_vms(runs)]), *notes]
        return data
    table, others = comparable(run_table(completed(runs)), ["strategy"])
    means = summarise(table)
    means = means.sort_values("group", key=lambda c: c.map(figure.order), kind="stable")
    means = means.assign(label=means["group"], strategy=means["group"], run="", value=means["mean"])
    data = figure_data(means)
    # The energy's range is that of its constants; the others' is the confidence over the seeds.
    ranges = means.set_index(["label", "measure"])[["mean_low", "mean_high"]]
    keys = list(zip(data["label"], data["measure"], strict=True))
    plain = ~data["measure"].isin([panel.measure for panel in PANELS if panel.low])
    for column, source in (("low", "mean_low"), ("high", "mean_high")):
        confidence = pd.Series([ranges[source][key] for key in keys], index=data.index)
        data[column] = data[column].mask(plain & confidence.notna(), confidence)
    data.attrs[figure.NOTES] = [others] if others else []
    data.attrs[_RUNS_EACH] = len(table) // len(means["group"].unique())
    incomplete = not_completed(runs)
    said = [several_vms(runs), f"{incomplete} and are left out" if incomplete else "", others]
    data.attrs[figure.CAPTION] = [*filter(None, said)]
    return data


def figure_data(table: pd.DataFrame) -> pd.DataFrame:
    """Return what the figure shows: a row for each bar, with its range, in SI units."""
    import pandas as pd

    frames = []
    for panel in PANELS:
        names = (panel.measure, panel.low or panel.measure, panel.high or panel.measure)
        bars, lows, highs = (
            table[table["measure"] == name].reset_index(drop=True) for name in names
        )
        bars = bars[["label", "strategy", "run", "measure", "unit", "value"]]
        frames.append(bars.assign(low=lows["value"], high=highs["value"]))
    return pd.concat(frames, ignore_index=True)


def draw(data: pd.DataFrame, *, columns: int) -> Figure:
    """Return the figure: horizontal bars, so that long names of strategies stay readable."""
    from matplotlib.figure import Figure

    names = [figure.wrapped(label, _LONGEST[columns]) for label in dict.fromkeys(data["label"])]
    bar = 0.04 + 0.13 * max(map(figure.lines_of, names))
    rows = 1 if columns == 2 else 2
    caption = _caption(data)
    fig = Figure()
    lines = figure.caption(fig, caption, columns=columns)
    fig.set_size_inches(figure.WIDTHS[columns], rows * (0.62 + bar * len(names)) + 0.12 * lines)
    across = len(PANELS) // rows
    grid = fig.subplots(rows, across, sharey=True, squeeze=False)
    longest = max(len(line) for name in names for line in name.split("\n"))
    letters = int((figure.WIDTHS[columns] - 0.3 - 0.06 * longest) / across / 0.0605)
    for panel, axes in zip(PANELS, grid.flat, strict=True):
        _draw_panel(axes, data[data["measure"] == panel.measure], names)
        axes.set_title(figure.wrapped(panel.title, letters))
    grid[0][0].invert_yaxis()  # The first run on top; the panels share the axis.
    fig.align_xlabels()
    return fig


def _caption(data: pd.DataFrame) -> list[str]:
    """Return what bars are means of, and what the ranges are, where there are any."""
    ranged = set(data.loc[data["low"] < data["high"], "measure"])
    of_constants = {panel.measure for panel in PANELS if panel.low}
    runs = data.attrs.get(_RUNS_EACH, 1)
    caption = [f"means over {runs} runs each"] if runs > 1 else []
    if ranged & of_constants:
        caption.append("whiskers of energy: all constants low to all constants high")
    if ranged - of_constants:
        caption.append("other whiskers: 95 % confidence over the seeds")
    return [*caption, *data.attrs.get(figure.CAPTION, ())]


def _colour(strategy: str) -> str:
    """Tell what moves homes from what only copies, and from all others."""
    traits = figure.traits_of(strategy)
    if traits is None:
        return _OTHER
    return _OURS if traits.moves_homes else _KNOWN if traits.copies else _OTHER


def _draw_panel(axes: Axes, rows: pd.DataFrame, names: Sequence[str]) -> None:
    from homeshift.analysis.display import common_unit, format_number

    raw = [float(value) for value in rows["value"]]
    unit = common_unit(raw, str(rows["unit"].iloc[0]))
    values = [value / unit.factor for value in raw]
    lows = [float(value) / unit.factor for value in rows["low"]]
    highs = [float(value) / unit.factor for value in rows["high"]]
    positions = range(len(values))
    logarithmic = _spans_a_decade(values)
    left, right = _limits([*values, *lows, *highs], logarithmic=logarithmic)
    if logarithmic:
        axes.set_xscale("log")
        axes.minorticks_off()  # two powers of ten are in view; numbers between them would overlap
    colours = [_colour(str(strategy)) for strategy in rows["strategy"]]
    axes.barh(positions, [value - left for value in values], left=left, height=0.66, color=colours)
    ends = values
    if lows != values or highs != values:
        ranges = [
            (value, position, value - low, high - value)
            for position, value, low, high in zip(positions, values, lows, highs, strict=True)
            if value > 0
        ]
        if ranges:
            middles, heights, below, above = zip(*ranges, strict=True)
            axes.errorbar(
                middles, heights, xerr=(below, above), fmt="none", ecolor="0.15", capsize=1.6
            )
        ends = highs
    for position, value, end in zip(positions, values, ends, strict=True):
        axes.annotate(
            format_number(value),
            (max(end, left), position),
            xytext=(2.5, 0),
            textcoords="offset points",
            va="center_baseline",
            fontsize=6,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4},
        )
    axes.set_xlim(left, right)
    if not any(values):
        axes.set_xticks([0])  # there is no unit to count in
    axes.set_yticks(positions, labels=names)
    name = figure.shown(unit.name)
    axes.set_xlabel(f"{name} (log scale)" if logarithmic else name)
    axes.grid(visible=True, axis="x")


def _spans_a_decade(values: Sequence[float]) -> bool:
    sizes = [value for value in values if value > 0]
    return bool(sizes) and max(sizes) > _DECADE * min(sizes)


def _limits(values: Sequence[float], *, logarithmic: bool) -> tuple[float, float]:
    """Return the ends of the axis; beyond the longest bar there is room for its number."""
    largest = max(values)
    if not logarithmic:
        return 0.0, largest * 1.45 or 1.0
    # A logarithmic axis has no zero: the shortest bar (or range) is 2 to 20 times its left end.
    left = 10.0 ** math.floor(math.log10(min(value for value in values if value > 0) / 2))
    return left, largest * (largest / left) ** 0.45


main = figure.script(__file__, __doc__, run_data, draw, columns=2)

if __name__ == "__main__":
    sys.exit(call(main))
