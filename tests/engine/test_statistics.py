# SPDX-License-Identifier: BSD-3-Clause
"""Statistics count from zero after a reset, and say where a node's misses were served."""

from __future__ import annotations

import pytest
from machines import LINE, MEMORY, PAGE, small, stop, stream, wait_for

from homeshift._engine import System


def counted(system: System) -> set[str]:
    """Return the names of what has been counted by now."""
    of_nodes, of_cores = system.node_counts(), system.core_counts()
    sums = {name: sum(node[name] for node in of_nodes) for name in of_nodes[0]}
    sums |= {name: sum(core[name] for core in of_cores) for name in of_cores[0]}
    sums |= system.vcpu_counts(0)[0]
    sums["busy_cycles"] = sum(link["busy_cycles"] for link in system.link_counts())
    sums["all_blocked"] = system.all_blocked(0)
    lists = {
        "on_links": system.on_links(),
        "between_nodes": system.between_nodes(),
        "all_messages": system.all_messages(),
        "transitions": system.transitions(),
    }
    return {name for name, value in {**sums, **lists}.items() if value}


def test_a_reset_leaves_nothing_that_has_been_counted() -> None:
    system = System(small())
    system.add_vm([0, MEMORY], [stream(vm_bytes=2 * PAGE)])
    system.start_vm(0, [0])
    system.run(5000)
    system.await_pages(0, [0, 1])
    system.run(1000)
    system.map_pages(0, [0, 1], [0, MEMORY])
    wait_for(system, system.copy(0, [PAGE], [2 * PAGE], PAGE))  # lines are copied
    job = system.transfer(0, [PAGE], 1)
    system.cancel(job)
    wait_for(system, job)  # a region is kept
    wait_for(system, system.transfer(0, [0], 1, fenced=0))  # one is moved, and the VM is refused
    wait_for(system, system.fence(0, [PAGE], 1))
    wait_for(system, system.copy(0, [0], [2 * PAGE], LINE), system.transfer(0, [0], 0))  # refused
    stop(system, 0)
    system.audit()
    before = counted(system)
    everything = set(system.node_counts()[0]) | set(system.vcpu_counts(0)[0])
    assert everything < before  # so all of these have been seen not to be 0
    system.reset_statistics()
    assert counted(system) == {"directory_entries"}  # a state and no count


LOCALLY, REMOTELY = (1, 0), (0, 1)


@pytest.mark.parametrize(
    ("home", "memory", "owner", "served"),
    [
        (0, 0, None, LOCALLY),
        (0, 1, None, REMOTELY),
        (1, 0, None, REMOTELY),
        (1, 1, None, REMOTELY),
        (0, 0, 1, LOCALLY),  # by another cache of the node
        (0, 1, 1, LOCALLY),
        (1, 0, 1, REMOTELY),  # the same, but another node has ordered it
        (0, 0, 2, REMOTELY),  # by a cache of the other node
        (1, 0, 3, REMOTELY),
    ],
)
def test_a_miss_is_served_locally_if_home_and_data_are_in_the_node(
    home: int, memory: int, owner: int | None, served: tuple[int, int]
) -> None:
    system = System(small())
    address = memory * MEMORY
    system.place_homes([address], home)
    if owner is not None:
        system.probe(owner, address, True)
    system.reset_statistics()
    system.probe(0, address, False)
    node = system.node_counts()[0]
    assert (node["served_locally"], node["served_remotely"]) == served
    assert system.node_counts()[1]["served_locally"] == 0
