# SPDX-License-Identifier: BSD-3-Clause
"""A small protocol of our own is simulated on the embedded engine, and every value is checked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from homeshift.check.build import compiled, load_model
from homeshift.check.run import CRASH, Options, run
from homeshift.check.simulate import main

FOLDER = Path(__file__).parent
TINY = FOLDER / "Tiny.slicc"
SCENARIO = FOLDER / "Tiny.toml"
SMALL = ["--nodes", "3", "--accesses", "20000", "--lines", "16"]


def simulate(*options: str, protocol: Path = TINY) -> int:
    return main(["--protocol", str(protocol), "--scenario", str(SCENARIO), *options])


def test_the_protocol_holds() -> None:
    result = run(compiled(load_model(TINY, SCENARIO, nodes=2, lines=1)), Options())
    assert result.holds, result.fault or result.uncovered


def test_its_values_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(*SMALL) == 0
    printed = capsys.readouterr().out
    accesses = re.search(r"^accesses of cores +(\d+), each checked$", printed, re.MULTILINE)
    assert accesses is not None
    assert int(accesses[1]) >= 20_000
    assert re.search(r"^L1Cache 2 VI_A Recall [1-9]", printed, re.MULTILINE)
    assert re.search(r"^Directory 0 NO_D MemData [1-9]", printed, re.MULTILINE)


def test_a_wrong_value_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in FOLDER.glob("Tiny*"):
        text = file.read_text("utf-8").replace("writeData; freeTbe;", "freeTbe;")
        (tmp_path / file.name).write_text(text, "utf-8")
    assert simulate(*SMALL, protocol=tmp_path / TINY.name) == 1
    assert "failed: a load of line" in capsys.readouterr().out


WRONG = {
    "--nodes 70": "from 1 to 64",
    "--nodes 0": "from 1 to 64",
    "--lines 0": "from 1 to 131072",
    "--lines 200000": "from 1 to 131072",
    "--accesses 0": "from 1 to",
    "--write-ratio 1.5": "from 0 to 1",
    "--seed -1": "from 0 to",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_it_cannot_simulate_is_no_fault_of_the_protocol(
    wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate(*wrong.split()) == 2
    assert f"{wrong}: has to be {WRONG[wrong]}" in capsys.readouterr().err


def test_all_that_it_cannot_simulate_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate("--nodes", "70", "--lines", "0") == 2
    assert "2 faults" in capsys.readouterr().err


def test_a_crash_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in FOLDER.glob("Tiny*"):
        text = file.read_text("utf-8").replace("{ sendPut; drop; ", "{ sendPut; drop; drop; ")
        (tmp_path / file.name).write_text(text, "utf-8")
    assert simulate(*SMALL, protocol=tmp_path / TINY.name) == 1
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"{CRASH}\n")
