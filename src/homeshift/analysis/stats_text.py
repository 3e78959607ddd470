# SPDX-License-Identifier: BSD-3-Clause
"""gem5's stats.txt, line by line, as columns: what `analysis.stats.read_stats` is made of.

The format has no specification but gem5's src/base/stats/text.cc. A line is one of

    NAME      VALUE  [SHARE%  [CUMULATED%]]  [# DESCRIPTION]  [(UNIT)]
    NAME::SUB VALUE  ...                                                  part of a vector
    NAME      | VALUE [SHARE% [CUMULATED%]] | VALUE ...  # ...            a vector on one line

gem5 writes histograms in both ways. On one line their buckets have no names, but NAME::bucket_size
and NAME::min_bucket stand before them, so that they can be given the names of the other way, "0-9".

Files of 100 MB are not rare, and repeat names and descriptions in every dump or for every
controller: a usual line costs two splits and two look-ups, and a text is looked at only once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_BEGIN = re.compile(r"-+ Begin Simulation Statistics\s+-+\s*")
_END = re.compile(r"-+ End Simulation Statistics\s+-+\s*")
# gem5's units (src/base/stats/units.hh), alone or as a rate, "(Count/Cycle)". Other words in
# brackets belong to the description: "(read+write)", and "(bytes/s)" of versions before 21.0.
_BASE = r"(?:Cycle|Tick|Second|Bit|Byte|Watt|Joule|Volt|DegreeCelsius|Count|Ratio|Unspecified)"
_UNIT = re.compile(rf"(.*?) ?\((\({_BASE}(?:/\(?{_BASE})+\)*\)|{_BASE}(?:/\(?{_BASE})*\)*)")
_NO_VALUE = "no_value"  # how M5 of before 2012 wrote NaN


@dataclass(slots=True)
class Columns:
    """The values of a file; `names` and `tails` are numbers in the lists of distinct texts."""

    dumps: list[int] = field(default_factory=list)
    names: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    tails: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    distinct_names: list[str] = field(default_factory=list)
    distinct_tails: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def parse(lines: Iterable[str]) -> Columns:
    """Return what the lines of a stats.txt hold, and what is wrong with them."""
    return _Parser().parse(lines)


def split_tail(tail: str) -> tuple[str, str]:
    """Split "desc (Unit)"; the outer brackets of gem5's "((Count/Second))" are dropped."""
    match = _UNIT.fullmatch(tail if tail.startswith("(") else f" {tail}")
    if match is None:
        return tail.strip(), ""
    unit = match[2][:-1]
    return match[1].strip(), unit[1:-1] if unit.startswith("(") else unit


class _Parser:
    def __init__(self) -> None:
        self.columns = Columns()
        self.names: dict[str, int] = {}
        self.tails: dict[str, int] = {}
        self.dump = -1
        self.begun_at = 0

    def parse(self, lines: Iterable[str]) -> Columns:
        columns, names, tails = self.columns, self.names, self.tails
        for number, line in enumerate(lines, start=1):
            head, marker, tail = line.partition(" # ")
            words = head.split()
            if not marker or len(words) < 2 or not self.begun_at:
                self._unusual(number, line)
                continue
            try:
                value = float(words[1]) if len(words) == 2 else _number(words[1:])
            except ValueError:
                self._unusual(number, line)
                continue
            columns.dumps.append(self.dump)
            columns.names.append(names.setdefault(words[0], len(names)))
            columns.values.append(value)
            columns.tails.append(tails.setdefault(tail, len(tails)))
            columns.lines.append(number)
        if self.begun_at:
            columns.faults.append(
                f"line {self.begun_at}: this dump has no end; the run was interrupted"
            )
        columns.distinct_names = list(names)
        columns.distinct_tails = [tail.strip() for tail in tails]
        if not columns.values and not columns.faults:
            columns.faults.append("holds no statistics")
        return columns

    def _unusual(self, number: int, line: str) -> None:
        """Read a marker, an empty line, one without description, or a vector on one line."""
        faults = self.columns.faults
        if not line.strip():
            return
        if _BEGIN.fullmatch(line):
            if self.begun_at:
                faults.append(f"line {self.begun_at}: this dump has no end")
            self.dump, self.begun_at = self.dump + 1, number
        elif _END.fullmatch(line):
            if not self.begun_at:
                faults.append(f"line {number}: the end of a dump that has no begin")
            self.begun_at = 0
        elif not self.begun_at:
            faults.append(f"line {number}: outside of a dump: {line.strip()[:60]!r}")
        else:
            try:
                self._values(number, line)
            except ValueError:
                faults.append(f"line {number}: not a statistic: {line.strip()[:60]!r}")

    def _values(self, number: int, line: str) -> None:
        head, marker, tail = line.partition(" # ")
        if not marker:
            # gem5 leaves the "#" out, but not the unit, when a statistic has no description.
            at = head.find(" (")
            head, tail = (head, "") if at < 0 else (head[:at], head[at:])
        first, *cells = head.split("|")
        name, *words = first.split()
        if cells and not cells[-1].strip():
            cells.pop()
        if not cells:
            found = {name: _number(words)}
        elif words:
            raise ValueError(line)
        else:
            values = [_number(cell.split()) for cell in cells]
            subs = self._buckets(name, len(values))
            found = {f"{name}::{sub}": value for sub, value in zip(subs, values, strict=True)}
        for full, value in found.items():
            self.columns.dumps.append(self.dump)
            self.columns.names.append(self.names.setdefault(full, len(self.names)))
            self.columns.values.append(value)
            self.columns.tails.append(self.tails.setdefault(tail, len(self.tails)))
            self.columns.lines.append(number)

    def _buckets(self, name: str, count: int) -> list[str]:
        """Return names for values on one line: of a histogram "0-9", else their positions."""
        size, least = self._earlier(name, "bucket_size"), self._earlier(name, "min_bucket")
        most = self._earlier(name, "max_bucket")
        if size is None or least is None or most is None:
            return [str(position) for position in range(count)]
        buckets = []
        for position in range(count):
            low = least + position * size
            high = min(low + size - 1, most)
            buckets.append(f"{low:g}-{high:g}" if low < high else f"{low:g}")
        # Buckets that cannot be told apart (a precision of six digits) keep their positions.
        return buckets if len(set(buckets)) == count else [str(i) for i in range(count)]

    def _earlier(self, name: str, sub: str) -> float | None:
        """Return NAME::SUB of this dump, if it stands a few lines before."""
        code = self.names.get(f"{name}::{sub}")
        columns = self.columns
        for back in range(1, min(16, len(columns.names)) + 1):
            if columns.names[-back] == code and columns.dumps[-back] == self.dump:
                return columns.values[-back]
        return None


def _number(words: list[str]) -> float:
    """Return the value of "value [share% [cumulated share%]]"."""
    if not 1 <= len(words) <= 3 or not all(word.endswith("%") for word in words[1:]):
        raise ValueError(words)
    return math.nan if words[0] == _NO_VALUE else float(words[0])
