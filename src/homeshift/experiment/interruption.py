# SPDX-License-Identifier: BSD-3-Clause
"""A migration that does not come to its end: it is cancelled, or its target fails.

A cancel comes at a time that the user gives, or from the strategy itself.

Until the VM runs at the target, the source has all that it needs: its vCPUs' state, and every page
where it was. Calling off lets the VM run on at the source at once, takes back what is under way,
and brings every home back. Nothing is lost.

Once the VM runs at the target it is too late, in QEMU as here. A cancel then changes nothing. If
the target fails then, the VM is lost: its vCPUs' state was there and nowhere else, and after a
post-copy has begun neither side holds all pages. The source's homes come back even then, unless
it has begun to lose its right to them.

What fails is the target's software. Its caches, home agent and memory go on serving: they belong to
the shared memory, not to the VM.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from homeshift.errors import RunError
from homeshift.experiment.migration import Migration
from homeshift.experiment.schedule import Steps
from homeshift.units import TICKS_PER_SECOND

CANCEL, TARGET_FAILURE = "cancel", "target-failure"
STATUS = {CANCEL: "cancelled", TARGET_FAILURE: "failed"}

_REGIONS_AT_ONCE = 1 << 16  # that the engine is asked about: there may be many millions


@dataclass(frozen=True, slots=True)
class Interruption:
    """A cancel of a VM's migration, or the failure of its target.

    Args:
        kind: CANCEL or TARGET_FAILURE.
        after_ticks: time from the start of the migration.
    """

    kind: str
    after_ticks: int


def interruption_at(cancel_at: int | None, fail_target_at: int | None) -> Interruption | None:
    """Return what happens at one of two times, in ticks from the start of the migration."""
    if cancel_at is not None:
        return Interruption(CANCEL, cancel_at)
    return None if fail_target_at is None else Interruption(TARGET_FAILURE, fail_target_at)


@dataclass(slots=True)
class CallingOff:
    """What comes of an interruption in a run.

    Args:
        of: the interruption; None if there is none, unless the strategy cancels.
        begin: tick from which its time counts.
    """

    of: Interruption | None
    begin: int
    pending: Interruption | None = field(init=False)
    """The interruption, until its time has come."""
    outcome: str = "the migration had ended"
    regions_brought_back: int = 0
    lost: dict[str, int] | None = None

    def __post_init__(self) -> None:
        self.pending = self.of

    def steps(self, leg: Migration) -> Steps:
        """Migrate, and call the migration off when the time has come, or the strategy gives up."""
        steps = leg.steps()
        engine = leg.vm.engine
        while True:
            if (comes := self.pending) and engine.now >= self._tick(comes):
                self.pending = None
                if leg.switched and comes.kind == CANCEL:
                    self.outcome = "too late: the VM ran at the target, the migration went on"
                else:
                    steps.close()
                    yield from self._end(leg, comes.kind)
                    return
            try:
                until = next(steps)
            except StopIteration:
                if leg.gives_up:
                    self.of = Interruption(CANCEL, engine.now - self.begin)
                    yield from self._end(leg, CANCEL)
                return
            if self.pending:
                tick = self._tick(self.pending)
                until = tick if until is None else min(until, tick)
            yield until

    def _tick(self, interruption: Interruption) -> int:
        return self.begin + interruption.after_ticks

    def _end(self, leg: Migration, kind: str) -> Steps:
        leg.status = STATUS[kind]
        yield from leg.timed("cancel" if kind == CANCEL else "recover", self._call_off(leg))

    def _call_off(self, leg: Migration) -> Steps:
        vm, engine = leg.vm, leg.vm.engine
        jobs = sorted(leg.jobs)
        for job in jobs:
            engine.cancel(job)
        if leg.switched:
            self._lose(leg)
            engine.pause(vm.number)
            while not engine.paused(vm.number):
                yield None
            leg.paused = False  # from here on it stands still for good, which counts by itself
        else:
            self.outcome = f"nothing is lost: the VM runs on at node {leg.source}"
            if leg.paused:
                engine.resume(vm.number, leg.source)
                leg.paused = False
            vm.use_originals(leg.pulling)
        leg.end_helpers()
        for job in jobs:
            while engine.left(job):
                yield None
        leg.jobs.clear()
        if not leg.fencing:
            yield from self._bring_homes_back(leg)
        vm.discard_copies(leg.source)

    def _lose(self, leg: Migration) -> None:
        here = len(leg.vm.pages_on(leg.target))
        pages = leg.vm.spec.pages
        self.outcome = (
            f"the VM is lost: node {leg.target}, which failed, had its {leg.vm.spec.vcpus} vCPUs' "
            f"state and {here} of its {pages} pages"
        )
        self.lost = {"vcpus": leg.vm.spec.vcpus, "pages": here, "pages-elsewhere": pages - here}

    def _bring_homes_back(self, leg: Migration) -> Steps:
        """Let the source's engine move every home to where it was when the migration began."""
        vm, engine = leg.vm, leg.vm.engine
        away: dict[int, list[int]] = {}
        everything = iter(leg.homes)
        while some := list(islice(everything, _REGIONS_AT_ONCE)):
            each = zip(some, leg.homes.of(some), vm.homes.of(some), engine.homes(some), strict=True)
            for region, before, noted, now in each:
                if now == before == noted or noted < 0:  # not the VM's any more
                    continue
                vm.homes.move([region], before)
                if now != before:
                    away.setdefault(before, []).append(region)
        for before, moved in away.items():
            job = engine.transfer(moved, before, node=leg.source, owner=vm.number)
            while engine.left(job):
                yield None
            self.regions_brought_back += len(moved)
            astray = sum(home != before for home in engine.homes(moved))
            if astray:
                raise RunError(f"the migration was called off, but {astray} homes are not back")
        leg.regions_moved = max(leg.regions_moved, self.regions_brought_back)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for migration.json, of an interruption that there was."""
        assert self.of is not None
        return {
            "kind": self.of.kind,
            "after": self.of.after_ticks / TICKS_PER_SECOND,
            "outcome": self.outcome,
            "regions-brought-back": self.regions_brought_back,
            "lost": self.lost,
        }
