# SPDX-License-Identifier: BSD-3-Clause
"""What a name means at a place: types, variables and functions, in nested scopes.

As in gem5, a name can be used from its declaration on; a scope also knows what comes later, only to
say so. Inner scopes hide outer ones, but a name that is a type cannot become a variable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from homeshift.errors import near
from homeshift.slicc import ast
from homeshift.slicc.ast import Position
from homeshift.slicc.errors import Diagnostics
from homeshift.slicc.model import Function, Type, Variable

_NOWHERE = Position("builtins.sm", 0, 0, 0, 0)


def _special(name: str) -> Type:
    return Type(
        name=name,
        kind="primitive",
        machine=None,
        description="",
        interface=None,
        attributes={"primitive": "yes", "external": "yes"},
        position=_NOWHERE,
    )


VOID = _special("void")
NULL = _special("OOD")

REFUSED_TYPES = {
    "Scalar": "profile counters are not in the subset; transitions are counted without them",
    "WireBuffer": "wire buffers are not in the subset; use a MessageBuffer with its own in_port",
}


# But int and bool, which are types of SLICC, too.
_WORDS = """
alignas alignof and and_eq asm auto bitand bitor break case catch char char8_t char16_t char32_t
class co_await co_return co_yield compl concept const const_cast consteval constexpr constinit
continue decltype default delete do double dynamic_cast else enum explicit export extern false float
for friend goto if inline long mutable namespace new noexcept not not_eq nullptr operator or or_eq
private protected public register reinterpret_cast requires return short signed sizeof static
static_assert static_cast struct switch template this thread_local throw true try typedef typeid
typename union unsigned using virtual void volatile wchar_t while xor xor_eq
"""
CPP_WORDS = frozenset(_WORDS.split())


@dataclass(slots=True)
class Scope:
    """One level of names.

    machine: the machine that it is in; None outside.
    later: names that are declared in this scope at all, with their place.
    broken: names whose declaration has a fault of its own; their uses are not reported again.
    """

    diagnostics: Diagnostics
    parent: Scope | None = None
    machine: str | None = None
    types: dict[str, Type] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)
    functions: dict[str, list[Function]] = field(default_factory=dict)
    later: Mapping[str, Position] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def inner(self) -> Scope:
        """A new scope in this one."""
        return Scope(self.diagnostics, parent=self, machine=self.machine)

    def outward(self) -> Iterator[Scope]:
        """This scope, then those around it."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    # Declaring

    def declare_type(self, new: Type) -> None:
        """Enter a type, unless the scope has one of that name."""
        self._emitted(new.name, new.position)
        if self._free(new.name, new.position, self.types, "type"):
            self.types[new.name] = new

    def declare_variable(self, new: Variable) -> None:
        """Enter a variable, unless the scope has one of that name."""
        if new.kind not in ("in port", "out port"):
            self._emitted(new.name, new.position)
        if self._free(new.name, new.position, self.variables, "variable"):
            clash = self.find_type(new.name)
            if clash is not None:
                self.diagnostics.error(
                    new.position, f"'{new.name}' is a type already, declared at {clash.position}"
                )
            self.variables[new.name] = new

    def declare_function(self, new: Function) -> None:
        """Enter a function, unless the scope has one with the same parameters."""
        self._emitted(new.name, new.position)
        same = self.functions.setdefault(new.name, [])
        for other in same:
            if [p.type for p in other.parameters] == [p.type for p in new.parameters]:
                self.diagnostics.error(
                    new.position,
                    f"function '{new.signature}' is declared twice, first at {other.position}",
                )
                return
        same.append(new)

    def _emitted(self, name: str, position: Position) -> None:
        if name in CPP_WORDS:
            self.diagnostics.error(
                position, f"'{name}' is a word of C++, where this keeps its name: choose another"
            )

    def _free(
        self, name: str, position: Position, table: Mapping[str, Type | Variable], what: str
    ) -> bool:
        other = table.get(name)
        if other is None:
            return True
        self.diagnostics.error(
            position, f"{what} '{name}' is declared twice, first at {other.position}"
        )
        return False

    # Finding

    def find_type(self, name: str) -> Type | None:
        """The type of that name, the innermost."""
        for scope in self.outward():
            if name in scope.types:
                return scope.types[name]
        return VOID if name == "void" else None

    def find_variable(self, name: str) -> Variable | None:
        """The variable of that name, the innermost."""
        for scope in self.outward():
            if name in scope.variables:
                return scope.variables[name]
        return None

    def find_functions(self, name: str) -> list[Function]:
        """All functions of that name, inner ones first."""
        return [f for scope in self.outward() for f in scope.functions.get(name, ())]

    def type(self, name: ast.Identifier) -> Type | None:
        """The type of that name, or a diagnostic."""
        found = self.find_type(name.name)
        if found is None:
            if name.name in REFUSED_TYPES:
                self.refuse(name.position, f"type '{name}'", REFUSED_TYPES[name.name])
                return None
            known = {t for scope in self.outward() for t in scope.types}
            self.unknown(name.position, "type", name.name, known)
        return found

    def variable(self, name: ast.Name) -> Variable | None:
        """The variable of that name, or a diagnostic."""
        found = self.find_variable(name.name)
        if found is None:
            known = {v for scope in self.outward() for v in scope.variables}
            self.unknown(name.position, "variable", name.name, known)
        name.note.variable = found
        return found

    # Saying no

    def unknown(self, position: Position, what: str, name: str, known: set[str]) -> None:
        """Report a name that stands for nothing, once for each place."""
        for scope in self.outward():
            if name in scope.broken:
                return
            if name in scope.later:
                self.diagnostics.error(
                    position,
                    f"{what} '{name}' is used before it is declared, at {scope.later[name]}",
                )
                return
        hint = near(name, sorted(known))
        self.diagnostics.error(position, f"{what} '{name}' is not declared{hint}")

    def refuse(self, position: Position, what: str, why: str) -> None:
        """Report a construct of gem5's SLICC that the subset leaves out, and what to use."""
        self.diagnostics.error(position, f"{what} is refused: {why}")
