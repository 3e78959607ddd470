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

A value that no run can have is a fault of the file, and so is what keeps every run from being made.
A combination that cannot be made is a run that fails.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import stat
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from homeshift.errors import InputError, near
from homeshift.run_format import CHECKPOINT, leaves
from homeshift.toml_file import parse_toml, read_text

Value = str | int | float | bool

ENGINES = ("embedded", "gem5")
_CHOSEN = {
    "outdir": "every run of a sweep gets a directory of its own",
    "trace": 'write it as a workload, "trace:FILE,FILE"',
    "take-checkpoint": "take it with migrate.py, and give the sweep the option restore",
    "help": "not something to vary",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """One run of a sweep: the engine, and options of migrate.py with their values."""

    engine: str
    options: Mapping[str, Value]

    @property
    def name(self) -> str:
        """Name of its directory: equal for equal engines and options, whatever their order.

        Files that options name (machines, traces, VMs, a checkpoint's) count with their contents,
        and so do those that these name.
        """
        files = digests(map(str, self.options.values()))
        text = json.dumps([self.engine, self.options, *files], sort_keys=True)
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


def digests(values: Iterable[str]) -> list[str]:
    """Return what tells the files that options' values name from others, by their contents."""
    return sorted({digest for word in _words(values) if (digest := _digest(word))})


def texts(values: Iterable[str]) -> dict[str, str]:
    """Return what is in the machines, VMs and strategies of one's own that options' values name."""
    named = dict.fromkeys(word for word in _words(values) if word.endswith((".toml", ".py")))
    return {word: Path(word).read_text("utf-8", "replace") for word in named if _digest(word)}


def _words(values: Iterable[str]) -> Iterator[str]:
    """Yield what may be files: parts of values, and of values in files, as of VMs."""
    for word in itertools.chain.from_iterable(map(_parts, values)):
        yield word
        if word.endswith(".toml") and (digest := _digest(word)):
            yield from _words_in(word, digest)


@cache
def _words_in(path: str, digest: str) -> tuple[str, ...]:  # noqa: ARG001
    try:
        content = tomllib.loads(Path(path).read_text("utf-8"))
    except ValueError:
        return ()  # who reads it tells
    values = [value for _, value in leaves(content, lists=True) if isinstance(value, str)]
    return tuple(itertools.chain.from_iterable(map(_parts, values)))


def _parts(value: str) -> Iterator[str]:
    """Yield what may be a file in "FILE:NAME=VALUE" or "trace:FILE,FILE": paths may have colons."""
    for words in (item.split(":") for item in value.split(",")):
        for first, end in itertools.combinations(range(len(words) + 1), 2):
            yield ":".join(words[first:end])


def _digest(path: str) -> str | None:
    try:
        if Path(path).is_dir():
            path = str(Path(path, CHECKPOINT))
        status = Path(path).stat()
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return _digest_of(path, status.st_size, status.st_mtime_ns)


@cache  # names are asked for often, and traces are large
def _digest_of(path: str, size: int, time: int) -> str:  # noqa: ARG001
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """A sweep file, read: its text, its runs, and which options vary in it."""

    name: str
    text: str
    runs: tuple[RunSpec, ...]
    varied: tuple[str, ...]


class Check(Protocol):
    """`experiment.command_line.faults_in`, which alone knows what migrate.py's options may be."""

    def __call__(self, arguments: list[str], *, together: bool) -> list[str]:
        """Return what is wrong with options, each by itself or also together."""


def _nothing_wrong(arguments: list[str], *, together: bool) -> list[str]:  # noqa: ARG001
    return []


def load_sweep(
    path: str | os.PathLike[str], *, known: Collection[str], check: Check = _nothing_wrong
) -> Sweep:
    """Read a sweep file.

    Args:
        path: the TOML file.
        known: names of migrate.py's options, without dashes in front.
        check: what is wrong with values; by default they are not looked at.

    Raises:
        InputError: with all faults of the file.
    """
    path = Path(path)
    subject = f"sweep '{path.name}'"
    text = read_text(path, subject)
    table = parse_toml(text, subject)
    faults, sound = _faults(table, known, check)
    runs = _runs(sound)
    # Which nodes there are, and what fits, is the machine's to say.
    if "machine" in sound or "machine" not in table:
        faults += _faults_of_all(runs, check)
    if faults:
        raise InputError(subject, faults)
    varied = [name for name, value in table.items() if isinstance(value, list) and len(value) > 1]
    return Sweep(name=path.stem, text=text, runs=tuple(runs), varied=tuple(varied))


def _runs(lists: Mapping[str, list[Value]]) -> list[RunSpec]:
    """Return a run for every combination."""
    options = {name: values for name, values in lists.items() if name != "engine"}
    return [
        RunSpec(engine=str(engine), options=dict(zip(options, values, strict=True)))
        for engine, *values in itertools.product(
            lists.get("engine", ["embedded"]), *options.values()
        )
    ]


def _faults(
    table: Mapping[str, Any], known: Collection[str], check: Check
) -> tuple[list[str], dict[str, list[Value]]]:
    """Return the faults of options by themselves, and the values that have none."""
    faults = [] if table else ["is empty; give at least a strategy"]
    sound: dict[str, list[Value]] = {}
    for name, value in table.items():
        if name in _CHOSEN:
            faults.append(f"{name}: {_CHOSEN[name]}")
        elif name != "engine" and name not in known:
            faults.append(f"{name}: migrate.py has no such option{near(name, [*known, 'engine'])}")
        else:
            values = value if isinstance(value, list) else [value]
            if not values:
                faults.append(f"{name}: an empty list leaves nothing to run")
            for single in values:
                found = list(_value_faults(name, single, check))
                faults += found
                if not found:
                    sound.setdefault(name, []).append(single)
            written = [json.dumps(single, default=str) for single in values]
            twice = sorted({text for text in written if written.count(text) > 1})
            faults += [f"{name}: {text} is listed twice" for text in twice]
    return faults, sound


def _value_faults(name: str, value: Any, check: Check) -> Iterator[str]:
    if not isinstance(value, (str, int, float, bool)):
        fault = "not a text, a number, true or false; write it as on the command line"
        yield f"{name} = {value!r}: {fault}"
    elif name != "engine":
        for fault in check(RunSpec(engine="", options={name: value}).arguments, together=False):
            yield f"{name} = {json.dumps(value)}: {fault.removeprefix(f'{value}: ')}"
    elif value not in ENGINES:
        yield f"engine = {json.dumps(value)}: not one of {', '.join(ENGINES)}"


def _faults_of_all(runs: Iterable[RunSpec], check: Check) -> list[str]:
    """Return what is wrong with the runs, or nothing if one of them can be made."""
    faults: dict[str, None] = {}
    for run in runs:
        found = check(run.arguments, together=True)
        if not found:
            return []
        faults.update(dict.fromkeys(found))
    return list(faults)
