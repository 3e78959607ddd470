#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
r"""Draw total time, downtime or others against parameters: how fast the VM writes, how large it is.

    python plots/time_by_parameter.py results/study/synthetic -o figures
    python plots/time_by_parameter.py results/study/synthetic --x write_ratio \
        --measures "downtime,all energy" --where workload.kind=zipf -o figures

One column of panels a parameter that varies in the runs, one line a strategy. A point is the
geometric mean over everything else that varies, seeds among it; of a measure that is negative
somewhere, as accesses lost can be, it is the arithmetic mean, on an axis that is not logarithmic.
An upright line is its 95 % confidence interval over the seeds, and may reach beyond the panel. Runs
whose like another point of the panel does not have, as in a sweep that was not run to its end, are
left out, and so are those whose migration did not complete. Measures are those of
scripts/compare.py, by the names in its table or in its files. Against a parameter of a strategy, a
line is all runs that differ in it alone.
"""

from __future__ import annotations

import argparse
import functools
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import figure

from homeshift.analysis.given_runs import add_runs, read_runs
from homeshift.errors import InputError
from homeshift.front_end import call

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from homeshift.analysis.display import DisplayUnit
    from homeshift.analysis.measures import Measure
    from homeshift.analysis.runs import Run

MEASURES = ("total time", "downtime")
_LONGEST = 20  # letters beside a panel
_VALUES = ["value", "low", "high"]  # a mean and its interval
_DECADES = 300  # from this ratio on, only powers of ten are marked on an axis


@dataclass(frozen=True, slots=True)
class Axis:
    """A parameter: its name for people, and the unit in which it is shown."""

    label: str
    factor: float = 1.0


AXES = {
    "workload.write_ratio": Axis("writes (% of accesses)", 0.01),
    "workload.think": Axis("think time (cycles)"),
    "workload.exponent": Axis("exponent of Zipf's law"),
    "workload.footprint": Axis("footprint (% of the VM)", 0.01),
    "workload.shared": Axis("shared by all vCPUs (%)", 0.01),
    "vm.memory_bytes": Axis("VM memory (MiB)", 2**20),
    "machine.network.link_bandwidth_bytes_per_second": Axis("link bandwidth (GB/s)", 1e9),
    "link_latency": Axis("link latency (ns)", 1e3),
    "pool_latency": Axis("pool's memory latency (ns)", 1e3),
    "pool_link_latency": Axis("pool's link latency (ns)", 1e3),
    "machine.pool.bandwidth_bytes_per_second": Axis("pool's memory bandwidth (GB/s)", 1e9),
    "machine.pool.link_bandwidth_bytes_per_second": Axis("pool's link bandwidth (GB/s)", 1e9),
    "borrowed": Axis("borrowed memory (%)", 0.01),
    "vm.region_bytes": Axis("region (KiB)", 2**10),
}
"""Parameters that are drawn if they vary and no others are asked for."""


def figure_data(
    runs: Sequence[Run], *, parameters: Sequence[str] = (), measures: Sequence[str] = MEASURES
) -> pd.DataFrame:
    """Return the measures of each strategy at each value of each parameter, in SI units.

    Raises:
        InputError: a parameter that no run has, or that is no number; or none varies; or there is
            no such measure.
    """
    import pandas as pd

    from homeshift.analysis.comparable import comparable
    from homeshift.analysis.groups import SEED
    from homeshift.analysis.measures import measure_named
    from homeshift.analysis.remarks import not_completed, several_vms
    from homeshift.analysis.runs import completed
    from homeshift.analysis.selection import run_table, strategy_names

    shown = [measure_named(name) for name in dict.fromkeys(measures)]
    incomplete = not_completed(runs)
    runs = completed(runs)
    table = _with_times(run_table(runs))
    names = _drawn_parameters(table, parameters)
    _check_measures(table, shown)
    frames = []
    notes = []
    caption = []
    for name in names:
        lined = table.assign(strategy=strategy_names(runs, without=[name]))
        if not name.startswith("strategy."):  # of which `comparable` tells
            notes += _without(lined, name)
            lined = lined.dropna(subset=[name])
        # All points of a panel are means over the same: each strategy's, and each value's.
        own, others = comparable(lined, ["strategy", name] if name != SEED else ["strategy"])
        notes += [f"{name}: {others}"] if others else []
        notes += _not_there(own, name)
        for measure in shown:
            signed = bool((table[measure.path] < 0).any())  # a loss that can be a gain
            rows, left_out = _points(own, name, measure, signed=signed)
            caption += left_out
            frames.append(rows.assign(parameter=name, measure=measure.path))
    data: pd.DataFrame = pd.concat(frames, ignore_index=True)
    data = data[["parameter", "measure", "strategy", "x", *_VALUES]]
    if data.empty:
        raise InputError("list of runs", caption)
    data.attrs[figure.NOTES] = [*notes, *dict.fromkeys(caption)]
    left_out_runs = f"{incomplete} and are left out" if incomplete else ""
    said = [*filter(None, [several_vms(runs), left_out_runs])]
    if (data["low"] < data["high"]).any():
        said.append(
            "upright lines: 95 % confidence over the seeds; they may reach beyond the panel"
        )
    data.attrs[figure.CAPTION] = [*said, *data.attrs[figure.NOTES]]
    return data


