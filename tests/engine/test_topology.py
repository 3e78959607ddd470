# SPDX-License-Identifier: BSD-3-Clause
"""The embedded engine has the machine's links, in their order, with what each can carry."""

from __future__ import annotations

from pathlib import Path

import pytest
from machines import shipped

from homeshift import interconnect
from homeshift.machine import topology

CHASSIS = str(Path(__file__).parents[1] / "gem5" / "chassis.toml")


@pytest.mark.parametrize(
    "machine",
    [
        "tiny",
        "quad",
        "octo",
        "pool",
        "quad:network.topology=ring",
        "quad:network.topology=fully-connected,nodes=8",
        "quad:nodes=2,cores.per_node=1",
        CHASSIS,
    ],
)
def test_links_are_those_of_the_machine(machine: str) -> None:
    loaded, system = shipped(machine)
    here = [(link["from"], link["to"]) for link in system.link_counts()]
    assert here == [link[:2] for link in topology.links(loaded)]


@pytest.mark.parametrize("nodes", [2, 3, 4, 6, 64])
@pytest.mark.parametrize("shape", ["crossbar", "ring", "mesh", "fully-connected"])
def test_each_link_has_one_back_of_the_same_weight(shape: str, nodes: int) -> None:
    found = interconnect.links(shape, nodes, nodes // 2)
    assert {(b, a, weight) for a, b, weight in found} == set(found)
    assert len(set(found)) == len(found)
