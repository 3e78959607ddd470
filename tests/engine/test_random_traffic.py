# SPDX-License-Identifier: BSD-3-Clause
"""Random VMs on random machines, while homes move and lines are copied under them.

Every load is checked against the last store, every directory against the caches, and in the end the
protocol's transitions against those that were taken. Caches hold two to eight lines, and messages
are late by chance, so that they overtake each other as the protocol allows them to.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from typing import Any

import pytest
from calls import ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from machines import LINE, MEMORY, PAGE, small, stop, streams, wait_for

from homeshift._engine import System
from homeshift.slicc import load

PROTOCOL = ROOT / "src" / "protocol" / "MESI_HomeShift.slicc"
SCRATCH = 128 * PAGE  # offset in a node's memory; no VM uses what is above
RUNS = 120
ACCESSES = 10_000  # of a run, at least

Transition = tuple[str, str, str]
covered: Counter[Transition] = Counter()
accesses: list[int] = []  # of each random run
steered: list[int] = []  # seeds of the runs that seek the rare transitions


class Traffic:
    """A machine with a VM on it whose pages' homes move; what happens is added to `covered`."""

    def __init__(
        self, spec: dict[str, Any], pages: list[int], *, vcpus: int | None = None, **workload: Any
    ) -> None:
        self.system = System(spec)
        self.nodes: int = spec["nodes"]
        self.cores: int = spec["cores_per_node"]
        self.vcpus = vcpus or self.cores
        self.frames = [node * MEMORY + number * PAGE for number, node in enumerate(pages)]
        self.system.place_homes(self.frames, 0)
        memory = PAGE * len(pages)
        self.vm = self.system.add_vm(self.frames, streams(self.vcpus, vm_bytes=memory, **workload))
        self.at = 0
        self.jobs: dict[int, list[int]] = {}  # of each node's DMA, since its last cancel
        self.begun: list[int] = []  # since all were last waited for
        self.resume()

    def pause(self) -> None:
        stop(self.system, self.vm)

    def resume(self) -> None:
        first = self.at * self.cores
        self.system.start_vm(self.vm, range(first, first + self.vcpus))

    def frame(self, number: int) -> int:
        return self.frames[number % len(self.frames)]

    def begin(self, node: int, job: int) -> None:
        self.jobs.setdefault(node % self.nodes, []).append(job)
        self.begun.append(job)

    def finish(self) -> None:
        wait_for(self.system, *self.begun)
        self.begun.clear()

    def transfer(self, asking: int, pages: list[int], new_home: int) -> None:
        regions = [self.frame(page) for page in pages]
        job = self.system.transfer(asking % self.nodes, regions, new_home % self.nodes)
        self.begin(asking, job)

    def copy_out(self, node: int, page: int, to: int) -> None:
        """Copy a page, in use or not, to where nobody uses it."""
        target = (to % self.nodes) * MEMORY + SCRATCH + to % 3 * PAGE
        job = self.system.copy(node % self.nodes, [self.frame(page)], [target], PAGE)
        self.begin(node, job)

    def rewrite(self, node: int, page: int, new_home: int) -> None:
        """Copy a page of the paused VM onto itself while its home moves: the data is the same."""
        self.finish()
        self.pause()
        frame = self.frame(page)
        self.begin(node, self.system.copy(node % self.nodes, [frame], [frame], PAGE))
        self.transfer(node, [page], new_home)
        self.finish()
        self.resume()

    def cancel(self, asking: int) -> None:
        for job in self.jobs.pop(asking % self.nodes, []):
            self.system.cancel(job)

    def take_right(self, asking: int, pages: list[int], fenced: int) -> None:
        regions = [self.frame(page) for page in pages]
        job = self.system.fence(asking % self.nodes, regions, fenced % self.nodes)
        self.begin(asking, job)

    def hand_over(self, asking: int, pages: list[int], new_home: int, fenced: int) -> None:
        regions = [self.frame(page) for page in pages]
        new_home, fenced = new_home % self.nodes, fenced % self.nodes
        job = self.system.transfer(asking % self.nodes, regions, new_home, fenced=fenced)
        self.begin(asking, job)

    def move(self, node: int) -> None:
        self.pause()
        self.at = node % self.nodes
        self.resume()

    def look(self) -> None:
        self.finish()
        self.pause()
        self.system.audit()
        self.resume()

    def done(self) -> int:
        return sum(v["loads"] + v["stores"] for v in self.system.vcpu_counts(self.vm))

    def end(self) -> None:
        self.finish()
        self.pause()
        self.system.audit()
        for machine, _, state, event, count in self.system.transitions():
            covered[machine, state, event] += count


