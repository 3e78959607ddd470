# SPDX-License-Identifier: BSD-3-Clause
"""The experiment: VMs warm up, are watched, migrate, and are watched again.

    asked = Experiment(machine=..., vm=VmSpec(...), workload=..., strategy=..., seed=1, ...)
    result = asked.run()
    result.summary      # what goes into migration.json
    result.statistics   # what goes into stats.txt

The time line: `warmup`, then a window before the migration, the migration, and a window after it,
which shows what it costs to leave data where it was: as long as the one before, or up to a horizon
that is the same for every strategy. Statistics begin with the window before.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from homeshift.energy import Constants, load_constants
from homeshift.engines import (
    FastForward,
    Models,
    Setup,
    VmSetup,
    check_message_log,
    check_models,
    inside_gem5,
    links_too_slow,
    make_engine,
)
from homeshift.engines.base import Engine
from homeshift.errors import InputError, RunError
from homeshift.experiment import host_memory
from homeshift.experiment.frames import FrameAllocator
from homeshift.experiment.interruption import TARGET_FAILURE, CallingOff, Interruption
from homeshift.experiment.message_window import MessageWindow
from homeshift.experiment.migration import Migration
from homeshift.experiment.planned_vms import PlannedVm
from homeshift.experiment.progress import Progress
from homeshift.experiment.result import Result
from homeshift.experiment.running_vm import RunningVm
from homeshift.experiment.schedule import Steps, run_together, sleep
from homeshift.experiment.summary import Span, changing_speeds, summary, too_few_accesses
from homeshift.experiment.vm import VmSpec, check_together
from homeshift.machine import Machine
from homeshift.strategies import Strategy
from homeshift.units import time_text
from homeshift.workload import Booted, Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """What is simulated, and how.

    Args:
        machine: what the VMs run on.
        vm: the VM that the summary is about, and where it goes.
        workload: what its vCPUs do.
        strategy: how it moves.
        seed: of the first VM's workload; those of the others follow from it.
        warmup_ticks: time before anything is measured.
        window_ticks: time that is measured before and, without a horizon, after the migrations.
        horizon_ticks: time from the start of the first migration to the end of the measurement.
        others: more VMs; they may move as well.
        keep_borrowed: borrowed memory that a VM does not use any more stays lent.
        interruption: of the first VM's migration: it is cancelled, or its target fails.
        fence: the source loses its right to the first VM's memory when it has moved (once).
        check: verify every load, and the directories at the end.
        constants: of the energy.
        models: of memory, network and CPUs.
        fast_forward: before the warm-up, of a full system in the first VM.
        messages: which single messages to note (embedded engine); none if not given.
        report: is told, in a line, what begins.
    """

    machine: Machine
    vm: VmSpec
    workload: Workload | Booted
    strategy: Strategy
    seed: int
    warmup_ticks: int
    window_ticks: int
    horizon_ticks: int | None = None
    others: Sequence[PlannedVm] = ()
    keep_borrowed: bool = False
    interruption: Interruption | None = None
    fence: bool = False
    check: bool = False
    constants: Constants = field(default_factory=load_constants)
    models: Models = field(default_factory=Models)
    fast_forward: FastForward = field(default_factory=FastForward)
    messages: MessageWindow | None = None
    report: Callable[[str], None] = lambda _: None

    @property
    def vms(self) -> list[PlannedVm]:
        """All VMs, that of the summary first."""
        first = PlannedVm(spec=self.vm, workload=self.workload, strategy=self.strategy)
        return [first, *self.others]

    def run(self) -> Result:
        """Simulate the migrations.

        Raises:
            InputError: VMs, workloads and machine do not fit together.
            RunError: the simulation failed, or the host has not enough memory for it.
        """
        self._check()
        specs = [vm.spec for vm in self.vms]
        if not inside_gem5():  # which needs other amounts
            host_memory.check(self.machine, specs)
        try:
            return _Run(self).result()
        except MemoryError as error:
            raise host_memory.ran_out(self.machine, specs) from error

    def _check(self) -> None:
        vms = self.vms
        check_together([vm.spec for vm in vms], self.machine)
        lacking = [
            f"VM {number}: {vm.strategy.name} needs borrowed memory; say what it borrows "
            f"({'borrow in the file' if number else '--borrow'})"
            for number, vm in enumerate(vms)
            if vm.strategy is not None and vm.strategy.stays and not vm.spec.borrow
        ]
        if lacking:
            raise InputError("the choice of strategies", lacking)
        if self.horizon_ticks is not None:
            _check_starts(vms, self.horizon_ticks)
        if self.interruption and self.interruption.kind == TARGET_FAILURE:
            _check_target_failure(vms)
        if self.messages is not None:
            check_message_log()
        check_models(self.models, self.machine, self.workload)
        if self.fence and (self.others or len(self.vm.targets) != 1):
            raise InputError(
                "a fence",
                [
                    "is for one VM that moves once: the memory that it leaves may be used by "
                    "others, or by itself when it comes back"
                ],
            )


def seed_of(seed: int, *, vm: int) -> int:
    """Return the seed of a VM's workload, which no VM has with another seed of the experiment."""
    if vm == 0:
        return seed
    return int.from_bytes(
        hashlib.blake2b(f"{seed} {vm}".encode(), digest_size=8).digest(), "little"
    )


