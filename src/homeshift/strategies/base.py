# SPDX-License-Identifier: BSD-3-Clause
"""What a strategy is made of: operations that it yields, one after the other.

    class StopAndCopy(Strategy):
        def migrate(self, vm, target):
            yield Pause(vm)
            yield MoveStage2Table(vm, to=target)
            yield Copy(vm.pages, to=target)
            yield MoveCpuState(vm, to=target)
            yield Resume(vm, on=target)

An operation is over, in simulated time, when the next one is asked for. A strategy never asks which
engine it runs on, and keeps its state in local variables: one strategy may move many VMs at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from homeshift.strategies.parameters import parameters_of
from homeshift.strategies.recording import recorded


class Vm(Protocol):
    """A VM as a strategy sees it.

    A page is named by its place in guest memory, from 0 on; a region by the address of its first
    byte in the machine's memory.
    """

    @property
    def node(self) -> int:
        """Where it runs, or stands."""

    @property
    def pages(self) -> Sequence[int]:
        """All guest pages."""

    @property
    def regions(self) -> Sequence[int]:
        """All regions of its memory."""

    def pages_on(self, node: int) -> Sequence[int]:
        """Return the guest pages that lie in the memory of a node."""

    def pages_off(self, node: int, among: Iterable[int] | None = None) -> Sequence[int]:
        """Return the guest pages, or those among some, that lie in the memory of other nodes."""

    def regions_on(self, node: int) -> Sequence[int]:
        """Return the regions that lie in the memory of a node."""

    def regions_of(self, pages: Iterable[int]) -> Sequence[int]:
        """Return the regions that guest pages lie in now, each once.

        A region can hold more pages than these.
        """

    def take_dirty_log(self) -> list[int]:
        """Return the pages written since the log was last taken; the first call starts it."""

    @property
    def copy_bandwidth(self) -> float:
        """Bytes per second of the last copy."""

    def sample(self, every: int) -> None:
        """Note one in so many accesses that needed another node; 0 ends it."""

    def take_samples(self) -> list[tuple[int, int]]:
        """Return (page, node that accessed it) of what was noted since this was last asked."""

    def remote_share(self) -> float:
        """Return the share of accesses that needed another node, since this was last asked.

        NaN, which is neither above nor below anything, if there were fewer than 100; they count
        next time.
        """


@dataclass(frozen=True, slots=True)
class Pause:
    """Stop the vCPUs and let their accesses end."""

    vm: Vm


@dataclass(frozen=True, slots=True)
class Copy:
    """Copy guest pages to frames of a node, to be used from `Resume` on."""

    pages: Sequence[int]
    to: int
    max_bandwidth: float = 0.0
    """Bytes per second; 0: as fast as the machine can."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Move the homes of regions to a node; no data moves."""

    regions: Sequence[int]
    to: int


@dataclass(frozen=True, slots=True)
class MoveStage2Table:
    """Copy the table from guest pages to frames to a node."""

    vm: Vm
    to: int


@dataclass(frozen=True, slots=True)
class MoveCpuState:
    """Copy the vCPUs' registers and device state to a node."""

    vm: Vm
    to: int


@dataclass(frozen=True, slots=True)
class Resume:
    """Let the vCPUs run on a node, with the pages that were copied in their new frames.

    An access to a page that is still missing waits until it is fetched.
    """

    vm: Vm
    on: int
    missing: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Fetch:
    """Bring pages that `Resume` has called missing to a node where the VM runs already.

    A page that is touched comes first, then the pages around it, then all others in order. Who
    touches a missing page that is not among these waits until it is fetched later.
    """

    pages: Sequence[int]
    to: int
    prepaging: int = 0
    """Pages around a fault that come next."""
    max_bandwidth: float = 0.0
    """Of the pages that nobody has touched yet; 0: as fast as the machine can."""


@dataclass(frozen=True, slots=True)
class Pull:
    """Move guest pages of a running VM to frames of a node; accesses to them wait meanwhile."""

    pages: Sequence[int]
    to: int


@dataclass(frozen=True, slots=True)
class Throttle:
    """Let the vCPUs sleep for a percentage of the time."""

    vm: Vm
    percentage: int
    slice_ticks: int


@dataclass(frozen=True, slots=True)
class Watch:
    """Let the VM run for a time."""

    ticks: int


@dataclass(frozen=True, slots=True)
class Lend:
    """Let the nodes where a VM's memory lies hand the homes of it to a node."""

    vm: Vm
    to: int


@dataclass(frozen=True, slots=True)
class Return:
    """Give borrowed memory that the VM does not use any more back to the nodes where it lies."""

    vm: Vm


@dataclass(frozen=True, slots=True)
class Cancel:
    """Give up: what was done is taken back, and the VM runs on where it was.

    It is the last operation, and comes before the VM runs at the target.
    """

    vm: Vm


Operation = (
    Pause
    | Copy
    | Transfer
    | MoveStage2Table
    | MoveCpuState
    | Resume
    | Fetch
    | Pull
    | Throttle
    | Watch
    | Lend
    | Return
    | Cancel
)


class Strategy(ABC):
    """A way to move a VM. Register one in `strategies/__init__.py`.

    A strategy with parameters is a frozen dataclass; `parameters.py` says how they are declared.
    Other attributes of an object are recorded with its runs as well (`recording.py`).
    """

    name: ClassVar[str]
    stays: ClassVar[bool] = False
    """Whether the VM stays where it is, and only memory moves."""
    begins_lent: ClassVar[bool] = True
    """Whether borrowed memory is homed at the VM's node before; if not, it is where it lies."""

    @abstractmethod
    def migrate(self, vm: Vm, target: int) -> Iterator[Operation]:
        """Yield the operations that bring `vm` to the node `target`."""

    def to_dict(self) -> dict[str, Any]:
        """Return its name, parameters and other attributes as data that JSON can hold."""
        units = {name: known.unit for name, known in parameters_of(type(self)).items()}
        return {
            "name": self.name,
            **{
                f"{name}_{units[name]}" if units.get(name) else name: value
                for name, value in recorded(self).items()
            },
        }
