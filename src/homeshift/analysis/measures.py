# SPDX-License-Identifier: BSD-3-Clause
"""The numbers of migration.json that are compared, with their names for people and their units."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from homeshift.analysis.display import DisplayUnit, common_unit, format_number
from homeshift.errors import InputError, near


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A number of migration.json.

    Args:
        path: where it is; also its name in files.
        label: its name for people; empty for one that is only written to files.
        unit: SI unit of what is there, times `scale`.
        horizon: whether it is over all the time from the start of the migration to the end of the
            measurement, which is the same for runs with a horizon only.
        rare: not shown to people where it is 0 everywhere.
    """

    path: str
    label: str
    unit: str
    scale: float = 1.0
    horizon: bool = False
    rare: bool = False

    def heading(self, unit: DisplayUnit) -> str:
        """Return its name with the unit in which it is shown."""
        return self.label + (f" [{unit.name}]" if unit.name else "")


def _by_phase(path: str, label: str, unit: str, scale: float = 1.0) -> tuple[Measure, ...]:
    """Return what is measured before, during and after a VM's migration."""
    return tuple(
        Measure(path=f"{path}.{phase}", label=f"{label} {phase}", unit=unit, scale=scale)
        for phase in ("before", "during", "after")
    )


MEASURES = (
    Measure(path="interconnect.migration-bytes", label="bytes between nodes", unit="B"),
    Measure(path="total-time", label="total time", unit="s"),
    Measure(path="downtime", label="downtime", unit="s"),
    Measure(path="postcopy-blocktime", label="waits for pages", unit="s", rare=True),
    Measure(path="energy.total", label="energy", unit="J"),
    Measure(path="energy.total-low", label="", unit="J"),
    Measure(path="energy.total-high", label="", unit="J"),
    Measure(path="copied-pages", label="copied pages", unit="pages"),
    Measure(path="home.regions-transferred", label="regions transferred", unit="regions"),
    Measure(path="home.regions-returned", label="regions returned", unit="regions", rare=True),
    Measure(path="home.entries-moved", label="entries moved", unit="entries"),
    *_by_phase("vm.accesses-per-microsecond", "VM speed", "accesses/s", 1e6),
    *_by_phase("vm.mean-latency", "mean latency", "s"),
    *_by_phase("vm.local-share", "local share", "1"),
    Measure(path="window.accesses", label="accesses done", unit="accesses", horizon=True),
    Measure(path="window.accesses-lost", label="accesses lost", unit="accesses", horizon=True),
    Measure(path="window.link-bytes", label="all bytes on links", unit="B", horizon=True),
    Measure(path="window.energy.total", label="all energy", unit="J", horizon=True),
)

EQUALLY_FAST_WITHIN = 0.01
"""Most by which speeds before a migration may differ for what VMs lose by it to be compared: that
is often a few percent of what they do."""

OF_SOME = (
    Measure(path="window.energy-per-access", label="energy an access", unit="J", horizon=True),
    *_by_phase("vm.instructions-per-microsecond", "instructions", "instructions/s", 1e6),
)
"""What is known of a single VM, and if CPUs run a program or a full system."""

_OF_A_VM = (
    *_by_phase("accesses-per-microsecond", "speed", "accesses/s", 1e6),
    *_by_phase("mean-latency", "mean latency", "s"),
    *_by_phase("local-share", "local share", "1"),
    *(
        measure
        for measure in MEASURES
        if measure.path in ("window.accesses", "window.accesses-lost")
    ),
)
"""What is known of each of several VMs."""


def _of_vm(number: str) -> list[Measure]:
    return [
        replace(known, path=f"vms.{number}.{known.path}", label=f"VM {number} {known.label}")
        for known in _OF_A_VM
    ]


def further_measures(paths: Iterable[str]) -> list[Measure]:
    """Return those of some numbers of migration.json that not all runs have.

    They are of a single VM, of CPUs, or of one of several VMs.
    """
    there = dict.fromkeys(paths)
    numbers = dict.fromkeys(path.split(".")[1] for path in there if path.startswith("vms."))
    known = (*OF_SOME, *itertools.chain.from_iterable(map(_of_vm, numbers)))
    return [measure for measure in known if measure.path in there]


