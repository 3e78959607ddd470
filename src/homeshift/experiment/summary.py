# SPDX-License-Identifier: BSD-3-Clause
"""From what was counted to `migration.json`: names are QEMU's (`query-migrate`) where it has one.

The numbers at the top are about the first VM; bytes, energy and directory entries are those of all,
in the time of their migrations (requests that are sent on or refused: to the end of the
measurement). `window` is about the time from the start of the migration to the end of the
measurement, whatever happened in it: strategies that leave data where it is pay for that there.
`migrations` has one entry for each migration, `vms` one for each VM, `progress` the course of time.

Nodes and links do not know VMs: bytes and energy are those of all VMs. If several migrate, nobody
can therefore say which bytes went when for the first one: these are None then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from homeshift.energy import Constants, Counts, energy_of, sensitivity
from homeshift.engines.base import Counters, Link, VmCounters
from homeshift.experiment.interruption import CallingOff
from homeshift.experiment.migration import Migration, Phase
from homeshift.experiment.vm import VmSpec
from homeshift.run_format import FORMAT
from homeshift.units import PAGE_BYTES, TICKS_PER_MICROSECOND, TICKS_PER_SECOND


@dataclass(frozen=True, slots=True)
class Span:
    """What had been counted at a tick; `later - earlier` is a span of time, `tick` its length."""

    tick: int
    counted: Counters
    vms: tuple[VmCounters, ...]
    links: tuple[Link, ...] = ()

    def __sub__(self, earlier: Span) -> Span:
        vms = tuple(a - b for a, b in zip(self.vms, earlier.vms, strict=True))
        links = tuple(
            replace(a, busy_ticks=a.busy_ticks - b.busy_ticks)
            for a, b in zip(self.links, earlier.links, strict=True)
        )
        return Span(self.tick - earlier.tick, self.counted - earlier.counted, vms, links)


Moments = tuple[Span, Span, Span, Span]
"""First of the measurement, begin and end of the migrations, last of the measurement."""

STEADY_WITHIN = 0.1
"""Most by which a VM's speeds in the two halves before the migrations may differ."""
DRIFT_WITHIN = 0.05
"""Most by which they may differ in the first and the last quarter, if the speed rises in every
quarter, or falls in every one: it will go on, as while caches fill."""
LEAST_ACCESSES = 1000
"""Fewer in all of that time, and chance makes the speeds differ."""
LEAST_FOR_A_SPEED = 100
"""Fewer before the migrations, and their speed is off by more than 10 % by chance (1 / sqrt n)."""

_OF_A_VM = (
    *("accesses-per-microsecond", "instructions-per-microsecond"),
    *("mean-latency", "local-share"),
)
"""What `vm` tells of the first VM just as `vms` does."""


def summary(
    *,
    engine_name: str,
    specs: Sequence[VmSpec],
    legs: Sequence[Migration],
    moments: Moments,
    progress: Sequence[Span],
    constants: Constants,
    changing: Collection[int],
    on_cpus: bool,
    calling_off: CallingOff | None,
) -> dict[str, Any]:
    """Return what goes into migration.json.

    The VMs in `changing` were not steady before; `on_cpus`: CPUs run something in the first one.
    """
    at_first, start, end, at_last = moments
    spans = {"before": start - at_first, "during": end - start, "after": at_last - end}
    first = [leg for leg in legs if leg.vm.number == 0]
    alone = len(first) == len(legs)
    counted = spans["during"].counted
    overall = (at_last - start).counted
    status = first[-1].status
    total = specs[0].memory_bytes
    vms = [
        {
            **_vm(
                spec,
                [leg for leg in legs if leg.vm.number == number],
                {name: (span.tick, span.vms[number]) for name, span in spans.items()},
                on_cpus=on_cpus and number == 0,
            ),
            **_doubts(number, spans["before"], changing),
        }
        for number, spec in enumerate(specs)
    ]
    ram = {
        "total": total,
        "remaining": 0 if status == "completed" else total,
        **_ram(first, spans["during"], alone=alone),
    }
    return {
        "format": FORMAT,
        "engine": engine_name,
        "strategy": first[0].strategy.name,
        "status": status,
        "total-time": (first[-1].phases[-1].end - first[0].phases[0].start) / TICKS_PER_SECOND,
        "downtime": _downtime(first, at_last.tick),
        "expected-downtime": first[-1].expected_downtime,
        "setup-time": 0.0,
        "postcopy-blocktime": _blocktime(first),
        "cpu-throttle-percentage": max(leg.throttle_percentage for leg in first),
        "ram": ram,
        "home": {
            "regions-transferred": sum(leg.regions_moved for leg in first),
            "regions-returned": sum(leg.regions_returned for leg in first),
            "entries-moved": counted.entries_moved,
            "forwarded-requests": overall.forwarded_requests,
            "access-faults": overall.access_faults,
        },
        "interconnect": {
            "migration-bytes": counted.migration_bytes,
            "control-bytes": counted.control_bytes,
            "data-bytes": counted.data_bytes,
        },
        "copied-pages": ram["normal"],
        "energy": energy_of(_counts(counted, prefix="migration_"), constants).to_dict(),
        "vm": {
            **{name: vms[0][name] for name in _OF_A_VM if name in vms[0]},
            **_doubts(0, spans["before"], changing),
        },
        **({"interruption": calling_off.to_dict()} if calling_off else {}),
        "window": _window(at_last - start, spans["before"], constants),
        "migrations": [_migration(leg, at_last.tick, alone=alone) for leg in legs],
        "vms": vms,
        "links": [{"source": link.source, "target": link.target} for link in start.links],
        "progress": [_point(point - start, constants) for point in progress],
        "phases": [
            {"name": phase.name, "start": phase.start, "end": phase.end}
            for leg in first
            for phase in leg.phases
        ],
    }