def _with_times(table: pd.DataFrame) -> pd.DataFrame:
    """Return the runs with those times that are drawn, which config.json has in cycles."""
    cycle = table["machine.clock_period_ps"]
    cycles = {
        "link_latency": "machine.network.link_latency_cycles",
        "pool_latency": "machine.pool.latency_cycles",
        "pool_link_latency": "machine.pool.link_latency_cycles",
    }
    return table.assign(
        **{name: cycle * table[column] for name, column in cycles.items() if column in table}
    )


def _drawn_parameters(table: pd.DataFrame, asked: Sequence[str]) -> list[str]:
    """Return the columns of the parameters that are asked for, or of those of AXES that vary."""
    import pandas as pd

    from homeshift.analysis.selection import column

    names = list(dict.fromkeys(column(table, name) for name in asked))
    # Without what one kind of workload has, always the same, and another has not.
    names = names or [name for name in AXES if name in table and table[name].nunique() > 1]
    if not names:
        fault = f"none of {', '.join(AXES)} varies; name another by --x"
        raise InputError("list of runs", [fault])
    words = [name for name in names if not pd.api.types.is_numeric_dtype(table[name])]
    if words:
        raise InputError("--x", [f"{name}: its values are no numbers to draw on" for name in words])
    return names


def _check_measures(table: pd.DataFrame, shown: Sequence[Measure]) -> None:
    from homeshift.analysis.groups import HORIZON
    from homeshift.analysis.measures import measures_for

    known = measures_for(table.get(HORIZON, [None]), map(str, table))
    lacking = [m.label or m.path for m in shown if m.path not in table or m not in known]
    if lacking:
        fault = "not all runs have it; one over all the time needs runs with a --horizon"
        raise InputError("--measures", [f"{name}: {fault}" for name in lacking])


def _without(table: pd.DataFrame, name: str) -> list[str]:
    """Return a sentence on runs that have no value of a parameter, if there are any."""
    count = int(table[name].isna().sum())
    return [f"{name}: {count} of {len(table)} runs are left out, as they have none"] * (count > 0)


def _not_there(own: pd.DataFrame, name: str) -> list[str]:
    """Return a sentence on values of a parameter at which a line has no run, if there are any."""
    from homeshift.analysis.display import listed
    from homeshift.analysis.selection import shown_name

    axis = AXES.get(name, Axis(shown_name(name)))
    there = set(zip(own["strategy"], own[name], strict=True))
    gaps = [
        f"{strategy} at {_tick(name, x / axis.factor, 0)}"
        for strategy in dict.fromkeys(own["strategy"])
        for x in sorted(own[name].dropna().unique())
        if (strategy, x) not in there
    ]
    return [f"{axis.label}: there is no completed run of {listed(gaps)}"] if gaps else []


def _points(
    own: pd.DataFrame, name: str, measure: Measure, *, signed: bool
) -> tuple[pd.DataFrame, list[str]]:
    """Return a panel's points with their intervals, and sentences on those that it lacks.

    Args:
        own: runs that can be summed up, with the names of their lines as strategies.
        name: parameter that the points are at the values of.
        measure: that the points show.
        signed: whether it can be below 0: then means are arithmetic, and its axis is linear.
    """
    import numpy as np
    import pandas as pd

    from homeshift.analysis.confidence import interval
    from homeshift.analysis.groups import SEED

    least = own.groupby(["strategy", name])[measure.path].agg(lambda v: v.min(skipna=False))
    drawable = least.notna() if signed else least > 0
    left_out = [
        f"{measure.label or measure.path}: {without} of {len(least)} points are not drawn, as it "
        f"{reason}"
        for without, reason in (
            (least.isna().sum(), "is not known of all their runs"),
            (
                (least.notna() & ~drawable).sum(),
                "is not above 0 in all their runs, where a log axis ends",
            ),
        )
        if without
    ]
    # The mean of each seed; of its logarithm, for a geometric mean.
    keys = list(dict.fromkeys(["strategy", name, SEED]))
    drawn = own.set_index(["strategy", name], drop=False).loc[least.index[drawable]]
    values = drawn[measure.path] * measure.scale
    values = values if signed else values.map(math.log)
    means = values.groupby([drawn[key] for key in keys]).mean()
    points = means.groupby(level=["strategy", name])
    intervals = points.apply(lambda m: pd.Series(interval(m.to_numpy()), _VALUES))
    rows = intervals.unstack().reset_index().rename(columns={name: "x"})
    if not signed:
        rows[_VALUES] = np.exp(rows[_VALUES])
    rows = rows.sort_values("strategy", key=lambda c: c.map(figure.order), kind="stable")
    return rows, left_out


