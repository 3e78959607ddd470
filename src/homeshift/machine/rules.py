# SPDX-License-Identifier: BSD-3-Clause
"""What several fields of a machine must obey together.

A rule's parameters name attributes of its dataclass, `network__columns` one of a table in it, which
is None if there is no such table. The loader calls it if those are sound, whatever else is wrong
with the file, and writes what it returns at the key named by `at`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from homeshift.machine.fields import suggest
from homeshift.machine.model import (
    MOST_CORES,
    Cache,
    LinkPair,
    Machine,
    Memory,
    Network,
    Pool,
)
from homeshift.units import LINE_BYTES, size_text

Check = Callable[..., str | None]

BANDWIDTH_WITHIN = 0.05
MOST_TAGS = 2**32 - 1  # src/engine/structures.hh


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: the dataclass, the key that it speaks of, and the check."""

    model: type
    at: str
    check: Check

    @property
    def needs(self) -> tuple[str, ...]:
        """The attributes that the check takes, "network.columns"."""
        return tuple(name.replace("__", ".") for name in inspect.signature(self.check).parameters)


RULES: list[Rule] = []


def rule(model: type, *, at: str) -> Callable[[Check], Check]:
    """Register a check, which returns a sentence about a fault or None."""

    def register(check: Check) -> Check:
        RULES.append(Rule(model=model, at=at, check=check))
        return check

    return register


@rule(Cache, at="size")
def power_of_two_sets(size_bytes: int, associativity: int) -> str | None:
    """A set is found by the low bits of the line's number; gem5 takes no single set."""
    way_bytes = LINE_BYTES * associativity  # one set
    sets, rest = divmod(size_bytes, way_bytes)
    if rest == 0 and sets.bit_count() == 1 and sets > 1:
        return None
    below = way_bytes << (sets.bit_length() - 1) if sets else 0
    above = 2 * (below or way_bytes)
    sentence = f"not a power of two of sets of {associativity} lines of {LINE_BYTES} B"
    if sets == 1 and rest == 0:
        sentence = "a single set, which gem5 does not take"
    return sentence + suggest(below, above, size_text, least=2 * way_bytes)


