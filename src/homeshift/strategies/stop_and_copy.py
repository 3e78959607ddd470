# SPDX-License-Identifier: BSD-3-Clause
"""Stop and copy: the textbook baseline. Everything is copied while the VM stands still."""

from __future__ import annotations

from collections.abc import Iterator

from homeshift.strategies.base import (
    Copy,
    MoveCpuState,
    MoveStage2Table,
    Operation,
    Pause,
    Resume,
    Return,
    Strategy,
    Vm,
)


class StopAndCopy(Strategy):
    """Pause, copy all pages, resume."""

    name = "stop-and-copy"

    def migrate(self, vm: Vm, target: int) -> Iterator[Operation]:
        """Yield the operations that bring `vm` to the node `target`."""
        yield Pause(vm)
        yield MoveStage2Table(vm, to=target)
        yield Copy(vm.pages, to=target)
        yield MoveCpuState(vm, to=target)
        yield Resume(vm, on=target)
        yield Return(vm)
