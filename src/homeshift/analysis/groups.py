# SPDX-License-Identifier: BSD-3-Clause
"""Many runs in few numbers: means, and ratios to a baseline with their confidence.

Runs are put into groups, by strategy unless something else is asked for. What else varies, without
the seed, is a condition (a VM's size, a workload, ...). For each group and measure:

- the mean is over all conditions;
- the ratio is between runs of one condition and one seed, and their geometric mean is taken: a
  ratio of 2 and one of 1/2 make 1;
- where runs are missing, as in a sweep that was not run to its end, `comparable` leaves out seeds
  and conditions until every group has a run of each, so that all means are over the same;
- the seeds are the repetitions. Each gives one mean and one ratio; from these come the 95 %
  confidence intervals (Student's t; of the logarithm, for ratios). One seed has no interval.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from homeshift.analysis.display import (
    DisplayUnit,
    format_count,
    format_number,
    format_ratio,
    format_uncertain,
    listed,
)
from homeshift.analysis.measures import Measure, as_texts, further_measures, measures_for
from homeshift.analysis.runs import CONSTANTS, OTHER_VMS
from homeshift.analysis.selection import short_name, shown_name, shown_value, varied
from homeshift.errors import InputError, near

COLUMNS = (
    "group",
    "measure",
    "unit",
    "runs",
    "conditions",
    "seeds",
    "mean",
    "mean_low",
    "mean_high",
    "baseline",
    "ratio",
    "ratio_low",
    "ratio_high",
)
SEED, HORIZON = "arguments.seed", "arguments.horizon"
_PARAMETERS = (
    *("engine", "arguments.", "machine.", "workload.", "strategy."),
    *(f"{OTHER_VMS}.", f"{CONSTANTS}."),
    *("vm.memory", "vm.vcpus", "vm.source", "vm.target", "vm.borrow", "vm.region"),
)
# Student's t, 97.5 %, for 1 to 30 degrees of freedom.
_T = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
_Z = 1.959964
# What a column of the table also tells.
_TELLS = {
    "strategy": "strategy.",
    "arguments.machine": "machine.",
    "arguments.workload": "workload.",
    "arguments.trace": "workload.",
    "arguments.more-vms": f"{OTHER_VMS}.",
    "arguments.energy": f"{CONSTANTS}.",
    "borrowed": "vm.borrow.",
    "link_latency": "machine.network.link_latency",
    "pool_latency": "machine.pool.latency",
    "pool_link_latency": "machine.pool.link_latency",
}
# Texts of which other columns tell the content, and what changes nothing.
_NO_CAUSES = (
    *(f"arguments.{name}" for name in ("strategy", "machine", "workload", "trace", "check")),
    *("arguments.more-vms", "arguments.energy"),
    "machine.name",
)
_ROUNDING = 1e-12


def summarise(
    table: pd.DataFrame, *, by: Sequence[str] = ("strategy",), baseline: str | None = None
) -> pd.DataFrame:
    """Return means and ratios, a row a group and measure, in SI units.

    A measure that some runs do not have is taken over the conditions and seeds in which all groups
    have it, beside groups that never do; `attrs["gaps"]` tells of which, in a sentence.

    Args:
        table: from `selection.run_table`.
        by: columns that make the groups.
        baseline: group that ratios refer to, or strategy, with all else that makes the groups the
            same; default: the strategy of the first run, or its group if there are no strategies
            or some are missing. Its name is `attrs["baseline"]` of what is returned.

    Raises:
        InputError: no such baseline; runs that cannot be told apart.
    """
    bases, said = _baselines(table, by, baseline)
    keyed = _keyed(table, by)
    twice = keyed[keyed.duplicated(["_group", "_condition", "_seed"])]
    if not twice.empty:
        fault = f"{twice['path'].iloc[0]}: another run has the same parameters and seed"
        raise InputError("list of runs", [fault])
    rows, gaps = [], []
    further = further_measures(map(str, table))
    made = keyed.pivot(index=["_seed", "_condition"], columns="_group", values="path").notna()
    for measure in [*measures_for(table.get(HORIZON, [None])), *further]:
        values = (
            keyed.pivot(index=["_seed", "_condition"], columns="_group", values=measure.path)
            * measure.scale
        )
        lacking = (values.isna() & made & values.notna().any()).any(axis="columns")
        if lacking.any():
            values = values[~lacking]
            gaps += [f"{measure.label} ({len(values)} of {len(made)})"] if measure.label else []
        rows += [
            _row(name, measure, values[name].dropna(), values, base) for name, base in bases.items()
        ]
    summary = pd.DataFrame(rows, columns=list(COLUMNS))
    summary.attrs["baseline"] = said
    summary.attrs["gaps"] = (
        f"not every run has a value of {listed(gaps)}: means and ratios are over the conditions "
        "and seeds in which all groups have one"
        if gaps
        else ""
    )
    return summary


def _baselines(
    table: pd.DataFrame, by: Sequence[str], asked: str | None
) -> tuple[dict[str, str], str]:
    """Return to which group the ratios of each refer, and how these are called together."""
    groups = group_names(table, by)
    names = list(dict.fromkeys(groups))
    if asked is not None:
        plain = asked.replace(" ", "")
        for name in names:
            if name.replace(" ", "") == plain:
                return dict.fromkeys(names, name), name
    rest = [name for name in by if name != "strategy"]
    if rest != list(by) and rest:
        strategy = table["strategy"].iloc[0] if asked is None else asked
        keys = list(table[rest].map(str).itertuples(index=False, name=None))
        rows = list(zip(keys, groups, table["strategy"], strict=True))
        base = {key: group for key, group, own in rows if own == strategy}
        if all(key in base for key in keys):
            same = ", ".join(shown_name(short_name(table, name)) for name in rest)
            found = {group: base[key] for key, group, _ in rows}
            return found, f"{strategy} of the same {same}"
    if asked is not None:
        listed = ", ".join(f"'{name}'" for name in names)
        fault = f"no group '{asked}'{near(asked, names)}; the groups are {listed}"
        raise InputError("baseline", [fault])
    return dict.fromkeys(names, names[0]), names[0]


def comparable(table: pd.DataFrame, by: Sequence[str]) -> tuple[pd.DataFrame, str]:
    """Return the runs that can be summed up, and a sentence on what is wrong with them, or nothing.

    Migrations that did not complete are not summed up with those that did. Of some runs the group
    cannot be told from another cause, as where one strategy alone has borrowed memory.

    Args:
        table: from `selection.run_table`.
        by: columns that make the groups.
    """
    completed = table["status"] == "completed"
    if completed.any() and not completed.all():
        return comparable(table[completed], by)  # who reads the runs has told of the others
    for name in by:
        if name.startswith("strategy.") and table[name].isna().any():
            chosen, also = comparable(table.dropna(subset=[name]), by)
            without = f"{table[name].isna().sum()} of {len(table)} runs are left out, as their "
            return chosen, f"{without}strategy has no {shown_name(name)}" + (
                f"; {also}" if also else ""
            )
    keyed = _keyed(table, by)
    found = keyed.groupby(["_condition", "_seed"])["_group"].transform("nunique")
    whole = keyed[found == keyed["_group"].nunique()]
    if whole.empty:
        return table, (
            "no condition and seed has a run of every group: means are over different conditions, "
            "ratios over those that a group has in common with the baseline"
        )
    conditions, seeds = _complete(pd.crosstab(whole["_condition"], whole["_seed"]) > 0)
    chosen = table.loc[
        whole.index[whole["_condition"].isin(conditions) & whole["_seed"].isin(seeds)]
    ]
    said = _other_causes(chosen, by)
    if others := len(table) - len(chosen):
        left_out = (
            f"{others} of {len(table)} runs are left out, as not every group has one of each of "
            f"their conditions and seeds ({_gaps(keyed)}): means and ratios are over what all "
            "groups have"
        )
        lost = _lost(table, chosen, by)
        said.insert(0, left_out + (f", and so without {lost}" if lost else ""))
    return chosen, "; ".join(said)


def _gaps(keyed: pd.DataFrame) -> str:
    """Return how many conditions and seeds some groups have no run of."""
    cells = keyed.groupby("_group")[["_condition", "_seed"]].apply(
        lambda own: len(own.drop_duplicates())
    )
    most = len(keyed[["_condition", "_seed"]].drop_duplicates())
    gaps = [f"{group} lacks {most - count}" for group, count in cells.items() if count < most]
    return listed(gaps)


def _lost(table: pd.DataFrame, chosen: pd.DataFrame, by: Sequence[str]) -> str:
    """Return the values of conditions that no chosen run has."""
    lost = []
    for name in condition_columns(table, by):
        left = table[name][~table[name].map(str).isin(chosen[name].map(str))]
        values = {str(value): shown_value(name, value) for value in left}
        lost += [f"{shown_name(name)} {value}" for value in values.values()]
    return listed(lost)


def _other_causes(table: pd.DataFrame, by: Sequence[str]) -> list[str]:
    """Return a sentence on what else differs between groups under equal conditions, or nothing."""
    conditions = condition_columns(table, by)
    told = tuple(_TELLS.get(name, name) for name in by)
    # What is equal to one of these follows from it, as pool.link_latency from network.link_latency.
    known = [*by, *(name for name in map(str, table) if name.startswith(told))]
    found: list[str] = []
    for name in map(str, table):
        if (
            not name.startswith(_PARAMETERS)
            or name.startswith(told)
            or name in (*_NO_CAUSES, *conditions, SEED)
            or any(table[name].equals(table[other]) for other in (*known, *found))
        ):
            continue
        values = table[name].map(str)
        if name.startswith(("machine.", "workload.", "strategy.")):  # other kinds have others
            values = values.where(table[name].notna())
        within = values.groupby([table[c].map(str) for c in conditions] or (lambda _: 0))
        if (within.nunique() > 1).any():
            found.append(name)
    if not found:
        return []
    groups = listed([shown_name(name) for name in by])
    others = listed([shown_name(name) for name in found])
    return [f"runs that differ in {groups} also differ in {others}, which can be the cause"]


def _complete(there: pd.DataFrame) -> tuple[list[Any], list[Any]]:
    """Return rows and columns of a table of what is there between which nothing is missing.

    What misses the largest part goes first; a row before a column.
    """
    while not there.all(axis=None):
        rows, columns = 1 - there.mean(axis=1), 1 - there.mean(axis=0)
        if rows.max() >= columns.max():
            there = there.drop(index=rows.idxmax())
        else:
            there = there.drop(columns=columns.idxmax())
    return list(there.index), list(there.columns)


def _keyed(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return the runs with their group, condition and seed."""
    conditions = condition_columns(table, by)
    return table.assign(
        _group=group_names(table, by),
        _condition=table[conditions].map(str).agg("; ".join, axis=1) if conditions else "",
        _seed=0 if SEED in by else table[SEED],
    )


