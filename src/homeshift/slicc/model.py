# SPDX-License-Identifier: BSD-3-Clause
"""A checked protocol: what the checker gives to emitters and tables.

Everything is in the order of the source. Statements and expressions are those of `ast.py`, with
every `note` filled in: `expression.type`, `name.note.variable`, `call.note.function`.

`Type` objects are compared by identity and filled while the checker reads, since types refer to
each other; nothing changes after `load()` returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from homeshift.slicc import ast
from homeshift.slicc.ast import PassedBy, Position

TypeKind = Literal["primitive", "external", "structure", "enumeration"]
VariableKind = Literal[
    "machine parameter",  # before the '{' of the machine
    "object",  # declared in the machine's body, as TBEs, or by the engine, as version
    "in port",
    "out port",
    "parameter",  # of a function
    "local",
    "implicit",  # in an action: address, tbe, cache_entry
    "message",  # in_msg, out_msg
    "field",  # of the structure whose method is read
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumerationItem:
    """One value of an enumeration."""

    name: str
    description: str
    attributes: Mapping[str, str]
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A structure's field; its attribute "default" is C++ text."""

    name: str
    type: Type
    pointer: bool
    description: str
    attributes: Mapping[str, str]
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Type:
    """A type.

    kind: 'external' has members that C++ provides, 'primitive' has no members; a 'structure' is
        to be emitted, and so is an 'enumeration' unless it is external.
    machine: the machine that declares it; None for all machines together.
    interface: 'Message' for messages, 'AbstractCacheEntry' for entries, or another type's name.
    """

    name: str
    kind: TypeKind
    machine: str | None
    description: str
    interface: str | None
    attributes: Mapping[str, str]
    position: Position
    fields: dict[str, Field] = field(default_factory=dict, repr=False)
    methods: list[Function] = field(default_factory=list, repr=False)
    items: dict[str, EnumerationItem] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return self.name

    @property
    def external(self) -> bool:
        """Whether C++ provides the type."""
        return self.attributes.get("external") == "yes"

    @property
    def unique_name(self) -> str:
        """The name in C++, as gem5 makes it: 'L1Cache_State'."""
        if self.machine is None or self.kind in ("primitive", "external"):
            return self.attributes.get("external_name", self.name)
        return f"{self.machine}_{self.name}"

    @property
    def is_message(self) -> bool:
        """Whether it can be enqueued."""
        return self.interface == "Message"

    @property
    def by_pointer(self) -> bool:
        """Values of this type are pointers: TBE, AbstractCacheEntry and what implements it."""
        return self.name in ("TBE", "AbstractCacheEntry") or self.interface == "AbstractCacheEntry"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Variable:
    """Anything that a name in an expression can stand for.

    pointer: written with '*', as in `CacheMemory * cache`; see also `type.by_pointer`.
    message_type: of a port.
    buffer: of a port, the machine parameter or object that it reads or writes.
    """

    name: str
    kind: VariableKind
    type: Type
    pointer: bool = False
    passed_by: PassedBy = "value"
    value: ast.Expression | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    message_type: Type | None = None
    buffer: Variable | None = None
    position: Position

    @property
    def network(self) -> Literal["To", "From"] | None:
        """For a MessageBuffer, its direction; None for one that stays inside the node."""
        network = self.attributes.get("network")
        return "To" if network == "To" else "From" if network == "From" else None

    @property
    def virtual_network(self) -> int | None:
        """Number of the virtual network of a buffer on the network."""
        number = self.attributes.get("virtual_network")
        return None if number is None else int(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """Of a function; without a name where a prototype gives types only."""

    name: str | None
    type: Type
    passed_by: PassedBy
    default: ast.Expression | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Function:
    """A function or method.

    origin: 'defined' has a body; 'external' is a prototype, C++ provides it; 'generated' comes
        with an enumeration (L1Cache_State_to_string, L1Cache_State_to_permission).
    machine: whose function it is; None for all.
    """

    name: str
    origin: Literal["defined", "external", "generated"]
    machine: str | None
    return_type: Type
    parameters: tuple[Parameter, ...]
    attributes: Mapping[str, str]
    body: ast.Block | None
    position: Position

    @property
    def returns_pointer(self) -> bool:
        """Whether return_by_pointer="yes" is given."""
        return self.attributes.get("return_by_pointer") == "yes"

    @property
    def signature(self) -> str:
        """As in 'getState(TBE, Entry, Addr)'."""
        return f"{self.name}({', '.join(p.type.name for p in self.parameters)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A state; the permission is a value of AccessPermission, as 'Read_Only'."""

    name: str
    permission: str
    description: str
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class InPort:
    """rank: the attribute of that name; the order of in_ports in the source is their priority."""

    name: str
    message_type: Type
    buffer: Variable
    rank: int | None
    body: ast.Block
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """An action."""

    name: str
    short: str
    description: str
    body: ast.Block
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One (state, event) pair; `actions` are keys of `Machine.actions`, in order."""

    state: str
    event: str
    next_state: str
    actions: tuple[str, ...]
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A controller.

    variables: objects declared in the body; parameters are those before its '{'.
    structures: types declared in the machine, external ones too; State and Event are apart.
    tbe, entry: the types of `tbe` and `cache_entry`, if the machine has them.
    missing: (state, event) pairs without a transition, states first.
    """

    name: str
    description: str
    parameters: tuple[Variable, ...]
    variables: tuple[Variable, ...]
    state_type: Type
    event_type: Type
    states: Mapping[str, State]
    events: Mapping[str, EnumerationItem]
    structures: tuple[Type, ...]
    tbe: Type | None
    entry: Type | None
    functions: tuple[Function, ...]
    in_ports: tuple[InPort, ...]
    actions: Mapping[str, Action]
    transitions: tuple[Transition, ...]
    position: Position

    @property
    def missing(self) -> tuple[tuple[str, str], ...]:
        """Pairs of a state and an event that are claimed never to meet."""
        have = {(transition.state, transition.event) for transition in self.transitions}
        return tuple((s, e) for s in self.states for e in self.events if (s, e) not in have)

    def function(self, name: str) -> Function:
        """The first function of that name; KeyError if there is none."""
        for function in self.functions:
            if function.name == name:
                return function
        raise KeyError(name)

    def in_port_for(self, message: str) -> InPort | None:
        """The first in_port for messages of a type, by its name; None if there is none."""
        return next((p for p in self.in_ports if p.message_type.name == message), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """A protocol without errors.

    types, functions, variables: declared outside the machines, the engine's own (of builtins.sm)
        included.
    files: those read, in order, as they appear in positions.
    """

    name: str
    types: Mapping[str, Type]
    functions: tuple[Function, ...]
    variables: Mapping[str, Variable]
    machines: Mapping[str, Machine]
    files: tuple[str, ...]