NODES = st.integers(0, 3)
PAGES = st.integers(0, 7)


@st.composite
def machines(draw: st.DrawFn) -> dict[str, Any]:
    topology = draw(st.sampled_from(["crossbar", "ring", "mesh", "fully-connected"]))
    jitter = draw(st.sampled_from([0, 3, 50]))
    return small(
        topology=topology,
        nodes=4 if topology == "mesh" else draw(st.integers(2, 4)),
        columns=2 if topology == "mesh" else 0,
        cores_per_node=draw(st.sampled_from([1, 2, 4])),
        max_outstanding=draw(st.sampled_from([1, 4, 8])),
        cache_bytes=draw(st.sampled_from([128, 256, 512])),
        slc_bytes=draw(st.sampled_from([128, 512, 4096])),
        link_latency=draw(st.sampled_from([1, 5, 40])),
        home_latency=draw(st.sampled_from([1, 2, 9])),
        memory_latency_ps=draw(st.sampled_from([1_000, 10_000, 60_000])),
        line_time_ps=4_000,
        bytes_per_cycle=draw(st.sampled_from([1.0, 8.0, 64.0])),
        router_latency=draw(st.sampled_from([1, 3])),
        outstanding_transfers=draw(st.sampled_from([1, 4, 16])),
        jitter=jitter,
        jitter_seed=draw(st.integers(0, 1 << 16)),
    )


TRANSFER = st.tuples(st.just("transfer"), NODES, st.lists(PAGES, min_size=1, max_size=5), NODES)
OTHERS = (
    st.tuples(st.just("copy_out"), NODES, PAGES, st.integers(0, 11)),
    st.tuples(st.just("rewrite"), NODES, PAGES, NODES),
    st.tuples(st.just("move"), NODES),
    st.tuples(st.just("cancel"), NODES),
    st.tuples(st.just("look")),
)
WAIT = st.sampled_from([1, 10, 100, 1000])
STEPS = st.lists(
    st.tuples(st.one_of(TRANSFER, TRANSFER, TRANSFER, *OTHERS), WAIT), min_size=1, max_size=80
)


@settings(max_examples=RUNS, suppress_health_check=list(HealthCheck))
@given(
    spec=machines(),
    pages=st.lists(st.integers(0, 1), min_size=1, max_size=8),
    kind=st.sampled_from(["uniform", "zipf", "stream"]),
    writes=st.sampled_from([0.1, 0.5, 0.9]),
    think=st.sampled_from([0, 20]),
    seed=st.integers(0, 1 << 16),
    steps=STEPS,
)
def test_data_and_directories_stay_right_while_homes_move(
    spec: dict[str, Any],
    pages: list[int],
    kind: str,
    writes: float,
    think: int,
    seed: int,
    steps: list[tuple[tuple[Any, ...], int]],
) -> None:
    traffic = Traffic(spec, pages, kind=kind, write_ratio=writes, think=think, seed=seed)
    for (name, *details), wait in steps:
        getattr(traffic, name)(*details)
        traffic.system.run(wait)
    for (name, *details), _ in itertools.cycle(steps):  # not piled up, until the VM has done enough
        traffic.finish()
        getattr(traffic, name)(*details)
        traffic.system.run(2000)
        if traffic.done() >= ACCESSES:
            break
    traffic.end()
    accesses.append(traffic.done())


