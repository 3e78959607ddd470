# SPDX-License-Identifier: BSD-3-Clause
"""Capturing traces: what lackey's lines become, and how the script behaves as a command."""

from __future__ import annotations

import runpy
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from calls import ROOT, called, start

from homeshift.workload import TRACE_DTYPE, check_traces
from homeshift.workload.trace import number_pages, split_at_lines

SCRIPT = ROOT / "scripts" / "capture_trace.py"
OLD = ROOT / "traces" / "sort.npy"

needs_valgrind = pytest.mark.skipif(
    shutil.which("valgrind") is None, reason="valgrind is not installed"
)


@pytest.fixture(scope="module")
def capture_trace() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(SCRIPT)))


def run(*arguments: str | int | Path) -> subprocess.CompletedProcess[str]:
    return called("scripts/capture_trace.py", *arguments)


LACKEY = b"""\
==12== Lackey, an example Valgrind tool
I  04001000,3
I  04001003,5
 L 1fff000100,8
I  04001008,2
 S 1fff000138,16
I  0400100a,1
 M 0421f040,4
==12==
I  0400100b,1
 L 1fff001000,200
""".splitlines(keepends=True)


def test_gaps_count_instructions_and_a_modify_is_a_load_then_a_store(
    capture_trace: SimpleNamespace,
) -> None:
    records = list(split_at_lines(capture_trace.parse_lackey(LACKEY, skip=0)))
    assert records[0] == (0x1FFF000100, 2, 8, 0)
    assert records[3:5] == [(0x0421F040, 1, 4, 0), (0x0421F040, 0, 4, 1)]


def test_an_access_across_lines_becomes_one_record_a_line(capture_trace: SimpleNamespace) -> None:
    records = list(split_at_lines(capture_trace.parse_lackey(LACKEY, skip=0)))
    assert records[1:3] == [(0x1FFF000138, 1, 8, 1), (0x1FFF000140, 0, 8, 1)]
    assert [(address & 0xFFF, gap, size) for address, gap, size, _ in records[5:]] == [
        (0x000, 1, 64),
        (0x040, 0, 64),
        (0x080, 0, 64),
        (0x0C0, 0, 8),
    ]


def test_skipped_accesses_are_counted_before_they_are_split(capture_trace: SimpleNamespace) -> None:
    whole = list(split_at_lines(capture_trace.parse_lackey(LACKEY, skip=0)))
    assert list(split_at_lines(capture_trace.parse_lackey(LACKEY, skip=2))) == whole[3:]
    assert list(capture_trace.parse_lackey(LACKEY, skip=4)) == []


def test_a_gap_saturates(capture_trace: SimpleNamespace) -> None:
    lines = [b"I  04001000,1\n"] * 70_000 + [b" L 1fff000100,8\n"]
    records = list(split_at_lines(capture_trace.parse_lackey(lines, skip=0)))
    assert records == [(0x1FFF000100, 65535, 8, 0)]


def test_pages_are_numbered_in_order_of_first_touch() -> None:
    records = [(0x9008, 1, 8, 0), (0x1010, 1, 8, 1), (0x9FF8, 1, 8, 0), (0x5000, 1, 8, 0)]
    dense = [address for address, *_ in number_pages(records)]
    assert dense == [0x0008, 0x1010, 0x0FF8, 0x2000]


def test_what_hits_the_filter_is_left_out_and_its_instructions_go_into_the_next_gap(
    capture_trace: SimpleNamespace,
) -> None:
    line, set_stride = 64, 512  # a cache of 4 KiB has 8 sets of 8 lines
    records = [
        (0, 3, 8, 0),  # misses
        (8, 2, 8, 0),  # hits
        (16, 5, 8, 1),  # the first write to the line
        (24, 1, 8, 1),  # not the first
        (line, 4, 4, 1),  # misses
    ]
    kept = list(capture_trace.filter_cache(records, size=4096))
    assert kept == [(0, 3, 8, 0), (16, 7, 8, 1), (line, 5, 4, 1)]
    # Eight more lines of set 0 push line 0 out, unless it was used again in between.
    others = [(way * set_stride, 1, 8, 0) for way in range(1, 9)]
    assert (0, 1, 8, 0) in list(
        capture_trace.filter_cache([(0, 0, 8, 1), *others, (0, 1, 8, 0)], size=4096)
    )
    used = [(0, 0, 8, 1), *others[:7], (0, 1, 8, 0), others[7], (0, 1, 8, 0)]
    assert len(list(capture_trace.filter_cache(used, size=4096))) == 9


def test_a_line_that_was_written_and_pushed_out_is_seen_written_again(
    capture_trace: SimpleNamespace,
) -> None:
    others = [(way * 512, 0, 8, 0) for way in range(1, 9)]
    records = [(0, 0, 8, 1), *others, (0, 0, 8, 0), (0, 0, 8, 1)]
    kept = list(capture_trace.filter_cache(records, size=4096))
    assert [write for address, _, _, write in kept if address == 0] == [1, 0, 1]


def test_a_gap_behind_the_filter_saturates(capture_trace: SimpleNamespace) -> None:
    records = [(0, 60_000, 8, 0), (0, 60_000, 8, 0), (64, 60_000, 8, 0)]
    kept = list(capture_trace.filter_cache(records, size=4096))
    assert [gap for _, gap, _, _ in kept] == [60_000, 65_535]


