# SPDX-License-Identifier: BSD-3-Clause
"""A machine's caches, homes and interconnect as a component of gem5's standard library.

    board = TestBoard(
        clk_freq="2GHz",
        generator=RandomGenerator(num_cores=4),
        memory=NodeMemory(DDR4_2400_8x8, 2, size="256MiB"),
        cache_hierarchy=HomeShiftCacheHierarchy("tiny"),
    )
    simulator = Simulator(board=board)
    simulator.run(max_ticks=10**7)
    board.get_cache_hierarchy().transfer([0x1000], 1)
    simulator.run(max_ticks=10**7)

Each channel of the board's memory is the memory of one node; each core of its processor is a core
of a node, node 0 first. Latencies, sizes and topology are those of the machine file, memory aside.
Runs inside gem5 only; `configs/traffic.py` uses it.

Node n is at first home of the n-th equal part of all addresses up to the end of memory. NodeMemory
lays memory out alike. ChanneledMemory gives a node every n-th line instead, so that most misses of
a node go to another one's memory, whoever is home; and it takes powers of two only. On a board
whose memory does not begin at 0, such as RiscvBoard, homes are in the last nodes at first.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import m5.objects as gem5
from gem5.components.boards.abstract_board import AbstractBoard
from gem5.components.cachehierarchies.abstract_cache_hierarchy import AbstractCacheHierarchy
from gem5.components.cachehierarchies.ruby.abstract_ruby_cache_hierarchy import (
    AbstractRubyCacheHierarchy,
)
from gem5.components.memory.memory import ChanneledMemory
from gem5.isas import ISA
from gem5.utils import requires as gem5_requires
from gem5.utils.override import overrides

from homeshift.engines import Models, check_models
from homeshift.engines.gem5_ruby import PROTOCOL, Controllers, controller_class, require_plugin
from homeshift.errors import InputError
from homeshift.machine import load_machine
from homeshift.units import LINE_BYTES, PAGE_BYTES

LOCKING_WAYS = 4
"""That a cache needs at least for x86: with 2, a fetch has replaced a line that was just locked,
which ends all progress. As in gem5's own protocols, nothing else keeps such a line."""

if controller_class("Directory") is not None:
    # gem5's CPUs ask requires() for their ISA, and before 24.1 that fails for any protocol but
    # gem5's own, whether one is asked for or not.
    gem5_requires.get_runtime_coherence_protocol = lambda: SimpleNamespace(
        name=PROTOCOL, value=PROTOCOL
    )


class NodeMemory(ChanneledMemory):
    """A DRAM controller behind each node, for the n-th equal part of the board's memory."""

    def __init__(self, dram: type[gem5.DRAMInterface], nodes: int, *, size: str) -> None:
        """Make the controllers.

        Args:
            dram: what is behind each, DDR4_2400_8x8.
            nodes: how many.
            size: of all together, "256MiB"; whole regions for each.
        """
        super().__init__(dram, nodes, LINE_BYTES, size=size)  # which is not used

    @overrides(ChanneledMemory)
    def _interleave_addresses(self) -> None:
        start, size, nodes = (
            int(self._mem_range.start),
            int(self._mem_range.size()),
            len(self.mem_ctrl),
        )
        for node, controller in enumerate(self.mem_ctrl):
            controller.dram.range = gem5.AddrRange(
                start=start + node * size // nodes, end=start + (node + 1) * size // nodes
            )


