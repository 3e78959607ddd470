# SPDX-License-Identifier: BSD-3-Clause
"""Runs as one table, and the choice of some of them by their parameters.

    table = run_table(read_runs(["results/study"], stats=False))
    some = select(table, ["strategy!=hybrid", "memory_bytes>=64MiB", "seed=1"])

Parameters are those of `runs.parameters` and `runs.measures`, or their end if that is clear, also
without its unit: "memory_bytes", "slc.size".
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Collection, Sequence
from numbers import Real
from operator import eq, ge, gt, le, lt, ne
from typing import Any

import pandas as pd

from homeshift.analysis.runs import CONSTANTS, OTHER_VMS, Run, measures, parameters
from homeshift.errors import InputError, near
from homeshift.units import (
    TICKS_PER_SECOND,
    parse_bandwidth,
    parse_size,
    parse_time,
    size_text,
    time_text,
)

_SIZES = ("vm-memory", "region", "stage2-entry")
_TIMES = ("warmup", "window", "horizon", "cancel-at", "fail-target-at")
# Texts, and what they ask for: `quad` and `quad:slc.size=4MiB` can be one machine.
_TEXTS_OF = {
    "machine.": ("arguments.machine", "machine.name"),
    "strategy.": ("arguments.strategy",),
    "workload.": ("arguments.workload", "arguments.trace"),
    f"{OTHER_VMS}.": ("arguments.more-vms",),
    f"{CONSTANTS}.": ("arguments.energy",),
}
_UNIT = re.compile(r"_(bytes|bytes_per_second|ticks|cycles|ps)$")
_OWN_FILE = re.compile(r".+\.py(?=:|$)")
_CONDITION = re.compile(r"\s*([\w.-]+)\s*(!=|<=|>=|=|<|>)\s*(.+?)\s*")
_COMPARISONS = {"=": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


def run_table(runs: Sequence[Run]) -> pd.DataFrame:
    """Return a row a run: its path, its parameters and its measures, by their dotted names.

    `borrowed` is the part of the VM's memory that all other nodes together lend. What is written in
    several ways has the shortest of them.
    """
    rows = [
        {
            "path": os.fspath(run.path),
            **parameters(run),
            **measures(run.migration),
            "strategy": name,
        }
        for run, name in zip(runs, strategy_names(runs), strict=True)
    ]
    _spell_alike(rows)
    table = pd.DataFrame(rows)
    lent = [name for name in map(str, table) if ".borrow." in name]
    table[lent] = table[lent].fillna(0.0)  # a node that lends nothing
    table = table.copy()  # many lenders have left it in pieces, of which pandas warns
    table["borrowed"] = table[[n for n in lent if n.startswith("vm.")]].sum(axis="columns")
    return table


def _spell_alike(rows: Sequence[dict[str, Any]]) -> None:
    """Give rows that hold the same machine, strategy, ... the same texts of it."""
    for section, names in _TEXTS_OF.items():
        spellings: dict[str, list[dict[str, Any]]] = {}  # by what they ask for
        for row in rows:
            held = {n: row[n] for n in sorted(row) if n.startswith(section) and n not in names}
            # Files of one's own can hold strategies of one name, and runs of before hold less.
            own = row["strategy"] if section == "strategy." else ""
            if held:
                spellings.setdefault(f"{own} {held}", []).append(row)
        for same in spellings.values():
            texts = [{name: row[name] for name in names if name in row} for row in same]
            shortest = min(texts, key=lambda text: len(str(text)))
            for row in same:
                row.update(shortest)


def strategy_names(runs: Sequence[Run], *, without: Collection[str] = ()) -> list[str]:
    """Return the strategy of each run, and what tells it from the others of its name.

    Two of them are "pre-copy:max-rounds=1" and "pre-copy:max-rounds=4"; one alone is "pre-copy".

    Args:
        runs: all that are named together.
        without: columns that do not tell strategies apart, as "strategy.max-rounds".
    """
    files: dict[str, set[str]] = {}  # of strategies of one's own, by their names
    for run in runs:
        if file := _file(run):
            files.setdefault(run.strategy, set()).add(file)
    given = [
        [
            _file(run) if len(files.get(run.strategy, ())) > 1 else "",
            *(
                _given(key, value)
                for key, value in run.config["strategy"].items()
                if f"strategy.{key}" not in without
            ),
        ]
        for run in runs
    ]
    count = Counter(run.strategy for run in runs)
    found = Counter(
        (run.strategy, text) for run, own in zip(runs, given, strict=True) for text in own
    )
    names = []
    for run, own in zip(runs, given, strict=True):
        # Not all have the same, and a run without it is another one, too.
        told = [text for text in own if found[run.strategy, text] < count[run.strategy]]
        names.append(f"{run.strategy}:{','.join(told)}" if told else run.strategy)
    return names


def _file(run: Run) -> str:
    """Return the file of a strategy of one's own, or nothing."""
    given = _OWN_FILE.match(str(run.config["arguments"].get("strategy", "")))
    return os.path.normpath(given[0]) if given else ""


