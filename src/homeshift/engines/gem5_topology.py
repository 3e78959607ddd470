# SPDX-License-Identifier: BSD-3-Clause
"""The interconnect as a list of links, the same as in the embedded engine's network.

    for link in links("ring", nodes=4, columns=None): ...

Routers 0 to nodes - 1 are those of the nodes; a crossbar has one more, the hub.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """A link in one direction.

    Args:
        source: router.
        target: router.
        weight: for shortest paths; a smaller one is also preferred where several links would do.
    """

    source: int
    target: int
    weight: int


def router_count(topology: str, nodes: int) -> int:
    """Return the number of routers."""
    return nodes + 1 if topology == "crossbar" else nodes


def links(topology: str, *, nodes: int, columns: int | None) -> list[Link]:
    """Return the links of a topology, in the embedded engine's order."""
    if topology == "crossbar":
        return [
            link for node in range(nodes) for link in (Link(node, nodes, 1), Link(nodes, node, 1))
        ]
    if topology == "ring":
        if nodes == 2:
            return [Link(0, 1, 1), Link(1, 0, 1)]
        return [
            link
            for node in range(nodes)
            for link in (Link(node, (node + 1) % nodes, 1), Link(node, (node - 1) % nodes, 1))
        ]
    if topology == "mesh" and columns:
        return _mesh(nodes, columns)
    raise ValueError(f"unknown topology {topology!r} (columns: {columns})")


def links_between(topology: str, *, nodes: int, columns: int | None) -> list[int]:
    """Return the number of links from each node to each, row by row."""
    neighbours: dict[int, list[int]] = {}
    for link in links(topology, nodes=nodes, columns=columns):
        neighbours.setdefault(link.source, []).append(link.target)
    found = []
    for source in range(nodes):
        distance = {source: 0}
        reached = [source]
        for router in reached:
            for target in neighbours[router]:
                if target not in distance:
                    distance[target] = distance[router] + 1
                    reached.append(target)
        found += [distance[target] for target in range(nodes)]
    return found


def _mesh(nodes: int, columns: int) -> list[Link]:
    """Rows are lighter than columns: a message goes along its row first."""
    found = []
    for node in range(nodes):
        if node % columns + 1 < columns:
            found += [Link(node, node + 1, 1), Link(node + 1, node, 1)]
        if node + columns < nodes:
            found += [Link(node, node + columns, 2), Link(node + columns, node, 2)]
    return found
