# SPDX-License-Identifier: BSD-3-Clause
"""Lending: `Transfer` seen from its other two sides. The VM stays where it is.

`borrow`: a VM that runs already gets memory of other nodes; until now that memory is homed where it
lies. Each lender hands its regions to the VM's node. `return`: the VM does without what it has
borrowed. Its data is pulled into the node's own memory, then the homes go back to the lenders.
"""

from __future__ import annotations

from collections.abc import Iterator

from homeshift.strategies.base import Lend, Operation, Pull, Return, Strategy, Vm


class Borrow(Strategy):
    """Let the lenders hand over the homes of what the VM borrows."""

    name = "borrow"
    stays = True
    begins_lent = False

    def migrate(self, vm: Vm, target: int) -> Iterator[Operation]:
        """Yield the operations that bring all homes to the node `target`, where the VM is."""
        yield Lend(vm, to=target)


class GiveBack(Strategy):
    """Pull the borrowed pages into the node's own memory, and give the regions back."""

    name = "return"
    stays = True

    def migrate(self, vm: Vm, target: int) -> Iterator[Operation]:
        """Yield the operations after which the VM has all of its memory on the node `target`."""
        yield Pull(vm.pages_off(target), to=target)
        yield Return(vm)