def _given(key: str, value: Any) -> str:
    """Return a parameter of a strategy as it is given on the command line."""
    name = f"strategy.{key}"
    return f"{shown_name(name)}={as_given(name, value)}"


def as_given(name: str, value: Any, *, cycle_ps: int | None = None) -> str:
    """Return the value of a parameter as a user gives it; "none" where there is none.

    Args:
        name: of the parameter.
        value: of the parameter.
        cycle_ps: see `shown_value`.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "none"
    if pd.api.types.is_bool(value):  # numpy's, too, as a column holds it
        return "on" if value else "off"
    return shown_value(name, value, cycle_ps=cycle_ps)


def common_cycle(table: pd.DataFrame) -> int | None:
    """Return the ps of a cycle of the clock that all runs have; None if they have several."""
    periods = table.get("machine.clock_period_ps", pd.Series(dtype=float)).unique()
    return int(periods[0]) if len(periods) == 1 else None


def varied(table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Return those of the columns in which the runs differ."""
    return [name for name in names if table[name].map(str).nunique() > 1]


def shown_value(name: str, value: Any, *, cycle_ps: int | None = None) -> str:
    """Return the value of a parameter with its unit, as a user would give it.

    Args:
        name: of the parameter.
        value: of the parameter.
        cycle_ps: of the clock, so that what is recorded in cycles is shown as a time.
    """
    option = name.removeprefix("arguments.")
    if not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value):
        if option in _SIZES or name.endswith("_bytes"):
            return size_text(int(float(value)))
        if option in _TIMES or name.endswith("_ticks"):
            return time_text(int(float(value)))
        if name.endswith("_bytes_per_second"):
            return f"{float(value) / 1e9:g}GB/s"
        if name.endswith("_cycles") and cycle_ps is not None:
            return time_text(int(float(value)) * cycle_ps)
        for unit in ("cycles", "ps"):
            if name.endswith(f"_{unit}"):
                return f"{float(value):.0f} {unit}"
        if value == int(float(value)):
            return str(int(float(value)))
    return str(value)


def shown_name(name: str) -> str:
    """Return the name of a parameter without the unit that `shown_value` shows."""
    plain = name.removeprefix("arguments.").removeprefix("strategy.")
    return "strategy" if name == "strategy.name" else _UNIT.sub("", plain)


def short_name(table: pd.DataFrame, name: str) -> str:
    """Return the shortest text that `column` takes for a column."""
    parts = name.split(".")
    texts = [".".join(parts[start:]) for start in range(len(parts) - 1, 0, -1)]
    return next((text for text in texts if _columns(table, text) == [name]), name)


def column(table: pd.DataFrame, name: str) -> str:
    """Return the column that a name stands for: itself, or the one that ends in it.

    Raises:
        InputError: there is none, or there are several.
    """
    if name in table:
        return name
    found = _columns(table, name)
    if found and all(table[known].equals(table[found[0]]) for known in found):
        return found[0]  # an option, and what it became
    if found:
        raise InputError("parameter", [f"'{name}' can mean {', '.join(found)}; name one"])
    names = [str(known) for known in table]
    leaves = sorted({_UNIT.sub("", known.rpartition(".")[2]) for known in names})
    raise InputError("parameter", [f"no run has '{name}'{near(name, [*names, *leaves])}"])


def _columns(table: pd.DataFrame, name: str) -> list[str]:
    """Return the columns that end in a name; if there are none, then without their units.

    Those of other VMs only if the first one has none.
    """
    columns = [str(known) for known in table]
    of_the_first = [c for c in columns if not c.startswith(("vms.", f"{OTHER_VMS}."))]
    for among in (of_the_first, columns):
        found = [c for c in among if f".{c}".endswith(f".{name}")]
        found = found or [c for c in among if f".{_UNIT.sub('', c)}".endswith(f".{name}")]
        if found:
            return found
    return []


