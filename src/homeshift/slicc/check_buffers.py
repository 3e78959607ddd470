# SPDX-License-Identifier: BSD-3-Clause
"""Checks what a machine's parameters say about networks, and their default values."""

from __future__ import annotations

from collections.abc import Sequence

from homeshift.slicc import ast
from homeshift.slicc.check_expressions import check_value
from homeshift.slicc.model import Variable
from homeshift.slicc.scope import Scope

# gem5 turns a parameter's default into a Python value, so a number does for all of these.
_NUMBERS = ("int", "Cycles", "Tick", "NodeID", "Addr", "uint32_t", "uint64_t")

NETWORKS = 16  # virtual ones, in src/engine and src/checker


def check_buffers(scope: Scope, parameters: Sequence[Variable]) -> None:
    """Check the attributes and default values of a machine's parameters."""
    used: dict[tuple[str, str], Variable] = {}
    for parameter in parameters:
        _value(scope, parameter)
        given, at, error = parameter.attributes, parameter.position, scope.diagnostics.error
        network = given.get("network")
        if network is None:
            if "virtual_network" in given:
                error(at, f"'{parameter.name}' has a virtual_network, but no network")
            continue
        if network not in ("To", "From"):
            error(at, f'network="{network}": it is "To" or "From"')
        number = given.get("virtual_network")
        if number is None or not number.isdigit():
            error(at, f"'{parameter.name}' needs virtual_network=\"a number\"")
            continue
        if int(number) >= NETWORKS:
            error(at, f"virtual network {number}: the engine has networks 0 to {NETWORKS - 1}")
        if "vnet_type" not in given:
            error(at, f"'{parameter.name}' needs a vnet_type, as vnet_type=\"response\"")
        other = used.setdefault((network, number), parameter)
        if other is not parameter:
            error(at, f"'{other.name}' uses virtual network {number} in this direction too")


def _value(scope: Scope, parameter: Variable) -> None:
    if parameter.value is None:
        return
    value = parameter.value
    if parameter.type.name == "bool":
        if not isinstance(value, ast.StringLiteral) or value.text not in ("True", "False"):
            scope.diagnostics.error(
                value.position,
                'the default of a bool is written "True" or "False": gem5 reads it as Python',
            )
        return
    found = check_value(value, scope)
    number = found is not None and found.name == "int" and parameter.type.name in _NUMBERS
    if found is not None and found is not parameter.type and not number:
        scope.diagnostics.error(value.position, f"'{found}' is the default of a '{parameter.type}'")