def group_names(table: pd.DataFrame, by: Sequence[str]) -> list[str]:
    """Return the name of each run's group: "ownership", or "memory 32 MiB ownership" by two."""
    texts = [
        [_heading(short_name(table, name), name, value) for value in table[name]] for name in by
    ]
    return [" ".join(parts) for parts in zip(*texts, strict=True)]


def _heading(short: str, name: str, value: Any) -> str:
    """Return a value as people write it: a text, or what it is the value of, number and unit."""
    if isinstance(value, str):
        return value
    text = shown_value(name, value)
    if text != str(value):
        text = re.sub(r"(?<=[0-9])(?=[A-Za-z])", " ", text)
    return f"{shown_name(short)} {text}"


def condition_columns(table: pd.DataFrame, by: Sequence[str]) -> list[str]:
    """Return the parameters that tell the conditions apart, beside the groups and the seed.

    An option and what it became (arguments.vm-memory, vm.memory_bytes) say the same; one is enough.
    Groups by a part of what a text says, as by machine.nodes, leave the rest of it to other parts.
    """
    told = [_TELLS.get(name, name) for name in by if not name.startswith("arguments.")]
    texts = {f"arguments.{name.partition('.')[0]}" for name in told}
    names = [
        name
        for name in map(str, table)
        if name.startswith(_PARAMETERS) and name not in (SEED, *texts)
    ]
    found: list[str] = []
    for name in varied(table, names):
        within = table.groupby([*by, *found], dropna=False)[name]
        if bool((within.agg(lambda values: values.map(str).nunique()) > 1).any()):
            found.append(name)
    return found


