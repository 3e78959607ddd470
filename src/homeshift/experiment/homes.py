# SPDX-License-Identifier: BSD-3-Clause
"""Which node is the home of each of a VM's regions: a record for millions of them.

    homes = Homes(regions, machine_regions=1 << 20, region_bytes=4096)
    homes.fill(0, 8 * 4096, 2)      # a run of memory
    homes.move([4096], 3)
    homes[4096]                     # 3

Regions keep the order in which the VM got them. A region takes 8 bytes for that, and each region of
the machine one byte more; as a dict it would be 100.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence

_NOT_OURS = 0  # or the home + 1


class Homes:
    """Region -> home; see above.

    Args:
        regions: of the VM, by their addresses, each once; their homes are to be set with `fill`.
        machine_regions: that there are in all.
        region_bytes: of each.
    """

    def __init__(self, regions: array[int], *, machine_regions: int, region_bytes: int) -> None:
        self._order = regions
        self._region_bytes = region_bytes
        self._home = bytearray(machine_regions)

    def __iter__(self) -> Iterator[int]:
        return iter(self._order)

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, region: int) -> bool:
        """Return whether this is the address of a region of the VM, and not just within one."""
        place, within = divmod(region, self._region_bytes)
        return not within and 0 <= place < len(self._home) and self._home[place] != _NOT_OURS

    def __getitem__(self, region: int) -> int:
        home = self._home[region // self._region_bytes]
        if home == _NOT_OURS:
            raise KeyError(region)
        return home - 1

    def of(self, regions: Iterable[int]) -> list[int]:
        """Return the homes of many regions; -1 for one that the VM does not have."""
        home, size = self._home, self._region_bytes
        return [home[region // size] - 1 for region in regions]

    def count(self, start: int, stop: int, node: int) -> int:
        """Return how many regions of a run of memory have this home."""
        return self._home.count(node + 1, start // self._region_bytes, stop // self._region_bytes)

    def fill(self, start: int, stop: int, node: int) -> None:
        """Set the home of all regions of a run of memory, which all are the VM's."""
        first, last = start // self._region_bytes, stop // self._region_bytes
        self._home[first:last] = bytes([node + 1]) * (last - first)

    def move(self, regions: Sequence[int], node: int) -> None:
        """Set the home of regions that the VM has, each named once."""
        if len(regions) == len(self._order):  # all of them, so in one go
            self._home = self._home.translate(bytes([_NOT_OURS]) + bytes([node + 1]) * 255)
            return
        home, size, value = self._home, self._region_bytes, node + 1
        for region in regions:
            home[region // size] = value

    def add(self, region: int, node: int) -> None:
        """Note a region that the VM uses from now on, unless it had it before."""
        if region not in self:
            self._order.append(region)
            self._home[region // self._region_bytes] = node + 1

    def drop(self, regions: Iterable[int]) -> None:
        """Forget regions that the VM has."""
        for region in regions:
            self._home[region // self._region_bytes] = _NOT_OURS
        self._order = array("Q", (region for region in self._order if region in self))

    def elsewhere(self, node: int) -> dict[int, list[int]]:
        """Return the regions with another home than this one, by their homes."""
        found: dict[int, list[int]] = {}
        for region, home in zip(self._order, self.of(self._order), strict=True):
            if home != node:
                found.setdefault(home, []).append(region)
        return found

    def copy(self) -> Homes:
        """Return a record of how it is now."""
        same = Homes(self._order[:], machine_regions=0, region_bytes=self._region_bytes)
        # Not a slice: if there is no memory for one, CPython 3.11 also writes to stderr.
        same._home = bytearray(self._home)
        return same
