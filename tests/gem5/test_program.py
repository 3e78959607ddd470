# SPDX-License-Identifier: BSD-3-Clause
"""A VM whose vCPUs are gem5's CPUs: a program that migrates by every strategy."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from gem5_binary import COMPILERS, ON_CPUS, compiled, gem5, needs_gem5

pytestmark = needs_gem5

MACHINE = "tiny:memory.size=4MiB,slc.size=64KiB,cache.size=4KiB"
VM = ("--machine", MACHINE, "--vm-memory", "2MiB", "--borrow", "1:0.5", "--vcpus", "2", "--check")


@pytest.fixture(scope="module", params=COMPILERS)
def threads(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> str:
    """Return the path of a program whose threads count together."""
    folder = tmp_path_factory.mktemp("program")
    return str(compiled(folder, "threads.c", "-pthread", isa=request.param))


def migrate(tmp_path: Path, command: str, *options: str) -> subprocess.CompletedProcess[str]:
    result = gem5(
        tmp_path / "m5out",
        "configs/migrate.py",
        *(*VM, "--program", command, "--warmup", "100us", "--window", "20us", *options),
    )
    if lacks := re.search(r"this gem5 was built without [\w-]+", result.stderr):
        pytest.skip(lacks[0])
    return result


@pytest.mark.parametrize(("strategy", "cpu"), ON_CPUS)
def test_a_program_migrates_and_ends_as_if_nothing_had_happened(
    tmp_path: Path, threads: str, strategy: str, cpu: str
) -> None:
    done = migrate(
        *(tmp_path, f"{threads} 2 16000", "--strategy", strategy, "--target", "1,0,1"),
        *("--cpu-model", cpu, "--horizon", "100ms"),  # the program ends before
    )
    assert "watching the VM afterwards" in done.stdout  # it has migrated
    assert "32000 32000 32000 32000 of 32000" in done.stdout
    assert "the program ended at tick" in done.stderr
    assert done.returncode == 1
    assert not (tmp_path / "m5out" / "migration.json").exists()


def test_what_a_program_did_is_measured(tmp_path: Path, threads: str) -> None:
    done = migrate(tmp_path, f"{threads} 2 20000", "--strategy", "ownership")
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((tmp_path / "m5out" / "migration.json").read_text())
    assert result["copied-pages"] == 0
    assert result["home"]["regions-transferred"] == 512
    speed = result["vm"]["accesses-per-microsecond"]
    assert speed["after"] == pytest.approx(speed["before"], rel=0.2)
    done = result["vm"]["instructions-per-microsecond"]
    for phase, accesses in speed.items():  # each is an access, and one of a few has another
        assert 0.5 < done[phase] / accesses < 1
    config = json.loads((tmp_path / "m5out" / "config.json").read_text())
    assert config["workload"] == {"kind": "program", "command": f"{threads} 2 20000"}


@pytest.mark.parametrize("cpu", ["simple", "minor", "o3"])
def test_nodes_and_cpus_count_the_same_accesses_as_remote(
    tmp_path: Path, threads: str, cpu: str
) -> None:
    """Of several to a line that is under way, one. A few are told as counting begins or ends."""
    done = migrate(
        *(tmp_path, f"{threads} 2 20000", "--strategy", "static-homes"),
        *("--cpu-model", cpu),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    stats = (tmp_path / "m5out" / "stats.txt").read_text()
    of_nodes, of_vms = (
        sum(map(int, re.findall(rf"\.{name}\s+(\d+)", stats)))
        for name in ("servedRemotely", "numRemote")
    )
    assert abs(of_nodes - of_vms) < 10
    assert of_vms > 100


def test_a_program_loses_nothing_when_its_migration_is_cancelled(
    tmp_path: Path, threads: str
) -> None:
    done = migrate(
        *(tmp_path, f"{threads} 2 1000", "--strategy", "pre-copy", "--cancel-at", "30us"),
        *("--horizon", "100ms"),
    )
    assert "watching the VM afterwards" in done.stdout
    assert "2000 2000 2000 2000 of 2000" in done.stdout


@pytest.mark.parametrize("cpu", ["simple", "minor", "o3"])
def test_locked_lines_stay_in_a_cache_of_one_way(tmp_path: Path, cpu: str) -> None:
    threads = compiled(tmp_path, "threads.c", "-pthread", isa="x86")
    one_way = f"{MACHINE},cache.associativity=1"
    done = migrate(
        *(tmp_path, f"{threads} 2 2000", "--strategy", "ownership", "--machine", one_way),
        *("--cpu-model", cpu, "--horizon", "100ms"),
    )
    assert "4000 4000 4000 4000 of 4000" in done.stdout, done.stdout + done.stderr


def test_a_program_that_needs_more_memory_than_the_vm_has_is_told(
    tmp_path: Path, threads: str
) -> None:
    done = migrate(tmp_path, f"{threads} 2 10", "--vm-memory", "64KiB", "--region", "4KiB")
    assert done.returncode != 0
    assert "give the virtual machine more memory" in done.stderr


@pytest.mark.parametrize("cpu", ["simple", "minor", "o3"])
def test_a_program_loses_nothing_when_it_moves_often(
    tmp_path: Path, threads: str, cpu: str
) -> None:
    """Whatever it does just then: between the halves of an atomic access it does not stop."""
    done = migrate(
        *(tmp_path, f"{threads} 2 8000", "--strategy", "static-homes", "--stage2-entry", "0B"),
        *("--target", ",".join("10" * 40 + "1"), "--cpu-model", cpu, "--horizon", "100ms"),
    )
    assert "watching the VM afterwards" in done.stdout, done.stdout + done.stderr
    assert "16000 16000 16000 16000 of 16000" in done.stdout


OFTEN = """
from homeshift.strategies import base

class Often(base.Strategy):
    name = "often"

    def migrate(self, vm, target):
        yield base.Transfer(sorted(vm.regions), to=target)
        yield base.MoveStage2Table(vm, to=target)
        for turn in range(100):
            yield base.Pause(vm)
            yield base.Copy(range(104, 134), to=1 - turn % 2)  # the count lies in one of these
            yield base.MoveCpuState(vm, to=target)
            yield base.Resume(vm, on=target)
            yield base.Watch(3_000_000 + 137_000 * turn)
        yield base.Return(vm)
"""


def test_loads_stay_in_order_when_their_page_moves(tmp_path: Path) -> None:
    loads = compiled(tmp_path, "loads.c", "-pthread")
    (tmp_path / "often.py").write_text(OFTEN)
    machine = MACHINE.replace("4MiB", "8MiB") + ",migration.outstanding_lines=64"
    done = migrate(
        *(tmp_path, f"{loads} 30000", "--machine", machine, "--vm-memory", "2MiB"),
        *("--strategy", str(tmp_path / "often.py"), "--cpu-model", "o3", "--horizon", "100ms"),
    )
    assert "\n0 of 30000 were wrong\n" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(("strategy", "cpu"), ON_CPUS)
def test_what_system_calls_write_while_the_vm_is_paused_is_there(
    tmp_path: Path, strategy: str, cpu: str
) -> None:
    calls = compiled(tmp_path, "calls.c")
    done = migrate(
        *(tmp_path, f"{calls} {tmp_path / 'numbers'} 20 7000", "--vcpus", "1"),
        *("--strategy", strategy, "--target", ",".join("10" * 5 + "1")),
        *("--cpu-model", cpu, "--horizon", "100ms"),
    )
    assert "20 of 20 were right" in done.stdout, done.stdout + done.stderr
