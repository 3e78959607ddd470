# SPDX-License-Identifier: BSD-3-Clause
"""The experiment: a VM warms up, is watched, migrates, and is watched again.

    result = migrate(machine=..., vm=VmSpec(...), workload=..., strategy=..., seed=1, ...)
    result.summary      # what goes into migration.json
    result.statistics   # what goes into stats.txt

The time line: `warmup`, then a window before the migration, the migration, and a window of the same
length after it, which shows what it costs to leave data where it was. Statistics begin with the
window before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from homeshift.energy import Counts, energy_of, load_constants
from homeshift.engines import Setup, make_engine
from homeshift.engines.base import Counters, Engine
from homeshift.machine import Machine
from homeshift.output import Stat
from homeshift.strategies import (
    Copy,
    MoveCpuState,
    Operation,
    Pause,
    Resume,
    Strategy,
    Transfer,
)
from homeshift.vm import PAGE_BYTES, FrameAllocator, VmSpec, state_bytes
from homeshift.workload import Workload

TICKS_PER_SECOND = 10**12
TICKS_PER_MICROSECOND = 10**6


@dataclass(frozen=True, slots=True)
class Phase:
    """One operation of a strategy, with its ticks and what was counted meanwhile."""

    name: str
    start: int
    end: int
    counted: Counters
    paused: bool


@dataclass(frozen=True, slots=True)
class Result:
    """A run: `migration.json` as a dict, and the statistics."""

    summary: dict[str, Any]
    statistics: tuple[Stat, ...]
    final_tick: int


@dataclass(slots=True)
class _Vm:
    """The VM as strategies see it, and where its frames are."""

    engine: Engine
    pages: Sequence[int]
    regions: Sequence[int]
    frames: list[int]
    state_frames: list[int]
    logging: bool = False
    syncs: int = 0
    copied: dict[int, int] = field(default_factory=dict)

    def take_dirty_log(self) -> list[int]:
        if not self.logging:
            self.logging = True
            self.engine.start_dirty_log()
            return []
        self.syncs += 1
        return self.engine.take_dirty_log()


def migrate(
    *,
    machine: Machine,
    vm: VmSpec,
    workload: Workload,
    strategy: Strategy,
    seed: int,
    warmup_ticks: int,
    window_ticks: int,
    check: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> Result:
    """Simulate one migration.

    Args:
        machine: what the VM runs on.
        vm: the VM, and where it goes.
        workload: what its vCPUs do.
        strategy: how it moves.
        seed: of the workload.
        warmup_ticks: time before anything is measured.
        window_ticks: time that is measured before and after the migration.
        check: verify every load, and the directories at the end.
        report: is told, in a line, what begins.

    Raises:
        InputError: VM, workload and machine do not fit together.
        RunError: the simulation failed.
    """
    vm.check(machine)
    streams = workload.streams(vcpus=vm.vcpus, vm_bytes=vm.memory_bytes, seed=seed)
    return _Experiment(machine, vm, streams, check=check).run(
        strategy, warmup_ticks=warmup_ticks, window_ticks=window_ticks, report=report
    )


class _Experiment:
    """Places the VM, drives the engine through the time line, and sums up."""

    def __init__(
        self, machine: Machine, spec: VmSpec, streams: Sequence[Any], *, check: bool
    ) -> None:
        self.machine = machine
        self.spec = spec
        self.check = check
        self.allocator = FrameAllocator(machine, spec.region_bytes)
        self.state_size = state_bytes(machine)
        bases = [
            self.allocator.allocate(node, spec.region_bytes, purpose="the VM")
            for node in spec.locations()
        ]
        frames = [
            base + offset for base in bases for offset in range(0, spec.region_bytes, PAGE_BYTES)
        ]
        state = [
            self.allocator.allocate(spec.source, self.state_size, purpose="the vCPUs' state")
            for _ in range(spec.vcpus)
        ]
        self.engine = make_engine(
            Setup(
                machine=machine,
                frames=frames,
                homes=dict.fromkeys(bases, spec.source),
                streams=streams,
                source=spec.source,
                region_bytes=spec.region_bytes,
                check=check,
            )
        )
        self.vm = _Vm(self.engine, range(spec.pages), bases, frames, state)
        self.paused = False
        self.phases: list[Phase] = []

    def run(
        self,
        strategy: Strategy,
        *,
        warmup_ticks: int,
        window_ticks: int,
        report: Callable[[str], None],
    ) -> Result:
        engine = self.engine
        engine.resume(self.spec.source)
        report("warming up")
        engine.run(warmup_ticks)
        engine.reset_statistics()
        before = self._watch(window_ticks)
        report(f"migrating by {strategy.name}")
        start, at_start = engine.now, engine.counters()
        for operation in strategy.migrate(self.vm, self.spec.target):
            self._execute(operation)
        end, during = engine.now, engine.counters() - at_start
        report("watching the VM at the target")
        after = self._watch(window_ticks)
        overall = engine.counters() - at_start
        statistics = tuple(engine.statistics())
        final_tick = engine.now
        if self.check:
            engine.pause()
            engine.audit()
        summary = self._summary(strategy, before, during, after, overall, ticks=end - start)
        return Result(summary=summary, statistics=statistics, final_tick=final_tick)

    def _watch(self, ticks: int) -> tuple[Counters, int]:
        start, counters = self.engine.now, self.engine.counters()
        self.engine.run(ticks)
        return self.engine.counters() - counters, self.engine.now - start

    def _execute(self, operation: Operation) -> None:
        engine, vm = self.engine, self.vm
        start, at_start = engine.now, engine.counters()
        match operation:
            case Pause():
                name = "pause"
                self.paused = True
                engine.pause()
            case Copy(pages=pages, to=node):
                name = "copy"
                self._copy(pages, node)
            case Transfer(regions=regions, to=node):
                name = "transfer"
                engine.transfer(regions, node)
            case MoveCpuState(to=node):
                name = "move-cpu-state"
                targets = [
                    self.allocator.allocate(node, self.state_size, purpose="the vCPUs' state")
                    for _ in vm.state_frames
                ]
                engine.copy(vm.state_frames, targets, self.machine.migration.cpu_state_bytes)
                vm.state_frames = targets
            case Resume(on=node):
                name = "resume"
                if vm.copied:
                    engine.remap(list(vm.copied), list(vm.copied.values()))
                    for page, frame in vm.copied.items():
                        vm.frames[page] = frame
                    vm.copied.clear()
                engine.resume(node)
        self.phases.append(
            Phase(name, start, engine.now, engine.counters() - at_start, self.paused)
        )
        if isinstance(operation, Resume):
            self.paused = False

    def _copy(self, pages: Sequence[int], node: int) -> None:
        """Copy pages to frames of a node; a page that is copied again keeps its new frame."""
        new = [page for page in pages if page not in self.vm.copied]
        if new:
            base = self.allocator.allocate(node, len(new) * PAGE_BYTES, purpose="copying pages")
            self.vm.copied.update(
                (page, base + number * PAGE_BYTES) for number, page in enumerate(new)
            )
        self.engine.copy(
            [self.vm.frames[page] for page in pages],
            [self.vm.copied[page] for page in pages],
            PAGE_BYTES,
        )

    def _summary(
        self,
        strategy: Strategy,
        before: tuple[Counters, int],
        during: Counters,
        after: tuple[Counters, int],
        overall: Counters,
        *,
        ticks: int,
    ) -> dict[str, Any]:
        seconds = ticks / TICKS_PER_SECOND
        paused = [phase for phase in self.phases if phase.paused]
        copies = [phase for phase in self.phases if phase.name == "copy"]
        pages = sum(phase.counted.lines_copied for phase in copies) * 64 // PAGE_BYTES
        downtime_bytes = sum(phase.counted.migration_bytes for phase in paused)
        energy = energy_of(
            Counts(
                dram_reads=during.migration_dram_reads,
                dram_writes=during.migration_dram_writes,
                link_bytes=during.migration_link_bytes,
                slc_accesses=during.migration_slc_accesses,
                directory_accesses=during.migration_directory_accesses,
            ),
            load_constants(),
        )
        return {
            "format": 1,
            "engine": self.engine.name,
            "strategy": strategy.name,
            "status": "completed",
            "total-time": seconds,
            "downtime": sum(p.end - p.start for p in paused) / TICKS_PER_SECOND,
            "setup-time": 0.0,
            "ram": {
                "transferred": during.migration_bytes,
                "remaining": 0,
                "total": self.spec.memory_bytes,
                "duplicate": 0,
                "normal": pages,
                "normal-bytes": pages * PAGE_BYTES,
                "dirty-sync-count": self.vm.syncs,
                "page-size": PAGE_BYTES,
                "mbps": during.migration_bytes * 8 / seconds / 1e6 if seconds else None,
                "pages-per-second": pages / seconds if seconds else None,
                "precopy-bytes": during.migration_bytes - downtime_bytes,
                "downtime-bytes": downtime_bytes,
                "postcopy-bytes": 0,
            },
            "home": {
                "regions-transferred": during.regions_moved,
                "entries-moved": during.entries_moved,
                "forwarded-requests": overall.forwarded_requests,
            },
            "interconnect": {
                "migration-bytes": during.migration_bytes,
                "control-bytes": during.control_bytes,
                "data-bytes": during.data_bytes,
            },
            "copied-pages": pages,
            "energy": energy.to_dict(),
            "vm": {
                "accesses-per-microsecond": {
                    "before": _rate(*before),
                    "during": _rate(during, ticks),
                    "after": _rate(*after),
                },
                "local-share": {"before": _local_share(before[0]), "after": _local_share(after[0])},
            },
            "phases": [{"name": p.name, "start": p.start, "end": p.end} for p in self.phases],
        }


def _rate(counted: Counters, ticks: int) -> float | None:
    return counted.accesses / (ticks / TICKS_PER_MICROSECOND) if ticks else None


def _local_share(counted: Counters) -> float | None:
    """Return the share of accesses that did not need another node."""
    return 1 - counted.remote_services / counted.accesses if counted.accesses else None
