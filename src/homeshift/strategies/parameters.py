# SPDX-License-Identifier: BSD-3-Clause
"""Parameters of strategies: fields of a dataclass that can be given on the command line.

    @dataclass(frozen=True, kw_only=True)
    class PreCopy(Strategy):
        downtime_limit: int = time("300us", "the VM is stopped when the rest takes no longer")

    read_parameters(PreCopy, "downtime-limit=1ms")      # {"downtime_limit": 10**9}

Names are written with hyphens, as QEMU's. A field holds the base unit: ticks of 1 ps, bytes per
second, a whole number, True or False.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from homeshift.errors import near
from homeshift.units import parse_bandwidth, parse_time

KEY = "parameter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What a field's metadata say: how its text is read, and what it means."""

    read: Callable[[str], Any]
    default: str
    sentence: str


def time(default: str, sentence: str) -> Any:
    """Declare a time, in ticks."""
    return _declare(_positive(parse_time, "a time above 0"), default, sentence)


def bandwidth(default: str, sentence: str) -> Any:
    """Declare a bandwidth in bytes per second; "0B/s" is what the machine can do."""

    def read(text: str) -> float:
        value = parse_bandwidth(text)
        if 0 < value < 1:
            raise ValueError("less than 1 B/s")
        return value

    return _declare(read, default, sentence)


def count(default: int, sentence: str, *, least: int = 0, most: int = 10**9) -> Any:
    """Declare a whole number."""

    def read(text: str) -> int:
        if not text.isascii() or not text.removeprefix("-").isdigit():
            raise ValueError("not a whole number")
        if not least <= int(text) <= most:
            raise ValueError(f"not between {least} and {most}")
        return int(text)

    return _declare(read, str(default), sentence)


def share(default: float, sentence: str) -> Any:
    """Declare a part of a whole, from 0 to 1."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise ValueError("not a number") from None
        if not 0 <= value <= 1:
            raise ValueError("not between 0 and 1")
        return value

    return _declare(read, f"{default:g}", sentence)


def switch(default: str, sentence: str) -> Any:
    """Declare something that is on or off."""

    def read(text: str) -> bool:
        if text not in ("on", "off"):
            raise ValueError("neither on nor off")
        return text == "on"

    return _declare(read, default, sentence)


def choice(default: str, choices: tuple[str, ...], sentence: str) -> Any:
    """Declare one of a few words."""

    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"not one of {', '.join(choices)}{near(text, choices)}")
        return text

    return _declare(read, default, sentence)


def parameters_of(strategy: type) -> dict[str, Parameter]:
    """Return the parameters of a strategy's class by the name that a user gives."""
    # A plain class has no fields, and no parameters; nor is a field one that says nothing of it.
    known = fields(strategy) if hasattr(strategy, "__dataclass_fields__") else ()
    return {f.name.replace("_", "-"): f.metadata[KEY] for f in known if KEY in f.metadata}


def read_parameters(strategy: type, text: str) -> tuple[dict[str, Any], list[str]]:
    """Return the values that "NAME=VALUE,NAME=VALUE" gives, by attribute, and all faults in it."""
    known = parameters_of(strategy)
    values: dict[str, Any] = {}
    faults = []
    has = f"it has {', '.join(known)}" if known else "it has none"
    for item in text.split(",") if text else ():
        name, equals, value = (part.strip() for part in item.partition("="))
        attribute = name.replace("-", "_")
        if not equals or not name:
            faults.append(f'"{item}": write NAME=VALUE; {has}')
        elif name not in known:
            faults.append(f"{name}: no such parameter{near(name, known)}; {has}")
        elif attribute in values:
            faults.append(f"{name}: given twice")
        else:
            values[attribute] = None
            try:
                values[attribute] = known[name].read(value)
            except ValueError as error:
                faults.append(f"{name} = {value}: {error} ({known[name].sentence})")
    return values, faults


def _declare(read: Callable[[str], Any], default: str, sentence: str) -> Any:
    parameter = Parameter(read=read, default=default, sentence=sentence)
    return field(default=read(default), metadata={KEY: parameter})


def _positive(parse: Callable[[str], int], what: str) -> Callable[[str], int]:
    def read(text: str) -> int:
        value = parse(text)
        if value <= 0:
            raise ValueError(f"not {what}")
        return value

    return read
