# SPDX-License-Identifier: BSD-3-Clause
"""What a strategy is made of: operations that it yields, one after the other.

    class StopAndCopy(Strategy):
        def migrate(self, vm, target):
            yield Pause(vm)
            yield Copy(vm.pages, to=target)
            yield MoveCpuState(vm, to=target)
            yield Resume(vm, on=target)

An operation is over, in simulated time, when the next one is asked for. A strategy never asks which
engine it runs on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol


class Vm(Protocol):
    """A VM as a strategy sees it."""

    @property
    def pages(self) -> Sequence[int]:
        """All guest pages."""

    @property
    def regions(self) -> Sequence[int]:
        """All regions of its memory."""

    def take_dirty_log(self) -> list[int]:
        """Return the pages written since the log was last taken; the first call starts it."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop the vCPUs and let their accesses end."""

    vm: Vm


@dataclass(frozen=True, slots=True)
class Copy:
    """Copy guest pages to frames of a node, to be used from `Resume` on."""

    pages: Sequence[int]
    to: int


@dataclass(frozen=True, slots=True)
class Transfer:
    """Move the homes of regions to a node; no data moves."""

    regions: Sequence[int]
    to: int


@dataclass(frozen=True, slots=True)
class MoveCpuState:
    """Copy the vCPUs' registers and device state to a node."""

    vm: Vm
    to: int


@dataclass(frozen=True, slots=True)
class Resume:
    """Let the vCPUs run on a node, with the pages that were copied in their new frames."""

    vm: Vm
    on: int


Operation = Pause | Copy | Transfer | MoveCpuState | Resume


class Strategy(ABC):
    """A way to move a VM. Register one in `strategies/__init__.py`."""

    name: ClassVar[str]
    moves: ClassVar[str]
    """What is moved, for people."""

    @abstractmethod
    def migrate(self, vm: Vm, target: int) -> Iterator[Operation]:
        """Yield the operations that bring `vm` to the node `target`."""
