# SPDX-License-Identifier: BSD-3-Clause
"""A VM that is a full system: what it boots migrates by every strategy, and does not notice.

HOMESHIFT_LINUX names a directory with a kernel for RISC-V, `Image`, and firmware, `fw_jump.elf`.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from gem5_binary import BARE, compiled, gem5, needs_gem5

pytestmark = needs_gem5

MACHINE = "tiny:memory.size=4MiB,slc.size=64KiB,cache.size=4KiB"
VM = ("--machine", MACHINE, "--vm-memory", "1MiB", "--borrow", "1:0.5", "--vcpus", "2", "--check")
STRATEGIES = (
    *("stop-and-copy", "pre-copy:max-rounds=5", "post-copy", "hybrid", "ignore-shared"),
    *("ownership", "ownership+copy", "ownership+pull"),
)
LINUX = os.environ.get("HOMESHIFT_LINUX")


def migrate(tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    done = gem5(tmp_path / "m5out", "configs/migrate.py", *options)
    if "built without RISC-V" in done.stderr:
        pytest.skip("this gem5 is built without RISC-V")
    return done


def printed(tmp_path: Path) -> str:
    return (tmp_path / "m5out" / "system.platform.terminal").read_text()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_harts_without_operating_system_count_right_while_they_migrate(
    tmp_path: Path, strategy: str
) -> None:
    work = ("-DHARTS=2", "-DINCREMENTS=20000", "-DDOTS=10")
    bios = compiled(tmp_path, "harts.c", *BARE, *work)
    done = migrate(
        *(tmp_path, *VM, "--bios", str(bios), "--strategy", strategy, "--target", "1,0,1"),
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


@pytest.mark.skipif(LINUX is None, reason="HOMESHIFT_LINUX names no directory with a kernel")
@pytest.mark.parametrize("strategy", ["pre-copy:max-rounds=3", "post-copy", "ownership"])
def test_linux_does_not_notice_that_it_migrates(tmp_path: Path, strategy: str) -> None:
    assert LINUX
    program = compiled(tmp_path, "threads.c", "-pthread", "-DWORK_BEGINS=100")
    initrd = tmp_path / "initrd"
    initrd.write_bytes(first_files(program.read_bytes()))
    done = migrate(
        *(tmp_path, "--machine", "quad:memory.size=64MiB"),
        *("--vcpus", "2", "--vm-memory", "40MiB", "--borrow", "1:0.5", "--check"),
        *("--bios", f"{LINUX}/fw_jump.elf", "--kernel", f"{LINUX}/Image"),
        *("--initrd", str(initrd), "--append", "console=ttyS0 -- 2 12000"),
        *("--strategy", strategy, "--warmup", "10s", "--window", "20us", "--horizon", "40ms"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads((tmp_path / "m5out" / "migration.json").read_text())
    assert summary["status"] == "completed"
    assert summary["phases"][0]["start"] < 10**13  # the threads have begun, or it would be 10 s
    assert "24000 24000 24000 24000 of 24000" in printed(tmp_path)


def first_files(init: bytes) -> bytes:
    """Return a file system with a console and a first process, for the kernel (see cpio(5))."""
    files = [("dev", 0o40755, b""), ("dev/console", 0o20600, b""), ("init", 0o100755, init)]
    archive = b""
    for name, mode, data in [*files, ("TRAILER!!!", 0, b"")]:
        device = (5, 1) if name == "dev/console" else (0, 0)
        header = (0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
        archive += b"070701" + b"".join(b"%08X" % value for value in header)
        archive = padded(archive + name.encode() + b"\0")
        archive = padded(archive + data)
    return archive


def padded(archive: bytes) -> bytes:
    return archive + b"\0" * (-len(archive) % 4)
