# SPDX-License-Identifier: BSD-3-Clause
"""What a strategy asks for, held against its VM, so that a wrong one is told and not simulated.

    fault_of(Resume(vm, on=2), vm=vm, target=1, paused=True)
    # 'resumes the VM on node 2, and is to bring it to node 1'

Whoever asks says which strategy it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from numbers import Integral, Real
from operator import lt
from typing import get_args

from homeshift.experiment.running_vm import RunningVm, fault_of_numbers
from homeshift.strategies import (
    Copy,
    Fetch,
    MoveCpuState,
    Operation,
    Pause,
    Pull,
    Resume,
    Throttle,
    Transfer,
    Watch,
)
from homeshift.units import MOST


def fault_of(operation: object, *, vm: RunningVm, target: int, paused: bool) -> str | None:
    """Return what is wrong with an operation, as it follows 'strategy x', or None."""
    if not isinstance(operation, get_args(Operation)):
        return f"yields {operation!r}, which is no operation"
    return (
        _fault_of_types(operation)
        or _fault_of_places(operation, vm)
        or _fault_of_order(operation, vm, target, paused)
    )


def _fault_of_types(operation: Operation) -> str | None:
    to = getattr(operation, "to", 0)  # of all that move something
    if not isinstance(to, Integral):
        return f"moves something to node {to!r}, which is no whole number"
    on = getattr(operation, "on", 0)
    if not isinstance(on, Integral):
        return f"resumes the VM on node {on!r}, which is no whole number"
    bandwidth = getattr(operation, "max_bandwidth", 0.0)
    if not isinstance(bandwidth, Real) or not float(bandwidth) >= 0:
        return f"copies with {bandwidth!r}, which is no number of bytes per second"
    if 0 < float(bandwidth) < 1:
        return f"copies with {bandwidth} B/s: give 1 or more, or 0 for what the machine can do"
    for name in ("prepaging", "percentage", "slice_ticks", "ticks"):
        value = getattr(operation, name, 0)
        if not isinstance(value, Integral):
            return f"gives {value!r} as {name}, which is no whole number"
    match operation:
        case Copy(pages) | Fetch(pages) | Pull(pages) | Resume(missing=pages):
            return fault_of_numbers(pages, "pages")
        case Transfer(regions):
            return fault_of_numbers(regions, "regions")
    return None


def _fault_of_order(operation: Operation, vm: RunningVm, target: int, paused: bool) -> str | None:
    match operation:
        case Pause() if paused:
            return "pauses the VM, which stands still already"
        case MoveCpuState() if not paused:
            return "moves the state of vCPUs that run"
        case Copy(pages) if len(pages) and not paused and not vm.logging:
            return (
                "copies pages of a running VM without its dirty log, and so will miss what is "
                "written meanwhile: call vm.take_dirty_log() before, which starts the log"
            )
        case Resume() if not paused:
            return "resumes the VM, which runs"
        case Resume(on=node) if node != target:
            return f"resumes the VM on node {node}, and is to bring it to node {target}"
        case Resume(on=node) if vm.state and vm.location(vm.state[0]) != node:
            return f"resumes the VM on node {node}, where the state of its vCPUs has not been moved"
        case Resume(on=node) if vm.stage2 and vm.location(vm.stage2[0]) != node:
            return (
                f"resumes the VM on node {node}, where its page table has not been moved: yield "
                f"MoveStage2Table(vm, to={node}) before, or run with --stage2-entry 0B"
            )
        case Watch(ticks) if ticks < 0:
            return f"watches the VM for {ticks} ticks"
        case Throttle(percentage=percentage) if not 0 <= percentage < 100:
            return f"lets vCPUs sleep for {percentage} % of the time"
        case Throttle(slice_ticks=ticks) if not 0 < ticks <= MOST:
            return f"lets vCPUs sleep in slices of {ticks} ticks: give 1 to 2^60"
    return None


def _fault_of_places(operation: Operation, vm: RunningVm) -> str | None:
    to = getattr(operation, "to", None)
    if to is not None and not vm.has_node(to):
        return f"moves something to node {to}, which the machine does not have"
    if getattr(operation, "vm", vm) is not vm:
        return (
            f"yields a {type(operation).__name__} of something else than its VM: give it the `vm` "
            f"that migrate(vm, target) is called with"
        )
    match operation:
        case Copy(pages) | Fetch(pages) | Pull(pages) | Resume(missing=pages):
            if fault := vm.fault_of_pages(pages):
                return fault
            if not _distinct(pages):
                return "names a page twice"
        case Transfer(regions):
            if not vm.has_regions(regions):
                return (
                    "transfers a region that is not of the VM: give some of vm.regions, or "
                    "vm.regions_of(pages)"
                )
            if regions is not vm.regions and not _distinct(regions):
                return "transfers a region twice"
    return None


def _distinct(numbers: Sequence[int]) -> bool:
    """Return whether each is named once: seen without a set of millions if they are in order."""
    return all(map(lt, numbers, islice(numbers, 1, None))) or len(set(numbers)) == len(numbers)
