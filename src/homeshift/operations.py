# SPDX-License-Identifier: BSD-3-Clause
"""What a strategy asks for, held against its VM, so that a wrong one is told and not simulated.

    fault_of(Resume(vm, on=2), vm=vm, target=1, paused=True)
    # 'resumes the VM on node 2, and is to bring it to node 1'

Whoever asks says which strategy it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from homeshift.running_vm import RunningVm
from homeshift.strategies import (
    Copy,
    Fetch,
    Lend,
    MoveCpuState,
    MoveStage2Table,
    Operation,
    Pause,
    Pull,
    Resume,
    Throttle,
    Transfer,
    Watch,
)


def fault_of(operation: object, *, vm: RunningVm, target: int, paused: bool) -> str | None:
    """Return what is wrong with an operation, as it follows 'strategy x', or None."""
    if not isinstance(operation, get_args(Operation)):
        return f"yields {operation!r}, which is no operation"
    match operation:
        case Pause() if paused:
            return "pauses the VM, which stands still already"
        case Resume() if not paused:
            return "resumes the VM, which runs"
        case Resume(on=node) if node != target:
            return f"resumes the VM on node {node}, and is to bring it to node {target}"
        case Watch(ticks) if ticks < 0:
            return f"watches the VM for {ticks} ticks"
        case Throttle(percentage=percentage) if not 0 <= percentage < 100:
            return f"lets vCPUs sleep for {percentage} % of the time"
    match operation:
        case Copy(to=node) | Transfer(to=node) | Fetch(to=node) | Pull(to=node) if not vm.has_node(
            node
        ):
            return f"moves something to node {node}, which the machine does not have"
        case MoveStage2Table(to=node) | MoveCpuState(to=node) | Lend(to=node) if not vm.has_node(
            node
        ):
            return f"moves something to node {node}, which the machine does not have"
        case Copy(pages) | Fetch(pages) | Pull(pages) | Resume(missing=pages):
            return _fault_of_pages(pages, vm)
        case Transfer(regions) if not vm.has_regions(regions):
            return "transfers a region that is not of the VM"
    return None


def _fault_of_pages(pages: Sequence[int], vm: RunningVm) -> str | None:
    if pages and not 0 <= min(pages) <= max(pages) < vm.spec.pages:
        return f"names a page that is not of the VM, which has the pages 0 to {vm.spec.pages - 1}"
    return None
