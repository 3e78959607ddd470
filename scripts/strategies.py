#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
r"""Move one VM by every strategy, and print a table of what it costs, for a README.

    python scripts/strategies.py -o results/strategies
    python scripts/strategies.py -o results/zipf --strategies ownership pre-copy:max-rounds=5 \
        -- --vm-memory 16MiB --borrow 1:0.25,2:0.25 --workload zipf --warmup 4ms --horizon 20ms

What follows "--" are options of configs/migrate.py; without them it is the VM of the README, whose
vCPUs replay traces.
Everything is measured over the same --horizon, which has to be among these options: a strategy that
leaves data where it is pays for it.
The second table says how the energy in that time depends on each constant of energy.toml.
A strategy whose run fails, as one that takes longer than the horizon, is told and is not in the
tables; the exit status is 1 then, and 2 for bad input.
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homeshift.analysis.display import format_number
from homeshift.errors import InputError, RunError
from homeshift.front_end import call, run_child, script_parser, tells_errors
from homeshift.markdown import markdown_table
from homeshift.strategies import STRATEGIES, strategy_named

if TYPE_CHECKING:
    from homeshift.analysis.runs import Run

REPOSITORY = Path(__file__).resolve().parent.parent
TRACES = [str(REPOSITORY / "traces" / f"{name}.npy") for name in ("sqlite3", "xz", "sort", "perl")]
OPTIONS = (
    *("--machine", "quad", "--vm-memory", "32MiB", "--borrow", "1:0.25,2:0.25,3:0.25"),
    *("--trace", *TRACES, "--warmup", "500us", "--window", "500us", "--horizon", "8ms", "--check"),
)
COLUMNS = (
    "strategy",
    "what it does",
    "total time [us]",
    "downtime [us]",
    "bytes between nodes [MiB]",
    "VM loses [us]",
    "all energy [uJ]",
)


@tells_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Run every strategy, print the tables, return the exit status."""
    parser = script_parser(__file__, __doc__)
    parser.add_argument(
        "-o", "--outdir", type=Path, required=True, metavar="DIR", help="of runs and tables"
    )
    parser.add_argument(
        "--strategies", nargs="+", metavar="STRATEGY", default=list(STRATEGIES), help="default: all"
    )
    parser.add_argument("options", nargs="*", metavar="OPTION", help="of migrate.py, after --")
    arguments, unknown = parser.parse_known_args(argv)
    if unknown:
        parser.error(f'{unknown[0]}: no such option; those of migrate.py come after "--"')
    options = list(arguments.options or OPTIONS)
    own = {"--strategy": "--strategies names them", "--outdir": "-o names the directory of all"}
    given = (option.partition("=")[0] for option in options)
    faults = [f"{name}: {own[name]}" for name in given if name in own]
    if not _has_horizon(options):
        faults.append("--horizon: needed, as what VMs lose and all energy are over the same time")
    if faults:
        raise InputError("the list of options", faults)
    descriptions = _descriptions(arguments.strategies)
    runs = _runs(list(descriptions), options, arguments.outdir)
    if runs:
        _print_tables(list(runs.values()), [descriptions[strategy] for strategy in runs])
        _print_remarks(list(runs.values()))
    return 0 if runs.keys() == descriptions.keys() else 1


def _has_horizon(options: Sequence[str]) -> bool:
    """Return whether options ask for a horizon; what migrate.py cannot read, it tells itself."""
    from homeshift.experiment.options import make_parser

    parser = make_parser()
    parser.exit_on_error = False
    try:
        return parser.parse_known_args(options)[0].horizon is not None
    except argparse.ArgumentError:
        return True


def _descriptions(strategies: Sequence[str]) -> dict[str, str]:
    """Return what each strategy does: the first line of its class's docstring."""
    descriptions, faults = {}, []
    for strategy in strategies:
        try:
            text = type(strategy_named(strategy)).__doc__ or ""
            descriptions[strategy] = text.strip().partition("\n")[0].rstrip(".")
        except InputError as error:
            faults += [f"{strategy}: {fault}" for fault in error.faults]
    if faults:
        raise InputError("option --strategies", faults)
    return descriptions


def _runs(strategies: Sequence[str], options: Sequence[str], outdir: Path) -> dict[str, Run]:
    """Return the runs that succeed, by strategy; of the others the faults are told."""
    from homeshift.analysis.runs import read_run  # slow to import

    runs = {}
    for strategy in strategies:
        try:
            runs[strategy] = read_run(_run(strategy, options, outdir))
        except RunError as error:
            print(f"strategies.py: error: {error}", file=sys.stderr, flush=True)
    return runs


def _print_tables(runs: Sequence[Run], descriptions: Sequence[str]) -> None:
    from homeshift.analysis.selection import strategy_names

    names = strategy_names(runs)
    print(markdown_table(COLUMNS, map(_row, names, descriptions, runs), texts=2))
    print()
    constants = list(runs[0].migration["window"]["energy-sensitivity"])
    header = ("all energy, from the constant's low to its high", *names)
    print(markdown_table(header, [_sensitivity(constant, runs) for constant in constants]))


def _print_remarks(runs: Sequence[Run]) -> None:
    """Tell what nobody should miss who looks at the tables."""
    from homeshift.analysis.comparison import compare
    from homeshift.analysis.measures import not_equally_fast
    from homeshift.analysis.remarks import remarks

    for said in (*remarks(runs), *not_equally_fast(compare(runs), "label", "value")):
        print(f"strategies.py: warning: {said}", file=sys.stderr)


def _run(strategy: str, options: Sequence[str], outdir: Path) -> Path:
    """Make a run; return its directory."""
    directory = outdir / re.sub("[/:,]", "-", strategy)
    print(f"strategies.py: {strategy}", file=sys.stderr, flush=True)
    script = REPOSITORY / "configs" / "migrate.py"
    command = [sys.executable, str(script), *options, "--strategy", strategy]
    result = run_child([*command, "--outdir", str(directory)])
    told = result.stderr.strip().removeprefix("migrate.py: error: ")
    if result.returncode == InputError.exit_status:  # the others have nearly the same options
        raise InputError(f"the run by {strategy}", [told.replace("\n", "\n  ")])
    if result.returncode != 0:
        raise RunError(f"{strategy}: {told}")
    return directory


def _row(name: str, description: str, run: Run) -> list[str]:
    m, window = run.migration, run.migration["window"]
    speed, energy = m["vm"]["accesses-per-microsecond"]["before"], window["energy"]
    return [
        f"`{name}`",
        description,
        format_number(m["total-time"] * 1e6),
        format_number(m["downtime"] * 1e6),
        format_number(m["interconnect"]["migration-bytes"] / (1 << 20)),
        format_number(window["accesses-lost"] / speed) if speed else "-",
        f"{format_number(energy['total'] * 1e6)} ({format_number(energy['total-low'] * 1e6)} to "
        f"{format_number(energy['total-high'] * 1e6)})",
    ]


def _sensitivity(constant: str, runs: Sequence[Run]) -> list[str]:
    """Return by how much the energy of each run changes with one constant."""

    def change(window: dict[str, Any], level: str) -> str:
        typical = window["energy"]["total"]
        changed = window["energy-sensitivity"][constant][level]
        return f"{changed / typical - 1:+.0%}" if typical else "-"

    windows = [run.migration["window"] for run in runs]
    return [constant, *(f"{change(w, 'low')} to {change(w, 'high')}" for w in windows)]


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` that has seen enough
    sys.exit(call(main))
