# SPDX-License-Identifier: BSD-3-Clause
"""Writes the stimuli: their numbers and names, and what each does."""

from __future__ import annotations

import json
from collections.abc import Iterator

from homeshift.check.plan import Plan, port_of
from homeshift.check.scenario import Stimulus


def stimulus_tables(plan: Plan) -> Iterator[str]:
    """Yield numbers, names and limits of stimuli, and how many are under way."""
    rows = plan.numbering()
    names = [row[0] for row in rows]
    total = sum(places * choices for _, _, places, choices in rows)
    yield f"constexpr unsigned kStimuli = {total};"
    yield f"constexpr unsigned kKinds = {len(rows)};"
    yield f"constexpr unsigned kCovers = {len(plan.scenario.cover)};"
    yield f"constexpr bool kAlwaysEnds = {json.dumps(plan.scenario.always_ends)};"
    quoted = ", ".join(json.dumps(name) for name in names)
    yield f"inline const char *const kKindNames[] = {{{quoted}}};"
    kinds = ", ".join(f"kind_{name} = {kind}" for kind, name in enumerate(names))
    yield f"enum KindNumber : unsigned {{{kinds}}};"
    defaults = {s.name: s.limit for s in plan.scenario.stimulus}
    limits = [plan.scenario.limits.get(n, defaults.get(n, 255)) for n in names]
    yield f"inline unsigned kLimits[] = {{{', '.join(map(str, limits))}}};"
    yield "inline void set_limit(const std::string &name, unsigned limit) {"
    yield "    for (unsigned kind = 0; kind < kKinds; ++kind) {"
    yield "        if (name == kKindNames[kind]) { kLimits[kind] = limit; }"
    yield "    }"
    yield "}"
    yield "struct Chosen { unsigned kind, place, choice; };"
    chosen = ", ".join(
        f"{{{kind}, {place}, {choice}}}"
        for kind, (_, _, places, choices) in enumerate(rows)
        for place in range(places)
        for choice in range(choices)
    )
    yield f"inline constexpr Chosen kChosen[] = {{{chosen}}};"
    yield "inline MachineID machine_of_stimulus(unsigned number) {"
    yield "    const Chosen c = kChosen[number];"
    types = ", ".join(f"MachineType_{row[1]}" for row in rows)
    yield f"    static const MachineType types[] = {{{types}}};"
    yield "    return createMachineID(types[c.kind], c.place);"
    yield "}"
    yield "inline std::string describe_stimulus(unsigned number) {"
    yield "    const Chosen c = kChosen[number];"
    yield "    std::string text = kKindNames[c.kind];"
    yield "    switch (c.kind) {"
    for kind, (name, _, _, _) in enumerate(rows):
        yield f"      case {kind}:"
        stimulus = next((s for s in plan.scenario.stimulus if s.name == name), None)
        if stimulus is None:
            yield '        text += " line " + std::to_string(c.choice);'
        else:
            for what, value in plan.choosing(stimulus):
                if what != "node":
                    yield f'        text += " {what} " + std::to_string({value});'
                else:
                    yield '        text += " node " + std::to_string('
                    yield f"            FieldPrinter::called[{value}]);"
        yield "        break;"
    yield "    }"
    yield "    return text;"
    yield "}"
    # how many are under way, in one node or outside of nodes
    yield "struct UnderWay {"
    yield "    Byte counts[kKinds] = {};"
    # What was chosen for the one of which a node has no other.
    single = [f"chosen_{s.name}" for s in plan.scenario.stimulus if s.each == 1]
    yield from (f"    Byte {name} = 0;" for name in single)
    yield "    unsigned node = kNodes;"
    yield "    bool idle() const {"
    yield "        return std::count(counts, counts + kKinds, 0) == kKinds;"
    yield "    }"
    yield "    template <typename Visit> void for_each_variable(Visit &visit) {"
    yield '        visit("underWay", counts);'
    yield from (f'        visit("{name}", {name});' for name in single)
    yield "    }"
    yield "};"


