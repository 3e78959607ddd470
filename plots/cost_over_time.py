#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draw what a migration has cost so far, over time: accesses that the VM lost, and energy.

    python plots/cost_over_time.py m5out/stop-and-copy m5out/ownership -o figures

Left, the accesses that the VM has lost so far against its speed before the migration (for all that
of most, if they were not equally fast), which takes a `--warmup` that fills its caches; right, the
energy of everything that the machine has done since the migration began. A strategy that copies
pays at once, one that leaves data remote pays for as long as the VM runs. Marks: where `ownership`,
or without it another that leaves data where it is, meets one that moves it, for the last time, in
the colours of the two (left the cheaper before, right the cheaper from then on): round where moving
has made good what it cost, square where leaving is the cheaper. Needs runs with a common
`--horizon`.
"""

from __future__ import annotations

import itertools
import statistics
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import figure

from homeshift.analysis.traits import Traits
from homeshift.errors import InputError
from homeshift.front_end import call

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from homeshift.analysis.runs import Run

MEASURES = ("lost", "energy")
_MARK: dict[str, Any] = {
    "linestyle": "none",
    "markersize": 5,
    "markeredgecolor": "0.2",
    "markeredgewidth": 0.6,
}
MARKERS = {"moving has paid": "o", "leaving is cheaper": "s"}


def figure_data(runs: Sequence[Run]) -> pd.DataFrame:
    """Return, for each strategy and moment, the accesses lost and the energy so far.

    Raises:
        InputError: the runs differ in more than strategy and seed, or have no horizon.
    """
    import pandas as pd

    from homeshift.analysis.measures import equally_fast
    from homeshift.analysis.remarks import several_vms

    chosen = figure.one_of_each(runs)
    if any(run.horizon is None for _, run in chosen):
        fault = "not all are measured over the same time; make them with a common --horizon"
        raise InputError("list of runs", [fault])
    rows = []
    speeds = [figure.speed_before(run) for _, run in chosen]
    before = statistics.median_high(speeds)
    for label, run in chosen:
        completed = run.migration["status"] == "completed"
        for point in run.migration["progress"]:
            lost = before * point["time"] - point["accesses"][0]
            rows.append((label, completed, point["time"], lost, point["energy"]["total"]))
    data = pd.DataFrame(rows, columns=["strategy", "completed", "time", "lost", "energy"])
    said = figure.seeds_shown(chosen, runs)
    if several_vms(runs):
        said.append("several VMs: the accesses lost are those of the first one, the energy of all")
    if not equally_fast(speeds):
        held = f"{before / 1e6:.4g} {figure.shown('accesses/us')}"
        said.append(f"not equally fast before: all are held against {held}")
    data.attrs[figure.CAPTION] = said
    return data


def crossings(data: pd.DataFrame, measure: str) -> list[tuple[str, str, float, float]]:
    """Return where the costs of leaving data and of having moved it meet for the last time.

    Returns:
        (cheaper before, cheaper after, seconds, cost) of each pair that meets.
    """
    import numpy as np

    from homeshift.analysis.crossover import last_crossing

    found = []
    lines = {
        str(label): (rows["time"].to_numpy(), rows[measure].to_numpy())
        for label, rows in data[data["completed"]].groupby("strategy", sort=False)
    }
    if any(_traits(label).leaves_data and _traits(label).moves_homes for label in lines):
        lines = {
            label: line
            for label, line in lines.items()
            if _traits(label).moves_homes or not _traits(label).leaves_data
        }
    for (one, (times, values)), (other, (other_times, other_values)) in itertools.combinations(
        lines.items(), 2
    ):
        if _traits(one).leaves_data == _traits(other).leaves_data:
            continue
        grid = np.union1d(times, other_times)
        grid = grid[grid <= min(times[-1], other_times[-1])]
        ours = np.interp(grid, times, values)
        theirs = np.interp(grid, other_times, other_values)
        apart = ours - theirs
        after = last_crossing(apart)
        if after is None or not apart[:after].any():
            continue
        at = after - 1
        share = apart[at] / (apart[at] - apart[after])
        time = float(grid[at] + share * (grid[after] - grid[at]))
        names = (one, other) if apart[after] > 0 else (other, one)
        found.append((*names, time, float(np.interp(time, times, values))))
    return found


def _traits(label: str) -> Traits:
    return figure.traits_of(label) or Traits()


def draw(data: pd.DataFrame, *, columns: int) -> Figure:
    """Return the figure: a panel for lost accesses, one for energy."""
    from matplotlib.figure import Figure

    from homeshift.analysis.display import common_unit

    rows = 1 if columns == 2 else 2
    fig = Figure()
    said = figure.caption(fig, data.attrs.get(figure.CAPTION, ()), columns=columns)
    grid = fig.subplots(rows, 2 // rows, squeeze=False).ravel()
    unit = common_unit([float(data["time"].max())], "s")
    joules = common_unit([float(data["energy"].max())], "J")
    scales = {"lost": 1e3, "energy": joules.factor}
    names = {"lost": "accesses lost (thousand)", "energy": f"energy ({figure.shown(joules.name)})"}
    looks = figure.looks(map(str, data["strategy"]))
    marked: set[str] = set()
    for axes, measure in zip(grid, MEASURES, strict=True):
        for place, (label, own) in enumerate(data.groupby("strategy", sort=False)):
            axes.plot(
                own["time"] / unit.factor,
                own[measure] / scales[measure],
                label=str(label),
                **looks[str(label)].line(place),
            )
        for dearer, cheaper, time, cost in crossings(data, measure):
            meet = "leaving is cheaper" if _traits(cheaper).leaves_data else "moving has paid"
            axes.plot(
                [time / unit.factor],
                [cost / scales[measure]],
                marker=MARKERS[meet],
                fillstyle="left",
                markerfacecolor=looks[dearer].colour,
                markerfacecoloralt=looks[cheaper].colour,
                **_MARK,
            )
            marked.add(meet)
        axes.set_ylabel(names[measure])
        axes.grid(visible=True)
        axes.set_xlabel(f"time since the start of the migration ({figure.shown(unit.name)})")
    for meet in sorted(marked):
        label = f"{meet} from here"
        grid[0].plot([], [], marker=MARKERS[meet], markerfacecolor="white", label=label, **_MARK)
    lines = figure.legend(fig, columns=columns)
    fig.set_size_inches(figure.WIDTHS[columns], 1.6 * rows + 0.14 * lines + 0.12 * said)
    return fig


main = figure.script(__file__, __doc__, figure_data, draw, columns=2)

if __name__ == "__main__":
    sys.exit(call(main))
