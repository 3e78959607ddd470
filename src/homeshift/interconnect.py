# SPDX-License-Identifier: BSD-3-Clause
"""Which routers a topology joins: the one place where this is written.

    links("ring", 4)        # (source, target, weight) of each link in each direction

Routers 0 to nodes - 1 are those of the nodes; a crossbar has one more, the hub. What else a link
has is in `machine.topology`, for engines; drawings need no more than this.
"""

from __future__ import annotations


def links(topology: str, nodes: int, columns: int | None = None) -> list[tuple[int, int, int]]:
    """Return (source, target, weight) of all links of a topology; `columns` is for a mesh."""
    if topology == "crossbar":
        hub = nodes
        return [link for node in range(nodes) for link in ((node, hub, 1), (hub, node, 1))]
    if topology == "ring":
        steps = (1,) if nodes == 2 else (1, -1)
        return [(node, (node + step) % nodes, 1) for node in range(nodes) for step in steps]
    if topology == "mesh":
        assert columns, "a mesh has columns"
        return _mesh(nodes, columns)
    assert topology == "fully-connected", topology
    return [(node, other, 1) for node in range(nodes) for other in range(nodes) if other != node]


def _mesh(nodes: int, columns: int) -> list[tuple[int, int, int]]:
    """Rows are lighter than columns: a message goes along its row first."""
    found = []
    for node in range(nodes):
        if node % columns + 1 < columns:
            found += [(node, node + 1, 1), (node + 1, node, 1)]
        if node + columns < nodes:
            found += [(node, node + columns, 2), (node + columns, node, 2)]
    return found
