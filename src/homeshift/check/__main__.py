# SPDX-License-Identifier: BSD-3-Clause
"""Command line of the model checker: `python -m homeshift.check --help`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from homeshift.available_memory import available
from homeshift.check import trace
from homeshift.check.build import (
    CheckerError,
    Model,
    compiled,
    default_protocol,
    load_model,
)
from homeshift.check.fit import caches_of
from homeshift.check.plan import Plan
from homeshift.check.run import Json, Options, Result, run, settled
from homeshift.check.scenario import LINES, MOST, NODES
from homeshift.errors import HomeshiftError, InputError, near
from homeshift.front_end import HelpFormatter, call
from homeshift.output_file import output_folder
from homeshift.units import parse_size

UNFINISHED = 3
MOST_MEMORY = 16 << 30  # bytes, if it is not asked for


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a check.

    Returns 0 if all holds, 1 if not, 2 for bad input, 3 if a bound was reached, 4 if it was not
    possible.
    """
    given = _parser().parse_args(arguments)
    try:
        protocol = given.protocol or default_protocol()
        model = load_model(protocol, given.scenario, nodes=given.nodes, lines=given.lines)
        options = _options(given, model)
        with _tried(given.output):
            checker = compiled(model)
            print(_heading(model, options))
            result = run(checker, options, _progress if sys.stderr.isatty() else None)
            if given.transitions:
                _print_untaken(model, result)
            status = _report(model, options, result, given.output)
        sys.stdout.flush()
        return status
    except HomeshiftError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    except OSError as error:  # of what is printed: the result was not told
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(error, file=sys.stderr)
        return CheckerError.exit_status


@contextmanager
def _tried(folder: Path | None) -> Iterator[None]:
    """Make a folder before the work is done; what stays empty of it goes again."""
    new = [path for path in (folder, *folder.parents) if not path.exists()] if folder else []
    try:
        if folder:
            with output_folder(folder):
                pass
        yield
    finally:
        for path in new:
            with suppress(OSError):
                path.rmdir()


def _heading(model: Model, options: Options) -> str:
    limits = options.limits
    may = [f"{name} {n}" for name, n in limits.items() if n != 0 and name != "load"]
    off = [name for name, n in limits.items() if n == 0]
    text = f"{model.protocol.name}: {model.nodes} nodes, {model.lines} lines of one region"
    text += f"; at once at most: {', '.join(may)}" if may else ""
    text += f"; without: {', '.join(off)}" if off else ""
    text += "" if options.waiting else "; cores do not wait in line"
    return text + ("; reduced: fewer orders" if options.reduced else "")


def _report(model: Model, options: Options, result: Result, output: Path | None) -> int:
    rate = result.states / max(result.cpu_seconds, 1e-9)
    numbers = (
        f"{result.states:,} states ({result.quiet:,} quiet), {result.transitions:,} steps, "
        f"depth {result.depth}, "
        f"{rate:,.0f} states/s, {result.seconds:.1f} s, {result.memory_bytes / 2**20:.0f} MiB"
    )
    if result.fault is not None:
        for line in trace.text(model, result):
            print(line)
        try:
            if output is not None:
                for path in trace.write(model, options, result, output):
                    print(f"written: {path}")
        except HomeshiftError as error:  # what was found is told all the same
            print(error, file=sys.stderr)
        print(f"violated: {result.fault}: {numbers}")
        return 1
    reached = len(result.covered)
    so_far = "" if result.complete else " so far"
    print(f"covers: {reached} of {reached + len(result.uncovered)} reached{so_far}")
    if not result.complete:
        print(f"unfinished, no fault so far: {numbers}")
        return UNFINISHED
    for name in result.uncovered:
        print(f"  never happens: {name}")
    if options.completion:
        how = "in every order" if result.always_ends else "in some order of the messages"
        print(f"completion: every request completes, {how}, from every state")
    if result.uncovered:
        print(f"violated: a cover is not reached: {numbers}")
        return 1
    print(f"holds: {numbers}")
    return 0


def _print_untaken(model: Model, result: Result) -> None:
    for machine in model.protocol.machines.values():
        for t in machine.transitions:
            if (machine.name, t.state, t.event) not in result.taken:
                print(f"never taken: {machine.name}: {t.state}, {t.event}   {t.position}")


def _progress(line: Json) -> None:
    rate = line["progress"] / max(line["cpu_seconds"], 1e-9)
    print(
        f"\r{line['progress']:,} states, depth {line['depth']}, {rate:,.0f} states/s, "
        f"{line['bytes'] / 2**20:.0f} MiB  ",
        end="",
        file=sys.stderr,
        flush=True,
    )


