# SPDX-License-Identifier: BSD-3-Clause
"""Stop and copy: the textbook baseline. Everything is copied while the VM stands still."""

from __future__ import annotations

from collections.abc import Iterator
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
    Transfer,
    Vm,
)
from homeshift.strategies.parameters import switch


@dataclass(frozen=True, kw_only=True)
class StopAndCopy(Strategy):
    """Pause, copy all pages, resume."""

    name = "stop-and-copy"

    keep_held: bool = switch("off", "what the target holds stays there: its homes move instead")

    def migrate(self, vm: Vm, target: int) -> Iterator[Operation]:
        """Yield the operations that bring `vm` to the node `target`."""
        if self.keep_held:
            yield Transfer(vm.regions_on(target), to=target)
        yield Pause(vm)
        yield MoveStage2Table(vm, to=target)
        yield Copy(vm.pages_off(target) if self.keep_held else vm.pages, to=target)
        yield MoveCpuState(vm, to=target)
        yield Resume(vm, on=target)
        yield Return(vm)
