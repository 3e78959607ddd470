# SPDX-License-Identifier: BSD-3-Clause
"""Statements and expressions of SLICC as C++ for the embedded engine.

A message is at its port when the port's code runs, so `isReady` is true, and `dequeue` and
`stall_and_wait` name the port for the engine to check. `in_msg` and `out_msg` are references;
`tbe`, `cache_entry` and other entries are pointers.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from homeshift.errors import HomeshiftError
from homeshift.slicc import ast
from homeshift.slicc.model import Function, Machine, Type, Variable

NUMBERS = {"int": "int", "bool": "bool", "Cycles": "Cycles", "std::string": "std::string"}
DROPPED = frozenset({"DPRINTF", "APPEND_TRANSITION_COMMENT"})
MEMORY_BUFFER = "requestToMemory"  # as in gem5, the buffer in front of a memory controller


class EmitError(HomeshiftError):
    """The protocol is right, but the embedded engine lacks something that it uses."""

    exit_status = 2

    def __init__(self, node: ast.Node, what: str) -> None:
        super().__init__(f"{node.position}: the embedded engine does not provide {what}")


def cpp_type(type_: Type) -> str:
    """The C++ type of a value (without the star of a pointer)."""
    return NUMBERS.get(type_.name, type_.unique_name)


def parameter_list(function: Function) -> str:
    """Return a function's parameters as C++ declares them."""
    parts = []
    for parameter in function.parameters:
        mark = " *" if parameter.type.by_pointer or parameter.passed_by == "pointer" else " "
        if parameter.passed_by == "reference":
            mark = " &"
        parts.append(f"[[maybe_unused]] {cpp_type(parameter.type)}{mark}{parameter.name}")
    return ", ".join(parts)


