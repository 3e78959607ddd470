# SPDX-License-Identifier: BSD-3-Clause
"""Static homes: what a machine does whose homes cannot move. Only the vCPUs do.

Every line is homed where it lies, before and after, as on a ccNUMA machine or with a memory pool.
The yardstick of `ownership`: what the VM gets from homes at its own node, it does not get here.
"""

from __future__ import annotations

from collections.abc import Iterator

from homeshift.strategies.base import (
    MoveCpuState,
    MoveStage2Table,
    Operation,
    Pause,
    Resume,
    Strategy,
    Vm,
)


class StaticHomes(Strategy):
    """Pause for the vCPUs' state; all memory and all homes stay where the memory lies."""

    name = "static-homes"
    begins_lent = False

    def migrate(self, vm: Vm, target: int) -> Iterator[Operation]:
        """Yield the operations that bring `vm` to the node `target`."""
        yield MoveStage2Table(vm, to=target)
        yield Pause(vm)
        yield MoveCpuState(vm, to=target)
        yield Resume(vm, on=target)
