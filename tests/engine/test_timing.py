# SPDX-License-Identifier: BSD-3-Clause
"""One miss of each kind takes the cycles that the machine file predicts by hand.

Each prediction is a visible sum: latencies of the file, hops, and the fixed stages of one cycle.
"""

from __future__ import annotations

import re

import pytest
from calls import ROOT
from machines import DATA, LINE, PAGE, shipped, small, wait_for

from homeshift._engine import System
from homeshift.machine import Machine

# Stages of one cycle, beside what the file says.
REQUEST = 1  # the cache sends its request
TO_DRAM = 1  # the memory hands it to the DRAM
DRAM_ANSWER = 1  # the DRAM's answer gets back to the memory
MEMORY_ANSWER = 1  # the memory sends it
PASSED_ON = 1  # the home passes memory's data on
OWNER_ANSWER = 1  # a cache answers a forward

COMMAND = 1  # a migration engine's, on its way to the DMA

MACHINES = ("tiny", "quad", "octo")
PAGE_ON_THE_MODEL = ROOT / "docs" / "model.md"


class Bench:
    """A machine, its file's numbers in cycles, and lines on it that nobody has touched."""

    def __init__(self, name: str, **changes: float) -> None:
        self.machine: Machine
        self.system: System
        self.machine, self.system = shipped(name, **changes)
        self.hit = self.machine.cache.latency_cycles
        self.home = self.machine.home.latency_cycles
        self.slice = self.machine.slc.latency_cycles
        self.dram = self.machine.memory.latency_cycles
        network = self.machine.network
        bytes_per_cycle = (
            network.link_bandwidth_bytes_per_second * self.machine.clock_period_ps / 1e12
        )
        self.data_cycles = int(DATA / bytes_per_cycle)  # before the next message can start
        self._pages = 0

    def links(self, a: int, b: int) -> int:
        """Links between two nodes: to the hub and on, or along the row and the column."""
        network = self.machine.network
        if network.topology == "crossbar":
            return 2 if a != b else 0
        assert network.columns is not None
        (row, column), (other_row, other_column) = (divmod(n, network.columns) for n in (a, b))
        return abs(row - other_row) + abs(column - other_column)

    def hop(self, a: int, b: int) -> int:
        """Cycles from a controller's output to a controller's input on idle links."""
        network = self.machine.network
        return (
            self.links(a, b) * (network.router_latency_cycles + network.link_latency_cycles)
            + network.router_latency_cycles
            + network.local_latency_cycles
        )

    def first_link(self, a: int, b: int) -> tuple[int, int] | None:
        """The direction in which a message leaves a node, along the row first."""
        if a == b:
            return None
        columns = self.machine.network.columns
        if columns is None:
            return 0, 0  # to the hub
        (row, column), (to_row, to_column) = divmod(a, columns), divmod(b, columns)
        if column != to_column:
            return 0, 1 if to_column > column else -1
        return 1 if to_row > row else -1, 0

    def line(self, *, home: int, memory: int) -> int:
        """Return an untouched line in a node's memory, homed at a node."""
        self._pages += 1
        address = memory * self.machine.memory.size_bytes + self._pages * 4096
        self.system.place_homes([address], home)
        return address

    def core(self, node: int, number: int = 0) -> int:
        return node * self.machine.cores.per_node + number

    def load(self, node: int, line: int, core: int = 0) -> int:
        return self.system.probe(self.core(node, core), line, False)

    def copy(self, source: int, target: int) -> int:
        """Return the cycles that the source's DMA takes for an untouched line."""
        lines = [self.line(home=node, memory=node) for node in (source, target)]
        begin = self.system.now
        return wait_for(self.system, self.system.copy(source, lines[:1], lines[1:], LINE)) - begin

    def store(self, node: int, line: int, core: int = 0) -> int:
        return self.system.probe(self.core(node, core), line, True)

    def evict(self, node: int, line: int) -> None:
        """Load other lines of the line's set until it has to leave the cache of a node's core 0."""
        cache = self.machine.cache
        memory = line // self.machine.memory.size_bytes
        for number in range(1, cache.associativity + 1):
            other = line + number * cache.sets * LINE
            assert other // self.machine.memory.size_bytes == memory
            self.load(node, other)

    def nanoseconds(self, cycles: int) -> float:
        return cycles * self.machine.clock_period_ps / 1000


