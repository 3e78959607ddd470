# SPDX-License-Identifier: BSD-3-Clause
"""Finds the type of every expression, by gem5's rules, and writes it into the expression's note."""

from __future__ import annotations

import re

from homeshift.errors import near
from homeshift.slicc import ast
from homeshift.slicc.check_calls import conversion, resolve_function, resolve_method
from homeshift.slicc.model import Type, Variable
from homeshift.slicc.scope import NULL, VOID, Scope

_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
_ARITHMETIC = {
    ("int", "int"): "int",
    ("int", "bool"): "int",
    ("bool", "int"): "int",
    ("Cycles", "Cycles"): "Cycles",
    ("Cycles", "int"): "Cycles",
    ("int", "Cycles"): "Cycles",
    ("Tick", "Tick"): "Tick",
    ("Addr", "Addr"): "Addr",
    ("Addr", "int"): "Addr",
    ("int", "Addr"): "Addr",
}
_SHIFTS = {("int", "int"): "int", ("Cycles", "int"): "Cycles"}
_POINTERS = ("PacketPtr", "RequestPtr", "Packet")
_REFUSED_CALLS = {
    "stallPort": "a port that triggers nothing is looked at again when something arrives",
    "DPRINTFN": "use DPRINTF() with a debug flag",
}


def check(expression: ast.Expression, scope: Scope) -> Type | None:
    """The type of the expression; None, with a diagnostic, if it is wrong."""
    found = _type(expression, scope)
    expression.note.type = found
    return found


def check_value(expression: ast.Expression, scope: Scope) -> Type | None:
    """Like `check`, for a place where 'void' will not do."""
    found = check(expression, scope)
    if found is VOID:
        scope.diagnostics.error(expression.position, "this call returns nothing")
        return None
    return found


def expect(expression: ast.Expression, scope: Scope, want: str, what: str) -> None:
    """Check that the expression has the type of that name; `what` begins the message."""
    found = check_value(expression, scope)
    if found is not None and found.name != want:
        scope.diagnostics.error(expression.position, f"{what} is '{found}', not '{want}'")


def _type(e: ast.Expression, scope: Scope) -> Type | None:
    match e:
        case ast.Name():
            variable = scope.variable(e)
            return variable.type if variable else None
        case ast.IntegerLiteral():
            return scope.find_type("int")
        case ast.BooleanLiteral():
            return scope.find_type("bool")
        case ast.StringLiteral():
            return scope.find_type("std::string")
        case ast.FloatLiteral():
            scope.refuse(e.position, f"the fraction {e.text}", "SLICC counts in integers")
            return None
        case ast.OutOfDomain():
            return NULL
        case ast.EnumerationValue():
            return _enumeration(e, scope)
        case ast.Member():
            return _member(e, scope)
        case ast.Index():
            return _method(e, e.object, "lookup", e.position, e.arguments, scope)
        case ast.MethodCall():
            return _method(e, e.object, e.name.name, e.name.position, e.arguments, scope)
        case ast.FunctionCall():
            return _call(e, scope)
        case ast.New():
            return _new(e, scope)
        case ast.StaticCast():
            return _cast(e, scope)
        case ast.IsValid():
            return _is_valid(e, scope)
        case ast.Unary():
            return _unary(e, scope)
        case ast.Binary():
            return _binary(e, scope)
        case ast.ClassMethodCall():
            what = f"'{e.class_type}::{e.name}()'"
            scope.refuse(e.position, what, "call a function without a class")
            return None
        case _:
            raise TypeError(type(e).__name__)


def _enumeration(e: ast.EnumerationValue, scope: Scope) -> Type | None:
    found = scope.type(e.enumeration)
    if found is None:
        return None
    if found.kind != "enumeration":
        scope.diagnostics.error(e.enumeration.position, f"'{found}' is not an enumeration")
        return None
    if e.value.name not in found.items:
        what = {"State": "state", "Event": "event"}.get(found.name, "value")
        hint = near(e.value.name, found.items)
        scope.diagnostics.error(
            e.value.position, f"enumeration '{found}' has no {what} '{e.value}'{hint}"
        )
    return found


def _member(e: ast.Member, scope: Scope) -> Type | None:
    owner = check_value(e.object, scope)
    if owner is None:
        return None
    base = scope.find_type(owner.interface) if owner.interface else None
    known = {**(base.fields if base else {}), **owner.fields}
    if e.field.name in known:
        return known[e.field.name].type
    if any(e.field.name in outer.broken for outer in scope.outward()):
        return None
    hint = near(e.field.name, known)
    scope.diagnostics.error(e.field.position, f"type '{owner}' has no field '{e.field}'{hint}")
    return None


