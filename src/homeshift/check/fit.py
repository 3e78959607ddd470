# SPDX-License-Identifier: BSD-3-Clause
"""Whether a scenario fits the protocol: what it names is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from homeshift.check.scenario import Scenario
from homeshift.errors import InputError, near
from homeshift.slicc.model import Protocol, Type


def caches_of(protocol: Protocol) -> list[str]:
    """Return the caches that can be given a capacity, as "Machine.cache"."""
    return [
        f"{machine.name}.{parameter.name}"
        for machine in protocol.machines.values()
        for parameter in machine.parameters
        if parameter.type.name == "CacheMemory"
    ]


def check_fit(scenario: Scenario, protocol: Protocol, name: str) -> None:
    """Raise an InputError for what the scenario says of the protocol and is not so."""
    faults = [*_machines(scenario, protocol), *_messages(scenario, protocol)]
    if faults:
        raise InputError(name, faults)


def _unknown(where: str, what: str, names: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    known = list(known)
    return (f"{where}: no {what} '{n}'{near(n, known)}" for n in names if n not in known)


def _machines(scenario: Scenario, protocol: Protocol) -> Iterator[str]:
    known = protocol.machines
    for machine in known:
        if machine not in scenario.machines:
            yield f"machines.{machine}: is missing (one in each 'node', or 'single')"
    for machine in scenario.machines:
        if machine not in known:
            yield f"machines.{machine}: no such machine{near(machine, known)}"
    yield from _unknown("capacity", "cache", scenario.capacity, caches_of(protocol))
    parameters = [p.type for machine in known.values() for p in machine.parameters if p.pointer]
    yield from _unknown(
        "shared", "type of an object", scenario.shared, (t.name for t in parameters)
    )
    methods = {method.name for type_ in parameters for method in type_.methods}
    for s in scenario.stimulus:
        where = f"stimulus '{s.name}'"
        if s.machine in known:
            ports = [p.name for p in known[s.machine].in_ports]
            yield from _unknown(where, "in_port", [s.port], ports)
        yield from _unknown(where, "method that ends it", s.ends, sorted(methods))
        yield from _unknown(where, "method among those that end it", s.refuses, s.ends)


def _messages(scenario: Scenario, protocol: Protocol) -> Iterator[str]:
    """What is said of messages, and of other structures: `unread`."""
    types = {t.unique_name: t for t in protocol.types.values()}
    messages = {name: t for name, t in types.items() if t.is_message}
    own = [t for machine in protocol.machines.values() for t in machine.structures]
    types |= {t.unique_name: t for t in own}
    messages |= {t.unique_name: t for t in own if t.is_message}

    def fields(
        where: str, what: str, type_: str, of: dict[str, Type], names: Iterable[str]
    ) -> Iterator[str]:
        yield from _unknown(where, what, [type_], of)
        if type_ in of:
            yield from _unknown(where, f"field of {type_}", names, of[type_].fields)

    for s in scenario.stimulus:
        yield from fields(f"stimulus '{s.name}'", "message", s.message, messages, s.set)
    for unread in scenario.unread:
        yield from fields("unread", "structure", unread.structure, types, [unread.field])
    for new in scenario.new_value:
        yield from fields("new_value", "message", new.message, messages, [new.data])
    for one in scenario.at_once:
        yield from fields("at_once", "message", one.message, messages, ())
