# SPDX-License-Identifier: BSD-3-Clause
"""Which transitions are hits: what a core's request does to its own cache and to nothing else.

The embedded engine lets a core run ahead of the others through its hits. Which these are is read
off the protocol: the transition's actions do nothing but what is listed here. How far a core runs
ahead of the others rests on one thing more: a request that misses makes its cache send messages to
machines of other types only, so that another cache hears of it by two messages at the earliest. A
protocol that does otherwise has no hits here.
"""

from __future__ import annotations

from homeshift.slicc import ast
from homeshift.slicc.model import InPort, Machine, Transition
from homeshift.slicc.walk import walk

REQUEST = "RubyRequest"
# Methods that reach nobody but the core and its cache.
OWN = frozenset({"readCallback", "writeCallback", "setMRU", "profileDemandHit"})
HARMLESS = frozenset({"clockEdge", "assert", "DPRINTF"})
PORT = frozenset({"trigger", "error", "assert", "DPRINTF"})


def hits(machine: Machine) -> list[Transition]:
    """Return the transitions that take a core's request and are hits.

    There are none if the in_port of these requests does more than trigger transitions, or if a
    request can make the cache send something to another one.
    """
    port = machine.in_port_for(REQUEST)
    if port is None or not all(_only_triggers(node) for node in walk(port.body)):
        return []
    taking = [
        transition
        for transition in machine.transitions
        if any(_dequeues(body, port) for body in _bodies(machine, transition))
    ]
    events = {transition.event for transition in taking} | {
        node.value.name for node in walk(port.body) if isinstance(node, ast.EnumerationValue)
    }
    for transition in machine.transitions:
        if transition.event in events and not all(
            _leaves_other_caches_alone(machine, body) for body in _bodies(machine, transition)
        ):
            return []
    return [
        t
        for t in taking
        if all(_stays_at_home(machine.actions[name].body) for name in hit_actions(machine, t))
    ]


def hit_actions(machine: Machine, hit: Transition) -> tuple[str, ...]:
    """Return the actions of a hit but the one that only takes the request: the core itself does."""
    port = machine.in_port_for(REQUEST)
    assert port is not None
    return tuple(
        name for name in hit.actions if not _only_dequeues(machine.actions[name].body, port)
    )


def only_keeps_state(machine: Machine) -> bool:
    """Whether setState does nothing about a line whose state stays what it is.

    So it is if all that it does is to assign the state to members, and nobody else assigns any:
    then the transition before has.
    """
    set_state = machine.function("setState")
    assert set_state.body is not None
    state = next(p.name for p in set_state.parameters if p.type is machine.state_type)
    members = set()
    for node in walk(set_state.body):
        match node:
            case ast.Assignment(
                target=ast.Member(object=ast.Name(), field=member), value=ast.Name(name=name)
            ) if name == state:
                members.add(member.name)
            case ast.If(condition=ast.IsValid(value=ast.Name())):
                pass
            case ast.Statement():
                return False
    bodies = [f.body for f in machine.functions if f.body is not None and f is not set_state]
    bodies += [action.body for action in machine.actions.values()]
    return not any(
        isinstance(node, ast.Assignment)
        and isinstance(node.target, ast.Member)
        and node.target.field.name in members
        for body in bodies
        for node in walk(body)
    )


def _bodies(machine: Machine, transition: Transition) -> list[ast.Block]:
    return [machine.actions[name].body for name in transition.actions]


def _only_triggers(node: ast.Node) -> bool:
    match node:
        case ast.Assignment() | ast.Enqueue() | ast.StallAndWait():
            return False
        case ast.ExpressionStatement(expression=ast.FunctionCall() as call):
            return call.name.name in PORT
        case ast.ExpressionStatement():
            return False
    return True


def _stays_at_home(body: ast.Node) -> bool:
    for node in walk(body):
        match node:
            case ast.Enqueue() | ast.StallAndWait() | ast.New() | ast.Peek():
                return False
            case ast.FunctionCall() if node.name.name not in HARMLESS:
                return False
            case ast.MethodCall() if node.name.name not in OWN:
                return False
    return True


def _leaves_other_caches_alone(machine: Machine, body: ast.Node) -> bool:
    for node in walk(body):
        if not isinstance(node, ast.MethodCall) or not _names_destination(node.object):
            continue
        types = {
            part.value.name
            for argument in node.arguments
            for part in walk(argument)
            if isinstance(part, ast.EnumerationValue) and part.enumeration.name == "MachineType"
        }
        if not types or machine.name in types:
            return False
    return True


def _names_destination(node: ast.Node) -> bool:
    return isinstance(node, ast.Member) and node.field.name == "Destination"


def _dequeues(body: ast.Node, port: InPort) -> bool:
    return any(_is_dequeue(node, port) for node in walk(body))


def _only_dequeues(body: ast.Block, port: InPort) -> bool:
    match body.statements:
        case [ast.ExpressionStatement(expression=expression)]:
            return _is_dequeue(expression, port)
    return False


def _is_dequeue(node: ast.Node, port: InPort) -> bool:
    return (
        isinstance(node, ast.MethodCall)
        and node.name.name == "dequeue"
        and isinstance(node.object, ast.Name)
        and node.object.name == port.name
    )
