# SPDX-License-Identifier: BSD-3-Clause
"""What an output directory holds: known to what writes runs and sweeps, and to what reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FORMAT = 5
"""Number of the format of config.json, migration.json and sweep.json."""

RUN_FILES = ("config.json", "migration.json", "stats.txt")
"""Files of every run."""

TIMELINE = "timeline.json"
"""File of a run that was asked for it."""

CHECKPOINT = "homeshift.json"
"""File of a checkpoint that says of what it is one."""

TERMINAL = "system.platform.terminal"
"""File of a run with a full system, as gem5 calls it: what the guest printed."""

_GOES_ON = {
    "resume": ("end", "target"),
    "cancel": ("start", "source"),
    "recover": ("start", "source"),
}
"""Phases of which a paused VM goes on at the start or the end, and where."""


def read_json(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Return what a JSON file of this format holds, and why it cannot be used, if so."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        return {}, [f"{path.name}: cannot be read: {error.strerror}"]
    except ValueError as error:
        return {}, [f"{path.name}: not valid JSON: {error}"]
    if not isinstance(content, dict):
        return {}, [f"{path.name}: not a JSON object"]
    if content.get("format") != FORMAT:
        version = content.get("format", "missing")
        return {}, [f"{path.name}: format is {version}, this version reads {FORMAT}"]
    return content, []


def leaves(value: Any, path: str = "", *, lists: bool = False) -> Iterator[tuple[str, Any]]:
    """Yield all that is in nested JSON, by its place: ("ram.transferred", 4096).

    A list is one value, unless `lists`: ("phases[0].end", 12).
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}" if path else key, lists=lists)
    elif lists and isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{number}]", lists=lists)
    else:
        yield path, value


def begin(migration: dict[str, Any]) -> int:
    """Return the tick at which the first migration of migration.json began: where `time` is 0."""
    return min(int(leg["start"]) for leg in migration["migrations"])


def lost_at(migration: dict[str, Any]) -> int | None:
    """Return the tick from which the first VM stands still for good, if migration.json says so."""
    if not migration.get("interruption", {}).get("lost"):
        return None
    last = [leg for leg in migration["migrations"] if leg["vm"] == 0][-1]
    return next(int(phase["start"]) for phase in last["phases"] if phase["name"] == "recover")


def pauses(leg: dict[str, Any]) -> Iterator[tuple[int, int, int, str]]:
    """Yield each pause of a VM in one of migration.json's `migrations`.

    That is the ticks at which it was told to pause, stood still, and went on; and at which end.
    """
    pause = None
    for phase in leg["phases"]:
        if phase["name"] == "pause":
            pause = phase
        elif phase["name"] in _GOES_ON and pause is not None:
            moment, end = _GOES_ON[phase["name"]]
            yield pause["start"], pause["end"], phase[moment], end
            pause = None
