# SPDX-License-Identifier: BSD-3-Clause
"""Chooses the function or method that a call means, by gem5's rules.

The types of the arguments must be those of the parameters, exactly; for methods an argument may
also implement the parameter's type (an Entry where an AbstractCacheEntry is wanted). There is no
conversion from int to Cycles, Tick or NodeID.
"""

from __future__ import annotations

from collections.abc import Sequence

from homeshift.errors import near
from homeshift.slicc import ast
from homeshift.slicc.ast import Position
from homeshift.slicc.model import Function, Type
from homeshift.slicc.scope import NULL, Scope

Types = Sequence[Type | None]
_CONVERSIONS = {
    ("int", "Cycles"): "intToCycles()",
    ("int", "Tick"): "intToTick()",
    ("int", "NodeID"): "intToID()",
    ("NodeID", "int"): "IDToInt()",
    ("MachineID", "NodeID"): "machineIDToNodeID()",
    ("Cycles", "Tick"): "cyclesToTicks()",
    ("Tick", "Cycles"): "ticksToCycles()",
    ("AbstractCacheEntry", "Entry"): 'static_cast(Entry, "pointer", ...)',
}


def conversion(have: Type, want: Type) -> str:
    """A hint behind a message about two types: how to get from one to the other."""
    how = _CONVERSIONS.get((have.name, want.name))
    return f"; {how} converts it" if how else ""


def resolve_function(scope: Scope, call: ast.FunctionCall, given: Types) -> Function | None:
    """The function that the call means, its arguments being of the given types."""
    candidates = scope.find_functions(call.name.name)
    if not candidates:
        known = {f for s in scope.outward() for f in s.functions}
        scope.unknown(call.name.position, "function", call.name.name, known)
        return None
    what = f"function '{call.name}'"
    return _resolve(scope, candidates, what, call.name.position, call.arguments, given, False)


def resolve_method(
    scope: Scope,
    owner: Type,
    name: str,
    position: Position,
    arguments: Sequence[ast.Expression],
    given: Types,
) -> Function | None:
    """The method of the type, or of the type that it implements."""
    methods = list(owner.methods)
    base = scope.find_type(owner.interface) if owner.interface else None
    if base is not None:
        methods += base.methods
    candidates = [method for method in methods if method.name == name]
    if not candidates:
        hint = near(name, sorted({method.name for method in methods}))
        scope.diagnostics.error(position, f"type '{owner}' has no method '{name}'{hint}")
        return None
    what = f"method '{name}' of '{owner}'"
    return _resolve(scope, candidates, what, position, arguments, given, True)


def _resolve(
    scope: Scope,
    candidates: Sequence[Function],
    what: str,
    position: Position,
    arguments: Sequence[ast.Expression],
    given: Types,
    derived: bool,
) -> Function | None:
    if any(argument is None for argument in given):
        return candidates[0] if len(candidates) == 1 else None
    for argument, have in zip(arguments, given, strict=True):
        if have is NULL:
            scope.diagnostics.error(
                argument.position, "OOD can only be returned; gem5 does not take it as an argument"
            )
            return None
    for loosely in (False, True) if derived else (False,):
        for candidate in candidates:
            if _fits(candidate, given, loosely):
                _check_references(scope, candidate, arguments)
                return candidate
    fitting = [c for c in candidates if len(c.parameters) == len(given)]
    if len(fitting) == 1:
        for i, (argument, have) in enumerate(zip(arguments, given, strict=True)):
            want = fitting[0].parameters[i].type
            if have is not None and not _accepts(want, have, derived):
                scope.diagnostics.error(
                    argument.position,
                    f"argument {i + 1} of {what} is '{have}', not '{want}'"
                    + conversion(have, want),
                )
    elif len(candidates) == 1:
        wanted = len(candidates[0].parameters)
        plural = "" if wanted == 1 else "s"
        scope.diagnostics.error(
            position, f"{what} takes {wanted} argument{plural}, not {len(given)}"
        )
    else:
        types = ", ".join(str(have) for have in given)
        offers = ", ".join(candidate.signature for candidate in candidates)
        scope.diagnostics.error(position, f"{what} does not take ({types}); there are {offers}")
    return None


def _fits(candidate: Function, given: Types, loosely: bool) -> bool:
    if len(candidate.parameters) != len(given):
        return False
    return all(
        have is not None and _accepts(parameter.type, have, loosely)
        for parameter, have in zip(candidate.parameters, given, strict=True)
    )


def _accepts(want: Type, have: Type, loosely: bool) -> bool:
    return have is want or (loosely and have.interface == want.name)


def _check_references(
    scope: Scope, function: Function, arguments: Sequence[ast.Expression]
) -> None:
    for parameter, argument in zip(function.parameters, arguments, strict=True):
        named = isinstance(argument, ast.Name | ast.Member)
        if parameter.passed_by == "reference" and not named:
            scope.diagnostics.error(
                argument.position,
                f"'{function.name}' changes this argument: it must be a variable or a field",
            )
