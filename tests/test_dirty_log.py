# SPDX-License-Identifier: BSD-3-Clause
"""The dirty log names every page that was written; a strategy that copies by it loses nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from experiments import KIB, MICROSECOND, machine_of, run
from machines import small, stop, stream

from homeshift._engine import RequestStream, System
from homeshift.engines import Setup, VmSetup, make_engine
from homeshift.errors import RunError
from homeshift.experiment.frames import FrameAllocator
from homeshift.experiment.result import Result
from homeshift.experiment.running_vm import RunningVm
from homeshift.experiment.vm import VmSpec
from homeshift.machine import Machine, load_machine
from homeshift.strategies import (
    Copy,
    MoveCpuState,
    Operation,
    Pause,
    Resume,
    Strategy,
    Vm,
)
from homeshift.units import PAGE_BYTES
from homeshift.workload import parse_workload

PAGES = 32


def written_pages(stream: dict[str, str | int | float], first: int, last: int) -> set[int]:
    """Return the pages that the accesses from `first` up to `last` of a stream write."""
    accesses = RequestStream(stream).take(last)[first:]
    return {address // PAGE_BYTES for address, _, write in accesses if write}


def test_the_log_names_the_pages_written_since_it_was_taken() -> None:
    machine = load_machine("tiny")
    [stream] = parse_workload("uniform:write_ratio=0.2,footprint=1").streams(
        vcpus=1, vm_bytes=PAGES * PAGE_BYTES, seed=3
    )
    engine = make_engine(
        Setup(
            machine=machine,
            vms=[VmSetup(frames=[p * PAGE_BYTES for p in range(PAGES)], streams=[stream])],
            homes={},
            region_bytes=PAGE_BYTES,
            check=True,
        )
    )

    def run_a_while() -> int:
        """Run and pause: then exactly the accesses counted are done, in the stream's order."""
        engine.resume(0, 0)
        engine.run(MICROSECOND)
        engine.pause(0)
        while not engine.paused(0):
            engine.wait(None)
        return engine.vm_counters(0).accesses

    before = run_a_while()
    engine.start_dirty_log(0)
    first = run_a_while()
    assert set(engine.take_dirty_log(0)) == written_pages(stream, before, first)
    second = run_a_while()
    assert set(engine.take_dirty_log(0)) == written_pages(stream, first, second)
    assert 0 < len(written_pages(stream, first, second)) < PAGES
    assert engine.take_dirty_log(0) == []
    engine.stop_dirty_log(0)
    run_a_while()
    assert engine.take_dirty_log(0) == []


class PreCopy(Strategy):
    """Pre-copy in a few rounds: all pages, then the dirty ones, the last of them while paused."""

    name = "pre-copy"

    def migrate(self, vm: Vm, target: int) -> Iterator[Operation]:
        """Yield the operations that bring `vm` to the node `target`."""
        dirty = vm.pages
        vm.take_dirty_log()
        for _ in range(3):
            yield Copy(dirty, to=target)
            dirty = vm.take_dirty_log()
        yield Pause(vm)
        yield Copy(self.left_over(dirty, vm.take_dirty_log()), to=target)
        yield MoveCpuState(vm, to=target)
        yield Resume(vm, on=target)

    def left_over(self, dirty: Sequence[int], at_last: Sequence[int]) -> Sequence[int]:
        """Return the pages to copy while paused: of the last round, and written since."""
        return sorted({*dirty, *at_last})


class Careless(PreCopy):
    """Forgets what was written during the last round."""

    def left_over(self, dirty: Sequence[int], at_last: Sequence[int]) -> Sequence[int]:
        """Return what was written since the last round only."""
        return sorted(set(at_last) - set(dirty))


def migrate_by(strategy: Strategy, *, targets: tuple[int, ...] = (1,)) -> Result:
    workload = "uniform:write_ratio=0.5,footprint=1,shared=0.5"
    vm: dict[str, Any] = {"memory_bytes": 128 * KIB, "targets": targets, "stage2_entry_bytes": 0}
    return run(machine_of("tiny"), strategy, workload, window=50 * MICROSECOND, **vm)


def test_a_log_that_is_started_again_begins_empty() -> None:
    system = System(small())
    system.add_vm([0], [stream(write_ratio=1.0)])
    system.start_dirty_log(0)
    system.start_vm(0, [0])
    system.run(1000)
    stop(system, 0)
    system.stop_dirty_log(0)
    system.start_dirty_log(0)
    assert system.take_dirty_log(0) == []


def test_a_vm_that_is_copied_while_it_runs_reads_what_it_wrote() -> None:
    summary = migrate_by(PreCopy()).summary
    assert summary["ram"]["dirty-sync-count"] == 4
    assert summary["copied-pages"] > 32
    assert summary["ram"]["precopy-bytes"] > summary["ram"]["downtime-bytes"] > 0
    assert summary["vm"]["accesses-per-microsecond"]["during"] > 0


def test_a_copy_that_misses_a_dirty_page_is_found_out() -> None:
    with pytest.raises(RunError, match="copies of 32 pages that have been written since"):
        migrate_by(Careless())


