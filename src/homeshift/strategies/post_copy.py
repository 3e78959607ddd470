# SPDX-License-Identifier: BSD-3-Clause
"""Post-copy: the vCPUs move first, the pages follow (Hines and Gopalan, VEE 2009; QEMU).

A page that the VM touches before it is there is fetched at once, ahead of all others: the vCPU
waits for it. All other pages are pushed in the background, those around a fault first (the paper's
prepaging), since what lies near is likely to be touched next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from homeshift.strategies.base import (
    Fetch,
    MoveCpuState,
    MoveStage2Table,
    Operation,
    Pause,
    Resume,
    Return,
    Strategy,
    Transfer,
    Vm,
)
from homeshift.strategies.parameters import bandwidth, count, switch


@dataclass(frozen=True, kw_only=True)
class PostCopy(Strategy):
    """Move the vCPUs, then fetch pages on demand, and the rest in the background."""

    name = "post-copy"

    prepaging: int = count(8, "pages around a fault that are pushed next")
    max_postcopy_bandwidth: float = bandwidth("0B/s", "of the background push (as QEMU's default)")
    keep_held: bool = switch("off", "what the target holds stays there: its homes move instead")

    def migrate(self, vm: Vm, target: int) -> Iterator[Operation]:
        """Yield the operations that bring `vm` to the node `target`."""
        if self.keep_held:
            yield Transfer(vm.regions_on(target), to=target)
        pages = vm.pages_off(target) if self.keep_held else vm.pages
        yield MoveStage2Table(vm, to=target)
        yield Pause(vm)
        yield MoveCpuState(vm, to=target)
        yield Resume(vm, on=target, missing=pages)
        yield Fetch(pages, target, self.prepaging, self.max_postcopy_bandwidth)
        yield Return(vm)
