# SPDX-License-Identifier: BSD-3-Clause
"""A sweep's directory: where what is, and what it says of the sweep and of runs that failed.

DIR/sweep.json          version and definition of the sweep, with the text of files that it names
DIR/runs/NAME/          output directory of a run, complete or not there
DIR/failed/NAME.json    options, exit status and error of a run that failed
DIR/sweep.parquet       all results, written at the end
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from homeshift.errors import InputError
from homeshift.run_format import read_json

NOTE = "sweep.json"
RUNS = "runs"
FAILED = "failed"
TABLE = "sweep.parquet"
_FIELDS: dict[str, type] = {"homeshift": str, "name": str, "file": str, "runs": list}
_RUN_FIELDS: dict[str, type] = {"run": str, "options": dict}
_WORDS: dict[type, str] = {str: "a text", list: "a list", dict: "an object"}


def is_sweep(directory: Path) -> bool:
    """Whether a directory is that of a sweep."""
    return (directory / NOTE).is_file()


def run_directory(sweep: Path, name: str) -> Path:
    """Return the output directory of a run."""
    return sweep / RUNS / name


def failure_file(sweep: Path, name: str) -> Path:
    """Return the file that says why a run failed."""
    return sweep / FAILED / f"{name}.json"


def read_note(directory: Path) -> dict[str, Any]:
    """Return what a sweep's sweep.json holds.

    Raises:
        InputError: there is none, or it lacks something.
    """
    subject = f"sweep '{directory}'"
    if not is_sweep(directory):
        raise InputError(subject, [f"no {NOTE}; name the --outdir of scripts/sweep.py"])
    content, faults = read_json(directory / NOTE)
    faults = faults or _faults(content, _FIELDS, f"{NOTE}: ")
    for number, run in enumerate([] if faults else content["runs"]):
        faults += _faults(run, _RUN_FIELDS, f"{NOTE}: runs[{number}].")
    if faults:
        raise InputError(subject, faults)
    return content


def read_failure(path: Path) -> dict[str, Any] | None:
    """Return what was recorded about a run that failed, or None if nothing was.

    Raises:
        InputError: the record cannot be used.
    """
    if not path.exists():
        return None
    content, faults = read_json(path)
    faults = faults or _faults(content, {"error": str}, f"{path.name}: ")
    if faults:
        again = "remove the file, and the same call of scripts/sweep.py makes the run again"
        raise InputError(f"failed run '{path}'", [f"{fault}; {again}" for fault in faults])
    return content


def _faults(content: Any, fields: dict[str, type], where: str) -> list[str]:
    known = content if isinstance(content, dict) else {}
    return [
        f"{where}{name}: missing or not {_WORDS[kind]}"
        for name, kind in fields.items()
        if not isinstance(known.get(name), kind)
    ]
