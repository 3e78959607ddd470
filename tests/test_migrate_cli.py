# SPDX-License-Identifier: BSD-3-Clause
"""configs/migrate.py as people run it: what it prints and writes, and what it does not."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from calls import ROOT, called, start

from homeshift.experiment.command_line import faults_in
from homeshift.front_end import ENDING

SCRIPT = ROOT / "configs" / "migrate.py"
TRACE = ROOT / "traces" / "sort.npy"
QUICK = ("--vm-memory", "256KiB", "--warmup", "2us", "--window", "2us")
TINY = ("--machine", "tiny", *QUICK)
FILES = ["config.json", "migration.json", "stats.txt"]


def migrate(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return called("configs/migrate.py", *options, cwd=folder)


def migrated(folder: Path, *options: str) -> Path:
    """Run into folder/run and return it."""
    result = migrate(folder, *options, "--outdir", "run")
    assert result.returncode == 0, result.stderr
    return folder / "run"


def test_it_runs_with_sizes_alone_and_writes_into_m5out(tmp_path: Path) -> None:
    result = migrate(tmp_path, *QUICK)
    assert (result.returncode, result.stderr) == (0, "")
    last = result.stdout.splitlines()[-1]
    summary = json.loads((tmp_path / "m5out" / "migration.json").read_text())
    config = json.loads((tmp_path / "m5out" / "config.json").read_text())
    assert last.startswith("Exiting @ tick ")
    assert last.endswith(" because the migration is completed")
    tick = int(last.split()[3])
    assert tick >= summary["phases"][-1]["end"] + 2 * 10**6
    assert f"finalTick {tick} " in " ".join((tmp_path / "m5out" / "stats.txt").read_text().split())
    assert sorted(path.name for path in (tmp_path / "m5out").iterdir()) == FILES
    assert [path.name for path in tmp_path.iterdir()] == ["m5out"]  # nothing hidden beside it
    assert config["machine"]["name"] == "quad"
    assert config["arguments"]["strategy"] == summary["strategy"] == "ownership"
    assert config["vm"]["memory_bytes"] == summary["ram"]["total"] == 256 << 10


@pytest.mark.parametrize("strategy", ["ownership", "stop-and-copy"])
def test_one_seed_gives_equal_files_and_another_one_different_ones(
    tmp_path: Path, strategy: str
) -> None:
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder, seed in zip(folders, ("7", "7", "8"), strict=True):
        folder.mkdir()
        migrated(folder, *TINY, "--strategy", strategy, "--check", "--seed", seed)
    for name in FILES:
        one, same, other = ((folder / "run" / name).read_bytes() for folder in folders)
        assert one == same, name
        assert one != other, name


def imported_by(tmp_path: Path, *options: str) -> set[str]:
    """Return the modules that a run of the script imports."""
    result = subprocess.run(
        [sys.executable, "-X", "importtime", str(SCRIPT), *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}


def test_help_names_every_option_and_imports_little(tmp_path: Path) -> None:
    result = migrate(tmp_path, "--help")
    assert result.returncode == 0
    for option in (
        *("machine", "strategy", "workload", "trace", "vm-memory", "vcpus", "source", "target"),
        *("borrow", "region", "warmup", "window", "seed", "check", "outdir"),
    ):
        assert f"--{option} " in result.stdout
    assert "(default: None)" not in result.stdout
    imported = imported_by(tmp_path, "--help")
    ours = {name for name in imported if name.partition(".")[0] == "homeshift"}
    needed = ("errors", "experiment", "experiment.options", "front_end", "units")
    assert ours == {"homeshift", *(f"homeshift.{name}" for name in needed)}
    assert imported.isdisjoint({"dataclasses", "difflib", "inspect", "tomllib", "numpy"})


def test_a_run_on_tiny_needs_no_other_option_and_no_large_library(tmp_path: Path) -> None:
    imported = imported_by(tmp_path, "--machine", "tiny")
    assert "homeshift._engine" in imported
    packages = {name.partition(".")[0] for name in imported}
    assert packages.isdisjoint({"numpy", "pandas", "matplotlib", "lark", "pyarrow", "dask"})
    config = json.loads((tmp_path / "m5out" / "config.json").read_text())
    assert config["vm"]["memory_bytes"] == config["arguments"]["vm-memory"] == 256 << 10
    assert config["machine"]["memory"]["size_bytes"] == 1 << 20


def test_a_machine_file_and_traces_are_read_from_where_they_are(tmp_path: Path) -> None:
    text = (ROOT / "configs" / "machines" / "tiny.toml").read_text()
    (tmp_path / "mine.toml").write_text(text.replace('size = "1MiB"', 'size = "4MiB"'))
    options = ("--warmup", "2us", "--window", "2us", "--vm-memory", "3MiB", "--vcpus", "1")
    run = migrated(tmp_path, *options, "--machine", "mine.toml", "--trace", str(TRACE))
    config = json.loads((run / "config.json").read_text())
    assert config["machine"]["name"] == "mine"
    assert config["machine"]["memory"]["size_bytes"] == 4 << 20
    assert config["workload"]["kind"] == "trace"
    assert [trace["path"] for trace in config["workload"]["traces"]] == [str(TRACE)]


# ---- bad input ---------------------------------------------------------------------------------

BAD = [
    (("--machine", "quat"), ["machine 'quat'", "did you mean 'quad'?"]),
    (("--machine", "none.toml"), ["cannot read none.toml"]),
    (("--energy", "none.toml"), ["energy constants 'none.toml'", "cannot read none.toml"]),
    (("--strategy", "pre-copied"), ["strategy 'pre-copied'", "did you mean 'pre-copy'?"]),
    (
        ("--strategy", "pre-copy:downtime-limt=1ms,max-bandwidth=3,max-rounds=0,max-rounds=2"),
        [
            "has 4 faults",
            "downtime-limt: no such parameter (did you mean 'downtime-limit'?)",
            "max-bandwidth = 3: a bare number",
            "max-rounds = 0: not between 1 and",
            "max-rounds: given twice",
        ],
    ),
    (("--strategy", "ownership:bandwidth=1GB/s"), ["no such parameter; it has none"]),
    (("--strategy", "ownership+pull:policy=major"), ["did you mean 'majority'?"]),
    (("--strategy", "pre-copy:auto-converge"), ['"auto-converge": write NAME=VALUE; it has']),
    (("--target", "1,1"), ["target = 1: is where it is by then"]),
    (("--target", "1,x"), ["option --target", "1,x: not whole numbers"]),
    (("--horizon", "1"), ["option --horizon", "1: a bare number"]),
    (("--stage2-entry", "8"), ["option --stage2-entry", "8: a bare number"]),
    (("--stratgy", "ownership"), ["--stratgy: no such option (did you mean '--strategy'?)"]),
    (("--strat", "ownership"), ["--strat: no such option (did you mean '--strategy'?)"]),
    (("surplus", "--target", "1"), ["surplus: belongs to no option"]),
    (
        ("--stratgy", "ownership", "--seed", "x", "--machine", "quat"),
        ["has 3 faults", "'--strategy'?", "x: not a whole number", "'quad'?"],
    ),
    (("--strategy", "return"), ["VM 0: return needs borrowed memory"]),
    (("--strategy", "borrow"), ["borrow needs borrowed memory; say what it borrows (--borrow)"]),
    (
        ("--borrow", "1:0.0001", "--vm-memory", "128KiB"),
        ["borrow 1:0.0001: in whole regions this is 1:0, as the VM has 32 of 4KiB"],
    ),
    (("--strategy", "pre-copy:max-bandwidth=0.1B/s"), ["max-bandwidth = 0.1B/s: less than 1 B/s"]),
    (("--timeline-messages", f"0us,1us,{10**20}"), ["more than 1,000,000,000 messages"]),
    (("--warmup", "99999999s"), ["99999999s: more than 2^60 picoseconds"]),
    (("--trace", *3 * (str(TRACE),)), ["3 traces for 2 vCPUs"]),
    (("--workload", "zipff"), ["workload 'zipff'", "did you mean 'zipf'?"]),
    (("--workload", "zipf:expnent=2"), ["did you mean 'exponent'?); it has write_ratio, shared"]),
    (("--workload", "zipf:help"), ['"help": write NAME=VALUE; it has write_ratio, shared,']),
    (("--target", "0"), ["target = 0: is the source; give another node"]),
    (("--source", "2"), ["source = 2", "has the nodes 0 to 1"]),
    (("--target", "-1"), ["target = -1", "has the nodes 0 to 1"]),
    (("--vcpus", "3"), ["vcpus = 3", "give 1 to 2"]),
    (("--vcpus", "0"), ["option --vcpus", "0: not a number from 1 on"]),
    (("--vm-memory", "1.5MiB"), ["vm-memory = 1536KiB: needs 1.51 MiB on node 0"]),
    (("--vm-memory", "64TiB"), ["vm-memory = 64TiB: 'tiny' has 2.00 MiB in all"]),
    (("--vm-memory", "5000B"), ["vm-memory = 5000B: not a whole number of regions of 4KiB"]),
    (("--vm-memory", "-1MiB"), ["option --vm-memory", "-1MiB: negative; write a size as in"]),
    (("--vm-memory", "64"), ["option --vm-memory", "64: a bare number"]),
    (("--warmup", "3"), ["option --warmup", "3: a bare number"]),
    (("--region", "3KiB"), ["region = 3KiB: not a power of two"]),
    (("--borrow", "1:1.5"), ["borrow 1:1.5: a fraction is above 0, up to 1", "add up to 1.5"]),
    (("--borrow", "1:0.6,7:0.6"), ["borrow 7: 'tiny' has the nodes 0 to 1", "add up to 1.2"]),
    (("--borrow", "1:nan"), ["borrow 1:nan: a fraction is above 0, up to 1"]),
    (("--borrow", "0:0.5"), ["borrow 0: is the source"]),
    (("--borrow", "1"), ["option --borrow", "1: '1' is not NODE:FRACTION"]),
    (
        ("--borrow", "0-2000000000:0.5"),
        ["option --borrow", "are more nodes than a machine has; 64 at most"],
    ),
    (("--borrow", "1:0.1,1:0.1"), ["node 1 is named twice"]),
    (("--borrow", "1:0.1,1-1:0.1"), ["node 1 is named twice"]),
    (("--borrow", "3-1:0.1"), ["'3-1:0.1' is not NODE:FRACTION, as in 2:0.25, nor NODE-NODE:"]),
    (("--seed", "-1"), ["seed = -1: not between 0 and 2^64 - 1"]),
    (("--seed", "one"), ["--seed"]),
    (("--trace", "cut.npy"), ["cut.npy: truncated: 65536 records need 786624 bytes, it has 9999"]),
    (("--trace", "no.npy,text.npy"), ["No such file or directory; put spaces between files"]),
    (("--trace", "text.npy"), ["text.npy: not a .npy file"]),
    (("--trace", "no.npy"), ["no.npy: cannot read: No such file or directory"]),
    (("--trace", "cut.npy", "text.npy", "no.npy"), ["cut.npy", "text.npy", "no.npy", "3 faults"]),
    (("--trace", str(TRACE)), ["traces of 2 vCPUs touch", "the VM has 256 KiB"]),
    (("--trace", str(TRACE), "--workload", "zipf"), ["not allowed with"]),
    (("--program", "arm 3"), ["program 'arm'", "the embedded engine has none; use gem5"]),
    (("--program", "text.npy 3"), ["not an executable of 64 bits for RISC-V, Arm or x86"]),
    (("--program", "nowhere 3"), ["program 'nowhere 3'", "nowhere: no such file"]),
    (("--program", "a 'b"), ["no closing quotation"]),
    (("--program", ""), ["names no file"]),
    (("--bios", "nowhere"), ["the full system has a fault", "--bios nowhere: cannot be read"]),
    (("--bios", "text.npy"), ["the embedded engine has none; use gem5"]),
    (("--bios", "a", "--program", "b"), ["not allowed with argument"]),
    (("--kernel", "a", "--append", "b"), ["--kernel: needs --bios", "--append: needs --bios"]),
    (("--trace", "text.npy", "--kernel", "a"), ["--kernel: needs --bios"]),
    (
        ("--strategy", "stop-and-copy", "--vm-memory", "1008KiB", "--borrow", "1:0.5"),
        ["node 1 has 516 KiB of free memory", "copying pages needs 1008 KiB"],
    ),
    (("--outdir", "text.npy"), ["'text.npy'", "is a file"]),
    (
        ("--machine", "bad.toml"),
        ["machine 'bad.toml' has 3 faults", "nodes = 1", "memry: no such field", "memory: missing"],
    ),
    (
        ("--target", "0", "--vcpus", "9", "--vm-memory", "1.5MiB"),
        ["the VM has 3 faults", "target = 0", "vcpus = 9", "vm-memory = 1536KiB: needs"],
    ),
    (
        ("--target", "0", "--strategy", "own", "--workload", "zpf", "--borrow", "1:2"),
        ["the command line has 3 faults", "strategy 'own'", "workload 'zpf'", "target = 0", "1:2"],
    ),
    (
        ("--machine", "bad.toml", "--strategy", "own", "--trace", "cut.npy", "no.npy"),
        ["nodes = 1", "strategy 'own'", "cut.npy: truncated", "no.npy: cannot read"],
    ),
]


@pytest.mark.parametrize(("options", "expected"), BAD, ids=[" ".join(o)[-60:] for o, _ in BAD])
def test_bad_input_gets_one_message_with_all_faults_and_no_output(
    tmp_path: Path, options: tuple[str, ...], expected: list[str]
) -> None:
    (tmp_path / "cut.npy").write_bytes(TRACE.read_bytes()[:9999])
    (tmp_path / "text.npy").write_text("hello\n")
    (tmp_path / "arm").write_bytes(b"\x7fELF\2\1" + bytes(12) + (183).to_bytes(2, "little"))
    sound = (ROOT / "configs" / "machines" / "tiny.toml").read_text()
    (tmp_path / "bad.toml").write_text(
        sound.replace("nodes = 2", "nodes = 1").replace("[memory]", "[memry]")
    )
    before = sorted(tmp_path.iterdir())
    result = migrate(tmp_path, *TINY, *options)
    assert result.returncode == 2, result.stdout + result.stderr
    assert result.stderr.count("migrate.py: error: ") == 1
    assert "Traceback" not in result.stderr
    message = result.stderr.partition("migrate.py: error: ")[2]
    for part in expected:
        assert part in message
    assert sorted(tmp_path.iterdir()) == before


def test_options_that_cannot_be_read_are_told_together(tmp_path: Path) -> None:
    result = migrate(tmp_path, "--seed", "one", "--vm-memory", "64", "--machine", "quat")
    assert result.returncode == 2
    for part in ("--seed", "--vm-memory", "'quat'"):
        assert part in result.stderr.partition("migrate.py: error: ")[2]


# ---- output is complete or not there -----------------------------------------------------------


def test_options_that_exclude_each_other_are_told_in_a_line(tmp_path: Path) -> None:
    result = migrate(tmp_path, "--cancel-at", "1us", "--fail-target-at", "2us")
    assert result.returncode == 2
    [line] = result.stderr.splitlines()
    assert line.startswith("migrate.py: error: argument --fail-target-at: not allowed with arg")


@contextmanager
def long_run(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Yield a run that has just begun."""
    options = (*TINY, "--warmup", "10s", "--outdir", "out/run")
    with start(str(SCRIPT), *options, cwd=folder) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "migrate.py: warming up\n"
        yield process


