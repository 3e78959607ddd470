# SPDX-License-Identifier: BSD-3-Clause
"""Read a machine file, and report all of its faults at once.

The reader walks the file and the tree of `model` together. Faults come in the order of the file: a
value at fault or an unknown key where it stands, then the table's missing keys, then the rules that
join fields which are sound by themselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

from homeshift.errors import InputError, near
from homeshift.machine.changes import apply_changes
from homeshift.machine.fields import Clock, Field, Latency, Table
from homeshift.machine.model import Machine
from homeshift.machine.rules import RULES
from homeshift.named_values import partition_file
from homeshift.toml_file import read_toml

T = TypeVar("T")


def machine_directory() -> Path:
    """Return the folder of the machines that come with Homeshift.

    In a checkout it is configs/machines; in an installed package its copy in homeshift/data.
    """
    here = Path(__file__).resolve()
    for folder in here.parents:
        if (folder / "configs" / "machines").is_dir():
            return folder / "configs" / "machines"
    return here.parents[1] / "data" / "machines"


def machine_names() -> list[str]:
    """Return the names that `load_machine` knows without a path."""
    return sorted(file.stem for file in machine_directory().glob("*.toml"))


def load_machine(text: str) -> Machine:
    """Return the machine of that name, or in that file, with some values changed.

    Args:
        text: NAME or FILE, or either with changes: "quad:network.link_bandwidth=64GB/s,nodes=8".
            What has a slash or the suffix .toml is a file, anything else a name. Of a file whose
            path has a colon, all of the path is taken.

    Raises:
        InputError: no such machine, no TOML, or a file or changes with faults; all are listed.
    """
    name_or_path, colon, changes = partition_file(text)
    if "/" in name_or_path or name_or_path.endswith(".toml"):
        path = Path(name_or_path)
        shown = name_or_path
    else:
        path = machine_directory() / f"{name_or_path}.toml"
        shown = path.name
        if not path.is_file():
            names = machine_names()
            known = f"no such machine{near(name_or_path, names)}; known are {', '.join(names)}"
            own = "a path, as in ./mine or mine.toml"
            raise InputError(f"machine '{name_or_path}'", [f"{known}; or give {own}"])
    subject = f"machine '{shown}{colon}{changes}'"
    tables = read_toml(path, subject)
    if colon:
        apply_changes(tables, changes, subject=subject)
    return _Reader(path.stem, tables).machine(subject)


class _Reader:
    """One file being read, and the faults found so far."""

    def __init__(self, name: str, tables: Mapping[str, Any]) -> None:
        self.name = name
        self.tables = tables
        self.faults: list[str] = []
        self.sound: dict[str, Any] = {}  # attributes without a fault, "network.columns"
        self.clock_period_ps = self._clock()

    def machine(self, subject: str) -> Machine:
        machine = self._table(Machine, self.tables, prefix="", fixed={"name": self.name})
        if machine is None or self.faults:
            raise InputError(subject, self.faults)
        return machine

    def _clock(self) -> int | None:
        """Read the clock ahead of everything that counts in its cycles."""
        [clock] = [field for field in _schema(Machine).values() if isinstance(field, Clock)]
        try:
            return clock.read(self.tables.get("clock"))
        except ValueError:
            return None  # said where the clock is read in its turn

    def _table(
        self, model: type[T], table: Mapping[str, Any], *, prefix: str, fixed: Mapping[str, Any]
    ) -> T | None:
        """Return `table` as a `model`, or None after a fault in it."""
        schema = {field.key: (name, field) for name, field in _schema(model).items()}
        values: dict[str, Any] = dict(fixed)
        before = len(self.faults)
        for key, value in table.items():
            if key not in schema:
                hint = near(key, schema) or _elsewhere(key)
                self._fault(f"{prefix}{key}", f"no such field{hint}")
                continue
            name, field = schema[key]
            if isinstance(field, Table):
                read = self._nested_list if field.many else self._nested
                nested = read(_model_of(model, name), value, where=f"{prefix}{key}")
                if nested is not None:
                    values[name] = nested
                continue
            try:
                values[name] = self._value(field, value)
            except ValueError as error:
                self._fault(f"{prefix}{key} = {_toml(value)}", str(error))
        for key, (name, field) in schema.items():
            if key not in table and field.required:
                what = "missing table" if isinstance(field, Table) else "missing"
                self._fault(f"{prefix}{key}", f"{what} ({field.sentence})")
            elif key not in table:
                values.setdefault(name, None)
        self.sound |= {f"{prefix}{name}": value for name, value in values.items()}
        self._rules(model, table, prefix=prefix)
        return model(**values) if len(self.faults) == before else None

    def _rules(self, model: type[Any], table: Mapping[str, Any], *, prefix: str) -> None:
        for rule in RULES:
            needs = [f"{prefix}{need}" for need in rule.needs]
            if rule.model is not model or not all(map(self._is_sound, needs)):
                continue
            sentence = rule.check(*map(self.sound.get, needs))
            if sentence is not None:
                given = _lookup(table, rule.at)
                shown = "" if given is None else f" = {_toml(given)}"
                self._fault(f"{prefix}{rule.at}{shown}", sentence)

    def _is_sound(self, need: str) -> bool:
        table = need.rpartition(".")[0]
        return need in self.sound or (table in self.sound and self.sound[table] is None)

    def _nested(self, model: type[Any], value: object, *, where: str) -> object:
        if not isinstance(value, Mapping):
            self._fault(f"{where} = {_toml(value)}", f"not a table; write [{where}]")
            return None
        return self._table(model, value, prefix=f"{where}.", fixed={})

    def _nested_list(self, model: type[Any], value: object, *, where: str) -> object:
        if not isinstance(value, list) or not value:
            self._fault(f"{where} = {_toml(value)}", f"not a list of tables; write [[{where}]]")
            return None
        found = [
            self._nested(model, table, where=f"{where}[{number}]")
            for number, table in enumerate(value)
        ]
        return None if None in found else tuple(found)

    def _value(self, field: Field, value: object) -> object:
        read = field.read(value)
        if isinstance(field, Latency) and isinstance(read, int) and self.clock_period_ps:
            return field.cycles(read, clock_period_ps=self.clock_period_ps)
        return read

    def _fault(self, where: str, sentence: str) -> None:
        self.faults.append(f"{where}: {sentence}")


def _schema(model: type[Any]) -> dict[str, Field | Table]:
    """Return the fields of a dataclass by attribute name, from its annotations."""
    hints = get_type_hints(model, include_extras=True)
    annotated = {name: getattr(hint, "__metadata__", ()) for name, hint in hints.items()}
    return {name: metadata[0] for name, metadata in annotated.items() if metadata}


def _model_of(model: type[Any], name: str) -> type[Any]:
    """Return the dataclass that a table of another one is read as."""
    hint: type[Any] = get_type_hints(model)[name]
    while inner := get_args(hint):  # of "X | None", of "tuple[X, ...]"
        hint = inner[0]
    return hint


def _elsewhere(key: str) -> str:
    """Return " (did you mean 'table.key'?)" if one or two tables have such a key, or nothing."""
    found = [
        f"'{field.key}.{key}'"
        for name, field in _schema(Machine).items()
        if isinstance(field, Table)
        and any(own.key == key for own in _schema(_model_of(Machine, name)).values())
    ]
    return f" (did you mean {' or '.join(found)}?)" if len(found) in (1, 2) else ""


def _lookup(table: Mapping[str, Any], dotted: str) -> object:
    value: Any = table
    for key in dotted.split("."):
        value = value.get(key)
    return value


def _toml(value: object) -> str:
    """Write a value about as it stands in the file."""
    return json.dumps(value, ensure_ascii=False, default=str)
