# SPDX-License-Identifier: BSD-3-Clause
"""Links: how long messages occupy them, which ones a message crosses, and what is counted."""

from __future__ import annotations

from typing import Any

import pytest
from machines import CONTROL, DATA, LINE, MEMORY, PAGE, bytes_of, on_links, settle, small, wait_for

from homeshift._engine import System

REQUEST = "Persistent_Control"  # the type of a copy's requests


def copy_cycles(lines: int, **changes: Any) -> int:
    """Cycles in which node 0 copies lines from node 1, homed there, to its own memory."""
    system = System(small(outstanding_lines=64, **changes))
    return wait_for(system, system.copy(0, [MEMORY], [0], lines * LINE))


@pytest.mark.parametrize("bytes_per_cycle", [1.0, 2.0, 8.0, 16.0, 64.0])
def test_data_messages_follow_each_other_at_the_bandwidth_of_the_link(
    bytes_per_cycle: float,
) -> None:
    alone = copy_cycles(1, bytes_per_cycle=bytes_per_cycle)
    for lines in (2, 3, 5, 16):
        # The last one starts when those before have left; a start is a whole cycle.
        waits = int((lines - 1) * DATA / bytes_per_cycle)
        assert copy_cycles(lines, bytes_per_cycle=bytes_per_cycle) == alone + waits


def test_a_single_message_takes_no_longer_on_a_narrow_link() -> None:
    assert copy_cycles(1, bytes_per_cycle=1.0) == copy_cycles(1, bytes_per_cycle=64.0)
    assert copy_cycles(2, bytes_per_cycle=1.0) > copy_cycles(2, bytes_per_cycle=64.0)


def test_the_two_directions_of_a_link_do_not_disturb_each_other() -> None:
    one_way = copy_cycles(8, bytes_per_cycle=1.0)
    system = System(small(outstanding_lines=64, bytes_per_cycle=1.0))
    far = MEMORY + 16 * PAGE
    there = system.copy(0, [MEMORY], [0], 8 * LINE)
    back = system.copy(1, [16 * PAGE], [far], 8 * LINE)
    wait_for(system, there, back)
    requests = 8 * CONTROL  # leave before the first data comes, and do not wait for it
    assert one_way <= system.now <= one_way + requests
    assert 2 * one_way > system.now + requests  # or the test would not tell


def latency_beside_a_copy(core: int, address: int, *, home: int) -> tuple[int, int]:
    """Latency of a load on an idle machine, and beside a copy from node 1 to 0 on narrow links."""
    latencies = []
    for lines in (0, 16):
        system = System(small(outstanding_lines=64, bytes_per_cycle=1.0))
        system.place_homes([address], home)
        if lines:
            system.copy(0, [MEMORY], [0], lines * LINE)
            system.run(200)  # now the link from node 1 is full of data for the DMA
        latencies.append(system.probe(core, address, False))
    return latencies[0], latencies[1]


def test_a_higher_virtual_network_does_not_wait_for_a_lower_one() -> None:
    # Core 0 asks its own home; the memory in node 1 answers that on virtual network 6.
    idle, busy = latency_beside_a_copy(0, MEMORY + 16 * PAGE, home=0)
    assert idle == busy


def test_a_lower_virtual_network_waits_for_a_higher_one_but_does_not_starve() -> None:
    # Core 2, in node 1, asks the home in node 0: its request is on virtual network 0. Data for
    # the DMA waits there all the time, and goes first in 128 cycles of 129.
    idle, busy = latency_beside_a_copy(2, 16 * PAGE, home=0)
    links_of_the_crossbar = 2
    assert DATA < busy - idle <= links_of_the_crossbar * 129


def test_a_link_is_busy_for_its_bytes_over_its_bandwidth() -> None:
    system = System(small(bytes_per_cycle=4.0))
    wait_for(system, system.copy(0, [MEMORY], [0], 4 * LINE))
    busy = {(link["from"], link["to"]): link["busy_cycles"] for link in system.link_counts()}
    assert busy == {
        (0, 2): 4 * CONTROL / 4,  # requests to the hub
        (2, 1): 4 * CONTROL / 4,  # and on
        (1, 2): 4 * DATA / 4,
        (2, 0): 4 * DATA / 4,
    }


@pytest.mark.parametrize("bytes_per_cycle", [0.5, 4.0, 100.0])
def test_a_link_is_never_busy_for_longer_than_the_time(bytes_per_cycle: float) -> None:
    system = System(small(bytes_per_cycle=bytes_per_cycle))
    system.copy(0, [MEMORY], [0], 4 * LINE)
    before: dict[tuple[int, int], float] = {}
    for turn in range(400):
        if turn == 150:  # with messages on the links
            system.reset_statistics()
            before = {}
        system.run(3)
        busy = {(link["from"], link["to"]): link["busy_cycles"] for link in system.link_counts()}
        for link, cycles in busy.items():
            assert 0 <= cycles - before.get(link, 0.0) <= 3
        before = busy


