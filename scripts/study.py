#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write the study's page and figures from its sweeps: what `make study` does when these are done.

    python scripts/study.py results/study           # docs/study.csv, docs/study.md, docs/images/
    python scripts/study.py --page                  # docs/study.md again, from docs/study.csv

The page is scripts/study_page.md with every number and table taken from docs/study.csv. What its
sentences say of them is checked by tests/test_study.py.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from homeshift.analysis.sweep_note import TABLE, run_directory
from homeshift.errors import RunError
from homeshift.front_end import call, run_child, script_parser, tells_errors
from homeshift.output_file import output_file

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "scripts" / "study_page.md"
BASE = "cycles_per_instruction=1"  # in results/study/speed


@tells_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Write what the arguments ask for; return the exit status."""
    parser = script_parser(__file__, __doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("results", nargs="?", type=Path, metavar="DIR", help="with the sweeps")
    what.add_argument("--page", action="store_true", help="write the page alone")
    parser.add_argument(
        "--docs", type=Path, default=ROOT / "docs", metavar="DIR", help="of the page"
    )
    options = parser.parse_args(argv)
    from homeshift.study.data import Study, collect  # slow to import
    from homeshift.study.page import render

    table = options.docs / "study.csv"
    if options.results:
        Study(collect(options.results)).write(table)
        print(f"study.py: wrote {table}")
        _figures(options.results, table, options.docs / "images")
    page = render(TEMPLATE.read_text(encoding="utf-8"), Study.read(table))
    with output_file(options.docs / "study.md") as partial:
        partial.write_text(page, encoding="utf-8")
    print(f"study.py: wrote {options.docs / 'study.md'}")
    return 0


def _figures(results: Path, table: Path, images: Path) -> None:
    """Draw the figures, and put their images where the page shows them."""
    import pandas as pd

    sweep = results / "speed"
    speed = pd.read_parquet(sweep / TABLE)
    chosen = speed[speed["option.workload"].str.endswith(BASE)]
    runs = [str(run_directory(sweep, name)) for name in chosen["run"]]
    drawn = results / "figures"
    for script, arguments in (
        ("migration_cost", runs),
        ("cost_over_time", runs),
        ("work_and_energy", [str(table)]),
    ):
        command = [sys.executable, str(ROOT / "plots" / f"{script}.py"), *arguments]
        done = run_child([*command, "-o", str(drawn)])
        if done.returncode != 0:
            raise RunError(f"plots/{script}.py: {done.stderr.strip()}")
    for name in ("migration_cost", "cost_over_time", "study_vm", "study_machine"):
        image = images / f"study-{name.removeprefix('study_')}.png"
        with output_file(image) as partial:
            shutil.copyfile(drawn / f"{name}.png", partial)
        print(f"study.py: wrote {image}")


if __name__ == "__main__":
    sys.exit(call(main))
