# SPDX-License-Identifier: BSD-3-Clause
"""Turns lark's parse tree into the classes of `ast.py`: one method a rule of grammar.lark."""

# The methods are named and called by rule: there is nothing more to say about each.
# ruff: noqa: D102, ARG002

from __future__ import annotations

from typing import Any

from lark import Token, Transformer, v_args
from lark.tree import Meta

from homeshift.slicc import ast
from homeshift.slicc.ast import Position

Children = list[Any]


def _place(meta: Meta | Token) -> tuple[int, int, int, int]:
    # lark leaves them out for rules without tokens, which no position is asked of.
    return meta.line or 0, meta.column or 0, meta.end_line or 0, meta.end_column or 0


@v_args(meta=True)
class Build(Transformer[Token, Any]):
    """`transform(tree)` gives the list of declarations of one file."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self.file = file

    def at(self, meta: Meta | Token) -> Position:
        return Position(self.file, *_place(meta))

    # Names and attributes

    def ident(self, meta: Meta, c: Children) -> ast.Identifier:
        return ast.Identifier(position=self.at(meta), name=str(c[0]))

    def type(self, meta: Meta, c: Children) -> ast.Identifier:
        return ast.Identifier(position=self.at(meta), name="::".join(part.name for part in c))

    def void(self, meta: Meta, c: Children) -> ast.Identifier:
        return ast.Identifier(position=self.at(meta), name="void")

    def star(self, meta: Meta, c: Children) -> ast.Identifier:
        return ast.Identifier(position=self.at(meta), name="*")

    pointer = star

    def next_state(self, meta: Meta, c: Children) -> ast.Identifier:
        name: ast.Identifier = c[0]
        return name

    def one_ident(self, meta: Meta, c: Children) -> tuple[ast.Identifier, ...]:
        return tuple(c)

    braced = one_ident

    def attribute(self, meta: Meta, c: Children) -> ast.Attribute:
        return ast.Attribute(position=self.at(meta), name=c[0].name, value=str(c[1])[1:-1])

    def attribute_ident(self, meta: Meta, c: Children) -> ast.Attribute:
        return ast.Attribute(position=self.at(meta), name=c[0].name, value=c[1].name)

    def attribute_number(self, meta: Meta, c: Children) -> ast.Attribute:
        return ast.Attribute(position=self.at(meta), name=c[0].name, value=str(c[1]))

    def attribute_short(self, meta: Meta, c: Children) -> ast.Attribute:
        return ast.Attribute(position=self.at(meta), name="short", value=str(c[0])[1:-1])

    def attributes(self, meta: Meta, c: Children) -> tuple[ast.Attribute, ...]:
        return tuple(c)

    # Expressions

    def name(self, meta: Meta, c: Children) -> ast.Name:
        return ast.Name(position=self.at(meta), name=c[0].name)

    def integer(self, meta: Meta, c: Children) -> ast.IntegerLiteral:
        return ast.IntegerLiteral(position=self.at(meta), value=int(c[0]))

    def float(self, meta: Meta, c: Children) -> ast.FloatLiteral:
        return ast.FloatLiteral(position=self.at(meta), text=str(c[0]))

    def boolean(self, meta: Meta, c: Children) -> ast.BooleanLiteral:
        return ast.BooleanLiteral(position=self.at(meta), value=c[0] == "true")

    def string(self, meta: Meta, c: Children) -> ast.StringLiteral:
        return ast.StringLiteral(position=self.at(meta), text=str(c[0])[1:-1])

    def out_of_domain(self, meta: Meta, c: Children) -> ast.OutOfDomain:
        return ast.OutOfDomain(position=self.at(meta))

    def enumeration(self, meta: Meta, c: Children) -> ast.EnumerationValue:
        return ast.EnumerationValue(position=self.at(meta), enumeration=c[0], value=c[1])

    def binary(self, meta: Meta, c: Children) -> ast.Binary:
        return ast.Binary(position=self.at(meta), left=c[0], operator=str(c[1]), right=c[2])

    def unary(self, meta: Meta, c: Children) -> ast.Unary:
        return ast.Unary(position=self.at(meta), operator=str(c[0]), operand=c[1])

    def arguments(self, meta: Meta, c: Children) -> tuple[ast.Expression, ...]:
        return tuple(c)

    def call(self, meta: Meta, c: Children) -> ast.FunctionCall:
        return ast.FunctionCall(position=self.at(meta), name=c[0], arguments=c[1])

    def new(self, meta: Meta, c: Children) -> ast.New:
        return ast.New(position=self.at(meta), new_type=c[0])

    def cast_reference(self, meta: Meta, c: Children) -> ast.StaticCast:
        return ast.StaticCast(position=self.at(meta), to=c[0], how="ref", value=c[1])

    def cast(self, meta: Meta, c: Children) -> ast.StaticCast:
        return ast.StaticCast(position=self.at(meta), to=c[0], how=str(c[1])[1:-1], value=c[2])

    def is_valid(self, meta: Meta, c: Children) -> ast.IsValid:
        return ast.IsValid(position=self.at(meta), value=c[0], expected=True)

    def is_invalid(self, meta: Meta, c: Children) -> ast.IsValid:
        return ast.IsValid(position=self.at(meta), value=c[0], expected=False)

    def member(self, meta: Meta, c: Children) -> ast.Member:
        return ast.Member(position=self.at(meta), object=c[0], field=c[1])

    def method_call(self, meta: Meta, c: Children) -> ast.MethodCall:
        return ast.MethodCall(position=self.at(meta), object=c[0], name=c[1], arguments=c[2])

    def index(self, meta: Meta, c: Children) -> ast.Index:
        return ast.Index(position=self.at(meta), object=c[0], arguments=c[1])

    def class_method_call(self, meta: Meta, c: Children) -> ast.ClassMethodCall:
        return ast.ClassMethodCall(
            position=self.at(meta), class_type=c[0], name=c[1], arguments=c[2]
        )

    # Statements

    def block(self, meta: Meta, c: Children) -> ast.Block:
        return ast.Block(position=self.at(meta), statements=tuple(c))

    def expression_statement(self, meta: Meta, c: Children) -> ast.ExpressionStatement:
        return ast.ExpressionStatement(position=self.at(meta), expression=c[0])

    def assignment(self, meta: Meta, c: Children) -> ast.Assignment:
        return ast.Assignment(position=self.at(meta), target=c[0], value=c[1])

    def local_variable(self, meta: Meta, c: Children) -> ast.LocalVariable:
        return ast.LocalVariable(position=c[1].position, declared_type=c[0], name=c[1], value=c[2])

    def if_statement(self, meta: Meta, c: Children) -> ast.If:
        otherwise = c[2]
        if isinstance(otherwise, ast.If):
            otherwise = ast.Block(position=otherwise.position, statements=(otherwise,))
        return ast.If(position=self.at(meta), condition=c[0], then=c[1], otherwise=otherwise)

    def return_(self, meta: Meta, c: Children) -> ast.Return:
        return ast.Return(position=self.at(meta), value=c[0])

    def peek(self, meta: Meta, c: Children) -> ast.Peek:
        return ast.Peek(
            position=self.at(meta), port=c[0], message_type=c[1], attributes=c[2], body=c[3]
        )

    def enqueue(self, meta: Meta, c: Children) -> ast.Enqueue:
        port, message_type, latency, bypass, body = c
        return ast.Enqueue(
            position=self.at(meta),
            port=port,
            message_type=message_type,
            latency=latency,
            bypass=bypass,
            body=body,
        )

    def stall_and_wait(self, meta: Meta, c: Children) -> ast.StallAndWait:
        return ast.StallAndWait(position=self.at(meta), port=c[0], address=c[1])

    def refused(self, meta: Meta, c: Children) -> ast.Refused:
        return ast.Refused(position=self.at(c[0]), construct=str(c[0]))

    # Declarations

    def start(self, meta: Meta, c: Children) -> list[ast.Declaration]:
        return c

    def protocol(self, meta: Meta, c: Children) -> ast.ProtocolName:
        return ast.ProtocolName(position=self.at(c[0]), name=str(c[0])[1:-1], options=tuple(c[1:]))

    def include(self, meta: Meta, c: Children) -> ast.Include:
        return ast.Include(position=self.at(c[0]), path=str(c[0])[1:-1])

    def object(self, meta: Meta, c: Children) -> ast.ObjectDeclaration:
        name = c[-2]
        return ast.ObjectDeclaration(
            position=name.position,
            declared_type=c[0],
            pointer=len(c) == 4,
            name=name,
            attributes=c[-1],
            value=None,
        )

    def object_value(self, meta: Meta, c: Children) -> ast.ObjectDeclaration:
        name = c[-2]
        return ast.ObjectDeclaration(
            position=name.position,
            declared_type=c[0],
            pointer=len(c) == 4,
            name=name,
            attributes=(),
            value=c[-1],
        )

    def _parameter(self, c: Children, passed_by: ast.PassedBy) -> ast.ParameterDeclaration:
        return ast.ParameterDeclaration(
            position=c[1].position,
            declared_type=c[0],
            passed_by=passed_by,
            name=c[1],
            default=c[2] if len(c) > 2 else None,
        )

    def by_value(self, meta: Meta, c: Children) -> ast.ParameterDeclaration:
        return self._parameter(c, "value")

    def by_pointer(self, meta: Meta, c: Children) -> ast.ParameterDeclaration:
        return self._parameter(c, "pointer")

    def by_reference(self, meta: Meta, c: Children) -> ast.ParameterDeclaration:
        return self._parameter(c, "reference")

    def by_const_reference(self, meta: Meta, c: Children) -> ast.ParameterDeclaration:
        return self._parameter(c, "const reference")

    def type_parameter(self, meta: Meta, c: Children) -> ast.ParameterDeclaration:
        return ast.ParameterDeclaration(
            position=c[0].position,
            declared_type=c[0],
            passed_by="value",
            name=None,
            default=None,
        )

    def function(self, meta: Meta, c: Children) -> ast.FunctionDeclaration:
        body = c.pop() if isinstance(c[-1], ast.Block) else None
        return ast.FunctionDeclaration(
            position=c[1].position,
            return_type=c[0],
            name=c[1],
            parameters=tuple(c[2:-1]),
            attributes=c[-1],
            body=body,
        )

    def structure(self, meta: Meta, c: Children) -> ast.StructureDeclaration:
        return ast.StructureDeclaration(
            position=c[1].position,
            keyword=str(c[0]),
            name=c[1],
            attributes=c[2],
            members=tuple(c[3:]),
        )

    def external_type(self, meta: Meta, c: Children) -> ast.StructureDeclaration:
        return ast.StructureDeclaration(
            position=c[0].position,
            keyword="external_type",
            name=c[0],
            attributes=c[1],
            members=(),
        )

    def item(self, meta: Meta, c: Children) -> ast.EnumerationItem:
        return ast.EnumerationItem(position=c[0].position, name=c[0], attributes=c[1])

    def enumeration_decl(self, meta: Meta, c: Children) -> ast.EnumerationDeclaration:
        return ast.EnumerationDeclaration(
            position=c[0].position, name=c[0], attributes=c[1], items=tuple(c[2:])
        )

    def state_item(self, meta: Meta, c: Children) -> ast.StateItem:
        return ast.StateItem(position=c[0].position, name=c[0], permission=c[1], attributes=c[2])

    def state_decl(self, meta: Meta, c: Children) -> ast.StateDeclaration:
        return ast.StateDeclaration(
            position=c[0].position, name=c[0], attributes=c[1], items=tuple(c[2:])
        )

    def in_port(self, meta: Meta, c: Children) -> ast.InPortDeclaration:
        name, message_type, buffer, attributes, body = c
        return ast.InPortDeclaration(
            position=name.position,
            name=name,
            message_type=message_type,
            buffer=buffer,
            attributes=attributes,
            body=body,
        )

    def out_port(self, meta: Meta, c: Children) -> ast.OutPortDeclaration:
        name, message_type, buffer, attributes = c
        return ast.OutPortDeclaration(
            position=name.position,
            name=name,
            message_type=message_type,
            buffer=buffer,
            attributes=attributes,
        )

    def action(self, meta: Meta, c: Children) -> ast.ActionDeclaration:
        return ast.ActionDeclaration(position=c[0].position, name=c[0], attributes=c[1], body=c[2])

    def transition(self, meta: Meta, c: Children) -> ast.TransitionDeclaration:
        states, events, next_state, first, second = c
        line, column = meta.line, meta.column
        keyword = Position(self.file, line, column, line, column + len("transition"))
        return ast.TransitionDeclaration(
            position=keyword,
            states=states,
            events=events,
            next_state=next_state,
            request_types=first if second is not None else (),
            actions=first if second is None else second,
        )

    def machine_parameters(self, meta: Meta, c: Children) -> tuple[ast.ObjectDeclaration, ...]:
        return tuple(c)

    def machine(self, meta: Meta, c: Children) -> ast.MachineDeclaration:
        machine_type, attributes, parameters, *declarations = c
        return ast.MachineDeclaration(
            position=machine_type.value.position,
            machine_type=machine_type,
            attributes=attributes,
            parameters=parameters,
            declarations=tuple(declarations),
        )
