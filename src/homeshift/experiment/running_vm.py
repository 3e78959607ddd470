# SPDX-License-Identifier: BSD-3-Clause
"""A VM on an engine: where its pages, their homes and its vCPUs are, as strategies see it.

What strategies ask is in `strategies.base.Vm`; the rest is for the migration, which keeps this
record true while it works.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Collection, Iterable, Sequence, Sized
from itertools import chain, compress, islice
from numbers import Integral
from typing import Any

from homeshift.engines.base import Engine, VmCounters
from homeshift.errors import RunError
from homeshift.experiment.frames import FrameAllocator
from homeshift.experiment.homes import Homes
from homeshift.experiment.vm import VmSpec, state_bytes
from homeshift.machine import Machine
from homeshift.units import LINE_BYTES, MOST, PAGE_BYTES

LEAST_FOR_A_SHARE = 100  # accesses, to tell which share of them needed another node


class RunningVm:
    """A VM; see above.

    Args:
        number: of the VM on the engine.
        spec: its size, and where it is at first.
        machine: that it runs on.
        allocator: of the machine's memory.
        lent: whether what it borrows is homed at its node at first, and not where it lies.
    """

    def __init__(
        self,
        *,
        number: int,
        spec: VmSpec,
        machine: Machine,
        allocator: FrameAllocator,
        lent: bool = True,
    ) -> None:
        self.number = number
        self.spec = spec
        self.lent = lent
        self._machine = machine
        self._allocator = allocator
        self._engine: Engine | None = None
        self.node = spec.source
        # Millions of pages: arrays, and loops that run inside the interpreter.
        size = spec.region_bytes
        runs = {}
        for node, part in sorted(spec.bytes_on().items()):
            base = allocator.allocate(node, part, purpose="the VM")
            runs[node] = range(base, base + part, size)
        next_on = {node: iter(run) for node, run in runs.items()}
        regions = array("Q", map(next, map(next_on.__getitem__, spec.locations())))
        pages = (range(base, base + size, PAGE_BYTES) for base in regions)
        self.frames = regions[:] if size == PAGE_BYTES else array("Q", chain.from_iterable(pages))
        self.homes = Homes(
            regions, machine_regions=allocator.machine_regions, region_bytes=spec.region_bytes
        )
        for node, run in runs.items():
            self.homes.fill(run.start, run.stop, spec.source if lent else node)
        self._regions: array[int] | None = regions[:]
        self.copied: dict[int, int] = {}
        """Page -> frame that it is copied to, to be used from `Resume` on."""
        self._stale: set[int] = set()
        """Copied pages that have been written since, as far as the dirty log has been read."""
        self._untold: list[int] = []
        """Pages of the dirty log that were read and that no strategy has been told."""
        self._begun: dict[int, list[int]] = {}
        """Node -> frames of regions that copies have begun to fill, in this migration."""
        state_pages = spec.vcpus * state_bytes(machine) // PAGE_BYTES
        self.state = self._new(spec.source, state_pages, "the vCPUs' state")
        stage2_pages = -(-spec.stage2_bytes // PAGE_BYTES)
        self.stage2 = self._new(spec.source, stage2_pages, "the stage-2 table")
        self._left: list[list[int]] = []
        """Frames that its state and its table have moved from; they are read until it runs."""
        self._before = (self.state, self.stage2)
        """Frames of both when the migration began."""
        self.logging = False
        self.syncs = 0
        self.dirty: Sequence[int] = ()
        """Pages of the last dirty log that was taken."""
        self.copy_bandwidth = math.inf
        self._samples: list[tuple[int, int]] = []
        self._share_since = VmCounters()

    def attach(self, engine: Engine) -> None:
        """Say which engine runs it."""
        self._engine = engine

    @property
    def engine(self) -> Engine:
        """The engine that runs it."""
        assert self._engine is not None
        return self._engine

    # ---- what strategies ask ------------------------------------------------------------------

    @property
    def pages(self) -> Sequence[int]:
        """All guest pages."""
        return range(self.spec.pages)

    @property
    def regions(self) -> Sequence[int]:
        """All regions of its memory, named by their addresses."""
        if self._regions is None and self.spec.region_bytes == PAGE_BYTES:
            self._regions = self.frames[:]
        elif self._regions is None:
            self._regions = self._regions_of(self.frames)
        return self._regions

    def regions_of(self, pages: Iterable[int]) -> Sequence[int]:
        """Return the regions that guest pages lie in now, each once.

        Raises:
            RunError: there is no such page.
        """
        named = self._listed(pages, call="regions_of")
        return self._regions_of(map(self.frames.__getitem__, named))

    def _listed(self, pages: Any, *, call: str) -> list[int]:
        """Return a list of the pages that a strategy has called something with."""
        several = isinstance(pages, Iterable) and getattr(pages, "ndim", 1) > 0  # as numpy has
        named: list[int] = list(pages) if several else pages
        if fault := fault_of_numbers(named, "pages") or self.fault_of_pages(named):
            raise RunError(f"vm.{call}(): {fault}")
        return named

    def fault_of_pages(self, pages: Collection[int]) -> str | None:
        """Return what is wrong with a list of guest pages, if some are not the VM's."""
        last = self.spec.pages - 1
        if not len(pages) or 0 <= min(pages) <= max(pages) <= last:
            return None
        page = min(pages) if min(pages) < 0 else max(pages)
        return f"names page {page}, which is not of the VM: it has the pages 0 to {last}"

    def _regions_of(self, frames: Iterable[int]) -> array[int]:
        return array("Q", dict.fromkeys(map((-self.spec.region_bytes).__and__, frames)))

    def pages_on(self, node: int) -> Sequence[int]:
        """Return the guest pages that lie in the memory of a node."""
        here = self._memory_of(node, "pages_on")
        return array("Q", compress(self.pages, map(here.__contains__, self.frames)))

    def pages_off(self, node: int, among: Iterable[int] | None = None) -> Sequence[int]:
        """Return the guest pages, or those among some, that lie in the memory of other nodes."""
        here = self._memory_of(node, "pages_off")
        pages = self.pages if among is None else self._listed(among, call="pages_off")
        return array("Q", (page for page in pages if self.frames[page] not in here))

    def regions_on(self, node: int) -> Sequence[int]:
        """Return the regions that lie in the memory of a node."""
        here = self._memory_of(node, "regions_on")
        return array("Q", filter(here.__contains__, self.regions))

    def _memory_of(self, node: int, call: str) -> range:
        """Return a node's addresses, for what a strategy has called.

        Raises:
            RunError: there is no such node.
        """
        if not _is_whole(node) or not self.has_node(node):
            last = self._machine.nodes - 1
            raise RunError(
                f"vm.{call}(): names node {node!r}, and the machine has the nodes 0 to {last}"
            )
        return self._allocator.addresses(int(node))

    def take_dirty_log(self) -> list[int]:
        """Return the pages written since the log was last taken; the first call starts it."""
        if not self.logging:
            self.logging = True
            self.engine.start_dirty_log(self.number)
            return []
        self.syncs += 1
        dirty = self._read_dirty_log()
        if self._untold:
            dirty = sorted({*self._untold, *dirty})
            self._untold = []
        self.dirty = dirty
        return dirty

    def sample(self, every: int) -> None:
        """Note one in so many accesses that needed another node; 0 ends it.

        Raises:
            RunError: it is not a whole number, or below 0.
        """
        if not _is_whole(every) or not 0 <= every <= MOST:
            raise RunError(
                f"vm.sample(): {every!r} is not a number of accesses: give 1 or more, or 0, which "
                f"ends it"
            )
        self._samples.clear()
        self.engine.sample(self.number, int(every))

    def take_samples(self) -> list[tuple[int, int]]:
        """Return (page, node that accessed it) of what was noted since this was last asked."""
        self.tag_samples()
        samples, self._samples = self._samples, []
        return samples

    def remote_share(self) -> float:
        """Return the share of its accesses that needed another node, since this was last asked.

        NaN, which is neither above nor below anything, if these are too few to tell; they count
        next time.
        """
        now = self.engine.vm_counters(self.number)
        counted = now - self._share_since
        if counted.accesses < LEAST_FOR_A_SHARE:
            return math.nan
        self._share_since = now
        return counted.remote_accesses / counted.accesses

    # ---- what a migration needs ---------------------------------------------------------------

    @property
    def lines_at_once(self) -> int:
        """Lines that a node's migration engine has under way."""
        return self._machine.migration.outstanding_lines

    def has_node(self, node: int) -> bool:
        """Return whether its machine has a node."""
        return 0 <= node < self._machine.nodes

    def has_regions(self, regions: Sequence[int]) -> bool:
        """Return whether all of some regions are its own, in use or not."""
        return regions is self.regions or all(map(self.homes.__contains__, regions))

    def tag_samples(self) -> None:
        """Note that what was sampled until now happened on this node."""
        self._samples += [(page, self.node) for page in self.engine.take_samples(self.number)]

    def begin_migration(self) -> None:
        """Fill no more regions that copies have begun to fill: their homes may have moved."""
        self._begun.clear()
        self._stale.clear()
        self._untold = []
        self._before = (self.state, self.stage2)

    def _read_dirty_log(self) -> list[int]:
        dirty = self.engine.take_dirty_log(self.number)
        self._stale.update(filter(self.copied.__contains__, dirty))
        return dirty

    def begin_copy(self, pages: Iterable[int], *, paused: bool) -> None:
        """Note that pages are copied as they are now; while it is paused they stay so."""
        if self.logging and paused:
            self._untold += self._read_dirty_log()
        self._stale.difference_update(pages)

    def stale_copies(self) -> set[int]:
        """Return the pages that have been written since they were copied, when all is copied."""
        if self.logging:
            self._read_dirty_log()
        return self._stale & self.copied.keys()

    def frames_for(self, pages: Iterable[int], node: int) -> list[int]:
        """Return frames of a node to copy pages to; one that is copied again keeps its frame."""
        pages = list(pages)
        new = [page for page in pages if page not in self.copied]
        frames = self._begun.get(node, [])
        if len(frames) < len(new):
            more = len(new) - len(frames)
            frames += self._allocator.allocate_pages(node, more, purpose="copying pages")
        self.copied.update(zip(new, frames, strict=False))
        self._begun[node] = frames[len(new) :]
        return [self.copied[page] for page in pages]

    def use_copies(self, pages: Iterable[int]) -> None:
        """Use the frames that pages were copied to."""
        pages = list(pages)
        if pages:
            frames = [self.copied.pop(page) for page in pages]
            self.engine.map_pages(self.number, pages, frames)
            self._regions = None
            for page, frame in zip(pages, frames, strict=True):
                self.frames[page] = frame
                region = self._allocator.region(frame)
                self.homes.add(region, self._allocator.location(region))

    def use_originals(self, pages: Sequence[int]) -> None:
        """Use pages that accesses wait for where they are."""
        self.engine.map_pages(self.number, pages, [self.frames[page] for page in pages])
        self.engine.take_faults(self.number)

    def discard_copies(self, source: int) -> None:
        """Free what a migration that is called off had begun to fill; what it had copied remains.

        The state that the vCPUs have at `source` is kept there.
        """
        begun = dict.fromkeys(map(self._allocator.region, self.copied.values()))
        if begun:
            for region in self.regions:  # no set of these: they may be many millions
                begun.pop(region, None)
            self._allocator.free(begun)
        self.copied.clear()
        if self.node == source:
            self._left += [self.state, self.stage2]
            self.state, self.stage2 = self._before
        self.free_left()
        self.engine.sample(self.number, 0)

    def unused_regions(self) -> list[int]:
        """Return the regions that none of its pages lies in any more."""
        if len(self.homes) == len(self.regions):
            return []
        used = set(self.regions)
        return [region for region in self.homes if region not in used]

    def regions_left_on(self, node: int) -> int:
        """Return how many of the regions in use lie on a node and have their home there as well."""
        memory = self._allocator.addresses(node)
        if not self.homes.count(memory.start, memory.stop, node):
            return 0  # without a look at each of millions, as after all strategies of ours
        return self.homes.of(self.regions_on(node)).count(node)

    def release(self, regions: Iterable[int]) -> None:
        """Give unused regions, homed where they lie, back to their nodes."""
        regions = list(regions)
        self.homes.drop(regions)
        self._allocator.free(regions)

    def location(self, region: int) -> int:
        """Return the node in whose memory a region lies."""
        return self._allocator.location(region)

    def state_lines(self) -> list[int]:
        """Return the addresses of the lines that hold the vCPUs' state."""
        size = self._machine.migration.cpu_state_bytes
        each = state_bytes(self._machine) // PAGE_BYTES
        return [
            line
            for vcpu in range(self.spec.vcpus)
            for line in _lines(self.state[vcpu * each : (vcpu + 1) * each], size)
        ]

    def stage2_lines(self) -> Sequence[int]:
        """Return the addresses of the lines that hold the stage-2 table."""
        return _lines(self.stage2, self.spec.stage2_bytes)

    def move_state(self, node: int) -> None:
        """Keep the vCPUs' state on a node from now on."""
        self._left.append(self.state)
        self.state = self._new(node, len(self.state), "the vCPUs' state")

    def move_stage2(self, node: int) -> None:
        """Keep the stage-2 table on a node from now on."""
        self._left.append(self.stage2)
        self.stage2 = self._new(node, len(self.stage2), "the stage-2 table")

    def free_left(self) -> None:
        """Free the frames that its state and its table have left: it runs where these are now."""
        for pages in self._left:
            if pages is not self.state and pages is not self.stage2:
                self._allocator.free(dict.fromkeys(map(self._allocator.region, pages)))
        self._left.clear()

    def _new(self, node: int, pages: int, purpose: str) -> list[int]:
        return self._allocator.allocate_pages(node, pages, purpose=purpose)[:pages]


def _is_whole(number: object) -> bool:
    """Return whether a strategy, which may be of no declared types, has given a whole number."""
    return isinstance(number, Integral)


def fault_of_numbers(numbers: object, what: str) -> str | None:
    """Return what is wrong with a strategy's list of pages or regions, if these are no numbers."""
    if isinstance(numbers, range) or (isinstance(numbers, array) and numbers.typecode not in "fdu"):
        return None  # without a look at each of millions
    one = getattr(numbers, "ndim", 1) == 1  # numpy's arrays have others as well
    if not one or not isinstance(numbers, Sized) or not isinstance(numbers, Iterable):
        return f"names {numbers!r} in place of a list of {what}"
    wrong = next((kind for kind in set(map(type, numbers)) if not issubclass(kind, Integral)), None)
    return f"names {what} by {wrong.__name__}, which is no whole number" if wrong else None


def _lines(pages: Sequence[int], size_bytes: int) -> array[int]:
    lines = chain.from_iterable(range(page, page + PAGE_BYTES, LINE_BYTES) for page in pages)
    return array("Q", islice(lines, -(-size_bytes // LINE_BYTES)))