def memory_miss(b: Bench, r: int, h: int, m: int) -> int:
    """Requestor r, home h, memory m."""
    return (
        b.hit
        + REQUEST
        + b.hop(r, h)
        + b.home
        + b.hop(h, m)
        + TO_DRAM
        + b.dram
        + DRAM_ANSWER
        + MEMORY_ANSWER
        + b.hop(m, h)
        + PASSED_ON
        + b.hop(h, r)
    )


PLACES = [
    pytest.param(0, 0, 0, id="local"),
    pytest.param(0, 0, 1, id="remote-memory"),
    pytest.param(0, 1, 0, id="remote-home"),
    pytest.param(0, 1, 1, id="remote-home-and-memory"),
    pytest.param(1, 0, 0, id="other-way-round"),
]


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize(("r", "h", "m"), PLACES)
@pytest.mark.parametrize("write", [False, True], ids=["load", "store"])
def test_a_miss_in_memory_takes_the_sum_of_its_parts(
    name: str, r: int, h: int, m: int, *, write: bool
) -> None:
    b = Bench(name)
    line = b.line(home=h, memory=m)
    assert b.system.probe(b.core(r), line, write) == memory_miss(b, r, h, m)


@pytest.mark.parametrize("name", ["quad", "octo"])
def test_home_and_memory_on_two_other_nodes_add_their_ways(name: str) -> None:
    b = Bench(name)
    assert b.load(0, b.line(home=1, memory=3)) == memory_miss(b, 0, 1, 3)
    assert memory_miss(b, 0, 1, 3) > memory_miss(b, 0, 1, 1) > memory_miss(b, 0, 0, 0)


@pytest.mark.parametrize("name", MACHINES)
def test_a_copied_line_takes_two_commands_a_read_and_a_write(name: str) -> None:
    b = Bench(name)
    read = memory_miss(b, 0, 0, 0) - b.hit
    write = memory_miss(b, 0, 1, 1) - b.hit
    assert b.copy(0, 1) == COMMAND + read + COMMAND + write


def test_the_page_on_the_model_has_the_times_of_quad() -> None:
    b = Bench("quad")
    line = b.line(home=0, memory=0)
    local = b.load(0, line)
    measured = {
        "hit": b.load(0, line),
        "home and memory here": local,
        "home here, memory elsewhere": b.load(0, b.line(home=0, memory=1)),
        "home and memory in one other node": b.load(0, b.line(home=1, memory=1)),
        "home elsewhere, memory here: the data comes by way of the home": b.load(
            0, b.line(home=1, memory=0)
        ),
        "copy of a line from here to home and memory in one other node": b.copy(0, 1),
    }
    page = PAGE_ON_THE_MODEL.read_text(encoding="utf-8")
    [table] = re.findall(r"^\| load of core 0 .*\n\|.*\n((?:\|.*\n)+)", page, flags=re.MULTILINE)
    rows = [f"| {what} | {n} | {b.nanoseconds(n):g} |\n" for what, n in measured.items()]
    assert table == "".join(rows)


@pytest.mark.parametrize("bytes_per_cycle", [16.0, 4.0, 0.05])
def test_a_remote_miss_takes_as_long_whatever_the_bandwidth_of_idle_links(
    bytes_per_cycle: float,
) -> None:
    b = Bench("quad", bytes_per_cycle=bytes_per_cycle)
    assert b.nanoseconds(b.load(0, b.line(home=1, memory=1))) == 218.0


def test_quad_takes_100_ns_locally_and_218_ns_with_memory_or_home_elsewhere() -> None:
    b = Bench("quad")
    assert b.nanoseconds(b.load(0, b.line(home=0, memory=0))) == 100.0
    assert b.nanoseconds(b.load(0, b.line(home=0, memory=1))) == 218.0
    assert b.nanoseconds(b.load(0, b.line(home=1, memory=1))) == 218.0


def test_octo_takes_100_ns_locally_and_59_ns_more_for_each_link() -> None:
    b = Bench("octo")  # rows of four: node 1 is one link away, 2 and 5 are two, 7 is four
    times = {m: b.nanoseconds(b.load(0, b.line(home=0, memory=m))) for m in (0, 1, 2, 5, 7)}
    assert times == {0: 100.0, 1: 159.0, 2: 218.0, 5: 218.0, 7: 336.0}


