# SPDX-License-Identifier: BSD-3-Clause
"""The machine as frozen dataclasses, whose annotations are the schema of the TOML file.

Each annotation names the key of the file, its bounds and one sentence; the attribute's name carries
the model's unit (`latency = "45ns"` becomes `latency_cycles = 90` at 2 GHz). What several fields
must obey together is in `rules`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

from homeshift.machine.fields import (
    Bandwidth,
    Choice,
    Clock,
    Count,
    Latency,
    Pair,
    Size,
    Table,
    Text,
)
from homeshift.units import LINE_BYTES, PAGE_BYTES, TICKS_PER_SECOND

MOST_NODES = 64
MOST_ROUTERS = 128  # src/engine/network.cc
MOST_CORES = 64  # one word of sharers in a directory entry

GIB, TIB = 1 << 30, 1 << 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Cores:
    """The cores of a node."""

    per_node: Annotated[
        int, Count(key="per_node", sentence="cores in each node", least=1, most=MOST_CORES)
    ]
    max_outstanding: Annotated[
        int,
        Count(
            key="max_outstanding",
            sentence="accesses that a core keeps in flight before it waits, hits among them",
            least=1,
            most=256,
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """A set-associative cache of 64 B lines."""

    size_bytes: Annotated[
        int,
        Size(
            key="size",
            sentence="capacity for data",
            least=LINE_BYTES,
            most=4 * GIB,
            multiple_of=LINE_BYTES,
        ),
    ]
    associativity: Annotated[
        int, Count(key="associativity", sentence="lines in a set", least=1, most=64)
    ]
    latency_cycles: Annotated[
        int, Latency(key="latency", sentence="from the look-up to the data of a hit")
    ]

    @property
    def sets(self) -> int:
        """Number of sets, a power of two."""
        return self.size_bytes // (LINE_BYTES * self.associativity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The home agent of a node: directory and order of requests."""

    latency_cycles: Annotated[
        int, Latency(key="latency", sentence="directory look-up, for each message handled")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The DRAM of a node."""

    size_bytes: Annotated[
        int,
        Size(
            key="size",
            sentence="memory of each node, also of a pool's",
            least=PAGE_BYTES,
            most=TIB,
            multiple_of=PAGE_BYTES,
        ),
    ]
    latency_cycles: Annotated[
        int, Latency(key="latency", sentence="from a request at the controller to its data")
    ]
    bandwidth_bytes_per_second: Annotated[
        float, Bandwidth(key="bandwidth", sentence="of all channels of a node together")
    ]

    @property
    def byte_ticks(self) -> int:
        """Time that a byte occupies the bus, in ps: whole ones, as gem5 keeps it."""
        return max(1, round(TICKS_PER_SECOND / self.bandwidth_bytes_per_second))


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPair:
    """A link in each direction between two routers; node n is at router n."""

    between: Annotated[
        tuple[int, int],
        Pair(key="between", sentence="the two routers that it joins", most=MOST_ROUTERS - 1),
    ]
    latency_cycles: Annotated[
        int | None,
        Latency(
            key="latency", sentence="of this link; network.link_latency if absent", required=False
        ),
    ] = None
    bandwidth_bytes_per_second: Annotated[
        float | None,
        Bandwidth(
            key="bandwidth",
            sentence="of this link; network.link_bandwidth if absent",
            required=False,
        ),
    ] = None
    weight: Annotated[
        int | None,
        Count(
            key="weight",
            sentence="of the ways to a node a message takes the lightest; 1 if absent",
            least=1,
            most=16,  # gem5 takes what is 10,000 away for unreachable
            required=False,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The interconnect: one router a node, and one more, the hub, that a crossbar joins them by."""

    topology: Annotated[
        str,
        Choice(
            key="topology",
            sentence="how the routers are joined",
            choices=("crossbar", "ring", "mesh", "fully-connected", "links"),
        ),
    ]
    columns: Annotated[
        int | None,
        Count(
            key="columns",
            sentence="nodes in a row of a mesh; for a mesh only",
            least=1,
            most=64,
            required=False,
        ),
    ] = None
    router_latency_cycles: Annotated[
        int, Latency(key="router_latency", sentence="through one router")
    ]
    local_latency_cycles: Annotated[
        int, Latency(key="local_latency", sentence="from a router to a controller of its node")
    ]
    link_latency_cycles: Annotated[
        int, Latency(key="link_latency", sentence="along one link between routers")
    ]
    link_bandwidth_bytes_per_second: Annotated[
        float, Bandwidth(key="link_bandwidth", sentence="of one link, in each direction")
    ]
    links: Annotated[
        tuple[LinkPair, ...] | None,
        Table(key="links", sentence='each link, if topology is "links"', required=False, many=True),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationEngine:
    """The engine of a node that copies pages and hands over homes."""

    outstanding_lines: Annotated[
        int,
        Count(key="outstanding_lines", sentence="line copies in flight", least=1, most=4096),
    ]
    outstanding_transfers: Annotated[
        int,
        Count(key="outstanding_transfers", sentence="home transfers in flight", least=1, most=4096),
    ]
    cpu_state_bytes: Annotated[
        int,
        Size(
            key="cpu_state",
            sentence="state of one virtual CPU and its devices, moved while the VM is paused",
            least=LINE_BYTES,
            most=GIB,
            multiple_of=LINE_BYTES,
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Nodes without cores, the last ones of the machine: memory that the others share."""

    nodes: Annotated[
        int, Count(key="nodes", sentence="how many of the nodes have no cores", least=1, most=62)
    ]
    latency_cycles: Annotated[
        int | None,
        Latency(
            key="latency",
            sentence="of their memory, as memory.latency, which it is if absent",
            required=False,
        ),
    ] = None
    bandwidth_bytes_per_second: Annotated[
        float | None,
        Bandwidth(
            key="bandwidth", sentence="of their memory; memory.bandwidth if absent", required=False
        ),
    ] = None
    link_latency_cycles: Annotated[
        int | None,
        Latency(
            key="link_latency",
            sentence="of links to and from them; network.link_latency if absent",
            required=False,
        ),
    ] = None
    link_bandwidth_bytes_per_second: Annotated[
        float | None,
        Bandwidth(
            key="link_bandwidth",
            sentence="of links to and from them; network.link_bandwidth if absent",
            required=False,
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A shared-memory machine of equal nodes, but that a pool has no cores."""

    name: Annotated[
        str, Text(key="name", sentence="for people; the file's name if absent", required=False)
    ]
    clock_period_ps: Annotated[
        int, Clock(key="clock", sentence="one clock for cores, caches, homes and network")
    ]
    nodes: Annotated[
        int, Count(key="nodes", sentence="nodes of the machine", least=2, most=MOST_NODES)
    ]
    cores: Annotated[Cores, Table(key="cores", sentence="the cores of a node")]
    cache: Annotated[Cache, Table(key="cache", sentence="the private cache of a core")]
    slc: Annotated[Cache, Table(key="slc", sentence="the slice of memory-side cache at a home")]
    home: Annotated[Home, Table(key="home", sentence="the home agent of a node")]
    memory: Annotated[Memory, Table(key="memory", sentence="the DRAM of a node")]
    network: Annotated[Network, Table(key="network", sentence="the interconnect")]
    migration: Annotated[
        MigrationEngine, Table(key="migration", sentence="the engine that moves pages and homes")
    ]

    pool: Annotated[
        Pool | None,
        Table(key="pool", sentence="nodes without cores, if there are any", required=False),
    ] = None

    def __post_init__(self) -> None:
        """Give the pool the values of the other nodes where it has none of its own."""
        if self.pool:
            pool = replace(
                self.pool,
                latency_cycles=self.pool.latency_cycles or self.memory.latency_cycles,
                bandwidth_bytes_per_second=self.pool.bandwidth_bytes_per_second
                or self.memory.bandwidth_bytes_per_second,
                link_latency_cycles=self.pool.link_latency_cycles
                or self.network.link_latency_cycles,
                link_bandwidth_bytes_per_second=self.pool.link_bandwidth_bytes_per_second
                or self.network.link_bandwidth_bytes_per_second,
            )
            object.__setattr__(self, "pool", pool)

    @property
    def hosts(self) -> int:
        """Nodes with cores: the first ones."""
        return self.nodes - (self.pool.nodes if self.pool else 0)

    def memory_of(self, node: int) -> Memory:
        """Return the DRAM of a node."""
        pool = self._pool_of([node])
        if pool is None:
            return self.memory
        assert pool.latency_cycles is not None
        assert pool.bandwidth_bytes_per_second is not None
        return replace(
            self.memory,
            latency_cycles=pool.latency_cycles,
            bandwidth_bytes_per_second=pool.bandwidth_bytes_per_second,
        )

    def link_latency(self, *ends: int) -> int:
        """Return cycles along a link between these routers; a node's has its number."""
        pool = self._pool_of(ends)
        return (pool and pool.link_latency_cycles) or self.network.link_latency_cycles

    def link_bandwidth(self, *ends: int) -> float:
        """Return bytes per second of a link between these routers."""
        pool, usual = self._pool_of(ends), self.network.link_bandwidth_bytes_per_second
        return (pool and pool.link_bandwidth_bytes_per_second) or usual

    def link_bytes_per_cycle(self, *ends: int) -> float:
        """Return what a link between these routers carries in a cycle of the machine's clock."""
        return self.bytes_per_cycle(self.link_bandwidth(*ends))

    def bytes_per_cycle(self, bytes_per_second: float) -> float:
        """Return a bandwidth by the machine's clock."""
        return bytes_per_second * self.clock_period_ps / TICKS_PER_SECOND

    def _pool_of(self, ends: Iterable[int]) -> Pool | None:
        """Return the pool if one of these routers is that of a node of it."""
        return self.pool if any(self.hosts <= end < self.nodes for end in ends) else None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, in the model's units, that JSON can hold."""
        plain = asdict(self)
        if self.pool is None:
            del plain["pool"]
        if self.network.links is None:
            del plain["network"]["links"]
        return plain
