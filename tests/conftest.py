# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures: complete output directories of runs, without running anything."""

from __future__ import annotations

import copy
import json
import os
import runpy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from calls import ROOT
from hypothesis import settings

from homeshift.experiment.command_line import experiment_of, recorded
from homeshift.experiment.options import make_parser
from homeshift.experiment.result import config_of
from homeshift.output import Stat, write_stats

sys.path.insert(0, str(ROOT / "plots"))  # figure scripts find what they share in their own folder

WriteRun = Callable[..., Path]


class Said(NamedTuple):
    """What a script gave that was called in this process."""

    returncode: int
    stdout: str
    stderr: str


Call = Callable[..., Said]

# A busy machine is slow, not wrong; CI draws the same examples every time.
settings.register_profile("homeshift", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("homeshift")


def written(*arguments: str) -> dict[str, Any]:
    """Return what migrate.py writes into config.json for these arguments."""
    options = make_parser().parse_args(arguments)
    asked = experiment_of(options, [], print)
    plain = recorded(options, asked)
    config = config_of(plain, asked.machine, asked.vms, asked.constants)
    found: dict[str, Any] = json.loads(json.dumps(config))
    return found


CONFIG = written("--vm-memory", "16MiB", "--vcpus", "4")

# The shape of a run in which every page is copied; the numbers are invented.
MIGRATION: dict[str, Any] = {
    "format": 5,
    "engine": "embedded",
    "strategy": "stop-and-copy",
    "status": "completed",
    "total-time": 0.0012,
    "downtime": 0.0012,
    "postcopy-blocktime": 0.0,
    "setup-time": 0.0,
    "ram": {
        "transferred": 16793600,
        "remaining": 0,
        "total": 16777216,
        "duplicate": 0,
        "normal": 4096,
        "normal-bytes": 16777216,
        "dirty-sync-count": 0,
        "page-size": 4096,
        "mbps": 111957.3,
        "pages-per-second": 3413333.3,
        "precopy-bytes": 0,
        "downtime-bytes": 16793600,
        "postcopy-bytes": 0,
    },
    "home": {
        "regions-transferred": 0,
        "regions-returned": 0,
        "entries-moved": 0,
        "forwarded-requests": 0,
    },
    "interconnect": {"migration-bytes": 18900000, "control-bytes": 1000, "data-bytes": 0},
    "copied-pages": 4096,
    "energy": {
        "dram": 0.00156,
        "interconnect": 0.00083,
        "sram": 0.0,
        "total": 0.00239,
        "total-low": 0.0013,
        "total-high": 0.0079,
    },
    "window": {
        "accesses": 150_000,
        "accesses-lost": 1500.0,
        "link-bytes": 34 << 20,
        "energy": {"total": 0.0031},
    },
    "vm": {
        "accesses-per-microsecond": {"before": 812.5, "during": 0.0, "after": 809.1},
        "mean-latency": {"before": 2e-8, "during": None, "after": 2e-8},
        "local-share": {"before": 0.5, "during": None, "after": 1.0},
    },
    "migrations": [
        {
            "vm": 0,
            "start": 0,
            "phases": [
                {"name": "pause", "start": 0, "end": 1000000000},
                {"name": "resume", "start": 1000000000, "end": 1200000000},
            ],
        }
    ],
}

STATS = (
    Stat("simTicks", 5_000_000_000, "Tick", "Simulated time"),
    Stat("simFreq", 10**12, "(Tick/Second)", "Ticks in a second"),
    Stat("system.home0.forwardedRequests", 17, "Count", "Requests sent on to the next home"),
    Stat("system.home0.meanWait", float("nan"), "Tick", "Wait of a request (mean)"),
    Stat("system.network.bytes", None, "Byte", "Bytes by class", {"control": 300, "data": 100}),
)


def merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of `base` with the leaves of `changes` replaced."""
    merged = copy.deepcopy(base)
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged


@pytest.fixture
def write_run(tmp_path: Path) -> WriteRun:
    """Return a function that writes a run; it takes what differs from the usual one."""

    def write(
        name: str, *, config: dict[str, Any] | None = None, migration: dict[str, Any] | None = None
    ) -> Path:
        path = tmp_path / name
        path.mkdir(parents=True)
        described = merge(MIGRATION, migration or {})
        arguments = {
            "arguments": {"strategy": described["strategy"], "outdir": str(path)},
            "strategy": {"name": described["strategy"]},
        }
        for file, content in (
            ("config.json", merge(merge(CONFIG, arguments), config or {})),
            ("migration.json", described),
        ):
            (path / file).write_text(json.dumps(content, indent=2), encoding="utf-8")
        write_stats(path / "stats.txt", STATS)
        return path

    return write


def write_note(sweep: Path, runs: Sequence[str | dict[str, Any]], /, **changes: Any) -> None:
    """Write the sweep.json of a sweep of these runs: names, or all that is said of them."""
    said = [
        {"run": run, "engine": "embedded", "options": {}} if isinstance(run, str) else run
        for run in runs
    ]
    note = {"format": 5, "homeshift": "0.1.0", "name": "mine", "file": "", "runs": said}
    sweep.mkdir(parents=True, exist_ok=True)
    (sweep / "sweep.json").write_text(json.dumps({**note, **changes}), encoding="utf-8")


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Return a function that calls scripts/compare.py in this process."""
    main = runpy.run_path(str(ROOT / "scripts" / "compare.py"))["main"]

    def run(*arguments: str | Path) -> Said:
        status = main([str(argument) for argument in arguments])
        return Said(status, *capsys.readouterr())

    return run


@pytest.fixture
def ownership() -> dict[str, Any]:
    """Return what differs in migration.json when homes move and no page; numbers are invented."""
    return {
        "strategy": "ownership",
        "total-time": 0.0001,
        "downtime": 2.5e-06,
        "postcopy-blocktime": 0.0,
        "ram": {"transferred": 16384, "normal": 0, "normal-bytes": 0},
        "home": {
            "regions-transferred": 4096,
            "regions-returned": 0,
            "entries-moved": 9000,
            "forwarded-requests": 17,
        },
        "interconnect": {"migration-bytes": 425984},
        "copied-pages": 0,
        "energy": {"total": 2.1e-05, "total-low": 0.6e-05, "total-high": 4.4e-05},
        "vm": {
            "accesses-per-microsecond": {"during": 700.0, "after": 520.0},
            "mean-latency": {"during": 4e-8, "after": 1e-7},
            "local-share": {"during": 0.25, "after": 0.0},
        },
    }
