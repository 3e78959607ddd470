# SPDX-License-Identifier: BSD-3-Clause
"""Many runs in few numbers: means, and ratios to a baseline with their confidence.

Runs are put into groups, by strategy unless something else is asked for. What else varies, without
the seed, is a condition (a VM's size, a workload, ...). For each group and measure:

- the mean is over all conditions;
- the ratio is between runs of one condition and one seed, and their geometric mean is taken: a
  ratio of 2 and one of 1/2 make 1;
- the seeds are the repetitions. Each gives one mean and one ratio; from these come the 95 %
  confidence intervals (of the logarithm, for ratios). One seed has no interval.

Which runs are taken so that groups are compared like with like, `comparable` says.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from homeshift.analysis.confidence import interval
from homeshift.analysis.display import (
    DisplayUnit,
    format_count,
    format_number,
    format_ratio,
    format_uncertain,
    listed,
)
from homeshift.analysis.measures import Measure, as_texts, measures_for
from homeshift.analysis.runs import CONSTANTS, OTHER_VMS
from homeshift.analysis.selection import as_given, common_cycle, short_name, shown_name, varied
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
PARAMETERS = (
    *("engine", "arguments.", "machine.", "workload.", "strategy."),
    *(f"{OTHER_VMS}.", f"{CONSTANTS}."),
    *("vm.memory", "vm.vcpus", "vm.source", "vm.target", "vm.borrow", "vm.region"),
)
# What a column of the table also tells.
TELLS = {
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
    keyed = by_condition(table, by)
    twice = keyed[keyed.duplicated(["_group", "_condition", "_seed"])]
    if not twice.empty:
        fault = f"{twice['path'].iloc[0]}: another run has the same parameters and seed"
        raise InputError("list of runs", [fault])
    rows, gaps = [], []
    made = keyed.pivot(index=["_seed", "_condition"], columns="_group", values="path").notna()
    for measure in measures_for(table.get(HORIZON, [None]), map(str, table)):
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
        known = ", ".join(f"'{name}'" for name in names)
        fault = f"no group '{asked}'{near(asked, names)}; the groups are {known}"
        raise InputError("baseline", [fault])
    return dict.fromkeys(names, names[0]), names[0]


def by_condition(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return the runs with their group, condition and seed."""
    conditions = condition_columns(table, by)
    return table.assign(
        _group=group_names(table, by),
        _condition=table[conditions].map(str).agg("; ".join, axis=1) if conditions else "",
        _seed=0 if SEED in by else table[SEED],
    )


def group_names(table: pd.DataFrame, by: Sequence[str]) -> list[str]:
    """Return the name of each run's group: "ownership", or "memory 32 MiB ownership" by two."""
    cycle = common_cycle(table)
    texts = [
        [_heading(short_name(table, name), name, value, cycle) for value in table[name]]
        for name in by
    ]
    return [" ".join(parts) for parts in zip(*texts, strict=True)]


def _heading(short: str, name: str, value: Any, cycle_ps: int | None) -> str:
    """Return a value as people write it: a text, or what it is the value of, number and unit."""
    if isinstance(value, str):
        return value
    text = as_given(name, value, cycle_ps=cycle_ps)
    if text != str(value):
        text = re.sub(r"(?<=[0-9])(?=[A-Za-z])", " ", text)
    return f"{shown_name(short)} {text}"


def condition_columns(table: pd.DataFrame, by: Sequence[str]) -> list[str]:
    """Return the parameters that tell the conditions apart, beside the groups and the seed.

    An option and what it became (arguments.vm-memory, vm.memory_bytes) say the same; one is enough.
    Groups by a part of what a text says, as by machine.nodes, leave the rest of it to other parts.
    """
    told = [TELLS.get(name, name) for name in by if not name.startswith("arguments.")]
    texts = {f"arguments.{name.partition('.')[0]}" for name in told}
    names = [
        name
        for name in map(str, table)
        if name.startswith(PARAMETERS) and name not in (SEED, *texts)
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