def means_over(table: pd.DataFrame, by: Sequence[str] = ("strategy",)) -> str:
    """Return what the means of groups are taken over, "3 seeds, memory (2)", or nothing."""
    seeds = table[SEED].nunique()
    over = [f"{seeds} seeds"] if seeds > 1 else []
    over += [
        f"{shown_name(name)} ({table[name].map(str).nunique()})"
        for name in condition_columns(table, by)
    ]
    return ", ".join(over)


def texts(summary: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return means and ratios of a summary as texts for people: a row a measure."""
    return as_texts(summary, "group", "mean", _mean_text, _ratio_text)


def _format_mean_count(value: float) -> str:
    return format_count(value) if value % 1 == 0 else format_number(value)


def _mean_text(row: pd.Series[Any], unit: DisplayUnit) -> str:
    mean = row["mean"] / unit.factor
    half = (row["mean_high"] - row["mean_low"]) / 2 / unit.factor
    if half > 0:
        return format_uncertain(mean, half)
    text = (format_number if unit.name else _format_mean_count)(mean)
    return text if math.isnan(half) else f"{text} \N{PLUS-MINUS SIGN} 0"


def _ratio_text(row: pd.Series[Any]) -> str:
    text = format_ratio(row["ratio"])
    if math.isnan(row["ratio_low"]):
        return text
    return f"{text} [{format_number(row['ratio_low'])}, {format_number(row['ratio_high'])}]"


def _row(
    name: str, measure: Measure, own: pd.Series[Any], values: pd.DataFrame, baseline: str
) -> tuple[Any, ...]:
    per_seed = own.groupby(level="_seed").mean()
    mean, low, high = interval(per_seed.to_numpy())
    ratio = ratio_low = ratio_high = math.nan
    pairs = values[[baseline, name]].dropna() if name != baseline else values[[baseline]].dropna()
    if len(pairs) and (pairs > 0).all(axis=None):
        logs = (pairs[name] / pairs[baseline]).map(math.log).groupby(level="_seed").mean()
        ratio, ratio_low, ratio_high = (math.exp(value) for value in interval(logs.to_numpy()))
    index = own.index
    return (
        name,
        measure.path,
        measure.unit,
        len(own),
        index.get_level_values("_condition").nunique(),
        index.get_level_values("_seed").nunique(),
        mean,
        low,
        high,
        baseline,
        ratio,
        ratio_low,
        ratio_high,
    )


def interval(values: np.ndarray) -> tuple[float, float, float]:
    """Return the mean of independent values and its 95 % confidence interval; NaN for one value."""
    if len(values) == 0:
        return math.nan, math.nan, math.nan
    mean = float(np.mean(values))
    if len(values) == 1:
        return mean, math.nan, math.nan
    if np.ptp(values) <= _ROUNDING * np.abs(values).max():  # means of equal values
        return mean, mean, mean
    half = student_t(len(values) - 1) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return mean, mean - half, mean + half


def student_t(freedom: int) -> float:
    """Return the 97.5 % quantile of Student's t (Abramowitz and Stegun, 26.7.5, from 31 on)."""
    if freedom <= len(_T):
        return _T[freedom - 1]
    first = (_Z**3 + _Z) / 4
    second = (5 * _Z**5 + 16 * _Z**3 + 3 * _Z) / 96
    return _Z + first / freedom + second / freedom**2
