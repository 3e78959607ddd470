# SPDX-License-Identifier: BSD-3-Clause
"""Compare runs: one table of measures by run, its ratios to a baseline, and its text form.

    runs = read_runs(["m5out"])
    table = compare(runs, baseline="stop-and-copy")      # long, raw SI units
    print(render(table, width=100))                      # for people

A table in long form has a row a run and measure, see `compare`.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from homeshift.analysis.display import (
    DisplayUnit,
    fitted,
    format_count,
    format_number,
    format_ratio,
)
from homeshift.analysis.groups import SEED, condition_columns, group_names
from homeshift.analysis.measures import as_texts, measures_for
from homeshift.analysis.remarks import with_status
from homeshift.analysis.runs import CONSTANTS, OTHER_VMS, Run, contents, measures
from homeshift.analysis.selection import (
    as_given,
    run_table,
    shown_name,
    shown_value,
    strategy_names,
    varied,
)
from homeshift.analysis.sweep_note import is_sweep
from homeshift.errors import InputError, near

SIDE_BY_SIDE = 8  # runs; of more, people are shown means
COLUMNS = ("run", "label", "strategy", "measure", "unit", "value", "baseline", "ratio")


def labels(runs: Sequence[Run]) -> list[str]:
    """Return a name for each run: its strategy, and where that is ambiguous what tells them apart.

    That is its directory, which its user has named; of a run of a sweep, what varies.
    """
    strategies = strategy_names(runs)
    if len(set(strategies)) == len(runs):
        return strategies
    table = run_table(runs)
    by = ["strategy", *condition_columns(table, ["strategy"]), *varied(table, [SEED])]
    folders = [run.path.resolve().name for run in runs]
    rows = zip(runs, strategies, folders, group_names(table, by), strict=True)
    names = [
        strategy
        if strategies.count(strategy) == 1
        else varying
        if is_sweep(run.path.resolve().parent.parent)
        else folder
        if folder not in strategies
        else os.fspath(run.path)
        for run, strategy, folder, varying in rows
    ]
    times = Counter(names)
    return [
        name if times[name] == 1 else os.fspath(run.path)
        for run, name in zip(runs, names, strict=True)
    ]


def compare(runs: Sequence[Run], *, baseline: str | None = None) -> pd.DataFrame:
    """Return the measures of the runs in long form, in raw SI units.

    Args:
        runs: at least one.
        baseline: directory, label or strategy of the run that ratios refer to; default: the first.

    Returns:
        One row a run and measure, with the columns of `COLUMNS`. A label says so if the migration
        did not complete. `baseline` is the label of the baseline run; `ratio` is NaN where the
        baseline's value is 0, or one of the two negative. A VM that a run does not have is NaN.

    Raises:
        InputError: when `baseline` names no run, or more than one.
    """
    plain = labels(runs)
    base = 0 if baseline is None else _find_baseline(runs, plain, baseline)
    names = [with_status(name, run) for name, run in zip(plain, runs, strict=True)]
    found = [measures(run.migration) for run in runs]
    paths = dict.fromkeys(name for own in found for name in own)
    chosen = measures_for((run.horizon for run in runs), paths)
    rows = []
    for run, name, own in zip(runs, names, found, strict=True):
        for measure in chosen:
            value = own.get(measure.path, math.nan) * measure.scale
            reference = found[base].get(measure.path, math.nan) * measure.scale
            ratio = value / reference if reference > 0 and value >= 0 else math.nan
            rows.append(
                (
                    os.fspath(run.path),
                    name,
                    run.strategy,
                    measure.path,
                    measure.unit,
                    value,
                    names[base],
                    ratio,
                )
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def render(table: pd.DataFrame, *, width: int) -> str:
    """Return the table of `compare` as text for people.

    Args:
        table: from `compare`.
        width: columns of the terminal; values and ratios stand side by side when they fit.
    """
    to = f" to {table['baseline'].iloc[0]}"
    values, ratios = texts(table)
    text = fitted(values, ratios, width=width, to=to)
    return text if ratios.empty or f"\nratio{to}:" in text else f"{text}\n\nratio:{to}"


def texts(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return values and ratios of the table of `compare` as texts: a row a measure."""

    def show_value(row: pd.Series[Any], unit: DisplayUnit) -> str:
        return (format_number if unit.name else format_count)(row["value"] / unit.factor)

    return as_texts(table, "label", "value", show_value, lambda row: format_ratio(row["ratio"]))


def differences(runs: Sequence[Run]) -> list[str]:
    """Return in what the runs differ beside their strategy; a comparison needs none of it."""
    names = labels(runs)
    conditions = [dict(_conditions(run)) for run in runs]
    keys = dict.fromkeys(key for condition in conditions for key in condition)
    found = []
    for key in keys:
        values = [condition.get(key) for condition in conditions]
        if key.startswith(CONSTANTS) and None in values:
            continue  # runs of before say nothing of them
        if any(value != values[0] for value in values):
            given = [as_given(key.removeprefix("--"), value) for value in values]
            found.append(
                f"{key}: " + ", ".join(f"{v} ({n})" for v, n in zip(given, names, strict=True))
            )
    return found


def _find_baseline(runs: Sequence[Run], names: Sequence[str], baseline: str) -> int:
    place = Path(baseline).resolve()
    for candidates in (
        [i for i, run in enumerate(runs) if run.path.resolve() == place],
        [i for i, name in enumerate(names) if name == baseline],
        [i for i, run in enumerate(runs) if run.strategy == baseline],
    ):
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            which = ", ".join(f"'{runs[i].path}'" for i in candidates)
            raise InputError("baseline", [f"'{baseline}' is the strategy of {which}; name one"])
    known = dict.fromkeys([*names, *(os.fspath(run.path) for run in runs)])
    listed = ", ".join(f"'{name}'" for name in known)
    raise InputError(
        "baseline", [f"no run '{baseline}'{near(baseline, known)}; the runs are {listed}"]
    )


_NO_CONDITIONS = (
    *("strategy", "outdir", "timeline", "timeline-messages", "check"),
    # By content, not by the file that it is in.
    *("machine", "workload", "trace", "more-vms", "energy"),
    *("vm-memory", "vcpus", "source", "target", "borrow", "region", "stage2-entry"),  # as vm.*
)


def _conditions(run: Run) -> Iterator[tuple[str, Any]]:
    """Yield everything that a fair comparison holds constant."""
    yield "homeshift version", run.config["homeshift"]
    for section in ("machine", "workload", "vm", OTHER_VMS, CONSTANTS):
        for name, value in contents(run, section):
            if name == "machine.network.links":
                yield from _links(value)
            elif name != "machine.name":
                yield name, value
    for name, value in run.config["arguments"].items():
        if name not in _NO_CONDITIONS:
            yield f"--{name}", value


def _links(listed: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield each link of one's own, and what it has of its own."""
    for link in listed:
        one, other = sorted(link["between"])
        own = [
            f"{shown_name(key)} {shown_value(key, value)}"
            for key, value in link.items()
            if key != "between" and value is not None
        ]
        yield f"machine.network.links {one}-{other}", ", ".join(own) or "as the network's"
