# SPDX-License-Identifier: BSD-3-Clause
"""What a sweep's directory says of it: sweep.json, and failed/NAME.json of a run that failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from homeshift.errors import InputError
from homeshift.run_format import read_json

NOTE = "sweep.json"
_FIELDS: dict[str, type] = {"homeshift": str, "name": str, "file": str, "runs": list}
_RUN_FIELDS: dict[str, type] = {"run": str, "options": dict}
_WORDS: dict[type, str] = {str: "a text", list: "a list", dict: "an object"}


def read_note(directory: Path) -> dict[str, Any]:
    """Return what a sweep's sweep.json holds.

    Raises:
        InputError: there is none, or it lacks something.
    """
    subject = f"sweep '{directory}'"
    if not (directory / NOTE).is_file():
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
