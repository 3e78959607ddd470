# SPDX-License-Identifier: BSD-3-Clause
"""Carry out a strategy's operations on an engine: one migration of one VM to one node.

    run_together(engine, [Migration(vm_a, ...).steps(), Migration(vm_b, ...).steps()])

`schedule` says what such steps are.
"""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import islice
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from homeshift.engines.base import Counters, VmCounters
from homeshift.errors import HomeshiftError, RunError
from homeshift.experiment.homes import Homes
from homeshift.experiment.operation_faults import fault_of
from homeshift.experiment.page_queue import PageQueue, pages_around
from homeshift.experiment.running_vm import RunningVm
from homeshift.experiment.schedule import Steps, sleep
from homeshift.strategies import (
    Cancel,
    Copy,
    Fetch,
    Lend,
    MoveCpuState,
    MoveStage2Table,
    Operation,
    Pause,
    Pull,
    Resume,
    Return,
    Strategy,
    Throttle,
    Transfer,
    Watch,
)
from homeshift.units import LINE_BYTES, PAGE_BYTES, TICKS_PER_SECOND

LINES_PER_PAGE = PAGE_BYTES // LINE_BYTES
PULLED_AT_ONCE = 8  # pages that accesses have to wait for
MOST_IDLE = 10_000  # operations of a strategy that take no time, one after the other


@dataclass(frozen=True, slots=True)
class Phase:
    """One operation of a strategy, with its ticks and what was counted meanwhile."""

    name: str
    start: int
    end: int
    counted: Counters
    vm_counted: VmCounters
    paused: bool
    """Whether the VM stood still, at least at the end."""


