# SPDX-License-Identifier: BSD-3-Clause
"""A VM that is a full system: what it boots migrates by every strategy, and does not notice.

HOMESHIFT_LINUX names a directory with a kernel for RISC-V, `Image`, and firmware, `fw_jump.elf`.
"""

from __future__ import annotations

import json
import os
import runpy
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from gem5_binary import BARE, ON_CPUS, REPOSITORY, STRATEGIES, compiled, gem5, needs_gem5

from homeshift.engines.base import CPU_MODELS

pytestmark = needs_gem5

MACHINE = "tiny:memory.size=4MiB,slc.size=64KiB,cache.size=4KiB"
VM = ("--machine", MACHINE, "--vm-memory", "1MiB", "--borrow", "1:0.5", "--vcpus", "2", "--check")
TAKE = ("--fast-forward", "1ms", "--take-checkpoint")
LINUX = os.environ.get("HOMESHIFT_LINUX")
EXAMPLE = REPOSITORY / "examples" / "linux"


def migrate(tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    done = gem5(tmp_path / "m5out", "configs/migrate.py", *options)
    if "built without RISC-V" in done.stderr:
        pytest.skip("this gem5 is built without RISC-V")
    return done


def printed(tmp_path: Path) -> str:
    return (tmp_path / "m5out" / "system.platform.terminal").read_text()


@pytest.mark.parametrize(("strategy", "cpu"), ON_CPUS)
def test_harts_without_operating_system_count_right_while_they_migrate(
    tmp_path: Path, strategy: str, cpu: str
) -> None:
    work = ("-DHARTS=2", "-DINCREMENTS=20000", "-DDOTS=10")
    bios = compiled(tmp_path, "harts.c", *BARE, *work)
    done = migrate(
        *(tmp_path, *VM, "--bios", str(bios), "--strategy", strategy, "--target", "1,0,1"),
        *("--cpu-model", cpu),
        *("--warmup", "100us", "--window", "20us", "--horizon", "1s"),  # the program ends before
    )
    assert "watching the VM afterwards" in done.stdout, done.stdout + done.stderr
    assert "the program ended at tick" in done.stderr
    assert done.returncode == 1
    assert printed(tmp_path) == "." * 2000 + "ok\n"


def test_a_program_ends_the_warm_up_when_its_work_begins(tmp_path: Path) -> None:
    work = ("-DHARTS=2", "-DINCREMENTS=20000", "-DWORK_BEGINS=1000")
    bios = compiled(tmp_path, "harts.c", *BARE, *work)
    done = migrate(tmp_path, *VM, "--bios", str(bios), "--warmup", "1s", "--window", "20us")
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((tmp_path / "m5out" / "migration.json").read_text())
    assert summary["home"]["regions-transferred"] == 256
    assert summary["phases"][0]["start"] < 10**11


def test_a_program_that_touches_nothing_there_is_told(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    nothing.write_bytes(b"\x83\x32\x00\x00")  # ld t0, 0(zero)
    done = migrate(tmp_path, *VM, "--bios", str(nothing))
    assert done.returncode == 1
    assert "Unable to find destination for [0:0x8]" in done.stderr


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return what two harts have booted, and a checkpoint of them, half way."""
    tmp_path = tmp_path_factory.mktemp("checkpoint")
    work = ("-DHARTS=2", "-DINCREMENTS=40000", "-DDOTS=100", "-DWORK_BEGINS=20000")
    bios = compiled(tmp_path, "harts.c", *BARE, *work)
    taken = tmp_path / "taken"
    done = migrate(
        *(tmp_path, *VM, "--bios", str(bios), "--fast-forward", "1s"),
        *("--take-checkpoint", str(taken), "--warmup", "10us", "--window", "20us"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return bios, taken


@pytest.mark.parametrize("cpu", CPU_MODELS)
def test_a_restored_run_goes_on_as_that_which_took_the_checkpoint(tmp_path: Path, cpu: str) -> None:
    (tmp_path / "vms.toml").write_text(
        '[[vm]]\nworkload = "uniform:think=0"\nvm-memory = "256KiB"\nvcpus = 1\nsource = 1\n'
    )
    work = ("-DHARTS=1", "-DINCREMENTS=40000", "-DDOTS=100", "-DWORK_BEGINS=20000")
    bios = compiled(tmp_path, "harts.c", *BARE, *work)
    others = ("--more-vms", str(tmp_path / "vms.toml"))
    run = (*VM, "--vcpus", "1", *others, "--bios", str(bios), "--cpu-model", cpu)
    taken, summaries, wrote = str(tmp_path / "taken"), [], []
    for begin in (("--fast-forward", "1s", "--take-checkpoint", taken), ("--restore", taken)):
        done = migrate(tmp_path, *run, *begin, "--warmup", "10us", "--window", "20us")
        assert done.returncode == 0, done.stdout + done.stderr
        wrote.append(f"migrate.py: wrote checkpoint {taken}\n" in done.stdout)
        summaries.append((tmp_path / "m5out" / "migration.json").read_text())
    assert wrote == [True, False]
    assert summaries[0] == summaries[1]
    assert json.loads(summaries[0])["vms"][1]["accesses-per-microsecond"]["before"] > 0


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_count_is_lost_in_a_fast_forward_nor_after_it(
    tmp_path: Path, checkpoint: tuple[Path, Path], strategy: str
) -> None:
    bios, taken = checkpoint
    cache = VM[1].replace("cache.size=4KiB", "cache.size=8KiB")  # another than it was taken with
    done = migrate(
        *(tmp_path, *VM, "--machine", cache, "--bios", str(bios), "--restore", str(taken)),
        *("--strategy", strategy, "--target", "1,0"),
        *("--warmup", "10us", "--window", "20us", "--horizon", "1s"),
    )
    assert "watching the VM afterwards" in done.stdout, done.stdout + done.stderr
    assert "the program ended at tick" in done.stderr
    assert printed(tmp_path) == "." * 299 + "ok\n"  # the others were printed before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--vcpus", "1"), "was taken with another --vcpus"),
        (("--borrow", "1:0.25"), "was taken with another --vm-memory, --source, --borrow or"),
        (
            ("--machine", MACHINE.replace("4MiB", "8MiB")),
            "another --machine (nodes and memory.size)",
        ),
        (("--restore", "tests"), "has no homeshift.json; name a directory that --take-checkpoint"),
        (("--restore", "no/where"), "is no directory; name a directory that --take-checkpoint"),
        (("--restore", "README.md"), "is no directory; name a directory that --take-checkpoint"),
        ((*TAKE, "tests"), "is there already"),
        ((*TAKE, "no/where"), "cannot be written in 'no': No such file"),
        ((*TAKE, "a%db"), "gem5 takes a % in a path for something else"),
    ],
)
def test_a_checkpoint_that_cannot_be_is_told_before_anything_runs(
    tmp_path: Path, checkpoint: tuple[Path, Path], options: tuple[str, ...], message: str
) -> None:
    bios, taken = checkpoint
    done = migrate(tmp_path, *VM, "--bios", str(bios), "--restore", str(taken), *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert "restoring" not in done.stdout
    assert "fast-forwarding" not in done.stdout


def test_a_checkpoint_of_something_else_is_told(
    tmp_path: Path, checkpoint: tuple[Path, Path]
) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"\x6f\0\0\0")  # j .
    done = migrate(tmp_path, *VM, "--bios", str(other), "--restore", str(checkpoint[1]))
    assert done.returncode == 2
    assert "was taken with another --bios, --kernel, --initrd or --disk" in done.stderr


def damage(taken: Path) -> None:
    (taken / "m5.cpt").write_bytes(b"")
    (taken / "system.physmem.store0.pmem").unlink()


def of_another_gem5(taken: Path) -> None:
    file = taken / "homeshift.json"
    told = json.loads(file.read_text())
    file.write_text(json.dumps({**told, "gem5": "23.1.0.0"}))


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        (damage, ("m5.cpt is damaged", "store0.pmem cannot be read: No such file")),
        (of_another_gem5, ("was taken with another version of gem5",)),
        (lambda taken: (taken / "homeshift.json").write_text("{"), ("homeshift.json is damaged",)),
        (lambda taken: (taken / "homeshift.json").write_text("{}"), ("not of format",)),
        (lambda taken: (taken / "notes").touch(), ()),
    ],
)
def test_a_checkpoint_that_has_changed_is_told_before_anything_runs(
    tmp_path: Path,
    checkpoint: tuple[Path, Path],
    change: Callable[[Path], object],
    messages: tuple[str, ...],
) -> None:
    bios, taken = checkpoint
    changed = tmp_path / "changed"
    shutil.copytree(taken, changed)
    change(changed)
    run = ("--restore", str(changed), "--warmup", "10us", "--window", "20us")
    done = migrate(tmp_path, *VM, "--bios", str(bios), *run)
    assert done.returncode == (2 if messages else 0)
    assert [told for told in messages if told not in done.stderr] == []
    assert bool(messages) != ("restoring" in done.stdout)


def test_a_kernel_that_has_stopped_ends_the_run(tmp_path: Path) -> None:
    work = ("-DHARTS=1", "-DINCREMENTS=1", '-DRIGHT="Kernel panic - not syncing: a test\\n"')
    bios = compiled(tmp_path, "harts.c", *BARE, *work)
    done = migrate(tmp_path, *VM, "--vcpus", "1", "--bios", str(bios), "--fast-forward", "1s")
    assert done.returncode == 1
    assert "the guest has stopped: Kernel panic - not syncing: a test\n" in done.stderr


def test_a_directory_of_its_own_has_what_was_printed(
    tmp_path: Path, checkpoint: tuple[Path, Path]
) -> None:
    bios, taken = checkpoint
    run = ("--outdir", str(tmp_path / "run"), "--warmup", "10us", "--window", "300us")
    for _ in range(2):  # and can be replaced
        done = migrate(tmp_path, *VM, "--bios", str(bios), "--restore", str(taken), *run)
        assert done.returncode == 0, done.stdout + done.stderr
    text = (tmp_path / "run" / "system.platform.terminal").read_text()
    assert len(text) > 1
    assert text == printed(tmp_path)


@pytest.fixture(scope="module")
def linux(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Return options for Linux that has booted, and whose first process begins to count."""
    tmp_path = tmp_path_factory.mktemp("linux")
    program = compiled(tmp_path, "threads.c", "-pthread", "-DWORK_BEGINS=100")
    initrd = tmp_path / "initrd"
    first_files = runpy.run_path(str(EXAMPLE / "initrd.py"))["first_files"]
    initrd.write_bytes(first_files(program.read_bytes()))
    boot = (
        *("--machine", "quad:memory.size=64MiB"),
        *("--vcpus", "2", "--vm-memory", "40MiB", "--borrow", "1:0.5", "--check"),
        *("--bios", f"{LINUX}/fw_jump.elf", "--kernel", f"{LINUX}/Image"),
        *("--initrd", str(initrd), "--append", "console=ttyS0 -- 2 8000"),
        *("--warmup", "10us", "--window", "20us"),
    )
    taken = str(tmp_path / "taken")
    done = migrate(tmp_path, *boot, "--fast-forward", "10s", "--take-checkpoint", taken)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Run /init" in printed(tmp_path)
    summary = json.loads((tmp_path / "m5out" / "migration.json").read_text())
    assert summary["phases"][0]["start"] < 10**13  # the threads have begun, or it would be 10 s
    return *boot, "--restore", taken


@pytest.mark.skipif(LINUX is None, reason="HOMESHIFT_LINUX names no directory with a kernel")
@pytest.mark.parametrize(("strategy", "cpu"), ON_CPUS)
def test_linux_does_not_notice_that_it_migrates(
    tmp_path: Path, linux: tuple[str, ...], strategy: str, cpu: str
) -> None:
    run = ("--strategy", strategy, "--cpu-model", cpu, "--horizon", "40ms")
    done = migrate(tmp_path, *linux, *run)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((tmp_path / "m5out" / "migration.json").read_text())
    assert summary["status"] == "completed"
    assert "16000 16000 16000 16000 of 16000" in printed(tmp_path)


BLOCKS = 16
"""Of 512 words, on the disk."""


@pytest.fixture(scope="module")
def with_disk(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Return options for Linux whose first process has begun to read and write a disk."""
    tmp_path = tmp_path_factory.mktemp("disk")
    program = compiled(tmp_path, "disk.c")
    initrd, disk = tmp_path / "initrd", tmp_path / "disk"
    first_files = runpy.run_path(str(EXAMPLE / "initrd.py"))["first_files"]
    initrd.write_bytes(first_files(program.read_bytes()))
    disk.write_bytes(struct.pack(f"<{512 * BLOCKS}Q", *range(512 * BLOCKS)))
    boot = (
        *("--machine", "quad:memory.size=64MiB"),
        *("--vcpus", "1", "--vm-memory", "40MiB", "--borrow", "1:0.5", "--check"),
        *("--bios", f"{LINUX}/fw_jump.elf", "--kernel", f"{LINUX}/Image", "--disk", str(disk)),
        *("--initrd", str(initrd), "--append", "console=ttyS0 -- 4"),
        *("--warmup", "10us", "--window", "20us"),
    )
    taken = str(tmp_path / "taken")
    done = migrate(tmp_path, *boot, "--fast-forward", "10s", "--take-checkpoint", taken)
    assert done.returncode == 0, done.stdout + done.stderr
    if "0 of 0 words" in printed(tmp_path):
        pytest.skip("this kernel has no driver for the disk")
    return *boot, "--restore", taken


@pytest.mark.skipif(LINUX is None, reason="HOMESHIFT_LINUX names no directory with a kernel")
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_disk_has_what_was_written_to_it_while_the_vm_migrated(
    tmp_path: Path, with_disk: tuple[str, ...], strategy: str
) -> None:
    disk = Path(with_disk[with_disk.index("--disk") + 1])
    before = disk.read_bytes()
    run = ("--strategy", strategy, "--target", "1,0", "--horizon", "40ms")
    done = migrate(tmp_path, *with_disk, *run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "m5out" / "migration.json").read_text())["status"] == "completed"
    words = 4 * 512 * BLOCKS
    assert f"{words} of {words} words of the disk" in printed(tmp_path)
    assert disk.read_bytes() == before
