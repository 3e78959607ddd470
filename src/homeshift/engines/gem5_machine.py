# SPDX-License-Identifier: BSD-3-Clause
"""A machine file as a gem5 System: controllers, interconnect, and memory behind each node.

    system, controllers = build(machine, region_bytes=4096, models=Models())
    ...                      # more children for the system
    m5.instantiate()

Runs inside gem5 only, and needs nothing but the standard library besides.
"""

from __future__ import annotations

from typing import Any

import m5.objects as gem5

from homeshift.engines.base import Models
from homeshift.engines.gem5_ruby import Controllers, require_plugin
from homeshift.machine import Machine
from homeshift.units import LINE_BYTES, TICKS_PER_SECOND


def build(
    machine: Machine, *, region_bytes: int, models: Models, full_system: bool = False
) -> tuple[Any, Controllers]:
    """Return the System of a machine, not yet instantiated, and what is below its RubySystem.

    Args:
        machine: what to build.
        region_bytes: unit in which homes move.
        models: of memory and network.
        full_system: whether CPUs take interrupts, instead of having gem5 do their system calls.
            The system's own port, by which memory is filled at the start, is then not connected.

    Raises:
        RunError: this gem5 does not have the plugin.
    """
    require_plugin()
    size = machine.memory.size_bytes
    all_bytes = machine.nodes * size
    system = gem5.System(
        mem_mode="timing",
        mem_ranges=[gem5.AddrRange(start=0, size=all_bytes)],
        mmap_using_noreserve=True,
        cache_line_size=LINE_BYTES,
        exit_on_work_items=True,
    )
    system.clk_domain = gem5.SrcClockDomain(
        clock=f"{machine.clock_period_ps}ps", voltage_domain=gem5.VoltageDomain()
    )
    system.ruby = gem5.RubySystem(block_size_bytes=LINE_BYTES, memory_size_bits=48)
    controllers = Controllers(
        system.ruby,
        machine,
        memory_bytes=all_bytes,
        region_bytes=region_bytes,
        network=models.network,
        exit_when_done=True,
    )
    for node in range(machine.nodes):
        controllers.add_node(node)
        for _ in range(machine.cores.per_node if node < machine.hosts else 0):
            controllers.add_core(node)
        addresses = gem5.AddrRange(start=node * size, size=size)
        memory = (
            _ddr4(addresses)
            if models.memory == "ddr4"
            else _simple_memory(machine, node, addresses)
        )
        setattr(system, f"mem_ctrls{node}", memory)
        controllers.add_memory(node, addresses, memory.port)
    controllers.finish()
    if not full_system:
        system.system_port = system.ruby.sys_port_proxy.in_ports
    gem5.Root(full_system=full_system, system=system)  # gem5 keeps it
    return system, controllers


def _simple_memory(machine: Machine, node: int, addresses: Any) -> Any:
    """Memory as the embedded engine models it."""
    memory = machine.memory_of(node)
    return gem5.SimpleMemory(
        range=addresses,
        latency=f"{memory.latency_cycles * machine.clock_period_ps}ps",
        bandwidth=f"{TICKS_PER_SECOND / memory.byte_ticks:.6f}B/s",
    )


def _ddr4(addresses: Any) -> Any:
    """One channel of DDR4-2400 with gem5's own timing; the machine file's memory does not count."""
    return gem5.MemCtrl(dram=gem5.DDR4_2400_8x8(range=addresses))
