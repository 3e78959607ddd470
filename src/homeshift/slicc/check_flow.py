# SPDX-License-Identifier: BSD-3-Clause
"""Checks what can happen at all: states, events, actions and ports of a machine without errors.

Errors are what gem5's C++ would not compile or what would certainly fail; the rest are warnings.
"""

from __future__ import annotations

from typing import Literal

from homeshift.slicc import ast
from homeshift.slicc.check_expressions import root
from homeshift.slicc.errors import Diagnostics
from homeshift.slicc.model import Function, InPort, Machine, Transition
from homeshift.slicc.walk import walk


def check_flow(machine: Machine, diagnostics: Diagnostics) -> None:
    """Check a machine; its notes must be filled in."""
    _required_functions(machine, diagnostics)
    _actions(machine, diagnostics)
    _states(machine, diagnostics)
    ports = events_by_port(machine)
    _events(machine, ports, diagnostics)
    _ports(machine, ports, diagnostics)


def _required_functions(machine: Machine, diagnostics: Diagnostics) -> None:
    tbe = ["TBE"] if machine.tbe else []
    entry = [machine.entry.name] if machine.entry else []
    wanted = {
        "getState": [*tbe, *entry, "Addr"],
        "setState": [*tbe, *entry, "Addr", "State"],
        "setAccessPermission": [*entry, "Addr", "State"],
        "getAccessPermission": ["Addr"],
        "functionalRead": None,
        "functionalWrite": None,
    }
    for name, types in wanted.items():
        found = [f for f in machine.functions if f.name == name]
        if not found:
            diagnostics.error(
                machine.position, f"machine '{machine.name}' needs a function '{name}'"
            )
        elif types and all([p.type.name for p in f.parameters] != types for f in found):
            diagnostics.error(
                found[0].position, f"'{name}' must take ({', '.join(types)}) in this machine"
            )


def _actions(machine: Machine, diagnostics: Diagnostics) -> None:
    used = {action for transition in machine.transitions for action in transition.actions}
    for action in machine.actions.values():
        if action.name not in used:
            diagnostics.warning(action.position, f"no transition uses action '{action.name}'")


def initial_states(machine: Machine) -> set[str]:
    """States that a line can be in without a transition.

    Those that a function returns by name, as getState does, and those of default="..." of the
    state_declaration and of fields.
    """
    initial = {
        node.value.value.name
        for function in machine.functions
        if function.body is not None and function.return_type is machine.state_type
        for node in walk(function.body)
        if isinstance(node, ast.Return) and isinstance(node.value, ast.EnumerationValue)
    }
    defaults = {machine.state_type.attributes.get("default")}
    for structure in machine.structures:
        defaults |= {
            f.attributes.get("default")
            for f in structure.fields.values()
            if f.type is machine.state_type
        }
    prefix = f"{machine.state_type.unique_name}_"
    named = {default.removeprefix(prefix) for default in defaults if default}
    return initial | (named & set(machine.states))


def reachable_states(machine: Machine) -> set[str]:
    """The initial states, and what transitions lead to from them."""
    reached = initial_states(machine)
    following: dict[str, set[str]] = {}
    for transition in machine.transitions:
        following.setdefault(transition.state, set()).add(transition.next_state)
    pending = list(reached)
    while pending:
        new = following.get(pending.pop(), set()) - reached
        reached |= new
        pending += new
    return reached


def _states(machine: Machine, diagnostics: Diagnostics) -> None:
    reached = reachable_states(machine)
    leaving = {transition.state for transition in machine.transitions}
    for state in machine.states.values():
        if state.name not in reached:
            diagnostics.warning(state.position, f"state '{state.name}' cannot be reached")
        elif state.name not in leaving:
            diagnostics.warning(state.position, f"state '{state.name}' has no transition")


def events_by_port(machine: Machine) -> dict[str, set[str]]:
    """Event -> the in_ports that can trigger it.

    A port triggers the events that it names, itself or in functions that it calls. If it triggers
    one that it reads from a variable, that can be any event that an action names, too.
    """
    result: dict[str, set[str]] = {event: set() for event in machine.events}
    stored: set[str] = set()
    for action in machine.actions.values():
        stored |= _events_in(machine, action.body, set())
    for port in machine.in_ports:
        named = _events_in(machine, port.body, set())
        for event in named | (stored if _triggers_stored(port.body) else set()):
            result[event].add(port.name)
    return result


def _triggers_stored(body: ast.Block) -> bool:
    for node in walk(body):
        if isinstance(node, ast.FunctionCall) and node.name.name == "trigger":
            event = node.arguments[0]
            own = isinstance(event, ast.FunctionCall) and event.note.function is not None
            if not own and not isinstance(event, ast.EnumerationValue):
                return True
    return False


