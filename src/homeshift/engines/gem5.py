# SPDX-License-Identifier: BSD-3-Clause
"""The gem5 engine: the same protocol, machine and VM in Ruby, for one machine.

It runs inside a gem5 that was built with the plugin in `src/gem5/homeshift`, and needs nothing but
the standard library besides. gem5 holds one machine a process, so there can be one engine only.
"""

from __future__ import annotations

import atexit
from collections import Counter
from collections.abc import Iterable, Sequence

import m5
import m5.objects as gem5

from homeshift.engines.base import Counters, Setup, VmCounters, VmSetup
from homeshift.engines.counting import counters
from homeshift.engines.gem5_machine import Built, build
from homeshift.errors import RunError
from homeshift.machine import Machine
from homeshift.output import Stat

SOMETHING_ENDED = (
    "a job of a migration engine is done",
    "a virtual machine is paused",
    "a page is missing",
    "a page is quiet",
)
REACHED = "simulate() limit reached"
LINE_BYTES = 64
QUIET_TICKS = 10**7  # nothing is under way any more so long after a VM was paused


class Gem5Engine:
    """An `Engine`; see there. Made by `engines.make_engine`."""

    name = "gem5"

    def __init__(self, setup: Setup) -> None:
        machine = self._machine = setup.machine
        self._frames = {frame for vm in setup.vms for frame in vm.frames}
        self._built = build(machine, region_bytes=setup.region_bytes)
        self._vms = [
            _add_vm(self._built, machine, number, vm, check=setup.check)
            for number, vm in enumerate(setup.vms)
        ]
        self._jobs = 0
        m5.instantiate()
        for address, home in setup.homes.items():
            for node in range(machine.nodes):
                self._built.home_tables[node].set(address, home)
                self._built.directories[node].setHome(address, node == home)
        for made, vm in zip(self._vms, setup.vms, strict=True):
            made.setFrames(list(vm.frames))

    @property
    def now(self) -> int:
        """Start of the current cycle: gem5 hands answers to cores 1 ps after it."""
        period = self._machine.clock_period_ps
        return int(m5.curTick()) // period * period

    def run(self, ticks: int) -> None:
        end = self.now + self._whole(ticks)
        while self._simulate(end) in SOMETHING_ENDED:
            pass

    def wait(self, until: int | None) -> None:
        if until is None or until > self.now:
            self._simulate(None if until is None else self._whole(until))

    def pause(self, vm: int) -> None:
        self._vms[vm].pause()

    def paused(self, vm: int) -> bool:
        return bool(self._vms[vm].paused())

    def resume(self, vm: int, node: int) -> None:
        self._vms[vm].resume(node)

    def throttle(self, vm: int, percentage: int, slice_ticks: int) -> None:
        cycles = self._whole(slice_ticks) // self._machine.clock_period_ps
        self._vms[vm].throttle(cycles, max(1, cycles * (100 - percentage) // 100))

    def map_pages(self, vm: int, pages: Sequence[int], frames: Sequence[int]) -> None:
        self._vms[vm].mapPages(list(pages), list(frames))
        self._frames.update(frames)

    def start_dirty_log(self, vm: int) -> None:
        self._vms[vm].startDirtyLog()

    def take_dirty_log(self, vm: int) -> list[int]:
        return list(self._vms[vm].takeDirtyLog())

    def stop_dirty_log(self, vm: int) -> None:
        self._vms[vm].stopDirtyLog()

    def await_pages(self, vm: int, pages: Sequence[int]) -> None:
        self._vms[vm].awaitPages(list(pages))

    def quiet(self, vm: int, pages: Sequence[int]) -> bool:
        return bool(self._vms[vm].quiet(list(pages)))

    def take_faults(self, vm: int) -> list[int]:
        return list(self._vms[vm].takeFaults())

    def sample(self, vm: int, every: int, slower_than_ticks: int) -> None:
        self._vms[vm].sample(every, slower_than_ticks // self._machine.clock_period_ps)

    def take_samples(self, vm: int) -> list[int]:
        return list(self._vms[vm].takeSamples())

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
        self._jobs += 1
        interval = round(LINE_BYTES / bytes_per_second * 1e12) if bytes_per_second else 0
        self._built.migration_engines[node].copy(
            self._jobs, owner, list(sources), list(targets), size_bytes, urgent, interval
        )
        return self._jobs

    def transfer(self, regions: Sequence[int], new_home: int, *, node: int, owner: int) -> int:
        self._jobs += 1
        self._built.migration_engines[node].transfer(self._jobs, owner, list(regions), new_home)
        return self._jobs

    def fence(self, regions: Sequence[int], fenced: int, *, node: int, owner: int) -> int:
        self._jobs += 1
        self._built.migration_engines[node].fence(self._jobs, owner, list(regions), fenced)
        return self._jobs

    def homes(self, addresses: Sequence[int]) -> list[int]:
        directories = self._built.directories
        return [
            next((node for node, home in enumerate(directories) if home.isHome(address)), -1)
            for address in addresses
        ]

    def done(self, job: int) -> bool:
        return not any(engine.workingOn(job) for engine in self._built.migration_engines)

    def cancel(self, job: int) -> None:
        for engine in self._built.migration_engines:
            engine.cancel(job)

    def counters(self) -> Counters:
        built = self._built
        return counters(
            self.transitions(),
            accesses=sum(vm.accesses() for vm in self._vms),
            remote_services=sum(table.servedRemotely() for table in built.home_tables),
            regions_moved=sum(engine.regionsMoved() for engine in built.migration_engines),
            lines_copied=sum(engine.linesCopied() for engine in built.migration_engines),
            between_nodes=self.messages("betweenNodes"),
            on_links=self.messages("linkMessages"),
        )

    def vm_counters(self, vm: int) -> VmCounters:
        made = self._vms[vm]
        return VmCounters(
            accesses=made.accesses(),
            latency_ticks=made.latencyTicks(),
            blocked_ticks=made.blockedTicks(),
            all_blocked_ticks=made.allBlockedTicks(),
        )

    def transitions(self) -> list[tuple[str, int, str, str, int]]:
        """Return (machine, number, state, event, count) of each transition taken."""
        return list(self._built.probe.transitions())

    def messages(self, which: str) -> dict[str, int]:
        """Return counts by size type: of "allMessages", "betweenNodes" or "linkMessages"."""
        counts: Counter[str] = Counter()
        for routing in self._built.routing:
            for name, count in zip(routing.sizeTypes(), getattr(routing, which)(), strict=True):
                if count:
                    counts[name] += count
        return dict(counts)

    def reset_statistics(self) -> None:
        m5.stats.reset()

    def statistics(self) -> Iterable[Stat]:
        """Let gem5 write its own stats.txt; there is nothing left to be written."""
        m5.stats.dump()
        return ()

    def audit(self) -> None:
        self.run(QUIET_TICKS)
        lines = {frame + offset for frame in self._frames for offset in range(0, 4096, LINE_BYTES)}
        fault = self._built.probe.audit(sorted(lines))
        if fault:
            raise RunError(f"the simulation failed at tick {self.now}: audit: {fault}")

    def _whole(self, ticks: int) -> int:
        """Round up to whole cycles."""
        period = self._machine.clock_period_ps
        return -(-ticks // period) * period

    def _simulate(self, until: int | None) -> str:
        """Simulate until something has ended, or a tick comes; return gem5's cause."""
        if until is not None and until < m5.curTick():
            return REACHED
        # 1 ps more, for the answers to cores
        event = m5.simulate() if until is None else m5.simulate(until + 1 - m5.curTick())
        atexit.unregister(m5.stats.dump)  # gem5 would add another dump at exit
        found = str(event.getCause())
        faults = [vm.fault() for vm in self._vms if vm.fault()]
        if faults:
            raise RunError(f"the simulation failed at tick {self.now}: {faults[0]}")
        if "user interrupt" in found:
            raise KeyboardInterrupt
        if found not in SOMETHING_ENDED and found != REACHED:
            raise RunError(f"the simulation ended at tick {self.now}: {found}")
        return found


def _add_vm(
    built: Built, machine: Machine, number: int, setup: VmSetup, *, check: bool
) -> gem5.VirtualMachine:
    """Add a VM to the system, each vCPU with a way to one core of every node."""
    vm = gem5.VirtualMachine(check=check)
    setattr(built.system, f"vm{number or ''}", vm)  # the first VM has no number
    for vcpu_number, stream in enumerate(setup.streams):
        vcpu = gem5.VirtualCpu(
            vm=vm,
            system=built.system,
            home_tables=built.home_tables,
            core=setup.first_core + vcpu_number,
            max_outstanding=machine.cores.max_outstanding,
            **stream,
        )
        setattr(vm, f"vcpu{vcpu_number}", vcpu)
        for node in range(machine.nodes):
            core = node * machine.cores.per_node + setup.first_core + vcpu_number
            vcpu.cores = built.sequencers[core].in_ports
    return vm
