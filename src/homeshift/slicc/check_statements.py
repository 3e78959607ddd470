# SPDX-License-Identifier: BSD-3-Clause
"""Checks statements: of functions, in_ports and actions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from homeshift.slicc import ast
from homeshift.slicc.check_calls import conversion
from homeshift.slicc.check_expressions import check, check_value, expect, root
from homeshift.slicc.model import Type, Variable
from homeshift.slicc.scope import NULL, VOID, Scope
from homeshift.slicc.walk import calls

_REFUSED = {
    "wakeup_port": "use wakeUpAllBuffers(address)",
    "check_allocate": "resources are checked by the messages that actions enqueue",
    "check_next_cycle": "use stall_and_wait() and wake up on what it waits for",
    "check_stop_slots": "resources are checked by the messages that actions enqueue",
    "defer_enqueueing": "enqueue with a latency, or keep the message's content in the TBE",
}
_REFUSED_PEEK = {
    "wake_up": "call wakeUpAllBuffers(address) in an action",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where statements stand.

    returns: the type to return; None where nothing can be returned.
    trigger: the types that trigger() takes; None where it cannot be called.
    """

    kind: Literal["function", "in_port", "action"]
    scope: Scope
    returns: Type | None = None
    trigger: tuple[Type, ...] | None = None

    def inner(self, scope: Scope | None = None) -> Place:
        """The same, in a scope of its own."""
        return replace(self, scope=scope or self.scope.inner())


def check_block(block: ast.Block, place: Place) -> None:
    """Check the statements in the place's own scope."""
    triggered = False
    for statement in block.statements:
        if triggered:
            place.scope.refuse(
                statement.position,
                "a statement after trigger()",
                "it would run only when the transition stalls; put it before, or into an else",
            )
        _statement(statement, place)
        triggered = calls(statement, "trigger")


def _statement(s: ast.Statement, place: Place) -> None:
    scope = place.scope
    match s:
        case ast.ExpressionStatement():
            _effect(s.expression, place)
        case ast.Assignment():
            _assignment(s, scope)
        case ast.LocalVariable():
            _local(s, scope)
        case ast.If():
            expect(s.condition, scope, "bool", "a condition")
            check_block(s.then, place.inner())
            if s.otherwise is not None:
                check_block(s.otherwise, place.inner())
        case ast.Return():
            _return(s, place)
        case ast.Peek():
            _peek(s, place)
        case ast.Enqueue():
            _enqueue(s, place)
        case ast.StallAndWait():
            _stall(s, place)
        case ast.Refused(construct="check_on_cache_probe"):
            pass  # waits for lines that a sequencer has locked: the engine locks none
        case ast.Refused():
            scope.refuse(s.position, f"'{s.construct}'", _REFUSED[s.construct])
        case _:
            raise TypeError(type(s).__name__)


def _effect(expression: ast.Expression, place: Place) -> None:
    trigger = place.trigger
    is_call = isinstance(expression, ast.FunctionCall | ast.MethodCall | ast.ClassMethodCall)
    if isinstance(expression, ast.FunctionCall) and expression.name.name == "trigger" and trigger:
        given = [check_value(argument, place.scope) for argument in expression.arguments]
        if len(given) != len(trigger):
            types = ", ".join(str(t) for t in trigger)
            place.scope.diagnostics.error(
                expression.name.position, f"trigger() takes ({types}) in this machine"
            )
            given = []
        for argument, have, want in zip(expression.arguments, given, trigger, strict=False):
            if have is not None and have is not want:
                place.scope.diagnostics.error(
                    argument.position, f"trigger() takes '{want}' here, not '{have}'"
                )
        expression.note.type = VOID
        return
    check(expression, place.scope)
    if not is_call and not isinstance(expression, ast.Unary):
        place.scope.diagnostics.error(expression.position, "this expression has no effect")


def _assignment(s: ast.Assignment, scope: Scope) -> None:
    want, have = check(s.target, scope), check_value(s.value, scope)
    if not isinstance(s.target, ast.Name | ast.Member):
        scope.diagnostics.error(s.target.position, "only a variable or a field can be assigned to")
        return
    variable = root(s.target)
    if variable is not None:
        if variable.kind in ("in port", "out port"):
            scope.diagnostics.error(s.target.position, f"'{variable.name}' is a port")
            return
        if variable.name == "in_msg" and variable.kind == "message":
            scope.diagnostics.error(s.target.position, "in_msg is read only")
            return
    _assignable(s.value, want, have, scope)


