# SPDX-License-Identifier: BSD-3-Clause
"""Do the tables and the command line say what the protocol says?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from homeshift.slicc import load
from homeshift.slicc.__main__ import main
from homeshift.slicc.tables import missing_pairs, transition_table, write_tables

FOLDER = Path(__file__).parent
SMALL = FOLDER / "Small.slicc"


def test_cell_holds_short_names_and_the_next_state() -> None:
    machine = load(SMALL).machines["L1Cache"]
    assert transition_table(machine).splitlines() == [
        "|  | Load | Replacement | Data |",
        "| --- | --- | --- | --- |",
        "| **I** | `a` `g` `m` → IV_D |  |  |",
        "| **IV_D** | `z` | `z` | `w` `f` `n` `k` → V |",
        "| **V** | `r` `m` | `d` → I |  |",
    ]


def test_pairs_without_a_transition_are_listed() -> None:
    machine = load(SMALL).machines["L1Cache"]
    assert missing_pairs(machine) == "- **I**: Replacement, Data\n- **V**: Data"


def test_page_describes_states_events_and_actions(tmp_path: Path) -> None:
    (path,) = write_tables(load(SMALL), tmp_path / "new")
    page = path.read_text("utf-8")
    assert path.name == "Small-L1Cache.md"
    assert page.startswith("<!-- Generated from Small-cache.sm by ")
    assert "\n| IV_D | Busy | waits for data |\n" in page
    assert "\n| Replacement | the line must make room |\n" in page
    assert "\n| `f` | freeTbe | end the transaction |\n" in page


def test_check_counts_and_lists_pairs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--pairs", str(SMALL)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "L1Cache: 3 states, 3 events, 10 actions, 6 transitions; 3 pairs claimed impossible",
        "  I, Replacement",
        "  I, Data",
        "  V, Data",
    ]


def test_check_fails_on_a_warning_but_tables_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (FOLDER / "Small-cache.sm").read_text("utf-8").replace("{ drop; }", "{ }")
    (tmp_path / "Small-cache.sm").write_text(text, "utf-8")
    small = tmp_path / "Small.slicc"
    small.write_text(SMALL.read_text("utf-8"), "utf-8")
    assert main(["check", str(small)]) == 2
    assert "warning: no transition uses action 'drop'" in capsys.readouterr().err
    assert main(["tables", str(small), "-o", str(tmp_path)]) == 0


def test_errors_end_with_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.slicc").write_text('protocol "p"\n', "utf-8")
    assert main(["check", str(tmp_path / "p.slicc")]) == 2
    assert main(["check", str(tmp_path / "none.slicc")]) == 2
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["tables", "emit"])
def test_an_output_that_cannot_be_written_ends_with_status_2(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main([command, str(SMALL), "-o", str(tmp_path / "file" / "out")]) == 2
    assert "cannot be written: Not a directory" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_ends_it_without_a_word() -> None:
    """As `| head -1` does."""
    command = [sys.executable, "-m", "homeshift.slicc", "check", "--pairs", str(SMALL)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == b""
