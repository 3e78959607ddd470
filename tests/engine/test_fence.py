# SPDX-License-Identifier: BSD-3-Clause
"""A node without the right to a region: refused, counted, and without data, whatever it tries."""

from __future__ import annotations

from typing import Any

import pytest
from machines import LINE, MEMORY, PAGE, small, stop, streams, taken, wait_for
from watched import Watched

from homeshift import _engine
from homeshift._engine import System

RECALL = {
    "Directory.EM.RecallOwner",
    "Directory.S.RecallSharers",
    "Directory.S.RecallSharers_All",
}


@pytest.mark.parametrize("write", [False, True], ids=["load", "store"])
def test_an_access_of_a_fenced_node_is_refused_and_leaves_no_trace(write: bool) -> None:
    w = Watched()
    w.transfer(0, to=1, fenced=0)
    with w.watch():
        assert w.refuses(0, 0, write=write)
    asked, waits = ("Store", "IM_AD") if write else ("Load", "IS_D")
    assert w.taken == {
        f"L1Cache.I.{asked}": 1,
        "Directory.I.Refused": 1,
        f"L1Cache.{waits}.Fault": 1,
    }
    assert w.system.node_counts()[1]["directory_entries"] == 0


def test_other_nodes_keep_their_right() -> None:
    w = Watched(nodes=3)
    w.transfer(0, to=1, fenced=0)
    for core in (2, 4):
        assert not w.refuses(core, 0, write=True)
    assert w.refuses(1, 0, write=False)


def test_a_fence_holds_for_its_region_only() -> None:
    w = Watched()
    w.transfer(0, to=1, fenced=0)
    assert w.refuses(0, PAGE - LINE, write=False)
    assert not w.refuses(0, PAGE, write=False)


def test_copies_of_the_fenced_node_are_recalled_and_its_modified_data_is_kept() -> None:
    w = Watched(cache_bytes=1024)
    w.store(0, 0)  # owned by the fenced node
    w.load(1, LINE)  # shared by it and node 1
    w.load(2, LINE)
    w.load(0, 2 * LINE)  # shared by two of its cores
    w.load(1, 2 * LINE)
    w.store(3, 3 * LINE)  # owned by node 1
    with w.watch():
        w.transfer(0, to=1, fenced=0)
    assert {name: w.taken[name] for name in RECALL} == dict.fromkeys(RECALL, 1)
    assert w.of("L1Cache") == {"M.Recall": 1, "S.InvHome": 3}
    for line in range(4):
        assert w.refuses(0, line * LINE, write=False)
    with w.watch():
        w.load(2, LINE)
        w.load(3, 3 * LINE)
    assert w.taken == {"L1Cache.S.Load": 1, "L1Cache.M.Load": 1}
    with w.watch():
        w.load(2, 0)
    assert w.of("L1Cache")["IS_D.DataM_Done"] == 1  # what core 0 wrote, from the slice


@pytest.mark.parametrize("owned", ["E", "M"])
def test_what_a_fence_recalls_is_traffic_of_the_migration(owned: str) -> None:
    w = Watched()
    (w.store if owned == "M" else w.load)(0, 0)
    w.system.reset_statistics()
    with w.watch():
        w.transfer(0, to=1, fenced=0)
    assert w.of("L1Cache") == {f"{owned}.Recall": 1}
    assert set(w.system.between_nodes()) == {"Persistent_Control", "ResponseLocal_Data"}


def test_a_fence_can_be_put_up_without_moving_the_home() -> None:
    w = Watched(nodes=3)
    w.store(0, 0)
    w.transfer(0, to=1)
    w.store(0, LINE)
    with w.watch():
        w.fence(0, fenced=0, node=2)
    assert w.taken["DMA.FENCE.Fenced"] == 1
    assert w.taken["L1Cache.M.Recall"] == 2
    assert w.system.node_counts()[2]["regions_fenced"] == 1
    assert w.refuses(0, 0, write=False)


def test_a_transfer_to_where_the_region_is_can_put_up_a_fence_too() -> None:
    w = Watched(nodes=3)
    w.load(2, 0)
    with w.watch():
        w.transfer(0, to=0, fenced=1)
    assert w.taken["Directory.I.TransferHere_Fence"] == 1
    assert w.taken["L1Cache.E.Recall"] == 1
    assert w.refuses(2, 0, write=True)


def test_the_home_itself_cannot_be_fenced() -> None:
    w = Watched()
    w.fence(0, fenced=0)
    assert not w.refuses(0, 0, write=True)


