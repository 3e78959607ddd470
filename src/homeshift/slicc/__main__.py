# SPDX-License-Identifier: BSD-3-Clause
"""Command line of the SLICC front end: `python -m homeshift.slicc --help`."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from homeshift.errors import HomeshiftError
from homeshift.front_end import call
from homeshift.slicc import Checked, load_checked
from homeshift.slicc.mutants import mutants_of
from homeshift.slicc.tables import write_tables


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command. Returns 0, or 2 if there is a diagnostic.

    Warnings fail `check`, but not `tables` and `emit`.
    """
    options = _parser().parse_args(arguments)
    try:
        checked = load_checked(options.file)
        for warning in checked.warnings:
            print(warning.render(checked.sources), file=sys.stderr)
        if options.command == "check":
            return _check(checked, pairs=options.pairs)
        if options.command == "tables":
            for path in write_tables(checked.protocol, options.output):
                print(path)
            return 0
        from homeshift.slicc.emit import write_cpp

        mutants = mutants_of(checked.protocol) if options.mutants else ()
        write_cpp(checked.protocol, options.output, mutants=mutants)
    except HomeshiftError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    return 0


def _check(checked: Checked, *, pairs: bool) -> int:
    for machine in checked.protocol.machines.values():
        missing = machine.missing
        print(
            f"{machine.name}: {len(machine.states)} states, {len(machine.events)} events, "
            f"{len(machine.actions)} actions, {len(machine.transitions)} transitions; "
            f"{len(missing)} pairs claimed impossible"
        )
        if pairs:
            for state, event in missing:
                print(f"  {state}, {event}")
    return 2 if checked.warnings else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m homeshift.slicc",
        description="Check SLICC protocols, show their tables, compile them to C++.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="report all faults and count transitions")
    check.add_argument(
        "--pairs",
        action="store_true",
        help="list each (state, event) pair without a transition: a claim that it cannot happen",
    )
    tables = commands.add_parser("tables", help="write transition tables as Markdown")
    emit = commands.add_parser("emit", help="write C++ controllers")
    emit.add_argument(
        "--mutants",
        action="store_true",
        help="with every mutant of mutants.py; the environment variable HOMESHIFT_MUTANT chooses",
    )
    for command in (check, tables, emit):
        command.add_argument("file", type=Path, metavar="FILE.slicc", help="the protocol")
    for command in (tables, emit):
        command.add_argument(
            "-o", "--output", type=Path, required=True, metavar="DIR", help="where to write"
        )
    return parser


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` ends it, as other programs
    sys.exit(call(main))
