# SPDX-License-Identifier: BSD-3-Clause
"""The results of a sweep as one table: a row a run, with all parameters and all measures.

Parameters come from each run's config.json ("machine.network.topology", "vm.memory_bytes",
"workload.kind", ...), measures from its migration.json ("downtime", "energy.total", ...). A run
that failed has its options and its error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from homeshift.analysis.runs import Run, measures, parameters, read_run
from homeshift.errors import InputError
from homeshift.output_file import output_file
from homeshift.sweep.place import Place
from homeshift.sweep.spec import RunSpec, Sweep


def collect(sweep: Sweep, place: Place) -> pd.DataFrame:
    """Return the results of a sweep that are there, in the order of the sweep.

    Raises:
        InputError: a run that is there cannot be read.
    """
    rows = []
    for spec in sweep.runs:
        if place.is_done(spec):
            rows.append(_row(spec, _read(place.run(spec))))
        elif (failure := place.error(spec)) is not None:
            status = {"status": "error", "error": failure["error"]}
            rows.append({"run": spec.name, **status, **_options(spec)})
    table = pd.DataFrame(rows)
    for name in table.select_dtypes("object"):
        table[name] = _one_type(table[name])
    return table


def write_table(table: pd.DataFrame, place: Place) -> Path:
    """Write the results into one Parquet file, and return its path."""
    with output_file(place.table) as partial:
        table.to_parquet(partial, index=False)
    return place.table


def _read(directory: Path) -> Run:
    try:
        return read_run(directory, stats=False)
    except InputError as error:
        hint = "delete its directory, and the same command makes it again"
        raise InputError(error.subject, [*error.faults, hint]) from error


def _one_type(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column of texts where Parquet could not hold the mixture, `[1, "auto"]`."""
    types = {type(value) for value in column.dropna()}
    if len(types) <= 1 or types <= {int, float}:
        return column
    return column.map(str, na_action="ignore")


def _options(spec: RunSpec) -> dict[str, Any]:
    return {f"option.{name}": value for name, value in spec.options.items()}


def _row(spec: RunSpec, run: Run) -> dict[str, Any]:
    row = {"run": spec.name, "status": run.migration["status"], "error": ""}
    return {**row, **_options(spec), **parameters(run), **measures(run.migration)}
