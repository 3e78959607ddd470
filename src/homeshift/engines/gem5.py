# SPDX-License-Identifier: BSD-3-Clause
"""The gem5 engine: the same protocol, machine and VM in Ruby.

It runs inside a gem5 that was built with the plugin in `src/gem5/homeshift`, and needs nothing but
the standard library besides. gem5 holds one machine a process, so there can be one engine only.
"""

from __future__ import annotations

import atexit
import math
from collections.abc import Iterable, Sequence
from typing import Any

import m5

from homeshift.engines import check_message_log
from homeshift.engines.base import (
    Counters,
    Link,
    Message,
    Setup,
    VmCounters,
    awake_cycles,
    line_interval_ticks,
)
from homeshift.engines.counting import counters
from homeshift.engines.gem5_checkpoint import Checkpoints
from homeshift.engines.gem5_loop import FOREVER, OF_INTEREST, WORK_BEGINS, simulate
from homeshift.engines.gem5_machine import build
from homeshift.engines.gem5_output import Terminal, say_less
from homeshift.engines.gem5_vms import add_vm, boots, cpus_of, end_fast_forward
from homeshift.errors import RunError
from homeshift.output import Stat
from homeshift.units import LINE_BYTES, PAGE_BYTES

QUIET_TICKS = 10**7  # nothing is under way any more so long after a VM was paused