def _check_starts(vms: Sequence[PlannedVm], horizon_ticks: int) -> None:
    late = [
        f"VM {number}: start = {time_text(vm.start_ticks)}: not before the end of the "
        f"measurement, after {time_text(horizon_ticks)}"
        for number, vm in enumerate(vms)
        if vm.start_ticks >= horizon_ticks
    ]
    if late:
        raise InputError("the horizon", late)


def _check_target_failure(vms: Sequence[PlannedVm]) -> None:
    first, *others = vms
    faults = []
    if first.strategy is not None and first.strategy.stays:
        faults.append(f"by {first.strategy.name} the VM stays where it is")
    for number, other in enumerate(others, 1):
        nodes = {other.spec.source, *other.spec.targets}.intersection(first.spec.targets)
        if nodes:
            faults.append(f"VM {number} uses node {min(nodes)} as well, and would not notice")
    if faults:
        raise InputError("the failure of the target", faults)


@dataclass(slots=True)
class _Journey:
    """A VM's migrations, one after the other."""

    vm: RunningVm
    strategy: Strategy
    targets: Sequence[int]
    start_tick: int
    keep_borrowed: bool
    calling_off: CallingOff
    fence: bool
    report: Callable[[str], None]
    legs: list[Migration] = field(default_factory=list)

    def tell_end(self) -> None:
        """Say what came of an interruption, or of a strategy that cancelled."""
        if self.calling_off.of is not None:
            self.report(f"{self.calling_off.of.kind}: {self.calling_off.outcome}")

    def steps(self) -> Steps:
        yield from sleep(self.vm.engine, self.start_tick)
        for target in self.targets:
            leg = Migration(
                self.vm,
                self.strategy,
                target,
                keep_borrowed=self.keep_borrowed,
                fence=self.fence,
                report=self.report,
            )
            self.legs.append(leg)
            yield from self.calling_off.steps(leg)
            if leg.status != "completed":
                return


