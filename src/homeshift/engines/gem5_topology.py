# SPDX-License-Identifier: BSD-3-Clause
"""The interconnect as a list of links, the same as in the embedded engine's network.

    for link in links(machine): ...

Routers 0 to nodes - 1 are those of the nodes; a crossbar has one more, the hub.
"""

from __future__ import annotations

from dataclasses import dataclass

from homeshift.machine import Machine


@dataclass(frozen=True, slots=True)
class Edge:
    """A link of the topology, in one direction; `engines.base.Link` is what one has carried.

    Args:
        source: router.
        target: router.
        weight: for shortest paths; a smaller one is also preferred where several links would do.
    """

    source: int
    target: int
    weight: int


def flit_bytes(machine: Machine) -> int:
    """Return the size of Garnet's flits: what most links carry in a cycle, in whole bytes."""
    return max(1, round(machine.link_bytes_per_cycle()))


def router_count(machine: Machine) -> int:
    """Return the number of routers."""
    return machine.nodes + 1 if machine.network.topology == "crossbar" else machine.nodes


def links(machine: Machine) -> list[Edge]:
    """Return the links of a machine, in the embedded engine's order."""
    nodes, topology = machine.nodes, machine.network.topology
    if topology == "crossbar":
        return [
            link for node in range(nodes) for link in (Edge(node, nodes, 1), Edge(nodes, node, 1))
        ]
    if topology == "ring":
        if nodes == 2:
            return [Edge(0, 1, 1), Edge(1, 0, 1)]
        return [
            link
            for node in range(nodes)
            for link in (Edge(node, (node + 1) % nodes, 1), Edge(node, (node - 1) % nodes, 1))
        ]
    assert machine.network.columns is not None, "a mesh has columns"
    return _mesh(nodes, machine.network.columns)


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


def _mesh(nodes: int, columns: int) -> list[Edge]:
    """Rows are lighter than columns: a message goes along its row first."""
    found = []
    for node in range(nodes):
        if node % columns + 1 < columns:
            found += [Edge(node, node + 1, 1), Edge(node + 1, node, 1)]
        if node + columns < nodes:
            found += [Edge(node, node + columns, 2), Edge(node + columns, node, 2)]
    return found
