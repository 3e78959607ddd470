# SPDX-License-Identifier: BSD-3-Clause
"""Do the engines agree? Against golden data of gem5 runs, and against gem5 itself where it is."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from pathlib import Path

import pytest
from calls import called
from gem5_binary import GEM5, needs_gem5

from homeshift.validation.agreement import (
    CASES,
    Case,
    Observed,
    differences,
    final_tick,
    observe,
    run_case,
)
from homeshift.validation.random_cases import draw

REPOSITORY = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent / "golden"
PAGE = (REPOSITORY / "docs" / "gem5.md").read_text(encoding="utf-8")
RECORDED = [case for name, case in CASES.items() if (GOLDEN / f"{name}.json").exists()]


def golden(case: Case) -> Observed:
    data = json.loads((GOLDEN / f"{case.name}.json").read_text(encoding="utf-8"))
    return Observed(**{f.name: data[f.name] for f in dataclasses.fields(Observed)})


def test_golden_data_was_recorded() -> None:
    assert {case.name for case in RECORDED} == set(CASES)


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case.name)
def test_embedded_engine_agrees_with_recorded_gem5(case: Case, tmp_path: Path) -> None:
    run_case(case, [sys.executable], tmp_path / "run", repository=REPOSITORY)
    assert differences(golden(case), observe(tmp_path / "run")) == []
    assert page_row(observe(tmp_path / "run", progress=True)) in PAGE


def page_row(observed: Observed) -> str:
    """Return what docs/gem5.md says of a case, as scripts/validate.py prints it."""
    counts = (
        sum(observed.transitions.values()),
        sum(observed.messages.values()),
        len(observed.summary) + len(observed.statistics),
    )
    columns = [*(f"{count:,}" for count in counts), f"{final_tick(observed) / 1e6:,.3f}"]
    return f"| {' | '.join(columns)} |\n"


def test_the_page_has_a_row_for_each_case() -> None:
    row = r"^\|[^|]+\| [\d,]+ \| [\d,]+ \| [\d,]+ \| [\d,.]+ \|$"
    assert len(re.findall(row, PAGE, re.MULTILINE)) == len(CASES)
    assert f"in {len(CASES)} cases" in (REPOSITORY / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("kind", "name"),
    [("transitions", "Directory.EM.GetS"), ("messages", "all.Request_Control")]
    + [("summary", name) for name in ("phases[0].end", "downtime", "home.forwarded-requests")]
    + [("statistics", name) for name in ("mem_ctrls0.numReads", "vm.vcpu0.totalLatency")],
)
def test_one_more_of_anything_is_seen(kind: str, name: str) -> None:
    right = golden(CASES["tiny-ownership"])
    numbers = getattr(right, kind)
    wrong = dataclasses.replace(right, **{kind: {**numbers, name: numbers[name] + 1}})
    assert differences(right, right) == []
    assert [d.second - d.first for d in differences(right, wrong)] == pytest.approx([1])


def test_what_one_engine_leaves_out_is_seen() -> None:
    right = golden(CASES["tiny-ownership"])
    less = {name: value for name, value in right.summary.items() if name != "status"}
    found = differences(right, dataclasses.replace(right, summary=less))
    assert [(d.what, d.second) for d in found] == [("summary status", None)]


@needs_gem5
@pytest.mark.parametrize("case", CASES.values(), ids=lambda case: case.name)
def test_gem5_still_does_what_was_recorded(case: Case, tmp_path: Path) -> None:
    assert GEM5
    gem5 = [GEM5, "--quiet", f"--outdir={tmp_path / 'm5out'}"]
    run_case(case, gem5, tmp_path / "run", repository=REPOSITORY)
    assert differences(golden(case), observe(tmp_path / "run")) == []


@pytest.mark.parametrize("seed", range(1, 4))
def test_random_cases_are_the_same_each_time_and_can_be_run(seed: int, tmp_path: Path) -> None:
    assert draw(seed) == draw(seed)
    assert draw(seed).options != draw(seed + 1).options
    run_case(draw(seed), [sys.executable], tmp_path / "run", repository=REPOSITORY)


@needs_gem5
@pytest.mark.parametrize("seed", range(1, 13))
def test_engines_agree_on_random_cases(seed: int, tmp_path: Path) -> None:
    assert GEM5
    commands = {"gem5": [GEM5, "--quiet", f"--outdir={tmp_path / 'm5out'}"]}
    commands["embedded"] = [sys.executable]
    for name, command in commands.items():
        run_case(draw(seed), command, tmp_path / name, repository=REPOSITORY)
    first, second = (observe(tmp_path / name, progress=True) for name in commands)
    assert differences(first, second) == []
    assert sum(first.transitions.values()) > 100


@needs_gem5
def test_the_figure_of_agreement_reads_what_validate_keeps(tmp_path: Path) -> None:
    scripts = [
        ("scripts/validate.py", "--gem5", str(GEM5), "--keep", str(tmp_path / "kept")),
        ("plots/engine_agreement.py", str(tmp_path / "kept"), "-o", str(tmp_path / "figures")),
    ]
    for script, *arguments in scripts:
        case = ["serial-ownership"] if "validate" in script else []
        done = called(script, *arguments, *case)
        assert done.returncode == 0, done.stdout + done.stderr
    drawn = (tmp_path / "figures" / "engine_agreement.csv").read_text(encoding="utf-8")
    assert drawn.count("serial-ownership,transitions") > 20
