# SPDX-License-Identifier: BSD-3-Clause
"""Units: what is read exactly, what is refused and in which words, what people are shown."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from homeshift.units import (
    format_bytes,
    format_seconds,
    frequency_text,
    parse_bandwidth,
    parse_frequency,
    parse_size,
    parse_time,
    size_text,
    time_text,
)

Parser = Callable[[object], float]


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (parse_size, "64KiB", 65536),
        (parse_size, "2MiB", 2 << 20),
        (parse_size, "1GiB", 1 << 30),
        (parse_size, "256B", 256),
        (parse_size, "1.5 KiB", 1536),
        (parse_time, "60ns", 60_000),
        (parse_time, "200us", 200_000_000),
        (parse_time, "1ms", 10**9),
        (parse_time, "500ps", 500),
        (parse_time, "0.1ns", 100),  # 0.1 * 1000 in binary floating point is not 100
        (parse_bandwidth, "25.6GB/s", 25.6e9),
        (parse_bandwidth, "32GiB/s", 32.0 * 2**30),
        (parse_frequency, "2GHz", 2 * 10**9),
        (parse_frequency, "1.5625GHz", 1_562_500_000),
    ],
)
def test_a_quantity_with_its_unit_is_read_exactly(parse: Parser, text: str, value: float) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "value", "sentence"),
    [
        (parse_size, 64, 'a bare number; write a size with its unit, as in "64KiB"'),
        (parse_size, "64", 'a bare number; write a size with its unit, as in "64KiB"'),
        (parse_time, 4.5, 'a bare number; write a time with its unit, as in "60ns"'),
        (parse_size, "kB", 'not a size; write it as in "64KiB"'),
        (parse_size, "0.3B", "not a whole number of bytes"),
        (parse_size, "64kib", "'kib' is not a unit of size (did you mean 'KiB'?)"),
        (
            parse_size,
            "64kB",
            "decimal and binary sizes are easily confused; write KiB, MiB or GiB",
        ),
        (parse_time, "0.0001ns", "not a whole number of picoseconds"),
        (parse_time, "1152922s", "more than 2^60 picoseconds"),
        (parse_time, "3 fs", "'fs' is not a unit of time; use one of ps, ns, us, ms, s"),
        (parse_time, "-1ns", 'negative; write a time as in "60ns"'),
        (parse_time, True, 'not a time; write it as in "60ns"'),
        (parse_time, "", 'not a time; write it as in "60ns"'),
        (parse_time, "6\u0660ns", 'not a time; write it as in "60ns"'),  # another script's digit
        (
            parse_bandwidth,
            "100Gb/s",
            'a bandwidth in bits; write bytes per second, as in "25.6GB/s"',
        ),
        (parse_frequency, "2 Ghz", "'Ghz' is not a unit of frequency (did you mean 'GHz'?)"),
    ],
)
def test_a_quantity_in_doubt_is_refused_with_a_sentence(
    parse: Parser, value: object, sentence: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        parse(value)


@pytest.mark.parametrize("size", [0, 1, 1023, 1024, 1537, 3 << 20, 1 << 40, 5 << 50])
def test_a_size_survives_being_written_and_read(size: int) -> None:
    assert parse_size(size_text(size)) == size


@pytest.mark.parametrize("ticks", [0, 1, 500, 1500, 27_500, 10**6, 10**12 + 1])
def test_a_time_survives_being_written_and_read(ticks: int) -> None:
    assert parse_time(time_text(ticks)) == ticks


def test_exact_texts_use_the_largest_unit_that_fits() -> None:
    assert [size_text(65536), size_text(1537)] == ["64KiB", "1537B"]
    assert [time_text(1500), time_text(1_000_000), time_text(0)] == ["1.5ns", "1us", "0ps"]
    assert frequency_text(1_562_500_000) == "1.5625GHz"


def test_people_are_shown_three_digits() -> None:
    assert [format_bytes(size) for size in (1023.4, 1023.7)] == ["1023 B", "1.00 KiB"]
    assert [format_bytes(size) for size in (0, 1023, 1024, 10**6, 3 << 40)] == [
        "0 B",
        "1023 B",
        "1.00 KiB",
        "977 KiB",
        "3.00 TiB",
    ]
    assert [format_seconds(seconds) for seconds in (0, 0.00123, 59.99e-9, 0.9999, 12.3, 1e-12)] == [
        "0 s",
        "1.23 ms",
        "60.0 ns",
        "1.00 s",
        "12.3 s",
        "1.00 ps",
    ]
