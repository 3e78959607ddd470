# SPDX-License-Identifier: BSD-3-Clause
"""Values of parameters, as users write them: "NAME=VALUE,NAME=VALUE"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from homeshift.errors import near


class Readable(Protocol):
    """A parameter: how the text of its value is read, and what it means."""

    @property
    def sentence(self) -> str:
        """For who has given a wrong value."""

    def read(self, text: str) -> Any:
        """Return the value that a text gives, or raise ValueError."""


def read_values(
    items: Iterable[str], known: Mapping[str, Readable]
) -> tuple[dict[str, Any], list[str]]:
    """Return the values that items "NAME=VALUE" give, by name, and all faults in them."""
    values: dict[str, Any] = {}
    faults = []
    for item in items:
        name, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not name:
            faults.append(f'"{item}": write NAME=VALUE; {_has(known)}')
        elif name not in known:
            faults.append(no_such_parameter(name, known))
        elif name in values:
            faults.append(f"{name}: given twice")
        else:
            values[name] = None
            try:
                values[name] = known[name].read(value)
            except ValueError as error:
                faults.append(f"{name} = {value}: {error} ({known[name].sentence})")
    return values, faults


def no_such_parameter(name: str, known: Iterable[str]) -> str:
    """Return the fault that a name is none of the known ones."""
    return f"{name}: no such parameter{near(name, known)}; {_has(known)}"


def _has(known: Iterable[str]) -> str:
    names = ", ".join(known)
    return f"it has {names or 'none'}"