class Gem5Engine:
    """An `Engine`; see there. Made by `engines.make_engine`."""

    name = "gem5"

    def __init__(self, setup: Setup) -> None:
        self._checkpoints = Checkpoints(setup)
        self._setup = setup
        machine = self._machine = setup.machine
        system, controllers = build(
            machine,
            region_bytes=setup.region_bytes,
            models=setup.models,
            full_system=boots(setup),
        )
        self._system = system
        self._controllers = controllers
        self._vms = [
            add_vm(system, controllers, number, spec, setup)
            for number, spec in enumerate(setup.vms)
        ]
        self._cpus = [cpus_of(vm, spec) for vm, spec in zip(self._vms, setup.vms, strict=True)]
        self._frames = {frame for vm in setup.vms for frame in vm.frames}
        self._region_bytes = setup.region_bytes
        self._jobs: list[Any] = []  # the migration engine of each
        self._running = [False for _ in setup.vms]
        self._works = False
        self._terminal = Terminal() if boots(setup) else None
        m5.instantiate(setup.fast_forward.restore)
        say_less()
        for home, regions in setup.homes.items():
            for node in range(machine.nodes):
                for address in regions:
                    controllers.home_tables[node].place(address, home)
                    controllers.directories[node].setHome(address, node == home)
        for vm, spec in zip(self._vms, setup.vms, strict=True):
            vm.setFrames(list(spec.frames))

    @property
    def now(self) -> int:
        """Start of the current cycle: the strategy acts in its last ps."""
        return int(m5.curTick()) // self._machine.clock_period_ps * self._machine.clock_period_ps

    def run(self, ticks: int) -> None:
        end = self.now + self._cycles(ticks) * self._machine.clock_period_ps
        while self.now < end:
            self.wait(end)

    def warm_up(self, ticks: int) -> None:
        end = self.now + self._cycles(ticks) * self._machine.clock_period_ps
        self._works = False
        while self.now < end and not self._works:
            self.wait(end)

    def fast_forward(self) -> bool:
        self.warm_up(self._setup.fast_forward.ticks)
        self._checkpoints.take()
        end_fast_forward(self._system, self._vms[0], self._cpus[0])
        return self._works

    def wait(self, until: int | None) -> None:
        if until is None:
            self._simulate(FOREVER)
            return
        end = self._cycles(until) * self._machine.clock_period_ps
        if end > self.now:
            # To the cycle's last ps: a core's answers come 1 ps, 2 ps and so on after its begin.
            self._simulate(end + self._machine.clock_period_ps - 1)

    def pause(self, vm: int) -> None:
        self._running[vm] = False
        self._vms[vm].pause()

    def paused(self, vm: int) -> bool:
        return not self._running[vm] and bool(self._vms[vm].paused())

    def resume(self, vm: int, node: int) -> None:
        self._running[vm] = True
        self._vms[vm].resume(node)

    def throttle(self, vm: int, percentage: int, slice_ticks: int) -> None:
        cycles = self._cycles(slice_ticks)
        self._vms[vm].throttle(cycles, awake_cycles(cycles, percentage))

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

    def sample(self, vm: int, every: int) -> None:
        self._vms[vm].sample(every)

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
        job = self._new_job(node)
        interval = line_interval_ticks(bytes_per_second)
        self._jobs[job].copy(job, owner, list(sources), list(targets), size_bytes, urgent, interval)
        return job

    def transfer(self, regions: Sequence[int], new_home: int, *, node: int, owner: int) -> int:
        job = self._new_job(node)
        self._jobs[job].transfer(job, owner, self._bases(regions), new_home)
        return job

    def fence(self, regions: Sequence[int], fenced: int, *, node: int, owner: int) -> int:
        job = self._new_job(node)
        self._jobs[job].fence(job, owner, self._bases(regions), fenced)
        return job

    def homes(self, addresses: Sequence[int]) -> list[int]:
        directories = self._controllers.directories
        return [
            next((node for node, home in enumerate(directories) if home.isHome(address)), -1)
            for address in addresses
        ]

    def left(self, job: int) -> int:
        return int(self._jobs[job].left(job))

    def cancel(self, job: int) -> None:
        self._jobs[job].cancel(job)

    def _bases(self, regions: Sequence[int]) -> list[int]:
        size = self._region_bytes
        return [address // size * size for address in regions]

    def _new_job(self, node: int) -> int:
        self._jobs.append(self._controllers.migration_engines[node])
        return len(self._jobs) - 1

    def _cycles(self, ticks: int) -> int:
        return math.ceil(ticks / self._machine.clock_period_ps)

    def counters(self) -> Counters:
        controllers = self._controllers
        return counters(
            controllers.probe.transitions(),
            between_nodes=controllers.between_nodes(),
            on_links=controllers.on_links(),
        )

    def vm_counters(self, vm: int) -> VmCounters:
        return VmCounters(
            accesses=self._vms[vm].accesses(),
            remote_accesses=self._vms[vm].remoteAccesses(),
            latency_ticks=self._vms[vm].latency(),
            all_blocked_ticks=self._vms[vm].allBlocked(),
            instructions=sum(cpu.totalInsts() for cpu in self._cpus[vm]),
        )

    def links(self) -> Sequence[Link]:
        return self._controllers.links()

    def open_message_log(self, most: int) -> None:
        check_message_log()

    def close_message_log(self) -> None:
        check_message_log()

    def take_message_log(self) -> list[Message]:
        return []

    def reset_statistics(self) -> None:
        self._controllers.reset_statistics()

    def statistics(self) -> Iterable[Stat]:
        """Let gem5 write its own stats.txt; there is nothing left to be written."""
        m5.stats.dump()
        return ()

    def audit(self) -> None:
        self.run(QUIET_TICKS)
        lines = {
            frame + line for frame in self._frames for line in range(0, PAGE_BYTES, LINE_BYTES)
        }
        fault = self._controllers.probe.audit(sorted(lines))
        if fault:
            raise RunError(f"the simulation failed at tick {self.now}: audit: {fault}")

    def _simulate(self, until: int) -> None:
        """Simulate until gem5 leaves its loop for one of the reasons that are of interest."""
        look = self._terminal.check if self._terminal else lambda: None
        try:
            cause = simulate(until, meanwhile=look).getCause()
        finally:
            atexit.unregister(m5.stats.dump)  # gem5 would add another dump at exit
        faults = [fault for vm in self._vms if (fault := vm.checkFault())]
        if faults:
            raise RunError(f"the simulation failed at tick {self.now}: {faults[0]}")
        if "last active thread" in cause or "m5_exit" in cause:
            raise RunError(
                f"the program ended at tick {self.now}, before the measurement was over: look at "
                "what it printed; or give it more to do, or less time to --fast-forward, --warmup, "
                "--window or --horizon"
            )
        self._works = self._works or cause == WORK_BEGINS
        if cause not in OF_INTEREST:
            raise RunError(f"the simulation ended at tick {self.now}: {cause}")
