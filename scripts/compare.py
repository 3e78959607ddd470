#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compare runs: a table of their measures, and the ratios to a baseline.

    python scripts/compare.py m5out/stop-and-copy m5out/ownership
    python scripts/compare.py results/smoke --where memory_bytes=256KiB -o comparison.tex

A RUN is the output directory of a run, of a sweep, or a directory of runs. A few runs stand side by
side. Sweeps, and more than eight runs, are summed up in groups: means, and geometric means of the
ratios between runs that differ in the group alone, with 95 % confidence intervals over the seeds.

Files ending in .csv and .parquet hold the data in long form and in SI units; .md and .tex hold the
table that is shown.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from homeshift.analysis.given_runs import add_runs, read_runs
from homeshift.front_end import call, missing_packages, script_parser, tells_errors
from homeshift.output_file import output_file, require_writable
from homeshift.units import counted

if TYPE_CHECKING:
    import pandas as pd

    from homeshift.analysis.runs import Run

_PIPE_WIDTH = 160  # Nobody's terminal: do not break lines early.
_KINDS = (".csv", ".parquet", ".md", ".tex")


@tells_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Compare the runs that the arguments name; return the exit status."""
    parser = script_parser(__file__, __doc__)
    add_runs(parser)
    parser.add_argument(
        "--baseline",
        metavar="RUN",
        help="run, strategy or group that ratios refer to (default: the first)",
    )
    parser.add_argument(
        "--by", metavar="NAME,...", help="sum up in groups by these parameters (default: strategy)"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help=f"also write a file: {', '.join(_KINDS)}"
    )
    arguments = parser.parse_args(argv)
    if path := arguments.output:
        faults = missing_packages("pyarrow") if path.suffix == ".parquet" else []
        require_writable(path, _KINDS, faults)
    _compare(arguments)
    return 0


def _compare(arguments: argparse.Namespace) -> None:
    # pandas takes a second to import: only now, so that --help and mistakes are fast.
    from homeshift.analysis.comparison import SIDE_BY_SIDE, compare, differences, render, texts
    from homeshift.analysis.display import side_by_side
    from homeshift.analysis.measures import not_equally_fast
    from homeshift.analysis.sweep_note import is_sweep

    runs = read_runs(arguments, "compare.py")
    sweeps = any(map(is_sweep, map(Path, arguments.runs)))
    if arguments.by or sweeps or len(runs) > SIDE_BY_SIDE:
        data, shown, text = _summary(arguments, runs)
        unequal = not_equally_fast(data, "group", "mean")
    else:
        data = compare(runs, baseline=arguments.baseline)
        shown, text = side_by_side(*texts(data)), render(data, width=_width())
        if found := differences(runs):
            _warn("\n  ".join(["the runs are not comparable, they differ in:", *found]))
        unequal = not_equally_fast(data, "label", "value")
    for said in unequal:
        _warn(said)
    if arguments.output:  # first, as `| head` ends it while it prints
        _write(data, shown, arguments.output)
    print(text)


def _summary(
    arguments: argparse.Namespace, runs: Sequence[Run]
) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """Return the summary as data, as a table of texts and as text."""
    from homeshift.analysis.comparable import comparable
    from homeshift.analysis.display import fitted, side_by_side
    from homeshift.analysis.groups import means_over, summarise, texts
    from homeshift.analysis.selection import column, run_table, strategy_names

    table = run_table(runs)
    by = [column(table, name) for name in (arguments.by or "strategy").split(",")]
    table["strategy"] = strategy_names(runs, without=by)
    table, others = comparable(table, by)
    if others:
        _warn(others)
    data = summarise(table, by=by, baseline=arguments.baseline)
    if gaps := data.attrs["gaps"]:
        _warn(gaps)
    over = means_over(table, by)
    shown = texts(data)
    intervals = "; intervals: 95 %" if data["mean_low"].notna().any() else ""
    lines = [
        counted(len(table), "run") + (f" over {over}" if over else ""),
        f"ratio: to {data.attrs['baseline']}, geometric mean{intervals}",
        "",
        fitted(*shown, width=_width()),
    ]
    return data, side_by_side(*shown), "\n".join(lines)


def _write(data: pd.DataFrame, shown: pd.DataFrame, path: Path) -> None:
    from homeshift.analysis.display import as_latex, as_markdown

    with output_file(path) as partial:
        match path.suffix:
            case ".csv":
                data.to_csv(partial, index=False, lineterminator="\n")
            case ".parquet":
                data.to_parquet(partial, index=False)
            case ".md":
                partial.write_text(as_markdown(shown), encoding="utf-8")
            case _:
                partial.write_text(as_latex(shown), encoding="utf-8")


def _warn(said: str) -> None:
    print(f"compare.py: warning: {said}", file=sys.stderr)


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _PIPE_WIDTH


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` that has seen enough
    sys.exit(call(main))
