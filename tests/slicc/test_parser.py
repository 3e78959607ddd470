# SPDX-License-Identifier: BSD-3-Clause
"""Is SLICC read as gem5 reads it?"""

from __future__ import annotations

from pathlib import Path

import pytest

from homeshift.slicc import ast
from homeshift.slicc.errors import Diagnostics
from homeshift.slicc.parser import parse_file, parse_text

FOLDER = Path(__file__).parent


def parse(text: str) -> tuple[ast.Declaration, ...]:
    diagnostics = Diagnostics()
    declarations = parse_text(text, "test.sm", diagnostics)
    assert [d.render(diagnostics.sources) for d in diagnostics.found] == []
    return declarations


def expression(text: str) -> ast.Expression:
    (action,) = parse(f'action(a, "a") {{ x := {text}; }}')
    assert isinstance(action, ast.ActionDeclaration)
    (statement,) = action.body.statements
    assert isinstance(statement, ast.Assignment)
    return statement.value


def show(e: ast.Expression) -> str:
    """Fully bracketed."""
    match e:
        case ast.Binary():
            return f"({show(e.left)} {e.operator} {show(e.right)})"
        case ast.Unary():
            return f"({e.operator}{show(e.operand)})"
        case ast.Name():
            return e.name
        case ast.Member():
            return f"{show(e.object)}.{e.field}"
        case ast.MethodCall():
            return f"{show(e.object)}.{e.name}({', '.join(map(show, e.arguments))})"
        case ast.Index():
            return f"{show(e.object)}[{', '.join(map(show, e.arguments))}]"
        case ast.FunctionCall():
            return f"{e.name}({', '.join(map(show, e.arguments))})"
        case _:
            return type(e).__name__


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a || b && c", "(a || (b && c))"),
        ("a == b && c != d", "((a == b) && (c != d))"),
        ("a - b - c", "((a - b) - c)"),
        ("a + b * c", "(a + (b * c))"),
        ("a << b + c", "(a << (b + c))"),
        ("a < b << c", "(a < (b << c))"),
        ("!a == b", "((!a) == b)"),
        ("!a.b", "(!a.b)"),
        ("-a - b", "((-a) - b)"),
        ("TBEs[a].b.c(d, e)", "TBEs[a].b.c(d, e)"),
        ("(a + b) * c", "((a + b) * c)"),
        ("f(a, b,)", "f(a, b)"),
    ],
)
def test_operators_bind_as_in_gem5(text: str, shown: str) -> None:
    assert show(expression(text)) == shown


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("12", ast.IntegerLiteral),
        ("true", ast.BooleanLiteral),
        ('"text"', ast.StringLiteral),
        ("'text'", ast.StringLiteral),
        ("OOD", ast.OutOfDomain),
        ("State:I", ast.EnumerationValue),
        ("new Entry", ast.New),
        ('static_cast(Entry, "pointer", e)', ast.StaticCast),
        ("static_cast(Entry, e)", ast.StaticCast),
        ("is_valid(e)", ast.IsValid),
        ("is_invalid(e)", ast.IsValid),
        ("std::Type::method(a)", ast.ClassMethodCall),
        ("trueish", ast.Name),
    ],
)
def test_kinds_of_expressions(text: str, node: type[ast.Expression]) -> None:
    assert type(expression(text)) is node


@pytest.mark.parametrize(
    ("text", "states", "events", "next_state", "requests", "actions"),
    [
        ("transition(I, Load, V) { a; b; }", "I", "Load", "V", "", "a b"),
        ("transition(I, Load) { a b }", "I", "Load", None, "", "a b"),
        ("transition({I, V}, {Load, Store}, M) {}", "I V", "Load Store", "M", "", ""),
        ("transition({I V;}, Load, *) { a, b }", "I V", "Load", "*", "", "a b"),
        ("transition(I, Load, V) {Tag} { a; }", "I", "Load", "V", "Tag", "a"),
    ],
)
def test_forms_of_a_transition(
    text: str, states: str, events: str, next_state: str | None, requests: str, actions: str
) -> None:
    (node,) = parse(text)
    assert isinstance(node, ast.TransitionDeclaration)
    assert [s.name for s in node.states] == states.split()
    assert [e.name for e in node.events] == events.split()
    assert (node.next_state.name if node.next_state else None) == next_state
    assert [r.name for r in node.request_types] == requests.split()
    assert [a.name for a in node.actions] == actions.split()


def test_parameters_of_functions() -> None:
    text = "bool f(Addr a, Packet *p, WriteMask &m, const Set &s, int n := 3); void g(int, Addr);"
    first, second = parse(text)
    assert isinstance(first, ast.FunctionDeclaration)
    assert [p.passed_by for p in first.parameters] == [
        "value",
        "pointer",
        "reference",
        "const reference",
        "value",
    ]
    assert first.body is None
    assert isinstance(second, ast.FunctionDeclaration)
    assert [p.name for p in second.parameters] == [None, None]


def test_else_if_is_an_if_in_the_otherwise() -> None:
    (action,) = parse("action(a) { if (x) { f(); } else if (y) { g(); } else { h(); } }")
    assert isinstance(action, ast.ActionDeclaration)
    (first,) = action.body.statements
    assert isinstance(first, ast.If)
    assert first.otherwise is not None
    (second,) = first.otherwise.statements
    assert isinstance(second, ast.If)
    assert second.otherwise is not None


def test_positions_are_those_of_the_source() -> None:
    (node,) = parse("\n\n  external_type(std::string, primitive='yes');")
    assert str(node.position) == "test.sm:3:17"
    assert node.position.end_column == 28


def test_comments_are_skipped() -> None:
    assert parse("/* one\n * two */ // three\n/**/") == ()


def test_includes_take_the_place_of_the_statement(tmp_path: Path) -> None:
    (tmp_path / "p.slicc").write_text('include "sub/m.sm";\nexternal_type(Last);\n')
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "m.sm").write_text(
        'machine(MachineType:DMA, "d") : { include "body.sm"; external_type(Two); }'
    )
    (tmp_path / "sub" / "body.sm").write_text("external_type(One);")
    diagnostics = Diagnostics()
    source = parse_file(tmp_path / "p.slicc", diagnostics)
    assert diagnostics.found == []
    assert source.files == ("p.slicc", "sub/m.sm", "body.sm", "builtins.sm")
    machine, last = source.declarations[-2:]
    assert isinstance(machine, ast.MachineDeclaration)
    assert [str(d.position) for d in machine.declarations] == ["body.sm:1:15", "sub/m.sm:1:68"]
    assert isinstance(last, ast.StructureDeclaration)
    assert last.name.name == "Last"


def test_interfaces_come_from_the_package_and_once(tmp_path: Path) -> None:
    (tmp_path / "p.slicc").write_text('include "RubySlicc_interfaces.slicc";\n' * 2)
    included = parse_file(tmp_path / "p.slicc", Diagnostics())
    (tmp_path / "p.slicc").write_text("")
    implied = parse_file(tmp_path / "p.slicc", Diagnostics())
    assert included.files == implied.files == ("p.slicc", "builtins.sm")
    assert included.declarations == implied.declarations


def test_small_protocol_is_read() -> None:
    source = parse_file(FOLDER / "Small.slicc", Diagnostics())
    assert source.files == ("Small.slicc", "builtins.sm", "Small-cache.sm")