class _Run:
    """Places the VMs, drives the engine through the time line, and sums up."""

    def __init__(self, asked: Experiment) -> None:
        self.asked = asked
        self.planned = asked.vms
        machine = asked.machine
        allocator = FrameAllocator(machine, self.planned[0].spec.region_bytes)
        self.vms = [
            RunningVm(
                number=number,
                spec=planned.spec,
                machine=machine,
                allocator=allocator,
                lent=planned.strategy is None or planned.strategy.begins_lent,
            )
            for number, planned in enumerate(self.planned)
        ]
        first_cores = accumulate((vm.spec.vcpus for vm in self.vms), initial=0)
        self.engine: Engine = make_engine(
            Setup(
                machine=machine,
                vms=[
                    VmSetup(
                        frames=vm.frames,
                        streams=planned.workload.streams(
                            vcpus=vm.spec.vcpus,
                            vm_bytes=vm.spec.memory_bytes,
                            seed=seed_of(asked.seed, vm=vm.number),
                        ),
                        first_core=first_core,
                    )
                    for vm, planned, first_core in zip(
                        self.vms, self.planned, first_cores, strict=False
                    )
                ],
                homes=_homes(self.vms),
                region_bytes=self.planned[0].spec.region_bytes,
                check=asked.check,
                models=asked.models,
                fast_forward=asked.fast_forward,
            )
        )
        for vm in self.vms:
            vm.attach(self.engine)

    def result(self) -> Result:
        engine, asked = self.engine, self.asked
        self._warm_up()
        seen = self._watch_before()
        at_first, start = seen[0], seen[-1]
        changing = self._doubt_speeds(seen)
        horizon = None if asked.horizon_ticks is None else start.tick + asked.horizon_ticks
        calling_off = CallingOff(asked.interruption, start.tick)
        journeys = self._journeys(start.tick, calling_off)
        progress = Progress(engine, self._look, ticks=asked.horizon_ticks or asked.window_ticks)
        log = iter(()) if asked.messages is None else asked.messages.steps(engine, start.tick)
        background = [progress.steps(), log]
        end = self._migrate(journeys, background, start.tick, horizon)
        for journey in journeys:
            journey.tell_end()
        asked.report("watching the VM afterwards")
        until = end.tick + asked.window_ticks if horizon is None else horizon
        run_together(engine, [sleep(engine, until)], background=background)
        at_last = self._look()
        progress.end(at_last)
        statistics, final_tick = tuple(engine.statistics()), engine.now
        if asked.check:
            self._audit()
        return Result(
            machine=asked.machine,
            constants=asked.constants,
            vms=self.planned,
            summary=summary(
                engine_name=engine.name,
                specs=[planned.spec for planned in self.planned],
                legs=[leg for journey in journeys for leg in journey.legs],
                moments=(at_first, start, end, at_last),
                changing=changing,
                on_cpus=isinstance(asked.workload, Booted),
                progress=progress.points,
                constants=asked.constants,
                calling_off=calling_off if calling_off.of else None,
            ),
            statistics=statistics,
            final_tick=final_tick,
            messages=tuple(engine.take_message_log()),
        )

    def _warm_up(self) -> None:
        """Let all VMs run, the first one alone while it fast-forwards."""
        engine, asked, report = self.engine, self.asked, self.asked.report
        if too_slow := links_too_slow(asked.models, asked.machine):
            report(too_slow)
        engine.resume(0, self.vms[0].node)
        if asked.fast_forward:
            report("fast-forwarding" if asked.fast_forward.ticks else "restoring")
            if not engine.fast_forward() and asked.fast_forward.ticks:
                lasted = time_text(asked.fast_forward.ticks)
                report(f"has fast-forwarded all of {lasted}: there was no m5_work_begin")
            if asked.fast_forward.take_checkpoint:
                report(f"wrote checkpoint {asked.fast_forward.take_checkpoint}")
        for vm in self.vms[1:]:
            engine.resume(vm.number, vm.node)
        report("warming up")
        engine.warm_up(asked.warmup_ticks)

    def _watch_before(self) -> Sequence[Span]:
        """Return what is seen at the begin of the window, and after each quarter of it."""
        engine, window = self.engine, self.asked.window_ticks
        period = self.asked.machine.clock_period_ps
        moments = [window * quarter // 4 // period * period for quarter in range(4)]
        engine.reset_statistics()
        seen = [self._look()]
        for begin, end in pairwise([*moments, window]):
            engine.run(end - begin)
            seen.append(self._look())
        return seen

    def _doubt_speeds(self, seen: Sequence[Span]) -> Collection[int]:
        """Say which VMs' speeds are in doubt; return the VMs that were not steady."""
        quarters = [later - earlier for earlier, later in pairwise(seen)]
        changing = changing_speeds(quarters)
        for number, (first, second) in changing.items():
            self._from_vm(number)(
                f"the VM is not steady before the migration: {first:.4g} accesses/us, then "
                f"{second:.4g}: its caches fill (a longer --warmup helps), or its work changes"
            )
        for number, accesses in too_few_accesses(seen[-1] - seen[0]).items():
            self._from_vm(number)(
                f"the VM's speed before the migration is not known: too few accesses, {accesses} "
                "(a longer --window helps)"
            )
        return changing

    def _journeys(self, start_tick: int, calling_off: CallingOff) -> list[_Journey]:
        """Return the migrations of each VM that moves; `calling_off` is of the first one's."""
        return [
            _Journey(
                vm,
                planned.strategy,
                (vm.node,) if planned.strategy.stays else planned.spec.targets,
                start_tick=start_tick + planned.start_ticks,
                keep_borrowed=self.asked.keep_borrowed,
                calling_off=calling_off if vm.number == 0 else CallingOff(None, start_tick),
                fence=self.asked.fence,
                report=self._from_vm(vm.number),
            )
            for vm, planned in zip(self.vms, self.planned, strict=True)
            if planned.strategy is not None
        ]

    def _migrate(
        self,
        journeys: Sequence[_Journey],
        background: Sequence[Steps],
        start_tick: int,
        horizon: int | None,
    ) -> Span:
        """Let the VMs migrate, and return what is seen at the end.

        Raises:
            RunError: that is after the tick `horizon`.
        """
        self.asked.report(f"migrating by {journeys[0].strategy.name}")
        steps = [journey.steps() for journey in journeys]
        over = run_together(self.engine, steps, background=background, until=horizon)
        end = self._look()
        if horizon is not None and (not over or end.tick > horizon):
            which = "the migration is" if len(journeys) == 1 else "the migrations are"
            after = time_text(horizon - start_tick)
            raise RunError(f"{which} not over after {after}; give a longer horizon")
        return end

    def _from_vm(self, number: int) -> Callable[[str], None]:
        """Return what reports a line about a VM, whose number it says but for the first one."""
        report = self.asked.report
        return (lambda line: report(f"VM {number}: {line}")) if number else report

    def _look(self) -> Span:
        engine = self.engine
        return Span(
            tick=engine.now,
            counted=engine.counters(),
            vms=tuple(engine.vm_counters(vm.number) for vm in self.vms),
            links=tuple(engine.links()),
        )

    def _audit(self) -> None:
        """Stop all VMs and compare directories with caches."""
        for vm in self.vms:
            self.engine.pause(vm.number)
        while not all(self.engine.paused(vm.number) for vm in self.vms):
            self.engine.wait(None)
        self.engine.audit()


def _homes(vms: Sequence[RunningVm]) -> dict[int, array[int]]:
    """Return node -> regions that it is home of, where that is not the node that they lie on."""
    homes: dict[int, array[int]] = {}
    for vm in vms:
        if vm.lent:
            homes.setdefault(vm.node, array("Q")).extend(vm.homes)
    return homes
