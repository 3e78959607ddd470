# SPDX-License-Identifier: BSD-3-Clause
"""The interconnect of a machine as a list of links, each with its latency and bandwidth.

    for link in links(machine): ...

Routers are numbered as in `homeshift.interconnect`; links of one's own lead to any. Each engine
finds shortest paths by the links' weights; where several are as short, a message takes the lighter
link, and of links as light the one to the router with the lower number.
"""

from __future__ import annotations

from typing import NamedTuple

from homeshift.errors import InputError
from homeshift.interconnect import links as links_of
from homeshift.machine.model import LinkPair, Machine


class LinkSpec(NamedTuple):
    """A link in one direction; `engines.base.Link` is what one has carried.

    Args:
        source: router.
        target: router.
        weight: for shortest paths.
        latency: in cycles.
        bytes_per_cycle: bandwidth.
    """

    source: int
    target: int
    weight: int
    latency: int
    bytes_per_cycle: float


def flit_bytes(machine: Machine) -> int:
    """Return the size of Garnet's flits: what most links carry in a cycle, in whole bytes."""
    return max(1, round(machine.link_bytes_per_cycle()))


def router_count(machine: Machine) -> int:
    """Return the number of routers."""
    return 1 + max(link.source for link in links(machine))


def links(machine: Machine) -> list[LinkSpec]:
    """Return the links of a machine."""
    if machine.network.topology == "links":
        if not machine.network.links:  # a machine that was not read from a file
            raise InputError(f"machine '{machine.name}'", ["network.links: missing"])
        return [link for pair in machine.network.links for link in _both(machine, pair)]
    found = links_of(machine.network.topology, machine.nodes, machine.network.columns)
    return [
        LinkSpec(
            source,
            target,
            weight,
            machine.link_latency(source, target),
            machine.link_bytes_per_cycle(source, target),
        )
        for source, target, weight in found
    ]


def _both(machine: Machine, pair: LinkPair) -> tuple[LinkSpec, LinkSpec]:
    one, other = pair.between
    latency = pair.latency_cycles or machine.link_latency(one, other)
    bandwidth = pair.bandwidth_bytes_per_second or machine.link_bandwidth(one, other)
    rest = (pair.weight or 1, latency, machine.bytes_per_cycle(bandwidth))
    return LinkSpec(one, other, *rest), LinkSpec(other, one, *rest)


def links_between(machine: Machine) -> list[int]:
    """Return the number of links from each node to each, row by row."""
    neighbours: dict[int, list[int]] = {}
    for link in links(machine):
        neighbours.setdefault(link.source, []).append(link.target)
    found = []
    for source in range(machine.nodes):
        distance = {source: 0}
        reached = [source]
        for router in reached:
            for target in neighbours[router]:
                if target not in distance:
                    distance[target] = distance[router] + 1
                    reached.append(target)
        found += [distance[target] for target in range(machine.nodes)]
    return found
