# SPDX-License-Identifier: BSD-3-Clause
"""What strategies rely on: jobs of migration engines, throttled vCPUs, missing pages, samples."""

from __future__ import annotations

import pytest
from machines import LINE, PAGE, settle, small, stop, stream, streams, wait_for

from homeshift._engine import DeadlockError, RequestStream, System

NODE = 1 << 20
FAR = NODE + 64 * PAGE  # in the memory of node 1, used by nobody


def with_vm(pages: int = 4, **workload: object) -> System:
    system = System(small())
    frames = [page * PAGE for page in range(pages)]
    system.add_vm(frames, streams(2, vm_bytes=pages * PAGE, **workload))
    return system


# ---- jobs --------------------------------------------------------------------------------------


def test_jobs_of_one_owner_are_done_in_order_and_those_of_two_side_by_side() -> None:
    ends = {}
    for owners in ((0, 0), (0, 1)):
        system = System(small())
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
    system = System(small())
    jobs = [
        system.copy(node, [node * NODE], [node * NODE + PAGE], PAGE, owner=node) for node in (0, 1)
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
    system = System(small())
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


def test_samples_name_the_pages_of_slow_accesses_only() -> None:
    system = System(small(cache_bytes=128, slc_bytes=128))
    frames = [0, PAGE, FAR, FAR + PAGE]
    system.place_homes(frames, 0)
    system.add_vm(frames, [stream(vm_bytes=4 * PAGE, think=50)])
    system.start_vm(0, [0])
    system.sample(0, 1, 10**6)
    system.run(20_000)
    assert system.take_samples(0) == []
    system.sample(0, 1, 40)  # cycles: memory here takes less, on the other node more
    system.run(20_000)
    far = system.take_samples(0)
    assert {2, 3} <= set(far)
    assert sum(page in (2, 3) for page in far) > 0.95 * len(far)  # some waited for a busy line
    system.sample(0, 4, 40)
    system.run(20_000)
    assert len(system.take_samples(0)) == pytest.approx(len(far) / 4, rel=0.15)
    system.sample(0, 0, 0)
    system.run(20_000)
    assert system.take_samples(0) == []
