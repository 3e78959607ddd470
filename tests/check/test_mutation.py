# SPDX-License-Identifier: BSD-3-Clause
"""The table of mutants says what they are, and what became of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from homeshift.check import mutation, random_tester
from homeshift.check.build import default_protocol
from homeshift.check.mutation import HEADER, KINDS, Bench, Check, kind_of, property_of
from homeshift.check.random_tester import RandomTester
from homeshift.check.run import Options
from homeshift.errors import RunError
from homeshift.slicc import load
from homeshift.slicc.mutants import Mutant, mutants_of

TABLE = Path(__file__).parents[2] / "docs" / "mutants.tsv"


@pytest.fixture(scope="module")
def mutants() -> list[Mutant]:
    return mutants_of(load(default_protocol()))


def test_the_kinds_of_mutants_are_those_of_the_documentation(mutants: list[Mutant]) -> None:
    header, *lines = TABLE.read_text("utf-8").splitlines()
    assert header == HEADER
    kinds = {name: kind for _, kind, name, *_ in (line.split("\t") for line in lines)}
    there = {m.name: kind_of(m) for m in mutants if m.name in kinds}
    assert set(there.values()) == {*KINDS, "swap the state"}
    assert there == {name: kinds[name] for name in there}


FAULTS = {
    "crash: an action uses a TBE": "a TBE or an entry that an action reads is there",
    "data value: a load of line 0 returns a value": "data value",
    "DMA 0: x.sm:3:5: error: event 'E' has no transition from state 'I'": (
        "every message has a transition"
    ),
    "L1Cache 0: tries a message again and again": "a message is taken or waits",
    "deadlock: a request waits": "no deadlock",
    "completion: messages can go round": "every request completes",
    "L1Cache 0: x.sm:3: assertion failed": "assertions of the protocol",
    "regionMoved: nothing is under way to end": "an answer ends what was asked for",
    "an answer that was not asked for": "an answer ends what was asked for",
    "more than 60 messages are under way": "messages are used up",
    "a TBE is allocated twice": "transactions and entries are used in order",
    "a line comes into a cache that has no room": "transactions and entries are used in order",
    "DMA 0: sends a message to nobody": "messages go to machines that exist",
    "DMA 0: what nobody has thought of": "what nobody has thought of",
    "at most one home orders the region": "at most one home orders the region",
}


def test_a_fault_is_of_a_property() -> None:
    assert {fault: property_of(fault) for fault in FAULTS} == FAULTS


# Two checks: the first, with a bound of its own, does not take the mutant's transition.
NEVER = Check(name="never", options=Options(states=7))
FIRST = Check(name="first", options=Options(states=8))
SECOND = Check(name="second", options=Options())


def result(**more: Any) -> Any:
    values = {"fault": None, "complete": True, "uncovered": (), "steps": (), "states": 1000}
    return SimpleNamespace(**{**values, **more})


Found = Callable[[Options], Any]


def bench(mutant: Mutant, found: Found, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench.__new__(Bench)
    made.checkers = {(2, 1): None}  # type: ignore[dict-item]
    made.mutants = [replace(mutant, number=number) for number in range(5)]
    where = (mutant.machine, mutant.transition.state, mutant.transition.event)
    sound = result(taken={where: 1})
    made.sound = {"never": result(taken={}), "first": sound, "second": sound}
    monkeypatch.setattr(mutation, "CHECKS", (NEVER, FIRST, SECOND))
    monkeypatch.setattr(mutation, "run", lambda _, options: found(options))
    return made


@pytest.mark.parametrize(
    ("found", "verdict", "steps"),
    [
        ({"fault": "deadlock: x", "steps": (1, 2)}, "no deadlock", "2"),
        ({"uncovered": ("it happens",)}, "cover: it happens", "0"),
        ({"uncovered": ("it happens",), "complete": False}, "survives", ""),
        ({}, "survives", ""),
    ],
)
def test_a_mutant_goes_through_the_checks_that_take_it_until_one_fails(
    found: dict[str, Any],
    verdict: str,
    steps: str,
    mutants: list[Mutant],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bounds: list[int | None] = []

    def run(options: Options) -> Any:
        bounds.append(options.states)
        return result() if options.states == 8 else result(**found)

    row = bench(mutants[0], run, monkeypatch).try_mutant(mutants[0], "passes")
    assert bounds == [8, 102_000]
    assert row.verdict == verdict
    columns = row.tsv().split("\t")
    assert len(columns) == len(HEADER.split("\t"))
    caught = verdict != "survives"
    assert columns[4:] == ["second" if caught else "", steps, "1000" if caught else "0", "passes"]


def test_a_mutant_that_no_check_takes_is_not_exercised(
    mutants: list[Mutant], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = bench(mutants[0], lambda _: result(fault="x"), monkeypatch)
    made.sound = dict.fromkeys(made.sound, made.sound["never"])
    assert made.try_mutant(mutants[0], "").verdict == "not exercised"


def test_only_those_mutants_are_tried_that_are_asked_for(
    mutants: list[Mutant],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = bench(mutants[0], lambda _: result(), monkeypatch)
    monkeypatch.setattr(mutation, "Bench", lambda: made)
    table = tmp_path / "mutants.tsv"
    assert mutation.main(["--first", "1", "--every", "2", "-o", str(table)]) == 0
    numbers = [line.split("\t")[0] for line in table.read_text("utf-8").splitlines()]
    assert numbers == ["number", "1", "3"]
    assert capsys.readouterr().out == "    2 survives\n"


@pytest.mark.parametrize("wrong", [{"fault": "x"}, {"uncovered": ("x",)}])
def test_a_check_that_fails_on_the_protocol_as_it_is_is_none(
    wrong: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutation, "CHECKS", (FIRST,))
    for costly in ("load", "load_model", "mutants_of", "compiled"):
        monkeypatch.setattr(mutation, costly, lambda *_, **__: None)
    monkeypatch.setattr(mutation, "run", lambda *_: result(**wrong))
    with pytest.raises(RunError, match="check 'first' fails on the protocol as it is"):
        Bench()


ENDS = {
    "assert os.environ['HOMESHIFT_MUTANT'] == '5'": "passes",
    "import importlib.util as i; assert i.find_spec('test_random_traffic')": "passes",
    "from homeshift.errors import RunError; raise RunError('x: y')": "RunError",
    "os.kill(os.getpid(), signal.SIGXCPU)": "hangs",
    "os.kill(os.getpid(), signal.SIGSEGV)": "crashes",
}


@pytest.mark.parametrize("program", ENDS)
def test_random_traffic_says_how_a_mutant_ends(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random_tester, "PROGRAM", f"import os, signal; {program}")
    assert RandomTester(Path(mutation.__file__).parents[2]).verdict(5) == ENDS[program]
