# SPDX-License-Identifier: BSD-3-Clause
"""Ruby controllers of MESI_HomeShift for the nodes of a machine.

    require_plugin()
    controllers = Controllers(ruby, machine, memory_bytes=..., region_bytes=4096,
                              network="simple", exit_when_done=True)
    for node in range(machine.nodes):
        controllers.add_node(node)
        sequencer = controllers.add_core(node)       # its in_ports take a core's requests
        controllers.add_memory(node, range, port)    # of a memory controller
    controllers.finish()

Runs inside gem5 only, and needs nothing but the standard library besides. A whole machine is made
from it by `gem5_machine`, a component of gem5's standard library by `gem5_component`.

A sequencer has a clock of 1 ps, and as its latency the private cache's less a cycle, and 1 ps: gem5
hands answers to a core 1 ps after the clock edge, the second of a cycle 2 ps after it, and so on,
and the core's next request would wait for the edge after that. With these numbers it reaches the
cache exactly the cache's latency after the edge, as on the embedded engine.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import m5
import m5.objects as gem5

from homeshift.engines.base import Link
from homeshift.engines.gem5_network import VIRTUAL_NETWORKS, Throttles, join, make_network
from homeshift.engines.gem5_sources import digest_of
from homeshift.errors import RunError
from homeshift.machine import Machine, topology

PROTOCOL = "MESI_HomeShift"
NO_LIMIT = 1 << 20  # of things that the embedded engine does not limit
PATIENCE_TICKS = 10**12  # Ruby reports a deadlock after an access has waited for so long


def require_plugin() -> None:
    """Raise RunError unless this gem5 has the plugin and was built for its protocol.

    Warn if it was built from other sources than those beside this package.
    """
    if hasattr(gem5, "HomeTable") and controller_class("Directory") is not None:
        _compare_sources(Path(__file__).resolve().parents[2])
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


def _compare_sources(here: Path) -> None:
    try:
        from homeshift_sources import digest
    except ImportError:  # of before there was a digest
        digest = None
    if (here / "gem5").is_dir() and digest != digest_of(here):
        m5.util.warn(
            f"this gem5 was built from other sources of Homeshift's plugin and protocol than "
            f"those in {here}; its results may differ, until it is built again (see docs/gem5.md)"
        )


def controller_class(machine: str) -> Any:
    """Return the class of a controller, under its name before or after gem5 24.1, or None."""
    before = getattr(gem5, f"{machine}_Controller", None)
    return getattr(gem5, f"{PROTOCOL}_{machine}_Controller", before)


class Controllers:
    """Everything of a machine that is below a RubySystem."""

    def __init__(
        self,
        ruby: Any,
        machine: Machine,
        *,
        memory_bytes: int,
        region_bytes: int,
        network: str,
        exit_when_done: bool,
    ) -> None:
        """Prepare a RubySystem.

        Args:
            ruby: a RubySystem without a network.
            machine: whose nodes are to be made.
            memory_bytes: of all nodes together; node n is at first home of the n-th equal part.
            region_bytes: unit in which homes move.
            network: of `base.NETWORK_MODELS`.
            exit_when_done: leave gem5's loop when a job of a migration engine is done.
        """
        self.ruby = ruby
        self.machine = machine
        self.sequencers: list[Any] = []
        self.caches: list[Any] = []
        self.home_tables: list[Any] = []
        self.directories: list[Any] = []
        self.migration_engines: list[Any] = []
        self.message_counters: list[Any] = []
        self._sizes = {
            "memory_size": f"{memory_bytes}B",
            "node_size": f"{memory_bytes // machine.nodes}B",
            "region_size": f"{region_bytes}B",
        }
        self._exit_when_done = exit_when_done
        self._common = {
            "ruby_system": ruby,
            "transitions_per_cycle": NO_LIMIT,
            "number_of_TBEs": NO_LIMIT,
        }
        # By kind, since gem5 wants the external links in the order of its machine types.
        self._controllers: dict[str, list[tuple[int, Any]]] = {
            kind: [] for kind in ("L1Cache", "Directory", "DMA", "Memory")
        }
        ruby.number_of_virtual_networks = VIRTUAL_NETWORKS
        ruby.network = make_network(ruby, machine, network)
        ruby.sequencer_clk_domain = gem5.SrcClockDomain(
            clock="1ps", voltage_domain=gem5.VoltageDomain()
        )

    def add_node(self, node: int) -> None:
        """Add a node's home agent, home table, DMA and migration engine."""
        table = gem5.HomeTable(node=node, cores_per_node=self.machine.cores.per_node, **self._sizes)
        setattr(self.ruby, f"home_table{node}", table)
        self.home_tables.append(table)
        self._add_home(node, table)
        self._add_dma(node, table)

    def add_core(self, node: int, *, send_evictions: bool = False) -> Any:
        """Add a core's private cache to a node; return its sequencer.

        Cores are to be added node by node, `machine.cores.per_node` to each but those of a pool.

        Args:
            node: that it belongs to.
            send_evictions: tell the core which lines its cache loses. A real CPU has to know: a
                store-conditional would succeed without, though another one has written since.
        """
        machine = self.machine
        number = len(self._controllers["L1Cache"])
        latency_ps = machine.cache.latency_cycles * machine.clock_period_ps
        cache = _cache(machine.cache)
        sequencer = gem5.RubySequencer(
            version=number,
            ruby_system=self.ruby,
            clk_domain=self.ruby.sequencer_clk_domain,
            max_outstanding_requests=max(16, machine.cores.max_outstanding),
            deadlock_threshold=PATIENCE_TICKS,
        )
        controller = controller_class("L1Cache")(
            version=number,
            sequencer=sequencer,
            cache=cache,
            home_table=self.home_tables[node],
            send_evictions=send_evictions,
            mandatory_queue_latency=latency_ps - machine.clock_period_ps + 1,
            addr_ranges=[],
            **self._common,
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
        self.sequencers.append(sequencer)
        self.caches.append(cache)
        return sequencer

    def tell_of_evictions(self, core: int) -> None:
        """Let a core know which lines its cache loses: see `add_core`."""
        self._controllers["L1Cache"][core][1].send_evictions = True

    def add_memory(self, node: int, addresses: Any, port: Any) -> None:
        """Add the machine that reads and writes lines in a memory controller of a node.

        Args:
            node: where the memory controller is.
            addresses: AddrRange of the lines there.
            port: of the memory controller.
        """
        number = len(self._controllers["Memory"])
        controller = controller_class("Memory")(
            version=number, addr_ranges=[addresses], **self._common
        )
        self._connect(controller, to_network=("memoryToHome",), from_network=("memoryFromHome",))
        controller.requestToMemory = gem5.MessageBuffer()
        controller.responseFromMemory = gem5.MessageBuffer()
        controller.memory_out_port = port
        self._add("Memory", f"mem_cntrl{number}", node, controller)

    def finish(self) -> None:
        """Join everything by the network, and add what looks at it."""
        ends = [end for kind in self._controllers.values() for end in kind]
        self.message_counters = join(self.ruby.network, self.machine, ends)
        self._throttles = Throttles(self.ruby.network, self.machine, ends)
        self.ruby.num_of_sequencers = len(self.sequencers)
        self.ruby.sys_port_proxy = gem5.RubyPortProxy(ruby_system=self.ruby)
        self.ruby.probe = gem5.ProtocolProbe(
            controllers=[controller for _, controller in ends],
            caches=self.caches,
            directories=self.directories,
            memory_size=self._sizes["memory_size"],
            region_size=self._sizes["region_size"],
        )

    @property
    def probe(self) -> Any:
        """What looks at the controllers."""
        return self.ruby.probe

    def between_nodes(self) -> dict[str, int]:
        """Return how many messages have left their node, by size type."""
        return self._messages("betweenNodes")

    def on_links(self) -> dict[str, int]:
        """Return how many messages links carry or have carried, each link's, by size type.

        With Garnet they count when they are sent off to a link.
        """
        if not self._throttles:
            return self._messages("linkMessages")
        types = self.message_counters[0].sizeTypes()
        return {name: n for name in types if (n := self._throttles.messages(name))}

    def _messages(self, which: str) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for counter in self.message_counters:
            for name, count in zip(counter.sizeTypes(), getattr(counter, which)(), strict=True):
                if count:
                    counts[name] += count
        return dict(counts)

    def links(self) -> list[Link]:
        """Return what the links have carried; none with Garnet."""
        if not self._throttles:
            return []
        links = topology.links(self.machine)
        period = self.machine.clock_period_ps
        busy = self._throttles.busy_cycles()
        return [
            Link(source=link.source, target=link.target, busy_ticks=cycles * period)
            for link, cycles in zip(links, busy, strict=True)
        ]

    def reset_statistics(self) -> None:
        """Reset all statistics, of gem5's own objects too."""
        m5.stats.reset()
        self._throttles.reset()

    def _add_home(self, node: int, table: Any) -> None:
        machine = self.machine
        directory = gem5.HomeDirectory(node=node, **self._sizes)
        controller = controller_class("Directory")(
            version=node,
            slc=_cache(machine.slc),
            directory=directory,
            home_table=table,
            home_latency=machine.home.latency_cycles,
            slc_latency=machine.slc.latency_cycles,
            addr_ranges=[],
            **self._common,
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
        self.directories.append(directory)

    def _add_dma(self, node: int, table: Any) -> None:
        limits = self.machine.migration
        commands = gem5.MessageBuffer()
        engine = gem5.MigrationEngine(
            commands=commands,
            outstanding_lines=limits.outstanding_lines,
            outstanding_transfers=limits.outstanding_transfers,
            exit_when_done=self._exit_when_done,
        )
        setattr(self.ruby, f"migration_engine{node}", engine)
        controller = controller_class("DMA")(
            version=node, engine=engine, home_table=table, addr_ranges=[], **self._common
        )
        self._connect(
            controller,
            to_network=("requestToHome", "unblockToHome"),
            from_network=("responseToDma",),
        )
        controller.commandQueue = commands
        self._add("DMA", f"dma_cntrl{node}", node, controller)
        self.migration_engines.append(engine)

    def _add(self, kind: str, name: str, node: int, controller: Any) -> None:
        setattr(self.ruby, name, controller)
        self._controllers[kind].append((node, controller))

    def _connect(
        self, controller: Any, *, to_network: tuple[str, ...], from_network: tuple[str, ...]
    ) -> None:
        for name in to_network:
            setattr(controller, name, gem5.MessageBuffer())
            getattr(controller, name).out_port = self.ruby.network.in_port
        for name in from_network:
            setattr(controller, name, gem5.MessageBuffer())
            getattr(controller, name).in_port = self.ruby.network.out_port


def _cache(spec: Any) -> Any:
    return gem5.RubyCache(
        size=f"{spec.size_bytes}B", assoc=spec.associativity, replacement_policy=gem5.LRURP()
    )
