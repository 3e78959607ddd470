# SPDX-License-Identifier: BSD-3-Clause
"""How one value of a machine file is read: its unit, its bounds and the sentence that describes it.

A field's `read` returns the value in the model's unit or raises ValueError with a short sentence,
to which the loader adds where the value stands. `required` says whether the key may be left out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from homeshift.errors import near
from homeshift.units import (
    BANDWIDTH_UNITS,
    TICKS_PER_SECOND,
    frequency_text,
    parse_bandwidth,
    parse_frequency,
    parse_size,
    parse_time,
    size_text,
    time_text,
)


def suggest(below: int, above: int, text: Callable[[int], str], *, least: int) -> str:
    """Return " (try "2KiB" or "4KiB")" for the two nearest values, without one under `least`."""
    values = [value for value in dict.fromkeys((below, above)) if value >= least]
    return " (try " + " or ".join(f'"{text(value)}"' for value in values) + ")"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field(ABC):
    """A key of a table."""

    key: str
    sentence: str
    required: bool = True

    @abstractmethod
    def read(self, value: object) -> object:
        """Return `value` in the model's unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count(Field):
    """A whole number."""

    least: int
    most: int

    def read(self, value: object) -> int:
        """Return the number."""
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError("not a whole number")
        if not self.least <= value <= self.most:
            raise ValueError(f"not between {self.least} and {self.most}")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Size(Field):
    """A size in bytes, a multiple of `multiple_of`."""

    least: int
    most: int
    multiple_of: int

    def read(self, value: object) -> int:
        """Return bytes."""
        size = parse_size(value)
        if not self.least <= size <= self.most:
            raise ValueError(f"not between {size_text(self.least)} and {size_text(self.most)}")
        if size % self.multiple_of:
            below = size - size % self.multiple_of
            raise ValueError(
                f"not a multiple of {size_text(self.multiple_of)}"
                + suggest(below, below + self.multiple_of, size_text, least=self.least)
            )
        return size


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency(Field):
    """A time, at least one cycle and a whole number of cycles of the machine's clock."""

    most_ticks: int = 10**9  # 1 ms: more is a mistyped unit

    def read(self, value: object) -> int:
        """Return ticks of 1 ps; `cycles` turns them into the model's unit."""
        ticks = parse_time(value)
        if ticks == 0:
            raise ValueError("zero; a message takes at least one cycle")
        if ticks > self.most_ticks:
            raise ValueError(f"more than {time_text(self.most_ticks)}")
        return ticks

    def cycles(self, ticks: int, *, clock_period_ps: int) -> int:
        """Return `ticks` in cycles, or raise ValueError with the two nearest times that fit."""
        cycles, rest = divmod(ticks, clock_period_ps)
        if rest:
            below = cycles * clock_period_ps
            raise ValueError(
                f"not a whole number of cycles of {time_text(clock_period_ps)}"
                + suggest(below, below + clock_period_ps, time_text, least=clock_period_ps)
            )
        return cycles


@dataclass(frozen=True, slots=True, kw_only=True)
class Bandwidth(Field):
    """A bandwidth in bytes per second."""

    least: float = 1e6
    most: float = 1e14

    def read(self, value: object) -> float:
        """Return bytes per second."""
        bandwidth = parse_bandwidth(value)
        if not self.least <= bandwidth <= self.most:
            tera = BANDWIDTH_UNITS["TB/s"]
            raise ValueError(f"not between {self.least / 1e6:g}MB/s and {self.most / tera:g}TB/s")
        return bandwidth


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock(Field):
    """A frequency whose period is a whole number of ticks of 1 ps; read as that period."""

    least: int = 10**6
    most: int = 10**11

    def read(self, value: object) -> int:
        """Return the period in ps."""
        hertz = parse_frequency(value)
        if not self.least <= hertz <= self.most:
            raise ValueError(
                f"not between {frequency_text(self.least)} and {frequency_text(self.most)}"
            )
        if TICKS_PER_SECOND % hertz:
            # The frequencies that fit are the divisors of 10^12: powers of 2 times powers of 5.
            exact = sorted(2**i * 5**j for i in range(13) for j in range(13))
            below = max(divisor for divisor in exact if divisor < hertz)
            above = min(divisor for divisor in exact if divisor > hertz)
            raise ValueError(
                f"a period of {TICKS_PER_SECOND / hertz:.6g} ps is not a whole number of ps"
                + suggest(below, above, frequency_text, least=self.least)
            )
        return TICKS_PER_SECOND // hertz


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Field):
    """One of a few words."""

    choices: tuple[str, ...]

    def read(self, value: object) -> str:
        """Return the word."""
        if value not in self.choices or not isinstance(value, str):
            hint = near(value, self.choices) if isinstance(value, str) else ""
            raise ValueError(f"not one of {', '.join(self.choices)}{hint}")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Field):
    """Some words."""

    def read(self, value: object) -> str:
        """Return the text."""
        if not isinstance(value, str) or not value.strip():
            raise ValueError("not a text")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair(Field):
    """Two different whole numbers from 0 on."""

    most: int

    def read(self, value: object) -> tuple[int, int]:
        """Return both."""
        match value:
            case [int(a), int(b)] if bool not in (type(a), type(b)):
                if a != b and 0 <= a <= self.most and 0 <= b <= self.most:
                    return a, b
        raise ValueError(f"not two different numbers from 0 to {self.most}, as in [0, 1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of the file, read into a dataclass of its own."""

    key: str
    sentence: str
    required: bool = True
    many: bool = False
    """Whether it is a list of tables."""
