# SPDX-License-Identifier: BSD-3-Clause
"""Pre-copy: the VM runs on while its pages are copied, in rounds (Clark et al., NSDI 2005; QEMU).

The first round copies all pages, each later one those that were written during the round before.
When the rest can be copied within the downtime limit, at the bandwidth just seen, or when rounds
run out, the VM is paused and the rest is copied.

Names are QEMU's. QEMU's defaults date from links of 1 Gb/s (0.125 GB/s): downtime-limit=300ms,
max-bandwidth=128MiB/s, cpu-throttle's slice 10 ms. The links of `quad` are 256 times as fast, so
times are about a 256th of QEMU's, and what limits a copy is the machine: mostly the number of lines
that a migration engine has in flight.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

from homeshift.strategies.base import (
    Copy,
    MoveCpuState,
    MoveStage2Table,
    Operation,
    Pause,
    Resume,
    Return,
    Strategy,
    Throttle,
    Vm,
)
from homeshift.strategies.parameters import bandwidth, count, switch, time
from homeshift.units import PAGE_BYTES, TICKS_PER_SECOND


@dataclass(frozen=True, kw_only=True)
class PreCopy(Strategy):
    """Copy all pages while the VM runs, then dirty pages in rounds, the rest while it is paused."""

    name = "pre-copy"

    downtime_limit: int = time("1ms", "pause when the rest takes no longer (QEMU: 300ms)")
    max_bandwidth: float = bandwidth("0B/s", "of copies while the VM runs (QEMU: 128MiB/s)")
    max_rounds: int = count(30, "pause after so many, as Xen does (QEMU: no bound)", least=1)
    auto_converge: bool = switch("off", "throttle the vCPUs if they write too much")
    throttle_trigger_threshold: int = count(
        50, "percent of what a round copied that may be written meanwhile", least=1, most=100
    )
    cpu_throttle_initial: int = count(20, "percent of the time that vCPUs sleep", least=1, most=99)
    cpu_throttle_increment: int = count(10, "percent more, each time", least=1, most=99)
    max_cpu_throttle: int = count(99, "percent at most", least=1, most=99)
    cpu_throttle_slice: int = time("40us", "in which vCPUs sleep and run (QEMU: 10ms)")

    def migrate(self, vm: Vm, target: int) -> Iterator[Operation]:
        """Yield the operations that bring `vm` to the node `target`."""
        chosen = set(self.pages(vm, target))
        vm.take_dirty_log()
        yield MoveStage2Table(vm, to=target)
        dirty = yield from self.rounds(vm, target, chosen)
        yield Pause(vm)
        last = chosen.intersection(vm.take_dirty_log())
        yield Copy(sorted(last.union(dirty)), to=target)
        yield MoveCpuState(vm, to=target)
        yield Resume(vm, on=target)
        yield Return(vm)

    def rounds(
        self, vm: Vm, target: int, chosen: set[int]
    ) -> Generator[Operation, None, list[int]]:
        """Copy `chosen` pages and the dirty ones among them; return those that are left."""
        dirty = sorted(chosen)
        throttle, excesses = 0, 0
        for _ in range(self.max_rounds):
            yield Copy(dirty, to=target, max_bandwidth=self.max_bandwidth)
            copied, dirty = len(dirty), sorted(chosen.intersection(vm.take_dirty_log()))
            if self.converged(dirty, vm):
                break
            if self.auto_converge and 100 * len(dirty) > self.throttle_trigger_threshold * copied:
                excesses += 1
                if excesses % 2 == 0:  # QEMU bears it once
                    more = self.cpu_throttle_increment if throttle else self.cpu_throttle_initial
                    throttle = min(throttle + more, self.max_cpu_throttle)
                    yield Throttle(vm, throttle, self.cpu_throttle_slice)
        return dirty

    def pages(self, vm: Vm, target: int) -> Sequence[int]:
        """Return the pages to copy."""
        return vm.pages

    def converged(self, dirty: Sequence[int], vm: Vm) -> bool:
        """Return whether the VM may be paused to copy the rest."""
        expected_downtime = len(dirty) * PAGE_BYTES / vm.copy_bandwidth * TICKS_PER_SECOND
        return expected_downtime <= self.downtime_limit