@pytest.mark.parametrize("seed", range(24))
def test_data_stays_right_when_a_few_lines_fight_for_a_slice_of_two(seed: int) -> None:
    """Much sharing, and a region that never rests: for the rare transitions."""
    spec = small(
        nodes=3,
        cores_per_node=4,
        cache_bytes=128 << seed % 2,
        slc_bytes=128,
        jitter=50,
        jitter_seed=seed,
    )
    workload: dict[str, Any] = {"write_ratio": 0.1 + 0.2 * (seed % 3), "footprint": 0.2}
    traffic = Traffic(spec, [0], **workload, seed=seed)
    for step in range(300):
        traffic.transfer(step, [0], step)
        traffic.system.run(50 + step % 5 * 40)
        if step % 8 == 0:
            traffic.move(step // 8)
    traffic.end()
    steered.append(seed)


@pytest.mark.parametrize("seed", range(24))
def test_lines_that_a_dma_writes_while_they_are_used_leave_directories_right(seed: int) -> None:
    """A page is copied onto itself while it is written: data is lost, so it is not checked."""
    spec = small(
        check=False,
        nodes=3,
        cores_per_node=4,
        jitter=50,
        jitter_seed=seed,
        slc_bytes=128 << seed % 3,
        outstanding_lines=16,
    )
    traffic = Traffic(spec, [0, 1], write_ratio=0.1 + 0.4 * (seed % 2), seed=seed)
    for step in range(150):
        frame = traffic.frame(step)
        traffic.begin(step, traffic.system.copy(step % 3, [frame], [frame], PAGE))
        for later in range(4):
            traffic.transfer(step, [step], step + later)
            traffic.system.run(100)
        if step % 4 == 0:
            traffic.move(step // 4)
        if step % 5 == 0:
            traffic.take_right(step, [step], step // 5)
            traffic.system.run(step % 30)
    traffic.end()
    steered.append(seed)


@pytest.mark.parametrize("seed", range(6))
def test_commands_of_one_dma_for_one_line_wait_for_each_other(seed: int) -> None:
    spec = small(outstanding_lines=16, outstanding_transfers=4, jitter=50, jitter_seed=seed)
    traffic = Traffic(spec, [0, 1], write_ratio=0.5, seed=seed)
    one, two = SCRATCH, SCRATCH + MEMORY
    commands = ([one, one, two], [two, two, one], [two, one, one])
    system = traffic.system
    for step in range(200):
        sources, targets = commands[step % 3], commands[step // 3 % 3]
        traffic.begin(0, system.copy(0, sources, targets, LINE * (1 + step % 3)))
        traffic.begin(0, system.transfer(0, [one, two][:: 1 - step % 2 * 2], step % 2))
        if step % 3 == 0:
            traffic.begin(0, system.fence(0, [one, two], step % 2))
        system.run(20 + step % 7 * 10)
        if step % 4 == 0:
            traffic.cancel(0)
            traffic.begin(0, system.copy(0, sources, targets, LINE * (1 + step % 3)))
            system.run(step % 11 * 4)
    traffic.end()
    steered.append(seed)


@pytest.mark.parametrize("seed", range(200))
def test_data_stays_right_while_transfers_are_cancelled_and_rights_taken(seed: int) -> None:
    """Every node asks for the same two regions, takes back what it asked for, and takes rights.

    Two strangers on each node read and write the same lines, with and without a right.
    """
    spec = small(
        nodes=4,
        cores_per_node=4,
        cache_bytes=128 << seed % 2,
        slc_bytes=128 << seed % 3,
        jitter=(0, 20, 60)[seed % 3],
        jitter_seed=seed,
        outstanding_lines=16,
    )
    workload: dict[str, Any] = {
        "write_ratio": 0.1 + 0.2 * (seed % 4),
        "footprint": 0.1 + 0.3 * (seed % 2),
    }
    traffic = Traffic(spec, [0, 1], vcpus=2, **workload, seed=seed)
    system = traffic.system
    intruders = []
    for node in range(4):
        paths = streams(2, vm_bytes=2 * PAGE, **workload, seed=node)
        intruders.append(system.add_vm(traffic.frames, paths, intruder=True))
        system.start_vm(intruders[node], [4 * node + 2, 4 * node + 3])
    draw = random.Random(seed)
    for _ in range(250):
        node, page, other, fenced = (draw.randrange(4) for _ in range(4))
        match draw.randrange(7):
            case 0 | 1:
                traffic.transfer(node, [page, page + 1], other)
            case 2:
                traffic.hand_over(node, [page], other, fenced)
            case 3:
                traffic.take_right(node, [page], fenced)
            case 4:
                traffic.copy_out(node, page, other)
            case 5:
                for asking in range(4):
                    traffic.transfer(asking, [page], other + asking)
                    system.run(draw.randrange(20))
            case 6:
                traffic.move(node)
        system.run(draw.randrange(60))
        if draw.randrange(3):
            for asking in draw.sample(range(4), 2):
                traffic.cancel(asking)
                system.run(draw.randrange(40))
    for intruder in intruders:
        stop(system, intruder)
    faults = sum(v["faults"] for vm in intruders for v in system.vcpu_counts(vm))
    assert faults > 0
    traffic.end()
    steered.append(seed)


@pytest.mark.parametrize("answer", ["Data", "WriteAck", "Moved"])
def test_an_answer_to_a_dma_that_comes_late_misleads_no_table(answer: str) -> None:
    """Meanwhile the region has come to the DMA's node and gone: tables must not form a circle."""
    for seed in range(200):
        system = System(
            small(nodes=3, cores_per_node=1, link_latency=1, jitter=500, jitter_seed=seed)
        )
        scratch = 2 * MEMORY + SCRATCH
        if answer == "Moved":
            jobs = [system.transfer(2, [0], 1)]
        else:
            source, target = (0, scratch) if answer == "Data" else (scratch, 0)
            jobs = [system.copy(2, [source], [target], LINE)]
        system.run(300 if answer == "Moved" else 1)
        for home in (2, 1, 0):
            jobs.append(system.transfer(1, [0], home))
            system.run(300)
        wait_for(system, *jobs)
        for core in range(3):
            system.probe(core, core * LINE, True)
        system.audit()


STEERED = {
    test_data_stays_right_while_transfers_are_cancelled_and_rights_taken: 200,
    test_data_stays_right_when_a_few_lines_fight_for_a_slice_of_two: 24,
    test_lines_that_a_dma_writes_while_they_are_used_leave_directories_right: 24,
    test_commands_of_one_dma_for_one_line_wait_for_each_other: 6,
}


def test_a_million_accesses_are_checked() -> None:
    if not accesses:  # asked for alone
        test_data_and_directories_stay_right_while_homes_move()
    assert sum(accesses) >= 1_000_000


# The sequencer hands a line's request to the cache only when the one before is answered.
NEVER_ASKED_TWICE = {
    ("L1Cache", state, event)
    for state in ("IS_D", "IM_AD", "IM_A", "SM_AD", "SM_A")
    for event in ("Load", "Store")
}


def test_every_transition_of_the_protocol_is_taken() -> None:
    if len(steered) < sum(STEERED.values()):  # asked for alone
        for scenario, seeds in STEERED.items():
            for seed in range(seeds):
                scenario(seed)
    protocol = load(PROTOCOL)
    declared = {
        (machine.name, transition.state, transition.event)
        for machine in protocol.machines.values()
        for transition in machine.transitions
    }
    assert covered.keys() <= declared
    assert declared - covered.keys() == NEVER_ASKED_TWICE
