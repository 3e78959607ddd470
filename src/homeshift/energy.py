# SPDX-License-Identifier: BSD-3-Clause
"""Energy of a migration: counts of its own work times constants with a source.

The engine counts; this module multiplies. The constants are in `energy.toml`, each with a low, a
typical and a high value, so that a result carries its own uncertainty. A file of a user's own can
replace some of them.

    counts = Counts(dram_reads=64, dram_writes=64, link_bytes=4096)      # one copied page
    energy_of(counts, load_constants()).total                            # 5.6e-07 J

What this model gets wrong: background and refresh power are left out (they are paid with or
without the migration, but a long one keeps more of the machine awake); one locality of DRAM rows is
assumed for all accesses, although the write-backs of a home transfer are scattered and a page copy
is not; routers, private caches, and the cores that a software migration would keep busy are not
counted.
"""

from __future__ import annotations

import math
import os
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, get_type_hints

from homeshift.errors import InputError, near
from homeshift.toml_file import read_toml
from homeshift.units import LINE_BYTES

_LINE_BITS = 8 * LINE_BYTES
_PICO = 1e-12
_NANO = 1e-9
_LEVELS = ("low", "typical", "high")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What was done, by whom the caller says: by migrations, or by everybody.

    Args:
        dram_reads: 64 B lines read from DRAM.
        dram_writes: 64 B lines written to DRAM.
        link_bytes: bytes on links between nodes, counted once for each link crossed.
        slc_accesses: 64 B lines read from or written to slices of memory-side cache (SLC).
        directory_accesses: times that a directory is at work on an entry (engines/counting.py).
    """

    dram_reads: int = 0
    dram_writes: int = 0
    link_bytes: int = 0
    slc_accesses: int = 0
    directory_accesses: int = 0

    def __post_init__(self) -> None:
        negative = [name for name, count in asdict(self).items() if count < 0]
        if negative:
            raise ValueError(f"negative counts: {', '.join(negative)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A constant with its range, unit and source."""

    low: float
    typical: float
    high: float
    unit: str
    source: str

    def at(self, level: str) -> float:
        """Return the value at 'low', 'typical' or 'high'."""
        return {"low": self.low, "typical": self.typical, "high": self.high}[level]


@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """The energy constants; the names are those of `energy.toml` with underscores."""

    dram_read: Annotated[Constant, "pJ/bit"]
    dram_write: Annotated[Constant, "pJ/bit"]
    dram_activation: Annotated[Constant, "nJ"]
    activations_per_line: Annotated[Constant, "activations/line"]
    link: Annotated[Constant, "pJ/bit"]
    slc_access: Annotated[Constant, "pJ"]
    directory_access: Annotated[Constant, "pJ"]

    def to_dict(self) -> dict[str, Any]:
        """Return what config.json holds of them: their values."""
        constants: dict[str, Constant] = {f.name: getattr(self, f.name) for f in fields(self)}
        return {
            name.replace("_", "-"): {level: constant.at(level) for level in _LEVELS}
            for name, constant in constants.items()
        }


