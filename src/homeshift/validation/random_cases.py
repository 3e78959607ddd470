# SPDX-License-Identifier: BSD-3-Clause
"""Small pieces of work for both engines, drawn by chance.

    draw(7)  # the same Case each time

Machines of two to nine nodes, with latencies, bandwidths, caches and interconnects that nobody
would build; one to three VMs on them, which all move; migrations that are cancelled, and targets
that fail. A run takes gem5 some seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from random import Random

from homeshift.machine import machine_directory
from homeshift.units import LINE_BYTES, PAGE_BYTES, TICKS_PER_SECOND
from homeshift.validation.agreement import OWN_MACHINE, Case

_LATENCIES = [f"{part}.latency" for part in ("cache", "slc", "home", "memory")]
_LATENCIES += [f"network.{part}_latency" for part in ("router", "local", "link")]

_PRE_COPY: Mapping[str, Sequence[object]] = {
    "downtime-limit": ["1us", "10us", "100ns", "1ps"],
    "max-bandwidth": ["0B/s", "2.5GB/s", "20GB/s"],
    "auto-converge": ["on"],
    "throttle-trigger-threshold": [1, 10],
    "cpu-throttle-initial": [1, 50, 99],
    "cpu-throttle-slice": ["1us", "1234ps", "40us"],
}
_POST_COPY: Mapping[str, Sequence[object]] = {
    "prepaging": [0, 3, 100],
    "max-postcopy-bandwidth": ["2.5GB/s", "20GB/s"],
}
_KEEP_HELD: Mapping[str, Sequence[object]] = {"keep-held": ["on"]}
_PULL: Mapping[str, Sequence[object]] = {
    "period": ["1us", "7777ps"],
    "max-periods": [1, 4],
    "sample-every": [1, 2],
    "policy": ["majority", "sampled", "all"],
    "pages-per-period": [1, 256],
}
_STRATEGIES: Mapping[str, Mapping[str, Sequence[object]]] = {
    "stop-and-copy": _KEEP_HELD,
    "pre-copy": {**_PRE_COPY, "max-rounds": [1, 3]},
    "post-copy": {**_POST_COPY, **_KEEP_HELD},
    "hybrid": {**_POST_COPY, "precopy-rounds": [1, 3]},
    "ignore-shared": {**_PRE_COPY, "max-rounds": [2]},
    "static-homes": {},
    "static-homes+pull": _PULL,
    "ownership": {},
    "ownership+copy": {**_PRE_COPY, "max-rounds": [2]},
    "ownership+pull": _PULL,
}
_LENDING: Mapping[str, Mapping[str, Sequence[object]]] = {"borrow": {}, "return": {}}

_BOUNDS = ("max-rounds", "precopy-rounds", "period", "max-periods")
"""Always given: else a migration may take long."""

_THINK: Mapping[str, Sequence[object]] = {"write_ratio": [0, 0.1, 0.5, 1], "think": [0, 2, 50]}
_WORKLOADS: Mapping[str, Mapping[str, Sequence[object]]] = {
    "uniform": _THINK,
    "zipf": {**_THINK, "exponent": [0.01, 1, 10]},
    "stream": {**_THINK, "stride": ["1B", "64B", "100B", "4KiB"]},
    "pointer-chase": {"write_ratio": [0.5]},
    "phased": {**_THINK, "phase_accesses": [1, 300], "hot_ratio": [0, 0.5, 1]},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Vm:
    memory_bytes: int
    vcpus: int
    source: int
    workload: str
    borrow: dict[int, float]
    strategy: str
    targets: list[int]

    def options(self) -> list[str]:
        """As the first VM, by options."""
        options = ["--vm-memory", f"{self.memory_bytes}B", "--vcpus", str(self.vcpus)]
        options += ["--source", str(self.source), "--workload", self.workload]
        options += ["--strategy", self.strategy, "--target", ",".join(map(str, self.targets))]
        if self.borrow:
            options += ["--borrow", ",".join(f"{n}:{share}" for n, share in self.borrow.items())]
        return options

    def table(self, start_ps: int) -> str:
        """As another one, in a file for --more-vms."""
        borrow = ", ".join(f"{n} = {share}" for n, share in self.borrow.items())
        return f"""
