# SPDX-License-Identifier: BSD-3-Clause
"""Several VMs, and several migrations of one: beside each other, and whose the numbers are."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from experiments import (
    IDLE,
    KIB,
    MIB,
    MICROSECOND,
    machine_of,
    run,
)

from homeshift.engines.embedded import EmbeddedEngine
from homeshift.errors import RunError
from homeshift.experiment.planned_vms import PlannedVm
from homeshift.experiment.run import seed_of
from homeshift.experiment.vm import VmSpec
from homeshift.strategies import Operation, Strategy, Vm, strategy_named
from homeshift.units import LINE_BYTES
from homeshift.workload import parse_workload

EVERYWHERE = {1: 0.25, 2: 0.25, 3: 0.25}
BUSY = "zipf:write_ratio=0.5,think=20"


def other_vm(
    source: int, target: int | None, strategy: str | None = None, **spec: Any
) -> PlannedVm:
    return PlannedVm(
        spec=VmSpec(
            memory_bytes=64 * KIB,
            vcpus=1,
            source=source,
            targets=() if target is None else (target,),
            **spec,
        ),
        workload=parse_workload(BUSY),
        strategy=strategy_named(strategy) if strategy else None,
    )


@pytest.mark.parametrize("strategy", ["pre-copy", "post-copy", "ownership", "ownership+pull"])
def test_vms_pass_each_other_and_one_goes_around(strategy: str) -> None:
    """Two migrations in opposite directions, one A to B to C to A, beside a VM that stays."""
    summary = run(
        machine_of("quad"),
        strategy,
        BUSY,
        vcpus=1,
        targets=(1, 2, 0),
        borrow=EVERYWHERE,
        others=[other_vm(1, 0, strategy), other_vm(1, None)],
    ).summary
    ways = [(m["vm"], m["source"], m["target"]) for m in summary["migrations"]]
    assert sorted(ways) == [(0, 0, 1), (0, 1, 2), (0, 2, 0), (1, 1, 0)]
    legs = [m for m in summary["migrations"] if m["vm"] == 0]
    assert all(a["phases"][-1]["end"] == b["start"] for a, b in itertools.pairwise(legs))
    other = next(m for m in summary["migrations"] if m["vm"] == 1)
    assert other["start"] == legs[0]["start"]  # at once
    for vm in summary["vms"]:
        assert vm["accesses-per-microsecond"]["after"] > 0


def test_a_vm_that_goes_around_uses_its_frames_again() -> None:
    """Its memory would not fit otherwise: 6 moves of 64 KiB, on nodes of 256 KiB."""
    machine = machine_of("tiny")
    little = replace(machine, memory=replace(machine.memory, size_bytes=256 * KIB))
    summary = run(little, "pre-copy:max-rounds=2", BUSY, targets=(1, 0, 1, 0, 1, 0)).summary
    assert len(summary["migrations"]) == 6
    assert {leg["dirty-sync-count"] for leg in summary["migrations"]} == {1 + 1}


def test_a_vm_that_stays_is_shielded_from_a_copy_by_the_priorities_of_its_links() -> None:
    """Its memory is on the migration's target, behind the link that the copy fills.

    But what its home asks of memory travels on higher virtual networks than what a copy writes.
    """
    slow = {}
    machine = machine_of("quad", outstanding_lines=256)
    for strategy in ("ownership", "stop-and-copy"):
        summary = run(
            machine,
            strategy,
            IDLE,
            memory_bytes=512 * KIB,
            vcpus=1,
            others=[
                PlannedVm(
                    spec=VmSpec(memory_bytes=MIB, vcpus=2, source=0, borrow={1: 1.0}),
                    workload=parse_workload("uniform:think=0,footprint=1"),
                )
            ],
        ).summary
        latency = summary["vms"][1]["mean-latency"]
        slow[strategy] = latency["during"] / latency["before"]
    assert max(slow.values()) < 1.05


def misses_remotely() -> PlannedVm:
    """Return a VM that stays on node 2, and whose memory is on node 3."""
    return PlannedVm(
        spec=VmSpec(memory_bytes=MIB, vcpus=1, source=2, borrow={3: 1.0}),
        workload=parse_workload("uniform:think=0,footprint=1"),
    )


def test_which_accesses_needed_another_node_is_known_of_each_vm() -> None:
    machine = machine_of("quad")
    small = replace(machine, slc=replace(machine.slc, size_bytes=32 * KIB))
    both, alone = (
        run(
            small,
            "ownership",
            "uniform:think=0,footprint=1,shared=0",
            vcpus=1,
            memory_bytes=512 * KIB,
            window=100 * MICROSECOND,
            others=others,
        ).summary
        for others in ([misses_remotely()], [])
    )
    first, other = (vm["local-share"] for vm in both["vms"])
    assert first["before"] == 1.0
    assert first["after"] == pytest.approx(alone["vm"]["local-share"]["after"], abs=0.02)
    assert other["before"] == pytest.approx(other["after"], abs=0.02)
    assert other["after"] < 0.4
    last = both["progress"][-1]["remote-accesses"]
    assert both["window"]["remote-accesses"] == last[0] != last[1]
    assert both["vm"]["local-share"] == first


@pytest.mark.parametrize("strategy", ["ownership", "static-homes+pull", "pre-copy"])
def test_nodes_and_vms_count_the_same_accesses_as_remote(strategy: str) -> None:
    """But for those whose data has come, and which wait for invalidations, at the end."""
    result = run(
        machine_of("quad"),
        strategy,
        "zipf:write_ratio=0.5,think=0",
        vcpus=1,
        targets=(1, 2),
        borrow=EVERYWHERE,
        memory_bytes=MIB,
        window=50 * MICROSECOND,
        others=[other_vm(1, 0, strategy), misses_remotely()],
    )
    counted = {stat.name: stat.value or 0 for stat in result.statistics}
    of_vms, of_nodes = (
        sum(value for name, value in counted.items() if name.endswith(f".{end}"))
        for end in ("numRemote", "servedRemotely")
    )
    assert 0 <= of_nodes - of_vms < 10
    assert of_vms > 1000


def test_a_vm_is_pulled_for_until_it_needs_other_nodes_rarely_whatever_others_need() -> None:
    summary = run(
        machine_of("quad"),
        "ownership+pull:remote-share=0.1,period=10us,sample-every=1",
        "uniform:think=0,footprint=1,shared=0",
        vcpus=1,
        memory_bytes=256 * KIB,
        others=[misses_remotely()],
    ).summary
    assert summary["vms"][1]["local-share"]["during"] < 0.9
    watches = [phase["name"] for phase in summary["migrations"][0]["phases"]].count("watch")
    assert watches < 10  # of 200 at most


@pytest.mark.parametrize("strategy", ["pre-copy", "post-copy", "ownership", "ownership+copy"])
def test_what_is_said_of_the_first_vm_is_the_sum_of_its_own_migrations(strategy: str) -> None:
    summary = run(
        machine_of("quad"),
        strategy,
        BUSY,
        vcpus=1,
        targets=(1, 2),
        borrow=EVERYWHERE,
        horizon=200 * MICROSECOND,
        others=[replace(other_vm(3, 0, strategy, borrow={1: 0.5}), start_ticks=80 * MICROSECOND)],
    ).summary
    own = [m for m in summary["migrations"] if m["vm"] == 0]
    assert len(own) == 2 < len(summary["migrations"])

    def added(name: str) -> Any:
        return pytest.approx(sum(m[name] for m in own))

    home, ram, window = summary["home"], summary["ram"], summary["window"]
    assert home["regions-transferred"] == added("regions-transferred")
    assert home["regions-returned"] == added("regions-returned")
    assert summary["copied-pages"] == ram["normal"] == added("copied-pages")
    assert ram["dirty-sync-count"] == added("dirty-sync-count")
    assert ram["postcopy-requests"] == added("postcopy-requests")
    assert summary["downtime"] == added("downtime")
    assert summary["postcopy-blocktime"] == added("postcopy-blocktime")
    copying = sum(m["total-time"] for m in own)
    assert ram["pages-per-second"] == pytest.approx(summary["copied-pages"] / copying)
    assert summary["phases"] == [
        {name: phase[name] for name in ("name", "start", "end")}
        for m in own
        for phase in m["phases"]
    ]
    assert summary["vms"][0]["targets"] == [1, 2]
    before = summary["vms"][0]["accesses-per-microsecond"]["before"]
    assert window["accesses-lost"] == pytest.approx(200 * before - window["accesses"])
    # Nobody knows which bytes went when for it.
    assert ram["precopy-bytes"] is ram["downtime-bytes"] is ram["postcopy-bytes"] is None


def test_bytes_of_phases_are_known_beside_a_vm_that_stays() -> None:
    summary = run(
        machine_of("quad"), "post-copy", BUSY, vcpus=1, targets=(1, 2), others=[other_vm(3, None)]
    ).summary
    own = [phase for m in summary["migrations"] for phase in m["phases"]]
    fetched = [phase["migration-bytes"] for phase in own if phase["name"] == "fetch"]
    assert len(fetched) == 2
    assert summary["ram"]["postcopy-bytes"] == sum(fetched)
    assert summary["ram"]["transferred"] == sum(phase["migration-bytes"] for phase in own)


class Turns(Strategy):
    """Throttles the VM on its first way, and stops it on the next."""

    name = "turns"

    def migrate(self, vm: Vm, target: int) -> Iterator[Operation]:
        first = "pre-copy:max-bandwidth=1GB/s,downtime-limit=1ns,max-rounds=4,auto-converge=on"
        yield from strategy_named(first if target == 1 else "stop-and-copy").migrate(vm, target)


def test_rates_are_those_of_the_last_migration_and_the_throttle_is_the_hardest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fast = "stream:stride=4KiB,write_ratio=1,shared=0,footprint=1,think=4096"
    ways: dict[str, Any] = {"memory_bytes": 128 * KIB, "vcpus": 1}
    monkeypatch.setattr("experiments.strategy_named", lambda _: Turns())
    once = run(machine_of("quad"), "turns", fast, **ways).summary
    twice = run(machine_of("quad"), "turns", fast, **ways, targets=(1, 2)).summary
    assert once["expected-downtime"] > 0 < once["ram"]["dirty-pages-rate"]
    assert twice["expected-downtime"] == twice["ram"]["dirty-pages-rate"] == 0  # not looked at
    assert twice["cpu-throttle-percentage"] == once["cpu-throttle-percentage"] >= 20


def test_a_vcpu_may_wait_for_a_page_that_is_under_way_already() -> None:
    """All vCPUs use the same 16 pages: one asks, others wait with it."""
    [leg] = run(
        machine_of("quad"),
        "post-copy:prepaging=0,max-postcopy-bandwidth=50MB/s",
        "uniform:shared=1,think=0,footprint=1",
        vcpus=4,
    ).summary["migrations"]
    assert 0 < leg["postcopy-requests"] <= 16 < leg["postcopy-faults"]


def test_a_horizon_that_is_shorter_than_the_migrations_is_told() -> None:
    with pytest.raises(RunError, match=r"^the migration is not over after 100ps"):
        run(
            machine_of("quad"),
            "stop-and-copy",
            BUSY,
            vcpus=1,
            horizon=100,
            others=[other_vm(1, None)],
        )
    with pytest.raises(RunError, match=r"^the migrations are not over after 100ps"):
        run(
            machine_of("quad"),
            "stop-and-copy",
            BUSY,
            vcpus=1,
            horizon=100,
            others=[other_vm(1, 0, "ownership")],
        )


def test_no_vm_does_what_another_does_with_another_seed() -> None:
    """Else the repetitions of a sweep over seeds would not be independent."""
    seeds = [seed_of(seed, vm=vm) for seed in (*range(200), 2**64 - 1) for vm in range(20)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**64 for seed in seeds)
    assert seed_of(7, vm=0) == 7

    def latencies(seed: int) -> list[float]:
        vms = run(
            machine_of("quad"),
            "ownership",
            BUSY,
            vcpus=1,
            seed=seed,
            others=[other_vm(0, None)] * 2,
        ).summary["vms"]
        return [vm["mean-latency"]["before"] for vm in vms]

    found = latencies(1) + latencies(2)
    assert len(set(found)) == len(found)


def test_what_a_vm_leaves_is_not_used_by_another_before_it_has_been_copied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two VMs pass each other, one with a long state, which lies where the other's pages go."""
    under_way: dict[int, set[int]] = {}
    overwritten: set[int] = set()
    copy = EmbeddedEngine.copy

    def lines(starts: Sequence[int], size_bytes: int) -> set[int]:
        return {line for at in starts for line in range(at, at + size_bytes, LINE_BYTES)}

    def noting(
        engine: EmbeddedEngine,
        sources: Sequence[int],
        targets: Sequence[int],
        size_bytes: int,
        **more: Any,
    ) -> int:
        for job in [job for job in under_way if not engine.left(job)]:
            del under_way[job]
        overwritten.update(lines(targets, size_bytes) & set[int]().union(*under_way.values()))
        job = copy(engine, sources, targets, size_bytes, **more)
        under_way[job] = lines(sources, size_bytes)
        return job

    monkeypatch.setattr(EmbeddedEngine, "copy", noting)
    quad = machine_of("quad")
    machine = replace(quad, migration=replace(quad.migration, cpu_state_bytes=MIB))
    run(machine, "static-homes", IDLE, vcpus=1, others=[other_vm(1, 0, "stop-and-copy")])
    assert not overwritten
