#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draw total time and downtime against parameters: how fast the VM writes, how large it is.

    python plots/time_by_parameter.py results/study/synthetic -o figures
    python plots/time_by_parameter.py results/study/synthetic --x write_ratio -o figures

One column of panels a parameter that varies in the runs, one line a strategy. A point is the
geometric mean over everything else that varies, seeds among it; runs whose like another point of
the panel does not have, as in a sweep that was not run to its end, are left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import figure

from homeshift.errors import InputError
from homeshift.front_end import call, read_runs

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from homeshift.runs import Run

NAME = "time_by_parameter"
MEASURES = (("total-time", "total time"), ("downtime", "downtime"))


@dataclass(frozen=True, slots=True)
class Axis:
    """A parameter: its name for people, and the unit in which it is shown."""

    label: str
    factor: float = 1.0


AXES = {
    "workload.write_ratio": Axis("writes (% of accesses)", 0.01),
    "workload.think": Axis("think time (cycles)"),
    "vm.memory_bytes": Axis("VM memory (MiB)", 2**20),
    "machine.network.link_bandwidth_bytes_per_second": Axis("link bandwidth (GB/s)", 1e9),
    "link_latency": Axis("link latency (ns)", 1e3),
    "pool_latency": Axis("pool's memory latency (ns)", 1e3),
    "machine.pool.bandwidth_bytes_per_second": Axis("pool's memory bandwidth (GB/s)", 1e9),
    "machine.pool.link_bandwidth_bytes_per_second": Axis("pool's link bandwidth (GB/s)", 1e9),
    "borrowed": Axis("borrowed memory (%)", 0.01),
    "vm.region_bytes": Axis("region (KiB)", 2**10),
}
"""Parameters that are drawn if they vary and no others are asked for."""


def figure_data(runs: Sequence[Run], *, parameters: Sequence[str] = ()) -> pd.DataFrame:
    """Return the times of each strategy at each value of each parameter.

    Raises:
        InputError: a parameter that no run has, or that is no number; or none varies.
    """
    import numpy as np
    import pandas as pd

    from homeshift.groups import SEED, comparable
    from homeshift.selection import column, run_table, varied

    table = run_table(runs)
    table["strategy"] = table["strategy"].map(figure.short_names(table["strategy"]))
    table["borrowed"] = [sum(run.config["vm"].get("borrow", {}).values()) for run in runs]
    cycle = table["machine.clock_period_ps"]
    table["link_latency"] = cycle * table["machine.network.link_latency_cycles"]
    if "machine.pool.latency_cycles" in table:
        table["pool_latency"] = cycle * table["machine.pool.latency_cycles"]
    names = [column(table, name) for name in parameters]
    names = names or varied(table, [name for name in AXES if name in table])
    if not names:
        fault = f"none of {', '.join(AXES)} varies; name another by --x"
        raise InputError("list of runs", [fault])
    words = [name for name in names if not pd.api.types.is_numeric_dtype(table[name])]
    if words:
        raise InputError("--x", [f"{name}: its values are no numbers to draw on" for name in words])
    frames = []
    notes = []
    for name in names:
        # All points of a panel are means over the same: each strategy's, and each value's.
        own, others = comparable(table, ["strategy", name] if name != SEED else ["strategy"])
        notes += [f"{name}: {others}"] if others else []
        for measure, _ in MEASURES:
            groups = own[own[measure] > 0].groupby(["strategy", name], sort=True)[measure]
            means = groups.agg(
                lambda values: float(np.exp(np.mean(np.log(values.to_numpy(dtype=float)))))
            )
            rows = means.rename("value").reset_index().rename(columns={name: "x"})
            rows = rows.sort_values("strategy", key=lambda c: c.map(figure.order), kind="stable")
            frames.append(rows.assign(parameter=name, measure=measure))
    data = pd.concat(frames, ignore_index=True)
    data = data[["parameter", "measure", "strategy", "x", "value"]]
    data.attrs[figure.NOTES] = notes
    return data


def draw(data: pd.DataFrame, *, columns: int) -> Figure:
    """Return the figure: times below each other, parameters side by side."""
    from matplotlib.figure import Figure

    from homeshift.display import common_unit

    names = list(dict.fromkeys(data["parameter"]))
    fig = Figure(figsize=(figure.WIDTHS[columns], 3.3))
    grid = fig.subplots(2, len(names), sharey="row", sharex="col", squeeze=False)
    for row, (measure, label) in zip(grid, MEASURES, strict=True):
        own = data[data["measure"] == measure]
        unit = common_unit([float(value) for value in own["value"]], "s")
        for axes, name in zip(row, names, strict=True):
            axis = AXES.get(name, Axis(name))
            for strategy, line in own[own["parameter"] == name].groupby("strategy", sort=False):
                looks = figure.look(str(strategy))
                axes.plot(
                    line["x"] / axis.factor,
                    line["value"] / unit.factor,
                    color=looks.colour,
                    linestyle=looks.dashes,
                    marker=looks.marker,
                    markersize=2.8,
                    label=str(strategy),
                )
            axes.set_yscale("log")
            values = sorted(set(own[own["parameter"] == name]["x"] / axis.factor))
            if len(values) > 2 and values[0] > 0 and values[-1] / values[0] >= 8:
                axes.set_xscale("log", base=2)
                axes.set_xticks(values, labels=[f"{value:g}" for value in values])
                axes.minorticks_off()
            axes.grid(visible=True)
        row[0].set_ylabel(f"{label} ({figure.shown(unit.name)})")
    for axes, name in zip(grid[-1], names, strict=True):
        axes.set_xlabel(AXES.get(name, Axis(name)).label)
    fig.align_ylabels()
    figure.legend(fig, grid[0][0], columns=columns)
    return fig


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the figure of the runs that the arguments name; return the exit status."""
    parser = figure.arguments(NAME, __doc__, columns=2)
    parser.add_argument("runs", nargs="+", metavar="RUN", help="a sweep, or a folder of runs")
    parser.add_argument("--x", default="", metavar="NAME,...", help="parameters (default: known)")

    def data(options: argparse.Namespace) -> pd.DataFrame:
        names = [name for name in options.x.split(",") if name]
        return figure_data(read_runs(options.runs, parser.prog), parameters=names)

    return figure.run(parser, data, draw, argv)


if __name__ == "__main__":
    sys.exit(call(main))
