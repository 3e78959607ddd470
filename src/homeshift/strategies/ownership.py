# SPDX-License-Identifier: BSD-3-Clause
"""Ownership: the memory control right moves, the memory stays (CN104793986B, its type 1).

The homes move while the VM runs on: its accesses wait at most for the transfer of the one region
that they touch. Then the vCPUs follow.
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
    Transfer,
    Vm,
)


class Ownership(Strategy):
    """Transfer all homes, then pause for the vCPUs' state only."""

    name = "ownership"

    def migrate(self, vm: Vm, target: int) -> Iterator[Operation]:
        """Yield the operations that bring `vm` to the node `target`."""
        yield Transfer(vm.regions, to=target)
        yield MoveStage2Table(vm, to=target)
        yield Pause(vm)
        yield MoveCpuState(vm, to=target)
        yield Resume(vm, on=target)
