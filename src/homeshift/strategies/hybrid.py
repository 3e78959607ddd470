# SPDX-License-Identifier: BSD-3-Clause
"""Hybrid: a bounded pre-copy, then post-copy (QEMU's migrate-start-postcopy).

Most pages are at the target when the vCPUs get there; those written since are fetched on demand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from homeshift.strategies.base import (
    Copy,
    Fetch,
    MoveCpuState,
    MoveStage2Table,
    Operation,
    Pause,
    Resume,
    Return,
    Strategy,
    Vm,
)
from homeshift.strategies.parameters import bandwidth, count


@dataclass(frozen=True, kw_only=True)
class Hybrid(Strategy):
    """Copy in a few rounds while the VM runs, move the vCPUs, fetch what was written since."""

    name = "hybrid"

    precopy_rounds: int = count(1, "before the vCPUs move", least=1)
    max_bandwidth: float = bandwidth("0B/s", "of copies while the VM runs (QEMU: 128MiB/s)")
    prepaging: int = count(8, "pages around a fault that are pushed next")
    max_postcopy_bandwidth: float = bandwidth("0B/s", "of the background push (as QEMU's default)")

    def migrate(self, vm: Vm, target: int) -> Iterator[Operation]:
        """Yield the operations that bring `vm` to the node `target`."""
        dirty = list(vm.pages)
        vm.take_dirty_log()
        yield MoveStage2Table(vm, to=target)
        for _ in range(self.precopy_rounds):
            yield Copy(dirty, to=target, max_bandwidth=self.max_bandwidth)
            dirty = vm.take_dirty_log()
        yield Pause(vm)
        missing = sorted({*dirty, *vm.take_dirty_log()})
        yield MoveCpuState(vm, to=target)
        yield Resume(vm, on=target, missing=missing)
        yield Fetch(missing, target, self.prepaging, self.max_postcopy_bandwidth)
        yield Return(vm)
