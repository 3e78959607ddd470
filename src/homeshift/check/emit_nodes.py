# SPDX-License-Identifier: BSD-3-Clause
"""Writes a node: its machines, what they are made with, and whom they report to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from homeshift.check.plan import Object, Plan, port_of
from homeshift.check.scenario import Stimulus
from homeshift.slicc.model import Type

_CHOSEN = re.compile(r"\b(place|other|line|target)\b")


def _told_by(stimulus: Stimulus, among: Sequence[Stimulus]) -> str:
    """Whether a message `m` is of a stimulus, by the fields that depend on no choice."""
    fixed = [
        name
        for name in dict.fromkeys(name for s in among for name in s.set)
        if not any(_CHOSEN.search(s.set.get(name, "")) for s in among)
    ]
    values = ((name, stimulus.set.get(name, f"decltype(m.{name}){{}}")) for name in fixed)
    return " && ".join(f"m.{name} == {value}" for name, value in values) or "true"


def callback_class(plan: Plan, name: str, type_: Type) -> Iterator[str]:
    """Yield the class of an external object that only reports."""
    yield f"class {name} {{"
    yield "  public:"
    yield "    UnderWay *under_way = nullptr;"
    for method in dict.fromkeys(m.name for m in type_.methods):
        first = next(m for m in type_.methods if m.name == method).parameters[:1]
        at = [p.type.name for p in first] == ["Addr"]
        yield "    template <typename... Details>"
        yield f"    void {method}({'Addr at, ' if at else ''}const Details &...) {{"
        yield f'        world.reported = "{method}";'
        yield f"        world.reported_at = {'at' if at else '0'};"
        ended = [s for s in plan.scenario.stimulus if method in s.ends]
        for stimulus in ended:
            count = f"under_way->counts[kind_{stimulus.name}]"
            begun = f"{count} != 0"
            if len(ended) > 1:
                # Not one that still waits in its machine for another to end.
                waits = _told_by(stimulus, ended)
                alike = [s for s in ended if _told_by(s, ended) == waits]
                counts = (f"under_way->counts[kind_{s.name}]" for s in alike)
                begun += f" && {' + '.join(counts)} > waiting_there<{stimulus.message}>("
                begun += f"under_way->node, [](auto &m) {{ return {waits}; }})"
            yield f"        if ({begun}) {{"
            yield f"            --{count};"
            if stimulus.each == 1:
                yield f"            under_way->chosen_{stimulus.name} = 0;"
            if stimulus.writes:
                how = "refused" if method in stimulus.refuses else "done"
                yield f"            world.write_{how}(under_way->node);"
            yield "            return;"
            yield "        }"
        if ended:
            yield f'        throw ProtocolError("{method}: nothing is under way to end");'
        yield "    }"
    yield "};"


def params(controller: str, name: str, made: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield a function that gives a controller its parameters, each a member."""
    yield f"    {controller}::Params {name}() {{"
    yield f"        {controller}::Params params;"
    for parameter, member in made:
        yield f"        params.{parameter} = &{member};"
    yield "        return params;"
    yield "    }"


def holder(plan: Plan, place: str) -> Iterator[str]:
    """Node or Single: the machines of one node, or those outside of nodes."""
    machines = [m for m in plan.machines if plan.scenario.machines[m.name] == place]
    yield f"struct {place.capitalize()} {{"
    if place == "node":
        yield "    static inline unsigned made = 0;"
        yield "    const unsigned number = made++;"
    else:
        yield "    static constexpr unsigned number = 0;"
    yield "    UnderWay under_way;"
    objects: dict[str, Object] = {}
    for machine in machines:
        made = plan.objects(machine)
        for _, one in made:
            if one.name not in objects:
                objects[one.name] = one
                room = ""
                if one.type == "CacheMemory":
                    cache = f"{one.machine}.{one.parameter}"
                    most = plan.scenario.capacity.get(cache, plan.lines)
                    room = f'{{capacity_of("{cache}", {most})}}'
                yield f"    {one.cpp} {one.name}{room};"
        kind = f"{machine.name}_Controller"
        yield from params(kind, f"params_of_{machine.name}", ((p, o.name) for p, o in made))
        yield f"    {kind} {machine.name}{{the_context,"
        yield f"        createMachineID(MachineType_{machine.name}, number), number,"
        yield f"        params_of_{machine.name}()}};"
    yield f"    {place.capitalize()}() {{"
    at = "number" if place == "node" else "kNodes"
    yield f"        under_way.node = {at};"
    for one in objects.values():
        if one.type in plan.callbacks:
            yield f"        {one.name}.under_way = &under_way;"
        if one.type == "DMASequencer":
            yield f"        {one.name}.node = {at};"
    for machine in machines:
        if port := port_of(machine, "MemoryMsg"):
            yield f"        {machine.name}.connect_memory({port});"
    yield "    }"
    kept = [o.name for o in objects.values() if o.type not in plan.callbacks]
    yield "    template <typename Visit> void for_each_variable(Visit &visit) {"
    yield '        visit("underWay", under_way);'
    for name in [*kept, *(m.name for m in machines)]:
        yield f'        visit("{name}", {name});'
    yield "    }"
    yield "    void forget() {"
    yield from plan.scenario.forget.splitlines() if place == "node" else ()
    yield "    }"
    yield "    template <typename Show> void for_each_machine(Show show) {"
    for machine in machines:
        names = [(p, o.name) for p, o in plan.objects(machine) if o.name in kept]
        shown = "".join(f' to("{p}", {n});' for p, n in names)
        yield f'        show("{machine.name}", [this](FieldPrinter &to) {{'
        yield f'            {shown} to("", {machine.name});'
        yield "        });"
    yield "        (void)show;"
    yield "    }"
    yield "    bool quiet() const {"
    yield "        bool quiet = under_way.idle();"
    for one in objects.values():
        if one.type in ("Sequencer", "DMASequencer"):
            yield f"        quiet = quiet && {one.name}.idle();"
    for machine in machines:
        yield f"        quiet = quiet && {machine.name}.transactions() == 0;"
    yield "        return quiet;"
    yield "    }"
    yield "};"