[[vm]]
vm-memory = "{self.memory_bytes}B"
vcpus = {self.vcpus}
source = {self.source}
workload = "{self.workload}"
borrow = {{ {borrow} }}
strategy = "{self.strategy}"
{"" if self.strategy in _LENDING else f"target = {self.targets}"}
start = "{start_ps}ps"
"""


def draw(seed: int) -> Case:
    """Return the case of a seed."""
    random = Random(seed)
    period = random.choice([1000, 500, 400, 625, 1250, 250, 100])  # ps
    hosts = random.choice([2, 2, 3, 3, 4, 5, 6, 9])
    nodes = hosts + random.choice([0, 0, 0, 1, 2])  # the others are a pool
    cores = random.choice([1, 2, 2, 3, 4])
    number = random.randint(1, min(3, cores))
    region_bytes = random.choice([1, 1, 1, 2, 4]) * PAGE_BYTES
    first, *others = (
        _vm(random, hosts, nodes, cores // number, region_bytes) for _ in range(number)
    )
    topology = random.choice(["crossbar", "ring", "mesh", "fully-connected", "links", "links"])
    machine = _with_links(random, period, nodes) if topology == "links" else ""
    changes = _changes(random, period, hosts, nodes, cores, topology)
    options = [
        *("--machine", f"{OWN_MACHINE if machine else 'tiny'}:{changes}", *first.options()),
        *("--region", f"{region_bytes}B"),
        *("--warmup", f"{random.choice([0, 100, random.randint(1, 3000)]) * period}ps"),
        *("--window", f"{random.randint(1, 3000 * period)}ps"),
        *("--stage2-entry", random.choice(["8B", "8B", "0B", "64B"])),
        *("--seed", str(random.randrange(1000)), "--check"),
    ]
    if random.random() < 0.25:
        used = {node for vm in others for node in (vm.source, *vm.targets)}
        may_fail = first.strategy not in _LENDING and used.isdisjoint(first.targets)
        event = random.choice(["--cancel-at", "--fail-target-at"] if may_fail else ["--cancel-at"])
        options += [event, f"{random.randint(0, 10000 * period)}ps"]
    more_vms = "".join(vm.table(random.randrange(5000) * period) for vm in others)
    return Case(name=f"random-{seed}", options=tuple(options), more_vms=more_vms, machine=machine)


def _with_links(random: Random, period: int, nodes: int) -> str:
    """Return tiny.toml with links that lead everywhere, in no order that anybody would choose."""
    routers = nodes + random.choice([0, 0, 1, 3])
    order = random.sample(range(routers), routers)
    joined = {frozenset((order[n], random.choice(order[:n]))) for n in range(1, routers)}
    others = [pair for ends in combinations(order, 2) if (pair := frozenset(ends)) not in joined]
    pairs = [*joined, *random.sample(others, random.randint(0, min(routers, len(others))))]
    rows = []
    for pair in random.sample(pairs, len(pairs)):
        keys = [f"between = {random.sample(sorted(pair), 2)}"]
        if random.random() < 0.4:
            keys.append(f'latency = "{random.randint(1, 60) * period}ps"')
        if random.random() < 0.4:
            rate = _bytes_per_second(random.uniform(8, 100), period)
            keys.append(f'bandwidth = "{rate}"')
        if random.random() < 0.5:
            keys.append(f"weight = {random.randint(1, 4)}")
        rows.append(f"{{ {', '.join(keys)} }}")
    tiny = (machine_directory() / "tiny.toml").read_text(encoding="utf-8")
    network = f'topology = "links"\nlinks = [{", ".join(rows)}]'
    return re.sub("^topology = .*", network, tiny, flags=re.MULTILINE)


def _bytes_per_second(per_cycle: float, period: int) -> str:
    return f"{round(per_cycle * TICKS_PER_SECOND / period)}B/s"


def _changes(random: Random, period: int, hosts: int, nodes: int, cores: int, topology: str) -> str:
    """Return what to change in the machine tiny."""

    def bytes_per_second(per_cycle: float) -> str:
        return _bytes_per_second(per_cycle, period)

    longest = random.choice([1, 6, 6, 40])
    # gem5 keeps whole ps a byte, and the embedded engine refuses what that would change by much.
    memory_ps = [random.randint(20, 200), random.randint(1, 10), 62.5]
    values: dict[str, object] = {
        "clock": f"{TICKS_PER_SECOND // period}Hz",
        "nodes": nodes,
        "cores.per_node": cores,
        "cores.max_outstanding": random.choice([1, 1, 2, 4, 17, 64]),
        "network.topology": topology,
        **{name: f"{random.randint(1, longest) * period}ps" for name in _LATENCIES},
        "network.link_bandwidth": bytes_per_second(
            random.choice([16, 36, 80, random.uniform(8, 40), random.uniform(40, 500)])
        ),
        "memory.bandwidth": f"{round(1e12 / random.choice(memory_ps))}B/s",
        "memory.size": "4MiB",
        "migration.outstanding_lines": random.choice([1, 4, 32]),
        "migration.outstanding_transfers": random.choice([1, 4, 32]),
        "migration.cpu_state": random.choice(["64B", "1KiB", "5KiB"]),
    }
    if nodes > hosts:
        values["pool.nodes"] = nodes - hosts
        pool = {
            "latency": f"{random.randint(1, longest) * period}ps",
            "bandwidth": f"{round(1e12 / random.choice(memory_ps))}B/s",
            "link_bandwidth": bytes_per_second(random.uniform(8, 500)),
            "link_latency": f"{random.randint(1, longest) * period}ps",
        }
        for name in random.sample(sorted(pool), random.randint(0, len(pool))):
            values[f"pool.{name}"] = pool[name]
    if topology == "mesh":
        columns = [n for n in range(1, nodes + 1) if nodes % n == 0]
        values["network.columns"] = random.choice(columns)
    for cache in ("cache", "slc"):
        ways = random.choice([1, 2, 3, 8])
        values[f"{cache}.associativity"] = ways
        values[f"{cache}.size"] = f"{LINE_BYTES * ways * 2 ** random.randint(1, 6)}B"
    return ",".join(f"{name}={value}" for name, value in values.items())


def _vm(random: Random, hosts: int, nodes: int, cores: int, region_bytes: int) -> _Vm:
    source = random.randrange(hosts)
    targets: list[int] = []
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        here = targets[-1] if targets else source
        targets.append(random.choice([node for node in range(hosts) if node != here]))
    lenders = [node for node in range(nodes) if node != source]
    memory_bytes = random.choice([4, 8, 16]) * PAGE_BYTES
    regions = left = memory_bytes // region_bytes
    borrow: dict[int, float] = {}
    for node in random.sample(lenders, random.randint(0, min(3, len(lenders)))):
        if lent := min(left, random.randint(1, max(1, regions // 3))):
            borrow[node] = lent / regions
            left -= lent
    return _Vm(
        memory_bytes=memory_bytes,
        vcpus=random.randint(1, cores),
        source=source,
        workload=_with_parameters(random, _WORKLOADS, footprint=1, shared=0),
        borrow=borrow,
        strategy=_with_parameters(random, {**_STRATEGIES, **_LENDING} if borrow else _STRATEGIES),
        targets=targets,
    )


def _with_parameters(
    random: Random, kinds: Mapping[str, Mapping[str, Sequence[object]]], **values: object
) -> str:
    """Return one of them with some of its parameters, and with these: "zipf:think=2"."""
    kind = random.choice(list(kinds))
    for name, choices in kinds[kind].items():
        if name in _BOUNDS or random.random() < 0.5:
            values[name] = random.choice(choices)
    parameters = ",".join(f"{name}={value}" for name, value in values.items())
    return f"{kind}:{parameters}" if parameters else kind