@pytest.mark.parametrize(
    ("size", "said"), [("32KB", "KiB"), ("1000B", "not a multiple of 512 B"), ("big", "not a size")]
)
def test_a_filter_that_is_no_cache_is_refused(size: str, said: str, tmp_path: Path) -> None:
    done = run("--filter", size, "--output", tmp_path / "t.npy", "--", "true")
    assert done.returncode == 2
    assert said in done.stderr


def test_no_filter_can_be_asked_for_as_the_help_says(
    capture_trace: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        capture_trace.parse_arguments(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "0B records every access (default: 0B)" in said
    rest = ["--output", "a.npy", "--", "true"]
    for asked in (["--filter", "0B"], []):
        assert capture_trace.parse_arguments([*asked, *rest]).filter == 0


@needs_valgrind
def test_a_filtered_trace_covers_more_instructions(tmp_path: Path) -> None:
    work = ("--records", 2000, "--", "perl", "-e", "$x{$_ % 5000}++ for 1..20000")
    gaps = []
    for name, options in (("all", ()), ("some", ("--filter", "4KiB"))):
        output = tmp_path / f"{name}.npy"
        assert run(*options, "--output", output, *work).returncode == 0
        gaps.append(int(np.load(output)["gap"].sum()))
    assert gaps[1] > 2 * gaps[0]


@needs_valgrind
def test_a_program_is_captured_and_what_was_captured_is_printed(tmp_path: Path) -> None:
    output = tmp_path / "true.npy"
    result = run("--output", output, "--records", 1000, "--skip", 500, "--", "true")
    assert result.stderr == ""
    assert result.returncode == 0
    [trace] = check_traces([output])
    assert trace.records == 1000
    share = f"{trace.writes / trace.records:.1%} writes"
    assert result.stdout.startswith(f"{output}: 1000 records, {trace.pages} pages (")
    assert result.stdout.endswith(f"{share}\n")
    assert np.load(output).dtype == np.dtype(TRACE_DTYPE)
    assert [file.name for file in tmp_path.iterdir()] == ["true.npy"]


@needs_valgrind
def test_a_full_trace_stops_a_program_that_never_ends(tmp_path: Path) -> None:
    output = tmp_path / "endless.npy"
    result = run("--output", output, "--records", 100, "--", "sh", "-c", "while :; do :; done")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"{output}: 100 records")


@needs_valgrind
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--", "false"], "'false' exited with status 1 after "),
        (["--skip", "100000000", "--", "true"], "'true' ended within the 100000000 skipped"),
    ],
)
def test_a_failed_capture_leaves_an_older_trace_alone(
    tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    output = tmp_path / "old.npy"
    shutil.copyfile(OLD, output)
    result = run("--output", output, "--records", "100000000", *arguments)
    assert result.returncode == 1
    assert sentence in result.stderr
    assert "nothing written" in result.stderr
    assert output.read_bytes() == OLD.read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["old.npy"]


@needs_valgrind
def test_an_older_trace_is_replaced_and_anything_else_is_not(tmp_path: Path) -> None:
    output = tmp_path / "a.npy"
    shutil.copyfile(OLD, output)
    result = run("--output", output, "--records", 1000, "--", "true")
    assert result.stdout.startswith(f"{output} (replaced): 1000 records")
    output.write_bytes(b"mine")
    result = run("--output", output, "--records", 1000, "--", "true")
    assert result.returncode == 2
    assert "is there and is no trace; name another file" in result.stderr
    assert output.read_bytes() == b"mine"


@needs_valgrind
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_capture_says_so_and_leaves_nothing(tmp_path: Path, number: int) -> None:
    started = tmp_path / "started"
    options = ("--output", str(tmp_path / "a.npy"), "--skip", "1" + "0" * 12)
    endless = ("--", "sh", "-c", f"echo > {started}; while :; do :; done")
    with start(str(SCRIPT), *options, *endless) as process:
        assert process.stderr is not None
        while not started.exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(timeout=60) == 128 + number
        assert process.stderr.read() == "capture_trace.py: interrupted\n"
    assert list(tmp_path.iterdir()) == [started]


def test_options_of_the_program_before_the_dashes_get_a_hint(tmp_path: Path) -> None:
    result = run("--output", tmp_path / "a.npy", "ls", "-R", "src")
    assert result.returncode == 2
    assert "-R src; the program and its options stand behind --, as in -- ls -R" in result.stderr


def test_all_faults_of_a_request_are_told_at_once(tmp_path: Path) -> None:
    output = tmp_path / "absent" / "trace.txt"
    result = run("--output", output, "--", "no-such-program")
    assert result.returncode == 2
    assert result.stderr == (
        "capture_trace.py: error: the capture has 3 faults:\n"
        "  no-such-program: no such program, or not executable\n"
        f"  --output {output}: must end in .npy\n"
        f"  --output {output}: there is no directory '{output.parent}'\n"
    )


@pytest.mark.parametrize("arguments", [[], ["--records", "0", "--", "true"], ["--skip", "-1"]])
def test_arguments_that_make_no_sense_exit_with_status_2(
    tmp_path: Path, arguments: list[str]
) -> None:
    result = run("--output", tmp_path / "a.npy", *arguments)
    assert result.returncode == 2
    assert "usage: capture_trace.py" in result.stderr


def test_a_missing_valgrind_is_told_with_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "program").write_text("#!/bin/sh\n")
    (tmp_path / "program").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run("--output", tmp_path / "a.npy", "--", "program")
    assert result.returncode == 1
    assert result.stderr == (
        "capture_trace.py: error: valgrind is not installed (on Debian: apt-get install valgrind)\n"
    )
