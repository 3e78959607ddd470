# SPDX-License-Identifier: BSD-3-Clause
"""The interconnect as a list of links: the one place where a topology is written.

    for link in links(machine): ...

Routers 0 to nodes - 1 are those of the nodes; a crossbar has one more, the hub, and links of one's
own lead to any. Each engine finds shortest paths by the links' weights; where several are as short,
a message takes the lighter link, and of links as light the one to the router with the lower number.
"""

from __future__ import annotations

from typing import NamedTuple

from homeshift.errors import InputError
from homeshift.machine.model import Machine, Wire


class Edge(NamedTuple):
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
    return 1 + max(edge.source for edge in links(machine))


def links(machine: Machine) -> list[Edge]:
    """Return the links of a machine."""
    if machine.network.topology == "links":
        if not machine.network.links:  # a machine that was not read from a file
            raise InputError(f"machine '{machine.name}'", ["network.links: missing"])
        return [edge for wire in machine.network.links for edge in _edges(machine, wire)]
    found = ways(machine.network.topology, machine.nodes, machine.network.columns)
    return [
        Edge(
            source,
            target,
            weight,
            machine.link_latency(source, target),
            machine.link_bytes_per_cycle(source, target),
        )
        for source, target, weight in found
    ]


def _edges(machine: Machine, wire: Wire) -> tuple[Edge, Edge]:
    one, other = wire.between
    latency = wire.latency_cycles or machine.link_latency(one, other)
    bandwidth = wire.bandwidth_bytes_per_second or machine.link_bandwidth(one, other)
    rest = (wire.weight or 1, latency, machine.bytes_per_cycle(bandwidth))
    return Edge(one, other, *rest), Edge(other, one, *rest)


def ways(topology: str, nodes: int, columns: int | None = None) -> list[tuple[int, int, int]]:
    """Return (source, target, weight) of all links of a topology; `columns` is for a mesh."""
    if topology == "crossbar":
        hub = nodes
        return [way for node in range(nodes) for way in ((node, hub, 1), (hub, node, 1))]
    if topology == "ring":
        steps = (1,) if nodes == 2 else (1, -1)
        return [(node, (node + step) % nodes, 1) for node in range(nodes) for step in steps]
    if topology == "mesh":
        assert columns, "a mesh has columns"
        return _mesh(nodes, columns)
    assert topology == "fully-connected", topology
    return [(node, other, 1) for node in range(nodes) for other in range(nodes) if other != node]


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


def _mesh(nodes: int, columns: int) -> list[tuple[int, int, int]]:
    """Rows are lighter than columns: a message goes along its row first."""
    found = []
    for node in range(nodes):
        if node % columns + 1 < columns:
            found += [(node, node + 1, 1), (node + 1, node, 1)]
        if node + columns < nodes:
            found += [(node, node + columns, 2), (node + columns, node, 2)]
    return found
