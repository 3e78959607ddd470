# SPDX-License-Identifier: BSD-3-Clause
"""What a node knows of homes: at first, and from when on what one of its cores has learned."""

from __future__ import annotations

from machines import MEMORY, PAGE, small, stream, taken, wait_for

from homeshift._engine import System


def test_each_node_is_known_as_home_of_its_memory_where_that_ends_within_a_chunk() -> None:
    """Homes are kept by 4,096 regions: of two nodes with 6,144 each, one part is of both."""
    system = System(small(memory_bytes=6144 * PAGE))
    local_miss = System(small()).probe(0, 0, False)
    for core, pages in ((0, (0, 4095, 4096, 6143)), (2, (6144, 8191, 8192, 12287))):
        for page in pages:
            assert system.probe(core, page * PAGE, False) == local_miss
    assert taken(system)["Directory.NH.Away"] == 0


def test_what_a_core_learns_the_others_of_its_node_know_from_the_next_cycle_on() -> None:
    def moved() -> System:
        system = System(small(nodes=3, max_outstanding=1))
        wait_for(system, system.transfer(1, [MEMORY], 2))  # node 0 is not told
        return system

    def sent_on(arrival: int) -> int:
        """Let core 0 ask at once, and core 1 so that it looks up the home at that cycle."""
        system = moved()
        thinks = (0, arrival - 1)  # and a cycle until the cache knows that it misses
        line = {"kind": "stream", "vcpus": 2, "write_ratio": 0.0}
        system.add_vm([MEMORY], [stream(vcpu=i, think=t, **line) for i, t in enumerate(thinks)])
        system.start_vm(0, [0, 1])
        system.run(400)
        return taken(system)["Directory.NH.Away"]

    answer = moved().probe(0, MEMORY, False)
    assert [sent_on(answer + cycles) for cycles in (-1, 0, 1, 2)] == [2, 2, 1, 1]
