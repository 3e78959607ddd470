# SPDX-License-Identifier: BSD-3-Clause
"""How long accesses take on an idle machine: the sum of their steps (a table: docs/model.md)."""

from __future__ import annotations

from homeshift.machine.model import Machine

_STAGES = 5  # of one cycle each, between the controllers that a local miss passes


def local_miss_cycles(machine: Machine) -> int:
    """Return the cycles of a load whose home and memory are in its node."""
    return (
        machine.cache.latency_cycles
        + 4 * _hop(machine)
        + machine.home.latency_cycles
        + machine.memory.latency_cycles
        + _STAGES
    )


def remote_miss_cycles(machine: Machine) -> int:
    """Return the cycles of a load that needs the nearest other node, there and back."""
    network = machine.network
    links = 2 if network.topology == "crossbar" else 1
    way = links * (network.link_latency_cycles + network.router_latency_cycles)
    return local_miss_cycles(machine) + 2 * way


def slow_access_ticks(machine: Machine) -> int:
    """Return a time between the two, by which samples of latencies tell which node was needed."""
    cycles = (local_miss_cycles(machine) + remote_miss_cycles(machine)) // 2
    return cycles * machine.clock_period_ps


def _hop(machine: Machine) -> int:
    return machine.network.router_latency_cycles + machine.network.local_latency_cycles
