# SPDX-License-Identifier: BSD-3-Clause
"""The embedded engine: the C++ simulation in `homeshift._engine`."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from homeshift import _engine
from homeshift.engines.base import (
    Controller,
    Counters,
    Link,
    Message,
    Setup,
    VmCounters,
    awake_cycles,
    line_interval_ticks,
)
from homeshift.engines.counting import counters
from homeshift.engines.embedded_stats import statistics
from homeshift.engines.messages import message_bytes
from homeshift.errors import RunError
from homeshift.machine import Machine, topology
from homeshift.output import Stat
from homeshift.units import LINE_BYTES


def system_spec(machine: Machine, *, region_bytes: int, check: bool) -> dict[str, object]:
    """Return the machine as the C++ module wants it: cycles, bytes and ps."""
    period = machine.clock_period_ps
    pool = machine.memory_of(machine.nodes - 1)  # if there is one
    return {
        "clock_period_ps": period,
        "cores_per_node": machine.cores.per_node,
        "max_outstanding": machine.cores.max_outstanding,
        "cache_bytes": machine.cache.size_bytes,
        "cache_associativity": machine.cache.associativity,
        "cache_latency": machine.cache.latency_cycles,
        "slc_bytes": machine.slc.size_bytes,
        "slc_associativity": machine.slc.associativity,
        "slc_latency": machine.slc.latency_cycles,
        "home_latency": machine.home.latency_cycles,
        "memory_bytes": machine.memory.size_bytes,
        "memory_latency_ps": machine.memory.latency_cycles * period,
        "line_time_ps": LINE_BYTES * machine.memory.byte_ticks,
        "pool_memory_latency_ps": pool.latency_cycles * period,
        "pool_line_time_ps": LINE_BYTES * pool.byte_ticks,
        "nodes": machine.nodes,
        "pool_nodes": machine.nodes - machine.hosts,
        "links": topology.links(machine),
        "router_latency": machine.network.router_latency_cycles,
        "local_latency": machine.network.local_latency_cycles,
        "jitter": 0,
        "jitter_seed": 0,
        "outstanding_lines": machine.migration.outstanding_lines,
        "outstanding_transfers": machine.migration.outstanding_transfers,
        "region_bytes": region_bytes,
        "check": check,
        "run_ahead": True,
    }


class EmbeddedEngine:
    """An `Engine`; see there. Made by `engines.make_engine`."""

    name = "embedded"

    def __init__(self, setup: Setup) -> None:
        self._machine = setup.machine
        self._reset_at = 0
        self._system = _engine.System(
            system_spec(setup.machine, region_bytes=setup.region_bytes, check=setup.check)
        )
        for node, regions in setup.homes.items():
            self._system.place_homes(_array(regions), node)
        for vm in setup.vms:
            self._system.add_vm(_array(vm.frames), [dict(stream) for stream in vm.streams])
        self._cores = [(vm.first_core, len(vm.streams)) for vm in setup.vms]
        self._running = [False for _ in setup.vms]

    @property
    def system(self) -> _engine.System:
        """The machine itself, for tests and benchmarks."""
        return self._system

    @property
    def now(self) -> int:
        return self._system.now * self._machine.clock_period_ps

    def run(self, ticks: int) -> None:
        with _errors(self):
            self._system.run(self._cycles(ticks))

    def warm_up(self, ticks: int) -> None:
        self.run(ticks)

    def fast_forward(self) -> bool:
        raise RunError("nothing can be fast-forwarded but a full system, which gem5 has")

    def wait(self, until: int | None) -> None:
        with _errors(self):
            self._system.wait(None if until is None else self._cycles(until))

    def pause(self, vm: int) -> None:
        self._running[vm] = False
        self._system.begin_stop_vm(vm)

    def paused(self, vm: int) -> bool:
        return not self._running[vm] and self._system.drained(vm)

    def resume(self, vm: int, node: int) -> None:
        self._running[vm] = True
        first_core, vcpus = self._cores[vm]
        first = node * self._machine.cores.per_node + first_core
        self._system.start_vm(vm, list(range(first, first + vcpus)))

    def throttle(self, vm: int, percentage: int, slice_ticks: int) -> None:
        cycles = self._cycles(slice_ticks)
        self._system.throttle(vm, cycles, awake_cycles(cycles, percentage))

    def map_pages(self, vm: int, pages: Sequence[int], frames: Sequence[int]) -> None:
        self._system.map_pages(vm, _array(pages), _array(frames))

    def start_dirty_log(self, vm: int) -> None:
        self._system.start_dirty_log(vm)

    def take_dirty_log(self, vm: int) -> list[int]:
        return self._system.take_dirty_log(vm)

    def stop_dirty_log(self, vm: int) -> None:
        self._system.stop_dirty_log(vm)

    def await_pages(self, vm: int, pages: Sequence[int]) -> None:
        self._system.await_pages(vm, _array(pages))

    def quiet(self, vm: int, pages: Sequence[int]) -> bool:
        return self._system.quiet(vm, _array(pages))

    def take_faults(self, vm: int) -> list[int]:
        return self._system.take_faults(vm)

    def sample(self, vm: int, every: int) -> None:
        self._system.sample(vm, every)

    def take_samples(self, vm: int) -> list[int]:
        return self._system.take_samples(vm)

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
        interval = line_interval_ticks(bytes_per_second)
        return self._system.copy(
            node, _array(sources), _array(targets), size_bytes, owner, urgent, interval
        )

    def transfer(self, regions: Sequence[int], new_home: int, *, node: int, owner: int) -> int:
        return self._system.transfer(node, _array(regions), new_home, owner)

    def fence(self, regions: Sequence[int], fenced: int, *, node: int, owner: int) -> int:
        return self._system.fence(node, _array(regions), fenced, owner)

    def homes(self, addresses: Sequence[int]) -> list[int]:
        return [self._system.home_of(address) for address in addresses]

    def left(self, job: int) -> int:
        return self._system.left(job)

    def cancel(self, job: int) -> None:
        self._system.cancel(job)

    def _cycles(self, ticks: int) -> int:
        return math.ceil(ticks / self._machine.clock_period_ps)

    def counters(self) -> Counters:
        system = self._system
        return counters(
            system.transition_totals(),
            between_nodes=system.between_nodes(),
            on_links=system.on_links(),
        )

    def vm_counters(self, vm: int) -> VmCounters:
        period = self._machine.clock_period_ps
        vcpus = self._system.vcpu_counts(vm)
        return VmCounters(
            accesses=sum(v["loads"] + v["stores"] for v in vcpus),
            remote_accesses=sum(v["remote"] for v in vcpus),
            latency_ticks=sum(v["latency_cycles"] for v in vcpus) * period,
            all_blocked_ticks=self._system.all_blocked(vm) * period,
        )

    def links(self) -> Sequence[Link]:
        period = self._machine.clock_period_ps
        return [
            Link(source=link["from"], target=link["to"], busy_ticks=link["busy_cycles"] * period)
            for link in self._system.link_counts()
        ]

    def open_message_log(self, most: int) -> None:
        self._system.open_message_log(most)

    def close_message_log(self) -> None:
        self._system.close_message_log()

    def take_message_log(self) -> list[Message]:
        period = self._machine.clock_period_ps
        return [
            Message(
                kind=kind,
                type=type_,
                address=address,
                size_bytes=message_bytes(size),
                sender=_controller(sender),
                receiver=_controller(receiver),
                sent_tick=sent * period,
                arrived_tick=arrived * period,
            )
            for kind, type_, address, size, sender, receiver, sent, arrived in (
                self._system.take_message_log()
            )
        ]

    def reset_statistics(self) -> None:
        self._system.reset_statistics()
        self._reset_at = self._system.now

    def statistics(self) -> Iterable[Stat]:
        return statistics(
            self._system,
            clock_period_ps=self._machine.clock_period_ps,
            cycles=self._system.now - self._reset_at,
            vms=len(self._cores),
        )

    def audit(self) -> None:
        with _errors(self):
            self._system.audit()


def _controller(noted: tuple[int, str, int]) -> Controller:
    node, machine, number = noted
    return Controller(node=node, machine=machine, number=number)


def _array(numbers: Sequence[int]) -> array[int]:
    """Return addresses or page numbers as the C++ module takes them without a look at each."""
    if isinstance(numbers, array) and numbers.typecode == "Q":
        return numbers
    return array("Q", numbers)


@contextmanager
def _errors(engine: EmbeddedEngine) -> Iterator[None]:
    """Turn what the C++ module raises about a run into a RunError."""
    try:
        yield
    except (_engine.ProtocolError, _engine.DataError, _engine.DeadlockError) as error:
        raise RunError(f"the simulation failed at tick {engine.now}: {error}") from error