def stimulate(plan: Plan) -> Iterator[str]:
    """Yield what each stimulus does, as a member of Machine."""
    yield "    // Let a stimulus happen; false if it cannot."
    yield "    bool stimulate(unsigned number) {"
    yield "        const Chosen c = kChosen[number];"
    yield "        [[maybe_unused]] const unsigned place = c.place;"
    yield "        switch (c.kind) {"
    given = {s.name: s for s in plan.scenario.stimulus}
    for kind, (name, machine, _, _) in enumerate(plan.numbering()):
        yield f"          case {kind}: {{"
        yield f"            if (kLimits[{kind}] == 0) {{ return false; }}"
        if name in given:
            yield from _given(plan, kind, given[name])
        else:
            yield from _ask(plan, name, machine)
        yield "            return true;"
        yield "          }"
    yield '          default: throw std::logic_error("no such stimulus");'
    yield "        }"
    yield "    }"


def _given(plan: Plan, kind: int, s: Stimulus) -> Iterator[str]:
    counts = plan.member(s.machine, "under_way") + ".counts"
    yield f"            if (under_way({kind}) >= kLimits[{kind}] ||"
    yield f"                {counts}[{kind}] >= {s.each}) {{ return false; }}"
    names = {"line": "line", "target": "target", "node": "other"}
    for what, value in plan.choosing(s):
        yield f"            [[maybe_unused]] const unsigned {names[what]} = {value};"
    yield f"            if (!({s.when})) {{ return false; }}"
    yield f"            {s.message} message;"
    for name, value in s.set.items():
        yield f"            message.{name} = {value};"
    if s.ends:
        yield f"            ++{counts}[{kind}];"
        if s.each == 1:
            chosen = plan.member(s.machine, f"under_way.chosen_{s.name}")
            yield f"            {chosen} = static_cast<Byte>(c.choice);"
    if s.reads:
        yield "            world.readers = 1;"
    yield from _hand_over(plan, s.machine, f"{s.machine}_Controller::port_{s.port}")


def _hand_over(plan: Plan, machine: str, port: str | None) -> Iterator[str]:
    controller = plan.member(machine, machine)
    yield f"            {controller}.hand_over(message, {port});"


def _ask(plan: Plan, name: str, machine: str) -> Iterator[str]:
    kind = "DMASequencer" if name.startswith("dma") else "Sequencer"
    sequencer = plan.member(machine, plan.sequencer(machine, kind))
    wanted = "SequencerMsg" if kind == "DMASequencer" else "RubyRequest"
    model = plan.protocol.machines[machine]
    port = port_of(model, wanted)
    yield f"            {wanted} message;"
    if name == "evict":
        caches = [
            plan.member(machine, o.name) for _, o in plan.objects(model) if o.type == "CacheMemory"
        ]
        held = " || ".join(f"{c}.isTagPresent(address_of(c.choice))" for c in caches)
        yield f"            if (!({held or 'false'})) {{ return false; }}"
        yield "            message.LineAddress = message.PhysicalAddress = evicts(c.choice);"
        yield f"            if (!{plan.member(machine, machine)}.look("
        yield f"                    message, {port})) {{"
        yield "                return false;"
        yield "            }"
        yield f"            if ({held or 'false'}) {{"
        yield '                throw ProtocolError("an eviction does nothing, and does not wait");'
        yield "            }"
        return
    idle = "idle()" if kind == "DMASequencer" else "idle(c.choice)"
    yield f"            if (!{sequencer}.{idle}) {{ return false; }}"
    write = name in ("store", "dma_write")
    yield f"            {sequencer}.ask(c.choice, {'kStore' if write else 'kLoad'});"
    yield "            message.LineAddress = message.PhysicalAddress = address_of(c.choice);"
    enumeration = "SequencerRequestType" if kind == "DMASequencer" else "RubyRequestType"
    yield f"            message.Type = {enumeration}_{'ST' if write else 'LD'};"
    if name == "dma_write":
        place = "place" if plan.scenario.machines[machine] == "node" else "kNodes"
        yield "            const Addr at = address_of(c.choice);"
        yield f"            world.begin_write({place}, {{&message.DataBlk, at, at}});"
    yield from _hand_over(plan, machine, port)
