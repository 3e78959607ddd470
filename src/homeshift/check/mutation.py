# SPDX-License-Identifier: BSD-3-Clause
"""See the checker fail: every systematic mutant of the protocol, and what catches it.

    python -m homeshift.check.mutation -o mutants.tsv                    # all, about an hour
    python -m homeshift.check.mutation --every 20 -o mutants.tsv         # one in twenty

Each mutant goes through the checks in which its transition is taken, the cheap ones first, until
one fails. The table has a row for each: its number, kind and name, the property that caught it, in
which check, the length of the shortest counterexample, and the states looked at. `--random` adds
what a random tester says of it.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from homeshift.check.build import Checker, compiled, default_protocol, load_model
from homeshift.check.random_tester import RandomTester
from homeshift.check.run import CrashError, Options, Result, run
from homeshift.errors import HomeshiftError, InputError, RunError, out_of_bounds, unwritten
from homeshift.front_end import call
from homeshift.slicc import load
from homeshift.slicc.mutants import Mutant, mutants_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One size of machine that mutants are checked on."""

    name: str
    options: Options
    nodes: int = 2
    lines: int = 1


def _check(
    name: str,
    *,
    nodes: int = 2,
    lines: int = 1,
    waiting: bool = False,
    reduced: bool = False,
    states: int | None = None,
    seconds: float | None = None,
    capacity: Mapping[str, int] | None = None,
    **limits: int,
) -> Check:
    allowed = {"transfer": 0, "hand_over": 0, "evict": 255} | limits
    options = Options(
        limits=allowed,
        waiting=waiting,
        reduced=reduced,
        states=states,
        seconds=seconds,
        capacity=capacity or {},
    )
    return Check(name=name, nodes=nodes, lines=lines, options=options)


def _commands(name: str, **limits: int) -> Check:
    """Nobody but the DMAs asks, and a command may wait for the one before."""
    return _check(name, waiting=True, **{"load": 0, "store": 0, "evict": 0, **limits})  # type: ignore[arg-type]


CHECKS = (
    _check("cores wait in line", waiting=True),
    _check("three nodes", nodes=3),
    _check(
        "two lines in a cache of one",
        lines=2,
        waiting=True,
        evict=0,
        states=100_000,
        capacity={"L1Cache.cache": 1},
    ),
    _check("hand-over", hand_over=1),
    _check("DMA", copy=1),
    _check("fence and DMA", fence=1, copy=1, reduced=True),
    _commands("commands wait: transfers", transfer=2, cancel=1, vain_cancel=1),
    _commands("commands wait: all kinds", transfer=1, fence=1, copy=1, cancel=1),
    _commands("commands wait: fences", fence=2, copy=1, vain_cancel=1),
    _commands("commands wait: transfers and fences", transfer=1, fence=2),
    _check("hand-over, fence and DMA", hand_over=1, fence=1, copy=1, load=1, store=0, evict=0),
    _check("two transfers", transfer=2, reduced=True),
    _check("transfer and DMA", transfer=1, copy=1, reduced=True),
    _check("surrender", surrender=1),
    _check("fence", hand_over=1, fence=1),
    _check("cancel", hand_over=1, cancel=1, reduced=True),
    _check("cancel, in every order", hand_over=1, cancel=1, store=0, evict=0),
    _check("surrender and cancel", surrender=1, cancel=1, reduced=True),
    _check("hand-over and DMA, in every order", hand_over=1, copy=1, evict=0),
    _check("fence and DMA, in every order", fence=1, copy=1, evict=0),
    _check("two lines", lines=2, states=100_000),
    _check("two lines, DMA", lines=2, copy=1, evict=0, states=100_000),
    _check("two lines, hand-over", lines=2, hand_over=1, states=100_000),
    _check("two lines, reduced", lines=2, hand_over=1, reduced=True, states=200_000),
    _check("two lines, fence", lines=2, fence=1, reduced=True, states=200_000),
    _check(
        "two lines, cancel",
        lines=2,
        hand_over=1,
        cancel=1,
        store=0,
        evict=0,
        reduced=True,
        states=200_000,
    ),
    _check("two lines, nothing is evicted", lines=2, evict=0),
    _check("two lines, fence, nothing is evicted", lines=2, evict=0, fence=1, states=1_000_000),
    _check("two lines, deep", lines=2, states=1_500_000),
    _check(
        "two lines in a cache of one, deep",
        lines=2,
        waiting=True,
        evict=0,
        states=1_500_000,
        capacity={"L1Cache.cache": 1},
    ),
    # For what has survived so far: few accesses, and deep.
    _check(
        "two lines, fence, few",
        lines=2,
        fence=1,
        load=1,
        store=1,
        evict=1,
        states=7_000_000,
        seconds=300,
    ),
    _check(
        "two lines, hand-over, few",
        lines=2,
        hand_over=1,
        load=1,
        store=1,
        evict=1,
        states=3_000_000,
        seconds=300,
    ),
    _check(
        "two lines in a cache of one, few",
        lines=2,
        waiting=True,
        evict=0,
        load=1,
        store=2,
        states=15_000_000,
        seconds=300,
        capacity={"L1Cache.cache": 1},
    ),
)


