# SPDX-License-Identifier: BSD-3-Clause
"""What a migration needs of an engine; two implementations: embedded, and gem5.

An engine simulates one machine with VMs on it. Nothing here takes simulated time but `run` and
`wait`: every other method begins something, asks, or takes effect at once. What was begun goes on
while time passes, so any number of VMs can migrate at the same time:

    job = engine.copy(sources, targets, 4096, node=0, owner=0)
    while engine.left(job):
        engine.wait(None)

Times are gem5's ticks, 1 ps. VMs are numbered in the order of `Setup.vms`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Protocol, TypeVar

from homeshift.machine import Machine
from homeshift.output import Stat
from homeshift.units import LINE_BYTES, TICKS_PER_SECOND

T = TypeVar("T", "Counters", "VmCounters")


@dataclass(frozen=True, slots=True, kw_only=True)
class VmSetup:
    """What a VM is made from.

    Args:
        frames: physical address of each guest page.
        streams: one request stream a vCPU (`Workload.streams`).
        first_core: it runs on this core of a node, and those after it, on every node.
    """

    frames: Sequence[int]
    streams: Sequence[Mapping[str, str | int | float]]
    first_core: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """How detailed parts of the machine are; whatever is not "simple" exists inside gem5 only.

    Args:
        memory: "simple" (latency and bandwidth) or "ddr4" (gem5's DRAM controller).
        network: "simple" (gem5's SimpleNetwork and its likes) or "garnet" (flits and buffers).
        cpu: that runs a program or a full system: "simple" (TimingSimpleCPU, one access at a time),
            "minor" (MinorCPU, in order) or "o3" (O3CPU, out of order).
    """

    memory: str = "simple"
    network: str = "simple"
    cpu: str = "simple"


def line_interval_ticks(bytes_per_second: float) -> int:
    """Return the time from one copied line to the next at a bandwidth; 0 if there is no limit."""
    return round(LINE_BYTES / bytes_per_second * TICKS_PER_SECOND) if bytes_per_second else 0


def awake_cycles(slice_cycles: int, percentage: int) -> int:
    """Return how long vCPUs are awake in each slice of which they sleep for a percentage."""
    return max(1, slice_cycles * (100 - percentage) // 100)


MEMORY_MODELS = ("simple", "ddr4")
NETWORK_MODELS = ("simple", "garnet")
CPU_MODELS = ("simple", "minor", "o3")


@dataclass(frozen=True, slots=True, kw_only=True)
class FastForward:
    """How a full system gets to where it is of interest, inside gem5 only.

    Args:
        ticks: that it runs for, at most, without caches and network.
        restore: directory of the checkpoint to begin with.
        take_checkpoint: directory to write a checkpoint into, at the end of it.
    """

    ticks: int = 0
    restore: str | None = None
    take_checkpoint: str | None = None

    def __bool__(self) -> bool:
        """Return whether there is anything to be done."""
        return self != FastForward()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What an engine is made from.

    Args:
        machine: what to simulate.
        vms: the VMs on it, paused at first.
        homes: node -> regions that it is home of, named by an address in each; other regions are
            homed where they lie.
        region_bytes: unit in which homes move.
        check: verify that every load returns the last value written.
        models: of memory and network.
        fast_forward: of the first VM.
    """

    machine: Machine
    vms: Sequence[VmSetup]
    homes: Mapping[int, Sequence[int]]
    region_bytes: int
    check: bool
    models: Models = Models()
    fast_forward: FastForward = FastForward()


def _difference(later: T, earlier: T) -> T:
    return type(later)(
        **{f.name: getattr(later, f.name) - getattr(earlier, f.name) for f in fields(later)}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What has been counted so far; `later - earlier` is what a phase did.

    Args:
        migration_bytes: between nodes, caused by the migration; a message counts once.
        control_bytes: between nodes, of the VMs, messages without data.
        data_bytes: between nodes, of the VMs, messages with data.
        link_bytes: all bytes, once for each link that they cross.
        migration_link_bytes: migration bytes, once for each link that they cross.
        forwarded_requests: requests that a former home sent on.
        access_faults: requests that homes refused, since a node had lost its right.
        entries_moved: directory entries handed over by transfers.
        dram_reads: of a line, for whatever reason.
        dram_writes: of a line, for whatever reason.
        slc_accesses: lines read from or written to slices, for whatever reason.
        directory_accesses: requests that a home has served, and entries that departed (a dirty one
            is written back first, and counts twice), came or were recalled.
        migration_dram_reads: of a line, for copies.
        migration_dram_writes: of a line, for copies, for slices that leave with their region, and
            of what a fence recalls.
        migration_slc_accesses: slice reads for copies and departing regions, writes of what a fence
            recalls.
        migration_directory_accesses: look-ups and updates for copies, transfers and fences.
    """

    migration_bytes: int = 0
    control_bytes: int = 0
    data_bytes: int = 0
    link_bytes: int = 0
    migration_link_bytes: int = 0
    forwarded_requests: int = 0
    access_faults: int = 0
    entries_moved: int = 0
    dram_reads: int = 0
    dram_writes: int = 0
    slc_accesses: int = 0
    directory_accesses: int = 0
    migration_dram_reads: int = 0
    migration_dram_writes: int = 0
    migration_slc_accesses: int = 0
    migration_directory_accesses: int = 0

    def __sub__(self, earlier: Counters) -> Counters:
        return _difference(self, earlier)


@dataclass(frozen=True, slots=True, kw_only=True)
class VmCounters:
    """What one VM has done so far; `later - earlier` is what it did in between.

    Args:
        accesses: done.
        remote_accesses: those for which home or data supplier was another node.
        latency_ticks: from issue to answer, summed over accesses.
        all_blocked_ticks: that all vCPUs waited for missing pages at once.
        instructions: done by CPUs that run a program or a full system; vCPUs that replay accesses
            have none.
    """

    accesses: int = 0
    remote_accesses: int = 0
    latency_ticks: int = 0
    all_blocked_ticks: int = 0
    instructions: int = 0

    def __sub__(self, earlier: VmCounters) -> VmCounters:
        return _difference(self, earlier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link between routers; node n is router n, a crossbar has one router more in its middle.

    Args:
        source: router.
        target: router.
        busy_ticks: that it carried something.
    """

    source: int
    target: int
    busy_ticks: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """What sends and receives messages.

    Args:
        node: that it is part of.
        machine: "L1Cache", "Directory" (home), "Memory" or "DMA".
        number: among its kind.
    """

    node: int
    machine: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message between two controllers; one to several receivers is several of them.

    Args:
        kind: structure of the protocol, "RequestMsg".
        type: "GetS".
        address: of a line or region.
        size_bytes: that it takes on a link.
        sender: of this message; a request that is sent on has a new one.
        receiver: of it.
        sent_tick: when the sender let it go.
        arrived_tick: when the receiver got it.
    """

    kind: str
    type: str
    address: int
    size_bytes: int
    sender: Controller
    receiver: Controller
    sent_tick: int
    arrived_tick: int


class Engine(Protocol):
    """An engine with a machine and VMs; whatever it cannot do raises InputError."""

    name: str

    @property
    def now(self) -> int:
        """Current tick."""

    # ---- time passes

    def run(self, ticks: int) -> None:
        """Let the machine run for at least that many ticks, up to a clock cycle more."""

    def warm_up(self, ticks: int) -> None:
        """Do the same, or stop when a program in a VM says that its work begins."""

    def fast_forward(self) -> bool:
        """Do what the setup's `fast_forward` says; no VM but the first may have run yet.

        Returns:
            Whether it ended because a program said that its work begins.

        Raises:
            RunError: a checkpoint cannot be written.
        """

    def wait(self, until: int | None) -> None:
        """Run until the tick `until`, or earlier when there may be something to be done.

        That is: a job ends; the last access of a VM ends that is being paused; a VM touches a
        missing page; an access to a missing page ends. All else that happens in that cycle has
        happened as well. It may also return for no reason.
        """

    # ---- a VM

    def pause(self, vm: int) -> None:
        """Let the vCPUs begin no more accesses."""

    def paused(self, vm: int) -> bool:
        """Return whether a VM is paused and its accesses are done."""

    def resume(self, vm: int, node: int) -> None:
        """Let the vCPUs run on the VM's cores of a node."""

    def throttle(self, vm: int, percentage: int, slice_ticks: int) -> None:
        """Let the vCPUs sleep for a percentage of each slice of time; 0 ends it."""

    def map_pages(self, vm: int, pages: Sequence[int], frames: Sequence[int]) -> None:
        """Use these frames for guest pages, which no access is under way to, from now on."""

    def start_dirty_log(self, vm: int) -> None:
        """Note from now on which guest pages are written."""

    def take_dirty_log(self, vm: int) -> list[int]:
        """Return the guest pages written since the log was started or last taken."""

    def stop_dirty_log(self, vm: int) -> None:
        """Note no more."""

    def await_pages(self, vm: int, pages: Sequence[int]) -> None:
        """Let accesses to these pages wait until they are mapped; those under way still end."""

    def quiet(self, vm: int, pages: Sequence[int]) -> bool:
        """Return whether no access to these pages is under way."""

    def take_faults(self, vm: int) -> list[int]:
        """Return the awaited pages that were touched since this was last asked.

        In the order in which that happened; those of one cycle by number, as also of samples.
        """

    def sample(self, vm: int, every: int) -> None:
        """Note the page of every so many accesses that need another node; every = 0 ends it."""

    def take_samples(self, vm: int) -> list[int]:
        """Return the pages noted since this was last asked, in order."""

    # ---- jobs of a node's migration engine; those of one owner are done in order

    def copy(
        self,
        sources: Sequence[int],
        targets: Sequence[int],
        size_bytes: int,
        *,
        node: int,
        owner: int,
        urgent: bool = False,
        bytes_per_second: float = 0.0,
    ) -> int:
        """Copy blocks of `size_bytes` from address to address.

        Args:
            sources: addresses of lines.
            targets: as many.
            size_bytes: of each block.
            node: whose migration engine does it.
            owner: VM for which it is; owners are served in turn.
            urgent: before the owner's other copies.
            bytes_per_second: at most; 0: as fast as the machine can.

        Returns:
            The job.
        """

    def transfer(self, regions: Sequence[int], new_home: int, *, node: int, owner: int) -> int:
        """Move the homes of regions, named by an address in each; return the job."""

    def fence(self, regions: Sequence[int], fenced: int, *, node: int, owner: int) -> int:
        """Take a node's right to regions, wherever they have their homes; return the job.

        From then on its accesses are refused, and its copies are recalled.
        """

    def homes(self, addresses: Sequence[int]) -> list[int]:
        """Return the node that is home of each address; none of them may be under way."""

    def left(self, job: int) -> int:
        """Return how many lines or regions of a job have not ended: 0 if it is done."""

    def cancel(self, job: int) -> None:
        """Forget what of a job has not begun.

        Lines under way still end, regions under way are taken back if it is not too late for them.
        """

    # ---- what has been counted since the statistics were reset

    def counters(self) -> Counters:
        """Return what all nodes have counted."""

    def vm_counters(self, vm: int) -> VmCounters:
        """Return what one VM has done."""

    def links(self) -> Sequence[Link]:
        """Return what each link has carried; empty where the engine cannot tell while it runs."""

    # ---- single messages

    def open_message_log(self, most: int) -> None:
        """Note so many messages, of those sent from now on."""

    def close_message_log(self) -> None:
        """Note no messages that are sent from now on."""

    def take_message_log(self) -> list[Message]:
        """Return what was noted and has arrived, in the order of arrival at the last router."""

    def reset_statistics(self) -> None:
        """Start counting anew."""

    def statistics(self) -> Iterable[Stat]:
        """Return everything that was counted, for stats.txt."""

    def audit(self) -> None:
        """Check that directories and caches agree; the VMs must be paused.

        Raises:
            RunError: they do not.
        """
