# SPDX-License-Identifier: BSD-3-Clause
"""What ends the checker's program is told apart from what the protocol does wrong."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from homeshift.check import mutation
from homeshift.check.__main__ import main
from homeshift.check.build import (
    Checker,
    CheckerError,
    compiled,
    default_protocol,
    load_model,
)
from homeshift.check.run import CrashError, Options, replay, run
from homeshift.check.scenario import load_scenario
from homeshift.errors import InputError, RunError
from homeshift.slicc import load
from homeshift.slicc.mutants import mutants_of

PROTOCOL = default_protocol()
Ending = Callable[[str], Checker]


@pytest.fixture
def ends_by(tmp_path: Path) -> Ending:
    """Make a checker whose program does nothing but to end."""

    def make(how: str) -> Checker:
        program = tmp_path / "program"
        program.write_text(f"#!/bin/bash\n{how}\n", "utf-8")
        program.chmod(0o755)
        model = load_model(PROTOCOL, nodes=2, lines=1)
        return Checker(model=model, program=program)

    return make


NO_CRASH = {
    "exit 3": "ran out of memory",
    "kill -KILL $$": "out of memory",
    "kill -TERM $$": "SIGTERM",
    "kill -ILL $$": "SIGILL",
    "echo 'it has too many fields' >&2; exit 4": "it has too many fields",
    "echo 'terminate called after throwing' >&2; kill -ABRT $$": "SIGABRT",
}


@pytest.mark.parametrize("how", NO_CRASH)
def test_an_end_that_is_no_crash_says_nothing_of_the_protocol(ends_by: Ending, how: str) -> None:
    with pytest.raises(CheckerError, match=NO_CRASH[how]) as raised:
        run(ends_by(how), Options())
    assert raised.value.exit_status == 4
    with pytest.raises(CheckerError, match=NO_CRASH[how]):
        replay(ends_by(how), Options(), ["a step"] * 10_000)


@pytest.mark.parametrize("signal", ["SEGV", "ABRT"])
def test_a_crash_is_a_fault_of_the_protocol(ends_by: Ending, signal: str) -> None:
    with pytest.raises(CrashError):
        run(ends_by(f"kill -{signal} $$"), Options())
    fault = replay(ends_by(f"kill -{signal} $$"), Options(), []).fault
    assert fault is not None
    assert fault.startswith("crash: ")


def test_a_mutant_is_caught_by_a_crash_but_not_by_the_end_of_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(error: RunError) -> Callable[..., None]:
        def run(*_: object) -> None:
            raise error

        return run

    bench = mutation.Bench.__new__(mutation.Bench)
    check = mutation.CHECKS[0]
    bench.checkers = {(check.nodes, check.lines): None}  # type: ignore[dict-item]
    arguments = (check, mutants_of(load(PROTOCOL))[0], SimpleNamespace(states=1))
    monkeypatch.setattr(mutation, "run", fails(CrashError()))
    caught, _, _ = bench._catch(*arguments)  # type: ignore[arg-type]
    assert caught.startswith("crash: ")
    monkeypatch.setattr(mutation, "run", fails(CheckerError("ran out of memory")))
    with pytest.raises(CheckerError):
        bench._catch(*arguments)  # type: ignore[arg-type]


def test_the_program_says_that_it_runs_out_of_memory_or_cannot_read_a_number() -> None:
    made = compiled(load_model(PROTOCOL, nodes=2, lines=1))

    def ending(command: str) -> tuple[int, str]:
        shell = ["bash", "-c", f"{command} >/dev/null", "bash", str(made.program)]
        ended = subprocess.run(shell, capture_output=True, text=True, check=False)
        return ended.returncode, ended.stderr

    assert ending('ulimit -v 60000; "$1"') == (3, "out of memory\n")
    status, text = ending('"$1" --limit load=99999999999999999999')
    assert status == 2
    assert "option --limit: not a number that it can have" in text


def test_numbers_that_no_search_can_have_are_told_together(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrong = ["--limit", "load=99999999999999999999", "--limit", "store=256"]
    assert main([*wrong, "--states", "0", "--seconds", "nan"]) == 2
    error = capsys.readouterr().err
    for text in ("4 faults", "store=256: at most 255", "--states 0: has", "--seconds nan: has"):
        assert text in error


def test_limits_of_a_scenario_have_bounds(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(
        'protocol = "x"\nmachines = {L1Cache = "node"}\nlimits = {load = 256, store = "1"}\n'
        'capacity = {"L1Cache.cache" = 0}\n',
        "utf-8",
    )
    with pytest.raises(InputError) as raised:
        load_scenario(wrong)
    assert len(raised.value.faults) == 3
    assert "capacity.L1Cache.cache = 0: has to be a number, at least 1" in raised.value.faults
    assert "limits.load = 256: has to be a number from 0 to 255" in raised.value.faults


def test_a_table_of_mutants_that_cannot_be_written_is_told_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert mutation.main(["-o", str(tmp_path / "none" / "mutants.tsv")]) == 2
    assert "mutants.tsv' has a fault" in capsys.readouterr().err


def test_one_mutant_in_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert mutation.main(["--every", "0", "-o", str(tmp_path / "mutants.tsv")]) == 2
    assert "--every 0: not between 1 and" in capsys.readouterr().err


def test_what_is_not_there_is_told_with_what_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--limit", "foo=1", "--capacity", "X.Y=1"]) == 2
    error = capsys.readouterr().err
    assert "--limit foo=1: no such stimulus; it has cancel, copy, evict, fence" in error
    assert "--capacity X.Y=1: no such cache; it has Directory.slc, L1Cache.cache" in error
    # No machine of MESI_HomeShift has a DMASequencer: nothing would be read.
    assert main(["--limit", "dma_read=1"]) == 2
    assert "--limit dma_read=1: no such stimulus" in capsys.readouterr().err
    assert main(["--protocol", "none.slicc"]) == 2
    assert (
        capsys.readouterr().err == "protocol 'none.slicc' has a fault:\n  there is no such file\n"
    )
    assert main(["--protocol", "/"]) == 2
    assert capsys.readouterr().err == "protocol '/' has a fault:\n  is a folder\n"
