# SPDX-License-Identifier: BSD-3-Clause
"""The syntax of SLICC as plain data: one frozen class a construct, with its place in the source.

Built by `parser.py`, annotated by the checker, read by the emitters. Expressions carry a `note`,
the one thing here that changes: the checker writes into it the type of the expression and, for a
name or a call, what it stands for. `expression.type` reads it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from homeshift.slicc.model import Function, Type, Variable

PassedBy = Literal["value", "pointer", "reference", "const reference"]


@dataclass(frozen=True, slots=True)
class Position:
    """A stretch of source: lines and columns from 1, the end just behind the last character."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Anything with a place in the source."""

    position: Position = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier(Node):
    """A name where it is written; types may hold '::', as in 'std::string'."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute(Node):
    """`name="value"` behind a comma; a bare string, as an action's short name, is named 'short'."""

    name: str
    value: str


Attributes = tuple[Attribute, ...]


# ---------------------------------------------------------------------------------------------
# Expressions


@dataclass(slots=True)
class Note:
    """What the checker found out about an expression.

    type: of the value; None until checked, or if the expression is wrong.
    variable: what a Name stands for.
    function: what a FunctionCall, a MethodCall or an Index calls; None for trigger() and DPRINTF().
    """

    type: Type | None = None
    variable: Variable | None = None
    function: Function | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression(Node):
    """Anything with a value."""

    note: Note = field(default_factory=Note, compare=False, repr=False)

    @property
    def type(self) -> Type:
        """The type that the checker found; only for a checked protocol."""
        if self.note.type is None:
            raise ValueError(f"{self.position}: not checked")
        return self.note.type


