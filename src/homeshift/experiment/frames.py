# SPDX-License-Identifier: BSD-3-Clause
"""The memory of a machine, handed out in regions and taken back."""

from __future__ import annotations

from collections.abc import Iterable

from homeshift.errors import InputError
from homeshift.machine import Machine
from homeshift.units import PAGE_BYTES, format_bytes


class FrameAllocator:
    """Hands out the memory of each node from its start, in whole regions.

    A frame is named by its physical address; node n holds those from n * memory.size on.
    """

    def __init__(self, machine: Machine, region_bytes: int) -> None:
        self._machine = machine
        self._region_bytes = region_bytes
        self._used = [0] * machine.nodes
        self._free: list[list[int]] = [[] for _ in range(machine.nodes)]  # regions, the last first

    def location(self, address: int) -> int:
        """Return the node in whose memory an address lies."""
        return address // self._machine.memory.size_bytes

    def addresses(self, node: int) -> range:
        """Return the addresses of a node's memory."""
        size = self._machine.memory.size_bytes
        return range(node * size, (node + 1) * size)

    @property
    def machine_regions(self) -> int:
        """Regions of all nodes together."""
        return self._machine.nodes * self._machine.memory.size_bytes // self._region_bytes

    def region(self, address: int) -> int:
        """Return the address of the region that an address lies in."""
        return address - address % self._region_bytes

    def free(self, regions: Iterable[int]) -> None:
        """Take regions back, each once."""
        for region in regions:
            self._free[self.location(region)].append(region)

    def allocate(self, node: int, size_bytes: int, *, purpose: str) -> int:
        """Return the address of `size_bytes`, rounded up to regions, on a node.

        Raises:
            InputError: the node has no room; the message says what for.
        """
        size = -(-size_bytes // self._region_bytes) * self._region_bytes
        capacity = self._machine.memory.size_bytes
        if self._used[node] + size > capacity:
            raise InputError(
                f"machine '{self._machine.name}'",
                [
                    f"node {node} has {format_bytes(capacity - self._used[node])} of free memory, "
                    f"but {purpose} needs {format_bytes(size)} there; give the VM less memory or "
                    f"the machine more"
                ],
            )
        address = node * capacity + self._used[node]
        self._used[node] += size
        return address

    def allocate_pages(self, node: int, pages: int, *, purpose: str) -> list[int]:
        """Return the addresses of all pages of the regions that so many pages on a node take.

        What was freed is handed out first.

        Raises:
            InputError: the node has no room.
        """
        regions = -(-pages * PAGE_BYTES // self._region_bytes)
        free = self._free[node]
        bases = [free.pop() for _ in range(min(regions, len(free)))]
        if len(bases) < regions:
            rest = (regions - len(bases)) * self._region_bytes
            first = self.allocate(node, rest, purpose=purpose)
            bases += range(first, first + rest, self._region_bytes)
        return [
            base + offset for base in bases for offset in range(0, self._region_bytes, PAGE_BYTES)
        ]