_UNITS: dict[str, str] = {
    name: hint.__metadata__[0]
    for name, hint in get_type_hints(Constants, include_extras=True).items()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Joules by part at typical constants, and the total at the low and the high ones."""

    dram: float
    interconnect: float
    sram: float
    total_low: float
    total_high: float

    @property
    def total(self) -> float:
        """Joules of all parts at typical constants."""
        return self.dram + self.interconnect + self.sram

    def to_dict(self) -> dict[str, float]:
        """Return the `energy` object of migration.json."""
        return {
            "dram": self.dram,
            "interconnect": self.interconnect,
            "sram": self.sram,
            "total": self.total,
            "total-low": self.total_low,
            "total-high": self.total_high,
        }


def energy_of(counts: Counts, constants: Constants) -> Energy:
    """Return the energy of `counts`; it is linear in each of them."""
    dram, interconnect, sram = _parts(counts, constants, "typical")
    return Energy(
        dram=dram,
        interconnect=interconnect,
        sram=sram,
        total_low=sum(_parts(counts, constants, "low")),
        total_high=sum(_parts(counts, constants, "high")),
    )


def sensitivity(counts: Counts, constants: Constants) -> dict[str, dict[str, float]]:
    """Return, for each constant, the joules at its low and its high value, the others typical."""
    return {
        f.name.replace("_", "-"): {
            level: energy_of(counts, _with_one_at(level, f.name, constants)).total
            for level in ("low", "high")
        }
        for f in fields(Constants)
    }


def _with_one_at(level: str, name: str, constants: Constants) -> Constants:
    constant: Constant = getattr(constants, name)
    changed = {name: replace(constant, typical=constant.at(level))}
    return replace(constants, **changed)


def load_constants(path: str | os.PathLike[str] | None = None) -> Constants:
    """Return the constants that come with the package, or those of a file in place of some.

    Args:
        path: of a file like `energy.toml`, with the constants that it replaces.

    Raises:
        InputError: with everything that is wrong in the file.
    """
    return Constants(**{**_shipped(), **(_read(path) if path is not None else {})})


@cache  # a sweep looks at the options of each of its runs
def _shipped() -> dict[str, Constant]:
    return _read(Path(__file__).with_name("energy.toml"))


def _read(path: str | os.PathLike[str]) -> dict[str, Constant]:
    """Return the constants of a file, by attribute."""
    subject = f"energy constants '{path}'"
    names = {field.name.replace("_", "-"): field.name for field in fields(Constants)}
    tables = read_toml(path, subject)
    faults = [] if tables else ["no constant is in it"]
    constants = {}
    for key, table in tables.items():
        if key not in names:
            faults.append(f"{key}: no such constant{near(key, names)}")
            continue
        found = _faults(key, table, _UNITS[names[key]])
        faults += found
        if not found:
            constants[names[key]] = Constant(**table)
    if faults:
        raise InputError(subject, faults)
    return constants


def _parts(counts: Counts, constants: Constants, level: str) -> tuple[float, float, float]:
    """Return the joules of DRAM, interconnect and SRAM at one level of the constants."""
    activation = constants.dram_activation.at(level) * _NANO
    activations = constants.activations_per_line.at(level)
    read = constants.dram_read.at(level) * _PICO * _LINE_BITS + activation * activations
    write = constants.dram_write.at(level) * _PICO * _LINE_BITS + activation * activations
    return (
        counts.dram_reads * read + counts.dram_writes * write,
        counts.link_bytes * 8 * constants.link.at(level) * _PICO,
        counts.slc_accesses * constants.slc_access.at(level) * _PICO
        + counts.directory_accesses * constants.directory_access.at(level) * _PICO,
    )


def _faults(key: str, table: object, unit: str) -> list[str]:
    """Return what is wrong with one constant's table."""
    if not isinstance(table, dict):
        return [f"{key} = {table!r}: not a table of low, typical, high, unit and source"]
    wanted = (*_LEVELS, "unit", "source")
    faults = [f"{key}.{name}: missing" for name in wanted if name not in table]
    faults += [
        f"{key}.{name}: no such field{near(name, wanted)}" for name in table if name not in wanted
    ]
    if faults:
        return faults
    if table["unit"] != unit:
        faults.append(f'{key}.unit = "{table["unit"]}": must be "{unit}"')
    if not isinstance(table["source"], str) or not table["source"].strip():
        faults.append(f"{key}.source: must say where the value comes from")
    values = [table[level] for level in _LEVELS]
    if not all(type(value) in (int, float) and math.isfinite(value) for value in values):
        faults.append(f"{key}: low, typical and high must be finite numbers")
    elif not 0 <= values[0] <= values[1] <= values[2]:
        faults.append(f"{key}: must be 0 <= low <= typical <= high")
    return faults
