# SPDX-License-Identifier: BSD-3-Clause
"""Which of many runs can be summed up so that groups are compared like with like.

    table, said = comparable(run_table(runs), ["strategy"])
    summary = summarise(table)

Where runs are missing, as in a sweep that was not run to its end, seeds and conditions are left out
until every group has a run of each, so that all means are over the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from homeshift.analysis.display import listed
from homeshift.analysis.groups import PARAMETERS, SEED, TELLS, by_condition, condition_columns
from homeshift.analysis.selection import as_given, common_cycle, shown_name

# Texts of which other columns tell the content, and what changes nothing.
_NO_CAUSES = (
    *(f"arguments.{name}" for name in ("strategy", "machine", "workload", "trace", "check")),
    *("arguments.more-vms", "arguments.energy"),
    "machine.name",
)


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
    keyed = by_condition(table, by)
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
    cycle = common_cycle(table)
    for name in condition_columns(table, by):
        left = table[name][~table[name].map(str).isin(chosen[name].map(str))]
        values = {str(value): as_given(name, value, cycle_ps=cycle) for value in left}
        lost += [f"{shown_name(name)} {value}" for value in values.values()]
    return listed(lost)


def _other_causes(table: pd.DataFrame, by: Sequence[str]) -> list[str]:
    """Return a sentence on what else differs between groups under equal conditions, or nothing."""
    conditions = condition_columns(table, by)
    told = tuple(TELLS.get(name, name) for name in by)
    # What is equal to one of these follows from it, as pool.link_latency from network.link_latency.
    known = [*by, *(name for name in map(str, table) if name.startswith(told))]
    found: list[str] = []
    for name in map(str, table):
        if (
            not name.startswith(PARAMETERS)
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
