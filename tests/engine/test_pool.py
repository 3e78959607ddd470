# SPDX-License-Identifier: BSD-3-Clause
"""Nodes of a pool have no cores, and memory and links of their own speed."""

from __future__ import annotations

from typing import Any

import pytest
from machines import DATA, LINE, MEMORY, small, taken, wait_for

from homeshift._engine import AccessFaultError, System

HOSTS, POOL = 2, 2  # nodes 0 and 1 have cores, node 2 has none
HIT, HOME, REQUEST, FOUR_MORE_STAGES = 1, 2, 1, 4
INSIDE, ACROSS = 1 + 1, 3 * 1 + 2 * 5 + 1  # a hop: routers, links and the way to the controller


def pooled(**changes: Any) -> System:
    return System(small(**{"nodes": 3, "pool_nodes": 1, **changes}))


@pytest.mark.parametrize("write", [False, True], ids=["load", "store"])
@pytest.mark.parametrize("pool_memory_latency_ps", [10_000, 37_000])
def test_a_miss_in_the_pool_takes_the_time_of_its_memory(
    pool_memory_latency_ps: int, *, write: bool
) -> None:
    system = pooled(pool_memory_latency_ps=pool_memory_latency_ps)
    system.place_homes([POOL * MEMORY], 0)
    around = HIT + REQUEST + FOUR_MORE_STAGES + INSIDE + HOME + INSIDE
    expected = around + 2 * ACROSS + pool_memory_latency_ps // 1000
    assert system.probe(0, POOL * MEMORY, write) == expected
    local = around + 2 * INSIDE + 10
    assert system.probe(0, 0, write) == local  # and others take the time of theirs


def test_only_links_to_and_from_a_pool_have_its_latency() -> None:
    usual, longer = pooled(), pooled(pool_link_latency=45)
    for system in (usual, longer):
        system.place_homes([POOL * MEMORY], 0)
    # Of the two links from host to pool, the second; and the first on the way back.
    there_and_back = longer.probe(0, POOL * MEMORY, False) - usual.probe(0, POOL * MEMORY, False)
    assert there_and_back == 2 * (45 - 5)
    assert longer.probe(0, MEMORY, False) == usual.probe(0, MEMORY, False)


def test_the_memory_of_a_pool_has_its_own_bandwidth() -> None:
    wide = {"outstanding_lines": 32, "bytes_per_cycle": 72.0, "pool_bytes_per_cycle": 72.0}
    ends = []
    for line_time in (4000, 9000):  # ps
        system = pooled(pool_line_time_ps=line_time, **wide)
        ends.append(wait_for(system, system.copy(0, [POOL * MEMORY], [0], 16 * LINE)))
    assert ends[1] - ends[0] == 15 * (9 - 4)  # the last line waits for 15 others


@pytest.mark.parametrize(("source", "waits_for"), [(POOL, "pool"), (1, "host")])
def test_only_links_to_and_from_a_pool_have_its_bandwidth(source: int, waits_for: str) -> None:
    def cycles(lines: int, *, pool: float, host: float) -> int:
        system = pooled(outstanding_lines=64, pool_bytes_per_cycle=pool, bytes_per_cycle=host)
        return wait_for(system, system.copy(0, [source * MEMORY], [0], lines * LINE))

    wide, narrow = 72.0, 2.0
    for pool, host in ((narrow, wide), (wide, wide)):
        slowest = {"pool": pool, "host": host}[waits_for]
        alone = cycles(1, pool=pool, host=host)
        assert cycles(5, pool=pool, host=host) == alone + int(4 * DATA / slowest)


def test_a_pool_has_no_cores_but_can_be_home() -> None:
    system = pooled()
    assert len(system.core_counts()) == HOSTS * 2
    system.place_homes([0], POOL)
    around = HIT + REQUEST + FOUR_MORE_STAGES + ACROSS + HOME + ACROSS
    assert system.probe(0, 0, False) == around + 2 * ACROSS + 10


def test_homes_go_to_and_from_a_pool_beside_as_many_cores_as_there_can_be() -> None:
    system = pooled(nodes=3, cores_per_node=32)
    for home in (0, POOL, 1, POOL):
        wait_for(system, system.transfer(home, [POOL * MEMORY], home))
        assert system.home_of(POOL * MEMORY) == home
    assert sum(n for name, n in taken(system).items() if "XferFin" in name) >= 3


def test_a_home_in_the_pool_gives_no_core_its_right_back() -> None:
    system = pooled(nodes=3, cores_per_node=32)
    wait_for(system, system.transfer(0, [0], POOL, fenced=0))
    for core in (0, 31):
        with pytest.raises(AccessFaultError):
            system.probe(core, 0, False)
    system.probe(32, 0, False)


def test_a_machine_of_a_pool_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="a pool leaves nodes with cores"):
        pooled(pool_nodes=3)
