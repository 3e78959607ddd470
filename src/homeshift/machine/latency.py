# SPDX-License-Identifier: BSD-3-Clause
"""How long accesses take on an idle machine: the sum of their steps (a table: docs/model.md)."""

from __future__ import annotations

from homeshift.machine.model import Machine

_STAGES = 5  # of one cycle each, between the controllers that a local miss passes


def local_miss_cycles(machine: Machine) -> int:
    """Return the cycles of a load whose home and memory are in its node."""
    return _miss_cycles(machine) + machine.memory.latency_cycles


def remote_miss_cycles(machine: Machine) -> int:
    """Return the cycles of a load that needs the nearest other node, there and back.

    Of a machine with a pool, the faster of the two is counted.
    """
    there = [machine.hosts - 1, *([machine.nodes - 1] if machine.pool else [])]
    return _miss_cycles(machine) + min(
        machine.memory_of(node).latency_cycles + 2 * _way(machine, node) for node in there
    )


def _way(machine: Machine, node: int) -> int:
    """Return the cycles of the links and routers on the shortest way to a node."""
    links = [machine.link_latency(node)]
    if machine.network.topology == "crossbar":  # to the hub first
        links.append(machine.network.link_latency_cycles)
    return sum(links) + len(links) * machine.network.router_latency_cycles


def slow_access_ticks(machine: Machine) -> int:
    """Return a time between the two, by which samples of latencies tell which node was needed.

    It is no less than a local miss: where other nodes' memory is as near as that, none is sampled.
    """
    local = local_miss_cycles(machine)
    return max(local, (local + remote_miss_cycles(machine)) // 2) * machine.clock_period_ps


def _miss_cycles(machine: Machine) -> int:
    """Return the cycles of a load at home, without those of the memory."""
    return machine.cache.latency_cycles + 4 * _hop(machine) + machine.home.latency_cycles + _STAGES


def _hop(machine: Machine) -> int:
    return machine.network.router_latency_cycles + machine.network.local_latency_cycles
