# SPDX-License-Identifier: BSD-3-Clause
"""The gem5 engine: the same protocol, machine and VM in Ruby, for one machine and one VM.

It runs inside a gem5 that was built with the plugin in `src/gem5/homeshift`, and needs nothing but
the standard library besides. gem5 holds one machine a process, so there can be one engine only.
"""

from __future__ import annotations

import atexit
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import m5
import m5.objects as gem5

from homeshift.engines.base import Counters, Setup
from homeshift.engines.counting import counters
from homeshift.engines.gem5_machine import Built, build
from homeshift.errors import RunError
from homeshift.machine import Machine
from homeshift.output import Stat

PAUSED = "the virtual machine is paused"
IDLE = "the migration engine is idle"
REACHED = "simulate() limit reached"
LINE_BYTES = 64
NOBODY = -1  # loses a right with a transfer
QUIET_TICKS = 10**7  # nothing is under way any more so long after a VM was paused


class Gem5Engine:
    """An `Engine`; see there. Made by `engines.make_engine`."""

    name = "gem5"

    def __init__(self, setup: Setup) -> None:
        machine = self._machine = setup.machine
        self._source = setup.source
        self._frames = list(setup.frames)
        self._built = build(machine, region_bytes=setup.region_bytes)
        self._vm = _add_vm(self._built, machine, setup.streams, check=setup.check)
        m5.instantiate()
        for address, home in setup.homes.items():
            for node in range(machine.nodes):
                self._built.home_tables[node].set(address, home)
                self._built.directories[node].setHome(address, node == home)
        self._vm.setFrames(self._frames)

    @property
    def now(self) -> int:
        """Start of the current cycle: gem5 hands answers to cores 1 ps after it."""
        period = self._machine.clock_period_ps
        return int(m5.curTick()) // period * period

    def run(self, ticks: int) -> None:
        period = self._machine.clock_period_ps
        end = self.now + -(-ticks // period) * period
        self._simulate(REACHED, end + 1 - m5.curTick())  # 1 ps more, for the answers

    def pause(self) -> None:
        if not self._vm.pause():
            self._simulate(PAUSED)

    def resume(self, node: int) -> None:
        self._vm.resume(node)

    def copy(self, sources: Sequence[int], targets: Sequence[int], size_bytes: int) -> None:
        engine = self._built.migration_engines[self._source]
        engine.copy(list(sources), list(targets), size_bytes)
        self._finish()

    def transfer(self, regions: Sequence[int], new_home: int) -> None:
        engine = self._built.migration_engines[self._source]
        engine.transfer(list(regions), new_home, NOBODY)
        self._finish()

    def _finish(self) -> None:
        if not self._built.migration_engines[self._source].exitWhenIdle():
            self._simulate(IDLE)

    def start_dirty_log(self) -> None:
        self._vm.startDirtyLog()

    def take_dirty_log(self) -> list[int]:
        return list(self._vm.takeDirtyLog())

    def stop_dirty_log(self) -> None:
        self._vm.stopDirtyLog()

    def remap(self, pages: Sequence[int], frames: Sequence[int]) -> None:
        self._vm.remap(list(pages), list(frames))
        self._frames += frames

    def counters(self) -> Counters:
        built = self._built
        return counters(
            self.transitions(),
            accesses=self._vm.accesses(),
            remote_services=sum(table.servedRemotely() for table in built.home_tables),
            regions_moved=sum(engine.regionsMoved() for engine in built.migration_engines),
            lines_copied=sum(engine.linesCopied() for engine in built.migration_engines),
            between_nodes=self.messages("betweenNodes"),
            on_links=self.messages("linkMessages"),
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
        self._simulate(REACHED, QUIET_TICKS)
        lines = {frame + offset for frame in self._frames for offset in range(0, 4096, LINE_BYTES)}
        fault = self._built.probe.audit(sorted(lines))
        if fault:
            raise RunError(f"the simulation failed at tick {self.now}: audit: {fault}")

    def _simulate(self, cause: str, ticks: int | None = None) -> None:
        """Simulate until gem5 leaves its loop because of `cause`."""
        event = m5.simulate() if ticks is None else m5.simulate(ticks)
        atexit.unregister(m5.stats.dump)  # gem5 would add another dump at exit
        found = event.getCause()
        if self._vm.fault():
            raise RunError(f"the simulation failed at tick {self.now}: {self._vm.fault()}")
        if "user interrupt" in found:
            raise KeyboardInterrupt
        if found != cause:
            raise RunError(f"the simulation ended at tick {self.now}: {found}")


def _add_vm(
    built: Built,
    machine: Machine,
    streams: Sequence[Mapping[str, str | int | float]],
    *,
    check: bool,
) -> gem5.VirtualMachine:
    """Add a VM to the system, each vCPU with a way to one core of every node."""
    vm = built.system.vm = gem5.VirtualMachine(check=check)
    for number, stream in enumerate(streams):
        vcpu = gem5.VirtualCpu(
            vm=vm,
            system=built.system,
            home_tables=built.home_tables,
            max_outstanding=machine.cores.max_outstanding,
            **stream,
        )
        setattr(vm, f"vcpu{number}", vcpu)
        for node in range(machine.nodes):
            core = node * machine.cores.per_node + number
            vcpu.cores = built.sequencers[core].in_ports
    return vm