def _method(
    e: ast.MethodCall | ast.Index,
    on: ast.Expression,
    name: str,
    position: ast.Position,
    arguments: tuple[ast.Expression, ...],
    scope: Scope,
) -> Type | None:
    owner = check_value(on, scope)
    given = [check_value(argument, scope) for argument in arguments]
    if owner is None:
        return None
    method = resolve_method(scope, owner, name, position, arguments, given)
    e.note.function = method
    return method.return_type if method else None


def _call(e: ast.FunctionCall, scope: Scope) -> Type | None:
    name = e.name.name
    if name in _REFUSED_CALLS:
        scope.refuse(e.name.position, f"'{name}'", _REFUSED_CALLS[name])
        return VOID
    if name == "DPRINTF":
        return _debug_print(e, scope)
    if name == "APPEND_TRANSITION_COMMENT":  # of anything, for gem5's protocol trace
        for argument in e.arguments:
            check_value(argument, scope)
        return VOID
    if name == "trigger":
        scope.diagnostics.error(e.name.position, "trigger() is a statement of an in_port only")
        return None
    given = [check_value(argument, scope) for argument in e.arguments]
    function = resolve_function(scope, e, given)
    e.note.function = function
    return function.return_type if function else None


def _debug_print(e: ast.FunctionCall, scope: Scope) -> Type:
    flag, *rest = e.arguments or (None,)
    if not isinstance(flag, ast.Name) or not rest or not isinstance(rest[0], ast.StringLiteral):
        scope.diagnostics.error(
            e.name.position, 'DPRINTF is written DPRINTF(Flag, "text", values...)'
        )
        return VOID
    for value in rest[1:]:
        check_value(value, scope)
    wanted = len(re.findall(r"%[^%a-zA-Z]*[a-zA-Z]", rest[0].text.replace("%%", "")))
    if wanted != len(rest) - 1:
        scope.diagnostics.error(
            rest[0].position, f"the text takes {wanted} values, {len(rest) - 1} given"
        )
    rest[0].note.type = scope.find_type("std::string")
    return VOID


def _new(e: ast.New, scope: Scope) -> Type | None:
    found = scope.type(e.new_type)
    if found is not None and not found.by_pointer:
        scope.diagnostics.error(
            e.position, f"'new {found}': only entries of caches and directories are made so"
        )
        return None
    return found


def _cast(e: ast.StaticCast, scope: Scope) -> Type | None:
    check_value(e.value, scope)
    if e.how not in ("pointer", "value", "ref"):
        scope.diagnostics.error(
            e.position, f'static_cast takes "pointer", "value" or "ref", not "{e.how}"'
        )
    return scope.type(e.to)


def _is_valid(e: ast.IsValid, scope: Scope) -> Type | None:
    found = check_value(e.value, scope)
    if found is not None and not found.by_pointer and found.name not in _POINTERS:
        name = "is_valid" if e.expected else "is_invalid"
        scope.diagnostics.error(
            e.value.position, f"{name}() looks at entries and TBEs; this is '{found}'"
        )
    return scope.find_type("bool")


def _unary(e: ast.Unary, scope: Scope) -> Type | None:
    if e.operator in ("++", "--"):
        scope.refuse(e.position, f"'{e.operator}'", "write x := x + 1")
        return None
    want = "bool" if e.operator == "!" else "int"
    expect(e.operand, scope, want, f"the operand of '{e.operator}'")
    return scope.find_type(want)


def _binary(e: ast.Binary, scope: Scope) -> Type | None:
    left, right = check_value(e.left, scope), check_value(e.right, scope)
    if e.operator in ("&", "|"):
        why = "gem5's SLICC has no such operator; call an external function"
        scope.refuse(e.position, f"'{e.operator}'", why)
        return None
    if e.operator in ("&&", "||"):
        for side, found in ((e.left, left), (e.right, right)):
            if found is not None and found.name != "bool":
                scope.diagnostics.error(
                    side.position, f"an operand of '{e.operator}' is '{found}', not 'bool'"
                )
        return scope.find_type("bool")
    if left is None or right is None:
        return scope.find_type("bool") if e.operator in _COMPARISONS else None
    pair = (left.name, right.name)
    if e.operator in _COMPARISONS:
        if left is not right and set(pair) != {"Addr", "int"}:
            hint = conversion(right, left)
            scope.diagnostics.error(
                e.position, f"'{e.operator}' compares '{left}' with '{right}'{hint}"
            )
        return scope.find_type("bool")
    result = (_SHIFTS if e.operator in ("<<", ">>") else _ARITHMETIC).get(pair)
    if result is None:
        hint = conversion(right, left)
        scope.diagnostics.error(
            e.position, f"'{e.operator}' does not take '{left}' and '{right}'{hint}"
        )
        return None
    return scope.find_type(result)


def root(expression: ast.Expression) -> Variable | None:
    """The variable that a chain of members starts from, after checking."""
    while isinstance(expression, ast.Member):
        expression = expression.object
    return expression.note.variable if isinstance(expression, ast.Name) else None