class HomeShiftCacheHierarchy(AbstractRubyCacheHierarchy):
    """Private caches, homes that can move, and the nodes' interconnect."""

    def __init__(
        self,
        machine: str | Path,
        *,
        region_bytes: int = 4096,
        network: str = "simple",
        exit_when_moved: bool = False,
    ) -> None:
        """Read the machine.

        Args:
            machine: name of a machine in configs/machines, or path of a machine file.
            region_bytes: unit in which homes move.
            network: "simple" or "garnet".
            exit_when_moved: let `m5.simulate()` return, with "a job of a migration engine is done",
                whenever homes have moved. Not for gem5's Simulator, which stops at a cause that it
                does not know.

        Raises:
            InputError: the machine file is wrong, or Garnet is not for such a machine.
            RunError: this gem5 does not have the plugin.
        """
        super().__init__()
        require_plugin()
        self._memory_bytes = 0  # known when the board is made
        self._machine = load_machine(str(machine))
        self._region_bytes = region_bytes
        self._network = network
        self._exit_when_moved = exit_when_moved
        self._jobs = 0
        check_models(Models(network=network), self._machine, None)
        if region_bytes < PAGE_BYTES or region_bytes & (region_bytes - 1):
            fault = f"region_bytes {region_bytes}: not a power of two from {PAGE_BYTES} on"
            raise InputError("the cache hierarchy", [fault])

    @overrides(AbstractCacheHierarchy)
    def incorporate_cache(self, board: AbstractBoard) -> None:
        """Make everything between the board's cores and its memory.

        Raises:
            InputError: board and machine do not fit together.
        """
        machine = self._machine
        cores = board.get_processor().get_cores()
        channels = board.get_memory().get_mem_ports()
        # From address 0 on, also where there are devices first.
        memory_bytes = self._memory_bytes = max(int(addresses.end) for addresses, _ in channels)
        self._check_fit(board, len(cores), len(channels), memory_bytes)
        self.ruby_system = gem5.RubySystem(block_size_bytes=LINE_BYTES)
        self.ruby_system.clk_domain = gem5.SrcClockDomain(
            clock=f"{machine.clock_period_ps}ps", voltage_domain=gem5.VoltageDomain()
        )
        controllers = self._controllers = Controllers(
            self.ruby_system,
            machine,
            memory_bytes=memory_bytes,
            region_bytes=self._region_bytes,
            network=self._network,
            exit_when_done=self._exit_when_moved,
        )
        for node, (addresses, port) in enumerate(channels):
            controllers.add_node(node)
            controllers.add_memory(node, addresses, port)
        for number, core in enumerate(cores):
            node = number // machine.cores.per_node
            sequencer = controllers.add_core(node, send_evictions=True)
            if board.has_io_bus():
                sequencer.connectIOPorts(board.get_io_bus())
            ports = sequencer.in_ports
            core.connect_icache(ports)
            core.connect_dcache(ports)
            core.connect_walker_ports(ports, ports)
            core.connect_interrupt(sequencer.interrupt_out_port, ports)  # x86's are connected
        controllers.finish()
        board.connect_system_port(self.ruby_system.sys_port_proxy.in_ports)

    def transfer(self, addresses: Sequence[int], new_home: int) -> None:
        """Move the homes of the regions that hold these addresses; the simulation must have begun.

        They move while the simulation goes on; `home_of` tells whether they have.

        Raises:
            InputError: there is no such node, or no memory at an address.
        """
        nodes = self._machine.nodes
        faults = self._without_memory(addresses)
        if new_home not in range(nodes):
            faults.append(f"new_home {new_home}: the machine has nodes 0 to {nodes - 1}")
        if faults:
            raise InputError("the transfer", faults)
        size = self._region_bytes
        engine = self._controllers.migration_engines[new_home]
        engine.transfer(self._jobs, 0, [a // size * size for a in addresses], new_home)
        self._jobs += 1

    def home_of(self, address: int) -> int | None:
        """Return the node that is home of an address; None while its region is between two.

        Raises:
            InputError: there is no memory at the address.
        """
        if faults := self._without_memory([address]):
            raise InputError("the address", faults)
        directories = self._controllers.directories
        return next((n for n, d in enumerate(directories) if d.isHome(address)), None)

    def regions_moved(self) -> int:
        """Return how many regions have moved since the statistics were reset."""
        return sum(engine.regionsMoved() for engine in self._controllers.migration_engines)

    def _without_memory(self, addresses: Sequence[int]) -> list[str]:
        end = self._memory_bytes
        if not end:
            return ["the simulation has not begun"]
        return [f"{a:#x}: memory ends at {end:#x}" for a in addresses if not 0 <= a < end]

    def _check_fit(
        self, board: AbstractBoard, cores: int, channels: int, memory_bytes: int
    ) -> None:
        machine = self._machine
        faults = []
        ways = machine.cache.associativity
        if board.get_processor().get_isa() is ISA.X86 and ways < LOCKING_WAYS:
            faults.append(
                f"cache.associativity {ways}: too few for x86, whose locked instructions need "
                f"their line to stay; give {LOCKING_WAYS} or more"
            )
        if board.has_dma_ports():
            faults.append("devices: some reach memory by DMA, which is not connected here")
        if channels != machine.nodes:
            faults.append(
                f"memory: {channels} channels, but {machine.nodes} nodes; give as many, as with "
                f"NodeMemory(DDR4_2400_8x8, {machine.nodes}, size=...)"
            )
        if cores > machine.hosts * machine.cores.per_node:
            faults.append(
                f"processor: {cores} cores, but {machine.hosts} nodes of {machine.cores.per_node}"
            )
        if memory_bytes % (machine.nodes * self._region_bytes):
            faults.append(
                f"memory: {memory_bytes} B are not whole regions of {self._region_bytes} B for "
                f"{machine.nodes} nodes; let it end at a multiple of "
                f"{machine.nodes * self._region_bytes} B"
            )
        if faults:
            raise InputError(f"the board for machine '{machine.name}'", faults)
