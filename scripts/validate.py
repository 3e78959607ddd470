#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Hold the two engines against each other: the same work on both, and a table of what differs.

    python scripts/validate.py --gem5 gem5.opt
    python scripts/validate.py --gem5 gem5.opt --golden tests/gem5/golden serial-ownership
    python scripts/validate.py --machines tiny quad --workloads zipf stream --seeds 1 2 3
    python scripts/validate.py --random 100

The exit status is 1 if they differ in anything: a transition's or a message's count, what
migration.json says, or another number in stats.txt that both have.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from homeshift.front_end import call, script_parser, tells_errors
from homeshift.output_file import output_file
from homeshift.validation.agreement import (
    CASES,
    Case,
    Observed,
    differences,
    final_tick,
    matrix,
    observe,
    run_case,
)
from homeshift.validation.random_cases import draw

HEADER = (
    "case",
    *("transitions", "differ", "messages", "differ", "values", "differ"),
    *("end (tick)", "gem5 s", "own s"),
)

MATRIX: dict[str, list[Any]] = {
    "machines": ["tests/gem5/serial.toml", "tiny", "quad", "octo"],
    "workloads": [
        *("uniform", "zipf", "stream", "pointer-chase", "phased"),
        "producer-consumer:ring=4KiB",
    ],
    "strategies": ["stop-and-copy", "pre-copy", "ownership", "ownership+copy"],
    "seeds": [1, 2],
}

_RANDOM = re.compile(r"random-(\d+)")
REPOSITORY = Path(__file__).resolve().parent.parent


@tells_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Run the cases on both engines; return the exit status."""
    parser = script_parser(__file__, __doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}")
    parser.add_argument("--gem5", default="gem5.opt", metavar="FILE", help="a gem5 with the plugin")
    parser.add_argument("--golden", type=Path, metavar="DIR", help="write gem5's numbers there")
    parser.add_argument("--show", type=int, default=5, metavar="N", help="list N differences each")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the runs there")
    for name, values in MATRIX.items():
        parser.add_argument(
            f"--{name}",
            nargs="+",
            metavar=name.upper(),
            help=f"run every combination instead; if not given, of {' '.join(map(str, values))}",
        )
    parser.add_argument(
        "--random",
        type=int,
        metavar="N",
        help="run N cases drawn by chance, random-1 to random-N; each is a CASE as well",
    )
    options = parser.parse_args(argv)
    if options.random is not None and options.random < 1:
        parser.error("--random: a number of cases, from 1 on")
    ways = [options.cases, options.random, any(getattr(options, name) for name in MATRIX)]
    if sum(map(bool, ways)) > 1:
        parser.error("give cases, --random, or what to combine: one of them")
    unknown = [name for name in options.cases if name not in CASES and not _RANDOM.fullmatch(name)]
    if unknown:
        parser.error(f"no such case: {', '.join(unknown)}")
    gem5 = shutil.which(options.gem5)
    if gem5 is None:
        parser.error(f"{options.gem5}: not found; give a gem5 with the plugin by --gem5")
    with tempfile.TemporaryDirectory() as temporary:
        directory = (options.keep or Path(temporary)).resolve()
        _print_row(HEADER)
        results = [_compare(case, gem5, directory, options) for case in _cases(options)]
    return 0 if all(results) else 1


def _cases(options: argparse.Namespace) -> list[Case]:
    """Return the cases named, or random ones, or those of the matrix, or all."""
    if options.random:
        return [draw(seed) for seed in range(1, options.random + 1)]
    given = {name: getattr(options, name) for name in MATRIX}
    if any(given.values()):
        return matrix(*(given[name] or values for name, values in MATRIX.items()))
    return [
        draw(int(found[1])) if (found := _RANDOM.fullmatch(name)) else CASES[name]
        for name in options.cases or CASES
    ]


def _compare(case: Case, gem5: str, directory: Path, options: argparse.Namespace) -> bool:
    """Run a case on both engines, print a row, and return whether they agree."""
    folder = directory / case.name
    theirs, ours, m5out = (folder / name for name in ("gem5", "embedded", "m5out"))
    folder.mkdir(parents=True, exist_ok=True)
    command = [gem5, "--quiet", f"--outdir={m5out}"]
    gem5_seconds = run_case(case, command, theirs, repository=REPOSITORY)
    own_seconds = run_case(case, [sys.executable], ours, repository=REPOSITORY)
    first, second = (observe(run, progress=True) for run in (theirs, ours))
    found = differences(first, second)
    row = [case.name]
    for kind, number in (
        ("transition", sum(first.transitions.values())),
        ("message", sum(first.messages.values())),
        (("summary", "statistic"), len(first.summary) + len(first.statistics)),
    ):
        row += [str(number), str(sum(d.what.startswith(kind) for d in found))]
    _print_row([*row, str(final_tick(first)), f"{gem5_seconds:.2f}", f"{own_seconds:.2f}"])
    for difference in found[: options.show]:
        print(f"    {difference.what}: gem5 {difference.first}, embedded {difference.second}")
    if options.golden:
        _write_golden(options.golden / f"{case.name}.json", case, observe(theirs))
    return not found


def _print_row(row: Sequence[str]) -> None:
    widths = (40, 11, 6, 8, 6, 7, 6, 12, 7, 6)
    print(
        "  ".join(
            f"{cell:<{w}}" if i == 0 else f"{cell:>{w}}"
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ),
        flush=True,
    )


def _write_golden(path: Path, case: Case, observed: Observed) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    command = f"gem5.opt configs/migrate.py {' '.join(case.options)}"
    data = {"command": command, **observed.to_dict()}
    with output_file(path) as partial:
        partial.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(call(main))
