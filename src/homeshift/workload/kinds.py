# SPDX-License-Identifier: BSD-3-Clause
"""The kinds of workload and their parameters: name, default, bounds, unit and one sentence.

The C++ side (`StreamSpec` in src/common/stream_spec.hh) has one field for each parameter name here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from homeshift.units import parse_size, size_text, whole_number

Number = int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One number of a workload. A whole default makes it a whole number; "B" makes it a size."""

    name: str
    default: Number
    least: Number
    most: Number
    unit: str
    sentence: str

    def read(self, text: str) -> Number:
        """Return the value that `text` gives, or raise ValueError with a short sentence."""
        value: Number
        if self.unit == "B":
            value = parse_size(text)
        elif isinstance(self.default, int):
            value = whole_number(text)
        else:
            try:
                value = float(text)
            except ValueError:
                raise ValueError("not a number") from None
        self.check(value)
        return value

    def check(self, value: Number) -> None:
        """Raise ValueError if `value` is out of bounds or of the wrong type."""
        whole = isinstance(self.default, int)
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            raise ValueError("not a whole number" if whole else "not a number")
        if math.isnan(value) or not self.least <= value <= self.most:
            raise ValueError(f"not between {self.text(self.least)} and {self.text(self.most)}")

    def text(self, value: Number) -> str:
        """Return `value` as a specification would give it."""
        if self.unit == "B":
            return size_text(int(value))
        short = f"{value:g}"
        return short if float(short) == value and not isinstance(value, int) else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of workload."""

    name: str
    sentence: str
    parameters: tuple[Parameter, ...]

    @property
    def defaults(self) -> dict[str, Number]:
        """Every parameter's default, by name."""
        return {parameter.name: parameter.default for parameter in self.parameters}


WRITE_RATIO = Parameter(
    name="write_ratio",
    default=0.3,
    least=0.0,
    most=1.0,
    unit="",
    sentence="share of accesses that are writes",
)
SHARED = Parameter(
    name="shared",
    default=0.1,
    least=0.0,
    most=1.0,
    unit="",
    sentence="share of the footprint, and of the accesses, that all vCPUs have in common",
)
FOOTPRINT = Parameter(
    name="footprint",
    default=0.5,
    least=1e-6,
    most=1.0,
    unit="",
    sentence="share of the VM's memory that the streams touch",
)
THINK = Parameter(
    name="think",
    default=4,
    least=0,
    most=10**6,
    unit="cycles",
    sentence="time that a vCPU computes between two accesses",
)
COMMON = (WRITE_RATIO, SHARED, FOOTPRINT, THINK)

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            name="uniform",
            sentence="every line of the footprint is equally likely",
            parameters=COMMON,
        ),
        Kind(
            name="zipf",
            sentence="the page of rank k has a probability proportional to 1 / k^exponent",
            parameters=(
                *COMMON,
                Parameter(
                    name="exponent",
                    default=0.99,
                    least=0.01,
                    most=10.0,
                    unit="",
                    sentence="skew; 0.99 is that of the YCSB benchmark",
                ),
            ),
        ),
        Kind(
            name="stream",
            sentence="each vCPU walks through its memory, over and over",
            parameters=(
                *COMMON,
                Parameter(
                    name="stride",
                    default=64,
                    least=1,
                    most=1 << 20,
                    unit="B",
                    sentence="distance between two accesses",
                ),
            ),
        ),
        Kind(
            name="pointer-chase",
            sentence="one cycle through every line, in an order that looks random",
            parameters=(replace(WRITE_RATIO, default=0.0), *COMMON[1:]),
        ),
        Kind(
            name="phased",
            sentence="a hot set of pages takes most accesses, and moves on with each phase",
            parameters=(
                *COMMON,
                Parameter(
                    name="phase_accesses",
                    default=50_000,
                    least=1,
                    most=10**12,
                    unit="accesses",
                    sentence="length of a phase of each vCPU",
                ),
                Parameter(
                    name="hot",
                    default=0.1,
                    least=1e-6,
                    most=1.0,
                    unit="",
                    sentence="share of the pages that are hot in a phase",
                ),
                Parameter(
                    name="hot_ratio",
                    default=0.9,
                    least=0.0,
                    most=1.0,
                    unit="",
                    sentence="share of accesses that go to the hot pages; others go to any page",
                ),
            ),
        ),
        Kind(
            name="producer-consumer",
            sentence="vCPU 2k writes a ring buffer that vCPU 2k+1 reads, between private accesses",
            parameters=(
                replace(WRITE_RATIO, sentence="share of the private accesses that are writes"),
                FOOTPRINT,
                THINK,
                Parameter(
                    name="ring",
                    default=1 << 16,
                    least=1 << 12,
                    most=1 << 30,
                    unit="B",
                    sentence="size of the ring buffer of a pair, in whole pages",
                ),
                Parameter(
                    name="exchange",
                    default=0.5,
                    least=0.0,
                    most=1.0,
                    unit="",
                    sentence="share of accesses that go to the ring buffer",
                ),
            ),
        ),
        Kind(
            name="trace",
            sentence="vCPU i replays trace i, modulo their number, over and over",
            parameters=(
                Parameter(
                    name="cycles_per_instruction",
                    default=1.0,
                    least=0.0,
                    most=1000.0,
                    unit="cycles",
                    sentence="time of an instruction; data accesses are one apart at least",
                ),
            ),
        ),
    )
}
