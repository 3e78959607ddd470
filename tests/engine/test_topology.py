# SPDX-License-Identifier: BSD-3-Clause
"""Both engines have the same links, in the same order."""

from __future__ import annotations

import pytest
from machines import small

from homeshift._engine import System
from homeshift.engines import gem5_topology
from homeshift.machine import load_machine


@pytest.mark.parametrize("nodes", [2, 3, 4, 6])
@pytest.mark.parametrize("topology", ["crossbar", "ring", "mesh"])
def test_links_are_those_of_gem5(topology: str, nodes: int) -> None:
    columns = nodes // 2 if topology == "mesh" else None
    system = System(small(nodes=nodes, topology=topology, columns=columns or 0))
    here = [(link["from"], link["to"]) for link in system.link_counts()]
    changes = f"nodes={nodes},network.topology={topology}"
    changes += f",network.columns={columns}" if columns else ""
    there = gem5_topology.links(load_machine(f"tiny:{changes}"))
    assert here == [(link.source, link.target) for link in there]
