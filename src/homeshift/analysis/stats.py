# SPDX-License-Identifier: BSD-3-Clause
"""Read statistics: any gem5's stats.txt as one long table.

    table = read_stats("m5out/stats.txt")                       # of any version of gem5, or ours
    stat(table, "system.ruby.dir_cntrl0.slc.m_demand_hits")     # one number
    table[table.object.str.endswith(".slc")]                    # a long table

A run's parameters are in its config.json, and a migration's summary is in its migration.json; see
`homeshift.analysis.runs`.
"""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from homeshift.analysis.stats_text import Columns, parse, split_tail
from homeshift.errors import InputError, near

COLUMNS = ("run", "dump", "object", "stat", "sub", "value", "unit", "desc")

_SHOWN_FAULTS = 10


def read_stats(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a stats.txt, or a stats.txt.gz, of gem5 or of this package as a long table.

    Returns:
        One row a value: run (name of the directory), dump (from 0), object
        ("system.ruby.dir_cntrl0.slc"), stat ("m_demand_hits"), sub (part of a vector, else ""),
        value, unit, desc. A vector that gem5 writes on one line has its positions "0", "1", ... as
        subs, a histogram its buckets "0-9", "10-19", ..., in whichever way it is written. Units are
        gem5's ("Count/Second"); versions of before 21.0 have none.

    Raises:
        InputError: with the lines that are not understood, or when a dump has no end.
    """
    path = Path(path)
    subject = f"statistics '{path}'"
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8") as file:
            columns = parse(file)
    except (OSError, EOFError, zlib.error) as error:  # the latter two: a .gz that is cut off
        reason = getattr(error, "strerror", None) or error
        raise InputError(subject, [f"cannot be read: {reason}"]) from error
    except UnicodeDecodeError as error:
        raise InputError(subject, ["not a text file"]) from error
    faults = columns.faults + _repeated(columns)
    if faults:
        rest = len(faults) - _SHOWN_FAULTS
        raise InputError(subject, faults[:_SHOWN_FAULTS] + ([f"and {rest} more"] * (rest > 0)))
    return _table(columns, path.resolve().parent.name)


def _table(columns: Columns, run: str) -> pd.DataFrame:
    names = np.asarray(columns.names, dtype=np.int64)
    tails = np.asarray(columns.tails, dtype=np.int64)
    objects, stats, subs = zip(*map(_split_name, columns.distinct_names), strict=True)
    descs, units = zip(*map(split_tail, columns.distinct_tails), strict=True)
    texts = {
        "object": _texts(objects, names),
        "stat": _texts(stats, names),
        "sub": _texts(subs, names),
        "unit": _texts(units, tails),
        "desc": _texts(descs, tails),
        "run": _texts((run,), np.zeros_like(names)),
    }
    numbers = {
        "dump": np.asarray(columns.dumps, dtype=np.int64),
        "value": np.asarray(columns.values, dtype=np.float64),
    }
    return pd.DataFrame({name: {**texts, **numbers}[name] for name in COLUMNS})


def _texts(distinct: tuple[str, ...], codes: np.ndarray) -> pd.api.extensions.ExtensionArray:
    """Return a column of texts; each is made once, however often it stands in the file."""
    return pd.array(list(distinct), dtype="str").take(codes)


def _split_name(name: str) -> tuple[str, str, str]:
    name, _, sub = name.partition("::")
    parent, _, leaf = name.rpartition(".")
    return parent, leaf, sub


def _repeated(columns: Columns) -> list[str]:
    """Return what stands in one dump more than once."""
    width = len(columns.distinct_names) or 1
    keys = np.asarray(columns.dumps, dtype=np.int64) * width + np.asarray(
        columns.names, dtype=np.int64
    )
    _, first = np.unique(keys, return_index=True)
    again = np.ones(len(keys), dtype=bool)
    again[first] = False
    return [
        f"line {columns.lines[at]}: '{columns.distinct_names[columns.names[at]]}' "
        f"a second time in a dump"
        for at in np.flatnonzero(again)[: _SHOWN_FAULTS + 1]
    ]


def stat(table: pd.DataFrame, name: str, *, dump: int | None = None) -> float:
    """Return one value of a table of one run.

    Args:
        table: from `read_stats`.
        name: full name, "system.ruby.dir_cntrl0.slc.m_demand_hits"; a part of a vector is
            "NAME::PART".
        dump: which dump, from 0; may be left out when there is only one.

    Raises:
        InputError: when there is no such statistic (its neighbours are named), or more than one.
    """
    dumps = sorted(set(table["dump"]))
    if dump is not None and dump not in dumps:
        fault = f"no dump {dump}; it has {', '.join(map(str, dumps))}"
        raise InputError("table of statistics", [fault])
    full = _full_names(table)
    chosen = table[full == name]
    if dump is not None:
        chosen = chosen[chosen["dump"] == dump]
    if len(chosen) == 1:
        return float(chosen["value"].iloc[0])
    if chosen.empty:
        fault = f"no statistic '{name}'" + ("" if dump is None else f" in dump {dump}")
        raise InputError("table of statistics", [fault + _neighbours(full, name)])
    where = ", ".join(f"dump {row.dump} of '{row.run}'" for row in chosen.itertuples())
    fault = f"'{name}' occurs more than once: {where}; choose one"
    raise InputError("table of statistics", [fault])


def _full_names(table: pd.DataFrame) -> pd.Series[str]:
    names = [
        _join(f"{parent}.{leaf}" if parent else leaf, sub)
        for parent, leaf, sub in zip(table["object"], table["stat"], table["sub"], strict=True)
    ]
    return pd.Series(names, index=table.index, dtype="str")


def _join(name: str, sub: str) -> str:
    return f"{name}::{sub}" if sub else name


def _neighbours(full: pd.Series[str], name: str) -> str:
    """Return a hint for a name that is not there: the nearest, or what its object has."""
    choices = list(dict.fromkeys(full))
    parts = [choice for choice in choices if choice.startswith(f"{name}::")]
    if parts:
        return f": it is a vector, of {_some(parts)}"
    objects = {choice: choice.partition("::")[0].rpartition(".")[0] for choice in choices}
    parent, _, leaf = name.rpartition(".")
    # Only the object's own names are near: a long common path makes everything look alike.
    leaves = [choice.removeprefix(f"{parent}.") for choice in choices if objects[choice] == parent]
    if leaves:
        where = f"'{parent}' has" if parent else "at the top are"
        return near(leaf, leaves) or f"; {where} {_some(leaves)}"
    return near(name, choices) or f"; no object '{parent}'{near(parent, objects.values())}"


def _some(names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"
