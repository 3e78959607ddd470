# SPDX-License-Identifier: BSD-3-Clause
"""Experiments of several VMs and several strategies, as people run them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from calls import ROOT, called
from experiments import KIB, MICROSECOND, machine_of, run

from homeshift.errors import InputError
from homeshift.experiment.planned_vms import PlannedVm, load_vms
from homeshift.experiment.run import seed_of
from homeshift.experiment.vm import VmSpec, default_memory_bytes
from homeshift.strategies import strategy_named
from homeshift.workload import Workload, parse_workload

TRACE = ROOT / "traces" / "xz.npy"
SHORT = ("--machine", "tiny", "--vm-memory", "64KiB", "--vcpus", "1", "--warmup", "2us")
VMS = """
[[vm]]
vm-memory = "64KiB"
source = 1
target = [0, 1]
borrow = { 0 = 0.25 }
workload = "uniform:write_ratio=0.5"
strategy = "pre-copy:max-rounds=2"
start = "1us"
"""


def test_a_file_of_vms_is_read_with_units_and_defaults(tmp_path: Path) -> None:
    (tmp_path / "vms.toml").write_text(VMS + '[[vm]]\nvm-memory = "128KiB"\n')
    moving, staying = load_vms(str(tmp_path / "vms.toml"), region_bytes=8192, stage2_entry_bytes=16)
    assert moving.spec.targets == (0, 1)
    assert (moving.spec.region_bytes, moving.spec.stage2_entry_bytes) == (8192, 16)
    assert moving.spec.borrow == {0: 0.25}
    assert moving.start_ticks == 10**6
    assert moving.strategy is not None
    assert moving.strategy.to_dict()["max-rounds"] == 2
    assert staying.strategy is None
    assert staying.spec.targets == ()
    assert staying.workload.kind == "zipf"


def test_a_vm_without_a_size_gets_what_the_first_one_gets(tmp_path: Path) -> None:
    (tmp_path / "vms.toml").write_text("[[vm]]\nsource = 1\n")
    [planned] = load_vms(
        str(tmp_path / "vms.toml"),
        region_bytes=4096,
        stage2_entry_bytes=8,
        machine=machine_of("tiny"),
    )
    assert planned.spec.memory_bytes == default_memory_bytes(machine_of("tiny")) == 256 * KIB


def test_a_vm_that_begins_after_the_measurement_is_told_before_it_runs() -> None:
    late = PlannedVm(
        spec=VmSpec(memory_bytes=64 * KIB, vcpus=1, source=1, targets=(0,)),
        workload=parse_workload("zipf"),
        strategy=strategy_named("ownership"),
        start_ticks=5 * MICROSECOND,
    )
    with pytest.raises(InputError, match="VM 1: start = 5us: not before the end of the meas"):
        run(machine_of("quad"), "ownership", others=[late], horizon=5 * MICROSECOND)


def test_all_faults_of_a_file_of_vms_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "vms.toml").write_text(
        VMS.replace('"64KiB"', "64").replace("[0, 1]", '"1"').replace("uniform", "unifrm")
        + '[[vm]]\nsources = 1\nborrow = [2]\nvcpus = "two"\ntrace = ["none.npy"]\n'
        + '[[vm]]\nstart = "5us"\n[[vm]]\nstrategy = "return"\ntarget = [1]\n'
        + '[[vm]]\nstrategy = "pre-copy"\n'
        + '[vms]\nstrategy = "x"\n'
    )
    with pytest.raises(InputError) as error:
        load_vms(str(tmp_path / "vms.toml"), region_bytes=4096, stage2_entry_bytes=8)
    told = str(error.value)
    for part in (
        "has 11 faults",
        "vms: no such field (did you mean 'vm'?)",
        "VM 1: vm-memory = 64: a bare number",
        "VM 1: target = '1': not a list of nodes",
        "VM 1: workload: no such kind (did you mean 'uniform'?)",
        "VM 2: sources: no such field (did you mean 'source'?)",
        "VM 2: borrow = [2]: not a table",
        "VM 2: vcpus = 'two': not a whole number",
        "VM 2: trace: none.npy: cannot read",
        "VM 3: start: it has no target, and so does not migrate",
        "VM 4: target: by return it stays where it is",
        "VM 5: strategy: it has no target, and so does not migrate",
    ):
        assert part in told


def test_what_cannot_be_on_the_machine_is_told_with_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "vms.toml").write_text(
        VMS.replace("source = 1", "source = 11")
        + '[[vm]]\nvcpus = 99\nsource = 1\ntarget = [1, 7]\nborrow = { 8 = 0.1 }\nstrategy = "x"\n'
        + '[[vm]]\nsource = "1"\ntarget = [0]\n'  # where it is nobody knows
        + f'[[vm]]\ntrace = ["{TRACE}", "{TRACE}"]\n'
    )
    options = ("--more-vms", str(tmp_path / "vms.toml"), "--outdir", str(tmp_path / "run"))
    done = called("configs/migrate.py", *SHORT, "--target", "6", *options)
    assert done.returncode == 2
    for told in (
        "VMs.*has 8 faults",
        "VM 1: source = 11: 'tiny' has the nodes 0 to 1",
        "VM 2: strategy",
        "VM 2: target = 1: is the source",
        "VM 2: target = 7: 'tiny' has the nodes",
        "VM 2: vcpus = 99: a node of 'tiny' has 2 cores",
        "VM 2: borrow 8: 'tiny' has the nodes",
        "VM 3: source = '1': not a whole number",
        "VM 4: 2 traces for 1 vCPUs",
        "the VM has a fault:\n +target = 6: 'tiny' has the nodes",
    ):
        assert re.search(told, done.stderr), done.stderr


@pytest.mark.parametrize(
    ("text", "fault"), [("vm = 3", "begin each VM with [[vm]]"), ("[[vm]", "not TOML")]
)
def test_a_file_that_holds_no_vms_is_told(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "vms.toml").write_text(text)
    with pytest.raises(InputError, match=fault.replace("[", r"\[")):
        load_vms(str(tmp_path / "vms.toml"), region_bytes=4096, stage2_entry_bytes=8)


def test_more_vms_migrate_beside_the_first_and_are_recorded(tmp_path: Path) -> None:
    (tmp_path / "vms.toml").write_text(VMS)
    run = tmp_path / "run"
    options = ("--more-vms", str(tmp_path / "vms.toml"), "--window", "20us", "--check")
    done = called("configs/migrate.py", *SHORT, *options, "--outdir", str(run))
    assert done.returncode == 0, done.stderr
    summary = json.loads((run / "migration.json").read_text())
    config = json.loads((run / "config.json").read_text())
    assert [m["vm"] for m in summary["migrations"]] == [0, 1, 1]
    assert summary["total-time"] == summary["migrations"][0]["total-time"]
    assert summary["migrations"][1]["start"] > summary["migrations"][0]["start"]
    assert len(summary["vms"]) == 2
    for number, vm in enumerate(summary["vms"]):
        own = [m for m in summary["migrations"] if m["vm"] == number]
        # Whose bytes they are, nobody knows.
        assert {phase["migration-bytes"] for m in own for phase in m["phases"]} == {None}
        ticks = sum(m["phases"][-1]["end"] - m["phases"][0]["start"] for m in own)
        accesses = sum(phase["accesses"] for m in own for phase in m["phases"])
        assert vm["accesses-per-microsecond"]["during"] == pytest.approx(accesses / ticks * 1e6)
    assert config["other_vms"][0]["strategy"]["max-rounds"] == 2
    assert config["other_vms"][0]["start_ticks"] == MICROSECOND
    assert "system.vm1.vcpu0.numLoads" in (run / "stats.txt").read_text()
    copies = [line for line in done.stdout.splitlines() if "copied before" in line]
    assert copies
    assert all(line.startswith("migrate.py: VM 1: copy") for line in copies)


def test_the_node_that_fails_is_used_by_the_first_vm_alone(tmp_path: Path) -> None:
    (tmp_path / "vms.toml").write_text(VMS)
    options = ("--more-vms", str(tmp_path / "vms.toml"), "--fail-target-at", "1us")
    done = called("configs/migrate.py", *SHORT, *options, "--outdir", str(tmp_path / "run"))
    assert done.returncode == 2
    assert "VM 1 uses node 1 as well, and would not notice" in done.stderr


def test_vms_that_do_not_fit_together_are_told(tmp_path: Path) -> None:
    (tmp_path / "vms.toml").write_text(VMS.replace("[0, 1]", "[1]") + "[[vm]]\nvcpus = 2\n")
    options = ("--more-vms", str(tmp_path / "vms.toml"), "--outdir", str(tmp_path / "run"))
    done = called("configs/migrate.py", *SHORT, *options)
    assert done.returncode == 2
    assert "VM 1: target = 1: is the source" in done.stderr
    (tmp_path / "vms.toml").write_text('[[vm]]\nvcpus = 2\nvm-memory = "64KiB"\n')
    done = called("configs/migrate.py", *SHORT, *options)
    assert done.returncode == 2
    assert "the VMs have 3 vCPUs; a node of 'tiny' has 2 cores" in done.stderr


def test_one_command_makes_the_table_of_strategies(tmp_path: Path) -> None:
    options = (*SHORT, "--window", "5us", "--horizon", "200us")
    command = ("-o", str(tmp_path / "runs"), "--strategies", "ownership", "pre-copy:max-rounds=2")
    first = called("scripts/strategies.py", *command, "--", *options)
    assert first.returncode == 0, first.stderr
    lines = first.stdout.splitlines()
    assert lines[0].startswith("| strategy | what it does | total time [us] |")
    assert lines[2].startswith("| `ownership` | Transfer all homes, then pause for the vCPUs' sta")
    assert lines[3].startswith("| `pre-copy` | Copy all pages while the VM runs, then dirty pages")
    assert len({line.count("|") for line in lines[:4]}) == 1
    assert any(line.startswith("| link |") for line in lines)
    assert first.stderr.count("strategies.py: ") == 2


def test_a_strategy_that_cannot_run_is_told_by_name(tmp_path: Path) -> None:
    command = ("-o", str(tmp_path), "--strategies", "ownership", "owner", "pre-copy:rounds=2")
    done = called("scripts/strategies.py", *command, "--", *SHORT, "--horizon=1ms")
    assert done.returncode == 2
    assert "owner: not known (did you mean 'ownership'?)" in done.stderr
    assert "pre-copy:rounds=2: rounds: no such parameter" in done.stderr
    assert "strategies.py: ownership" not in done.stderr  # nothing runs with names at fault


def test_what_the_table_decides_is_no_option_of_its_runs(tmp_path: Path) -> None:
    options = ("--strategy=hybrid", "--outdir", "here")
    done = called("scripts/strategies.py", "-o", str(tmp_path), "--", *options)
    assert done.returncode == 2
    assert "--strategy: --strategies names them" in done.stderr
    assert "--outdir: -o names the directory of all" in done.stderr


@pytest.mark.parametrize(
    "horizon", [(), ("--horizon", "none"), ("--horizon=1ms", "--horizon=none")]
)
def test_a_table_over_times_of_different_lengths_is_refused(
    tmp_path: Path, horizon: tuple[str, ...]
) -> None:
    done = called("scripts/strategies.py", "-o", str(tmp_path), "--", *SHORT, *horizon)
    assert done.returncode == 2
    assert "--horizon: needed, as what VMs lose and all energy are over the same" in done.stderr
    assert not any(tmp_path.iterdir())


def test_options_of_the_runs_without_dashes_before_them_are_told(tmp_path: Path) -> None:
    done = called("scripts/strategies.py", "-o", str(tmp_path), *SHORT, "--horizon", "1ms")
    assert done.returncode == 2
    assert '--machine: no such option; those of migrate.py come after "--"' in done.stderr


def test_what_nobody_should_miss_is_told_below_the_table(tmp_path: Path) -> None:
    command = ("-o", str(tmp_path), "--strategies", "ownership")
    options = ("--machine", "quad", "--warmup", "0ns", "--window", "20us", "--horizon", "200us")
    done = called("scripts/strategies.py", *command, "--", *options, "--vm-memory", "1MiB")
    assert done.returncode == 0
    assert "strategies.py: warning: in 1 of 1 runs a VM was not steady" in done.stderr


def test_a_strategy_that_takes_longer_than_the_horizon_is_told_and_the_others_are_compared(
    tmp_path: Path,
) -> None:
    command = ("-o", str(tmp_path), "--strategies", "stop-and-copy", "ownership")
    options = (*SHORT, "--window", "5us", "--horizon", "10us")
    done = called("scripts/strategies.py", *command, "--", *options)
    assert done.returncode == 1
    assert "strategies.py: error: stop-and-copy: the migration is not over" in done.stderr
    assert "| `ownership` |" in done.stdout
    assert "| all energy, from the constant's low to its high | ownership |" in done.stdout
    done = called("scripts/strategies.py", *command[:-1], "--", *options)
    assert (done.returncode, done.stdout) == (1, "")


def test_equal_vms_do_not_make_equal_accesses(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []
    streams = Workload.streams

    def note(workload: Workload, *, vcpus: int, vm_bytes: int, seed: int) -> Any:
        seeds.append(seed)
        return streams(workload, vcpus=vcpus, vm_bytes=vm_bytes, seed=seed)

    monkeypatch.setattr(Workload, "streams", note)
    other = PlannedVm(
        spec=VmSpec(memory_bytes=64 * KIB, vcpus=1, source=1), workload=parse_workload("uniform")
    )
    result = run(machine_of("quad"), "ownership", seed=5, vcpus=1, others=[other, other])
    assert seeds == [seed_of(5, vm=vm) for vm in range(3)]
    assert len(set(seeds)) == 3
    assert len(result.config({})["other_vms"]) == 2


def test_copies_are_told_by_their_numbers(tmp_path: Path) -> None:
    options = ("--strategy", "pre-copy:max-rounds=2,downtime-limit=1ps", "--check")
    done = called("configs/migrate.py", *SHORT, *options, "--outdir", str(tmp_path / "run"))
    assert done.returncode == 0, done.stderr
    found = re.findall(r"copy (\d+): [\d,]+ pages, all of them copied before", done.stdout)
    assert found == ["2", "3"]