def _events_in(machine: Machine, block: ast.Block, seen: set[Function]) -> set[str]:
    result: set[str] = set()
    for node in walk(block):
        if isinstance(node, ast.EnumerationValue) and node.note.type is machine.event_type:
            result.add(node.value.name)
        function = node.note.function if isinstance(node, ast.FunctionCall) else None
        if function is not None and function.body is not None and function not in seen:
            seen.add(function)
            result |= _events_in(machine, function.body, seen)
    return result


def _events(machine: Machine, ports: dict[str, set[str]], diagnostics: Diagnostics) -> None:
    used = {transition.event for transition in machine.transitions}
    for event in machine.events.values():
        if not ports[event.name]:
            diagnostics.warning(event.position, f"no in_port triggers event '{event.name}'")
        if event.name not in used:
            diagnostics.warning(event.position, f"event '{event.name}' has no transition")


def _ports(machine: Machine, ports: dict[str, set[str]], diagnostics: Diagnostics) -> None:
    by_name = {port.name: port for port in machine.in_ports}
    spinning: dict[ast.Position, list[Transition]] = {}
    for transition in machine.transitions:
        _takes(machine, transition, by_name, ports[transition.event], diagnostics)
        if ports[transition.event] and _spins(machine, transition, by_name, ports):
            spinning.setdefault(transition.position, []).append(transition)
    for position, transitions in spinning.items():
        more = f" and {len(transitions) - 1} more" if len(transitions) > 1 else ""
        diagnostics.warning(
            position,
            f"{_written(transitions[0])}{more}: nothing changes and nothing is taken from "
            f"{_list(ports[transitions[0].event])}, so it would run again and again",
        )


def _takes(
    machine: Machine,
    transition: Transition,
    by_name: dict[str, InPort],
    origin: set[str],
    diagnostics: Diagnostics,
) -> None:
    """What the actions take from ports must fit the port that the event comes from."""
    pops: dict[str, int] = {}
    stalled: set[str] = set()
    for action in transition.actions:
        touched = _touched(machine.actions[action].body, by_name)
        for port, how in touched:
            if how == "dequeue":
                pops[port] = pops.get(port, 0) + 1
            elif how == "stall":
                stalled.add(port)
        foreign = {port for port, _ in touched} - origin
        if origin and foreign:
            diagnostics.error(
                transition.position,
                f"action '{action}' uses {_list(foreign)}, but event '{transition.event}' "
                f"comes from {_list(origin)}",
            )
    for port, times in pops.items():
        if times > 1:
            diagnostics.error(
                transition.position, f"{_written(transition)} dequeues '{port}' {times} times"
            )
        if port in stalled:
            diagnostics.error(
                transition.position, f"{_written(transition)} both stalls and dequeues '{port}'"
            )


def _list(names: set[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names))


def _written(transition: Transition) -> str:
    return f"transition ({transition.state}, {transition.event})"


def _touched(
    body: ast.Block, ports: dict[str, InPort]
) -> list[tuple[str, Literal["peek", "dequeue", "stall"]]]:
    """In_ports that an action uses whenever it runs, not those that it uses under a condition."""
    result: list[tuple[str, Literal["peek", "dequeue", "stall"]]] = []
    for statement in body.statements:
        if isinstance(statement, ast.Peek):
            result.append((statement.port.name, "peek"))
            result += _touched(statement.body, ports)
        elif isinstance(statement, ast.StallAndWait):
            result.append((statement.port.name, "stall"))
        elif isinstance(statement, ast.ExpressionStatement):
            call = statement.expression
            if not isinstance(call, ast.MethodCall) or call.name.name != "dequeue":
                continue
            if isinstance(call.object, ast.Name) and call.object.name in ports:
                result.append((call.object.name, "dequeue"))
    return result


def _spins(
    machine: Machine,
    transition: Transition,
    by_name: dict[str, InPort],
    ports: dict[str, set[str]],
) -> bool:
    if transition.next_state != transition.state or "z_stall" in transition.actions:
        return False
    if any(by_name[p].buffer.type.name != "MessageBuffer" for p in ports[transition.event]):
        return False
    bodies = (machine.actions[action].body for action in transition.actions)
    return not any(_has_effect(node) for body in bodies for node in walk(body))


def _has_effect(node: ast.Node) -> bool:
    """Whether the statement may change what the port does next; a message sent does not."""
    if isinstance(node, ast.StallAndWait):
        return True
    if isinstance(node, ast.Assignment):
        variable = root(node.target)
        return variable is None or variable.kind not in ("local", "message")
    if not isinstance(node, ast.ExpressionStatement):
        return False
    call = node.expression
    if isinstance(call, ast.FunctionCall):
        return call.name.name not in ("DPRINTF", "assert", "wakeUpBuffers", "wakeUpAllBuffers")
    if isinstance(call, ast.MethodCall):
        variable = root(call.object)
        return variable is None or variable.kind != "message"
    return True