def test_a_fence_moves_with_the_region_and_falls_when_the_region_comes_back() -> None:
    w = Watched(nodes=4)
    w.transfer(0, to=1, fenced=0)
    w.transfer(0, to=2, node=1, fenced=1)
    assert w.refuses(0, 0, write=False)
    assert w.refuses(2, 0, write=False)
    assert not w.refuses(4, 0, write=False)
    w.transfer(0, to=0, node=2)  # the right is given back with the home
    assert not w.refuses(0, 0, write=False)
    assert w.refuses(2, 0, write=False)


def test_a_fault_does_not_teach_the_table() -> None:
    w = Watched(nodes=3)
    w.transfer(0, to=1, fenced=2)
    for _ in range(2):
        with w.watch():
            assert w.refuses(4, 0, write=False)
        assert w.taken["Directory.NH.Away"] == 1  # node 2 asks node 0, the second time as well


def test_a_put_of_a_fenced_node_is_taken_and_its_data_kept() -> None:
    """The copy is given back while the fence goes up: held, sent on, and accepted."""
    seen: set[str] = set()
    for cycles in range(0, 120, 2):
        system = System(small())
        owner = streams(1, vm_bytes=PAGE, write_ratio=1.0, footprint=0.5, seed=cycles)
        vm = system.add_vm([0], owner)
        system.start_vm(vm, [0])
        system.run(500)
        job = system.transfer(0, [0], 1, fenced=0)
        system.run(cycles)
        stop(system, vm)
        wait_for(system, job)
        system.audit()
        seen |= taken(system).keys()
        system.start_vm(vm, [2])  # loads of node 1 find what was stored on node 0
        reader = system.add_vm([0], streams(1, vm_bytes=PAGE, write_ratio=0.0), intruder=True)
        system.start_vm(reader, [3])
        system.run(2000)
        stop(system, vm)
        stop(system, reader)
        assert system.vcpu_counts(reader)[0]["faults"] == 0
        system.audit()
    assert {"L1Cache.MI_A.PutAck", "L1Cache.MI_A.Recall", "L1Cache.II_A.PutAck"} <= seen


@pytest.mark.parametrize("write", [False, True], ids=["read", "write"])
def test_a_dma_of_a_fenced_node_is_refused(write: bool) -> None:
    w = Watched()
    w.transfer(0, to=1, fenced=0)
    with w.watch():
        if write:
            w.copy(PAGE, 0, lines=3)
        else:
            w.copy(0, PAGE, lines=3)
    counts = w.system.node_counts()[0]
    assert counts["lines_refused"] == 3
    assert counts["lines_copied"] == 0
    assert w.taken[f"DMA.{'WRITE' if write else 'READ'}.Fault"] == 3
    assert w.of("Directory")["I.Refused"] == 3


def test_a_fenced_node_cannot_take_the_region_back_nor_fence_its_holder() -> None:
    w = Watched(nodes=3)
    w.transfer(0, to=1, fenced=0)
    w.transfer(0, to=0)
    w.fence(0, fenced=2)
    assert w.system.node_counts()[0]["regions_refused"] == 2
    assert w.system.home_of(0) == 1
    assert not w.refuses(4, 0, write=False)


def test_a_cancelled_transfer_puts_up_no_fence() -> None:
    kept = 0
    for cycles in range(60):
        w = Watched()
        w.store(0, 0)
        job = w.system.transfer(0, [0], 1, fenced=0)
        w.system.run(cycles)
        w.system.cancel(job)
        wait_for(w.system, job)
        w.system.audit()
        moved = w.system.home_of(0) == 1
        assert w.refuses(0, 0, write=False) == moved
        assert not w.refuses(2, 0, write=False)
        kept += not moved
    assert 0 < kept < 60


# ---- a rogue ------------------------------------------------------------------------------------

GARBAGE = 1 << 60


def rogue_machine(seed: int, **changes: Any) -> tuple[System, list[int], int]:
    """A VM of two pages with two vCPUs; each node has two cores more, for a rogue."""
    system = System(
        small(nodes=3, cores_per_node=4, jitter=30 * (seed % 2), jitter_seed=seed, **changes)
    )
    frames = [0, MEMORY + PAGE]
    system.place_homes(frames, 0)
    vm = system.add_vm(frames, streams(2, vm_bytes=2 * PAGE, seed=seed))
    system.start_vm(vm, [0, 1])
    system.run(1000)
    return system, frames, vm


def move_with_fence(system: System, frames: list[int], vm: int) -> int:
    """Begin the hand-over; returns the job."""
    stop(system, vm)
    job = system.transfer(0, frames, 1, fenced=0)
    system.start_vm(vm, [4, 5])
    return job


