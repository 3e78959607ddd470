# SPDX-License-Identifier: BSD-3-Clause
"""See the checker fail: every systematic mutant of the protocol, and what catches it.

    python -m homeshift.check.mutation -o mutants.tsv                    # all, about 20 minutes
    python -m homeshift.check.mutation --every 20 -o mutants.tsv         # one in twenty

Each mutant goes through checks of growing size until one fails. The table has a row for each: its
number and name, the check and the property that caught it, the length of the shortest
counter-example, and the states looked at. `--random` adds what a random tester says of it.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from homeshift.check.build import compile_checker, default_protocol, scenario_of
from homeshift.check.random_tester import RandomTester
from homeshift.check.run import Options, run
from homeshift.errors import HomeshiftError, RunError
from homeshift.slicc import load
from homeshift.slicc.mutants import Mutant, mutants_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One size of machine that mutants are checked on."""

    name: str
    lines: int
    options: Options


CHECKS = (
    Check(
        name="no transfer",
        lines=1,
        options=Options(limits={"transfer": 0}, waiting=True),
    ),
    Check(
        name="hand-over",
        lines=1,
        options=Options(limits={"transfer": 0, "hand_over": 1}, waiting=False),
    ),
    Check(
        name="DMA",
        lines=1,
        options=Options(limits={"transfer": 0, "copy": 1}, waiting=False),
    ),
    Check(
        name="two lines",
        lines=2,
        options=Options(limits={"transfer": 0}, waiting=False, states=200_000),
    ),
    Check(
        name="transfer by anyone",
        lines=1,
        options=Options(limits={"transfer": 1}, waiting=False, states=200_000),
    ),
    Check(
        name="DMA and hand-over",
        lines=1,
        options=Options(
            limits={"transfer": 0, "hand_over": 1, "copy": 1}, waiting=False, states=200_000
        ),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of a mutant; `caught` is empty if it survived."""

    mutant: Mutant
    caught: str
    check: str
    steps: int
    states: int
    random: str

    def tsv(self) -> str:
        """A line of the table."""
        steps = str(self.steps) if self.caught else ""
        columns = (
            str(self.mutant.number),
            self.mutant.name,
            self.caught or "survives",
            self.check,
            steps,
            str(self.states),
            self.random,
        )
        return "\t".join(columns)


HEADER = "number\tmutant\tcaught by\tcheck\tsteps\tstates\trandom tester"


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
    ):
        if text in fault:
            return name
    for text in ("TBE", "entry", "cache that has no room", "dequeues", "that is not there"):
        if text in fault:
            return "transactions and entries are used in order"
    if "sends a message" in fault or "gets a message" in fault:
        return "messages go to machines that exist"
    return fault.split(": ")[-1] if fault.startswith(("L1Cache", "Directory", "DMA")) else fault


def check_mutants(mutants: Sequence[Mutant], tester: RandomTester | None) -> Iterator[Row]:
    """Yield what becomes of each mutant."""
    protocol = default_protocol()
    all_mutants = mutants_of(load(protocol))
    checkers = {
        lines: compile_checker(
            protocol, scenario_of(protocol), nodes=2, lines=lines, mutants=all_mutants
        )
        for lines in {check.lines for check in CHECKS}
    }
    for mutant in mutants:
        random = tester.verdict(mutant.number) if tester else ""
        for check in CHECKS:
            options = Options(
                limits=check.options.limits,
                waiting=check.options.waiting,
                states=check.options.states,
                mutant=mutant.number,
            )
            steps = states = 0
            try:
                result = run(checkers[check.lines], options)
            except RunError as error:
                caught = str(error)
                break
            steps, states = len(result.steps), result.states
            caught = result.fault or (f"cover: {result.uncovered[0]}" if result.uncovered else "")
            if caught:
                break
        yield Row(
            mutant=mutant,
            caught=property_of(caught),
            check=check.name if caught else "",
            steps=steps,
            states=states,
            random=random,
        )


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
        chosen = mutants_of(load(default_protocol()))[given.first :: given.every]
        tester = RandomTester(given.random) if given.random else None
        counts: Counter[str] = Counter()
        with given.output.open("w", encoding="utf-8") as table:
            print(HEADER, file=table)
            for row in check_mutants(chosen, tester):
                print(row.tsv(), file=table, flush=True)
                counts[row.caught or "survives"] += 1
    except HomeshiftError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    for name, count in counts.most_common():
        print(f"{count:5} {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