class Body:
    """Emits code that runs as a member function of a machine's controller.

    With `only_events`, it is the in_port of a core's requests once more, which takes hits alone and
    is given the `request`.
    """

    def __init__(
        self,
        machine: Machine,
        *,
        in_action: bool = False,
        only_events: Container[str] | None = None,
    ) -> None:
        self.machine = machine
        self.only_events = only_events
        self.in_action = in_action

    # ---- statements -----------------------------------------------------------------------

    def block(self, block: ast.Block | None) -> list[str]:
        """Return a block with its braces, a line each."""
        assert block is not None
        return ["{", *(f"    {line}" for line in self._lines(block.statements)), "}"]

    def _lines(self, statements: Iterable[ast.Statement]) -> Iterator[str]:
        for statement in statements:
            yield from self._statement(statement)

    def _statement(self, node: ast.Statement) -> Iterator[str]:
        match node:
            case ast.ExpressionStatement(expression=ast.FunctionCall() as call):
                yield from self._call_statement(call)
            case ast.ExpressionStatement():
                yield f"{self.expression(node.expression)};"
            case ast.Assignment():
                yield f"{self.expression(node.target)} = {self.expression(node.value)};"
            case ast.LocalVariable():
                type_ = node.note.type
                assert type_ is not None
                star = " *" if type_.by_pointer else " "
                value = f" = {self.expression(node.value)}" if node.value else "{}"
                yield f"[[maybe_unused]] {cpp_type(type_)}{star}{node.name}{value};"
            case ast.If():
                yield f"if ({self.expression(node.condition)}) {{"
                yield from (f"    {line}" for line in self._lines(node.then.statements))
                if node.otherwise is not None:
                    yield "} else {"
                    yield from (f"    {line}" for line in self._lines(node.otherwise.statements))
                yield "}"
            case ast.Return():
                yield f"return {self.expression(node.value)};"
            case ast.Peek():
                yield "{"
                port = f"port_{node.port.name}"
                type_ = node.note.type
                assert type_ is not None
                peeked = f"peek<{cpp_type(type_)}>({port})"
                if self.only_events is not None:
                    peeked = f"static_cast<const {cpp_type(type_)} &>(request)"
                yield f"    [[maybe_unused]] const auto &in_msg = {peeked};"
                yield from (f"    {line}" for line in self._lines(node.body.statements))
                yield "}"
            case ast.Enqueue():
                yield from self._enqueue(node)
            case ast.Refused(construct="check_on_cache_probe"):
                return
            case ast.StallAndWait():
                yield f"stall(port_{node.port.name}, {self.expression(node.address)});"
            case _:
                raise EmitError(node, f"the statement {type(node).__name__}")

    def _enqueue(self, node: ast.Enqueue) -> Iterator[str]:
        type_ = node.note.type
        port = node.port.note.variable
        assert type_ is not None
        assert port is not None
        assert port.buffer is not None
        latency = self.expression(node.latency) if node.latency else "1"
        yield "{"
        yield f"    auto &out_msg = *new {cpp_type(type_)};"
        yield from (f"    {line}" for line in self._lines(node.body.statements))
        yield f"    {self._send(node, port.buffer, latency)}"
        yield "}"

    def _send(self, node: ast.Enqueue, buffer: Variable, latency: str) -> str:
        if buffer.network == "To":
            fields = node.note.type.fields.values() if node.note.type else ()
            address = next((f"out_msg.{f.name}" for f in fields if f.type.name == "Addr"), "0")
            return f"send(&out_msg, {buffer.virtual_network}, {latency}, {address});"
        if buffer.name == MEMORY_BUFFER:
            return f"send_to_dram(&out_msg, {latency});"
        for port in self.machine.in_ports:
            if port.buffer is buffer:
                return f"enqueue_local(&out_msg, port_{port.name}, {latency});"
        raise EmitError(node, f"a buffer that nobody reads ('{buffer.name}')")

    def _call_statement(self, call: ast.FunctionCall) -> Iterator[str]:
        name = call.name.name
        if name in DROPPED:
            return
        arguments = [self.expression(argument) for argument in call.arguments]
        match name:
            case "trigger":
                event, address, *pointers = arguments
                # SLICC names the entry before the TBE, transition() the TBE first.
                all_arguments = ", ".join([event, address, *reversed(pointers)])
                if self.only_events is not None:
                    match call.arguments[0]:
                        case ast.EnumerationValue(value=value) if (
                            value.name not in self.only_events
                        ):
                            yield "return false;"
                        case _:
                            yield f"return transition_if_hit({all_arguments});"
                else:
                    yield f"transition({all_arguments});"
                    yield "return;"
            case "error":
                yield f'fail("{call.position}: " {arguments[0]});'
            case "assert":
                yield f'check({arguments[0]}, "{call.position}");'
            case "set_tbe":
                yield f"tbe = {arguments[0]};"
            case "unset_tbe":
                yield "tbe = nullptr;"
            case "set_cache_entry":
                assert self.machine.entry is not None
                entry = cpp_type(self.machine.entry)
                yield f"cache_entry = static_cast<{entry} *>({arguments[0]});"
            case "unset_cache_entry":
                yield "cache_entry = nullptr;"
            case _:
                yield f"{self.expression(call)};"

    # ---- expressions -----------------------------------------------------------------------

    def expression(self, node: ast.Expression) -> str:
        """Return an expression, in parentheses where the order of operators could matter."""
        match node:
            case ast.Name():
                return node.name
            case ast.IntegerLiteral():
                return str(node.value)
            case ast.BooleanLiteral():
                return "true" if node.value else "false"
            case ast.StringLiteral():
                return f'"{node.text}"'
            case ast.OutOfDomain():
                return "nullptr"
            case ast.EnumerationValue():
                return f"{node.type.unique_name}_{node.value}"
            case ast.Member():
                return f"{self._object(node.object)}{node.field}"
            case ast.Index():
                arguments = ", ".join(self.expression(a) for a in node.arguments)
                return f"{self._object(node.object)}lookup({arguments})"
            case ast.MethodCall():
                return self._method(node)
            case ast.FunctionCall():
                arguments = ", ".join(self.expression(a) for a in node.arguments)
                return f"{node.name}({arguments})"
            case ast.StaticCast():
                star = " *" if node.how == "pointer" else ""
                to = self._type_named(node, node.to.name)
                return f"static_cast<{to}{star}>({self.expression(node.value)})"
            case ast.IsValid():
                return f"({self.expression(node.value)} {'!=' if node.expected else '=='} nullptr)"
            case ast.Unary():
                return f"({node.operator}{self.expression(node.operand)})"
            case ast.Binary():
                left, right = self.expression(node.left), self.expression(node.right)
                return f"({left} {node.operator} {right})"
        raise EmitError(node, f"the expression {type(node).__name__}")

    def _type_named(self, node: ast.Expression, name: str) -> str:
        for type_ in self.machine.structures:
            if type_.name == name:
                return cpp_type(type_)
        return cpp_type(node.type)

    def _object(self, node: ast.Expression) -> str:
        """An object with the dot or arrow to its members."""
        variable = node.note.variable if isinstance(node, ast.Name) else None
        pointer = node.type.by_pointer or (variable is not None and variable.pointer)
        return f"{self.expression(node)}{'->' if pointer else '.'}"

    def _method(self, node: ast.MethodCall) -> str:
        method = node.name.name
        variable = node.object.note.variable if isinstance(node.object, ast.Name) else None
        if variable is not None and variable.kind == "in port":
            if method == "isReady":
                return "true"
            if method == "dequeue":
                return f"dequeue(port_{variable.name})"
            if method == "recycle":
                return f"recycle(port_{variable.name})"
            raise EmitError(node, f"'{method}' of an in_port")
        arguments = ", ".join(self._argument(a) for a in node.arguments)
        return f"{self._object(node.object)}{method}({arguments})"

    def _argument(self, node: ast.Expression) -> str:
        """An argument of a method. A new entry is a value: the table that takes it has a place."""
        if isinstance(node, ast.New):
            return f"{self._type_named(node, node.new_type.name)}{{}}"
        return self.expression(node)