def test_a_load_of_a_page_that_was_not_copied_again_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(RunningVm, "stale_copies", lambda _: set())
    with pytest.raises(RunError, match="returned store"):
        migrate_by(Careless())


class Unasked(Strategy):
    """Copies all pages again while the VM stands still, whatever the log says."""

    name = "unasked"

    def migrate(self, vm: Vm, target: int) -> Iterator[Operation]:
        vm.take_dirty_log()
        yield Copy(vm.pages, to=target)
        yield Pause(vm)
        yield Copy(vm.pages, to=target)
        assert vm.take_dirty_log()  # of what was written before the last copy
        assert vm.take_dirty_log() == []  # each is told once
        yield MoveCpuState(vm, to=target)
        yield Resume(vm, on=target)


def test_a_page_that_is_copied_after_the_last_write_is_no_fault() -> None:
    assert migrate_by(Unasked()).summary["copied-pages"] == 64


class Unheard(Strategy):
    """Copies all pages again while the VM stands still, and does not look at the log."""

    name = "unheard"

    def migrate(self, vm: Vm, target: int) -> Iterator[Operation]:
        vm.take_dirty_log()
        assert vm.take_dirty_log() == []  # no time has passed
        yield Copy(vm.pages, to=target)
        yield Pause(vm)
        yield Copy(vm.pages, to=target)
        yield MoveCpuState(vm, to=target)
        yield Resume(vm, on=target)


def test_what_a_migration_has_not_told_the_next_one_does_not_hear() -> None:
    assert migrate_by(Unheard(), targets=(1, 0)).summary["copied-pages"] == 128


def test_a_migration_begins_regions_of_its_own() -> None:
    """The homes of those that an earlier one has begun to fill may be elsewhere by now."""
    machine, region = load_machine("tiny"), 16 << 10
    vm = RunningVm(
        number=0,
        spec=VmSpec(memory_bytes=128 << 10, vcpus=1, source=0, targets=(1,), region_bytes=region),
        machine=machine,
        allocator=FrameAllocator(machine, region),
    )
    begun = vm.frames_for([0], 1) + vm.frames_for([1], 1)
    vm.begin_migration()
    new = vm.frames_for([2], 1)
    assert [frame // region - begun[0] // region for frame in begun + new] == [0, 0, 1]


class Samples:
    """An engine of which a VM hears of these samples, in turn."""

    def __init__(self, *samples: list[int]) -> None:
        self.samples = list(samples)

    def sample(self, vm: int, every: int) -> None:
        """Need not do anything."""

    def map_pages(self, vm: int, pages: Sequence[int], frames: Sequence[int]) -> None:
        """Need not do anything."""

    def take_samples(self, _: int) -> list[int]:
        return self.samples.pop(0)


def a_vm(machine: Machine, allocator: FrameAllocator, region: int) -> RunningVm:
    spec = VmSpec(memory_bytes=64 << 10, vcpus=1, source=0, targets=(1,), region_bytes=region)
    return RunningVm(number=0, spec=spec, machine=machine, allocator=allocator)


def test_each_sample_is_told_once_with_the_node_where_the_vm_was() -> None:
    machine = load_machine("tiny")
    vm = a_vm(machine, FrameAllocator(machine, PAGE_BYTES), PAGE_BYTES)
    vm.attach(Samples([9], [1, 2], [3], [4]))  # type: ignore[arg-type]
    vm.tag_samples()
    vm.sample(8)  # forgets what an earlier migration has left
    vm.tag_samples()
    vm.node = 1
    assert vm.take_samples() == [(1, 0), (2, 0), (3, 1)]
    assert vm.take_samples() == [(4, 1)]


def test_what_a_migration_that_is_called_off_had_begun_to_fill_is_free_again() -> None:
    machine, region = load_machine("tiny"), 16 << 10
    allocator = FrameAllocator(machine, region)
    vm = a_vm(machine, allocator, region)
    vm.attach(Samples())  # type: ignore[arg-type]
    vm.frames_for([0, 1], 1)
    vm.use_copies([0])  # in a region that page 1 was to share
    begun = vm.frames_for([4, 5, 6, 7], 1)
    vm.discard_copies(0)
    free = allocator.allocate_pages(1, 8, purpose="another VM")
    assert set(begun[2:]) <= set(free)
    assert vm.frames[0] not in free


def test_the_regions_of_pages_are_those_that_they_lie_in_now() -> None:
    machine, region = load_machine("tiny"), 8 << 10
    vm = RunningVm(
        number=0,
        spec=VmSpec(memory_bytes=32 << 10, vcpus=1, source=0, borrow={1: 0.5}, region_bytes=region),
        machine=machine,
        allocator=FrameAllocator(machine, region),
    )
    other = machine.memory.size_bytes  # where node 1's memory begins
    assert list(vm.regions) == [0, other, region, other + region]
    assert list(vm.regions_of(vm.pages)) == list(vm.regions)
    assert list(vm.regions_of([3, 2, 0, 1])) == [other, 0]
    vm.frames[0] = other + 2 * region  # as after a copy
    assert list(vm.regions_of([0, 1])) == [other + 2 * region, 0]
    for wrong in (-1, 8):
        with pytest.raises(RunError, match="not of the VM: it has the pages 0 to 7"):
            vm.regions_of([0, wrong])
