#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Turn runs into one HTML page that needs no other file.

    python scripts/sweep.py configs/sweeps/smoke.toml --outdir results/smoke
    python scripts/report.py results/smoke -o smoke.html

It holds the summary with ratios and confidence intervals, the figures, a drawing of the machine,
all parameters, versions, and of a sweep the runs that failed, and what is needed to repeat it.
Equal runs give equal pages. Costs over time are drawn if the runs have a horizon; whether data is
better left or moved, if they also have ownership, a strategy that copies everything, and a VM that
needs another node once for each page or more.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homeshift.analysis.given_runs import add_runs, runs_and_warnings
from homeshift.errors import InputError
from homeshift.front_end import call, missing_packages, script_parser, tells_errors
from homeshift.output_file import output_file, require_writable

if TYPE_CHECKING:
    from homeshift.analysis.crossover import Crossing
    from homeshift.analysis.report import Picture, Results
    from homeshift.analysis.runs import Run

_SHARE = (
    ", and the share of its accesses that needed another node (none is drawn where it runs at less "
    "than 5 % of its speed before)"
)
PLOTS = Path(__file__).resolve().parents[1] / "plots"


@tells_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Write the page of the runs that the arguments name; return the exit status."""
    parser = script_parser(__file__, __doc__)
    add_runs(parser)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the page")
    arguments = parser.parse_args(argv)
    require_writable(arguments.output, (".html",), missing_packages("jinja2"))
    _write(arguments)
    print(f"report.py: wrote {arguments.output}")
    return 0


def _write(arguments: argparse.Namespace) -> None:
    # Slow imports come last, so that --help is fast.
    from homeshift.analysis.report import page, results_of

    results = results_of(arguments.runs, *runs_and_warnings(arguments), where=arguments.where)
    for warning in results.warnings:
        print(f"report.py: warning: {warning}", file=sys.stderr)
    text = page(results, list(_pictures(results)))
    with output_file(arguments.output) as partial:
        partial.write_text(text, encoding="utf-8")


def _pictures(results: Results) -> Iterator[Picture]:
    """Draw what the runs can show: costs, times by parameter, and the course of one condition."""
    sys.path.insert(0, str(PLOTS))  # the figure scripts find what they share there
    import cost_over_time
    import leave_or_move
    import link_heatmap
    import migration_cost
    import progress
    import time_by_parameter

    with contextlib.suppress(InputError):  # no migration completed
        yield _picture(
            migration_cost,
            migration_cost.run_data(results.comparable_runs),
            "Cost by strategy",
            "Blue: strategies that move homes; orange: that only copy; grey: others. Energy has "
            "the range of its constants, the others their 95 % confidence over the seeds, if there "
            "are several.",
        )
    with contextlib.suppress(InputError):  # nothing that is drawn by default varies
        yield _picture(
            time_by_parameter,
            time_by_parameter.figure_data(results.runs),
            "Total time and downtime by parameter",
            "Geometric means over all else that varies, with 95 % intervals over the seeds.",
        )
    chosen, which = _first_condition(results.comparable_runs)
    if any(not run.migration.get("progress") for run in chosen):
        return
    over_time = (
        (
            progress,
            "Progress of the VM",
            "Its speed relative to before{}.",
        ),
        (
            cost_over_time,
            "Costs over time",
            "Accesses lost, and energy spent, since the migration began. Marks: where leaving data "
            "remote and moving it have cost the same. Energy is that of equal times: a VM that is "
            "faster has done more with it.",
        ),
        (link_heatmap, "Link utilisation", "A row a link; H is the hub of a crossbar."),
    )
    for module, title, caption in over_time:
        with contextlib.suppress(InputError):  # gem5's links, or a run without --window
            data = module.figure_data(chosen)
            shares = "remote" in data and data["remote"].notna().any()
            caption = caption.format(_SHARE if shares else "")
            yield _picture(module, data, title, f"{caption} {which}".strip())
    with contextlib.suppress(InputError):  # several VMs
        if crossings := _crossings(chosen):
            found = "; ".join(map(leave_or_move.text, crossings))
            caption = f"At equal work, migration and VM together: {found}. {which}"
            yield _picture(leave_or_move, crossings, "Leave it or move it", caption.strip())


def _crossings(runs: Sequence[Run]) -> list[Crossing]:
    """Compare the run that leaves data where it is with those that move it all, if it is missed.

    Strategies that are not Homeshift's own are taken to move data.
    """
    import leave_or_move

    from homeshift.analysis.traits import BUILT_IN

    others = [
        name
        for name, traits in BUILT_IN.items()
        if name != "ownership" and (traits.moves_homes or traits.leaves_data)
    ]
    timed = [run for run in runs if run.horizon is not None]
    chosen = [run for run in timed if run.strategy not in others]
    crossings = leave_or_move.compared(chosen, left="ownership") if chosen else []
    return [each for each in crossings if each.data["misses_per_page"].max() >= 1]


def _first_condition(runs: Sequence[Run]) -> tuple[list[Run], str]:
    """Return the runs of the first condition, for figures over time, and how it is called."""
    from homeshift.analysis.groups import condition_columns
    from homeshift.analysis.selection import as_given, run_table, shown_name

    table = run_table(runs)
    names = condition_columns(table, ["strategy"])
    texts = table[names].map(str)
    alike = texts.eq(texts.iloc[0]).all(axis="columns")
    chosen = [run for run, same in zip(runs, alike, strict=True) if same]
    shown = ", ".join(f"{shown_name(name)} {as_given(name, table[name].iloc[0])}" for name in names)
    return chosen, f"Shown for {shown}." if shown else ""


def _picture(module: Any, data: Any, title: str, caption: str) -> Picture:
    import figure
    import matplotlib as mpl

    from homeshift.analysis.report import Picture

    with mpl.rc_context(fname=figure.STYLE):
        # Fixed names of clip paths and no date: equal data gives equal pages.
        mpl.rcParams.update({"svg.hashsalt": "homeshift", "svg.fonttype": "path"})
        buffer = io.BytesIO()
        module.draw(data, columns=2).savefig(buffer, format="svg", metadata={"Date": None})
    notes = [f"Note: {note}." for note in getattr(data, "attrs", {}).get(figure.NOTES, ())]
    return Picture(svg=buffer.getvalue(), title=title, caption=" ".join([caption, *notes]))


if __name__ == "__main__":
    sys.exit(call(main))
