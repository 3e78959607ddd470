# SPDX-License-Identifier: BSD-3-Clause
"""Random machines, and random things that are done on them, for what must change nothing.

Their caches hold a part of what is used, so that hits and misses alternate. An act returns all that
can be read of the system each time it has done something.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from machines import MEMORY, PAGE, small, stop, stream, streams

from homeshift._engine import System

VM = 0
Act = Callable[[random.Random, System], list[Any]]


def everything(system: System) -> list[Any]:
    """Return all that can be read of a system but the number of its events."""
    return [
        system.now,
        system.vcpu_counts(VM),
        system.core_counts(),
        system.node_counts(),
        system.transitions(),
        system.link_counts(),
        system.between_nodes(),
    ]


def frame(system: System, page: int) -> int:
    """Return where a page of the VM lies."""
    return page % len(system.node_counts()) * MEMORY + page * PAGE


def machine(chance: random.Random, **changes: Any) -> System:
    """Return a random machine with a VM whose pages lie on all nodes and share lines or not."""
    spec = small(
        nodes=chance.choice([2, 3, 4]),
        cores_per_node=chance.choice([1, 2, 3]),
        cache_bytes=chance.choice([512, 2048, 8192]),
        cache_latency=chance.choice([1, 2, 8]),
        max_outstanding=chance.choice([1, 2, 8]),
        router_latency=chance.choice([1, 4]),
        local_latency=chance.choice([1, 6]),
        check=chance.random() < 0.5,
        **changes,
    )
    system = System(spec)
    vcpus = spec["cores_per_node"] * spec["nodes"]
    pages = 4 * vcpus
    frames = [frame(system, page) for page in range(pages)]
    workload = {
        "shared": chance.choice([0.0, 0.1, 1.0]),
        "write_ratio": chance.choice([0.0, 0.3, 0.5]),
        "think": chance.choice([0, 1, 13]),
        "footprint": chance.choice([0.5, 1.0]),
    }
    seed = chance.randrange(1000)
    system.add_vm(frames, streams(vcpus, vm_bytes=pages * PAGE, seed=seed, **workload))
    system.start_vm(VM, range(vcpus))
    return system


def runs(chance: random.Random, system: System) -> list[Any]:
    """Nothing but time: steps of all lengths."""
    seen = []
    for _ in range(40):
        system.run(chance.choice([1, 3, 50, 700]))
        seen.append(everything(system))
    return seen


def moves_homes(chance: random.Random, system: System) -> list[Any]:
    """Homes move and pages are copied; the dirty log is taken whenever something ends."""
    seen = []
    system.start_dirty_log(VM)
    for _ in range(6):
        system.run(chance.randrange(1, 200))
        job = system.transfer(0, [frame(system, chance.randrange(4))], chance.randrange(2))
        copy = system.copy(1, [0], [100 * PAGE], PAGE)
        while system.left(job) or system.left(copy):
            system.wait(system.now + 100_000)
            seen += [everything(system), system.take_dirty_log(VM)]
    return seen


def stops_and_starts(chance: random.Random, system: System) -> list[Any]:
    """The VM is stopped at any moment and goes on, also throttled."""
    seen = []
    cores = len(system.vcpu_counts(VM))
    for _ in range(12):
        system.run(chance.randrange(1, 100))
        stop(system, VM)
        seen.append(everything(system))
        system.start_vm(VM, range(cores))
        system.throttle(VM, 100, chance.choice([100, 30]))
    return seen


def samples(chance: random.Random, system: System) -> list[Any]:
    """Every n-th access is noted."""
    system.sample(VM, chance.choice([1, 3]))
    seen: list[Any] = []
    for _ in range(10):
        system.run(chance.randrange(1, 300))
        seen += [system.take_samples(VM), everything(system)]
    return seen


def waits_for_pages(chance: random.Random, system: System) -> list[Any]:
    """Pages are missing for a while, and the run stops at the first access to one."""
    seen: list[Any] = []
    for _ in range(6):
        page = chance.randrange(4)
        system.run(chance.randrange(1, 100))
        system.await_pages(VM, [page])
        system.wait(system.now + 500)
        seen += [everything(system), system.take_faults(VM)]
        system.map_pages(VM, [page], [frame(system, page)])
    return seen


def two_vms(chance: random.Random, system: System) -> list[Any]:
    """Another VM shares the links, on a core that a vCPU of the first one has left."""
    seen = []
    cores = len(system.vcpu_counts(VM))
    stop(system, VM)
    other = system.add_vm([200 * PAGE], [stream(vm_bytes=PAGE, seed=3)])
    system.start_vm(VM, [*range(1, cores), 0])
    stop(system, VM)
    system.start_vm(other, [0])
    for _ in range(10):
        system.run(chance.randrange(1, 200))
        system.begin_stop_vm(other)
        system.wait(system.now + 1000)
        seen += [everything(system), system.vcpu_counts(other)]
        system.start_vm(other, [0])
    return seen


ACTS: tuple[Act, ...] = (runs, moves_homes, stops_and_starts, samples, waits_for_pages, two_vms)