@dataclass(slots=True)
class Migration:
    """A migration of a VM, under way or over.

    Args:
        vm: that moves.
        strategy: how.
        target: where to.
        keep_borrowed: whether memory that is not used any more stays lent.
        fence: whether the source loses its right to the VM's memory in the end.
        report: is told, in a line, of each copy after the first, and of what is left behind.
    """

    vm: RunningVm
    strategy: Strategy
    target: int
    keep_borrowed: bool
    fence: bool
    report: Callable[[str], None]
    source: int = field(init=False)
    phases: list[Phase] = field(default_factory=list)
    paused: bool = False
    throttle_percentage: int = 0
    """As it was set last."""
    throttled: bool = False
    """Whether vCPUs sleep for a part of the time."""
    expected_downtime: float = 0.0
    """Seconds, of the copied pages that were dirty again when the VM was to be paused."""
    dirty_pages_rate: float = 0.0
    """Copied pages a second, written again during the last copy while the VM ran."""
    copy_ticks: int = 0
    """Time of the last copy."""
    syncs: int = 0
    pages_copied: int = 0
    regions_moved: int = 0
    regions_returned: int = 0
    postcopy_requests: int = 0
    """Pages that were asked for because the VM touched them."""
    postcopy_faults: int = 0
    """Times that a vCPU began to wait for a page, asked for or pushed already."""
    jobs: set[int] = field(default_factory=set)
    """Of the engine, under way."""
    missing: set[int] = field(default_factory=set)
    """Pages that the VM was resumed without, and that have not been fetched."""
    copied_since: set[int] = field(default_factory=set)
    """Those of them that have been copied since, which the next `Resume` gives to the VM."""
    touched: dict[int, None] = field(default_factory=dict)
    """Those of them that the VM waits for, in order."""
    pulling: Sequence[int] = ()
    """Pages that accesses wait for while they are copied."""
    switched: bool = False
    """Whether the VM has been resumed at the target."""
    fencing: bool = False
    """Whether the source has begun to lose its right."""
    converged: bool = True
    """Whether what was left to copy when the VM was paused was within the downtime-limit."""
    gives_up: bool = False
    """Whether the strategy cancels it."""
    status: str = "completed"
    """In the end."""
    homes: Homes = field(init=False)
    """Of the VM's regions, when the migration began."""

    def __post_init__(self) -> None:
        self.source = self.vm.node
        self.homes = self.vm.homes.copy()
        self.vm.begin_migration()

    def steps(self) -> Generator[int | None, None, None]:
        """Migrate; who closes this breaks the migration off."""
        syncs = self.vm.syncs
        idle, since = 0, self.vm.engine.now
        for operation in self._operations():
            idle = idle + 1 if since == self.vm.engine.now else 0
            since = self.vm.engine.now
            self._require(idle < MOST_IDLE, f"yields {MOST_IDLE:,} operations, and no time passes")
            fault = fault_of(operation, vm=self.vm, target=self.target, paused=self.paused)
            self._require(not fault, fault)
            yield from self._phase(_with_own_numbers(operation))
            if self.gives_up:
                self._require(not self.switched, "cancels, and the VM runs at the target already")
                return
            self.syncs = self.vm.syncs - syncs
        self._require(bool(self.phases), "does nothing")
        if not self.strategy.stays:
            self._require(self.switched and not self.paused, "ends without a VM at the target")
            self._require(not self.missing, f"ends with {len(self.missing)} pages still missing")
            left = self.vm.regions_left_on(self.source)
            if left and self.strategy.begins_lent:  # else no home is meant to move
                self.report(
                    f"{left:,} regions are left on node {self.source}: neither copied, nor their "
                    f"homes transferred"
                )
        self.end_helpers()
        if self.fence and self.switched:
            self.fencing = True
            yield from self.timed("fence", self._take_right())

    def _operations(self) -> Iterator[Operation]:
        """Yield what the strategy yields; an exception of its own is told with where it was."""
        try:
            operations = self.strategy.migrate(self.vm, self.target)
            self._require(isinstance(operations, Iterator), "yields nothing")
            yield from operations
        except HomeshiftError:
            raise
        except (Exception, SystemExit) as error:
            own = traceback.extract_tb(error.__traceback__)[1:2]  # below this function
            where = "".join(f" ({Path(at.filename).name}, line {at.lineno})" for at in own)
            fault = f"raises {type(error).__name__}: {error}{where}"
            raise RunError(f"strategy {self.strategy.name} {fault}") from error

    def _require(self, met: bool, fault: str | None) -> None:
        if not met:
            raise RunError(f"strategy {self.strategy.name} {fault}")

    def _phase(self, operation: Operation) -> Steps:
        name, action = self._action(operation)
        if action is None:
            return
        self.paused = self.paused or isinstance(operation, Pause)
        yield from self.timed(name, action)
        self.paused = self.paused and not isinstance(operation, Resume)

    def timed(self, name: str, action: Steps) -> Steps:
        """Do something, and note it as a phase, also if it is broken off."""
        vm, engine = self.vm, self.vm.engine
        start, at_start, vm_at_start = (
            engine.now,
            engine.counters(),
            engine.vm_counters(vm.number),
        )
        try:
            yield from action
        finally:
            self.phases.append(
                Phase(
                    name,
                    start,
                    engine.now,
                    engine.counters() - at_start,
                    engine.vm_counters(vm.number) - vm_at_start,
                    self.paused,
                )
            )

    def _action(self, operation: Operation) -> tuple[str, Steps | None]:
        """Return the name of an operation, and its steps unless there is nothing to do."""
        match operation:
            case Pause():
                return "pause", self._pause()
            case Copy(pages, node, bandwidth):
                return "copy", self._copy(pages, node, bandwidth)
            case Transfer(regions, node):
                return "transfer", self._transfer(regions, node)
            case MoveStage2Table(to=node):
                vm = self.vm
                moved = self._moved(vm.stage2_lines, vm.move_stage2, node)
                return "move-stage2-table", moved if vm.spec.stage2_bytes else None
            case MoveCpuState(to=node):
                return "move-cpu-state", self._moved(self.vm.state_lines, self.vm.move_state, node)
            case Resume(on=node, missing=missing):
                return "resume", self._resume(node, missing)
            case Fetch(pages, node, prepaging, bandwidth):
                return "fetch", self._fetch(pages, node, prepaging, bandwidth)
            case Pull(pages, node):
                return "pull", self._pull(pages, node) if len(pages) else None
            case Throttle(percentage=percentage, slice_ticks=ticks):
                return "throttle", self._throttle(percentage, ticks)
            case Watch(ticks):
                return "watch", sleep(self.vm.engine, self.vm.engine.now + ticks)
            case Lend(to=node):
                return "lend", self._lend(node)
            case Return():
                borrowed = self._release_own()
                return "return", self._return(borrowed) if borrowed else None
            case Cancel():
                self.gives_up = True
                return "cancel", None  # by who asks for these steps

    # ---- operations ---------------------------------------------------------------------------

    def _pause(self) -> Steps:
        vm, engine = self.vm, self.vm.engine
        if vm.logging and self.copy_ticks:
            dirty = sum(map(vm.copied.__contains__, vm.dirty))
            self.expected_downtime = dirty * PAGE_BYTES / vm.copy_bandwidth
            self.dirty_pages_rate = dirty / self.copy_ticks * TICKS_PER_SECOND
            limit = self.strategy.to_dict().get("downtime-limit_ticks", math.inf)
            if self.expected_downtime * TICKS_PER_SECOND > limit:
                self.converged = False
                self.report(
                    f"the VM pauses, but the copies have not converged: the rest takes "
                    f"{self.expected_downtime * 1e3:.3g} ms, more than the downtime-limit"
                )
        engine.pause(vm.number)
        while not engine.paused(vm.number):
            yield None

    def _copy(self, pages: Sequence[int], node: int, bandwidth: float) -> Steps:
        start = self.vm.engine.now
        before = sum(phase.name == "copy" for phase in self.phases)
        if before and len(pages):
            again = sum(map(self.vm.copied.__contains__, pages))
            which = "all" if again == len(pages) else f"{again:,}"
            self.report(f"copy {before + 1}: {len(pages):,} pages, {which} of them copied before")
        self.vm.begin_copy(pages, paused=self.paused)
        yield from self._copied(pages, node, bandwidth)
        if self.missing:
            self.copied_since |= self.missing.intersection(pages)
        ticks = self.vm.engine.now - start
        self.copy_ticks = ticks
        if len(pages) and ticks:
            self.vm.copy_bandwidth = len(pages) * PAGE_BYTES / ticks * TICKS_PER_SECOND

    def _copied(self, pages: Sequence[int], node: int, bandwidth: float) -> Steps:
        vm = self.vm
        targets = vm.frames_for(pages, node)
        job = vm.engine.copy(
            [vm.frames[page] for page in pages],
            targets,
            PAGE_BYTES,
            node=vm.node,
            owner=vm.number,
            bytes_per_second=bandwidth,
        )
        try:
            yield from self._done(job)
        finally:  # also if it is broken off
            self.pages_copied += len(pages) - -(-vm.engine.left(job) // LINES_PER_PAGE)

    def _transfer(self, regions: Sequence[int], node: int) -> Steps:
        vm = self.vm
        yield from self._done(vm.engine.transfer(regions, node, node=vm.node, owner=vm.number))
        vm.homes.move(regions, node)
        self.regions_moved += len(regions)

    def _lend(self, node: int) -> Steps:
        """Each home hands over what another node is to have, by its own engine, all at once."""
        vm = self.vm
        lenders = vm.homes.elsewhere(node)
        jobs = [
            vm.engine.transfer(regions, node, node=lender, owner=vm.number)
            for lender, regions in lenders.items()
        ]
        self.jobs.update(jobs)
        for job, regions in zip(jobs, lenders.values(), strict=True):
            yield from self._done(job)
            vm.homes.move(regions, node)
            self.regions_moved += len(regions)

    def _take_right(self) -> Steps:
        vm = self.vm
        job = vm.engine.fence(vm.regions, self.source, node=vm.node, owner=vm.number)
        yield from self._done(job)

    def _moved(
        self, lines: Callable[[], Sequence[int]], move: Callable[[int], None], node: int
    ) -> Steps:
        """Copy lines to where they are when they have moved to a node."""
        vm, sources = self.vm, lines()
        move(node)
        yield from self._done(
            vm.engine.copy(sources, lines(), LINE_BYTES, node=vm.node, owner=vm.number)
        )

    def _resume(self, node: int, missing: Sequence[int]) -> Steps:
        vm, engine = self.vm, self.vm.engine
        gone = {*missing, *(self.missing - self.copied_since)}
        stale = vm.stale_copies() - gone
        self._require(
            not stale,
            f"resumes the VM with copies of {len(stale)} pages that have been written since, page "
            f"{min(stale, default=0)} first: copy what vm.take_dirty_log() names when it is paused",
        )
        vm.use_copies([page for page in vm.copied if page not in gone])
        engine.await_pages(vm.number, missing)
        self.missing = gone
        self.copied_since.clear()
        self.end_helpers()
        vm.tag_samples()
        vm.node = node
        vm.free_left()
        self.switched = True
        engine.resume(vm.number, node)
        yield from ()

    def end_helpers(self) -> None:
        """End what only helps while the VM moves: its dirty log, its throttling."""
        if self.vm.logging:
            self.vm.engine.stop_dirty_log(self.vm.number)
            self.vm.logging = False
        if self.throttled:
            self.vm.engine.throttle(self.vm.number, 0, TICKS_PER_SECOND)
            self.throttled = False

    def _throttle(self, percentage: int, slice_ticks: int) -> Steps:
        self.throttle_percentage = percentage
        self.throttled = percentage > 0
        self.vm.engine.throttle(self.vm.number, percentage, slice_ticks)
        yield from ()

    def _fetch(self, pages: Sequence[int], node: int, prepaging: int, bandwidth: float) -> Steps:
        """The target's engine fetches what is asked for, the source's pushes the rest."""
        vm, engine = self.vm, self.vm.engine
        here = sum(page not in self.missing for page in pages)
        self._require(
            here == 0,
            f"fetches {here} pages that the VM does not miss, so that it may write them meanwhile",
        )
        # The frames are in the order of guest memory, as after a copy, and not in that of faults
        # or of the push: vCPUs that fault in turn would each get every n-th frame, and a part of
        # its cache's sets.
        vm.frames_for(sorted(pages), node)
        queue = PageQueue(pages)
        demanded: dict[int, int] = {}  # job -> page
        pushed: dict[int, int] = {}
        ticks_a_page = int(PAGE_BYTES / bandwidth * TICKS_PER_SECOND) if bandwidth else 0

        def begin(page: int, jobs: dict[int, int], at: int) -> None:
            job = engine.copy(
                [vm.frames[page]],
                vm.frames_for([page], node),
                PAGE_BYTES,
                node=at,
                owner=vm.number,
                urgent=jobs is demanded,
            )
            self.jobs.add(job)
            jobs[job] = page

        # Pages pushed at once: one more than its engine has lines of, so that it never runs out.
        most = 1 + -(-vm.lines_at_once // LINES_PER_PAGE)
        push_at = engine.now
        while queue or demanded or pushed:
            self._note_faults()
            for page in [page for page in self.touched if queue.take(page)]:
                self.postcopy_requests += 1
                begin(page, demanded, node)
                queue.put_first(pages_around(page, prepaging))
            while queue and len(pushed) < most and engine.now >= push_at:
                begin(queue.next(), pushed, self.source)
                # A page that has begun goes fast: somebody may touch it.
                push_at = max(push_at, engine.now - ticks_a_page) + ticks_a_page
            yield push_at if queue and len(pushed) < most else None
            for jobs in (demanded, pushed):
                for job in [job for job in jobs if not engine.left(job)]:
                    self.jobs.remove(job)
                    page = jobs.pop(job)
                    self.pages_copied += 1
                    self._arrived([page])

    def _pull(self, pages: Sequence[int], node: int) -> Steps:
        vm, engine = self.vm, self.vm.engine
        left = iter(pages)
        while some := list(islice(left, PULLED_AT_ONCE)):
            self.pulling = some
            engine.await_pages(vm.number, some)
            while not engine.quiet(vm.number, some):
                yield None
            yield from self._copied(some, node, 0.0)
            self._arrived(some)
            self._note_faults(besides=some)
            self.pulling = ()

    def _arrived(self, pages: Sequence[int]) -> None:
        """Let the VM use the copies of pages that it may have missed."""
        self.missing.difference_update(pages)
        for page in pages:
            self.touched.pop(page, None)
        self.vm.use_copies(pages)

    def _note_faults(self, besides: Collection[int] = ()) -> None:
        """Take note of missing pages that the VM has touched, whoever is to bring them."""
        for page in self.vm.engine.take_faults(self.vm.number):
            if page not in besides:
                self.postcopy_faults += 1
                self.touched[page] = None

    def _release_own(self) -> dict[int, list[int]]:
        """Free unused regions that are homed where they lie; return the others, by that node."""
        vm = self.vm
        borrowed: dict[int, list[int]] = {}
        unused = vm.unused_regions()
        for region in unused:
            if vm.homes[region] != vm.location(region):
                borrowed.setdefault(vm.location(region), []).append(region)
        vm.release(r for r in unused if vm.homes[r] == vm.location(r))
        return {} if self.keep_borrowed else borrowed

    def _return(self, borrowed: dict[int, list[int]]) -> Steps:
        """Transfer the homes of unused regions to where they lie, and free them."""
        vm = self.vm
        for node, regions in borrowed.items():
            job = vm.engine.transfer(regions, node, node=vm.node, owner=vm.number)
            yield from self._done(job)
            self.regions_returned += len(regions)
            vm.release(regions)

    def _done(self, job: int) -> Steps:
        self.jobs.add(job)
        while self.vm.engine.left(job):
            yield None
        self.jobs.remove(job)


def _with_own_numbers(operation: Operation) -> Operation:
    """Return an operation with Python's own numbers: numpy's overflow, round, and are no JSON."""
    given: dict[str, Any] = {
        field.name: int(value) if isinstance(value, Integral) else float(value)
        for field in fields(operation)
        if isinstance(value := getattr(operation, field.name), Real)
    }
    return replace(operation, **given)