def _options(given: argparse.Namespace, model: Model) -> Options:
    faults: list[str] = []
    plan = Plan(model.scenario, model.protocol, model.nodes, model.lines)
    stimuli = list(dict.fromkeys(name for name, *_ in plan.numbering()))
    limits = _numbers("--limit", given.limit, "stimulus", stimuli, faults)
    caches = caches_of(model.protocol)
    capacity = _numbers("--capacity", given.capacity, "cache", caches, faults, least=1)
    memory = min(MOST_MEMORY, available()[0] // 2)  # a table that grows is there twice
    try:
        memory = memory if given.memory is None else parse_size(given.memory)
    except ValueError as error:
        faults.append(f"--memory {given.memory}: {error}")
    if given.states is not None and not 1 <= given.states < 2**32:
        faults.append(f"--states {given.states}: has to be from 1 to {2**32 - 1}")
    if given.seconds is not None and not given.seconds > 0:
        faults.append(f"--seconds {given.seconds}: has to be more than 0")
    if faults:
        raise InputError("the command line", faults)
    options = Options(
        limits=limits,
        capacity=capacity,
        waiting=given.waiting,
        wake_later=given.wake_later,
        reduced=given.reduced,
        completion=given.completion,
        states=given.states,
        memory_bytes=memory,
        seconds=given.seconds,
    )
    return settled(model, options)


def _numbers(
    option: str,
    given: Sequence[str],
    what: str,
    known: Sequence[str],
    faults: list[str],
    least: int = 0,
) -> dict[str, int]:
    numbers = {}
    for text in given:
        name, equals, number = text.partition("=")
        if not equals or not number.isdecimal():
            faults.append(f"{option} {text}: write {what.upper()}=NUMBER")
        elif name not in known:
            has = f"; it has {', '.join(sorted(known))}" if known else ""
            faults.append(f"{option} {text}: no such {what}{near(name, known)}{has}")
        elif len(number) > 3 or int(number) > MOST:
            faults.append(f"{option} {text}: at most {MOST}, which is no limit")
        elif int(number) < least:
            faults.append(f"{option} {text}: at least {least}")
        else:
            numbers[name] = int(number)
    return numbers


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m homeshift.check",
        description="Look at every reachable state of a small machine that runs a SLICC protocol.",
        epilog="Exit status: 0 all properties hold; 1 one does not; 2 bad input; 3 a bound was "
        "reached first; 4 it could not be checked: no C++ compiler, a condition that does not "
        "compile, no memory left, or the checker was ended.",
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--nodes", type=int, default=2, choices=range(1, NODES + 1), help="nodes")
    parser.add_argument("--lines", type=int, default=1, choices=range(1, LINES + 1), help="lines")
    parser.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="STIMULUS=N",
        help="how many of a stimulus, as load or transfer, may be under way at once; 0: none, "
        "255: no limit (may be repeated)",
    )
    parser.add_argument(
        "--capacity",
        action="append",
        default=[],
        metavar="MACHINE.CACHE=N",
        help="how many lines a cache has room for; else as the scenario says (may be repeated)",
    )
    parser.add_argument(
        "--waiting",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="whether a core may ask for a line whose transaction is under way, and wait in its "
        "cache; else if the search is not reduced",
    )
    parser.add_argument(
        "--wake-later",
        action="store_true",
        help="what wakes up is not taken at once, but in any order with all else",
    )
    parser.add_argument(
        "--reduced",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="fewer orders of the messages, where order makes no difference, and without wake-ups: "
        "for larger machines, when the smaller ones hold; else as the scenario says",
    )
    parser.add_argument(
        "--completion",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="prove that every request can complete (keeps the graph: twice the memory)",
    )
    parser.add_argument(
        "--states", type=int, default=None, help="stop after so many states, or some thousands more"
    )
    parser.add_argument("--seconds", type=float, default=None, help="stop after so many seconds")
    parser.add_argument(
        "--memory",
        metavar="SIZE",
        help="stop when it takes so much; else 16GiB, or half of what the host has left",
    )
    parser.add_argument("--transitions", action="store_true", help="list those never taken")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=None,
        metavar="DIR",
        help="where to write a "
        "counterexample: text, sequence chart, and a script that takes its steps again",
    )
    parser.add_argument("--protocol", type=Path, metavar="FILE.slicc", help="else MESI_HomeShift")
    parser.add_argument("--scenario", type=Path, metavar="FILE.toml", help="else by its name")
    return parser


if __name__ == "__main__":
    sys.exit(call(main))
