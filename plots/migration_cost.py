#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draw what a migration costs: bytes between nodes, total time, downtime and energy by strategy.

    python plots/migration_cost.py m5out -o figures
    python plots/migration_cost.py m5out/pre-copy m5out/ownership -o figures --columns 1

A RUN is the output directory of a run, or a directory of such directories. Writes
migration_cost.png, .pdf and .csv (the data behind the figure, in SI units). Equal data gives equal
files. Blue bars are the strategies that move homes, orange ones those that only copy memory.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from homeshift.errors import HomeshiftError, InputError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLE = Path(__file__).with_name("homeshift.mplstyle")
NAME = "migration_cost"

_WIDTHS = {1: 3.5, 2: 7.16}  # inches of a paper's one and two columns
_OURS, _KNOWN = "#0072B2", "#E69F00"  # Okabe and Ito's blue and orange
_DECADE = 10.0
_LONGEST = 24


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


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the figure of the runs that the arguments name; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="migration_cost.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("runs", nargs="+", metavar="RUN", help="output directory of a run")
    parser.add_argument("-o", "--outdir", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--columns",
        type=int,
        choices=sorted(_WIDTHS),
        default=2,
        help="width of the figure in columns of a paper (default: %(default)s)",
    )
    arguments = parser.parse_args(argv)
    try:
        # Slow imports come last, so that --help is fast.
        from homeshift.comparison import compare
        from homeshift.runs import read_runs

        data = figure_data(compare(read_runs(arguments.runs)))
        for path in save(data, arguments.outdir, columns=arguments.columns):
            print(path)
    except HomeshiftError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return error.exit_status
    return 0


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


def save(data: pd.DataFrame, directory: Path, *, columns: int) -> list[Path]:
    """Write the figure and its data into `directory`; return the paths."""
    import matplotlib

    paths = [directory / f"{NAME}.{suffix}" for suffix in ("png", "pdf", "csv")]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with matplotlib.rc_context(fname=STYLE):
            figure = draw(data, columns=columns)
            figure.savefig(paths[0], metadata={"Software": None})
            # Without a date, the same data gives the same bytes.
            figure.savefig(paths[1], metadata={"CreationDate": None, "Producer": None})
        data.to_csv(paths[2], index=False, lineterminator="\n")
    except OSError as error:
        fault = f"cannot be written: {error.strerror} ({error.filename})"
        raise InputError(f"figure directory '{directory}'", [fault]) from error
    return paths


def draw(data: pd.DataFrame, *, columns: int) -> Figure:
    """Return the figure: horizontal bars, so that long names of strategies stay readable."""
    from matplotlib.figure import Figure

    bars = data["label"].nunique()
    rows = 1 if columns == 2 else 2
    figure = Figure(figsize=(_WIDTHS[columns], rows * (0.62 + 0.17 * bars)))
    grid = figure.subplots(rows, len(PANELS) // rows, sharey=True, squeeze=False)
    for panel, axes in zip(PANELS, grid.flat, strict=True):
        _draw_panel(axes, panel, data[data["measure"] == panel.measure])
    grid[0][0].invert_yaxis()  # The first run on top; the panels share the axis.
    figure.align_xlabels()
    return figure


def _draw_panel(axes: Axes, panel: Panel, rows: pd.DataFrame) -> None:
    from homeshift.display import common_unit, format_number

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
    colours = [
        _OURS if str(strategy).startswith("ownership") else _KNOWN for strategy in rows["strategy"]
    ]
    axes.barh(positions, [value - left for value in values], left=left, height=0.66, color=colours)
    ends = values
    if panel.low:
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
    axes.set_yticks(positions, labels=[_shorten(str(label)) for label in rows["label"]])
    axes.set_title(panel.title)
    name = unit.name.replace("u", "\N{MICRO SIGN}")
    axes.set_xlabel(f"{name} (log scale)" if logarithmic else name)
    axes.grid(visible=True, axis="x")


def _shorten(label: str) -> str:
    """Return the end of a label that would leave no room for the bars: a long path."""
    return label if len(label) <= _LONGEST else f"\N{HORIZONTAL ELLIPSIS}{label[1 - _LONGEST :]}"


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


if __name__ == "__main__":
    sys.exit(main())