def changing_speeds(quarters: Sequence[Span]) -> dict[int, tuple[float, float]]:
    """Return a VM's speeds, then and later, in accesses per microsecond, if it was not steady.

    Args:
        quarters: of the time before the migrations.
    """
    one, two, three, four = quarters
    found = {}
    for number in range(len(one.vms)):
        if sum(quarter.vms[number].accesses for quarter in quarters) < LEAST_ACCESSES:
            continue
        halves = _speed(number, one, two), _speed(number, three, four)
        speeds = [_speed(number, quarter) for quarter in quarters]
        goes_on = speeds in (sorted(speeds), sorted(speeds, reverse=True))
        if _differ(*halves, within=STEADY_WITHIN):
            found[number] = halves
        elif goes_on and _differ(speeds[0], speeds[-1], within=DRIFT_WITHIN):
            found[number] = speeds[0], speeds[-1]
    return found


def _speed(number: int, *spans: Span) -> float:
    """Return what a VM did in some time, in accesses per microsecond."""
    accesses = sum(span.vms[number].accesses for span in spans)
    return accesses / (sum(span.tick for span in spans) / TICKS_PER_MICROSECOND)


def _differ(one: float, other: float, *, within: float) -> bool:
    return abs(one - other) > within * max(one, other)


def too_few_accesses(before: Span) -> dict[int, int]:
    """Return the accesses of each VM that did too few before the migrations to know its speed."""
    return {
        number: vm.accesses
        for number, vm in enumerate(before.vms)
        if vm.accesses < LEAST_FOR_A_SPEED
    }


def _doubts(number: int, before: Span, changing: Collection[int]) -> dict[str, bool]:
    return {
        **({"steady": False} if number in changing else {}),
        **({"speed-known": False} if number in too_few_accesses(before) else {}),
    }


def _ram(legs: Sequence[Migration], during: Span, *, alone: bool) -> dict[str, Any]:
    """Sum up what a VM's migrations copied; `alone`: no other VM's went on meanwhile."""
    moved = during.counted.migration_bytes
    pages = sum(leg.pages_copied for leg in legs)
    seconds, own_seconds = during.tick / TICKS_PER_SECOND, sum(map(_total_time, legs))
    downtime_bytes, postcopy_bytes = (
        sum(phase.counted.migration_bytes for phase in phases)
        for phases in (_paused(legs), _after_resume(legs))
    )
    return {
        "transferred": moved,
        "duplicate": 0,
        "normal": pages,
        "normal-bytes": pages * PAGE_BYTES,
        "dirty-pages-rate": legs[-1].dirty_pages_rate,
        "dirty-sync-count": sum(leg.syncs for leg in legs),
        "postcopy-requests": sum(leg.postcopy_requests for leg in legs),
        "page-size": PAGE_BYTES,
        "mbps": moved * 8 / seconds / 1e6 if seconds else None,
        "pages-per-second": pages / own_seconds if own_seconds else None,
        "precopy-bytes": moved - downtime_bytes - postcopy_bytes if alone else None,
        "downtime-bytes": downtime_bytes if alone else None,
        "postcopy-bytes": postcopy_bytes if alone else None,
    }


def _vm(
    spec: VmSpec,
    legs: Sequence[Migration],
    did: dict[str, tuple[int, VmCounters]],
    *,
    on_cpus: bool,
) -> dict[str, Any]:
    """Sum up what a VM did before all migrations, during its own (or all, if it stays), after.

    did: in how long a time, before, during and after all migrations.
    """
    if legs:
        phases = [phase for leg in legs for phase in leg.phases]
        sums = {
            f.name: sum(getattr(phase.vm_counted, f.name) for phase in phases)
            for f in fields(VmCounters)
        }
        did = {**did, "during": (phases[-1].end - phases[0].start, VmCounters(**sums))}

    def rates(count: Callable[[VmCounters], int]) -> dict[str, float | None]:
        return {
            name: count(counted) / (ticks / TICKS_PER_MICROSECOND) if ticks else None
            for name, (ticks, counted) in did.items()
        }

    instructions = rates(lambda counted: counted.instructions) if on_cpus else None
    return {
        "source": spec.source,
        "targets": list(spec.targets),
        "accesses-per-microsecond": rates(lambda counted: counted.accesses),
        **({"instructions-per-microsecond": instructions} if instructions else {}),
        "mean-latency": {
            name: counted.latency_ticks / counted.accesses / TICKS_PER_SECOND
            if counted.accesses
            else None
            for name, (_, counted) in did.items()
        },
        "local-share": {name: _local_share(counted) for name, (_, counted) in did.items()},
    }


