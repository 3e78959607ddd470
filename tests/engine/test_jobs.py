# SPDX-License-Identifier: BSD-3-Clause
"""What strategies rely on: jobs of migration engines, vCPUs, missing pages, samples."""

from __future__ import annotations

from typing import Any

import pytest
from machines import LINE, MEMORY, PAGE, settle, small, stop, stream, streams, wait_for

from homeshift._engine import DeadlockError, RequestStream, System

FAR = MEMORY + 64 * PAGE  # in the memory of node 1, used by nobody


MISS = 26  # cycles of a load from the memory of the core's node, see `small()`
FAR_MISS = MISS + 24  # and the links there and back


def sequential(*, think: int = 0, page: int = 0, **changes: int) -> System:
    """Return a machine whose first core loads one line of a page after the other from now on."""
    system = System(small(**{"max_outstanding": 1, **changes}))
    system.add_vm([page], [stream(kind="stream", write_ratio=0.0, think=think)])
    system.start_vm(0, [0])
    return system


def with_vm(pages: int = 4, **workload: object) -> System:
    system = System(small())
    frames = [page * PAGE for page in range(pages)]
    system.add_vm(frames, streams(2, vm_bytes=pages * PAGE, **workload))
    return system


def idle_vms(**changes: int) -> System:
    """Return a machine with two VMs for which migration engines can work."""
    system = System(small(**changes))
    for _ in range(2):
        system.add_vm([], [])
    return system


# ---- jobs --------------------------------------------------------------------------------------


def test_jobs_of_one_owner_are_done_in_order_and_those_of_two_side_by_side() -> None:
    ends = {}
    for owners in ((0, 0), (0, 1)):
        system = idle_vms()
        jobs = [
            system.copy(0, [number * PAGE], [FAR + number * PAGE], PAGE, owner)
            for number, owner in enumerate(owners)
        ]
        ends[owners] = [wait_for(system, job) for job in jobs]
    first, second = ends[0, 0]
    assert first == pytest.approx(second / 2, rel=0.1)
    first, second = ends[0, 1]
    assert second - first < 0.1 * second


def test_a_wait_ends_with_a_cycle_and_so_after_all_jobs_that_end_in_it() -> None:
    system = idle_vms()
    jobs = [
        system.copy(node, [node * MEMORY], [node * MEMORY + PAGE], PAGE, owner=node)
        for node in (0, 1)
    ]
    system.wait(None)
    assert [system.left(job) for job in jobs] == [0, 0]


def test_an_urgent_job_comes_before_what_has_not_begun() -> None:
    system = System(small())
    slow = system.copy(0, [0], [FAR], PAGE)
    system.run(10)
    fast = system.copy(0, [PAGE], [FAR + PAGE], LINE, 0, urgent=True)
    wait_for(system, fast)
    assert system.left(slow)
    assert system.node_counts()[0]["lines_copied"] <= 4 + 1 + 4  # under way before and beside it
    wait_for(system, slow)


def test_a_paced_job_keeps_its_bandwidth_and_lets_others_pass() -> None:
    system = idle_vms()
    paced = system.copy(0, [0], [FAR], PAGE, 0, line_interval_ps=100_000)  # 100 cycles
    free = system.copy(0, [PAGE], [FAR + PAGE], PAGE, 1)
    assert wait_for(system, free) < 2000
    assert wait_for(system, paced) == pytest.approx(63 * 100, rel=0.03)


@pytest.mark.parametrize("urgent", [False, True])
def test_a_paced_line_begins_with_the_first_cycle_after_its_time(*, urgent: bool) -> None:
    alone = System(small())
    line = wait_for(alone, alone.copy(0, [0], [FAR], LINE))
    system = System(small())
    job = system.copy(0, [0], [FAR], 4 * LINE, urgent=urgent, line_interval_ps=100_400)
    assert wait_for(system, job) == 302 + line  # 3 * 100.4, and on to the next cycle


def test_urgent_jobs_are_done_in_order() -> None:
    system = System(small(outstanding_lines=1))
    system.copy(0, [0], [FAR], PAGE)
    first, second = (
        system.copy(0, [n * PAGE], [FAR + n * PAGE], 4 * LINE, urgent=True) for n in (1, 2)
    )
    wait_for(system, first)
    assert system.left(second) == 4


def test_owners_have_their_turn_of_transfers_whatever_is_copied_beside() -> None:
    system = idle_vms(outstanding_lines=1, outstanding_transfers=1)
    for owner in (0, 1):
        system.copy(0, [owner * PAGE], [FAR + owner * PAGE], PAGE, owner)
    regions = [[n * PAGE for n in range(first, first + 16)] for first in (16, 32)]
    moves = [system.transfer(0, regions[owner], 1, owner) for owner in (0, 1)]
    while any(left := [system.left(move) for move in moves]):
        assert left[1] - left[0] in (0, 1)
        system.run(1)