def test_tiny_takes_26_ns_locally_and_50_ns_with_memory_elsewhere() -> None:
    b = Bench("tiny")
    assert b.nanoseconds(b.load(0, b.line(home=0, memory=0))) == 26.0
    assert b.nanoseconds(b.load(0, b.line(home=0, memory=1))) == 50.0


@pytest.mark.parametrize("name", MACHINES)
def test_a_private_hit_takes_the_cache_latency(name: str) -> None:
    b = Bench(name)
    line = b.line(home=1, memory=1)
    b.load(0, line)
    assert b.load(0, line) == b.hit  # E
    assert b.store(0, line) == b.hit  # E to M, without a message
    assert b.load(0, line + LINE - 1) == b.hit  # M, another byte of the line
    assert b.store(0, line) == b.hit


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("home", [0, 1], ids=["local", "remote"])
@pytest.mark.parametrize("write", [False, True], ids=["load", "store"])
def test_a_slice_hit_reads_the_slice_instead_of_directory_and_memory(
    name: str, home: int, *, write: bool
) -> None:
    b = Bench(name)
    line = b.line(home=home, memory=1)
    b.load(0, line)  # fills the slice
    b.evict(0, line)
    expected = b.hit + REQUEST + b.hop(0, home) + b.slice + b.hop(home, 0)
    assert b.system.probe(b.core(0), line, write) == expected
    assert b.system.node_counts()[home]["slc_hits"] == 1


@pytest.mark.parametrize("name", MACHINES)
def test_a_slice_hit_for_a_third_sharer_takes_as_long(name: str) -> None:
    b = Bench(name)
    line = b.line(home=1, memory=1)
    b.load(0, line)
    b.load(0, line, core=1)  # the owner shares
    expected = b.hit + REQUEST + b.hop(1, 1) + b.slice + b.hop(1, 1)
    assert b.load(1, line) == expected


THIRD = [
    pytest.param("tiny", 0, 1, 1, id="tiny-owner-at-the-home"),
    pytest.param("tiny", 1, 1, 0, id="tiny-requestor-at-the-home"),
    pytest.param("quad", 0, 1, 2, id="quad-three-nodes"),
    pytest.param("octo", 0, 1, 2, id="octo-three-nodes-in-a-row"),
    pytest.param("octo", 0, 3, 4, id="octo-three-corners"),
]


@pytest.mark.parametrize(("name", "r", "h", "o"), THIRD)
@pytest.mark.parametrize("write", [False, True], ids=["GetS", "GetM"])
@pytest.mark.parametrize("owned", ["E", "M"])
def test_three_hops_go_to_home_owner_and_requestor(
    name: str, r: int, h: int, o: int, owned: str, *, write: bool
) -> None:
    b = Bench(name)
    line = b.line(home=h, memory=h)
    (b.store if owned == "M" else b.load)(o, line)
    expected = b.hit + REQUEST + b.hop(r, h) + b.home + b.hop(h, o) + OWNER_ANSWER + b.hop(o, r)
    if owned == "M" and not write and o != r and b.first_link(o, h) == b.first_link(o, r):
        expected += b.data_cycles  # the write-back is on a higher virtual network, and goes first
    assert b.system.probe(b.core(r, 1), line, write) == expected


@pytest.mark.parametrize(("name", "r", "h", "o"), THIRD)
def test_an_upgrade_waits_for_the_home_or_for_the_other_sharer(
    name: str, r: int, h: int, o: int
) -> None:
    b = Bench(name)
    line = b.line(home=h, memory=h)
    b.load(o, line)
    b.load(r, line, core=1)
    granted = b.hop(h, r)
    invalidated = b.hop(h, o) + OWNER_ANSWER + b.hop(o, r)
    expected = b.hit + REQUEST + b.hop(r, h) + b.home + max(granted, invalidated)
    assert b.store(r, line, core=1) == expected
    assert b.store(r, line, core=1) == b.hit


def test_an_upgrade_waits_for_the_other_sharers_of_its_node() -> None:
    b = Bench("quad")
    line = b.line(home=0, memory=0)
    for core in range(3):
        b.load(0, line, core=core)
    expected = b.hit + REQUEST + b.hop(0, 0) + b.home + b.hop(0, 0) + OWNER_ANSWER + b.hop(0, 0)
    assert b.store(0, line) == expected


