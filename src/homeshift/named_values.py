# SPDX-License-Identifier: BSD-3-Clause
"""What users write of a machine, a strategy or a workload: "WHAT:NAME=VALUE,NAME=VALUE"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from homeshift.errors import near


def partition_file(text: str) -> tuple[str, str, str]:
    """Split "NAME:VALUES" or "FILE:VALUES" into what it is about, the colon, and the values.

    A file may have colons in its path: the longest that there is is taken.
    """
    parts = text.split(":")
    for count in range(len(parts), 1, -1):
        path = ":".join(parts[:count])
        if _is_file(path):
            return path, text[len(path) :][:1], text[len(path) + 1 :]
    return text.partition(":")


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except OSError:  # values can be longer than any name of a file
        return False


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
