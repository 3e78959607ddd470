# SPDX-License-Identifier: BSD-3-Clause
"""Visits every node below a piece of syntax, in the order of the source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from homeshift.slicc import ast


def children(node: ast.Node) -> Iterator[ast.Node]:
    """The nodes right below this one."""
    for part in fields(node):
        value = getattr(node, part.name)
        if isinstance(value, ast.Node):
            yield value
        elif isinstance(value, tuple):
            yield from (item for item in value if isinstance(item, ast.Node))


def walk(node: ast.Node) -> Iterator[ast.Node]:
    """The node itself, then all below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def calls(node: ast.Node, name: str) -> bool:
    """Whether a function of that name is called anywhere below the node."""
    return any(isinstance(n, ast.FunctionCall) and n.name.name == name for n in walk(node))
