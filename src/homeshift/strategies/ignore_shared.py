# SPDX-License-Identifier: BSD-3-Clause
"""Ignore shared: pre-copy of what the target cannot reach (QEMU's capability x-ignore-shared).

QEMU leaves memory out that both sides map from one place. Here that is the memory which the source
has borrowed: any node can reach it. The source's own memory is copied. Homes do not move, so the VM
reaches the borrowed memory by way of the source from now on: the software twin of `ownership`,
without a protocol for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from homeshift.strategies.base import Vm
from homeshift.strategies.pre_copy import PreCopy


@dataclass(frozen=True, kw_only=True)
class IgnoreShared(PreCopy):
    """Pre-copy of the source's local memory; borrowed memory stays, and so does its home."""

    name = "ignore-shared"

    def pages(self, vm: Vm, target: int) -> Sequence[int]:
        """Return the pages to copy."""
        return vm.pages_on(vm.node)