def equally_fast(speeds: Sequence[float]) -> bool:
    """Return whether VMs were as fast as each other before, so that both can be compared to it."""
    return max(speeds) - min(speeds) <= EQUALLY_FAST_WITHIN * max(speeds)


def not_equally_fast(table: pd.DataFrame, key: str, value: str) -> list[str]:
    """Return a sentence for each VM whose accesses lost are held against speeds that differ.

    Args:
        table: in long form, with a column measure.
        key: column that names what stands side by side.
        value: column of the numbers.
    """
    said = []
    for path in dict.fromkeys(table["measure"]):
        of_vm, lost, _ = path.partition("window.accesses-lost")
        if not lost:
            continue
        speed_path = f"{of_vm or 'vm.'}accesses-per-microsecond.before"
        before = table[table["measure"] == speed_path].dropna(subset=value)
        speeds = sorted((float(v), str(n)) for n, v in zip(before[key], before[value], strict=True))
        if not speeds or equally_fast([speed for speed, _ in speeds]):
            continue
        ends = ", ".join(
            f"{format_number(speed / 1e6)} accesses/us by {name}"
            for speed, name in (speeds[0], speeds[-1])
        )
        whose = f"VM {of_vm.split('.')[1]}" if of_vm else "the VM"
        said.append(
            f"{whose} was not equally fast before ({ends}), and what it loses is held against "
            "that: compare the accesses done"
        )
    return said


def measures_for(horizons: Iterable[Any], paths: Iterable[str]) -> list[Measure]:
    """Return the measures of runs.

    Args:
        horizons: of the runs, None or NaN for one without.
        paths: of all numbers that any of the runs has.
    """
    timed = not any(pd.isna(horizon) for horizon in horizons)
    known = (*MEASURES, *further_measures(paths))
    return [measure for measure in known if timed or not measure.horizon]


def shown_measures(table: pd.DataFrame, value: str) -> list[Measure]:
    """Return those measures of a table in long form that people are shown.

    Args:
        table: with a column measure.
        value: column of the numbers.
    """
    there = list(dict.fromkeys(table["measure"]))
    some = set(table["measure"][table[value] != 0])
    known = (*MEASURES, *further_measures(there))
    return [
        measure
        for measure in known
        if measure.label and measure.path in (some if measure.rare else there)
    ]


def as_texts(
    table: pd.DataFrame,
    key: str,
    value: str,
    show_value: Callable[[pd.Series[Any], DisplayUnit], str],
    show_ratio: Callable[[pd.Series[Any]], str],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return values and ratios of a table in long form as texts: a row a measure.

    Args:
        table: with columns measure and baseline, which is one of `key`'s.
        key: column that names what stands side by side.
        value: column by which units are chosen.
        show_value: from a row, and the unit of its measure.
        show_ratio: from a row that is not its own baseline.
    """
    names = list(dict.fromkeys(table[key]))
    others = list(dict.fromkeys(table[key][table[key] != table["baseline"]]))
    values, ratios = {}, {}
    for measure in shown_measures(table, value):
        rows = table[table["measure"] == measure.path].set_index(key)
        unit = common_unit([float(number) for number in rows[value]], measure.unit)
        values[measure.heading(unit)] = [show_value(rows.loc[name], unit) for name in names]
        ratios[measure.label] = [show_ratio(rows.loc[name]) for name in others]
    return (
        pd.DataFrame.from_dict(values, orient="index", columns=names),
        pd.DataFrame.from_dict(ratios, orient="index", columns=others),
    )


def measure_named(name: str) -> Measure:
    """Return the measure with this name for people, or in files.

    Raises:
        InputError: there is none.
    """
    of = re.match(r"(?:VM |vms\.)(\d+)", name)
    of_vm = _of_vm(of[1]) if of else []
    for measure in (*MEASURES, *OF_SOME, *of_vm):
        if name and name in (measure.path, measure.label):
            return measure
    known = [measure.label or measure.path for measure in of_vm or (*MEASURES, *OF_SOME)]
    fault = f"not known{near(name, known)}; known are {', '.join(known)}"
    raise InputError(f"measure '{name}'", [fault])