def _counts(counted: Counters, *, prefix: str = "") -> Counts:
    """Return what everybody did, or with the prefix "migration_" what the migration itself did."""
    return Counts(**{f.name: getattr(counted, prefix + f.name) for f in fields(Counts)})


def _window(span: Span, before: Span, constants: Constants) -> dict[str, Any]:
    """Sum up the time from the start of the migration to the end of the measurement."""
    counted, accesses = span.counted, span.vms[0].accesses
    undisturbed = before.vms[0].accesses * span.tick / before.tick if before.tick else None
    counts = _counts(counted)
    return {
        "time": span.tick / TICKS_PER_SECOND,
        "accesses": accesses,
        "accesses-lost": None if undisturbed is None else undisturbed - accesses,
        "remote-accesses": span.vms[0].remote_accesses,
        "local-share": _local_share(span.vms[0]),
        "migration-bytes": counted.migration_bytes,
        "control-bytes": counted.control_bytes,
        "data-bytes": counted.data_bytes,
        "link-bytes": counted.link_bytes,
        "migration-link-bytes": counted.migration_link_bytes,
        "dram-reads": counted.dram_reads,
        "dram-writes": counted.dram_writes,
        "slc-accesses": counted.slc_accesses,
        "directory-accesses": counted.directory_accesses,
        "forwarded-requests": counted.forwarded_requests,
        "energy": energy_of(counts, constants).to_dict(),
        "energy-sensitivity": sensitivity(counts, constants),
    }


def _point(span: Span, constants: Constants) -> dict[str, Any]:
    """Sum up the time from the start of the migration to a moment of it."""
    return {
        "time": span.tick / TICKS_PER_SECOND,
        "accesses": [vm.accesses for vm in span.vms],
        "remote-accesses": [vm.remote_accesses for vm in span.vms],
        "migration-bytes": span.counted.migration_bytes,
        "energy": energy_of(_counts(span.counted), constants).to_dict(),
        "links-busy": [link.busy_ticks / TICKS_PER_SECOND for link in span.links],
    }


def _migration(leg: Migration, last_tick: int, *, alone: bool) -> dict[str, Any]:
    """Sum up one migration; `alone`: no other VM migrates, whose bytes are not told apart."""
    return {
        "vm": leg.vm.number,
        "strategy": leg.strategy.to_dict(),
        "source": leg.source,
        "target": leg.target,
        **({} if leg.status == "completed" else {"status": leg.status}),
        **({} if leg.converged else {"converged": False}),
        "start": leg.phases[0].start,
        "total-time": _total_time(leg),
        "downtime": _downtime([leg], last_tick),
        "postcopy-blocktime": _blocktime([leg]),
        "copied-pages": leg.pages_copied,
        "regions-transferred": leg.regions_moved,
        "regions-returned": leg.regions_returned,
        "dirty-sync-count": leg.syncs,
        "postcopy-requests": leg.postcopy_requests,
        "postcopy-faults": leg.postcopy_faults,
        "phases": [
            {
                "name": phase.name,
                "start": phase.start,
                "end": phase.end,
                "accesses": phase.vm_counted.accesses,
                "migration-bytes": phase.counted.migration_bytes if alone else None,
            }
            for phase in leg.phases
        ],
    }


def _total_time(leg: Migration) -> float:
    return (leg.phases[-1].end - leg.phases[0].start) / TICKS_PER_SECOND


def _paused(legs: Sequence[Migration]) -> list[Phase]:
    return [phase for leg in legs for phase in leg.phases if phase.paused]


def _after_resume(legs: Sequence[Migration]) -> list[Phase]:
    """Return the phases in which the VM ran at the target."""
    phases = []
    for leg in legs:
        names = [phase.name for phase in leg.phases]
        phases += leg.phases[names.index("resume") + 1 :] if "resume" in names else []
    return [phase for phase in phases if not phase.paused]  # a strategy may pause it there again


def _downtime(legs: Sequence[Migration], last_tick: int) -> float:
    """Return the time in which the VM stood still; if it is lost, to the end of the measurement."""
    ticks = sum(phase.end - phase.start for phase in _paused(legs))
    last = legs[-1]
    if last.switched and last.phases[-1].name == "recover":
        ticks += last_tick - last.phases[-1].start
    return ticks / TICKS_PER_SECOND


def _blocktime(legs: Sequence[Migration]) -> float:
    """Return the time in which all vCPUs waited for missing pages."""
    phases = [phase for leg in legs for phase in leg.phases]
    return sum(phase.vm_counted.all_blocked_ticks for phase in phases) / TICKS_PER_SECOND


def _local_share(counted: VmCounters) -> float | None:
    """Return the share of a VM's accesses that did not need another node."""
    return 1 - counted.remote_accesses / counted.accesses if counted.accesses else None
