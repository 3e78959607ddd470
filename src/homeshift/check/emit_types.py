# SPDX-License-Identifier: BSD-3-Clause
"""Writes what a protocol's types are called and how many machines there are."""

from __future__ import annotations

from collections.abc import Iterator

from homeshift.check.plan import REQUESTS, Plan


def tables(plan: Plan) -> Iterator[str]:
    """Yield which machines there are, and counters of their transitions."""
    per_node = [m.name for m in plan.machines if plan.scenario.machines[m.name] == "node"]
    yield "constexpr bool is_per_node(MachineType type) {"
    tests = " || ".join(f"type == MachineType_{name}" for name in per_node) or "false"
    yield f"    return {tests};"
    yield "}"
    asking = [
        m.name
        for m in plan.machines
        if any(map(m.in_port_for, REQUESTS))
        or any(s.machine == m.name for s in plan.scenario.stimulus)
    ]
    yield "constexpr bool asks(MachineType type) {"
    yield f"    return {' || '.join(f'type == MachineType_{n}' for n in asking) or 'false'};"
    yield "}"
    yield "inline unsigned machines_of(MachineType type) {"
    yield "    switch (type) {"
    for machine in plan.machines:
        count = plan.nodes if machine.name in per_node else 1
        yield f"      case MachineType_{machine.name}: return {count};"
    yield "      default: return 0;"
    yield "    }"
    yield "}"
    for machine in plan.machines:
        size = len(machine.states) * len(machine.events)
        yield f"inline std::uint64_t k{machine.name}Taken[{size}];"
    entries = ", ".join(
        f"std::pair{{MachineType_{m.name}, static_cast<std::uint64_t *>(k{m.name}Taken)}}"
        for m in plan.machines
    )
    yield f"inline const std::array kTransitionTables = {{{entries}}};"
    yield "inline const MachineInfo &info_of(MachineType type) {"
    yield "    switch (type) {"
    for machine in plan.machines:
        yield f"      case MachineType_{machine.name}:"
        yield f"        return {machine.name}_Controller::machine_info;"
    yield '      default: throw std::logic_error("no such machine");'
    yield "    }"
    yield "}"


def names(plan: Plan) -> Iterator[str]:
    """Yield the names of values of enumerations, and of messages."""
    types = list(plan.protocol.types.values())
    for machine in plan.machines:
        types += [machine.state_type, machine.event_type, *machine.structures]
    for type_ in types:
        if type_.kind == "enumeration" and (not type_.external):
            yield f"inline std::string name_of({type_.unique_name} value) {{"
            names = ", ".join(f'"{item}"' for item in type_.items)
            yield f"    static const char *const names[] = {{{names}}};"
            yield f'    return value < {len(type_.items)} ? names[value] : "?";'
            yield "}"
    yield "inline std::string name_of(RubyRequestType value) {"
    yield '    return value == RubyRequestType_ST ? "store" : "load";'
    yield "}"
    yield "inline std::string name_of(SequencerRequestType value) {"
    yield '    return value == SequencerRequestType_ST ? "store" : "load";'
    yield "}"
    yield "inline std::string name_of(MemoryRequestType value) {"
    yield '    return value == MemoryRequestType_MEMORY_READ ? "read" : "write";'
    yield "}"
    yield "inline std::string name_of(Waiting value) {"
    yield '    return value == kLoad ? "load" : value == kStore ? "store" : "nothing";'
    yield "}"
    for name in (*_message_names(plan), "RubyRequest", "MemoryMsg", "SequencerMsg"):
        yield f'template <> inline const char *name_of_type<{name}>() {{ return "{name}"; }}'


def _message_names(plan: Plan) -> list[str]:
    names = [t.unique_name for t in plan.protocol.types.values() if t.is_message and not t.external]
    for machine in plan.machines:
        names += [t.unique_name for t in machine.structures if t.is_message]
    return list(dict.fromkeys(names))


def fields(plan: Plan) -> Iterator[str]:
    """Yield which fields nobody reads, and which carry a new value."""
    rules: dict[str, list[str]] = {}
    for unread in plan.scenario.unread:
        rules.setdefault(unread.structure, []).append(
            f"    if (!({unread.unless})) {{ x.{unread.field} = "
            f"std::remove_cvref_t<decltype(x)>{{}}.{unread.field}; }}"
        )
    for structure, lines in rules.items():
        yield f"inline void forget_unread({structure} &x) {{"
        yield from lines
        yield "}"
    for new in plan.scenario.new_value:
        yield f"inline NewValue new_value_of({new.message} &x) {{"
        yield f"    if ({new.when}) {{"
        yield f"        return {{&x.{new.data}, {new.read_from}, {new.written_to}}};"
        yield "    }"
        yield "    return {};"
        yield "}"