def _local(s: ast.LocalVariable, scope: Scope) -> None:
    want = scope.type(s.declared_type)
    have = check_value(s.value, scope) if s.value is not None else None
    if want is VOID:
        scope.diagnostics.error(s.position, "a variable cannot be 'void'")
    if want is VOID or want is None:
        scope.broken.add(s.name.name)
        return
    if s.value is not None:
        _assignable(s.value, want, have, scope)
    variable = Variable(name=s.name.name, kind="local", type=want, position=s.position)
    s.note.type, s.note.variable = want, variable
    scope.declare_variable(variable)


def _assignable(value: ast.Expression, want: Type | None, have: Type | None, scope: Scope) -> None:
    if want is None or have is None or want is have:
        return
    if have is NULL:
        scope.diagnostics.error(value.position, "OOD can only be returned; gem5 does not assign it")
    elif (want.name, have.name) != ("NetDest", "Set"):
        scope.diagnostics.error(
            value.position, f"'{have}' is assigned to '{want}'{conversion(have, want)}"
        )


def _return(s: ast.Return, place: Place) -> None:
    have = check_value(s.value, place.scope)
    want = place.returns
    if want is None or want is VOID:
        where = "a function of type void" if want is VOID else f"an {place.kind}"
        place.scope.diagnostics.error(s.position, f"{where} returns nothing")
    elif have is NULL:
        if not want.by_pointer:
            place.scope.diagnostics.error(s.value.position, f"OOD is not a '{want}'")
    elif have is not None and have is not want:
        place.scope.diagnostics.error(
            s.value.position, f"'{have}' is returned as '{want}'{conversion(have, want)}"
        )


def _port(name: ast.Name, kind: Literal["in port", "out port"], scope: Scope) -> Variable | None:
    found = scope.variable(name)
    if found is not None and found.kind != kind:
        written = kind.replace(" ", "_")
        scope.diagnostics.error(name.position, f"'{name.name}' is not an {written}")
        return None
    if found is not None:
        name.note.type = found.type
    return found


def _message(
    s: ast.Peek | ast.Enqueue, kind: Literal["in port", "out port"], place: Place
) -> Place:
    """Check port and type, and return the place of the body, with in_msg or out_msg."""
    scope = place.scope
    port = _port(s.port, kind, scope)
    message = scope.type(s.message_type)
    inner = scope.inner()
    name = "in_msg" if kind == "in port" else "out_msg"
    if message is None:
        inner.broken.add(name)
        return place.inner(inner)
    if port is not None and port.message_type not in (None, message):
        scope.diagnostics.error(
            s.message_type.position,
            f"port '{port.name}' carries '{port.message_type}', not '{message}'",
        )
    variable = Variable(name=name, kind="message", type=message, position=s.position)
    inner.declare_variable(variable)
    s.note.type, s.note.variable = message, variable
    return place.inner(inner)


def _peek(s: ast.Peek, place: Place) -> None:
    for attribute in s.attributes:
        name = attribute.name
        if name in _REFUSED_PEEK:
            place.scope.refuse(attribute.position, f"'{name}'", _REFUSED_PEEK[name])
        elif name != "block_on":  # waits for locked lines, too
            place.scope.diagnostics.error(attribute.position, f"peek() has no attribute '{name}'")
    if place.kind == "function":
        place.scope.diagnostics.error(s.port.position, "a function cannot peek into a port")
    check_block(s.body, _message(s, "in port", place))


def _enqueue(s: ast.Enqueue, place: Place) -> None:
    if s.latency is not None:
        found = check_value(s.latency, place.scope)
        if found is not None and found.name not in ("int", "Cycles"):
            place.scope.diagnostics.error(
                s.latency.position, f"the latency is '{found}', not 'Cycles' or 'int'"
            )
    if s.bypass is not None:
        why = "messages of a port keep their order; use a port of their own"
        place.scope.refuse(s.bypass.position, "passing the queue", why)
    check_block(s.body, _message(s, "out port", place))


def _stall(s: ast.StallAndWait, place: Place) -> None:
    if place.kind != "action":
        place.scope.diagnostics.error(s.position, "only an action can stall_and_wait()")
    _port(s.port, "in port", place.scope)
    expect(s.address, place.scope, "Addr", "what stall_and_wait() waits for")


def ends(block: ast.Block) -> bool:
    """Whether control never reaches the end of the block: it returns, or calls error()."""
    for statement in block.statements:
        if isinstance(statement, ast.Return):
            return True
        if isinstance(statement, ast.ExpressionStatement):
            call = statement.expression
            if isinstance(call, ast.FunctionCall) and call.name.name == "error":
                return True
        if not isinstance(statement, ast.If) or statement.otherwise is None:
            continue
        if ends(statement.then) and ends(statement.otherwise):
            return True
    return False
