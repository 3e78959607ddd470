# SPDX-License-Identifier: BSD-3-Clause
"""Machines for tests of the engine, and ways to look at what happened on them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from homeshift import interconnect
from homeshift._engine import System
from homeshift.engines.embedded import system_spec
from homeshift.machine import Machine, load_machine, topology
from homeshift.machine.topology import LinkSpec
from homeshift.workload import parse_workload

LINE = 64
PAGE = 4096
MEMORY = 1 << 20  # of a node
CONTROL, DATA = 8, 72  # bytes of a message without and with a line

Taken = Counter[str]


def small(**changes: Any) -> dict[str, Any]:
    """Return a machine of two nodes and two cores each, with tiny caches and round latencies."""
    spec: dict[str, Any] = {
        "clock_period_ps": 1000,
        "cores_per_node": 2,
        "max_outstanding": 4,
        "cache_bytes": 256,
        "cache_associativity": 2,
        "cache_latency": 1,
        "slc_bytes": 512,
        "slc_associativity": 2,
        "slc_latency": 3,
        "home_latency": 2,
        "memory_bytes": MEMORY,
        "memory_latency_ps": 10_000,
        "line_time_ps": 1,
        "pool_memory_latency_ps": 10_000,
        "pool_line_time_ps": 1,
        "nodes": 2,
        "pool_nodes": 0,
        "router_latency": 1,
        "local_latency": 1,
        "outstanding_lines": 4,
        "outstanding_transfers": 4,
        "region_bytes": PAGE,
        "check": True,
        "run_ahead": True,
        "jitter": 0,
        "jitter_seed": 0,
    }
    of_links: dict[str, Any] = {
        "topology": "crossbar",
        "columns": 0,
        "link_latency": 5,
        "pool_link_latency": 5,
        "bytes_per_cycle": 16.0,
        "pool_bytes_per_cycle": 16.0,
    }
    known = {*spec, *of_links, "links"}
    assert changes.keys() <= known, f"no such fields: {changes.keys() - known}"
    links = {name: changes.pop(name, value) for name, value in of_links.items()}
    spec.update(changes)
    return {"links": _links(spec, **links), **spec}


def _links(spec: dict[str, Any], **of_links: Any) -> list[LinkSpec]:
    nodes = spec["nodes"]
    pool = range(nodes - spec["pool_nodes"], nodes)
    found = []
    for source, target, weight in interconnect.links(
        of_links["topology"], nodes, of_links["columns"]
    ):
        of = "pool_" if source in pool or target in pool else ""
        latency, bandwidth = of_links[f"{of}link_latency"], of_links[f"{of}bytes_per_cycle"]
        found.append(LinkSpec(source, target, weight, latency, bandwidth))
    return found


def shipped(name: str, **changes: Any) -> tuple[Machine, System]:
    """Return a machine of configs/machines and a System of it, with some fields changed.

    Nodes have 1 MiB of memory: tables of homes are quick to make then, and nothing takes longer.
    """
    whole = load_machine(name)
    machine = replace(whole, memory=replace(whole.memory, size_bytes=MEMORY))
    spec = system_spec(machine, region_bytes=PAGE, check=True)
    of_links = {"link_latency": "latency", "bytes_per_cycle": "bytes_per_cycle"}
    of_all = {of_links[name]: changes.pop(name) for name in of_links.keys() & changes.keys()}
    if of_all:
        spec["links"] = [link._replace(**of_all) for link in topology.links(machine)]
    assert changes.keys() <= spec.keys()
    return machine, System({**spec, **changes})


def stream(**changes: Any) -> dict[str, Any]:
    """Return a stream that keeps one vCPU busy over one page."""
    workload = parse_workload("uniform:write_ratio=0.5,shared=1,footprint=1,think=0")
    [spec] = workload.streams(vcpus=1, vm_bytes=PAGE, seed=1)
    assert changes.keys() <= spec.keys()
    return {**spec, **changes}


def streams(vcpus: int, **changes: Any) -> list[dict[str, Any]]:
    """Return a stream for each vCPU of a VM; all of its memory is shared."""
    return [stream(vcpu=vcpu, vcpus=vcpus, **changes) for vcpu in range(vcpus)]


def taken(system: System) -> Taken:
    """Return how often each transition was taken since the statistics were reset, by its name."""
    counts: Taken = Counter()
    for machine, _, state, event, count in system.transitions():
        counts[f"{machine}.{state}.{event}"] += count
    return counts


def wait_for(system: System, *jobs: int) -> int:
    """Return the cycle at which jobs of migration engines are done."""
    while any(system.left(job) for job in jobs):
        system.wait(None)
    return system.now


def stop(system: System, vm: int) -> None:
    """Stop a VM; returns when its accesses under way are done."""
    system.begin_stop_vm(vm)
    while not system.drained(vm):
        system.wait(None)


def settle(system: System) -> None:
    """Let everything that is under way arrive, and check the directories."""
    system.audit()


def bytes_of(messages: dict[str, int]) -> int:
    """Return the bytes of messages counted by type."""
    return sum(n * (DATA if kind.endswith("Data") else CONTROL) for kind, n in messages.items())


def on_links(system: System) -> dict[tuple[int, int], dict[str, int]]:
    """Return the messages on each link that carried any, by its two routers."""
    return {
        (link["from"], link["to"]): link["messages"]
        for link in system.link_counts()
        if link["messages"]
    }