def select(table: pd.DataFrame, conditions: str | Sequence[str]) -> pd.DataFrame:
    """Return the rows that fulfil all conditions; of several NAME=VALUE with one name, any.

    Args:
        table: from `run_table`.
        conditions: NAME=VALUE, with = != < <= > or >=; values may have units ("64MiB", "10us"), and
            what is recorded in cycles may be given as a time. A strategy is known by its name too,
            without its parameters.

    Raises:
        InputError: conditions that cannot be read, or one that none of the runs fulfils which
            fulfil those before.
    """
    alternatives: dict[tuple[str, str], list[str]] = {}
    for condition in [conditions] if isinstance(conditions, str) else conditions:
        name, operator, _ = _parts(condition)
        key = (column(table, name), "" if operator == "=" else condition)
        alternatives.setdefault(key, []).append(condition)
    chosen = table
    for (found, _), conditions_of_one in alternatives.items():
        rows = [_rows(chosen, found, condition) for condition in conditions_of_one]
        for condition, fulfilled in zip(conditions_of_one, rows, strict=True):
            if not fulfilled.any():
                cycle = common_cycle(chosen)
                given = (as_given(found, value, cycle_ps=cycle) for value in chosen[found])
                values = ", ".join(dict.fromkeys(given))
                fault = f"{condition}: no run is left; '{_parts(condition)[0]}' is one of {values}"
                raise InputError("option --where", [fault])
        chosen = chosen[pd.concat(rows, axis=1).any(axis=1)]
    return chosen


def _parts(condition: str) -> tuple[str, str, str]:
    """Return name, operator and value of a condition."""
    match = _CONDITION.fullmatch(condition)
    if match is None:
        fault = f"{condition!r}: write NAME=VALUE (or != < <= > >=), as in seed=1"
        raise InputError("option --where", [fault])
    name, operator, text = match.groups()
    return name, operator, text


def _rows(table: pd.DataFrame, found: str, condition: str) -> pd.Series[bool]:
    """Return which rows fulfil a condition about a column."""
    _, operator, text = _parts(condition)
    number = _number(text, found, table.get("machine.clock_period_ps"))
    fulfilled = _fulfilled(table[found], operator, number, text, condition)
    if found == "strategy":
        for other in (table[found].str.partition(":")[0], table["arguments.strategy"]):
            also = _fulfilled(other, operator, None, text, condition)
            fulfilled = fulfilled & also if operator == "!=" else fulfilled | also
    return fulfilled


def _fulfilled(
    values: pd.Series[Any],
    operator: str,
    number: float | pd.Series[float] | None,
    text: str,
    condition: str,
) -> pd.Series[bool]:
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if number is None or not numeric:
        if operator not in ("=", "!="):
            fault = f"{condition}: {operator} compares numbers"
            raise InputError("option --where", [fault])
        asked = text.lower()
        same = values.map(
            lambda value: asked in (str(value).lower(), as_given(str(values.name), value).lower())
        )
        return same if operator == "=" else ~same
    fulfilled: pd.Series[bool] = _COMPARISONS[operator](values, number)
    return fulfilled


def _number(text: str, name: str, period_ps: Any) -> float | pd.Series[float] | None:
    """Return a number, or a quantity in the unit that the run's files have the parameter in.

    Times that were asked for are in ticks of 1 ps, as in config.json, or in cycles of each run's
    clock, those measured in seconds.

    Args:
        text: what a condition compares with.
        name: the parameter.
        period_ps: of the runs' clocks.
    """
    in_ticks = name.startswith(("arguments.", "strategy.")) or name.endswith(("_ps", "_ticks"))
    in_cycles = name.endswith("_cycles") and period_ps is not None
    time_unit: Any = period_ps if in_cycles else 1 if in_ticks else TICKS_PER_SECOND
    for parse, unit in ((float, 1), (parse_size, 1), (parse_bandwidth, 1), (parse_time, time_unit)):
        try:
            return parse(text.removesuffix("cycles") if in_cycles else text) / unit
        except ValueError:
            continue
    return None
