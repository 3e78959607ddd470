# SPDX-License-Identifier: BSD-3-Clause
"""Do the engines agree? Against golden data of gem5 runs, and against gem5 itself where it is."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from homeshift.engines.gem5_agreement import (
    CASES,
    Case,
    Observed,
    differences,
    migration_ticks,
    observe,
    run_case,
    violations,
)

REPOSITORY = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent / "golden"
GEM5 = shutil.which(os.environ.get("HOMESHIFT_GEM5", "gem5.opt"))
needs_gem5 = pytest.mark.skipif(
    GEM5 is None,
    reason="no gem5.opt on PATH (or in HOMESHIFT_GEM5); docs/gem5.md says what it must contain",
)
RECORDED = [case for name, case in CASES.items() if (GOLDEN / f"{name}.json").exists()]


def golden(case: Case) -> Observed:
    data = json.loads((GOLDEN / f"{case.name}.json").read_text(encoding="utf-8"))
    return Observed(**{f.name: data[f.name] for f in dataclasses.fields(Observed)})


def test_golden_data_was_recorded() -> None:
    assert {case.name for case in RECORDED} == set(CASES)


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case.name)
def test_embedded_engine_agrees_with_recorded_gem5(case: Case, tmp_path: Path) -> None:
    run_case(case, [sys.executable], tmp_path / "run", repository=REPOSITORY)
    assert violations(case, golden(case), observe(tmp_path / "run")) == []


def test_a_transition_taken_once_more_is_seen() -> None:
    case = CASES["serial-stop-and-copy"]
    right = golden(case)
    name = next(iter(right.transitions))
    wrong = dataclasses.replace(
        right, transitions={**right.transitions, name: right.transitions[name] + 1}
    )
    assert len(violations(case, right, wrong)) == 1


def test_more_than_two_percent_of_other_transitions_are_seen() -> None:
    case = CASES["tiny-ownership"]
    right = golden(case)
    wrong = dataclasses.replace(
        right, transitions={name: n * 103 // 100 for name, n in right.transitions.items()}
    )
    assert violations(case, right, right) == []
    assert len(violations(case, right, wrong)) == 1


def test_a_migration_that_takes_a_tenth_longer_is_seen() -> None:
    case = CASES["quad-ownership"]
    right = golden(case)
    name, start, end = right.phases[-1]
    wrong = dataclasses.replace(
        right, phases=[*right.phases[:-1], [name, start, end + migration_ticks(right) // 10]]
    )
    assert len(violations(case, right, wrong)) == 1


@needs_gem5
@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_gem5_still_does_what_was_recorded(case: Case, tmp_path: Path) -> None:
    assert GEM5
    gem5 = [GEM5, "--quiet", f"--outdir={tmp_path / 'm5out'}"]
    run_case(case, gem5, tmp_path / "run", repository=REPOSITORY)
    assert differences(golden(case), observe(tmp_path / "run")) == []


@needs_gem5
def test_help_builds_no_machine(tmp_path: Path) -> None:
    assert GEM5
    result = subprocess.run(
        [GEM5, f"--outdir={tmp_path}", "configs/migrate.py", "--help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--strategy" in result.stdout
    assert not (tmp_path / "config.ini").exists()


@needs_gem5
def test_last_line_says_at_which_tick_and_why(tmp_path: Path) -> None:
    assert GEM5
    result = subprocess.run(
        [GEM5, f"--outdir={tmp_path}", "configs/migrate.py", *CASES["serial-ownership"].options],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.splitlines()[-1].startswith("Exiting @ tick ")
    assert {path.name for path in tmp_path.iterdir()} >= {
        "stats.txt",
        "config.json",
        "migration.json",
    }
