#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Compare runs: a table of their measures, and the ratios to a baseline.

    python scripts/compare.py m5out/stop-and-copy m5out/ownership
    python scripts/compare.py m5out --baseline pre-copy -o comparison.csv

A RUN is the output directory of a run, or a directory of such directories. Files hold the same
data in long form and in SI units.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from homeshift.errors import HomeshiftError, InputError

if TYPE_CHECKING:
    import pandas as pd

_PIPE_WIDTH = 160  # Nobody's terminal: do not break lines early.


def main(argv: Sequence[str] | None = None) -> int:
    """Compare the runs that the arguments name; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="compare.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("runs", nargs="+", metavar="RUN", help="output directory of a run")
    parser.add_argument(
        "--baseline", metavar="RUN", help="run or strategy that ratios refer to (default: first)"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="also write a .csv or .parquet file"
    )
    arguments = parser.parse_args(argv)
    try:
        if arguments.output:
            _check_output(arguments.output)
        # pandas takes a second to import: only now, so that --help and mistakes are fast.
        from homeshift.comparison import compare, differences, render
        from homeshift.runs import read_runs

        runs = read_runs(arguments.runs)
        table = compare(runs, baseline=arguments.baseline)
        _warn(parser.prog, differences(runs))
        print(render(table, width=_width()))
        if arguments.output:
            _write(table, arguments.output)
    except HomeshiftError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return error.exit_status
    return 0


def _check_output(path: Path) -> None:
    faults = []
    if path.suffix not in (".csv", ".parquet"):
        faults.append("must end in .csv or .parquet")
    elif path.suffix == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        faults.append("Parquet needs pyarrow: pip install 'homeshift[parquet]', or write a .csv")
    if not path.parent.is_dir():
        faults.append(f"there is no directory '{path.parent}'")
    if path.is_dir():
        faults.append("is a directory")
    if faults:
        raise InputError(f"output file '{path}'", faults)


def _write(table: pd.DataFrame, path: Path) -> None:
    """Write the file under a temporary name first: a reader never sees half of it."""
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        if path.suffix == ".csv":
            table.to_csv(partial, index=False, lineterminator="\n")
        else:
            table.to_parquet(partial, index=False)
        partial.replace(path)
    except OSError as error:
        raise InputError(f"output file '{path}'", [f"cannot be written: {error}"]) from error
    finally:
        partial.unlink(missing_ok=True)


def _warn(program: str, differences: list[str]) -> None:
    if differences:
        text = "\n  ".join(["the runs are not comparable, they differ in:", *differences])
        print(f"{program}: warning: {text}", file=sys.stderr)


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _PIPE_WIDTH


if __name__ == "__main__":
    sys.exit(main())
