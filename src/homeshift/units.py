# SPDX-License-Identifier: BSD-3-Clause
"""Quantities with units: "64KiB", "60ns", "25.6GB/s", "2GHz".

A bare number is refused, as in gem5's standard library: nobody can tell 64 bytes from 64 KiB, or a
cycle from a nanosecond. Units are case-sensitive. Arithmetic is exact (rational), so that
`parse_time("0.1ns")` is 100 and not 99.

    parse_size("64KiB")         -> 65536             bytes, int
    parse_time("60ns")          -> 60000             ticks of 1 ps, int
    parse_bandwidth("25.6GB/s") -> 25600000000.0     bytes per second, float
    parse_frequency("2GHz")     -> 2000000000        hertz, int

Each raises ValueError with one short sentence, also for what engines cannot count. `size_text`,
`time_text` and `frequency_text` are the exact inverses, for suggestions in messages; `format_bytes`
and `format_seconds` round, for people.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

BINARY_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
TIME_UNITS = {"ps": 1, "ns": 10**3, "us": 10**6, "ms": 10**9, "s": 10**12}
FREQUENCY_UNITS = {"Hz": 1, "kHz": 10**3, "MHz": 10**6, "GHz": 10**9}
BANDWIDTH_UNITS = {
    "B/s": 1,
    "kB/s": 10**3,
    "KiB/s": 1 << 10,
    "MB/s": 10**6,
    "MiB/s": 1 << 20,
    "GB/s": 10**9,
    "GiB/s": 1 << 30,
    "TB/s": 10**12,
    "TiB/s": 1 << 40,
}

TICKS_PER_SECOND = 10**12
TICKS_PER_MICROSECOND = 10**6
TICKS_PER_NANOSECOND = 10**3
LINE_BYTES = 64  # of the machine's caches
PAGE_BYTES = 4096  # of a VM

MOST = 1 << 60  # of bytes, picoseconds or hertz: some can be added up in 64 bits

_QUANTITY = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?) ?(?P<unit>[A-Za-z/]*)", re.ASCII)


def _parse(text: object, units: Mapping[str, int], *, what: str, example: str) -> Fraction:
    """Return `text` in the base unit; `what` and `example` make the sentence of the error."""
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        raise ValueError(f'a bare number; write {what} with its unit, as in "{example}"')
    if isinstance(text, str) and text.startswith("-") and _QUANTITY.fullmatch(text[1:]):
        raise ValueError(f'negative; write {what} as in "{example}"')
    match = _QUANTITY.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f'not {what}; write it as in "{example}"')
    number, unit = match["number"], match["unit"]
    if not unit:
        raise ValueError(f'a bare number; write {what} with its unit, as in "{example}"')
    if unit not in units:
        same = [known for known in units if known.lower() == unit.lower()]
        hint = f" (did you mean '{same[0]}'?)" if same else f"; use one of {', '.join(units)}"
        raise ValueError(f"'{unit}' is not a unit of {what.partition(' ')[2]}{hint}")
    return Fraction(number) * units[unit]


def _whole(value: Fraction, *, of: str) -> int:
    if value.denominator != 1:
        raise ValueError(f"not a whole number of {of}")
    if value > MOST:
        raise ValueError(f"more than 2^60 {of}")
    return value.numerator


def whole_number(text: str) -> int:
    """Return the whole number that a text gives, or raise ValueError."""
    if not text.isascii() or not text.removeprefix("-").isdigit():
        raise ValueError("not a whole number")
    return int(text)


def parse_size(text: object) -> int:
    """Return a size such as "64KiB" in bytes."""
    if isinstance(text, str) and re.search(r"[0-9] ?[kKMGT]B$", text):
        raise ValueError("decimal and binary sizes are easily confused; write KiB, MiB or GiB")
    return _whole(_parse(text, BINARY_UNITS, what="a size", example="64KiB"), of="bytes")


def parse_time(text: object) -> int:
    """Return a time such as "60ns" in ticks of 1 ps."""
    return _whole(_parse(text, TIME_UNITS, what="a time", example="60ns"), of="picoseconds")


def parse_bandwidth(text: object) -> float:
    """Return a bandwidth such as "25.6GB/s" or "32GiB/s" in bytes per second."""
    if isinstance(text, str) and re.search(r"[0-9] ?[kKMGT]i?(b/s|bps)$", text):
        raise ValueError('a bandwidth in bits; write bytes per second, as in "25.6GB/s"')
    return float(_parse(text, BANDWIDTH_UNITS, what="a bandwidth", example="25.6GB/s"))


def parse_frequency(text: object) -> int:
    """Return a frequency such as "2GHz" in hertz."""
    return _whole(_parse(text, FREQUENCY_UNITS, what="a frequency", example="2GHz"), of="hertz")


def _text(value: int, units: Mapping[str, int], *, fractions: bool) -> str:
    """Write `value` in the largest unit that keeps it exact (and at least 1)."""
    for unit, factor in sorted(units.items(), key=lambda item: -item[1]):
        whole, rest = divmod(value, factor)
        if rest == 0 and (whole or factor == 1):
            return f"{whole}{unit}"
        if fractions and whole:
            # All decimal units are powers of ten, so the digits after the point are exact.
            digits = f"{rest:0{len(str(factor)) - 1}d}".rstrip("0")
            return f"{whole}.{digits}{unit}"
    raise ValueError(f"{value} is negative")


def size_text(size_bytes: int) -> str:
    """Return the exact size as `parse_size` reads it: 65536 -> "64KiB"."""
    return _text(size_bytes, BINARY_UNITS, fractions=False)


def time_text(ticks: int) -> str:
    """Return the exact time as `parse_time` reads it: 1500 -> "1.5ns"."""
    return _text(ticks, TIME_UNITS, fractions=True)


def frequency_text(hertz: int) -> str:
    """Return the exact frequency as `parse_frequency` reads it: 1562500000 -> "1.5625GHz"."""
    return _text(hertz, FREQUENCY_UNITS, fractions=True)


def format_bytes(size_bytes: float) -> str:
    """Return a size for people, three digits and a binary unit: 1536 -> "1.50 KiB"."""
    value, unit = float(size_bytes), "B"
    for unit in BINARY_UNITS:
        # 1023.5 would be rounded up to a fourth digit, so it already belongs to the next unit.
        if abs(value) < 1023.5 or unit == "TiB":
            break
        value /= 1024
    return f"{value:.0f} B" if unit == "B" else f"{three_digits(value)} {unit}"


def format_seconds(seconds: float) -> str:
    """Return a time for people, three digits and a decimal unit: 0.00123 -> "1.23 ms"."""
    if seconds == 0:
        return "0 s"
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("us", 1e6), ("ns", 1e9)):
        if abs(seconds) * factor >= 0.9995:
            return f"{three_digits(seconds * factor)} {unit}"
    return f"{three_digits(seconds * 1e12)} ps"


def three_digits(value: float) -> str:
    """Return three significant digits, or all before the point: 9.996 -> "10.0"."""
    return f"{value:.0f}" if abs(value) >= 99.95 else f"{value:#.3g}"


def counted(number: int, thing: str) -> str:
    """Return how many of a thing there are: "1 run", "2 runs"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
