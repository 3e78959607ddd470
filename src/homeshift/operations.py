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
    to = getattr(operation, "to", None)  # of all that move something
    if to is not None and not vm.has_node(to):
        return f"moves something to node {to}, which the machine does not have"
    match operation:
        case Copy(pages) | Fetch(pages) | Pull(pages) | Resume(missing=pages):
            return _fault_of_pages(pages, vm)
        case Transfer(regions) if not vm.has_regions(regions):
            return "transfers a region that is not of the VM"
    return None


def _fault_of_pages(pages: Sequence[int], vm: RunningVm) -> str | None:
    if pages and not 0 <= min(pages) <= max(pages) < vm.spec.pages:
        return f"names a page that is not of the VM, which has the pages 0 to {vm.spec.pages - 1}"
    return None
