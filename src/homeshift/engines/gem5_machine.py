# SPDX-License-Identifier: BSD-3-Clause
"""A machine file as gem5 objects: Ruby controllers of MESI_HomeShift, SimpleNetwork, SimpleMemory.

    built = build(machine, region_bytes=4096, check=False)
    ...                      # more children for built.system
    m5.instantiate()

Runs inside gem5 only, and needs nothing but the standard library besides.

Two numbers look odd. A sequencer has a clock of 1 ps, and the private cache's latency less 1 ps as
its latency: gem5 hands an answer to a core 1 ps after the clock edge, and a core's next request
would wait for the edge after that. With these numbers it reaches the cache exactly the cache's
latency after the answer, as on the embedded engine. Link bandwidth is in bytes in 1000
cycles, since gem5 wants a whole number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import m5
import m5.objects as gem5

from homeshift.engines import gem5_topology
from homeshift.errors import RunError
from homeshift.machine import Machine

PROTOCOL = "MESI_HomeShift"
VIRTUAL_NETWORKS = 10
NO_LIMIT = 1 << 20  # of things that the embedded engine does not limit
FAST = 1 << 30  # bytes in 1000 cycles
PATIENCE_TICKS = 10**12  # Ruby reports a deadlock after an access has waited for so long


@dataclass(slots=True)
class Built:
    """The objects of a machine, not yet instantiated."""

    root: Any
    system: Any
    sequencers: list[Any] = field(default_factory=list)
    caches: list[Any] = field(default_factory=list)
    home_tables: list[Any] = field(default_factory=list)
    directories: list[Any] = field(default_factory=list)
    migration_engines: list[Any] = field(default_factory=list)
    routing: list[Any] = field(default_factory=list)
    probe: Any = None


def require_plugin() -> None:
    """Raise RunError unless this gem5 has the plugin and was built for its protocol."""
    if hasattr(gem5, "HomeTable") and controller_class("Directory") is not None:
        return
    try:
        built_for = m5.defines.buildEnv["PROTOCOL"]
    except (AttributeError, KeyError):
        built_for = "another protocol"
    raise RunError(
        f"this gem5 was built for {built_for}, without Homeshift's plugin; build one with "
        f"EXTRAS set to src/gem5/homeshift and the protocol {PROTOCOL} (see docs/gem5.md), or "
        f"run this script with Python, on the embedded engine"
    )


def controller_class(machine: str) -> Any:
    """Return the class of a controller, under its name before or after gem5 24.1, or None."""
    before = getattr(gem5, f"{machine}_Controller", None)
    return getattr(gem5, f"{PROTOCOL}_{machine}_Controller", before)


def build(machine: Machine, *, region_bytes: int) -> Built:
    """Make the objects of a machine.

    Args:
        machine: what to build.
        region_bytes: unit in which homes move.
    """
    require_plugin()
    period = machine.clock_period_ps
    all_bytes = machine.nodes * machine.memory.size_bytes
    system = gem5.System(
        mem_mode="timing",
        mem_ranges=[gem5.AddrRange(start=0, size=all_bytes)],
        mmap_using_noreserve=True,
        cache_line_size=64,
    )
    system.voltage_domain = gem5.VoltageDomain()
    system.clk_domain = gem5.SrcClockDomain(
        clock=f"{period}ps", voltage_domain=system.voltage_domain
    )
    system.sequencer_clk_domain = gem5.SrcClockDomain(
        clock="1ps", voltage_domain=system.voltage_domain
    )
    built = Built(gem5.Root(full_system=False, system=system), system)
    ruby = system.ruby = gem5.RubySystem(
        block_size_bytes=64,
        memory_size_bits=48,
        num_of_sequencers=machine.nodes * machine.cores.per_node,
        number_of_virtual_networks=VIRTUAL_NETWORKS,
    )
    ruby.network = gem5.SimpleNetwork(
        ruby_system=ruby,
        topology=machine.network.topology,
        number_of_virtual_networks=VIRTUAL_NETWORKS,
        control_msg_size=8,
        endpoint_bandwidth=1,
        netifs=[],
    )
    _Nodes(machine, built, region_bytes, all_bytes).build()
    system.system_port = ruby.sys_port_proxy.in_ports
    return built


class _Nodes:
    """Puts controllers and routers into a built system."""

    def __init__(self, machine: Machine, built: Built, region_bytes: int, all_bytes: int) -> None:
        self.machine = machine
        self.built = built
        self.system = built.system
        self.ruby = built.system.ruby
        self.sizes = {
            "memory_size": f"{all_bytes}B",
            "node_size": f"{machine.memory.size_bytes}B",
            "region_size": f"{region_bytes}B",
        }
        self.common = {
            "ruby_system": self.ruby,
            "transitions_per_cycle": NO_LIMIT,
            "number_of_TBEs": NO_LIMIT,
        }
        # By kind, since gem5 wants the external links in the order of its machine types.
        self.controllers: dict[str, list[tuple[int, Any]]] = {
            kind: [] for kind in ("L1Cache", "Directory", "DMA", "Memory")
        }

    def build(self) -> None:
        for node in range(self.machine.nodes):
            self._add_node(node)
        everyone = [c for kind in self.controllers.values() for _, c in kind]
        self._add_network()
        self.ruby.sys_port_proxy = gem5.RubyPortProxy(ruby_system=self.ruby)
        self.built.probe = self.system.probe = gem5.ProtocolProbe(
            controllers=everyone,
            caches=self.built.caches,
            directories=self.built.directories,
            memory_size=self.sizes["memory_size"],
            region_size=self.sizes["region_size"],
        )

    def _add_node(self, node: int) -> None:
        table = gem5.HomeTable(node=node, cores_per_node=self.machine.cores.per_node, **self.sizes)
        setattr(self.ruby, f"home_table{node}", table)
        self.built.home_tables.append(table)
        for _ in range(self.machine.cores.per_node):
            self._add_cache(node, table)
        self._add_home(node, table)
        self._add_memory(node)
        self._add_dma(node, table)

    def _add_cache(self, node: int, table: Any) -> None:
        machine = self.machine
        number = len(self.controllers["L1Cache"])
        latency_ps = machine.cache.latency_cycles * machine.clock_period_ps
        cache = _cache(machine.cache)
        sequencer = gem5.RubySequencer(
            version=number,
            ruby_system=self.ruby,
            clk_domain=self.system.sequencer_clk_domain,
            max_outstanding_requests=max(16, machine.cores.max_outstanding),
            deadlock_threshold=PATIENCE_TICKS,
        )
        controller = controller_class("L1Cache")(
            version=number,
            sequencer=sequencer,
            cache=cache,
            home_table=table,
            send_evictions=False,
            mandatory_queue_latency=latency_ps - 1,
            addr_ranges=[],
            **self.common,
        )
        self._connect(
            controller,
            to_network=(
                "requestToHome",
                "responseFromCache",
                "unblockToHome",
                "writebackToHome",
            ),
            from_network=("forwardToCache", "responseToCache"),
        )
        controller.mandatoryQueue = gem5.MessageBuffer()
        sequencer.dcache = cache  # only now, so that it is the controller's child
        self._add("L1Cache", f"l1_cntrl{number}", node, controller)
        self.built.sequencers.append(sequencer)
        self.built.caches.append(cache)

    def _add_home(self, node: int, table: Any) -> None:
        machine = self.machine
        directory = gem5.HomeDirectory(node=node, **self.sizes)
        controller = controller_class("Directory")(
            version=node,
            slc=_cache(machine.slc),
            directory=directory,
            home_table=table,
            home_latency=machine.home.latency_cycles,
            slc_latency=machine.slc.latency_cycles,
            addr_ranges=[],
            **self.common,
        )
        self._connect(
            controller,
            to_network=(
                "requestFromHome",
                "forwardFromHome",
                "responseFromHome",
                "memoryFromHome",
                "transferFromHome",
                "transferAckFromHome",
                "transferFinFromHome",
            ),
            from_network=(
                "requestToHome",
                "unblockToHome",
                "writebackToHome",
                "memoryToHome",
                "transferToHome",
                "transferAckToHome",
                "transferFinToHome",
            ),
        )
        controller.triggerQueue = gem5.MessageBuffer()
        self._add("Directory", f"dir_cntrl{node}", node, controller)
        self.built.directories.append(directory)

    def _add_memory(self, node: int) -> None:
        machine = self.machine
        size = machine.memory.size_bytes
        here = gem5.AddrRange(start=node * size, size=size)
        # gem5 keeps whole ticks a byte; rounding here spares the user a warning.
        byte_ps = max(1, round(1e12 / machine.memory.bandwidth_bytes_per_second))
        memory = gem5.SimpleMemory(
            range=here,
            latency=f"{machine.memory.latency_cycles * machine.clock_period_ps}ps",
            bandwidth=f"{1e12 / byte_ps:.6f}B/s",
        )
        controller = controller_class("Memory")(version=node, addr_ranges=[here], **self.common)
        self._connect(controller, to_network=("memoryToHome",), from_network=("memoryFromHome",))
        controller.requestToMemory = gem5.MessageBuffer()
        controller.responseFromMemory = gem5.MessageBuffer()
        controller.memory_out_port = memory.port
        setattr(self.system, f"mem_ctrls{node}", memory)
        self._add("Memory", f"mem_cntrl{node}", node, controller)

    def _add_dma(self, node: int, table: Any) -> None:
        limits = self.machine.migration
        commands = gem5.MessageBuffer()
        engine = gem5.MigrationEngine(
            commands=commands,
            outstanding_lines=limits.outstanding_lines,
            outstanding_transfers=limits.outstanding_transfers,
        )
        setattr(self.system, f"migration_engine{node}", engine)
        controller = controller_class("DMA")(
            version=node, engine=engine, home_table=table, addr_ranges=[], **self.common
        )
        self._connect(
            controller,
            to_network=("requestToHome", "unblockToHome"),
            from_network=("responseToDma",),
        )
        controller.commandQueue = commands
        self._add("DMA", f"dma_cntrl{node}", node, controller)
        self.built.migration_engines.append(engine)

    def _add(self, kind: str, name: str, node: int, controller: Any) -> None:
        setattr(self.ruby, name, controller)
        self.controllers[kind].append((node, controller))

    def _connect(
        self, controller: Any, *, to_network: tuple[str, ...], from_network: tuple[str, ...]
    ) -> None:
        for name in to_network:
            setattr(controller, name, gem5.MessageBuffer())
            getattr(controller, name).out_port = self.ruby.network.in_port
        for name in from_network:
            setattr(controller, name, gem5.MessageBuffer())
            getattr(controller, name).in_port = self.ruby.network.out_port

    def _add_network(self) -> None:
        network, spec = self.ruby.network, self.machine.network
        count = gem5_topology.router_count(spec.topology, self.machine.nodes)
        self.built.routing = [gem5.CountingRouting() for _ in range(count)]
        network.routers = [
            gem5.Switch(
                router_id=number,
                latency=spec.router_latency_cycles,
                # These have a default of their own: not the latency given here.
                int_routing_latency=spec.router_latency_cycles,
                ext_routing_latency=spec.router_latency_cycles,
                routing_unit=routing,
            )
            for number, routing in enumerate(self.built.routing)
        ]
        ends = [end for kind in self.controllers.values() for end in kind]
        network.ext_links = [
            gem5.SimpleExtLink(
                link_id=number,
                ext_node=controller,
                int_node=network.routers[node],
                latency=spec.local_latency_cycles,
                bandwidth_factor=FAST,
            )
            for number, (node, controller) in enumerate(ends)
        ]
        bytes_per_cycle = spec.link_bandwidth_bytes_per_second * self.machine.clock_period_ps / 1e12
        network.int_links = [
            gem5.SimpleIntLink(
                link_id=len(ends) + number,
                src_node=network.routers[link.source],
                dst_node=network.routers[link.target],
                dst_inport=f"from{link.source}",  # also tells CountingRouting that it leaves
                latency=spec.link_latency_cycles,
                bandwidth_factor=max(1, round(bytes_per_cycle * 1000)),
                weight=link.weight,
            )
            for number, link in enumerate(
                gem5_topology.links(spec.topology, nodes=self.machine.nodes, columns=spec.columns)
            )
        ]
        network.setup_buffers()


def _cache(spec: Any) -> Any:
    return gem5.RubyCache(
        size=f"{spec.size_bytes}B", assoc=spec.associativity, replacement_policy=gem5.LRURP()
    )
