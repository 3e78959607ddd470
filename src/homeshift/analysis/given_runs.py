# SPDX-License-Identifier: BSD-3-Clause
"""The runs that a script is given on its command line.

add_runs(parser)
runs = read_runs(parser.parse_args(), parser.prog)
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from homeshift.analysis.runs import Run


def add_runs(parser: argparse.ArgumentParser) -> None:
    """Let a script take runs, and conditions that choose some of them."""
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="a run, a sweep, or a folder of runs"
    )
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="only runs with this parameter (= != < <= > >=); may be repeated, and "
        "several values of one name are alternatives",
    )


def read_runs(options: argparse.Namespace, program: str) -> list[Run]:
    """Read the runs of `add_runs` without their statistics, and tell what is wrong with them."""
    found, warnings = runs_and_warnings(options)
    for warning in warnings:
        print(f"{program}: warning: {warning}", file=sys.stderr)
    return found


def runs_and_warnings(options: argparse.Namespace) -> tuple[list[Run], list[str]]:
    """Read the runs of `add_runs` without their statistics, and return what is wrong with them.

    That is what a sweep lacks, migrations that did not complete or converge, and measures of
    several VMs.
    """
    from homeshift.analysis import remarks, runs, selection  # slow to import, and --help is fast

    found = runs.read_runs(options.runs, stats=False)
    missing = [
        f"sweep '{path}': {said}" if len(options.runs) > 1 else said
        for path in options.runs
        if (said := runs.missing_runs(path))
    ]
    if options.where:
        chosen = set(selection.select(selection.run_table(found), options.where)["path"])
        found = [run for run in found if os.fspath(run.path) in chosen]
    return found, [*missing, *remarks.remarks(found)]
