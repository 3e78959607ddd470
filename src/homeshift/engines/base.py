# SPDX-License-Identifier: BSD-3-Clause
"""What a migration needs of an engine; two implementations: embedded, and gem5.

An engine simulates one machine with one VM on it. Every method returns when what it asks for is
done in simulated time; the VM runs on meanwhile unless it is paused. Times are gem5's ticks, 1 ps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Protocol

from homeshift.machine import Machine
from homeshift.output import Stat


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What an engine is made from.

    Args:
        machine: what to simulate.
        frames: physical address of each guest page.
        homes: address in a region -> node that is its home; other regions are homed where they lie.
        streams: one request stream a vCPU (`Workload.streams`).
        source: node whose DMA does the migration's work.
        region_bytes: unit in which homes move.
        check: verify that every load returns the last value written.
    """

    machine: Machine
    frames: Sequence[int]
    homes: Mapping[int, int]
    streams: Sequence[Mapping[str, str | int | float]]
    source: int
    region_bytes: int
    check: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What has been counted so far; `later - earlier` is what a phase did.

    Args:
        accesses: of the VM, done.
        remote_services: accesses for which home or data supplier was another node.
        migration_bytes: between nodes, caused by the migration; a message counts once.
        control_bytes: between nodes, of the VM, messages without data.
        data_bytes: between nodes, of the VM, messages with data.
        migration_link_bytes: migration bytes, once for each link that they cross.
        forwarded_requests: requests that a former home sent on.
        regions_moved: transfers of a region's home, done.
        entries_moved: directory entries handed over by transfers.
        lines_copied: lines of 64 B, copied.
        migration_dram_reads: of a line, for copies.
        migration_dram_writes: of a line, for copies and for slices that leave with their region.
        migration_slc_accesses: slice reads for copies and departing regions.
        migration_directory_accesses: look-ups and updates for copies and transfers.
    """

    accesses: int = 0
    remote_services: int = 0
    migration_bytes: int = 0
    control_bytes: int = 0
    data_bytes: int = 0
    migration_link_bytes: int = 0
    forwarded_requests: int = 0
    regions_moved: int = 0
    entries_moved: int = 0
    lines_copied: int = 0
    migration_dram_reads: int = 0
    migration_dram_writes: int = 0
    migration_slc_accesses: int = 0
    migration_directory_accesses: int = 0

    def __sub__(self, earlier: Counters) -> Counters:
        return Counters(
            **{f.name: getattr(self, f.name) - getattr(earlier, f.name) for f in fields(self)}
        )


class Engine(Protocol):
    """An engine with a machine and a VM; `pause` and `resume` before anything else are allowed."""

    name: str

    @property
    def now(self) -> int:
        """Current tick."""

    def run(self, ticks: int) -> None:
        """Let the machine run for at least that many ticks, up to a clock cycle more."""

    def pause(self) -> None:
        """Stop the vCPUs; returns when their accesses under way are done."""

    def resume(self, node: int) -> None:
        """Let the vCPUs run on the first cores of a node."""

    def copy(self, sources: Sequence[int], targets: Sequence[int], size_bytes: int) -> None:
        """Copy blocks of `size_bytes` from address to address, with the source node's DMA."""

    def transfer(self, regions: Sequence[int], new_home: int) -> None:
        """Move the homes of regions, named by an address in each."""

    def start_dirty_log(self) -> None:
        """Note from now on which guest pages are written."""

    def take_dirty_log(self) -> list[int]:
        """Return the guest pages written since the log was started or last taken."""

    def stop_dirty_log(self) -> None:
        """Note no more."""

    def remap(self, pages: Sequence[int], frames: Sequence[int]) -> None:
        """Use other frames for guest pages from now on; the VM must be paused."""

    def counters(self) -> Counters:
        """Return what has been counted since the statistics were reset."""

    def reset_statistics(self) -> None:
        """Start counting anew."""

    def statistics(self) -> Iterable[Stat]:
        """Return everything that was counted, for stats.txt."""

    def audit(self) -> None:
        """Check that directories and caches agree; the VM must be paused.

        Raises:
            RunError: they do not.
        """