# Words in the names of MESI_HomeShift's actions.
KINDS = {
    "double the home": ("td_sendDone", "th_becomeHome", "tf_signOff", "xr_keepRegion"),
    "drop an action": ("_pop",),
    "skip an ack": ("Ack", "Unblock", "TooLate", "xd_drop"),
    "forget a forward": ("askOwner", "recall", "invalidate", "sendOn"),
    "lose an entry": ("Entry", "Record", "Owner", "Sharer", "owner", "sharer", "setAside"),
    "wake nobody": ("wakeUp",),
}


def kind_of(mutant: Mutant) -> str:
    """Return what sort of slip a mutant is."""
    if not mutant.change.startswith("without"):
        return "swap the state"
    for kind, words in KINDS.items():
        if any(word in mutant.change for word in words):
            return kind
    return "drop an action"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of a mutant; `caught` is empty if it survived.

    checks: how many checks take its transition, and were run.
    """

    mutant: Mutant
    caught: str
    check: str
    checks: int
    steps: int
    states: int
    random: str

    @property
    def verdict(self) -> str:
        """What caught it, or that nothing did."""
        if self.caught:
            return self.caught
        return "survives" if self.checks else "not exercised"

    def tsv(self) -> str:
        """A line of the table."""
        steps = str(self.steps) if self.caught else ""
        columns = (
            str(self.mutant.number),
            kind_of(self.mutant),
            self.mutant.name,
            self.verdict,
            self.check,
            steps,
            str(self.states),
            self.random,
        )
        return "\t".join(columns)


HEADER = "number\tkind\tmutant\tcaught by\tcheck\tsteps\tstates\trandom tester"


def property_of(fault: str) -> str:
    """The property that a fault breaks, without the details of the case."""
    for text, name in (
        ("crash", "a TBE or an entry that an action reads is there"),
        ("data value", "data value"),
        ("has no transition", "every message has a transition"),
        ("tries a message again", "a message is taken or waits"),
        ("deadlock", "no deadlock"),
        ("completion", "every request completes"),
        ("assertion", "assertions of the protocol"),
        ("nothing is under way to end", "an answer ends what was asked for"),
        ("an answer that was not asked for", "an answer ends what was asked for"),
        ("messages are under way", "messages are used up"),
        ("an eviction does nothing", "a message is taken or waits"),
    ):
        if text in fault:
            return name
    for text in ("TBE", "entry", "cache that has no room", "dequeues", "that is not there"):
        if text in fault:
            return "transactions and entries are used in order"
    if "sends a message" in fault or "gets a message" in fault:
        return "messages go to machines that exist"
    return fault.split(": ")[-1] if fault.startswith(("L1Cache", "Directory", "DMA")) else fault


class Bench:
    """The checks, compiled with all mutants, and what the protocol as it is does in each."""

    def __init__(self) -> None:
        protocol = default_protocol()
        self.mutants = mutants_of(load(protocol))
        self.checkers: dict[tuple[int, int], Checker] = {
            (nodes, lines): compiled(load_model(protocol, nodes=nodes, lines=lines), self.mutants)
            for nodes, lines in {(check.nodes, check.lines) for check in CHECKS}
        }
        self.sound: Mapping[str, Result] = {
            check.name: run(self.checkers[check.nodes, check.lines], check.options)
            for check in CHECKS
        }
        for name, result in self.sound.items():
            if result.fault is not None or (result.complete and result.uncovered):
                raise RunError(f"check '{name}' fails on the protocol as it is: {result.fault}")

    def try_mutant(self, mutant: Mutant, random: str) -> Row:
        """Return what becomes of a mutant."""
        where = (mutant.machine, mutant.transition.state, mutant.transition.event)
        tried = 0
        for check in CHECKS:
            sound = self.sound[check.name]
            if where not in sound.taken:  # a mutant is the protocol as it is, then
                continue
            tried += 1
            caught, steps, states = self._catch(check, mutant, sound)
            if caught:
                return Row(
                    mutant=mutant,
                    caught=property_of(caught),
                    check=check.name,
                    checks=tried,
                    steps=steps,
                    states=states,
                    random=random,
                )
        return Row(
            mutant=mutant, caught="", check="", checks=tried, steps=0, states=0, random=random
        )

    def _catch(self, check: Check, mutant: Mutant, sound: Result) -> tuple[str, int, int]:
        bound = check.options.states or 2 * sound.states + 100_000
        options = replace(
            check.options, mutant=mutant.number, states=bound, seconds=check.options.seconds or 60
        )
        try:
            result = run(self.checkers[check.nodes, check.lines], options)
        except CrashError as error:
            return str(error), 0, 0
        caught = result.fault or ""
        if not caught and result.complete and result.uncovered:
            caught = f"cover: {result.uncovered[0]}"
        return caught, len(result.steps), result.states


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table. Returns 0: a survivor is a result, not a failure."""
    parser = argparse.ArgumentParser(
        prog="python -m homeshift.check.mutation",
        description="Check every mutant of MESI_HomeShift, and write a table of what caught it.",
    )
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only one in N")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="begin with this one")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the table")
    parser.add_argument(
        "--random",
        type=Path,
        metavar="SITE",
        help="also run the random tester, with the engine built with mutants in this folder",
    )
    given = parser.parse_args(arguments)
    try:
        bounds = {"every": (1, 2**31), "first": (0, 2**31)}
        if faults := out_of_bounds({name: getattr(given, name) for name in bounds}, bounds):
            raise InputError("the command line", faults)
        with _opened(given.output) as table:
            bench = Bench()
            tester = RandomTester(given.random) if given.random else None
            print(HEADER, file=table, flush=True)
            counts = Counter(_rows(bench, tester, bench.mutants[given.first :: given.every], table))
    except HomeshiftError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    for name, count in counts.most_common():
        print(f"{count:5} {name}")
    return 0


def _opened(path: Path) -> TextIO:
    """Open the table, whose rows are to be read while it grows."""
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise unwritten(f"output file '{path}'", error) from None


def _rows(
    bench: Bench, tester: RandomTester | None, mutants: Sequence[Mutant], table: TextIO
) -> Iterator[str]:
    for mutant in mutants:
        random = tester.verdict(mutant.number) if tester else ""
        row = bench.try_mutant(mutant, random)
        print(row.tsv(), file=table, flush=True)
        yield row.verdict


if __name__ == "__main__":
    sys.exit(call(main))
