# SPDX-License-Identifier: BSD-3-Clause
"""Parameters of strategies: fields of a dataclass that can be given on the command line.

    @dataclass(frozen=True, kw_only=True)
    class PreCopy(Strategy):
        downtime_limit: int = time("1ms", "pause when the rest takes no longer")

    read_parameters(PreCopy, "downtime-limit=2ms")      # {"downtime_limit": 2 * 10**9}, []

Names are written with hyphens, as QEMU's. A field holds the base unit: ticks of 1 ps, bytes per
second, a whole number, True or False.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from inspect import get_annotations
from typing import Any

from homeshift.errors import near
from homeshift.named_values import read_values
from homeshift.strategies.recording import plain
from homeshift.units import parse_bandwidth, parse_time, whole_number

KEY = "parameter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What a field's metadata say: how its text is read, what it may be, and what it means."""

    parse: Callable[[str], Any]
    check: Callable[[Any], None]
    """Raises ValueError for a value, of Python's own types, that it must not have."""
    sentence: str
    unit: str = ""
    """Of a recorded number, as in other names of config.json: "downtime-limit_ticks"."""

    def read(self, text: str) -> Any:
        """Return the value that a text gives, or raise ValueError."""
        value = self.parse(text)
        self.check(value)
        return value


def time(default: str, sentence: str) -> Any:
    """Declare a time, in ticks."""

    def check(value: Any) -> None:
        _require(_whole(value), 'not a whole number of ticks, as units.parse_time("20us") gives it')
        _require(value > 0, "not a time above 0")

    return _declare(parse_time, check, default, sentence, unit="ticks")


def bandwidth(default: str, sentence: str) -> Any:
    """Declare a bandwidth in bytes per second; "0B/s" is what the machine can do."""

    def check(value: Any) -> None:
        _require(_number(value) and value >= 0, "not a number of bytes per second")
        _require(not 0 < value < 1, "less than 1 B/s")

    return _declare(parse_bandwidth, check, default, sentence, unit="bytes_per_second")


def count(default: int, sentence: str, *, least: int = 0, most: int = 10**9) -> Any:
    """Declare a whole number."""

    def check(value: Any) -> None:
        _require(_whole(value), "not a whole number")
        _require(least <= value <= most, f"not between {least} and {most}")

    return _declare(whole_number, check, str(default), sentence)


def share(default: float, sentence: str) -> Any:
    """Declare a part of a whole, from 0 to 1."""

    def parse(text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise ValueError("not a number") from None

    def check(value: Any) -> None:
        _require(_number(value), "not a number")
        _require(0 <= value <= 1, "not between 0 and 1")

    return _declare(parse, check, f"{default:g}", sentence)


def switch(default: str, sentence: str) -> Any:
    """Declare something that is on or off."""

    def parse(text: str) -> bool:
        _require(text in ("on", "off"), "neither on nor off")
        return text == "on"

    def check(value: Any) -> None:
        _require(isinstance(value, bool), "neither True nor False")

    return _declare(parse, check, default, sentence)


def choice(default: str, choices: tuple[str, ...], sentence: str) -> Any:
    """Declare one of a few words."""

    def check(value: Any) -> None:
        hint = near(value, choices) if isinstance(value, str) else ""
        _require(value in choices, f"not one of {', '.join(choices)}{hint}")

    return _declare(str, check, default, sentence)


def parameters_of(strategy: type) -> dict[str, Parameter]:
    """Return the parameters of a strategy's class by the name that a user gives."""
    # A plain class has no fields, and no parameters; nor is a field one that says nothing of it.
    known = fields(strategy) if hasattr(strategy, "__dataclass_fields__") else ()
    return {f.name.replace("_", "-"): f.metadata[KEY] for f in known if KEY in f.metadata}


def read_parameters(strategy: type, text: str) -> tuple[dict[str, Any], list[str]]:
    """Return the values that "NAME=VALUE,NAME=VALUE" gives, by attribute, and all faults in it."""
    values, faults = read_values(text.split(",") if text else (), parameters_of(strategy))
    faults = [fault + _how_to_declare(strategy, fault.partition(":")[0]) for fault in faults]
    return {name.replace("-", "_"): value for name, value in values.items()}, faults


def _how_to_declare(strategy: type, name: str) -> str:
    """Return what makes a parameter of that name, if the class has something else of it."""
    attribute = name.replace("-", "_")
    if attribute not in get_annotations(strategy) or name in parameters_of(strategy):
        return ""
    return (
        f"; {strategy.__name__}.{attribute} becomes one in a dataclass if it is declared by "
        "homeshift.strategies.parameters: count, time, bandwidth, share, switch or choice, as in "
        f'{attribute}: int = parameters.count(5, "what it means")'
    )


def faults_of_values(strategy: object) -> list[str]:
    """Return what is wrong with the values that the parameters of an object have."""
    faults = []
    for name, parameter in parameters_of(type(strategy)).items():
        attribute = name.replace("-", "_")
        value = getattr(strategy, attribute)
        try:
            parameter.check(plain(value))
        except (TypeError, ValueError) as error:
            faults.append(f"{attribute} = {value!r}: {error} ({parameter.sentence})")
    return faults


def _declare(
    parse: Callable[[str], Any],
    check: Callable[[Any], None],
    default: str,
    sentence: str,
    *,
    unit: str = "",
) -> Any:
    parameter = Parameter(parse=parse, check=check, sentence=sentence, unit=unit)
    return field(default=parameter.read(default), metadata={KEY: parameter})


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    return _whole(value) or isinstance(value, float)


def _require(met: bool, fault: str) -> None:
    if not met:
        raise ValueError(fault)