def draw(data: pd.DataFrame, *, columns: int) -> Figure:
    """Return the figure: measures below each other, parameters side by side."""
    from matplotlib.figure import Figure

    from homeshift.analysis.display import common_unit
    from homeshift.analysis.measures import measure_named
    from homeshift.analysis.selection import shown_name

    names = list(dict.fromkeys(data["parameter"]))
    measures = [measure_named(path) for path in dict.fromkeys(data["measure"])]
    fig = Figure()
    lines = figure.caption(fig, data.attrs.get(figure.CAPTION, ()), columns=columns)
    fig.set_size_inches(figure.WIDTHS[columns], 0.6 + 1.35 * len(measures) + 0.12 * lines)
    grid = fig.subplots(len(measures), len(names), sharey="row", sharex="col", squeeze=False)
    looks = figure.looks(map(str, data["strategy"]))
    for row, measure in zip(grid, measures, strict=True):
        own = data[data["measure"] == measure.path]
        unit = common_unit([float(value) for value in own["value"]], measure.unit)
        logarithmic = bool((own["value"] > 0).all())
        for axes, name in zip(row, names, strict=True):
            shown = own[own["parameter"] == name]
            factor = AXES.get(name, Axis("")).factor
            shown = shown.assign(x=shown["x"] / factor, **shown[_VALUES] / unit.factor)
            _draw_panel(axes, shown, looks)
            if logarithmic:
                axes.set_yscale("log")
            values = sorted(set(shown["x"]))
            if len(values) > 2 and values[0] > 0 and values[-1] / values[0] >= 8:
                axes.set_xscale("log", base=2)
                axes.set_xticks(values)
                axes.minorticks_off()
            axes.xaxis.set_major_formatter(functools.partial(_tick, name))
            axes.grid(visible=True)
        if not logarithmic and own["value"].abs().max() >= 1000 * unit.factor:
            row[0].yaxis.set_major_formatter("{x:,.0f}")
        if logarithmic:
            _mark_powers(row[0], [float(value) / unit.factor for value in own["value"]])
        row[0].set_ylabel(_label(measure, unit, logarithmic=logarithmic))
    for axes, name in zip(grid[-1], names, strict=True):
        axes.set_xlabel(AXES[name].label if name in AXES else shown_name(name))
    fig.align_ylabels()
    figure.legend(fig, columns=columns)
    return fig


def _draw_panel(axes: Axes, shown: pd.DataFrame, looks: Mapping[str, figure.Look]) -> None:
    """Draw a line a strategy, and the interval at each of its points."""
    from matplotlib.collections import LineCollection

    for strategy, line in shown.groupby("strategy", sort=False):
        look = looks[str(strategy)]
        axes.plot(line["x"], line["value"], label=str(strategy), **look.points)
        ends = zip(line["x"], line["low"], line["high"], strict=True)
        intervals = [[(x, low), (x, high)] for x, low, high in ends]
        axes.add_collection(
            LineCollection(intervals, colors=look.colour, linewidths=0.7),
            autolim=False,  # two seeds give an interval that would hide the points
        )


def _tick(name: str, value: float, _: int) -> str:
    """Return the text at a value of a parameter, with its unit if the axis's label has none."""
    from homeshift.analysis.selection import shown_value

    return f"{value:g}" if name in AXES else shown_value(name, float(f"{value:g}"))


def _label(measure: Measure, unit: DisplayUnit, *, logarithmic: bool) -> str:
    name = measure.label or measure.path
    told = ", ".join(filter(None, [figure.shown(unit.name), "log scale" if logarithmic else ""]))
    apart = "\n" if len(name) + len(told) > _LONGEST else " "
    return f"{name}{apart}({told})" if told else name


def _mark_powers(axes: Axes, values: Sequence[float]) -> None:
    """Mark a logarithmic axis so that its numbers do not overlap, however short or long it is."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    ratio = max(values) / min(values)
    powers = LogLocator(subs=(1.0,) if ratio > _DECADES else (1.0, 2.0, 5.0))
    axes.yaxis.set_major_locator(powers if ratio > 4 else MaxNLocator(4))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.9g}")


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the figure of the runs that the arguments name; return the exit status."""
    parser = figure.arguments(__file__, __doc__, columns=2)
    add_runs(parser)
    parser.add_argument(
        "--x",
        default="",
        metavar="NAME,...",
        help=f"default: what varies of {', '.join(AXES)}",
    )

    parser.add_argument(
        "--measures", default=",".join(MEASURES), metavar="NAME,...", help="default: %(default)s"
    )

    def data(options: argparse.Namespace) -> pd.DataFrame:
        names = [name for name in options.x.split(",") if name]
        return figure_data(
            read_runs(options, parser.prog), parameters=names, measures=options.measures.split(",")
        )

    return figure.run(parser, data, draw, argv)


if __name__ == "__main__":
    sys.exit(call(main))