def test_messages_of_a_remote_miss_are_counted_on_every_link_of_their_way() -> None:
    system = System(small())
    system.probe(0, MEMORY, False)
    there = {"Request_Control": 1, "Unblock_Control": 1}
    back = {"Response_Data": 1}
    assert on_links(system) == {(0, 2): there, (2, 1): there, (1, 2): back, (2, 0): back}
    assert system.between_nodes() == {**there, **back}
    memory = {"Request_Control": 1, "Response_Data": 1}  # inside node 1: home to memory and back
    assert system.all_messages() == {
        name: system.between_nodes().get(name, 0) + memory.get(name, 0)
        for name in {**there, **back, **memory}
    }


def test_a_local_miss_uses_no_link() -> None:
    system = System(small())
    system.probe(0, 0, False)
    assert on_links(system) == {}
    assert system.between_nodes() == {}
    assert bytes_of(system.all_messages()) == 2 * CONTROL + 2 * DATA + CONTROL


def latency(system: System, a: int, b: int) -> int:
    """Cycles that a request to a home takes from a node's router on, on idle links."""
    system.open_message_log(10**6)
    system.probe(2 * a, b * MEMORY + a * LINE, False)
    *_, sent, arrived = next(n for n in system.take_message_log() if n[1] == "GetS")
    return arrived - sent - 1  # until it leaves the cache


@pytest.mark.parametrize("nodes", [2, 3, 4, 5, 8])
def test_a_crossbar_is_two_links_and_three_routers_wide(nodes: int) -> None:
    system = System(small(nodes=nodes, router_latency=3, link_latency=7, local_latency=2))
    for a in range(nodes):
        for b in range(nodes):
            expected = 3 + 2 if a == b else 3 * 3 + 2 * 7 + 2
            assert latency(system, a, b) == expected


@pytest.mark.parametrize("nodes", [2, 3, 4, 5, 8])
def test_a_ring_is_gone_round_the_shorter_way(nodes: int) -> None:
    system = System(
        small(nodes=nodes, topology="ring", router_latency=3, link_latency=7, local_latency=2)
    )
    for a in range(nodes):
        for b in range(nodes):
            hops = min((b - a) % nodes, (a - b) % nodes)
            assert latency(system, a, b) == hops * (3 + 7) + 3 + 2


