# SPDX-License-Identifier: BSD-3-Clause
"""Every way to move a VM does what its paper says, as one counts by hand."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from experiments import (
    ASKED,
    COPY,
    IDLE,
    KIB,
    MIB,
    MICROSECOND,
    REGION,
    machine_of,
    run,
    state_lines,
    trace_of,
)
from machines import LINE, PAGE

from homeshift.energy import Counts, energy_of, load_constants
from homeshift.engines.embedded import EmbeddedEngine
from homeshift.errors import RunError
from homeshift.strategies import base
from homeshift.strategies.pulling import Votes
from homeshift.units import TICKS_PER_SECOND
from homeshift.workload import Workload

EVERYWHERE = {1: 0.25, 2: 0.25, 3: 0.25}
BUSY = "zipf:write_ratio=0.5,think=20"


def sent(phase: dict[str, Any]) -> int:
    """Return the pages that a phase of copying sent."""
    pages, rest = divmod(phase["migration-bytes"], PAGE // LINE * COPY)
    assert rest == 0
    return int(pages)


def phases(summary: dict[str, Any], *names: str) -> list[dict[str, Any]]:
    [migration] = summary["migrations"]
    return [phase for phase in migration["phases"] if phase["name"] in names]


# ---- pre-copy ----------------------------------------------------------------------------------

BANDWIDTH = 1e9
PAGE_TICKS = PAGE / BANDWIDTH * 1e12


@pytest.mark.parametrize("ratio", [0.25, 0.5])
def test_pre_copy_at_a_constant_dirty_rate_follows_its_geometric_series(ratio: float) -> None:
    """While a page is copied, `ratio` pages are written: a round is that part of the last one."""
    cycles = round(PAGE_TICKS / ratio / 500)  # of 0.5 ns, from one write to the next
    writes = f"stream:stride=4KiB,write_ratio=1,shared=0,footprint=1,think={cycles}"
    said: list[str] = []
    summary = run(
        machine_of("quad"),
        "pre-copy:max-bandwidth=1GB/s,downtime-limit=1ns,max-rounds=4",
        writes,
        memory_bytes=MIB,
        vcpus=1,
        report=said.append,
    ).summary
    assert sum("the copies have not converged" in line for line in said) == 1
    rounds = [sent(phase) for phase in phases(summary, "copy")]
    pages = MIB // PAGE
    assert len(rounds) == 4 + 1
    assert rounds[0] == pages
    for number, sent_pages in enumerate(rounds):
        assert sent_pages == pytest.approx(pages * ratio**number, rel=0.03, abs=1)
    series = pages * (1 - ratio**5) / (1 - ratio)
    assert summary["copied-pages"] == sum(rounds) == pytest.approx(series, rel=0.03)
    before = sum(phase["end"] - phase["start"] for phase in phases(summary, "copy")[:-1])
    assert before == pytest.approx(sum(rounds[:-1]) * PAGE_TICKS, rel=0.03)
    assert summary["ram"]["dirty-sync-count"] == 4 + 1
    assert summary["ram"]["dirty-pages-rate"] == pytest.approx(ratio / PAGE_TICKS * 1e12, rel=0.1)


def test_pre_copy_pauses_when_the_rest_can_be_copied_within_the_downtime_limit() -> None:
    writes = "stream:stride=4KiB,write_ratio=1,shared=0,footprint=1,think=16384"  # half as fast
    said: list[str] = []
    summary = run(
        machine_of("quad"),
        "pre-copy:max-bandwidth=1GB/s,downtime-limit=140us",  # 34 pages
        writes,
        memory_bytes=MIB,
        vcpus=1,
        report=said.append,
    ).summary
    assert "converged" not in "".join(said)
    assert [sent(phase) for phase in phases(summary, "copy")][:-1] == pytest.approx(
        [256, 128, 64], abs=2
    )
    assert summary["expected-downtime"] == pytest.approx(32 * PAGE_TICKS / 1e12, rel=0.05)
    # The links are free for the rest, so it does not even take that long.
    assert summary["downtime"] < 140e-6


def test_auto_converge_slows_the_vm_down_until_the_copy_catches_up() -> None:
    fast = "stream:stride=4KiB,write_ratio=1,shared=0,footprint=1,think=4096"
    limits = "max-bandwidth=1GB/s,downtime-limit=60us,max-rounds=40"
    runs = {
        switch: run(
            machine_of("quad"),
            f"pre-copy:{limits},auto-converge={switch}",
            fast,
            memory_bytes=128 * KIB,
            vcpus=1,
            window=200 * MICROSECOND,
        ).summary
        for switch in ("off", "on")
    }
    assert runs["off"]["ram"]["dirty-sync-count"] == 40 + 1  # gave up
    assert runs["off"]["cpu-throttle-percentage"] == 0
    assert runs["on"]["ram"]["dirty-sync-count"] < 40
    throttles = len(phases(runs["on"], "throttle"))
    assert runs["on"]["cpu-throttle-percentage"] == min(20 + 10 * (throttles - 1), 99)
    speed = runs["on"]["vm"]["accesses-per-microsecond"]
    assert speed["after"] == pytest.approx(speed["before"], rel=0.05)  # and lets it go again


class ThrottledAtTheTarget(base.Strategy):
    """Moves the vCPUs only, and throttles them then."""

    name = "throttled-at-the-target"
    begins_lent = False

    def migrate(self, vm: base.Vm, target: int) -> Iterator[base.Operation]:
        yield base.MoveStage2Table(vm, to=target)
        yield base.Pause(vm)
        yield base.MoveCpuState(vm, to=target)
        yield base.Resume(vm, on=target)
        yield base.Throttle(vm, 90, MICROSECOND)
        yield base.Watch(20 * MICROSECOND)


def test_a_vm_is_throttled_until_its_migration_ends() -> None:
    window = 20 * MICROSECOND
    summary = run(machine_of("quad"), ThrottledAtTheTarget(), "uniform", window=window).summary
    [watched] = phases(summary, "watch")
    after = summary["vm"]["accesses-per-microsecond"]["after"]
    assert summary["cpu-throttle-percentage"] == 90
    assert watched["accesses"] / 20 < after / 5


# ---- post-copy, hybrid -------------------------------------------------------------------------


def test_post_copy_of_an_idle_vm_asks_for_nothing_and_sends_every_page_once() -> None:
    summary = run(machine_of("quad"), "post-copy", IDLE).summary
    assert summary["ram"]["postcopy-requests"] == 0
    assert summary["ram"]["postcopy-bytes"] == 64 * KIB // LINE * COPY
    assert summary["ram"]["downtime-bytes"] == 2 * 256 * COPY  # two vCPUs' state of 16 KiB
    assert summary["postcopy-blocktime"] == 0


class PostCopyInTwo(base.Strategy):
    """Fetches the VM's pages in two parts, and does something else before if told to."""

    name = "post-copy-in-two"

    def __init__(self, *before: base.Operation) -> None:
        self.before = before

    def migrate(self, vm: base.Vm, target: int) -> Iterator[base.Operation]:
        pages = list(vm.pages)[:-1] if self.before else list(vm.pages)[1:]
        yield base.Pause(vm)
        yield base.MoveStage2Table(vm, to=target)
        yield base.MoveCpuState(vm, to=target)
        yield base.Resume(vm, on=target, missing=pages)
        yield from self.before
        yield base.Fetch(pages[: len(pages) // 2], to=target, max_bandwidth=50e6)
        yield base.Fetch(pages[len(pages) // 2 :], to=target, max_bandwidth=50e6)


def pulled_first(vm: base.Vm, target: int, *, again: bool) -> Iterator[base.Operation]:
    yield base.Pause(vm)
    yield base.MoveStage2Table(vm, to=target)
    yield base.MoveCpuState(vm, to=target)
    yield base.Resume(vm, on=target, missing=vm.pages)
    yield base.Pull(vm.pages[:8], to=target)
    yield base.Watch(20 * MICROSECOND)
    yield base.Fetch(vm.pages if again else vm.pages[8:], to=target)


class PulledFirst(base.Strategy):
    """Pulls pages that the VM misses, and fetches the rest, or all."""

    name = "pulled-first"

    def __init__(self, *, again: bool) -> None:
        self.again = again

    def migrate(self, vm: base.Vm, target: int) -> Iterator[base.Operation]:
        return pulled_first(vm, target, again=self.again)


class PausedWhilePagesAreMissing(base.Strategy):
    """Resumes the VM without its pages, pauses it, copies some and resumes it again."""

    name = "paused-while-pages-are-missing"

    def __init__(self, *, copied: int) -> None:
        self.copied = copied

    def migrate(self, vm: base.Vm, target: int) -> Iterator[base.Operation]:
        yield base.MoveStage2Table(vm, to=target)
        yield base.Pause(vm)
        yield base.MoveCpuState(vm, to=target)
        yield base.Resume(vm, on=target, missing=vm.pages)
        yield base.Watch(MICROSECOND)
        yield base.Pause(vm)
        yield base.Copy(vm.pages[: self.copied], to=target)
        yield base.Resume(vm, on=target)
        yield base.Watch(MICROSECOND)


def test_pages_that_a_vm_misses_are_missing_when_it_is_resumed_again() -> None:
    busy = "uniform:write_ratio=0.5"
    summary = run(machine_of("quad"), PausedWhilePagesAreMissing(copied=16), busy).summary
    assert summary["vm"]["accesses-per-microsecond"]["after"] > 0
    with pytest.raises(RunError, match="ends with 6 pages still missing"):
        run(machine_of("quad"), PausedWhilePagesAreMissing(copied=10), busy)


class PausedBeforeTheRestIsFetched(base.Strategy):
    """Copies all pages, and fetches some again when the VM has been paused once more."""

    name = "paused-before-the-rest-is-fetched"

    def __init__(self, *, everything: bool) -> None:
        self.everything = everything

    def migrate(self, vm: base.Vm, target: int) -> Iterator[base.Operation]:
        vm.take_dirty_log()
        yield base.Copy(vm.pages, to=target)
        yield base.MoveStage2Table(vm, to=target)
        yield base.Pause(vm)
        written = vm.take_dirty_log()
        missing = vm.pages if self.everything else written
        yield base.MoveCpuState(vm, to=target)
        yield base.Resume(vm, on=target, missing=missing)
        yield base.Watch(MICROSECOND)
        yield base.Pause(vm)
        yield base.Resume(vm, on=target)
        yield base.Fetch(missing, to=target)


@pytest.mark.parametrize("everything", [False, True])
def test_a_copy_of_before_is_not_what_a_missing_page_waits_for(everything: bool) -> None:
    strategy = PausedBeforeTheRestIsFetched(everything=everything)
    summary = run(machine_of("quad"), strategy, "uniform:write_ratio=0.5").summary
    fetched = summary["copied-pages"] - 16
    assert fetched == 16 if everything else 0 < fetched < 16


def test_a_missing_page_that_is_pulled_is_not_missing_any_more() -> None:
    done = run(machine_of("quad"), PulledFirst(again=False), "uniform:write_ratio=0.5")
    assert done.summary["copied-pages"] == 16
    with pytest.raises(RunError, match="fetches 8 pages that the VM does not miss"):
        run(machine_of("quad"), PulledFirst(again=True), "uniform:write_ratio=0.5")


def uses_page(page: int, folder: Path) -> Workload:
    """Return a workload that reads a single page, all the time."""
    return trace_of(folder / "page.npy", page * PAGE + np.arange(64) * LINE)


@pytest.mark.parametrize(
    ("page", "before"),
    [
        (15, ()),  # it waits while others are fetched
        (6, (base.Pull([15], to=1),)),  # or pulled
        (6, (base.Watch(MICROSECOND),)),
    ],
)
def test_a_page_that_was_touched_comes_first_when_it_is_fetched(
    page: int, before: tuple[base.Operation, ...], tmp_path: Path
) -> None:
    done = run(machine_of("quad"), PostCopyInTwo(*before), uses_page(page, tmp_path), vcpus=1)
    [migration] = done.summary["migrations"]
    assert migration["postcopy-requests"] == migration["postcopy-faults"] == 1
    [resume] = phases(done.summary, "resume")
    fetches = phases(done.summary, "fetch")
    begins = (fetches[0] if before else fetches[1])["start"]
    waited = migration["postcopy-blocktime"] * TICKS_PER_SECOND
    assert waited == pytest.approx(begins - resume["end"], abs=MICROSECOND)


@pytest.mark.parametrize("name", ["tiny", "quad"])
@pytest.mark.parametrize("footprint", [0.125, 0.5])
def test_post_copy_asks_for_no_more_pages_than_the_working_set_has(
    name: str, footprint: float
) -> None:
    summary = run(
        machine_of(name),
        "post-copy:prepaging=0,max-postcopy-bandwidth=1GB/s",
        f"uniform:footprint={footprint},think=5",
        memory_bytes=256 * KIB,
    ).summary
    asked = summary["ram"]["postcopy-requests"]
    assert 0 < asked <= 256 * KIB * footprint / PAGE
    assert summary["copied-pages"] == 256 * KIB // PAGE
    assert summary["postcopy-blocktime"] > 0


def test_a_page_that_is_asked_for_does_not_wait_for_those_that_are_pushed() -> None:
    """A vCPU waits for one page only, although the others take 4096 B / 50 MB/s = 82 us each."""
    vm: dict[str, Any] = {"memory_bytes": 256 * KIB, "vcpus": 1, "window": 2 * MICROSECOND}
    summary = run(
        machine_of("quad"),
        "post-copy:prepaging=0,max-postcopy-bandwidth=50MB/s",
        "uniform:footprint=0.5,think=20",
        **vm,
    ).summary
    asked = summary["ram"]["postcopy-requests"]
    assert asked > 8
    assert summary["postcopy-blocktime"] / asked < 5e-6


def test_pages_are_pushed_as_fast_as_they_may_be_though_cycles_are_whole() -> None:
    """A page every 70.03 cycles: those that begin late, in the next cycle, make up for it."""
    machine = replace(machine_of("tiny", outstanding_lines=512), clock_period_ps=10_000)
    times = []
    for pages in (64, 128):
        [fetch] = phases(
            run(
                machine,
                "post-copy:max-postcopy-bandwidth=5.849GB/s",
                IDLE,
                memory_bytes=pages * PAGE,
            ).summary,
            "fetch",
        )
        times.append(fetch["end"] - fetch["start"])
    assert times[1] - times[0] == pytest.approx(64 * PAGE / 5.849e9 * 1e12, rel=0.005)


def test_pages_that_come_in_the_order_of_faults_do_not_crowd_in_the_caches() -> None:
    """All pages are in their place at the target, so the VM runs there as after a copy."""
    after = {
        strategy: run(
            machine_of("quad"),
            strategy,
            "uniform:footprint=1,shared=0",
            memory_bytes=MIB,
            vcpus=4,
            window=500 * MICROSECOND,
        ).summary["vm"]["accesses-per-microsecond"]["after"]
        for strategy in ("stop-and-copy", "post-copy")
    }
    assert after["post-copy"] == pytest.approx(after["stop-and-copy"], rel=0.02)


def test_pages_that_are_pushed_in_another_order_lie_in_their_place_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Backwards(base.Strategy):
        name = "backwards"

        def migrate(self, vm: base.Vm, target: int) -> Iterator[base.Operation]:
            pages = list(reversed(vm.pages))
            yield base.MoveStage2Table(vm, to=target)
            yield base.Pause(vm)
            yield base.MoveCpuState(vm, to=target)
            yield base.Resume(vm, on=target, missing=pages)
            yield base.Fetch(pages, to=target)
            yield base.Return(vm)

    came: list[tuple[int, int]] = []  # pages and their frames
    map_pages = EmbeddedEngine.map_pages

    def note(engine: EmbeddedEngine, vm: int, pages: Sequence[int], frames: Sequence[int]) -> None:
        came.extend(zip(pages, frames, strict=True))
        map_pages(engine, vm, pages, frames)

    monkeypatch.setattr(EmbeddedEngine, "map_pages", note)
    run(machine_of("quad"), Backwards(), IDLE)
    pages = [page for page, _ in came]
    assert pages == sorted(pages, reverse=True)
    assert sorted(came) == list(zip(sorted(pages), sorted(frame for _, frame in came), strict=True))


def test_prepaging_around_faults_saves_requests_of_a_vm_that_walks(tmp_path: Path) -> None:
    """It walks down at half the speed at which pages are pushed, these in ascending order."""
    downwards = np.arange(128 * 8)[::-1] * (PAGE // 8)
    walk = trace_of(tmp_path / "walk.npy", downwards, gap=1000)
    asked = [
        run(
            machine_of("quad"),
            f"post-copy:prepaging={pages},max-postcopy-bandwidth=2GB/s",
            walk,
            memory_bytes=512 * KIB,
            vcpus=1,
        ).summary["ram"]["postcopy-requests"]
        for pages in (0, 8)
    ]
    assert 0 < 2 * asked[1] < asked[0]


def test_the_pages_around_a_fault_come_next_the_nearest_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It touches another page every 50 us; one is pushed in 4 us."""
    copied: list[tuple[int, bool]] = []
    copy = EmbeddedEngine.copy

    def note(engine: EmbeddedEngine, sources: Sequence[int], *args: Any, **options: Any) -> int:
        if len(sources) == 1:
            copied.append((sources[0] // PAGE, options.get("urgent", False)))
        return copy(engine, sources, *args, **options)

    monkeypatch.setattr(EmbeddedEngine, "copy", note)
    run(
        machine_of("quad"),
        "post-copy:prepaging=4,max-postcopy-bandwidth=1GB/s",
        "stream:stride=4KiB,shared=0,footprint=1,think=100000",
        vcpus=1,
        memory_bytes=256 * KIB,
        window=600 * MICROSECOND,
    )
    first = [urgent for _, urgent in copied].index(True)
    page = copied[first][0]
    assert 16 < page < 60  # those before have been pushed by then
    around = [other - page for other, urgent in copied[first + 1 :] if not urgent]
    assert around[:4] == [1, -1, 2, -2]


def test_the_time_that_a_vcpu_waits_for_pages_is_in_its_statistics() -> None:
    for strategy in ("post-copy", "stop-and-copy"):
        result = run(machine_of("quad"), strategy, "uniform:think=5", vcpus=1)
        found = {stat.name: stat.value for stat in result.statistics}
        blocked = result.summary["postcopy-blocktime"] * 1e12
        assert (blocked > 0) == (strategy == "post-copy")
        assert found["system.vm.vcpu0.blockedTime"] == pytest.approx(blocked)
        assert found["system.vm.allBlockedTime"] == pytest.approx(blocked)


class PausedAgain(base.Strategy):
    """Moves the homes and the vCPUs, then copies while the VM is paused once more."""

    name = "paused-again"

    def migrate(self, vm: base.Vm, target: int) -> Iterator[base.Operation]:
        yield base.Transfer(vm.regions, to=target)
        yield base.MoveStage2Table(vm, to=target)
        yield base.Pause(vm)
        yield base.MoveCpuState(vm, to=target)
        yield base.Resume(vm, on=target)
        yield base.Pause(vm)
        yield base.Copy(vm.pages, to=target)
        yield base.Resume(vm, on=target)
        yield base.Return(vm)


def test_bytes_of_a_vm_that_is_paused_again_at_the_target_are_those_of_its_downtime() -> None:
    summary = run(machine_of("quad"), PausedAgain(), IDLE).summary
    names = ("transfer", "move-stage2-table", "move-cpu-state", "copy", "return")
    moved, table, state, copy, returned = phases(summary, *names)
    ram = summary["ram"]
    assert sent(copy) == 16
    assert ram["precopy-bytes"] == moved["migration-bytes"] + table["migration-bytes"]
    assert ram["downtime-bytes"] == state["migration-bytes"] + copy["migration-bytes"]
    assert ram["postcopy-bytes"] == returned["migration-bytes"] > 0


def test_a_hybrid_fetches_only_what_was_written_since_it_was_copied() -> None:
    writes = "stream:stride=4KiB,write_ratio=1,shared=0,footprint=1,think=8192"
    vm: dict[str, Any] = {"memory_bytes": MIB, "vcpus": 1}
    summary = run(machine_of("quad"), "hybrid:max-bandwidth=2GB/s", writes, **vm).summary
    first = 256 * PAGE / 2e9  # the round takes so long, and a page is written every 4.096 us
    [copy], [fetch] = phases(summary, "copy"), phases(summary, "fetch")
    assert sent(copy) == 256
    assert sent(fetch) == pytest.approx(first / 4.096e-6, rel=0.05)
    assert summary["ram"]["postcopy-requests"] <= sent(fetch)
    assert summary["downtime"] < 20e-6


# ---- what stays and what goes ------------------------------------------------------------------


def test_what_is_not_copied_has_no_rate_at_which_it_is_written() -> None:
    """The VM writes a page every 0.512 us, and half of these are borrowed."""
    summary = run(
        machine_of("quad"),
        "ignore-shared:max-rounds=2,downtime-limit=1ns,max-bandwidth=8GB/s",
        "stream:stride=4KiB,write_ratio=1,shared=0,footprint=1,think=1024",
        memory_bytes=MIB,
        vcpus=1,
        borrow={2: 0.5},
    ).summary
    assert summary["ram"]["dirty-pages-rate"] == pytest.approx(0.5 / 0.512e-6, rel=0.3)


def test_what_is_not_copied_counts_neither_as_dirty_nor_for_the_downtime() -> None:
    writes = "stream:stride=4KiB,write_ratio=1,shared=0,footprint=1,think=1024"
    for strategy in ("pre-copy", "ignore-shared"):
        summary = run(
            machine_of("quad"),
            f"{strategy}:max-rounds=3,downtime-limit=1ns",
            writes,
            memory_bytes=MIB,
            vcpus=1,
            borrow={2: 0.25, 3: 0.25},
        ).summary
        last = phases(summary, "copy")[-1]
        copying = (last["end"] - last["start"]) / 1e12
        assert summary["expected-downtime"] == pytest.approx(copying, rel=0.25)


@pytest.mark.parametrize("region", [16 * KIB, 64 * KIB])
@pytest.mark.parametrize("strategy", ["post-copy", "hybrid", "ownership+pull", "ownership+copy"])
def test_pages_that_come_one_by_one_share_regions(strategy: str, region: int) -> None:
    # At the target is room for the VM, twice its state and table, and little more.
    summary = run(
        machine_of("quad"),
        strategy,
        BUSY,
        memory_bytes=3 * MIB,
        region_bytes=region,
        borrow={2: 0.5},
    ).summary
    assert summary["status"] == "completed"
    assert summary["copied-pages"] > 100


def test_ignore_shared_copies_the_sources_own_pages_and_moves_no_home() -> None:
    summary = run(machine_of("quad"), "ignore-shared", IDLE, borrow=EVERYWHERE).summary
    assert summary["copied-pages"] == 4
    assert summary["home"]["regions-transferred"] == summary["home"]["regions-returned"] == 0


def test_static_homes_are_where_the_memory_is_and_only_the_vcpus_move() -> None:
    machine = machine_of("quad")
    summary = run(machine, "static-homes", IDLE, borrow=EVERYWHERE).summary
    assert summary["copied-pages"] == summary["home"]["entries-moved"] == 0
    assert summary["home"]["regions-transferred"] == summary["home"]["regions-returned"] == 0
    assert summary["interconnect"]["migration-bytes"] == state_lines(machine) * COPY
    # All of it is lent by the target: there it is local, before that every miss goes to its home.
    shares = {
        strategy: run(
            machine, strategy, "uniform:think=0", borrow={1: 1.0}, memory_bytes=MIB
        ).summary["vm"]["local-share"]
        for strategy in ("static-homes", "ignore-shared")
    }
    assert shares["static-homes"]["after"] > 0.9 > 2 * shares["ignore-shared"]["after"]
    assert shares["static-homes"]["before"] < 0.5


@pytest.mark.parametrize("strategy", ["stop-and-copy", "post-copy"])
@pytest.mark.parametrize("workload", [IDLE, BUSY])
def test_what_the_target_holds_can_be_kept_there(strategy: str, workload: str) -> None:
    summary = run(
        machine_of("quad"), f"{strategy}:keep-held=on", workload, borrow={1: 0.25, 2: 0.25}
    ).summary
    assert summary["copied-pages"] == 12
    assert summary["home"]["regions-transferred"] == 4
    assert summary["home"]["regions-returned"] == 4  # what node 2 had lent


@pytest.mark.parametrize("workload", [IDLE, BUSY])
def test_all_pages_can_be_pulled_and_each_crosses_once(workload: str) -> None:
    machine = machine_of("quad")
    summary = run(machine, "ownership+pull:policy=all", workload, borrow={1: 0.25, 2: 0.25}).summary
    assert summary["copied-pages"] == 12
    assert summary["home"]["regions-transferred"] == 16
    [pull] = phases(summary, "pull")
    if workload == IDLE:  # it is homed at the target, which reads it where it lies
        assert pull["migration-bytes"] == 12 * PAGE // LINE * COPY


@pytest.mark.parametrize("lines", [32, 128, 1000])
def test_a_background_push_uses_all_lines_that_its_engine_has(lines: int) -> None:
    times = [
        run(machine_of("quad", outstanding_lines=lines), strategy, IDLE, memory_bytes=MIB).summary[
            "total-time"
        ]
        for strategy in ("post-copy", "stop-and-copy")
    ]
    assert times[0] == pytest.approx(times[1], rel=0.05)


def test_ignore_shared_copies_what_lies_where_the_vm_is_by_then() -> None:
    summary = run(
        machine_of("quad"), "ignore-shared", IDLE, targets=(1, 2), borrow={3: 0.5}
    ).summary
    assert [leg["copied-pages"] for leg in summary["migrations"]] == [8, 8]


@pytest.mark.parametrize("strategy", ["stop-and-copy", "pre-copy", "post-copy", "hybrid"])
def test_who_copies_everything_gives_all_that_was_borrowed_back(strategy: str) -> None:
    summary = run(machine_of("quad"), strategy, IDLE, borrow=EVERYWHERE).summary
    assert summary["home"]["regions-returned"] == 12


def test_what_was_borrowed_can_be_kept() -> None:
    for strategy in ("stop-and-copy", "return"):
        summary = run(
            machine_of("quad"), strategy, IDLE, borrow={2: 0.5}, keep_borrowed=True
        ).summary
        assert summary["home"]["regions-returned"] == 0


def test_who_pulls_gives_back_what_the_pulled_pages_lay_in() -> None:
    summary = run(
        machine_of("quad"),
        "ownership+pull:remote-share=0.1,period=10us,sample-every=1",
        "uniform:think=0,footprint=1,shared=0",
        memory_bytes=512 * KIB,
        borrow={2: 0.5},
    ).summary
    assert summary["home"]["regions-returned"] == summary["copied-pages"] > 0


def test_ownership_and_copy_moves_homes_of_the_targets_memory_and_copies_the_rest() -> None:
    summary = run(machine_of("quad"), "ownership+copy", IDLE, borrow=EVERYWHERE).summary
    assert summary["home"]["regions-transferred"] == 4
    assert summary["copied-pages"] == 12
    assert summary["home"]["regions-returned"] == 8  # what lies on nodes 2 and 3
    from_others = 8 * PAGE // LINE * COPY  # home to memory and back, for each line
    sent_bytes = 4 * REGION + (12 * PAGE // LINE + state_lines(machine_of("quad"))) * COPY
    returned = 8 * (REGION + ASKED)
    assert summary["ram"]["transferred"] == sent_bytes + from_others + returned


def test_with_its_memory_at_hand_a_vm_finds_everything_locally_afterwards() -> None:
    for strategy in ("stop-and-copy", "pre-copy", "post-copy", "hybrid"):
        summary = run(machine_of("quad"), strategy, BUSY, borrow=EVERYWHERE).summary
        assert summary["vm"]["local-share"]["after"] == 1.0, strategy
    # What the target held already is not copied: the source's caches may own lines of it.
    summary = run(machine_of("quad"), "ownership+copy", BUSY, borrow=EVERYWHERE).summary
    assert 0.8 < summary["vm"]["local-share"]["after"] < 1.0


@pytest.mark.parametrize("first", ["ownership", "static-homes"])
@pytest.mark.parametrize("policy", ["sampled", "majority"])
def test_pulling_ends_when_few_accesses_need_another_node(policy: str, first: str) -> None:
    vm: dict[str, Any] = {
        "memory_bytes": 512 * KIB,
        "borrow": EVERYWHERE,
        "window": 20 * MICROSECOND,
    }
    chase = "zipf:think=0,footprint=1,exponent=0.6"
    machine = machine_of("quad")
    small = replace(
        machine,
        slc=replace(machine.slc, size_bytes=32 * KIB),
        cache=replace(machine.cache, size_bytes=4 * KIB),
    )
    left, pulled = (
        run(small, strategy, chase, **vm).summary
        for strategy in (
            first,
            f"{first}+pull:remote-share=0.1,period=20us,sample-every=1,policy={policy}",
        )
    )
    assert left["vm"]["local-share"]["after"] < 0.7
    assert pulled["vm"]["local-share"]["after"] > 0.85
    assert 0 < pulled["copied-pages"] <= 128
    moved = [summary["home"]["regions-transferred"] for summary in (left, pulled)]
    assert moved == ([128, 128] if first == "ownership" else [0, 0])
    assert pulled["downtime"] == pytest.approx(left["downtime"], rel=0.1)
    assert (
        pulled["vm"]["accesses-per-microsecond"]["after"]
        > (left["vm"]["accesses-per-microsecond"]["after"])
    )


def test_a_vm_that_needed_no_other_node_before_is_pulled_for_as_well() -> None:
    """Of all its accesses since the measurement began, those after the switch are few."""
    summary = run(
        machine_of("quad"),
        "ownership+pull:remote-share=0.1,period=10us,sample-every=1",
        "uniform:think=0,footprint=1,shared=0",
        memory_bytes=512 * KIB,
        window=500 * MICROSECOND,
    ).summary
    assert summary["vm"]["local-share"]["before"] == 1.0
    assert summary["copied-pages"] > 0


def test_pulling_does_not_end_while_the_vm_does_nothing() -> None:
    summary = run(
        machine_of("quad"),
        "ownership+pull:sample-every=1,period=2us,max-periods=5000",
        "uniform:think=10000,footprint=0.3,shared=0",
        vcpus=1,
        memory_bytes=64 * KIB,
        borrow={2: 0.5},
        window=20 * MICROSECOND,
    ).summary
    assert summary["copied-pages"] > 0


def test_nothing_is_sampled_any_more_when_all_is_pulled(monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[int] = []
    sample = EmbeddedEngine.sample

    def note(engine: EmbeddedEngine, vm: int, every: int) -> None:
        noted.append(every)
        sample(engine, vm, every)

    monkeypatch.setattr(EmbeddedEngine, "sample", note)
    run(machine_of("tiny"), "ownership+pull:sample-every=3")
    assert noted == [3, 0]


def test_a_page_that_both_nodes_use_has_no_majority() -> None:
    votes = Votes()
    votes.add([(7, 0), (7, 1)] * 10 + [(8, 1)] * 3 + [(9, 1)] * 5 + [(9, 0)])
    assert votes.won_by(1, votes=2) == [9, 8]
    votes.add([(7, 1)] * 2)
    assert votes.won_by(1, votes=2) == [9, 8, 7]
    assert votes.won_by(0, votes=1) == []


# ---- lending -----------------------------------------------------------------------------------


def test_lending_costs_three_headers_a_region_and_returning_brings_the_data_home() -> None:
    vm: dict[str, Any] = {"borrow": {2: 0.25, 3: 0.25}}
    lent = run(machine_of("quad"), "borrow", IDLE, **vm).summary
    assert lent["home"]["regions-transferred"] == 8
    assert lent["ram"]["transferred"] == 8 * REGION  # the lender asks itself
    assert lent["downtime"] == lent["copied-pages"] == 0
    given_back = run(machine_of("quad"), "return", IDLE, **vm).summary
    assert given_back["copied-pages"] == given_back["home"]["regions-returned"] == 8
    # Lines are read from where they lie; the VM's node was their home, and asks itself.
    assert given_back["ram"]["transferred"] == 8 * PAGE // LINE * COPY + 8 * REGION


def test_a_vm_runs_on_while_its_memory_is_lent_and_given_back() -> None:
    for strategy in ("borrow", "return"):
        for name, borrow in (("tiny", {1: 0.5}), ("quad", {2: 0.25, 3: 0.25})):
            summary = run(machine_of(name), strategy, BUSY, borrow=borrow).summary
            assert summary["vm"]["accesses-per-microsecond"]["during"] > 0
            # Only a page on its way has to be waited for.
            waited = summary["postcopy-blocktime"]
            assert 0 < waited < summary["total-time"] if strategy == "return" else waited == 0
    assert summary["vm"]["local-share"]["after"] == 1.0


# ---- over one span of time ---------------------------------------------------------------------


def test_the_window_is_the_horizon_whatever_the_migration_takes() -> None:
    horizon = 300 * MICROSECOND
    for strategy in ("ownership", "stop-and-copy", "post-copy"):
        window = run(machine_of("quad"), strategy, BUSY, horizon=horizon).summary["window"]
        assert window["time"] == horizon / 1e12


def test_a_horizon_that_is_shorter_than_the_migration_is_told() -> None:
    with pytest.raises(RunError, match=r"^the migration is not over after 1us; give a longer"):
        run(machine_of("quad"), "stop-and-copy", BUSY, horizon=MICROSECOND)


def test_the_windows_energy_is_the_sum_of_its_counts_and_holds_what_was_left_remote() -> None:
    vm: dict[str, Any] = {"memory_bytes": 512 * KIB, "horizon": 400 * MICROSECOND}
    chase = "pointer-chase:think=0,footprint=1,shared=0"
    summaries = {
        s: run(machine_of("quad"), s, chase, **vm).summary for s in ("ownership", "pre-copy")
    }
    for summary in summaries.values():
        window = summary["window"]
        counts = Counts(
            dram_reads=window["dram-reads"],
            dram_writes=window["dram-writes"],
            link_bytes=window["link-bytes"],
            slc_accesses=window["slc-accesses"],
            directory_accesses=window["directory-accesses"],
        )
        energy = energy_of(counts, load_constants())
        assert window["energy"] == energy.to_dict()
        for name, totals in window["energy-sensitivity"].items():
            assert energy.total_low <= totals["low"] <= energy.total <= totals["high"], name
    # Left remote, every miss crosses the links; copied, they carry the copy only.
    left, copied = summaries["ownership"]["window"], summaries["pre-copy"]["window"]
    assert left["link-bytes"] - left["migration-link-bytes"] > 10 * (
        copied["link-bytes"] - copied["migration-link-bytes"]
    )


def test_the_course_of_a_long_migration_has_fewer_points_at_equal_distances() -> None:
    summary = run(machine_of("quad"), "stop-and-copy", memory_bytes=MIB, window=MICROSECOND).summary
    times = [point["time"] for point in summary["progress"]]
    assert 32 < len(times) <= 129
    assert times[-1] > 10 * 1e-6
    spans = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert max(spans) < 2 * min(spans[:-1])


def test_progress_ends_with_the_measurement_and_never_goes_back() -> None:
    summary = run(machine_of("quad"), "ownership", BUSY, horizon=200 * MICROSECOND).summary
    points = summary["progress"]
    assert 16 < len(points) <= 128
    assert points[0]["time"] == 0
    assert summary["window"]["time"] - points[-1]["time"] < 10e-6
    for earlier, later in itertools.pairwise(points):
        assert earlier["time"] < later["time"]
        assert earlier["accesses"][0] <= later["accesses"][0]
        assert earlier["energy"]["total"] <= later["energy"]["total"]
