#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draw how busy each link is over time, one panel a strategy.

    python plots/link_heatmap.py m5out/stop-and-copy m5out/ownership -o figures

A row is a link, named after the routers at its ends (node n has router n; H is the hub of a
crossbar), and numbered where two nodes have several, as in a ring of two. The colour is the share
of the time that it carried something. Garnet's links in gem5 cannot tell.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import figure

from homeshift.errors import InputError
from homeshift.front_end import call

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from homeshift.analysis.runs import Run


def figure_data(runs: Sequence[Run]) -> pd.DataFrame:
    """Return the utilisation of each link in each span of time."""
    import pandas as pd

    rows = []
    chosen = figure.one_of_each(runs)
    for label, run in chosen:
        links = run.migration["links"]
        if not links:
            fault = f"{run.path}: no links over time (engine '{run.migration['engine']}')"
            raise InputError("list of runs", [fault])
        machine = run.config["machine"]
        crossbar = machine["network"]["topology"] == "crossbar"
        names = link_names(links, hub=machine["nodes"] if crossbar else None)
        points = run.migration["progress"]
        for earlier, later in itertools.pairwise(points):
            seconds = later["time"] - earlier["time"]
            for number, name in enumerate(names):
                busy = later["links-busy"][number] - earlier["links-busy"][number]
                rows.append((label, name, earlier["time"], later["time"], busy / seconds))
    data = pd.DataFrame(rows, columns=["strategy", "link", "start", "end", "utilisation"])
    data.attrs[figure.CAPTION] = figure.seeds_shown(chosen, runs)
    return data


def link_names(links: Sequence[Mapping[str, int]], *, hub: int | None) -> list[str]:
    """Return a name for each link, from its ends."""
    names = [
        "\N{RIGHTWARDS ARROW}".join(
            "H" if link[end] == hub else str(link[end]) for end in ("source", "target")
        )
        for link in links
    ]
    return [
        f"{name} ({names[:place].count(name) + 1})" if names.count(name) > 1 else name
        for place, name in enumerate(names)
    ]


def draw(data: pd.DataFrame, *, columns: int) -> Figure:
    """Return the figure: small panels that share their axes and colours."""
    from matplotlib.figure import Figure

    from homeshift.analysis.display import common_unit

    labels = list(dict.fromkeys(data["strategy"]))
    links = list(dict.fromkeys(data["link"]))
    across = min(len(labels), 2 if columns == 1 else 4)
    down = math.ceil(len(labels) / across)
    titles = [
        figure.wrapped(label, int((figure.WIDTHS[columns] - 1) / across / 0.075))
        for label in labels
    ]
    above = 0.33 + 0.12 * max(map(figure.lines_of, titles))
    height = 0.55 + down * (above + 0.095 * min(len(links), 24))
    fig = Figure(figsize=(figure.WIDTHS[columns], height))
    grid = fig.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    unit = common_unit([float(data["end"].max())], "s")
    most = min(100, max(10, math.ceil(float(data["utilisation"].max()) * 10) * 10))  # %
    mesh = None
    for axes, label, title in zip(grid.flat, labels, titles, strict=False):
        own = data[data["strategy"] == label]
        cells = own.pivot(index="link", columns="start", values="utilisation").loc[links]
        edges = [*cells.columns, float(own["end"].max())]
        mesh = axes.pcolormesh(
            [edge / unit.factor for edge in edges],
            range(len(links) + 1),
            cells.to_numpy() * 100,
            vmin=0,
            vmax=most,
            cmap="cividis",
            rasterized=True,
        )
        axes.set_title(title)
        shown = range(0, len(links), math.ceil(len(links) / 24))
        axes.set_yticks([n + 0.5 for n in shown], labels=[links[n] for n in shown])
    grid[0][0].invert_yaxis()
    for axes in grid.flat[len(labels) :]:
        axes.set_axis_off()
    for axes in grid.flat[max(0, len(labels) - across) : len(labels)]:
        axes.tick_params(labelbottom=True)  # also above a place that is empty
    time = f"time since the start of the migration ({figure.shown(unit.name)})"
    fig.supxlabel("\n".join([time, *data.attrs.get(figure.CAPTION, ())]), fontsize=7)
    fig.supylabel("link", fontsize=7)
    assert mesh is not None
    fig.colorbar(mesh, ax=grid, label="link utilisation (%)", aspect=30, pad=0.02)
    return fig


main = figure.script(__file__, __doc__, figure_data, draw, columns=2)

if __name__ == "__main__":
    sys.exit(call(main))
