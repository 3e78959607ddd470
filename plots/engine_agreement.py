#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Draw how far the embedded engine and gem5 agree, count by count.

    python scripts/validate.py --gem5 gem5.opt --keep results/engines
    python plots/engine_agreement.py results/engines -o figures
    python plots/engine_agreement.py results/engines --golden tests/gem5/golden -o figures

A point is how often a transition was taken, or a message of one type sent, in one case: gem5's
count to the right, the embedded engine's over it, minus one, upwards. What gem5 has not counted at
all is a point in the upper left corner. The second form takes gem5's numbers from recorded files,
so that only CASE/embedded need be there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import figure

from homeshift.errors import InputError
from homeshift.front_end import call

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_KINDS = {"transitions": ("#0072B2", "o"), "messages": ("#E69F00", "s")}


def figure_data(directory: Path, golden: Path | None) -> pd.DataFrame:
    """Return both engines' counts of every transition and message type of every case.

    Raises:
        InputError: there is no pair of runs.
    """
    import pandas as pd

    rows = list(_rows(directory, golden))
    if not rows:
        fault = "holds no CASE/embedded with gem5's numbers beside it (or in --golden)"
        raise InputError(f"directory '{directory}'", [fault])
    return pd.DataFrame(rows, columns=["case", "kind", "name", "gem5", "embedded"])


def _rows(directory: Path, golden: Path | None) -> Iterator[tuple[str, str, str, int, int]]:
    from homeshift.validation.agreement import observe

    for path in sorted(directory.glob("*/embedded")):
        case = path.parent.name
        recorded = golden / f"{case}.json" if golden else None
        theirs: dict[str, dict[str, int]]
        if path.with_name("gem5").is_dir():
            seen = observe(path.with_name("gem5"))
            theirs = {"transitions": dict(seen.transitions), "messages": dict(seen.messages)}
        elif recorded and recorded.is_file():
            theirs = json.loads(recorded.read_text(encoding="utf-8"))
        else:
            continue
        ours = observe(path)
        for kind in _KINDS:
            own = getattr(ours, kind)
            for name in sorted({*own, *theirs[kind]}):
                yield case, kind, name, theirs[kind].get(name, 0), own.get(name, 0)


def draw(data: pd.DataFrame, *, columns: int) -> Figure:
    """Return the figure: relative difference against count."""
    from matplotlib.figure import Figure

    fig = Figure(figsize=(figure.WIDTHS[columns], 2.3))
    axes = fig.subplots()
    for kind, (colour, marker) in _KINDS.items():
        rows = data[data["kind"] == kind]
        counted = rows["gem5"] > 0
        equal = (rows["gem5"] == rows["embedded"]).sum()
        axes.plot(
            rows["gem5"].where(counted, 0.5),
            ((rows["embedded"] / rows["gem5"] - 1) * 100).where(counted, 100),
            marker,
            color=colour,
            markersize=2.4,
            markerfacecolor="none",
            markeredgewidth=0.5,
            label=f"{kind} ({equal} of {len(rows)} equal)",
        )
    axes.axhline(0, color="0.4", linewidth=0.6, zorder=0)
    axes.set_xscale("log")
    axes.set_yscale("symlog", linthresh=1)
    axes.set_yticks(
        [-100, -10, -1, 0, 1, 10, 100], labels=["-100", "-10", "-1", "0", "1", "10", "100"]
    )
    corner = " (none: upper left corner)" if (data["gem5"] == 0).any() else ""
    axes.set_xlabel(f"count in gem5{corner}")
    axes.set_ylabel("embedded engine (% more)")
    axes.grid(visible=True)
    figure.legend(fig, columns=columns)
    return fig


def main(argv: Sequence[str] | None = None) -> int:
    """Draw the figure; return the exit status."""
    parser = figure.arguments(__file__, __doc__, columns=1)
    parser.add_argument("directory", type=Path, metavar="DIR", help="runs that validate.py kept")
    parser.add_argument("--golden", type=Path, metavar="DIR", help="gem5's numbers, recorded")
    return figure.run(
        parser, lambda options: figure_data(options.directory, options.golden), draw, argv
    )


if __name__ == "__main__":
    sys.exit(call(main))