def test_a_killed_run_leaves_nothing_that_looks_complete(tmp_path: Path) -> None:
    with long_run(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        assert process.wait(timeout=30) == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []
    assert migrate(tmp_path, *TINY, "--outdir", "out/run").returncode == 0
    assert sorted(path.name for path in (tmp_path / "out" / "run").iterdir()) == FILES


@pytest.mark.parametrize("number", ENDING)
def test_a_run_that_is_told_to_end_leaves_nothing(tmp_path: Path, number: int) -> None:
    with long_run(tmp_path) as process:
        process.send_signal(number)
        assert process.wait(timeout=30) == 128 + number
        assert process.stderr is not None
        assert process.stderr.read() == "migrate.py: interrupted; nothing was written\n"
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    result = called(
        "configs/migrate.py",
        *(*TINY, "--outdir", "out/run"),
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000)),
    )
    assert result.returncode == 1
    assert result.stderr == (
        "migrate.py: error: output directory 'out/run' cannot be written: File too large; "
        "nothing was written\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_output_that_nobody_gets_ends_the_run_in_one_sentence(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, str(SCRIPT), *TINY],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert result.returncode == 1
    assert result.stderr == (
        "migrate.py: error: standard output cannot be written: No space left on device\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_an_existing_run_is_replaced_and_anything_else_is_not(tmp_path: Path) -> None:
    run = migrated(tmp_path, *TINY, "--seed", "1")
    first = (run / "stats.txt").read_bytes()
    migrated(tmp_path, *TINY, "--seed", "2")
    assert (run / "stats.txt").read_bytes() != first
    assert [path.name for path in tmp_path.iterdir()] == ["run"]

    (run / "notes.txt").write_text("mine\n")
    result = migrate(tmp_path, *TINY, "--outdir", "run")
    assert result.returncode == 2
    assert "'notes.txt'" in result.stderr
    assert (run / "notes.txt").read_text() == "mine\n"


def test_a_failed_run_keeps_the_run_that_was_there(tmp_path: Path) -> None:
    run = migrated(tmp_path, *TINY)
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    result = migrate(tmp_path, *TINY, "--target", "0", "--outdir", "run")
    assert result.returncode == 2
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


def test_what_a_boot_consists_of_is_no_fault_of_each_option_alone(tmp_path: Path) -> None:
    given = ["--kernel", "Image", "--append", "", "--fast-forward", "1s", "--restore", "booted"]
    assert faults_in(given, together=False) == []  # a sweep asks so
    assert faults_in(given, together=True) == [
        f"the boot: --{name}: needs --bios, the firmware of a full system"
        for name in ("kernel", "append", "fast-forward", "restore")
    ]
    assert faults_in(["--fast-forward", "0ns", "--restore", "none"], together=True) == []
    bios = tmp_path / "bios"
    bios.write_bytes(b"code\0")
    boot = ["--bios", str(bios), "--take-checkpoint", "runs/a/booted"]
    option = "option --take-checkpoint"
    assert faults_in([*boot, "--restore", "a"], together=True) == [
        f"{option}: needs --fast-forward"
    ]
    boot += ["--fast-forward", "1s"]
    inside = f"{option}: runs/a/booted: is in --outdir, which has files of the run only"
    for outdir in ("runs/a", "runs/a/booted", "runs/../runs/a"):
        assert faults_in([*boot, "--outdir", outdir], together=True) == [inside]
    assert faults_in([*boot, "--outdir", "runs/b"], together=True) == []
    assert faults_in([*boot, "--take-checkpoint", ""], together=True) == [
        f"{option}: names no directory"
    ]


def test_a_model_that_there_is_not_is_told(tmp_path: Path) -> None:
    unknown = migrate(tmp_path, *TINY, "--cpu-model", "o4", "--network-model", "garnett")
    assert unknown.returncode == 2
    assert "--cpu-model o4: no such model; known are simple, minor, o3\n" in unknown.stderr
    assert "--network-model garnett: no such model (did you mean 'garnet'?)" in unknown.stderr
    assert "boot --bios" not in unknown.stderr
    known = migrate(tmp_path, *TINY, "--cpu-model", "o3")
    assert known.returncode == 2
    assert "the choice of models has 2 faults" in known.stderr
    assert "--cpu-model o3: gem5 has it, the embedded engine does not" in known.stderr
    assert "--cpu-model o3: is of CPUs that run a --program or boot --bios\n" in known.stderr
