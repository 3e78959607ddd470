# SPDX-License-Identifier: BSD-3-Clause
"""All that is measured of the simulator itself, of this build and beside it of another commit.

    python benchmarks/all.py                          # this build, and gem5's speed if it is there
    python benchmarks/all.py --against HEAD~1         # each against the commit before
    python benchmarks/all.py --against path/to/site --json results/all.json

The builds take turns, each in a process of its own, and a row shows the median of the turns. Times
are CPU times. benchmarks/README.md says what each row means.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import footprint
import gem5_ratio
from sites import Site, run, site_of, this_site

from homeshift.front_end import HelpFormatter, tells_errors

HERE = Path(__file__).resolve().parent
Measures = dict[str, dict[str, list[float]]]
"""Row -> site -> one value a turn."""


def throughput(site: Site, *, seconds: float, only: Sequence[str]) -> dict[str, float]:
    """Return million accesses and events per second of CPU time of each case, of one turn."""
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "speed.json"
        options = ["--repeats", "1", "--seconds", str(seconds), "--json", str(record)]
        run(site, HERE / "throughput.py", *options, *(["--only", *only] if only else []))
        cases = json.loads(record.read_text(encoding="utf-8"))["cases"]
    rates = {}
    for name, [turn] in cases.items():
        rates[f"{name} [M requests/s]"] = turn["requests"] / turn["seconds"] / 1e6
        rates[f"{name} [M events/s]"] = turn["events"] / turn["seconds"] / 1e6
    return rates


def measure(
    sites: Sequence[Site], *, turns: int, seconds: float, only: Sequence[str], lasting: bool
) -> Measures:
    """Let the builds take turns; `lasting`: also memory, which is the same in every turn."""
    measures: Measures = {}

    def note(site: Site, values: dict[str, float], prefix: str) -> None:
        for name, value in values.items():
            row = measures.setdefault(prefix + name, {other.name: [] for other in sites})
            row[site.name].append(value)

    for turn in range(turns):
        for site in sites if turn % 2 == 0 else reversed(sites):
            note(site, throughput(site, seconds=seconds, only=only), "")
            note(site, footprint.start_up(site), "start-up ")
        print(f"turn {turn + 1} of {turns} is done", file=sys.stderr)
    if lasting:
        for site in sites:
            note(site, footprint.memory(site), "memory, set-up: ")
    return measures


def table(measures: Measures, sites: Sequence[Site]) -> str:
    """Return a row a measure: its median on each build, and the ratio of this one to the other."""
    head = ["", *(site.name for site in sites), *(["ratio"] if len(sites) == 2 else [])]
    rows = [head]
    for name, by_site in measures.items():
        medians = [statistics.median(by_site[site.name]) for site in sites]
        row = [name, *(f"{value:.4g}" for value in medians)]
        if len(sites) == 2:
            # Of turns side by side, so that what disturbed both drops out.
            pairs = zip(*(by_site[site.name] for site in sites), strict=True)
            ratios = [mine / other for mine, other in pairs if other]
            row.append(f"{statistics.median(ratios):.3f}" if ratios else "-")
        rows.append(row)
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def beside_gem5(site: Site) -> dict[str, gem5_ratio.Rates]:
    """Print how fast gem5 does the same work, if it is there; return the rates."""
    if gem5_ratio.gem5() is None:
        print("\nno gem5.opt on PATH: not compared with gem5")
        return {}
    found = {}
    print("\naccesses per second of CPU time, start-up left out:")
    for name in gem5_ratio.WORK:
        rates = found[name] = gem5_ratio.rates(site, name)
        print(
            f"  {name}: {rates.embedded:,.0f} here, {rates.gem5:,.0f} in gem5: "
            f"{rates.embedded / rates.gem5:.1f} times"
        )
    return found


@tells_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="all.py",
        description=(__doc__ or "").split("\n\n")[0],
        formatter_class=HelpFormatter,
    )
    add = parser.add_argument
    add("--against", metavar="COMMIT|SITE", help="measure this commit, or build, as well")
    add("--turns", type=int, default=3, metavar="N", help="of each build")
    add("--seconds", type=float, default=0.25, metavar="T", help="CPU time of a case in a turn")
    add("--only", nargs="+", default=[], metavar="CASE", help="cases of throughput.py")
    add("--no-memory", action="store_true", help="leave out what does not change between turns")
    add("--no-gem5", action="store_true", help="do not run gem5 even if it is there")
    add("--json", type=Path, metavar="FILE", help="write every turn there as well")
    options = parser.parse_args(arguments)
    sites = [this_site(), *([site_of(options.against)] if options.against else [])]
    measures = measure(
        sites,
        turns=options.turns,
        seconds=options.seconds,
        only=options.only,
        lasting=not options.no_memory,
    )
    print(table(measures, sites))
    rates = {} if options.no_gem5 else beside_gem5(sites[0])
    if options.json:
        record = {
            "format": 1,
            "measures": measures,
            "gem5": {name: [r.gem5, r.embedded] for name, r in rates.items()},
        }
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