def test_an_urgent_job_that_is_cancelled_ends_with_what_is_under_way() -> None:
    system = System(small(outstanding_lines=4))
    job = system.copy(0, [0], [FAR], PAGE, urgent=True)
    system.cancel(job)
    assert system.left(job) == 4
    wait_for(system, job)
    assert system.node_counts()[0]["lines_copied"] == 4


def test_a_cancelled_job_ends_with_what_is_under_way() -> None:
    system = System(small())
    job = system.copy(0, [0], [FAR], PAGE)
    other = system.copy(0, [PAGE], [FAR + PAGE], PAGE)
    regions = [number * PAGE for number in range(8, 40)]
    move = system.transfer(0, regions, 1)
    system.run(60)
    for cancelled in (job, move):
        system.cancel(cancelled)
        assert system.left(cancelled)  # lines and regions are under way
    wait_for(system, job)
    assert 0 < system.node_counts()[0]["lines_copied"] < PAGE // LINE
    wait_for(system, move)
    assert 0 < system.node_counts()[0]["regions_moved"] < len(regions)
    wait_for(system, other)
    system.cancel(other)  # over: nothing happens
    settle(system)


def test_a_job_of_nothing_is_done_at_once() -> None:
    system = System(small())
    assert not system.left(system.copy(0, [], [], PAGE))
    assert not system.left(system.transfer(0, [], 1))


def test_waiting_for_nothing_is_told() -> None:
    with pytest.raises(DeadlockError, match="nothing is under way"):
        System(small()).wait(None)


def test_waiting_ends_at_the_cycle_that_is_given() -> None:
    system = System(small())
    system.copy(0, [0], [FAR], PAGE)
    system.wait(100)
    assert system.now == 100
    system.wait(50)
    assert system.now == 100


# ---- when a vCPU issues its accesses -------------------------------------------------------------


def test_accesses_are_issued_one_a_cycle_up_to_the_limit() -> None:
    system = System(small(max_outstanding=3))
    system.open_message_log(100)
    system.add_vm([0], [stream(kind="stream", write_ratio=0.0)])
    system.start_vm(0, [0])
    system.run(MISS - 1)
    issued_and_missed = [(n[6] - 1, n[6]) for n in system.take_message_log() if n[1] == "GetS"]
    assert issued_and_missed == [(0, 1), (1, 2), (2, 3)]


@pytest.mark.parametrize(
    ("max_outstanding", "second"),
    [
        (1, (10 + MISS) + 10 + MISS),  # when the first is done
        (2, (10 + 1) + 10 + MISS),  # a cycle after the first
    ],
)
def test_a_gap_counts_from_the_access_before_or_from_a_free_slot(
    max_outstanding: int, second: int
) -> None:
    system = sequential(think=10, max_outstanding=max_outstanding)
    for done, cycle in enumerate((10 + MISS, second)):
        system.run(cycle - system.now - 1)
        assert accesses_done(system) == done
        system.run(1)
        assert accesses_done(system) == done + 1


def test_a_stopped_vcpu_waits_for_no_access_that_it_will_not_issue() -> None:
    """However long it would have thought: an audit gives up after some million cycles."""
    system = System(small())
    system.add_vm([0], [stream(think=1 << 30)])
    system.start_vm(0, [0])
    system.run(1000)
    stop(system, 0)
    system.audit()
    assert system.now == 1000
    system.start_vm(0, [0])
    system.run((1 << 30) + 1000)
    assert accesses_done(system) == 1  # it thinks on, from where it was


# ---- throttled vCPUs ---------------------------------------------------------------------------


def accesses_done(system: System) -> int:
    counts = system.vcpu_counts(0)[0]
    return counts["loads"] + counts["stores"]


