# SPDX-License-Identifier: BSD-3-Clause
"""Ownership and copy: CN104793986B, its type 1 for what the target holds, type 2 for the rest.

The homes of regions that lie in the target's memory move to it: that memory is then local. The data
of all other nodes is brought to the target, as pre-copy does it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from homeshift.strategies.base import Operation, Transfer, Vm
from homeshift.strategies.pre_copy import PreCopy


@dataclass(frozen=True, kw_only=True)
class OwnershipCopy(PreCopy):
    """Transfer the homes of the target's memory, pre-copy everything else."""

    name = "ownership+copy"

    def migrate(self, vm: Vm, target: int) -> Iterator[Operation]:
        """Yield the operations that bring `vm` to the node `target`."""
        yield Transfer(vm.regions_on(target), to=target)
        yield from super().migrate(vm, target)

    def pages(self, vm: Vm, target: int) -> Sequence[int]:
        """Return the pages to copy."""
        return vm.pages_off(target)
