# SPDX-License-Identifier: BSD-3-Clause
"""Show numbers to people: one unit for a row of values, and few but sufficient digits."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from homeshift.markdown import markdown_table
from homeshift.units import three_digits


@dataclass(frozen=True, slots=True)
class DisplayUnit:
    """A unit and its size in the SI unit: DisplayUnit("KiB", 1024)."""

    name: str
    factor: float


_MANY = 6
_NAMED = 4
_LADDERS = {
    "B": (("B", 1.0), ("KiB", 2.0**10), ("MiB", 2.0**20), ("GiB", 2.0**30)),
    "s": (("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3), ("s", 1.0)),
    "J": (("pJ", 1e-12), ("nJ", 1e-9), ("uJ", 1e-6), ("mJ", 1e-3), ("J", 1.0)),
    "accesses/s": (("accesses/us", 1e6),),
    "instructions/s": (("instructions/us", 1e6),),
    "1": (("%", 0.01),),
    "pages": (("", 1.0),),
    "regions": (("", 1.0),),
    "entries": (("", 1.0),),
    "accesses": (("", 1.0),),
}


def common_unit(values: Sequence[float], unit: str) -> DisplayUnit:
    """Return the unit that suits all `values` best: their geometric mean is 1 or a little more.

    Args:
        values: in `unit`; zeros and NaN do not count.
        unit: "B", "s", "J", "accesses/s", "instructions/s", "1" (a share), "pages",
            "regions", "entries" or "accesses".
    """
    ladder = [DisplayUnit(name, factor) for name, factor in _LADDERS[unit]]
    sizes = [math.log(abs(value)) for value in values if value and math.isfinite(value)]
    mean = sum(sizes) / len(sizes) if sizes else 0.0
    # Without any size, the plain unit.
    fitting = [step for step in ladder if math.log(step.factor) <= mean + 1e-9]
    return fitting[-1] if fitting else ladder[0]


def format_number(value: float) -> str:
    """Return three significant digits or all before the point, "-" for NaN."""
    if math.isnan(value):
        return "-"
    size = abs(value)
    if size == 0 or size >= 99.95:
        return f"{value:,.0f}"
    return three_digits(value) if size >= 0.001 else f"{value:.2e}"


def format_count(value: float) -> str:
    """Return a number of things, "4,096", or "-" for NaN."""
    return "-" if math.isnan(value) else f"{value:,.0f}"


def format_uncertain(value: float, half: float) -> str:
    """Return a value and half the width of its interval, as in "0.74002 ± 0.00084".

    The uncertainty, which is not 0, has two digits, or those before the point if these are more;
    the value goes down to the same place.
    """
    _, _, exponent = f"{half:.1e}".partition("e")
    places = max(0, 1 - int(exponent)) if math.isfinite(half) else 0
    return f"{value:z,.{places}f} \N{PLUS-MINUS SIGN} {half:,.{places}f}"


def format_ratio(value: float) -> str:
    """Return "12.3x", or "-" where the baseline is zero."""
    return "-" if math.isnan(value) else f"{format_number(value)}x"


def listed(names: Sequence[str]) -> str:
    """Return the first of some names, and how many there are more."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def side_by_side(values: pd.DataFrame, ratios: pd.DataFrame) -> pd.DataFrame:
    """Return a table of values and one of their ratios, of the same rows, as one."""
    return pd.concat([values, ratios.add_suffix(" (ratio)").set_axis(values.index)], axis="columns")


def fitted(values: pd.DataFrame, ratios: pd.DataFrame, *, width: int, to: str = "") -> str:
    """Return the two tables as text: side by side if they fit, else below each other.

    Of many columns that do not fit, rows are made.
    """
    text = str(side_by_side(values, ratios).to_string())
    if len(text.partition("\n")[0]) <= width:
        return text
    tables = [table.T if len(values.columns) > _MANY else table for table in (values, ratios)]
    shown = [table.to_string(line_width=width) for table in tables if not table.empty]
    return f"\n\nratio{to}:\n".join(shown)


def as_markdown(table: pd.DataFrame) -> str:
    """Return a table of texts as a Markdown table, its numbers to the right."""
    rows = [
        [str(name), *map(str, row)] for name, row in zip(table.index, table.values, strict=True)
    ]
    return markdown_table(["", *map(str, table.columns)], rows) + "\n"


def as_latex(table: pd.DataFrame) -> str:
    """Return a table of texts as a LaTeX tabular with the rules of booktabs."""

    def line(cells: Sequence[str]) -> str:
        return " & ".join(map(_latex, cells)) + r" \\"

    rows = [
        line([str(name), *map(str, row)])
        for name, row in zip(table.index, table.values, strict=True)
    ]
    return "\n".join(
        [
            rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
            r"\toprule",
            line(["", *map(str, table.columns)]),
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def _latex(text: str) -> str:
    text = re.sub(r"([&%$#_{}])", r"\\\1", text)
    text = text.replace("\N{PLUS-MINUS SIGN}", r"$\pm$")
    text = re.sub(r"(\d|^|\[)([\d.,]+)x", r"\1\2$\\times$", text)
    return re.sub(r"\bu(s|J)\b", r"\\textmu{}\1", text)