@dataclass(frozen=True, slots=True, kw_only=True)
class Name(Expression):
    """A variable, parameter, port, or an implicit one such as `address`: see `note.variable`."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegerLiteral(Expression):
    """`12`."""

    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatLiteral(Expression):
    """`0.5`: parsed, but refused by the checker."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BooleanLiteral(Expression):
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StringLiteral(Expression):
    """The text between the quotes, escapes untouched: it can be put between quotes in C++."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfDomain(Expression):
    """`OOD`: the null pointer, only behind `return`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumerationValue(Expression):
    """`State:I`; `type` is the enumeration."""

    enumeration: Identifier
    value: Identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(Expression):
    """`object.field`."""

    object: Expression
    field: Identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Index(Expression):
    """`object[key]`, which calls the method lookup: `note.function`."""

    object: Expression
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCall(Expression):
    """`name(arguments)`, also trigger(), error(), assert() and DPRINTF()."""

    name: Identifier
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodCall(Expression):
    """`object.name(arguments)`."""

    object: Expression
    name: Identifier
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassMethodCall(Expression):
    """`Type::name(arguments)`: parsed, but refused by the checker."""

    class_type: Identifier
    name: Identifier
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class New(Expression):
    """`new Entry`."""

    new_type: Identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticCast(Expression):
    """`static_cast(Entry, "pointer", value)`; how is 'pointer', 'value' or 'ref'."""

    to: Identifier
    how: str
    value: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class IsValid(Expression):
    """`is_valid(value)`, or `is_invalid(value)` if not expected."""

    value: Expression
    expected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unary(Expression):
    """operator: '!' or '-' ('++' and '--' are parsed, but refused)."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary(Expression):
    """operator: + - * / % < <= > >= == != && || << >> ('&' and '|' are parsed, but refused)."""

    operator: str
    left: Expression
    right: Expression


# ---------------------------------------------------------------------------------------------
# Statements


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement(Node):
    """Anything that stands in a block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block(Node):
    """`{ statements }`, a scope of its own."""

    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionStatement(Statement):
    """A call for its effect."""

    expression: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment(Statement):
    """`target := value;`, the target a Name or a Member."""

    target: Expression
    value: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalVariable(Statement):
    """`Entry e := value;` or `Entry e;`; `note.variable` is the variable, `note.type` its type."""

    declared_type: Identifier
    name: Identifier
    value: Expression | None
    note: Note = field(default_factory=Note, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class If(Statement):
    """`else if` is an otherwise that holds one If."""

    condition: Expression
    then: Block
    otherwise: Block | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Return(Statement):
    """`return value;`: there is no return without a value."""

    value: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Peek(Statement):
    """`peek(port, Type) { }`: the port's first message is `in_msg` in the body."""

    port: Name
    message_type: Identifier
    attributes: Attributes
    body: Block
    note: Note = field(default_factory=Note, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enqueue(Statement):
    """`enqueue(port, Type, latency) { }`: a new message is `out_msg` in the body.

    Without a latency it is one cycle.
    """

    port: Name
    message_type: Identifier
    latency: Expression | None
    bypass: Expression | None
    body: Block
    note: Note = field(default_factory=Note, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StallAndWait(Statement):
    """`stall_and_wait(port, address);`."""

    port: Name
    address: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Statement):
    """A statement of gem5's SLICC that the subset leaves out; `construct` is its keyword."""

    construct: str


# ---------------------------------------------------------------------------------------------
# Declarations


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration(Node):
    """`position` is the name that is declared, so that a caret points at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolName(Declaration):
    """`protocol "name" options;`. Options, since gem5 24.1, say how Ruby uses the protocol."""

    name: str
    options: tuple[Identifier, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Include(Declaration):
    """Replaced by the included file's declarations while parsing."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectDeclaration(Declaration):
    """A machine's parameter, a variable, a structure's field: `Type * name := value;`."""

    declared_type: Identifier
    pointer: bool
    name: Identifier
    attributes: Attributes
    value: Expression | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterDeclaration(Declaration):
    """A function's parameter; without a name in a prototype that gives types only."""

    declared_type: Identifier
    passed_by: PassedBy
    name: Identifier | None
    default: Expression | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionDeclaration(Declaration):
    """A function, or a structure's method; a prototype has no body."""

    return_type: Identifier
    name: Identifier
    parameters: tuple[ParameterDeclaration, ...]
    attributes: Attributes
    body: Block | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureDeclaration(Declaration):
    """`structure`, `external_type` or `global`: see keyword."""

    keyword: str
    name: Identifier
    attributes: Attributes
    members: tuple[ObjectDeclaration | FunctionDeclaration, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumerationItem(Node):
    """`name, desc="...";`."""

    name: Identifier
    attributes: Attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumerationDeclaration(Declaration):
    """`enumeration(name) { items }`."""

    name: Identifier
    attributes: Attributes
    items: tuple[EnumerationItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StateItem(Node):
    """`name, AccessPermission:Busy, desc="...";`."""

    name: Identifier
    permission: EnumerationValue
    attributes: Attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class StateDeclaration(Declaration):
    """`state_declaration(State) { items }`."""

    name: Identifier
    attributes: Attributes
    items: tuple[StateItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InPortDeclaration(Declaration):
    """`in_port(name, message_type, buffer, rank=1) { body }`."""

    name: Identifier
    message_type: Identifier
    buffer: Name
    attributes: Attributes
    body: Block


@dataclass(frozen=True, slots=True, kw_only=True)
class OutPortDeclaration(Declaration):
    """`out_port(name, message_type, buffer);`."""

    name: Identifier
    message_type: Identifier
    buffer: Name
    attributes: Attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionDeclaration(Declaration):
    """`action(name, "short", desc="...") { body }`."""

    name: Identifier
    attributes: Attributes
    body: Block


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionDeclaration(Declaration):
    """`transition(states, events, next_state) { actions }`; `position` is the keyword.

    next_state: None to stay in each state; '*' is parsed, but refused.
    request_types: the set before the actions, of protocols that count tag and data accesses.
    """

    states: tuple[Identifier, ...]
    events: tuple[Identifier, ...]
    next_state: Identifier | None
    request_types: tuple[Identifier, ...]
    actions: tuple[Identifier, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineDeclaration(Declaration):
    """`machine(MachineType:L1Cache, "...") : parameters { declarations }`."""

    machine_type: EnumerationValue
    attributes: Attributes
    parameters: tuple[ObjectDeclaration, ...]
    declarations: tuple[Declaration, ...]
