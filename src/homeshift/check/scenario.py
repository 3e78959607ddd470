# SPDX-License-Identifier: BSD-3-Clause
"""Read a scenario file: what a protocol is checked with, and what has to hold.

docs/checker.md describes the format. Conditions are C++ expressions; the checker is compiled with
them, so a fault in one is reported by the C++ compiler, with the line in which it stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from homeshift.errors import InputError, near
from homeshift.toml_file import read_toml

T = TypeVar("T")

MOST = 255  # of a stimulus, or of anything that is counted: as many as a machine has room for
NODES, LINES = 4, 3  # the largest machine that is checked


@dataclass(frozen=True, slots=True, kw_only=True)
class Stimulus:
    """A message that a machine is handed out of the blue, as by a migration engine.

    set: fields of the message, as C++ expressions of `node` (where it happens), `line` and `other`
        (a node) and `target` (a line), as far as `choose` lists them.
    when: condition under which it may happen.
    limit: how many may be under way at once, on all nodes together; `ends` names the methods of
        external objects that end one. Without `ends` it is over at once.
    refuses: those of `ends` that say that nothing was written.
    each: the same, for each node.
    reads, writes: it reads or writes memory past the caches, as a DMA does.
    """

    name: str
    machine: str
    port: str
    message: str
    choose: tuple[str, ...] = ()
    set: Mapping[str, str] = field(default_factory=dict)
    when: str = "true"
    limit: int = MOST
    each: int = MOST
    ends: tuple[str, ...] = ()
    refuses: tuple[str, ...] = ()
    reads: bool = False
    writes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """Something that holds in every state, in every quiet one, or of every step.

    before: "step" only: a number, computed before the step; `holds` may read it as `before`.
    """

    name: str
    holds: str
    when: str = "always"  # or "quiet", or "step"
    before: str = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """Something that has to happen in some state, lest a proof be empty.

    needs: stimuli that have to be allowed for it; "a|b" is a or b.
    nodes, lines: on smaller machines it cannot happen.
    reduced: a reduced search sees it too.
    """

    name: str
    reached: str
    needs: tuple[str, ...] = ()
    nodes: int = 1
    lines: int = 1
    reduced: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A field that nobody reads unless a condition holds of what it belongs to (`x`)."""

    structure: str
    field: str
    unless: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AtOnce:
    """Messages (`x`, on their way to machine `at`) that a reduced search takes as they are sent."""

    message: str
    when: str = "true"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewValue:
    """A message of a DMA to itself (`x`) that carries what it has read, to be written elsewhere."""

    message: str
    when: str
    data: str
    read_from: str
    written_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What a scenario file says.

    machines: machine -> "node" (one in each node) or "single" (one in all).
    shared: types of objects of which a node has one, whichever machines use it.
    capacity: "Machine.cache" -> number of lines that a cache has room for; all if it is not here.
    ordered: virtual networks on which messages between two machines keep their order.
    start: C++ statements that make the first state.
    helpers: C++ member functions for conditions.
    forget: C++ statements, run in each node after a step, that unset what nobody will read.
    limits: stimulus -> how many may be under way, where it is not asked for by option.
    limits_from_2_lines: the same, on machines of two lines or more.
    always_ends: messages have to be used up in whatever order they are taken, not just in some.
    full_nodes, full_lines: on a larger machine, the search is reduced if it is not asked otherwise.
    """

    protocol: str
    machines: Mapping[str, str]
    shared: tuple[str, ...] = ()
    capacity: Mapping[str, int] = field(default_factory=dict)
    ordered: tuple[int, ...] = ()
    start: str = ""
    helpers: str = ""
    forget: str = ""
    limits: Mapping[str, int] = field(default_factory=dict)
    limits_from_2_lines: Mapping[str, int] = field(default_factory=dict)
    always_ends: bool = False
    full_nodes: int = 8
    full_lines: int = 8
    stimulus: tuple[Stimulus, ...] = ()
    property: tuple[Property, ...] = ()
    cover: tuple[Cover, ...] = ()
    unread: tuple[Unread, ...] = ()
    new_value: tuple[NewValue, ...] = ()
    at_once: tuple[AtOnce, ...] = ()


TABLES = {
    "stimulus": Stimulus,
    "property": Property,
    "cover": Cover,
    "unread": Unread,
    "new_value": NewValue,
    "at_once": AtOnce,
}


def load_scenario(path: Path) -> Scenario:
    """Return the scenario in a file.

    Raises:
        InputError: it is not there, no TOML, or has faults; the faults are all listed.
    """
    subject = f"scenario '{path.name}'"
    faults: list[str] = []
    values: dict[str, Any] = {}
    for key, value in read_toml(path, subject).items():
        if key in TABLES:
            if not (isinstance(value, list) and all(isinstance(v, dict) for v in value)):
                faults.append(f"{key}: write [[{key}]] for each one")
                continue
            values[key] = tuple(
                _record(TABLES[key], table, f"{key}[{i}]", faults) for i, table in enumerate(value)
            )
        else:
            values[key] = value
    scenario = _record(Scenario, values, "", faults)
    if not faults:
        faults += _rules(scenario)
    if faults:
        raise InputError(subject, faults)
    return scenario


def _record(kind: type[T], table: Mapping[str, Any], where: str, faults: list[str]) -> T:
    """Make one record of a table; what is wrong is added to the faults."""
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    dot = f"{where}." if where else ""
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            faults.append(f"{dot}{key}: no such field{near(key, known)}")
            continue
        wanted = str(known[key].type)
        fits = (
            isinstance(value, list | tuple)
            if wanted.startswith("tuple")
            else isinstance(value, dict)
            if wanted.startswith("Mapping")
            else isinstance(value, bool)
            if wanted == "bool"
            else isinstance(value, int) and not isinstance(value, bool)
            if wanted == "int"
            else isinstance(value, str)
        )
        if not fits:
            faults.append(f"{dot}{key} = {value!r}: has to be {wanted}")
        values[key] = tuple(value) if isinstance(value, list) else value
    for name, one in known.items():
        required = one.default is MISSING and one.default_factory is MISSING
        if required and name not in table:
            faults.append(f"{dot}{name}: is missing")
            values[name] = ""
    return kind(**values)


def _rules(scenario: Scenario) -> list[str]:
    faults = [
        f"machines.{name} = {place!r}: has to be 'node' or 'single'"
        for name, place in scenario.machines.items()
        if place not in ("node", "single")
    ]
    names = [s.name for s in scenario.stimulus]
    for stimulus in scenario.stimulus:
        if stimulus.machine not in scenario.machines:
            faults.append(f"stimulus '{stimulus.name}': no machine '{stimulus.machine}'")
        faults += [
            f"stimulus '{stimulus.name}': chooses '{what}'; can be 'line', 'target' and 'node'"
            for what in stimulus.choose
            if what not in ("line", "target", "node")
        ]
    known = [*names, *BUILT_IN]
    for where, used in _uses(scenario):
        if used not in known:
            faults.append(f"{where}: no stimulus '{used}'{near(used, known)}")
    limits = [(f"limits.{name}", n) for name, n in scenario.limits.items()]
    limits += [(f"limits_from_2_lines.{n}", k) for n, k in scenario.limits_from_2_lines.items()]
    limits += [(f"stimulus '{s.name}': limit", s.limit) for s in scenario.stimulus]
    faults += [
        f"{where} = {number!r}: has to be a number from 0 to {MOST}"
        for where, number in limits
        if number not in range(MOST + 1)
    ]
    faults += [
        f"capacity.{cache} = {number!r}: has to be a number, at least 1"
        for cache, number in scenario.capacity.items()
        if type(number) is not int or number < 1
    ]
    faults += [
        f"property '{p.name}': when = {p.when!r} has to be 'always', 'quiet' or 'step'"
        for p in scenario.property
        if p.when not in ("always", "quiet", "step")
    ]
    faults += [
        f"property '{p.name}': before = {p.before!r} is for when = 'step' only"
        for p in scenario.property
        if p.when in ("always", "quiet") and p.before != "0"
    ]
    # Of a machine that no check can have, a cover would never be asked for.
    faults += [
        f"cover '{c.name}': {what} = {number}: has to be from 1 to {most}"
        for c in scenario.cover
        for what, number, most in (("nodes", c.nodes, NODES), ("lines", c.lines, LINES))
        if not 1 <= number <= most
    ]
    for kind in ("stimulus", "property", "cover"):
        counts = Counter(one.name for one in getattr(scenario, kind))
        faults += [f"{kind} '{name}': is there {n} times" for name, n in counts.items() if n > 1]
    return faults


# Stimuli of machines with a Sequencer or a DMASequencer.
BUILT_IN = ("load", "store", "evict", "dma_read", "dma_write")


def _uses(scenario: Scenario) -> Sequence[tuple[str, str]]:
    uses = [("limits", name) for name in (*scenario.limits, *scenario.limits_from_2_lines)]
    for cover in scenario.cover:
        for need in cover.needs:
            uses += [(f"cover '{cover.name}'", name) for name in need.split("|")]
    return uses
