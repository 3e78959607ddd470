# SPDX-License-Identifier: BSD-3-Clause
"""Reads a .slicc file and the files that it includes into one list of declarations.

`include "x.sm";` is looked up beside the file that holds it; what it declares takes its place, also
in the middle of a machine. `include "RubySlicc_interfaces.slicc";` gives the types and functions
that our own engine provides, declared in builtins.sm of this package; a protocol that does not
include it (as gem5 demands from 24.1 on) gets them first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from homeshift.errors import InputError
from homeshift.slicc import ast
from homeshift.slicc.ast import Position
from homeshift.slicc.build import Build
from homeshift.slicc.errors import Diagnostics

INTERFACES = "RubySlicc_interfaces.slicc"
BUILTINS = "builtins.sm"


@dataclass(frozen=True, slots=True)
class Source:
    """All declarations of a protocol, includes followed, in order; and the files they come from."""

    declarations: tuple[ast.Declaration, ...]
    files: tuple[str, ...]


@cache
def _grammar() -> Lark:
    text = resources.files("homeshift.slicc").joinpath("grammar.lark").read_text("utf-8")
    return Lark(
        text, parser="lalr", lexer="basic", propagate_positions=True, maybe_placeholders=True
    )


def parse_text(text: str, file: str, diagnostics: Diagnostics) -> tuple[ast.Declaration, ...]:
    """Parse one file; a syntax error is added to the diagnostics, and the rest is skipped.

    Args:
        text: of the file.
        diagnostics: where the error goes, and the text, to show it.
        file: the name that positions and diagnostics show.
    """
    diagnostics.sources[file] = text
    try:
        tree = _grammar().parse(text)
    except UnexpectedInput as error:
        diagnostics.error(*_syntax_error(error, text, file))
        return ()
    declarations: list[ast.Declaration] = Build(file).transform(tree)
    return tuple(declarations)


def parse_file(path: Path | str, diagnostics: Diagnostics) -> Source:
    """Parse a .slicc or .sm file with all that it includes.

    Raises:
        InputError: the file cannot be read. An include that cannot be read is a diagnostic.
    """
    path = Path(path)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise InputError(f"protocol '{path}'", [f"cannot be read: {reason}"]) from None
    reader = _Reader(diagnostics)
    declarations = reader.read(text, path.name, path)
    if BUILTINS not in reader.files:
        declarations = (*reader.builtins(), *declarations)
    return Source(declarations, tuple(reader.files))


class _Reader:
    def __init__(self, diagnostics: Diagnostics) -> None:
        self.diagnostics = diagnostics
        self.files: list[str] = []
        self.open: list[Path] = []

    def read(self, text: str, name: str, path: Path) -> tuple[ast.Declaration, ...]:
        self.files.append(name)
        self.open.append(path.resolve())
        parsed = parse_text(text, name, self.diagnostics)
        declarations = self.follow(parsed, path.parent)
        self.open.pop()
        return declarations

    def builtins(self) -> tuple[ast.Declaration, ...]:
        resource = resources.files("homeshift.slicc").joinpath(BUILTINS)
        self.files.append(BUILTINS)
        return parse_text(resource.read_text("utf-8"), BUILTINS, self.diagnostics)

    def follow(
        self, declarations: Iterable[ast.Declaration], folder: Path
    ) -> tuple[ast.Declaration, ...]:
        result: list[ast.Declaration] = []
        for declaration in declarations:
            if isinstance(declaration, ast.Include):
                result += self.included(declaration, folder)
            elif isinstance(declaration, ast.MachineDeclaration):
                inner = self.follow(declaration.declarations, folder)
                result.append(replace(declaration, declarations=inner))
            else:
                result.append(declaration)
        return tuple(result)

    def included(self, include: ast.Include, folder: Path) -> tuple[ast.Declaration, ...]:
        if include.path == INTERFACES:
            return () if BUILTINS in self.files else self.builtins()
        path = folder / include.path
        if path.resolve() in self.open:
            self.diagnostics.error(include.position, f"'{include.path}' includes itself")
            return ()
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            self.diagnostics.error(include.position, f"'{include.path}' cannot be read: {reason}")
            return ()
        return self.read(text, include.path, path)


_SHOWN = {
    "IDENTIFIER": "a name",
    "NUMBER": "a number",
    "STRING": "a string",
    "$END": "the end of the file",
}


def _syntax_error(error: UnexpectedInput, text: str, file: str) -> tuple[Position, str]:
    if isinstance(error, UnexpectedCharacters):
        at = Position(file, error.line, error.column, error.line, error.column + 1)
        character = error.char
        if character in "\"'":
            return at, "this string does not end on its line"
        return at, f"{character!r} is not part of SLICC"
    assert isinstance(error, UnexpectedToken)
    token: Token = error.token
    if token.type == "$END":
        lines = text.rstrip().splitlines() or [""]
        column = len(lines[-1]) + 1
        at = Position(file, len(lines), column, len(lines), column + 1)
        return at, "the file ends too early: a '}' is missing"
    line, column = token.line or 1, token.column or 1
    at = Position(file, line, column, token.end_line or line, token.end_column or column + 1)
    expected = {_shown(name) for name in error.expected}
    if token == "=" and "':='" in expected:
        return at, "'=' is not expected here: assign with ':=', compare with '=='"
    if len(expected) > 4:
        return at, f"'{token}' is not expected here"
    return at, f"'{token}' is not expected here, but {' or '.join(sorted(expected))}"


def _shown(terminal: str) -> str:
    if terminal in _SHOWN:
        return _SHOWN[terminal]
    for definition in _grammar().terminals:
        if definition.name == terminal:
            return f"'{definition.pattern.value}'"
    return terminal