@rule(Machine, at="cache.size")
def enough_sets(
    nodes: int, memory__size_bytes: int, cache__size_bytes: int, cache__associativity: int
) -> str | None:
    """Lines of a set are told apart by tags of 32 bits, two of which mean something else."""
    set_bytes, memory_bytes = LINE_BYTES * cache__associativity, nodes * memory__size_bytes
    sets = cache__size_bytes // set_bytes
    least = 1 << (memory_bytes // (LINE_BYTES * MOST_TAGS)).bit_length()
    if sets >= least or sets <= 1:  # a single set is a fault of its own
        return None
    return (
        f"{sets} sets cannot tell the lines of the nodes' {size_text(memory_bytes)} apart "
        f'(try "{size_text(least * set_bytes)}")'
    )


@rule(Machine, at="slc.size")
def enough_sets_of_a_slice(
    nodes: int, memory__size_bytes: int, slc__size_bytes: int, slc__associativity: int
) -> str | None:
    """As for a cache."""
    return enough_sets(nodes, memory__size_bytes, slc__size_bytes, slc__associativity)


@rule(Memory, at="bandwidth")
@rule(Pool, at="bandwidth")
def near_a_whole_time_a_byte(bandwidth_bytes_per_second: float | None) -> str | None:
    """As in gem5, a byte takes a whole number of ps, which shows where these are few."""
    if bandwidth_bytes_per_second is None:  # the pool's is that of other nodes
        return None
    byte_ps = 1e12 / bandwidth_bytes_per_second
    if abs(max(1, round(byte_ps)) / byte_ps - 1) <= BANDWIDTH_WITHIN:
        return None
    slower, faster = int(byte_ps) + 1, int(byte_ps)
    sentence = "memory takes a whole number of ps a byte, as in gem5"
    return sentence + suggest(faster, slower, lambda ps: f"{1e3 / ps:.4g}GB/s", least=1)


@rule(Network, at="columns")
def only_a_mesh_has_columns(topology: str, columns: int | None) -> str | None:
    """A mesh has a row length, and nothing else has."""
    if topology == "mesh" and columns is None:
        return "missing: a mesh needs it"
    if topology != "mesh" and columns is not None:
        return "only a mesh has columns; remove it"
    return None


@rule(Network, at="links")
def links_are_listed_for_one_topology(
    topology: str, links: Sequence[LinkPair] | None
) -> str | None:
    """Other topologies have the links that they have."""
    if topology == "links" and links is None:
        return 'missing: topology = "links" needs them, as in [[network.links]]'
    if topology != "links" and links is not None:
        return 'only topology = "links" has them; remove them'
    return None


@rule(Machine, at="network.links")
def links_lead_everywhere(nodes: int, network__links: Sequence[LinkPair] | None) -> str | None:
    """From every router to every other, and at most one from one to another."""
    if network__links is None:
        return None
    neighbours: dict[int, set[int]] = {router: set() for router in range(nodes)}
    for one, other in (pair.between for pair in network__links):
        if other in neighbours.setdefault(one, set()):
            return f"two links between {min(one, other)} and {max(one, other)}"
        neighbours[one].add(other)
        neighbours.setdefault(other, set()).add(one)
    reached, new = {0}, {0}
    while new:
        new = set().union(*(neighbours[router] for router in new)) - reached
        reached |= new
    missed = set(range(1 + max(neighbours))) - reached
    return f"no way from router 0 to router {min(missed)}" if missed else None


@rule(Machine, at="network.links")
def countable_links(clock_period_ps: int, network__links: Sequence[LinkPair] | None) -> str | None:
    """As for all links."""
    for pair in network__links or ():
        given = pair.bandwidth_bytes_per_second
        if given is not None and (fault := _countable(given, clock_period_ps)):
            return f"bandwidth between {pair.between[0]} and {pair.between[1]} {fault}"
    return None


@rule(Machine, at="network.columns")
def full_rows(nodes: int, network__topology: str, network__columns: int | None) -> str | None:
    """A mesh is a full rectangle."""
    if network__topology != "mesh" or not network__columns or nodes % network__columns == 0:
        return None
    return f"does not divide the {nodes} nodes"


@rule(Machine, at="network.link_bandwidth")
def from_a_thousandth_to_a_million_bytes_a_cycle(
    clock_period_ps: int, network__link_bandwidth_bytes_per_second: float
) -> str | None:
    """A fault of a link is one of all."""
    return _countable(network__link_bandwidth_bytes_per_second, clock_period_ps)


@rule(Machine, at="pool.link_bandwidth")
def countable_pool_links(
    clock_period_ps: int, pool__link_bandwidth_bytes_per_second: float | None
) -> str | None:
    """As for the other links."""
    given = pool__link_bandwidth_bytes_per_second
    return None if given is None else _countable(given, clock_period_ps)


@rule(Machine, at="pool.nodes")
def two_hosts(nodes: int, pool__nodes: int | None) -> str | None:
    """A VM moves from one node to another."""
    hosts = nodes - (pool__nodes or 0)
    if hosts >= 2:
        return None
    return f"leaves {max(0, hosts)} of {nodes} nodes with cores; a VM needs two to move between"


@rule(Machine, at="cores.per_node")
def few_enough_cores(nodes: int, cores__per_node: int, pool__nodes: int | None) -> str | None:
    """The sharers of a line are one word of bits."""
    hosts = nodes - (pool__nodes or 0)
    total = hosts * cores__per_node
    if total <= MOST_CORES:
        return None
    return f"{hosts} nodes make {total} cores, more than the {MOST_CORES} that a directory tracks"


def _countable(bytes_per_second: float, clock_period_ps: int) -> str | None:
    """What both engines can count."""
    bytes_per_cycle = bytes_per_second * clock_period_ps / 1e12
    if not 0.001 <= bytes_per_cycle <= 1e6:
        return f"is {bytes_per_cycle:g} B a cycle, and links carry from 0.001 to 1e6 B a cycle"
    thousandths = bytes_per_cycle * 1000  # gem5's MESSAGE_SIZE_MULTIPLIER
    if abs(round(thousandths) / thousandths - 1) <= BANDWIDTH_WITHIN:
        return None
    sentence = f"is {bytes_per_cycle:g} B a cycle, and links carry whole thousandths, as in gem5"
    less = int(thousandths)
    return sentence + suggest(
        less, less + 1, lambda n: f"{n * 1000 / clock_period_ps:.4g}MB/s", least=1
    )
