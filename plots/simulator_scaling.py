#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draw how fast the embedded engine simulates machines of different size.

    python benchmarks/throughput.py --scaling --json results/speed.json
    python plots/simulator_scaling.py results/speed.json -o figures

Accesses of the VM per second of CPU time, on one core of the host: the median of all turns, and the
range from the slowest to the fastest.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import figure

from homeshift.errors import InputError
from homeshift.front_end import call

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00")
_MARKERS = ("o", "s", "^", "D")


def figure_data(path: Path) -> pd.DataFrame:
    """Return accesses per second of CPU time of each kind of case and number of nodes.

    Raises:
        InputError: the file is not one of throughput.py, or has no cases for scaling.
    """
    import pandas as pd

    subject = f"benchmark '{path}'"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        nodes, cases = record["nodes"], record["cases"]
    except OSError as error:
        raise InputError(subject, [f"cannot be read: {error.strerror}"]) from error
    except (ValueError, KeyError) as error:
        raise InputError(subject, [f"not written by throughput.py --json: {error}"]) from error
    rows = []
    for name, turns in cases.items():
        kind = name.removesuffix(f"-{nodes[name]}-nodes")
        if kind != name:
            rates = [turn["requests"] / turn["seconds"] for turn in turns]
            rows.append((kind, nodes[name], statistics.median(rates), min(rates), max(rates)))
    if not rows:
        raise InputError(subject, ["holds no case for scaling; run throughput.py --scaling"])
    return pd.DataFrame(rows, columns=["case", "nodes", "rate", "low", "high"])


def draw(data: pd.DataFrame, *, columns: int) -> Figure:
    """Return the figure: speed against nodes, both logarithmic."""
    from matplotlib.figure import Figure

    fig = Figure(figsize=(figure.WIDTHS[columns], 2.2))
    axes = fig.subplots()
    looks = zip(data.groupby("case", sort=False), _COLOURS, _MARKERS, strict=False)
    for (case, rows), colour, marker in looks:
        axes.errorbar(
            rows["nodes"],
            rows["rate"] / 1e6,
            yerr=((rows["rate"] - rows["low"]) / 1e6, (rows["high"] - rows["rate"]) / 1e6),
            color=colour,
            marker=marker,
            markersize=3,
            capsize=1.5,
            elinewidth=0.6,
            label=str(case),
        )
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    nodes = sorted(set(data["nodes"]))
    axes.set_xticks(nodes, labels=[str(count) for count in nodes])
    axes.minorticks_off()
    low, high = float(data["low"].min()) / 1e6, float(data["high"].max()) / 1e6
    steps = [step * 10.0**power for power in range(-3, 4) for step in (1, 2, 5)]
    shown = [step for step in steps if low / 1.5 <= step <= high * 1.5]
    axes.set_yticks(shown, labels=[f"{step:g}" for step in shown])
    axes.set_xlabel("nodes, a vCPU each")
    axes.set_ylabel("million accesses\nper second of CPU time")
    axes.grid(visible=True)
    figure.legend(fig, columns=columns)
    return fig


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the figure of a benchmark's record; return the exit status."""
    parser = figure.arguments(__file__, __doc__, columns=1)
    parser.add_argument("record", type=Path, metavar="FILE", help="of throughput.py --json")
    return figure.run(parser, lambda options: figure_data(options.record), draw, argv)


if __name__ == "__main__":
    sys.exit(call(main))
