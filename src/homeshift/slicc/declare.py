# SPDX-License-Identifier: BSD-3-Clause
"""Makes types, functions and variables out of their declarations, and enters them in a scope."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from homeshift.slicc import ast
from homeshift.slicc.ast import Position
from homeshift.slicc.model import EnumerationItem, Field, Function, Parameter, Type, Variable
from homeshift.slicc.scope import VOID, Scope


def attributes(scope: Scope, written: ast.Attributes) -> dict[str, str]:
    """Attributes by name."""
    result: dict[str, str] = {}
    for attribute in written:
        if attribute.name in result:
            scope.diagnostics.error(
                attribute.position, f"attribute '{attribute.name}' is given twice"
            )
        result.setdefault(attribute.name, attribute.value)
    return result


def names(declarations: Iterable[ast.Declaration]) -> dict[str, Position]:
    """Every name that the declarations introduce, with its place: see `Scope.later`."""
    result: dict[str, Position] = {}
    for declaration in declarations:
        name = getattr(declaration, "name", None)
        if isinstance(name, ast.Identifier):
            result.setdefault(name.name, declaration.position)
    return result


def structure(scope: Scope, declaration: ast.StructureDeclaration) -> Type:
    """Enter a structure; the bodies of its methods are checked by `check.py`."""
    given = attributes(scope, declaration.attributes)
    if declaration.keyword == "external_type":
        given.setdefault("external", "yes")
    if declaration.keyword == "global":
        scope.refuse(declaration.position, "'global'", "use 'structure'")
    external = given.get("external") == "yes"
    bare = given.get("primitive") == "yes" and not declaration.members
    new = Type(
        name=declaration.name.name,
        kind="primitive" if bare else "external" if external else "structure",
        machine=scope.machine,
        description=given.get("desc", ""),
        interface=given.get("interface"),
        attributes=given,
        position=declaration.position,
    )
    scope.declare_type(new)
    for member in declaration.members:
        if isinstance(member, ast.ObjectDeclaration):
            _field(scope, new, member)
        else:
            _method(scope, new, member)
    return new


def _field(scope: Scope, owner: Type, member: ast.ObjectDeclaration) -> None:
    found = scope.type(member.declared_type)
    if member.name.name in owner.fields:
        first = owner.fields[member.name.name].position
        scope.diagnostics.error(
            member.position,
            f"field '{member.name}' of '{owner}' is declared twice, first at {first}",
        )
    elif found is None:
        scope.broken.add(member.name.name)
    else:
        if member.value is not None:
            scope.refuse(member.value.position, "the value of a field", 'write default="..."')
        given = attributes(scope, member.attributes)
        owner.fields[member.name.name] = Field(
            name=member.name.name,
            type=found,
            pointer=member.pointer,
            description=given.get("desc", ""),
            attributes=given,
            position=member.position,
        )


def _method(scope: Scope, owner: Type, member: ast.FunctionDeclaration) -> None:
    new = make_function(scope, member)
    if new is None:
        return
    types = [parameter.type for parameter in new.parameters]
    for other in owner.methods:
        if other.name == new.name and [p.type for p in other.parameters] == types:
            scope.diagnostics.error(
                member.position,
                f"method '{new.signature}' of '{owner}' is declared twice, "
                f"first at {other.position}",
            )
            return
    owner.methods.append(new)


def make_function(scope: Scope, declaration: ast.FunctionDeclaration) -> Function | None:
    """A function without entering it; None, and diagnostics, if one of its types is unknown."""
    return_type = scope.type(declaration.return_type)
    parameters: list[Parameter] = []
    complete = return_type is not None
    for parameter in declaration.parameters:
        found = scope.type(parameter.declared_type)
        if found is VOID:
            scope.diagnostics.error(parameter.position, "a parameter cannot be 'void'")
        if found is None or found is VOID:
            complete = False
            continue
        parameters.append(
            Parameter(
                name=parameter.name.name if parameter.name else None,
                type=found,
                passed_by=parameter.passed_by,
                default=parameter.default,
            )
        )
    if not complete or return_type is None:
        scope.broken.add(declaration.name.name)
        return None
    return Function(
        name=declaration.name.name,
        origin="external" if declaration.body is None else "defined",
        machine=scope.machine,
        return_type=return_type,
        parameters=tuple(parameters),
        attributes=attributes(scope, declaration.attributes),
        body=declaration.body,
        position=declaration.position,
    )


def enumeration(
    scope: Scope, declaration: ast.EnumerationDeclaration | ast.StateDeclaration
) -> Type:
    """Enter an enumeration and the functions that come with it."""
    given = attributes(scope, declaration.attributes)
    new = Type(
        name=declaration.name.name,
        kind="enumeration",
        machine=scope.machine,
        description=given.get("desc", ""),
        interface=None,
        attributes=given,
        position=declaration.position,
    )
    what = "state" if isinstance(declaration, ast.StateDeclaration) else "value"
    what = "event" if new.name == "Event" and scope.machine else what
    for item in declaration.items:
        _item(scope, new, item, what)
    if not new.items:
        scope.diagnostics.error(new.position, f"enumeration '{new}' is empty")
    scope.declare_type(new)
    _generated(scope, new, "to_string", "std::string")
    if isinstance(declaration, ast.StateDeclaration):
        _generated(scope, new, "to_permission", "AccessPermission")
    return new


def _item(scope: Scope, owner: Type, item: ast.EnumerationItem | ast.StateItem, what: str) -> None:
    name = item.name.name
    if name in owner.items:
        scope.diagnostics.error(
            item.position,
            f"{what} '{name}' is declared twice, first at {owner.items[name].position}",
        )
        return
    if name == "NUM":
        scope.diagnostics.error(
            item.position, "'NUM' is how many there are, in C++ and in gem5: choose another"
        )
    given = attributes(scope, item.attributes)
    owner.items[name] = EnumerationItem(
        name=name,
        description=given.get("desc", ""),
        attributes=given,
        position=item.position,
    )


def _generated(scope: Scope, owner: Type, name: str, returns: str) -> None:
    result = scope.find_type(returns)
    if result is None:
        return
    parameter = Parameter(name=None, type=owner, passed_by="value", default=None)
    scope.declare_function(
        Function(
            name=f"{owner.unique_name}_{name}",
            origin="generated",
            machine=scope.machine,
            return_type=result,
            parameters=(parameter,),
            attributes={},
            body=None,
            position=owner.position,
        )
    )


def variable(
    scope: Scope,
    declaration: ast.ObjectDeclaration,
    kind: Literal["machine parameter", "object"],
) -> Variable | None:
    """Enter a machine's parameter or an object; None if its type is unknown."""
    found = scope.type(declaration.declared_type)
    if found is VOID:
        scope.diagnostics.error(declaration.position, "a variable cannot be 'void'")
    if found is None or found is VOID:
        scope.broken.add(declaration.name.name)
        return None
    new = Variable(
        name=declaration.name.name,
        kind=kind,
        type=found,
        pointer=declaration.pointer,
        value=declaration.value,
        attributes=attributes(scope, declaration.attributes),
        position=declaration.position,
    )
    scope.declare_variable(new)
    return new
