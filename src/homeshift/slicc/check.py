# SPDX-License-Identifier: BSD-3-Clause
"""Checks a parsed protocol and builds its model: `check(source, name, diagnostics)`.

Split by idea: scope.py (names), declare.py (types, variables), check_functions.py,
check_statements.py, check_expressions.py, check_calls.py (overloads), check_machine.py and
check_buffers.py (machines), check_flow.py (states, events and ports: what can happen at all).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from homeshift.errors import InputError, near
from homeshift.slicc import ast, declare
from homeshift.slicc.check_flow import check_flow
from homeshift.slicc.check_functions import check_function, check_structure
from homeshift.slicc.check_machine import MachineChecker
from homeshift.slicc.errors import Diagnostic, Diagnostics, SliccError
from homeshift.slicc.model import Machine, Protocol, Variable
from homeshift.slicc.parser import Source, parse_file
from homeshift.slicc.scope import Scope

# gem5's, of functional accesses and of load-linked and store-conditional: not of this engine.
PROTOCOL_OPTIONS = (
    "partial_func_reads",
    "use_secondary_load_linked",
    "use_secondary_store_conditional",
)


@dataclass(frozen=True, slots=True)
class Checked:
    """A protocol with its warnings; the sources are for `Diagnostic.render`."""

    protocol: Protocol
    warnings: tuple[Diagnostic, ...]
    sources: dict[str, str]


def load(path: Path | str) -> Protocol:
    """Read and check a protocol; warnings are dropped.

    Raises:
        SliccError: the protocol has errors.
        InputError: the file cannot be read, or is a part of a protocol.
    """
    return load_checked(path).protocol


def load_checked(path: Path | str) -> Checked:
    """Like `load`, with the warnings; SliccError holds the warnings too."""
    diagnostics = Diagnostics()
    source = parse_file(path, diagnostics)
    named = any(isinstance(d, ast.ProtocolName) for d in source.declarations)
    if not named and not diagnostics.errors and Path(path).suffix != ".slicc":
        fault = "names no protocol, as a part of one; give the .slicc file that includes it"
        raise InputError(f"protocol '{path}'", [fault])
    protocol = None
    if not diagnostics.errors:  # a file that was not parsed would make many names unknown
        protocol = check(source, Path(path).stem, diagnostics)
    if protocol is None or diagnostics.errors:
        raise SliccError(diagnostics.found, diagnostics.sources)
    return Checked(protocol, diagnostics.warnings, diagnostics.sources)


def check(source: Source, name: str, diagnostics: Diagnostics) -> Protocol | None:
    """Check all declarations, from top to bottom as gem5 does.

    Args:
        source: what was parsed.
        name: the protocol's name if no `protocol "..."` gives it.
        diagnostics: where the faults go.
    """
    checker = _Checker(Scope(diagnostics, later=declare.names(source.declarations)), name)
    for declaration in source.declarations:
        checker.declaration(declaration)
    if not diagnostics.errors:
        for machine in checker.machines.values():
            check_flow(machine, diagnostics)
    functions = [f for same in checker.scope.functions.values() for f in same]
    return Protocol(
        name=checker.name,
        types=checker.scope.types,
        functions=tuple(functions),
        variables=checker.scope.variables,
        machines=checker.machines,
        files=source.files,
    )


@dataclass(slots=True)
class _Checker:
    scope: Scope
    name: str
    named: ast.Position | None = None
    machines: dict[str, Machine] = field(default_factory=dict)
    seen: dict[str, ast.Position] = field(default_factory=dict)

    def declaration(self, d: ast.Declaration) -> None:
        match d:
            case ast.ProtocolName():
                if self.named is not None:
                    self.scope.diagnostics.error(
                        d.position, f"the protocol has a name already, at {self.named}"
                    )
                self.name, self.named = d.name, d.position
                for option in d.options:
                    if option.name not in PROTOCOL_OPTIONS:
                        hint = near(option.name, PROTOCOL_OPTIONS)
                        self.scope.diagnostics.error(
                            option.position, f"a protocol has no option '{option.name}'{hint}"
                        )
            case ast.StructureDeclaration():
                check_structure(self.scope, d)
            case ast.EnumerationDeclaration():
                declare.enumeration(self.scope, d)
            case ast.ObjectDeclaration():
                self._object(d)
            case ast.FunctionDeclaration():
                check_function(self.scope, d)
            case ast.MachineDeclaration():
                self._machine(d)
            case _:
                self.scope.diagnostics.error(d.position, "this belongs into a machine")

    def _object(self, d: ast.ObjectDeclaration) -> Variable | None:
        return declare.variable(self.scope, d, "object")

    def _machine(self, d: ast.MachineDeclaration) -> None:
        name = d.machine_type.value
        types = self.scope.type(d.machine_type.enumeration)
        if types is not None and name.name not in types.items:
            hint = near(name.name, types.items)
            self.scope.diagnostics.error(name.position, f"no machine type '{name}'{hint}")
        if name.name in self.seen:
            self.scope.diagnostics.error(
                name.position,
                f"machine '{name}' is declared twice, first at {self.seen[name.name]}",
            )
            return
        self.seen[name.name] = d.position
        inner = self.scope.inner()
        inner.machine = name.name
        inner.later = declare.names(d.declarations)
        machine = MachineChecker(inner, d).check()
        if machine is not None:
            self.machines[name.name] = machine
