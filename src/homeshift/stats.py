# SPDX-License-Identifier: BSD-3-Clause
"""Read the output directories of runs: everything downstream of an engine starts here.

    run = read_run("m5out/ownership")
    run.migration["downtime"]                                   # seconds
    stat(run.stats, "system.home0.forwardedRequests")           # one number
    run.stats[run.stats.object.str.startswith("system.home")]   # a long table

Only files are read, never an engine, so a run of gem5 and one of the embedded engine look the same.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from homeshift.errors import InputError, near

COLUMNS = ("run", "dump", "object", "stat", "sub", "value", "unit", "desc")
FORMAT = 1

_FILES = ("config.json", "migration.json", "stats.txt")
_CONFIG_FIELDS = ("homeshift", "arguments", "machine", "workload", "vm")
_TEXT_FIELDS = ("engine", "strategy", "status")
_NUMBER_FIELDS = (
    "total-time",
    "downtime",
    "ram.transferred",
    "home.regions-transferred",
    "home.entries-moved",
    "home.forwarded-requests",
    "interconnect.migration-bytes",
    "interconnect.control-bytes",
    "interconnect.data-bytes",
    "copied-pages",
    "energy.total",
    "energy.total-low",
    "energy.total-high",
)
# A phase that is too short to hold an access has no rate and no share: null, read as NaN.
_NULLABLE_FIELDS = (
    "vm.accesses-per-microsecond.before",
    "vm.accesses-per-microsecond.during",
    "vm.accesses-per-microsecond.after",
    "vm.local-share.before",
    "vm.local-share.after",
)

_BEGIN = re.compile(r"-+ Begin Simulation Statistics\s+-+\s*")
_END = re.compile(r"-+ End Simulation Statistics\s+-+\s*")
_SHOWN_FAULTS = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """A complete run: its directory, its two JSON files, and the table of `read_stats`."""

    path: Path
    config: dict[str, Any]
    migration: dict[str, Any]
    stats: pd.DataFrame

    @property
    def strategy(self) -> str:
        """Name of the migration strategy."""
        return str(self.migration["strategy"])


def find_runs(paths: Sequence[str | os.PathLike[str]]) -> list[Path]:
    """Return the run directories that `paths` name: each a run, or a directory of runs.

    Raises:
        InputError: for paths that are neither, and for runs that are named twice.
    """
    found: list[Path] = []
    faults = []
    for path in map(Path, paths):
        if not path.is_dir():
            faults.append(f"{path}: {'not a directory' if path.exists() else 'does not exist'}")
            continue
        inside = [] if _looks_like_run(path) else sorted(filter(_looks_like_run, path.iterdir()))
        for run in inside or [path]:
            if any(run.resolve() == other.resolve() for other in found):
                faults.append(f"{run}: named twice")
            found.append(run)
    if faults:
        raise InputError("list of runs", faults)
    return found


def read_runs(paths: Sequence[str | os.PathLike[str]]) -> list[Run]:
    """Read all runs that `paths` name, as `find_runs` and `read_run`.

    Raises:
        InputError: with the faults of every run.
    """
    runs = []
    errors = []
    for path in find_runs(paths):
        try:
            runs.append(read_run(path))
        except InputError as error:
            errors.append(error)
    if len(errors) > 1:
        faults = [f"{error.subject}: {fault}" for error in errors for fault in error.faults]
        raise InputError("list of runs", faults)
    if errors:
        raise errors[0]
    return runs


def read_run(path: str | os.PathLike[str]) -> Run:
    """Read one output directory.

    Raises:
        InputError: with every file that is missing, incomplete or invalid.
    """
    path = Path(path)
    subject = f"run '{path}'"
    if not path.is_dir():
        raise InputError(subject, ["not a directory" if path.exists() else "does not exist"])
    faults = [f"{name}: missing" for name in _FILES if not (path / name).is_file()]
    config: dict[str, Any] = {}
    migration: dict[str, Any] = {}
    stats = pd.DataFrame(columns=list(COLUMNS))
    if (path / "config.json").is_file():
        config, found = _read_json(path / "config.json")
        faults += found or [
            f"config.json: no '{name}'" for name in _CONFIG_FIELDS if name not in config
        ]
    if (path / "migration.json").is_file():
        migration, found = _read_json(path / "migration.json")
        faults += found or [f"migration.json: {fault}" for fault in _migration_faults(migration)]
    if (path / "stats.txt").is_file():
        try:
            stats = read_stats(path / "stats.txt")
        except InputError as error:
            faults += [f"stats.txt: {fault}" for fault in error.faults]
    if faults:
        raise InputError(subject, faults)
    return Run(path=path, config=config, migration=migration, stats=stats)


def read_stats(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a stats.txt of gem5 or of this package as a long table.

    Returns:
        One row a value: run (name of the directory), dump (from 0), object ("system.home0"), stat
        ("forwardedRequests"), sub (part of a vector, else ""), value, unit, desc. A vector that
        gem5 writes on one line has its positions "0", "1", ... as subs.

    Raises:
        InputError: with the lines that are not understood, or when a dump has no end.
    """
    path = Path(path)
    subject = f"statistics '{path}'"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(subject, [f"cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise InputError(subject, ["not a text file"]) from error
    rows, faults = _parse(text, path.resolve().parent.name)
    if faults:
        rest = len(faults) - _SHOWN_FAULTS
        raise InputError(subject, faults[:_SHOWN_FAULTS] + ([f"and {rest} more"] * (rest > 0)))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype({"dump": "int64", "value": "float64"})


def stat(table: pd.DataFrame, name: str, *, dump: int | None = None) -> float:
    """Return one value of a table of one run.

    Args:
        table: from `read_stats`.
        name: full name, "system.home0.transfers"; a part of a vector is "NAME::PART".
        dump: which dump, from 0; may be left out when there is only one.

    Raises:
        InputError: when there is no such statistic (its neighbours are named), or more than one.
    """
    full = _full_names(table)
    chosen = table[full == name]
    if dump is not None:
        chosen = chosen[chosen["dump"] == dump]
    if len(chosen) == 1:
        return float(chosen["value"].iloc[0])
    if chosen.empty:
        fault = f"no statistic '{name}'" + ("" if dump is None else f" in dump {dump}")
        raise InputError("statistics", [fault + _neighbours(full, name)])
    where = ", ".join(f"dump {row.dump} of '{row.run}'" for row in chosen.itertuples())
    raise InputError("statistics", [f"'{name}' occurs more than once: {where}; choose one"])


def value_at(migration: dict[str, Any], path: str) -> float:
    """Return the number at a dotted path of migration.json; null is NaN."""
    found: Any = migration
    for key in path.split("."):
        found = found[key]
    return math.nan if found is None else float(found)


def _looks_like_run(path: Path) -> bool:
    # The embedded engine writes complete directories only; one that lacks files is shown as such.
    return path.is_dir() and any((path / name).is_file() for name in _FILES)


def _read_json(path: Path) -> tuple[dict[str, Any], list[str]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        return {}, [f"{path.name}: cannot be read: {error.strerror}"]
    except ValueError as error:
        return {}, [f"{path.name}: not valid JSON: {error}"]
    if not isinstance(content, dict):
        return {}, [f"{path.name}: not a JSON object"]
    if content.get("format") != FORMAT:
        version = content.get("format", "missing")
        return {}, [f"{path.name}: format is {version}, this version reads {FORMAT}"]
    return content, []


def _migration_faults(migration: dict[str, Any]) -> Iterator[str]:
    for name in _TEXT_FIELDS:
        if not isinstance(migration.get(name), str):
            yield f"'{name}' is missing or not a text"
    for name in (*_NUMBER_FIELDS, *_NULLABLE_FIELDS):
        found: Any = migration
        for key in name.split("."):
            if not isinstance(found, dict) or key not in found:
                known = found if isinstance(found, dict) else ()
                yield f"no '{name}'{near(key, known)}"
                break
            found = found[key]
        else:
            if found is None and name in _NULLABLE_FIELDS:
                continue
            if type(found) not in (int, float) or not math.isfinite(found):
                yield f"'{name}' = {found!r}: not a finite number"


def _parse(text: str, run: str) -> tuple[list[tuple[Any, ...]], list[str]]:
    """Return the rows of a stats.txt and what is wrong with it."""
    rows: list[tuple[Any, ...]] = []
    faults: list[str] = []
    seen: set[tuple[str, str]] = set()
    dump, begun_at = -1, 0
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        if _BEGIN.fullmatch(line):
            if begun_at:
                faults.append(f"line {begun_at}: this dump has no end")
            dump, begun_at = dump + 1, number
            seen.clear()
        elif _END.fullmatch(line):
            if not begun_at:
                faults.append(f"line {number}: the end of a dump that has no begin")
            begun_at = 0
        elif not begun_at:
            faults.append(f"line {number}: outside of a dump: {line.strip()[:60]!r}")
        else:
            values = _parse_line(line)
            if not values:
                faults.append(f"line {number}: not a statistic: {line.strip()[:60]!r}")
            for name, sub, value, unit, desc in values:
                if (name, sub) in seen:
                    faults.append(f"line {number}: '{_join(name, sub)}' a second time in a dump")
                seen.add((name, sub))
                parent, _, leaf = name.rpartition(".")
                rows.append((run, dump, parent, leaf, sub, value, unit, desc))
    if begun_at:
        faults.append(f"line {begun_at}: this dump has no end; the run was interrupted")
    if not rows and not faults:
        faults.append("holds no statistics")
    return rows, faults


def _parse_line(line: str) -> list[tuple[str, str, float, str, str]]:
    """Return (name, sub, value, unit, desc) of a line's values; nothing when it is not one."""
    head, marker, tail = line.partition(" # ")
    if not marker:
        # gem5 leaves the "#" out, but not the unit, when a statistic has no description.
        at = head.find(" (")
        head, tail = (head, "") if at < 0 else (head[:at], head[at:])
    desc, unit = _split_unit(tail.strip())
    first, *cells = head.split("|")
    words = first.split()
    if not words:
        return []
    name, _, sub = words[0].partition("::")
    try:
        if cells and len(words) == 1:
            return [
                (name, str(position), _number(cell.split()), unit, desc)
                for position, cell in enumerate(cells)
            ]
        return [] if cells else [(name, sub, _number(words[1:]), unit, desc)]
    except ValueError:
        return []


def _number(words: list[str]) -> float:
    """Return the value of "value [share% [cumulated share%]]"."""
    if not 1 <= len(words) <= 3 or not all(word.endswith("%") for word in words[1:]):
        raise ValueError(words)
    return float(words[0])


def _split_unit(text: str) -> tuple[str, str]:
    """Split "desc (Unit)"; the outer brackets of gem5's "((Count/Second))" are dropped."""
    if not text.endswith(")"):
        return text, ""
    depth = 0
    for at in range(len(text) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(text[at], 0)
        if depth == 0:
            unit = text[at + 1 : -1]
            if re.fullmatch(r"\([^()]*\)", unit):
                unit = unit[1:-1]
            return text[:at].strip(), unit
    return text, ""


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
