# SPDX-License-Identifier: BSD-3-Clause
"""Read the output directories of runs: everything downstream of an engine starts here.

    run = read_run("m5out/ownership")
    run.migration["downtime"]                          # seconds
    run.stats                                          # `homeshift.analysis.stats.read_stats`

Only files are read, never an engine, so a run of gem5 and one of the embedded engine look the same.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from homeshift.analysis.measures import MEASURES
from homeshift.analysis.stats import COLUMNS, read_stats
from homeshift.analysis.sweep_note import failure_file, is_sweep, read_note, run_directory
from homeshift.errors import InputError
from homeshift.run_format import RUN_FILES, leaves, read_json

_SECTIONS = ("arguments", "machine", "workload", "vm", "strategy")
_CONFIG_FIELDS = ("homeshift", *_SECTIONS)
_NO_PARAMETERS = ("arguments.outdir", "arguments.timeline")
CONSTANTS = "energy-constants"  # runs of before have none
OTHER_VMS = "other_vms"
_DIGITS = 12  # of a digest, which are enough to tell traces apart
_TEXT_FIELDS = ("engine", "strategy", "status")
_NUMBER_FIELDS = (
    *(measure.path for measure in MEASURES if not measure.horizon),
    "ram.transferred",
    "home.forwarded-requests",
    "interconnect.control-bytes",
    "interconnect.data-bytes",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """A complete run: its directory, its two JSON files, and the table of `read_stats`.

    `stats` is empty if it was not asked for.
    """

    path: Path
    config: dict[str, Any] = field(repr=False)
    migration: dict[str, Any] = field(repr=False)
    stats: pd.DataFrame = field(repr=False)

    @property
    def strategy(self) -> str:
        """Name of the migration strategy."""
        return str(self.migration["strategy"])

    @property
    def seed(self) -> int | None:
        """Of the workload."""
        seed: int | None = self.config["arguments"].get("seed")
        return seed

    @property
    def horizon(self) -> int | None:
        """Ticks from the start of the migration to the end of the measurement, if asked for."""
        ticks: int | None = self.config["arguments"].get("horizon")
        return ticks


def find_runs(paths: Sequence[str | os.PathLike[str]]) -> list[Path]:
    """Return the run directories that `paths` name: each a run, a sweep, or a directory of runs.

    A sweep of which no run is done names none.

    Raises:
        InputError: for paths that are neither, and for runs that are named twice.
    """
    found: dict[Path, Path] = {}  # by what they are without symbolic links
    faults = []
    for path in map(Path, paths):
        if not path.is_dir():
            faults.append(f"{path}: {'not a directory' if path.exists() else 'does not exist'}")
            continue
        inside = _inside(path)
        if not inside and not is_sweep(path):
            deeper = sorted({run.parents[1] for run in path.glob("*/*/migration.json")})
            hint = f"; there are some in {deeper[0]}" if deeper else ""
            faults.append(f"{path}: neither a run nor a directory of runs{hint}")
        twice = [run for run in inside if found.setdefault(run.resolve(), run) is not run]
        all_of_it = len(twice) == len(inside) > 0
        faults += [f"{run}: named twice" for run in ([path] if all_of_it else twice)]
    if faults:
        raise InputError("list of runs", faults)
    return list(found.values())


def missing_runs(path: str | os.PathLike[str]) -> str:
    """Return a sentence on the runs that a sweep asks for and that are not done, or nothing.

    Raises:
        InputError: the sweep's sweep.json cannot be read.
    """
    path = Path(path)
    if not is_sweep(path):
        return ""
    asked = _asked(path)
    missing = [name for name in asked if not run_directory(path, name).is_dir()]
    if not missing:
        return ""
    failed = sum(failure_file(path, name).is_file() for name in missing)
    said = f"{len(missing)} of {len(asked)} runs are missing"
    if failed:
        said += f", {failed} of them failed (its folder failed/ says why)"
    if failed < len(missing):
        said += f"; the same call of scripts/sweep.py makes {'the others' if failed else 'them'}"
    return said


def completed(runs: Sequence[Run]) -> list[Run]:
    """Return the runs whose migrations completed.

    Raises:
        InputError: there is none.
    """
    found = [run for run in runs if run.migration["status"] == "completed"]
    if not found:
        raise InputError("list of runs", ["none of the migrations completed"])
    return found


def read_runs(paths: Sequence[str | os.PathLike[str]], *, stats: bool = True) -> list[Run]:
    """Read all runs that `paths` name, as `find_runs` and `read_run`.

    Args:
        paths: of runs, or of directories of runs.
        stats: also read stats.txt, by far the largest file of a run.

    Raises:
        InputError: with the faults of every run, or that there is none.
    """
    runs = []
    errors = []
    found = find_runs(paths)
    if not found:
        told = [f"{path}: {missing}" for path in paths if (missing := missing_runs(path))]
        raise InputError("list of runs", ["no run is done", *told])
    for path in found:
        try:
            runs.append(read_run(path, stats=stats))
        except InputError as error:
            errors.append(error)
    if len(errors) > 1:
        faults = [f"{error.subject}: {fault}" for error in errors for fault in error.faults]
        raise InputError("list of runs", faults)
    if errors:
        raise errors[0]
    return runs


def read_run(path: str | os.PathLike[str], *, stats: bool = True) -> Run:
    """Read one output directory; without `stats`, only the end of stats.txt is looked at.

    Raises:
        InputError: with every file that is missing, incomplete or invalid.
    """
    path = Path(path)
    subject = f"run '{path}'"
    if not path.is_dir():
        raise InputError(subject, ["not a directory" if path.exists() else "does not exist"])
    faults = [f"{name}: missing" for name in RUN_FILES if not (path / name).is_file()]
    config: dict[str, Any] = {}
    migration: dict[str, Any] = {}
    table = pd.DataFrame(columns=list(COLUMNS))
    if (path / "config.json").is_file():
        config, found = read_json(path / "config.json")
        faults += found or [
            f"config.json: no '{name}'" for name in _CONFIG_FIELDS if name not in config
        ]
    if (path / "migration.json").is_file():
        migration, found = read_json(path / "migration.json")
        faults += found or [f"migration.json: {fault}" for fault in _migration_faults(migration)]
    if not stats and (path / "stats.txt").is_file() and not _has_end(path / "stats.txt"):
        faults.append("stats.txt: is cut off")
    if stats and (path / "stats.txt").is_file():
        try:
            table = read_stats(path / "stats.txt")
        except InputError as error:
            faults += [f"stats.txt: {fault}" for fault in error.faults]
    if faults:
        raise InputError(subject, faults)
    return Run(path=path, config=config, migration=migration, stats=table)


def contents(run: Run, section: str) -> Iterator[tuple[str, Any]]:
    """Yield what a section of config.json holds, flat; nothing if a run of before has none.

    Traces are what they hold, wherever the files are; the VMs of `OTHER_VMS` are numbered from 1.
    """
    content = run.config.get(section, {})
    if section == OTHER_VMS:
        content = {str(number): vm for number, vm in enumerate(content, 1)}
    for name, value in leaves(content, section):
        if name.endswith("workload.traces"):
            value = ", ".join(map(_content, value))
        yield name, value


def _content(trace: Mapping[str, Any]) -> str:
    digest = trace.get("sha256")  # of runs of before, the path has to do
    return f"sha256 {digest[:_DIGITS]}" if digest else str(trace["path"])


def parameters(run: Run) -> dict[str, Any]:
    """Return everything that was asked for, flat: "machine.nodes", "vm.vcpus", "arguments.seed"."""
    found = {"homeshift": run.config["homeshift"]}
    for section in (*_SECTIONS, OTHER_VMS, CONSTANTS):
        for name, value in contents(run, section):
            found[name] = json.dumps(value) if isinstance(value, list) else value
    # Where to and what else to write is no parameter.
    return {n: v for n, v in found.items() if not n.startswith(_NO_PARAMETERS)}


def measures(migration: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a migration.json says, flat: "engine", "strategy", "downtime", "energy.total".

    With the energy of an access of a single VM since the migration began, all included; what `vms`
    says of all but the first one, as "vms.1.accesses-per-microsecond.after"; and, from the course
    of time, what `window` says of the first one, as "vms.1.window.accesses-lost".
    """
    vms = migration.get("vms", ())
    described = {name: value for name, value in migration.items() if name not in ("format", "vms")}
    described["vms"] = {str(number): vm for number, vm in enumerate(vms[1:], 1)}
    found: dict[str, Any] = {
        name: math.nan if value is None else value
        for name, value in leaves(described)
        if not isinstance(value, list)  # phases: when each began and ended
    }
    for last in migration.get("progress", ())[-1:]:
        for number, done in list(enumerate(last["accesses"]))[1:]:
            before = found.get(f"vms.{number}.accesses-per-microsecond.before", math.nan) * 1e6
            own = f"vms.{number}.window.accesses"
            found |= {own: done, f"{own}-lost": before * last["time"] - done}
    energy, accesses = found.get("window.energy.total"), found.get("window.accesses")
    # The energy is that of all VMs, the accesses are those of the first.
    if len(vms) == 1 and energy is not None and accesses:
        found["window.energy-per-access"] = energy / accesses
    return found