@pytest.mark.parametrize("seed", range(8))
def test_a_rogue_core_reads_and_writes_nothing_once_the_right_is_gone(seed: int) -> None:
    system, frames, vm = rogue_machine(seed)
    rogue = system.add_vm(frames, streams(1, vm_bytes=2 * PAGE, seed=seed), intruder=True)
    system.start_vm(rogue, [2])
    system.run(1000)
    assert system.vcpu_counts(rogue)[0]["faults"] == 0  # it had the right until now
    wait_for(system, move_with_fence(system, frames, vm))  # it goes on meanwhile
    wait_for(system, system.fence(1, frames, 0))  # returns when the recall is over
    system.run(500)  # what was answered before is done
    before = system.vcpu_counts(rogue)[0]
    system.run(5000)
    after = system.vcpu_counts(rogue)[0]
    assert after["faults"] > before["faults"] > 0
    assert after["loads"] == before["loads"]
    assert after["stores"] == before["stores"]
    stop(system, vm)
    stop(system, rogue)
    system.audit()


@pytest.mark.parametrize("when", ["during", "after"])
@pytest.mark.parametrize("seed", range(8))
def test_forged_write_backs_of_stale_lines_change_nothing(seed: int, when: str) -> None:
    """Loads of the VM are checked: garbage that a home took for its data would be found."""
    system, frames, vm = rogue_machine(seed)
    forger = 3  # on the fenced node, in the place of a cache that has nothing
    job = move_with_fence(system, frames, vm)
    if when == "after":
        wait_for(system, job)
    forged = 0
    for step in range(400):
        kind = ("PutM", "PutE", "PutS")[step % 3]
        line = frames[step % 2] + step * 7 % 64 * LINE
        system.forge(forger, kind, line, home=step % 3, value=GARBAGE + step)
        forged += 1
        system.run(1 + step % 5)
    wait_for(system, job)
    system.run(3000)
    stop(system, vm)
    system.audit()
    assert system.forged_answers(forger) == {"PutAck": forged}


@pytest.mark.parametrize("seed", range(4))
def test_forged_requests_get_faults_and_never_data(seed: int) -> None:
    system, frames, vm = rogue_machine(seed)
    forger = 3
    wait_for(system, move_with_fence(system, frames, vm))
    kinds = ("GetS", "GetM", "DmaRead", "DmaWrite", "Transfer", "Fence", "Cancel")
    for step in range(70 * len(kinds)):
        kind = kinds[step % len(kinds)]
        region = kind in ("Transfer", "Fence", "Cancel")
        address = frames[step % 2] + (0 if region else step * 5 % 64 * LINE)
        other = 1 if kind == "Fence" else 0  # away with the holder's right, or back to node 0
        system.forge(forger, kind, address, home=step % 3, value=GARBAGE, other=other)
        system.run(1 + step % 7)
    system.run(3000)
    stop(system, vm)
    system.audit()
    assert system.forged_answers(forger) == {"Fault": 70 * 6, "CancelAck": 70}
    assert all(system.home_of(frame) == 1 for frame in frames)


@pytest.mark.parametrize("seed", range(6))
def test_forged_transfers_during_the_hand_over_cannot_bring_the_region_back(seed: int) -> None:
    """Before the hand-over is over the node has its right still; after it, it has none."""
    system, frames, vm = rogue_machine(seed)
    job = move_with_fence(system, frames, vm)
    for step in range(120):
        system.forge(3, "Transfer", frames[step % 2], home=step % 3, other=0)
        system.forge(3, "Cancel", frames[step % 2], home=step % 3)
        system.run(1 + step % 3)
    wait_for(system, job)
    system.run(2000)
    stop(system, vm)
    system.audit()
    answers = system.forged_answers(3)
    assert answers["CancelAck"] == 120
    assert answers["Fault"] + answers.get("Moved", 0) == 120
    assert answers["Fault"] > 0
    assert all(system.home_of(frame) == 1 for frame in frames)


def test_without_a_fence_the_same_rogue_gets_data() -> None:
    """So that the tests above are seen to be able to fail."""
    system, frames, vm = rogue_machine(0)
    rogue = system.add_vm(frames, streams(1, vm_bytes=2 * PAGE), intruder=True)
    system.start_vm(rogue, [2])
    stop(system, vm)
    job = system.transfer(0, frames, 1)
    system.start_vm(vm, [4, 5])
    wait_for(system, job)
    before = system.vcpu_counts(rogue)[0]
    system.run(5000)
    after = system.vcpu_counts(rogue)[0]
    assert after["faults"] == 0
    assert after["loads"] > before["loads"]
    for line in range(64):
        for frame in frames:
            system.forge(3, "DmaWrite", frame + line * LINE, home=1, value=GARBAGE)
    with pytest.raises(_engine.DataError, match=f"returned store {GARBAGE}"):
        system.run(5000)
