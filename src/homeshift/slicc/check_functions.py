# SPDX-License-Identifier: BSD-3-Clause
"""Checks functions, and the methods and values of structures."""

from __future__ import annotations

from homeshift.slicc import ast
from homeshift.slicc.check_statements import Place, check_block, ends
from homeshift.slicc.declare import make_function, structure
from homeshift.slicc.model import Function, Type, Variable
from homeshift.slicc.scope import VOID, Scope


def check_structure(scope: Scope, declaration: ast.StructureDeclaration) -> Type:
    """Enter a structure and check the bodies of its methods."""
    new = structure(scope, declaration)
    inner = scope.inner()
    for field in new.fields.values():
        inner.declare_variable(
            Variable(name=field.name, kind="field", type=field.type, position=field.position)
        )
    for method in new.methods:
        if method.body is not None:
            _body(inner, method, declaration)
    return new


def check_function(scope: Scope, declaration: ast.FunctionDeclaration) -> Function | None:
    """Check a function's body and enter it; it cannot call itself, as in gem5."""
    new = make_function(scope, declaration)
    if new is None:
        return None
    if new.body is not None:
        if scope.machine is None:
            scope.diagnostics.error(
                declaration.position, "a function with a body must be in a machine or structure"
            )
        _body(scope, new, declaration)
        if new.return_type.by_pointer and not new.returns_pointer:
            scope.diagnostics.error(
                declaration.position,
                f"'{new.name}' returns '{new.return_type}': add return_by_pointer=\"yes\"",
            )
    scope.declare_function(new)
    return new


def _body(
    scope: Scope,
    function: Function,
    declaration: ast.FunctionDeclaration | ast.StructureDeclaration,
) -> None:
    assert function.body is not None
    inner = scope.inner()
    written = _parameters(declaration, function)
    for parameter, position in zip(function.parameters, written, strict=True):
        if parameter.name is None:
            scope.diagnostics.error(position, "a function with a body names its parameters")
            continue
        inner.declare_variable(
            Variable(
                name=parameter.name,
                kind="parameter",
                type=parameter.type,
                pointer=parameter.passed_by == "pointer",
                passed_by=parameter.passed_by,
                position=position,
            )
        )
    check_block(function.body, Place(kind="function", scope=inner, returns=function.return_type))
    if function.return_type is not VOID and not ends(function.body):
        scope.diagnostics.error(
            function.position, f"'{function.name}' can end without returning a value"
        )


def _parameters(
    declaration: ast.FunctionDeclaration | ast.StructureDeclaration, function: Function
) -> tuple[ast.Position, ...]:
    if isinstance(declaration, ast.FunctionDeclaration):
        return tuple(parameter.position for parameter in declaration.parameters)
    for member in declaration.members:
        if isinstance(member, ast.FunctionDeclaration) and member.position == function.position:
            return tuple(parameter.position for parameter in member.parameters)
    raise LookupError(function.name)
