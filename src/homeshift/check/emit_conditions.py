# SPDX-License-Identifier: BSD-3-Clause
"""Writes the conditions: properties, covers, and what a reduced search takes at once."""

from __future__ import annotations

import json
from collections.abc import Iterator

from homeshift.check.plan import Plan
from homeshift.check.scenario import Cover


def conditions(plan: Plan) -> Iterator[str]:
    """Yield helpers, properties and covers, as members of Machine."""
    yield "    // Whether a condition holds for some node, some line, some message under way."
    yield "    template <typename Holds> static bool some_node(Holds holds) {"
    yield "        for (unsigned n = 0; n < kNodes; ++n) { if (holds(n)) { return true; } }"
    yield "        return false;"
    yield "    }"
    yield "    template <typename Holds> static unsigned nodes_with(Holds holds) {"
    yield "        unsigned sum = 0;"
    yield "        for (unsigned n = 0; n < kNodes; ++n) { sum += holds(n); }"
    yield "        return sum;"
    yield "    }"
    yield "    template <typename Holds> static bool some_line(Holds holds) {"
    yield "        for (unsigned l = 0; l < kLines; ++l) {"
    yield "            if (holds(address_of(l))) { return true; }"
    yield "        }"
    yield "        return false;"
    yield "    }"
    yield "    template <typename M, typename Holds> static unsigned messages(Holds holds) {"
    yield "        unsigned sum = 0;"
    yield "        for (unsigned i = 0; i < world.count; ++i) {"
    yield "            const Travelling &t = world.messages[i];"
    yield "            if (t.type == message_type<M>) {"
    yield "                auto &m = static_cast<M &>(*message_types()[t.type].decode(t.body));"
    yield "                sum += holds(m, t, machine_of(t.machine).num);"
    yield "            }"
    yield "        }"
    yield "        return sum;"
    yield "    }"
    yield from plan.scenario.helpers.splitlines()
    yield from at_once(plan)
    yield from _permissions(plan)
    yield "    const char *broken_invariant() {"
    for machine in _cores(plan):
        yield f"        if (!single_writer_{machine}()) {{"
        yield '            return "single writer or many readers";'
        yield "        }"
    yield from _properties(plan, "always")
    yield "        return nullptr;"
    yield "    }"
    yield "    const char *broken_when_quiet() {"
    yield from _properties(plan, "quiet")
    yield "        return nullptr;"
    yield "    }"
    steps = [p for p in plan.scenario.property if p.when == "step"]
    yield f"    using Watched = std::array<std::uint64_t, {len(steps) + 1}>;"
    yield "    Watched watched() {"
    yield f"        return {{{', '.join(f'({p.before})' for p in steps)}}};"
    yield "    }"
    yield "    const char *broken_by_step([[maybe_unused]] const Watched &watched) {"
    for number, one in enumerate(steps):
        yield "        {"
        yield f"            [[maybe_unused]] const std::uint64_t before = watched[{number}];"
        yield f"            if (!({one.holds})) {{ return {json.dumps(one.name)}; }}"
        yield "        }"
    yield "        return nullptr;"
    yield "    }"
    covers = plan.scenario.cover
    # Those that need what may not happen are not looked at: it takes time, in every state.
    yield "    void cover([[maybe_unused]] std::array<bool, kCovers + 1> &covered) {"
    possible = ", ".join(_possible(plan, cover) for cover in covers)
    yield f"        static const std::array<bool, kCovers + 1> possible{{{possible}}};"
    for number, cover in enumerate(covers):
        yield f"        if (possible[{number}] && !covered[{number}] &&"
        yield f"            ({cover.reached})) {{ // {cover.name}"
        yield f"            covered[{number}] = true;"
        yield "        }"
    yield "    }"


def at_once(plan: Plan) -> Iterator[str]:
    """Yield what a reduced search takes at once, as a member of Machine."""
    yield "    // Whether a reduced search takes a message in the step that sends it."
    yield "    bool at_once([[maybe_unused]] const Travelling &t) {"
    yield "        [[maybe_unused]] const MachineID at = machine_of(t.machine);"
    for one in plan.scenario.at_once:
        yield f"        if (t.type == message_type<{one.message}>) {{"
        yield f"            [[maybe_unused]] auto &x = static_cast<{one.message} &>("
        yield "                *message_types()[t.type].decode(t.body));"
        yield f"            if ({one.when}) {{ return true; }}"
        yield "        }"
    yield "        return false;"
    yield "    }"


def _possible(plan: Plan, cover: Cover) -> str:
    """Whether a cover can be reached on the machine, as far as its limits say."""
    if plan.nodes < cover.nodes or plan.lines < cover.lines:
        return "false"
    kinds = [row[0] for row in plan.numbering()]
    known = [[k for k in need.split("|") if k in kinds] for need in cover.needs]
    limits = ["(" + " | ".join(f"kLimits[kind_{k}]" for k in need) + ")" for need in known if need]
    return " && ".join(f"{limit} != 0" for limit in limits) or "true"


def _properties(plan: Plan, when: str) -> Iterator[str]:
    for one in plan.scenario.property:
        if one.when == when:
            yield f"        if (!({one.holds})) {{"
            yield f"            return {json.dumps(one.name)};"
            yield "        }"


def _cores(plan: Plan) -> list[str]:
    return [m for s, m in plan.asked() if s == "load"]


def _permissions(plan: Plan) -> Iterator[str]:
    for name in _cores(plan):
        machine = plan.protocol.machines[name]
        rights = [
            "2" if s.permission == "Read_Write" else "1" if s.permission == "Read_Only" else "0"
            for s in machine.states.values()
        ]
        yield f"    bool single_writer_{name}() {{"
        yield f"        static constexpr Byte rights[] = {{{', '.join(rights)}}};"
        yield "        for (unsigned line = 0; line < kLines; ++line) {"
        yield "            unsigned readers = 0, writers = 0;"
        yield "            for (Node &one : node) {"
        yield f"                const auto state = one.{name}.state_of(address_of(line));"
        yield "                readers += rights[state] == 1;"
        yield "                writers += rights[state] == 2;"
        yield "            }"
        yield "            if (writers > 1 || (writers == 1 && readers != 0)) { return false; }"
        yield "        }"
        yield "        return true;"
        yield "    }"