def _inside(path: Path) -> list[Path]:
    """Return the runs of a directory; of a sweep, those that it asks for and that are done."""
    if _looks_like_run(path):
        return [path]
    if not is_sweep(path):
        return sorted(filter(_looks_like_run, path.iterdir()))
    named = [run_directory(path, name) for name in _asked(path)]
    return [run for run in named if run.is_dir()]


def _asked(path: Path) -> list[str]:
    """Return the names of the runs that a sweep asks for."""
    return [run["run"] for run in read_note(path)["runs"]]


def _has_end(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-min(path.stat().st_size, 1000), os.SEEK_END)
        return b"End Simulation Statistics" in file.read()


def _looks_like_run(path: Path) -> bool:
    # One that lacks files is shown as such. stats.txt alone is gem5's, of a run whose files are
    # elsewhere, perhaps in folders of the same directory.
    return path.is_dir() and any((path / n).is_file() for n in RUN_FILES if n != "stats.txt")


def _migration_faults(migration: dict[str, Any]) -> Iterator[str]:
    for name in _TEXT_FIELDS:
        if not isinstance(migration.get(name), str):
            yield f"'{name}' is missing or not a text"
    found = dict(leaves(migration))
    for name in _NUMBER_FIELDS:
        if name not in found:
            yield f"no '{name}'"
        # A phase that is too short to hold an access has no rate and no share: null, read as NaN.
        elif found[name] is None and name.startswith("vm."):
            continue
        elif type(found[name]) not in (int, float) or not math.isfinite(found[name]):
            yield f"'{name}' = {found[name]!r}: not a finite number"
