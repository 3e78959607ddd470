# SPDX-License-Identifier: BSD-3-Clause
"""The embedded engine: the C++ simulation in `homeshift._engine`, for one machine and one VM."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from homeshift import _engine
from homeshift.engines.base import Counters, Setup
from homeshift.engines.counting import counters
from homeshift.engines.embedded_stats import statistics
from homeshift.errors import RunError
from homeshift.machine import Machine
from homeshift.output import Stat

VM = 0
LINE_BYTES = 64


def system_spec(machine: Machine, *, region_bytes: int, check: bool) -> dict[str, object]:
    """Return the machine as the C++ module wants it: cycles, bytes and ps."""
    period = machine.clock_period_ps
    network = machine.network
    line_time = LINE_BYTES / machine.memory.bandwidth_bytes_per_second * 1e12
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
        "line_time_ps": round(line_time),
        "topology": network.topology,
        "nodes": machine.nodes,
        "columns": network.columns or 0,
        "router_latency": network.router_latency_cycles,
        "local_latency": network.local_latency_cycles,
        "link_latency": network.link_latency_cycles,
        "jitter": 0,
        "jitter_seed": 0,
        "bytes_per_cycle": network.link_bandwidth_bytes_per_second * period / 1e12,
        "outstanding_lines": machine.migration.outstanding_lines,
        "outstanding_transfers": machine.migration.outstanding_transfers,
        "region_bytes": region_bytes,
        "check": check,
    }


class EmbeddedEngine:
    """An `Engine`; see there. Made by `engines.make_engine`."""

    name = "embedded"

    def __init__(self, setup: Setup) -> None:
        machine = self._machine = setup.machine
        self._source = setup.source
        self._reset_at = 0
        self._system = _engine.System(
            system_spec(machine, region_bytes=setup.region_bytes, check=setup.check)
        )
        for address, node in setup.homes.items():
            self._system.place_home(address, node)
        self._system.add_vm(list(setup.frames), [dict(stream) for stream in setup.streams])
        self._vcpus = len(setup.streams)

    @property
    def system(self) -> _engine.System:
        """The machine itself, for tests and benchmarks."""
        return self._system

    @property
    def now(self) -> int:
        return self._system.now * self._machine.clock_period_ps

    def run(self, ticks: int) -> None:
        with _errors(self):
            self._system.run(math.ceil(ticks / self._machine.clock_period_ps))

    def pause(self) -> None:
        with _errors(self):
            self._system.stop_vm(VM)

    def resume(self, node: int) -> None:
        first = node * self._machine.cores.per_node
        self._system.start_vm(VM, list(range(first, first + self._vcpus)))

    def copy(self, sources: Sequence[int], targets: Sequence[int], size_bytes: int) -> None:
        with _errors(self):
            self._system.copy(self._source, list(sources), list(targets), size_bytes)
            self._system.finish()

    def transfer(self, regions: Sequence[int], new_home: int) -> None:
        with _errors(self):
            self._system.transfer(self._source, list(regions), new_home)
            self._system.finish()

    def start_dirty_log(self) -> None:
        self._system.start_dirty_log(VM)

    def take_dirty_log(self) -> list[int]:
        return self._system.take_dirty_log(VM)

    def stop_dirty_log(self) -> None:
        self._system.stop_dirty_log(VM)

    def remap(self, pages: Sequence[int], frames: Sequence[int]) -> None:
        for page, frame in zip(pages, frames, strict=True):
            self._system.set_shadow_frame(VM, page, frame)
        self._system.commit_shadow_frames(VM)

    def counters(self) -> Counters:
        system = self._system
        nodes = system.node_counts()
        on_links: Counter[str] = Counter()
        for link in system.link_counts():
            on_links.update(link["messages"])
        return counters(
            system.transitions(),
            accesses=sum(v["loads"] + v["stores"] for v in system.vcpu_counts(VM)),
            remote_services=sum(n["served_remotely"] for n in nodes),
            regions_moved=sum(n["regions_moved"] for n in nodes),
            lines_copied=sum(n["lines_copied"] for n in nodes),
            between_nodes=system.between_nodes(),
            on_links=on_links,
        )

    def reset_statistics(self) -> None:
        self._system.reset_statistics()
        self._reset_at = self._system.now

    def statistics(self) -> Iterable[Stat]:
        return statistics(
            self._system,
            clock_period_ps=self._machine.clock_period_ps,
            cycles=self._system.now - self._reset_at,
            vm=VM,
        )

    def audit(self) -> None:
        with _errors(self):
            self._system.audit()


@contextmanager
def _errors(engine: EmbeddedEngine) -> Iterator[None]:
    """Turn what the C++ module raises about a run into a RunError."""
    try:
        yield
    except (_engine.ProtocolError, _engine.DataError, _engine.DeadlockError) as error:
        raise RunError(f"the simulation failed at tick {engine.now}: {error}") from error
    except MemoryError as error:
        raise RunError(f"the simulation ran out of memory at tick {engine.now}") from error