@pytest.mark.parametrize("percentage", [20, 50, 90])
def test_a_throttled_vm_does_as_much_less(percentage: int) -> None:
    system = System(small())
    system.add_vm([0], [stream(think=10, footprint=0.01)])
    system.start_vm(0, [0])

    def accesses(cycles: int) -> int:
        before = accesses_done(system)
        system.run(cycles)
        return accesses_done(system) - before

    free = accesses(100_000)
    system.throttle(0, 5000, 5000 * (100 - percentage) // 100)
    assert accesses(100_000) == pytest.approx(free * (100 - percentage) / 100, rel=0.03)
    system.throttle(0, 1, 1)
    assert accesses(100_000) == pytest.approx(free, rel=0.01)


def test_a_throttled_vcpu_issues_in_the_first_cycles_of_a_slice_only() -> None:
    system = sequential(cache_bytes=PAGE)
    system.run(64 * MISS + 1000)  # now each access hits, and takes a cycle
    system.throttle(0, 100, 10)
    system.run(100 - system.now % 100 + 50)
    before = accesses_done(system)
    system.run(1000)
    assert accesses_done(system) - before == 10 * 10


def test_a_throttled_vcpu_does_not_touch_a_missing_page_while_it_sleeps() -> None:
    system = sequential()
    system.throttle(0, 1000, 1)
    system.await_pages(0, [0])
    system.run(999)
    assert system.take_faults(0) == []
    system.run(1)
    assert system.take_faults(0) == [0]


@pytest.mark.parametrize("node", [0, 1])
def test_a_throttle_that_ends_wakes_the_vm_in_the_middle_of_a_slice(node: int) -> None:
    system = System(small())
    system.add_vm([0], [stream(think=10, footprint=0.01)])
    system.start_vm(0, [0])
    system.throttle(0, 50_000, 500)
    system.run(120_000)  # asleep until 150,000
    before = accesses_done(system)
    if node != 0:  # it wakes up on another node
        stop(system, 0)
    system.throttle(0, 1, 1)
    if node != 0:
        system.start_vm(0, [node])
    system.run(10_000)
    assert accesses_done(system) > before + 100


# ---- missing pages -----------------------------------------------------------------------------


def test_a_vcpu_waits_for_a_missing_page_and_the_page_is_named_once() -> None:
    system = with_vm(1, footprint=1)
    system.await_pages(0, [0])
    system.start_vm(0, [0, 1])
    system.wait(None)  # returns: there is something to look at
    assert system.take_faults(0) == [0, 0]  # by each vCPU
    system.run(1000)
    assert system.take_faults(0) == []
    assert all(v["loads"] + v["stores"] == 0 for v in system.vcpu_counts(0))
    at_first = system.all_blocked(0)
    system.run(500)
    assert system.all_blocked(0) - at_first == 500
    system.map_pages(0, [0], [FAR])
    system.run(1000)
    counts = system.vcpu_counts(0)
    assert all(v["loads"] + v["stores"] > 0 for v in counts)
    assert all(1500 <= v["blocked_cycles"] <= 1600 for v in counts)
    stop(system, 0)
    settle(system)


def test_missing_pages_of_one_cycle_are_named_by_number() -> None:
    def first_pages(seed: int) -> list[int]:
        specs = streams(2, vm_bytes=4 * PAGE, footprint=1, seed=seed)
        return [RequestStream(spec).next()[0] // PAGE for spec in specs]

    seed = next(s for s in range(100) if first_pages(s)[0] > first_pages(s)[1])
    system = with_vm(4, footprint=1, seed=seed)
    system.await_pages(0, [0, 1, 2, 3])
    system.start_vm(0, [0, 1])
    system.wait(None)
    assert system.take_faults(0) == sorted(first_pages(seed))


def test_a_page_that_comes_ends_no_wait_for_another() -> None:
    spec = stream(kind="stream", vm_bytes=2 * PAGE)
    touched = RequestStream(spec).next()[0] // PAGE
    system = System(small())
    system.add_vm([0, PAGE], [spec])
    system.await_pages(0, [0, 1])
    system.start_vm(0, [0])
    system.wait(None)
    assert system.take_faults(0) == [touched]
    system.map_pages(0, [1 - touched], [(1 - touched) * PAGE])
    system.run(100)
    assert system.take_faults(0) == []


def test_a_wait_is_counted_while_the_vm_runs_and_since_the_statistics_were_reset() -> None:
    def waited() -> list[int]:
        return [system.vcpu_counts(0)[0]["blocked_cycles"], system.all_blocked(0)]

    system = sequential()
    system.run(MISS - 1)
    system.await_pages(0, [0])
    system.run(1 + 100)
    system.begin_stop_vm(0)
    assert waited() == [100, 100]
    system.run(50)  # it is stopped, and waits for nothing
    assert waited() == [100, 100]
    system.map_pages(0, [0], [0])
    system.reset_statistics()
    assert waited() == [0, 0]


def test_a_page_is_quiet_when_its_last_access_is_done() -> None:
    system = with_vm(1, footprint=1)
    system.start_vm(0, [0, 1])
    system.run(2000)
    assert not system.quiet(0, [0])
    system.await_pages(0, [0])
    while not system.quiet(0, [0]):
        system.wait(None)
    done = [v["loads"] + v["stores"] for v in system.vcpu_counts(0)]
    system.run(500)
    assert [v["loads"] + v["stores"] for v in system.vcpu_counts(0)] == done


def test_a_page_that_moves_while_the_vm_runs_keeps_its_data() -> None:
    """Wait until it is quiet, copy, map: every load is checked. Without waiting, one is wrong."""
    system = with_vm(4, footprint=1, write_ratio=0.5)
    system.start_vm(0, [0, 1])
    frames = [page * PAGE for page in range(4)]
    for turn in range(20):
        system.run(500)
        page, target = turn % 4, FAR + turn * PAGE
        system.await_pages(0, [page])
        while not system.quiet(0, [page]):
            system.wait(None)
        wait_for(system, system.copy(0, [frames[page]], [target], PAGE))
        system.map_pages(0, [page], [target])
        frames[page] = target
    system.run(5000)
    stop(system, 0)
    settle(system)


# ---- samples -----------------------------------------------------------------------------------


def remote(system: System) -> int:
    return sum(node["served_remotely"] for node in system.node_counts())


@pytest.mark.parametrize("homes", [0, 1])
def test_samples_name_the_pages_of_accesses_that_need_another_node(homes: int) -> None:
    system = System(small(cache_bytes=128, slc_bytes=128))
    frames = [0, PAGE, FAR, FAR + PAGE]
    system.place_homes(frames[2:], homes)
    system.add_vm(frames, [stream(vm_bytes=4 * PAGE, think=50)])
    system.start_vm(0, [0])
    system.sample(0, 1)
    system.run(20_000)
    far = system.take_samples(0)
    assert set(far) == {2, 3}
    assert len(far) == remote(system)
    system.reset_statistics()
    system.sample(0, 4)
    system.run(20_000)
    assert len(system.take_samples(0)) == remote(system) // 4
    system.sample(0, 0)
    system.run(20_000)
    assert system.take_samples(0) == []


def test_hits_in_another_nodes_slice_are_sampled() -> None:
    system = System(small(cache_bytes=128, slc_bytes=8 * PAGE))
    system.add_vm([FAR], [stream(vm_bytes=PAGE, think=50, write_ratio=0.0)])
    system.start_vm(0, [0])
    system.run(50_000)  # the slice has the page by now
    reads = sum(node["dram_reads"] for node in system.node_counts())
    system.reset_statistics()
    system.sample(0, 1)
    system.run(20_000)
    assert reads == 64
    assert sum(node["dram_reads"] for node in system.node_counts()) == 0
    assert len(system.take_samples(0)) == remote(system) > 100


def test_of_a_home_here_only_what_its_slice_has_not_is_sampled() -> None:
    system = System(small(cache_bytes=128, slc_bytes=8 * PAGE))
    system.place_homes([FAR], 0)
    system.add_vm([FAR], [stream(vm_bytes=PAGE, think=50, write_ratio=0.0)])
    system.start_vm(0, [0])
    system.sample(0, 1)
    system.run(50_000)
    assert system.take_samples(0) == [0] * 64  # each line once
    assert system.core_counts()[0]["misses"] > 500


def test_what_others_are_served_is_in_no_sample() -> None:
    system = System(small(cores_per_node=2, cache_bytes=128, slc_bytes=128))
    system.add_vm([FAR], [stream(vm_bytes=PAGE, think=20)])
    system.add_vm([0], [stream(vm_bytes=PAGE, think=20)])
    system.start_vm(0, [0])
    system.start_vm(1, [1])  # beside it, with memory of its own node
    system.sample(1, 1)
    system.run(20_000)
    assert remote(system) > 100
    assert system.take_samples(1) == []


def test_sampling_that_begins_anew_forgets_what_was_counted() -> None:
    system = sequential(page=FAR)
    for every in (1, 3):
        system.sample(0, every)
        system.run(2 * FAR_MISS)
        system.sample(0, every)
        assert system.take_samples(0) == []
    system.run(2 * FAR_MISS)
    assert system.take_samples(0) == []
    system.run(FAR_MISS)  # the third since then
    assert system.take_samples(0) == [0]


def test_samples_of_one_cycle_are_in_the_order_of_their_pages() -> None:
    def specs(seed: int) -> list[dict[str, Any]]:
        return streams(2, vm_bytes=4 * PAGE, seed=seed, write_ratio=0.0)

    def first_pages(seed: int) -> list[int]:
        return [RequestStream(spec).next()[0] // PAGE for spec in specs(seed)]

    seed = next(s for s in range(100) if first_pages(s)[0] > first_pages(s)[1])
    high, low = first_pages(seed)
    frames = [page * PAGE + (MEMORY if page == low else 0) for page in range(4)]
    system = System(small(max_outstanding=1))
    system.add_vm(frames, specs(seed))
    system.start_vm(0, [2, 0])  # each in the node of the other's page: both take as long
    system.sample(0, 1)
    system.run(FAR_MISS)
    assert system.take_samples(0) == [low, high]
