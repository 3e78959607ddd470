#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draw when moving the data is better than moving the right: work and energy against what varies.

    python plots/work_and_energy.py docs/study.csv -o figures

The table is that of `scripts/study.py`. Two figures, study_vm and study_machine, each with the
parameters side by side. Above, the work that the VM got done since the migration began, below, the
energy for the same work, migration and all included, on an axis that is logarithmic above 100 %;
both against `ownership`, which leaves all data where it is. A line above zero in the upper row does
more work than it, one below zero in the lower row spends less energy.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import figure

from homeshift.errors import InputError
from homeshift.front_end import call, script_parser, tells_errors

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from homeshift.study.data import Study

FIGURES = {
    "study_vm": ("speed", "size", "borrowed"),
    "study_machine": ("bandwidth", "latency", "slice"),
}
MEASURES = {
    "accesses": "work done,\nvs. ownership (%)",
    "energy_ratio": "energy for the same work,\nvs. ownership (%, log above 100)",
}
_SCALED = ("speed", "bandwidth", "latency", "slice")  # steps are factors


def figure_data(path: Path) -> pd.DataFrame:
    """Return, for each axis, value, strategy and measure, the ratio to `ownership` less 1.

    Raises:
        InputError: the file cannot be read, or is not a table of scripts/study.py.
    """
    from homeshift.study.data import Study

    try:
        study = Study.read(path)
    except OSError as error:
        raise InputError(f"table '{path}'", [f"cannot be read: {error.strerror}"]) from error
    except ValueError as error:  # pandas' own are among these
        raise InputError(f"table '{path}'", [f"is no table: {str(error).strip()}"]) from error
    try:
        return _ratios(study)
    except (KeyError, NameError) as error:  # of a column that is not there, or a case
        fault = f"was not written by scripts/study.py: {error.args[0]}"
        raise InputError(f"table '{path}'", [fault]) from error


def _ratios(study: Study) -> pd.DataFrame:
    import pandas as pd

    from homeshift.study.data import LEFT, STRATEGIES
    from homeshift.study.tables import AXES

    rows = []
    for axis in (axis for axes in FIGURES.values() for axis in axes):
        for changes in AXES[axis].cases:
            x = sum(changes.values()) if axis == "borrowed" else next(iter(changes.values()))
            for measure in MEASURES:
                for strategy in STRATEGIES:
                    ratio, _, _ = study.ratios(measure, strategy, LEFT, **changes)
                    rows.append((axis, x, strategy, measure, ratio - 1))
    return pd.DataFrame(rows, columns=["axis", "x", "strategy", "measure", "difference"])


def draw(data: pd.DataFrame, axes_shown: Sequence[str], *, columns: int) -> Figure:
    """Return one figure: measures below each other, parameters side by side."""
    from matplotlib.figure import Figure

    from homeshift.study.tables import AXES

    fig = Figure(figsize=(figure.WIDTHS[columns], 3.8))
    grid = fig.subplots(2, len(axes_shown), sharey="row", sharex="col", squeeze=False)
    looks = figure.looks(map(str, data["strategy"]))
    for row, (measure, label) in zip(grid, MEASURES.items(), strict=True):
        for axes, axis in zip(row, axes_shown, strict=True):
            own = data[(data["axis"] == axis) & (data["measure"] == measure)]
            for strategy, line in own.groupby("strategy", sort=False):
                axes.plot(
                    line["x"] * (100 if axis == "borrowed" else 1),
                    line["difference"] * 100,
                    label=str(strategy),
                    **looks[str(strategy)].points,
                )
            values = sorted(set(own["x"]))
            if axis in _SCALED:
                axes.set_xscale("log", base=2)
                axes.set_xticks(values, labels=[f"{value:g}" for value in values])
                axes.minorticks_off()
            axes.grid(visible=True)
        if measure != "accesses":
            # Twice the energy up to many times: what is far above has lost anyway.
            row[0].set_yscale("symlog", linthresh=100)
            row[0].set_yticks([-50, 0, 50, 100, 1000], labels=["-50", "0", "50", "100", "1000"])
        row[0].set_ylabel(label)
    for axes, axis in zip(grid[-1], axes_shown, strict=True):
        axes.set_xlabel(AXES[axis].heading.replace(" [", " (").replace("]", ")"))
    fig.align_ylabels()
    figure.legend(fig, columns=columns)
    return fig


@tells_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Draw the figures of the table that the arguments name; return the exit status."""
    parser = script_parser(__file__, __doc__)
    parser.add_argument("table", type=Path, metavar="CSV", help="docs/study.csv")
    parser.add_argument(
        "-o", "--outdir", type=Path, required=True, metavar="DIR", help="of the figure"
    )
    options = parser.parse_args(argv)
    data = figure_data(options.table)
    for name, axes in FIGURES.items():
        own = data[data["axis"].isin(axes)]
        for path in figure.save(
            functools.partial(draw, own, axes, columns=2),
            own,
            options.outdir,
            name=name,
        ):
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(call(main))