@pytest.mark.parametrize(("nodes", "columns"), [(4, 2), (6, 3), (6, 2), (8, 4), (4, 1), (4, 4)])
def test_a_mesh_is_crossed_along_row_and_column(nodes: int, columns: int) -> None:
    shape = {"nodes": nodes, "topology": "mesh", "columns": columns}
    system = System(small(**shape, router_latency=3, link_latency=7, local_latency=2))
    for a in range(nodes):
        for b in range(nodes):
            hops = abs(a // columns - b // columns) + abs(a % columns - b % columns)
            assert latency(system, a, b) == hops * (3 + 7) + 3 + 2


@pytest.mark.parametrize("nodes", [2, 5])
def test_fully_connected_nodes_are_a_link_apart(nodes: int) -> None:
    shape = {"nodes": nodes, "topology": "fully-connected"}
    system = System(small(**shape, router_latency=3, link_latency=7, local_latency=2))
    for a in range(nodes):
        for b in range(nodes):
            assert latency(system, a, b) == (a != b) * (3 + 7) + 3 + 2


@pytest.mark.parametrize(("node", "to", "by"), [(2, 0, 1), (0, 2, 1), (1, 3, 0), (3, 1, 0)])
def test_a_ring_goes_by_the_lower_neighbour_where_both_ways_are_as_long(
    node: int, to: int, by: int
) -> None:
    """As gem5 does; the answer comes by the lower neighbour of the other node."""
    system = System(small(nodes=4, topology="ring", cores_per_node=1))
    system.probe(node, to * MEMORY, False)
    back = min((to - 1) % 4, (to + 1) % 4)
    assert set(on_links(system)) == {(node, by), (by, to), (to, back), (back, node)}


def test_a_message_takes_the_lightest_way() -> None:
    """From 0 to 1 over 2, which is lighter than the link between them; the answer likewise."""
    straight, over_2 = 3, 1
    links = [
        (a, b, straight if {a, b} == {0, 1} else over_2, 5, 16.0)
        for a, b in ((0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1))
    ]
    system = System(small(nodes=3, links=links, cores_per_node=1))
    system.probe(0, MEMORY, False)
    assert set(on_links(system)) == {(0, 2), (2, 1), (1, 2), (2, 0)}


def test_a_mesh_goes_along_the_row_first() -> None:
    system = System(small(nodes=4, topology="mesh", columns=2))
    system.probe(0, 3 * MEMORY, False)
    assert set(on_links(system)) == {(0, 1), (1, 3), (3, 2), (2, 0)}


def invalidations(system: System, sharers: list[int], writer: int) -> dict[tuple[int, int], int]:
    """Let cores share a line of node 0 and one of them write; count invalidations by link."""
    for core in sharers:
        system.probe(core, 0, False)
    system.reset_statistics()
    system.probe(writer, 0, True)
    counts = {
        way: messages["Invalidate_Control"]
        for way, messages in on_links(system).items()
        if "Invalidate_Control" in messages
    }
    acks = system.all_messages()["Response_Control"] - 1  # one is the home's
    assert acks == len(set(sharers) - {writer})
    settle(system)
    return counts


def test_invalidations_cross_a_shared_link_once() -> None:
    # Two cores a node: 0 and 1 on node 0, 2 and 3 on node 1, and so on.
    everybody = [2, 3, 4, 5, 6, 7, 0]
    crossbar = System(small(nodes=4))
    assert invalidations(crossbar, everybody, writer=0) == {
        (0, 4): 1,  # for six caches
        (4, 1): 1,
        (4, 2): 1,
        (4, 3): 1,
    }
    mesh = System(small(nodes=4, topology="mesh", columns=2))
    assert invalidations(mesh, everybody, writer=0) == {(0, 1): 1, (0, 2): 1, (1, 3): 1}
    ring = System(small(nodes=4, topology="ring"))
    assert invalidations(ring, everybody, writer=0) == {(0, 1): 1, (1, 2): 1, (0, 3): 1}


def test_invalidations_reach_only_the_sharers_and_local_ones_use_no_link() -> None:
    crossbar = System(small(nodes=4))
    assert invalidations(crossbar, [0, 1, 6], writer=1) == {(0, 4): 1, (4, 3): 1}
    assert invalidations(System(small(nodes=4)), [0, 1], writer=0) == {}


def test_a_message_to_several_nodes_is_counted_once_between_nodes() -> None:
    system = System(small(nodes=4))
    for core in (2, 4, 6):
        system.probe(core, 0, False)
    system.reset_statistics()
    system.probe(2, 0, True)
    assert system.between_nodes()["Invalidate_Control"] == 1
    assert sum(m.get("Invalidate_Control", 0) for m in on_links(system).values()) == 3


def test_a_message_to_several_nodes_leaves_its_node_if_any_of_them_is_another() -> None:
    system = System(small(nodes=4))
    line = 3 * MEMORY
    for core in (2, 7, 0):  # on nodes 1, 3 and 0; the home on node 3 tells 2 and 7
        system.probe(core, line, False)
    system.reset_statistics()
    system.probe(0, line, True)
    assert system.between_nodes()["Invalidate_Control"] == 1


def test_a_message_counts_from_the_cycle_in_which_it_is_at_its_router_and_at_a_link() -> None:
    command, request, router = 1, 1, 1  # cycles until a copy's first request is at the link
    for cycle in range(1, 6):
        looked, reset = System(small()), System(small())
        for system in (looked, reset):
            system.copy(0, [MEMORY], [0], LINE)
            system.run(cycle)
        at_router = cycle >= command + request
        at_link = cycle >= command + request + router
        assert looked.all_messages() == looked.between_nodes()
        assert looked.between_nodes() == ({REQUEST: 1} if at_router else {})
        assert ((0, 2) in on_links(looked)) == at_link
        reset.reset_statistics()  # what has come there before is not counted any more
        reset.run(100)
        assert reset.between_nodes().get(REQUEST, 0) == (0 if at_router else 1)
        assert ((0, 2) in on_links(reset)) != at_link


def test_bytes_on_the_links_of_a_crossbar_are_twice_those_between_nodes() -> None:
    system = System(small())
    for line in range(0, 40 * LINE, LINE):
        system.probe(0, MEMORY + line, write=line % 128 == 0)
        system.probe(2, MEMORY + line, False)
    links = sum(bytes_of(messages) for messages in on_links(system).values())
    assert links == 2 * bytes_of(system.between_nodes()) > 40 * DATA


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"links": []}, "links lead nowhere from a router"),
        ({"links": [(0, 1, 1, 5, 16.0)]}, "links lead nowhere from a router"),  # and none back
        ({"links": [(0, 0, 1, 5, 16.0)]}, "a link joins two of 128 routers"),
        ({"links": [(0, 128, 1, 5, 16.0)]}, "a link joins two of 128 routers"),
        ({"links": [(0, 1, 0, 5, 16.0)]}, "it weighs 1 to 1000"),
        ({"links": [(0, 1, 1, 5, 16.0)] * 65535}, "65,534 links are the most"),
        ({"links": [(0, 1, 1001, 5, 16.0)]}, "it weighs 1 to 1000"),
        ({"bytes_per_cycle": 2e6}, "from 0.001 to 1000000 bytes a cycle"),
        ({"router_latency": 0}, "a router takes a cycle at least"),
        ({"home_latency": 0}, "a home and its slice take a cycle at least"),
        ({"slc_latency": 0}, "a home and its slice take a cycle at least"),
    ],
)
def test_a_network_that_cannot_be_built_is_refused(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        System(small(**changes))