@pytest.mark.parametrize("name", MACHINES)
def test_an_upgrade_of_the_only_sharer_waits_for_the_home_alone(name: str) -> None:
    b = Bench(name)
    line = b.line(home=1, memory=1)
    b.load(0, line)
    b.load(1, line)
    b.evict(0, line)
    expected = b.hit + REQUEST + b.hop(1, 1) + b.home + b.hop(1, 1)
    assert b.store(1, line) == expected


@pytest.mark.parametrize("name", ["quad", "octo"])
def test_a_write_miss_to_shared_data_waits_for_slice_and_sharers_at_once(name: str) -> None:
    b = Bench(name)
    line = b.line(home=0, memory=0)
    b.load(1, line)
    b.load(2, line)
    data = b.slice + b.hop(0, 3)
    # Data and invalidations leave at once, and data is on the higher virtual network.
    assert b.slice == b.home
    leaves = b.home + b.data_cycles
    acks = [leaves + b.hop(0, o) + OWNER_ANSWER + b.hop(o, 3) for o in (1, 2)]
    expected = b.hit + REQUEST + b.hop(3, 0) + max(data, *acks)
    assert b.store(3, line) == expected


@pytest.mark.parametrize(
    ("field", "times"),
    [
        ("cache_latency", 1),
        ("home_latency", 1),
        ("slc_latency", 0),
        ("router_latency", 8),
        ("local_latency", 4),
        ("link_latency", 4),
    ],
)
def test_a_slower_part_makes_a_remote_miss_slower_as_often_as_it_is_passed(
    field: str, times: int
) -> None:
    """Home and frame on node 1: 2 hops of 3 routers and 2 links, 2 hops of a router."""
    usual, slower = Bench("quad"), Bench("quad", **{field: 100})
    before = {
        "cache_latency": usual.hit,
        "home_latency": usual.home,
        "slc_latency": usual.slice,
        "router_latency": usual.machine.network.router_latency_cycles,
        "local_latency": usual.machine.network.local_latency_cycles,
        "link_latency": usual.machine.network.link_latency_cycles,
    }[field]
    misses = [b.load(0, b.line(home=1, memory=1)) for b in (usual, slower)]
    assert misses[1] - misses[0] == times * (100 - before)


# The event queue keeps the next 4,096 cycles in one way, and what is later in another.
@pytest.mark.parametrize("cycles", [4094, 4095, 4096, 4097, 8191, 8192])
def test_a_slow_memory_is_waited_for_to_the_cycle(cycles: int) -> None:
    ten, slow = small(memory_latency_ps=10_000), small(memory_latency_ps=cycles * 1000)
    assert System(slow).probe(0, 0, False) == System(ten).probe(0, 0, False) + cycles - 10
    at_once, in_steps = System(slow), System(slow)
    end = wait_for(at_once, at_once.copy(0, [0], [PAGE], LINE))
    job = in_steps.copy(0, [0], [PAGE], LINE)
    while in_steps.left(job):
        in_steps.run(1)
    assert in_steps.now == end


@pytest.mark.parametrize("name", ["quad", "octo"])
@pytest.mark.parametrize("memory", [0, 1], ids=["local", "remote"])
def test_a_region_departs_later_by_a_write_for_each_line_that_the_slice_holds_dirty(
    name: str, memory: int
) -> None:
    def departs(dirty: int) -> int:
        b = Bench(name)
        base = b.line(home=0, memory=memory)
        for line in range(base, base + dirty * LINE, LINE):
            b.store(0, line)
            b.evict(0, line)
        begin = b.system.now
        return wait_for(b.system, b.system.transfer(0, [base], 1)) - begin

    b = Bench(name)
    answer = TO_DRAM + b.dram + DRAM_ANSWER + MEMORY_ANSWER
    write = b.home + b.hop(0, memory) + answer + b.hop(memory, 0)
    assert [departs(dirty) - departs(0) for dirty in (1, 2, 5)] == [write, 2 * write, 5 * write]
    page = PAGE_ON_THE_MODEL.read_text(encoding="utf-8")
    if name == "quad":
        assert f"{write} cycles on" in page or f"{write} ({b.nanoseconds(write):g} ns)" in page
