# SPDX-License-Identifier: BSD-3-Clause
"""A run for which the host has too little memory says so, and leaves nothing behind."""

from __future__ import annotations

import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from calls import called
from experiments import machine_of

from homeshift.available_memory import available
from homeshift.errors import RunError
from homeshift.experiment import host_memory
from homeshift.experiment.vm import VmSpec
from homeshift.machine import load_machine

MIB, GIB = 1 << 20, 1 << 30

LARGE = ("--machine", "rack64", "--vm-memory", "64GiB", "--borrow", "1-63:0.984375")

RUNS_OUT = """
import resource
from pathlib import Path
from homeshift.errors import RunError
from homeshift.machine import load_machine
from homeshift.experiment.run import Experiment
from homeshift.strategies import strategy_named
from homeshift.experiment.vm import VmSpec
from homeshift.workload import parse_workload

def leave_two_mebibytes(line):
    if "migrating" in line:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (2 << 20), resource.RLIM_INFINITY))

try:
    Experiment(
        machine=load_machine("quad"),
        vm=VmSpec(memory_bytes=1 << 30, vcpus=4, source=0, targets=(1,), borrow={2: 0.5}),
        workload=parse_workload("uniform:footprint=1,think=0"),
        strategy=strategy_named("ownership"),
        seed=1,
        warmup_ticks=0,
        window_ticks=10**9,
        report=leave_two_mebibytes,
    ).run()
except RunError as error:
    print(error)
"""


def migrate_within(tmp_path: Path, limit: int, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the script in a process that may have so many bytes."""
    return called(
        "configs/migrate.py",
        *options,
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )


def test_a_run_that_cannot_fit_is_refused_before_it_begins(tmp_path: Path) -> None:
    result = migrate_within(tmp_path, 512 * MIB, *LARGE)
    assert result.returncode == 1
    assert result.stdout == ""
    assert "error: not enough memory: the run needs 962 MiB" in result.stderr
    for part in ("pages of VMs 256 MiB", "the limit of ulimit -v leaves", "--region", "rack64:"):
        assert part in result.stderr
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_run_within_the_limit_is_not_refused(tmp_path: Path) -> None:
    options = ("--machine", "tiny", "--vm-memory", "64KiB", "--window", "2us")
    assert migrate_within(tmp_path, 512 * MIB, *options).returncode == 0


def test_a_run_that_runs_out_on_its_way_says_so() -> None:
    result = subprocess.run(
        [sys.executable, "-c", RUNS_OUT], capture_output=True, text=True, check=False
    )
    assert result.stderr == ""
    assert result.stdout.startswith("ran out of memory: the run needs")
    assert "the limit of ulimit -v leaves" in result.stdout


def test_what_is_needed_grows_with_pages_regions_nodes_and_caches() -> None:
    machine = load_machine("quad")
    vm = VmSpec(memory_bytes=GIB, vcpus=1, source=0, targets=(1,))
    at_first = host_memory.needed(machine, [vm])
    more = {
        "pages of VMs": (machine, replace(vm, memory_bytes=2 * GIB)),
        "regions of VMs": (machine, replace(vm, memory_bytes=2 * GIB)),
        "homes of the machine's regions": (
            replace(machine, memory=replace(machine.memory, size_bytes=2 * GIB)),
            vm,
        ),
        "caches": (replace(machine, slc=replace(machine.slc, size_bytes=9 * MIB)), vm),
    }
    for what, (other_machine, other_vm) in more.items():
        assert host_memory.needed(other_machine, [other_vm])[what] == 2 * at_first[what]
    pool = load_machine("pool")
    slices, caches = pool.nodes * pool.slc.size_bytes, 4 * 4 * pool.cache.size_bytes  # of hosts
    assert host_memory.needed(pool, [vm])["caches"] == (slices + caches) // 64 * 8
    large = host_memory.needed(machine, [replace(vm, region_bytes=2 * MIB)])
    assert large["pages of VMs"] == at_first["pages of VMs"]
    assert large["regions of VMs"] * 512 == at_first["regions of VMs"]


def test_the_host_has_some_memory_and_not_any_amount(monkeypatch: pytest.MonkeyPatch) -> None:
    free, limit = available()
    assert 16 * MIB < free < 1 << 50
    assert limit
    spec = VmSpec(memory_bytes=64 << 10, vcpus=1, source=0, targets=(1,))
    host_memory.check(machine_of("tiny"), [spec])
    monkeypatch.setattr(host_memory, "available", lambda: (1000, "a test"))
    with pytest.raises(RunError, match="a test leaves 1000 B"):
        host_memory.check(machine_of("tiny"), [spec])
