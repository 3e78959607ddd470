# SPDX-License-Identifier: BSD-3-Clause
"""A sweep file: options of configs/migrate.py, each with one value or a list of values.

    engine    = "embedded"                                  # or "gem5", or both
    machine   = ["quad", "quad:network.link_bandwidth=64GB/s"]
    strategy  = ["ownership", "stop-and-copy"]
    vm-memory = ["16MiB", "64MiB"]
    seed      = [1, 2, 3]
    check     = true

A run is made for every combination, here 2 * 2 * 2 * 3; the last list varies fastest. Traces are
workloads here: "trace:traces/sqlite3.npy,traces/xz.npy".
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homeshift.errors import InputError, near

Value = str | int | float | bool

ENGINES = ("embedded", "gem5")
_CHOSEN = {
    "outdir": "every run of a sweep gets a directory of its own",
    "trace": 'write it as a workload, "trace:FILE,FILE"',
    "help": "not something to vary",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """One run of a sweep: the engine, and options of migrate.py with their values."""

    engine: str
    options: Mapping[str, Value]

    @property
    def name(self) -> str:
        """Name of its directory: equal for equal engines and options, whatever their order."""
        text = json.dumps([self.engine, self.options], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def arguments(self) -> list[str]:
        """Its options as arguments of migrate.py; one that is false is left out."""
        arguments = []
        for option, value in self.options.items():
            if value is True:
                arguments.append(f"--{option}")
            elif value is not False:
                arguments += [f"--{option}", str(value)]
        return arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A sweep file, read: its text, its runs, and which options vary in it."""

    name: str
    text: str
    runs: tuple[RunSpec, ...]
    varied: tuple[str, ...]


def load_sweep(path: str | os.PathLike[str], *, known: Collection[str]) -> Sweep:
    """Read a sweep file.

    Args:
        path: the TOML file.
        known: names of migrate.py's options, without dashes in front.

    Raises:
        InputError: with all faults of the file.
    """
    path = Path(path)
    subject = f"sweep '{path.name}'"
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except OSError as error:
        raise InputError(subject, [f"cannot read {path}: {error.strerror}"]) from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise InputError(subject, [f"not TOML: {error}"]) from error
    faults = list(_faults(table, known))
    if faults:
        raise InputError(subject, faults)
    lists = {name: value if isinstance(value, list) else [value] for name, value in table.items()}
    engines = lists.pop("engine", ["embedded"])
    runs = [
        RunSpec(engine=engine, options=dict(zip(lists, values, strict=True)))
        for engine, *values in itertools.product(engines, *lists.values())
    ]
    varied = [name for name, value in table.items() if isinstance(value, list) and len(value) > 1]
    return Sweep(name=path.stem, text=text, runs=tuple(runs), varied=tuple(varied))


def _faults(table: Mapping[str, Any], known: Collection[str]) -> Iterator[str]:
    if not table:
        yield "is empty; give at least a strategy"
    for name, value in table.items():
        if name in _CHOSEN:
            yield f"{name}: {_CHOSEN[name]}"
        elif name != "engine" and name not in known:
            yield f"{name}: migrate.py has no such option{near(name, [*known, 'engine'])}"
        else:
            yield from _value_faults(name, value)


def _value_faults(name: str, value: Any) -> Iterator[str]:
    values = value if isinstance(value, list) else [value]
    if not values:
        yield f"{name}: an empty list leaves nothing to run"
    for single in values:
        if not isinstance(single, (str, int, float, bool)):
            yield f"{name} = {single!r}: not a text, a number, true or false"
        elif name == "engine" and single not in ENGINES:
            yield f"engine = {json.dumps(single)}: not one of {', '.join(ENGINES)}"
    texts = [json.dumps(single, default=str) for single in values]
    for text in sorted({text for text in texts if texts.count(text) > 1}):
        yield f"{name}: {text} is listed twice"
