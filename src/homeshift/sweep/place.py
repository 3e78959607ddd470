# SPDX-License-Identifier: BSD-3-Clause
"""The directory of a sweep that is at work: which of its runs are done, and who may write there.

What is where in it: `homeshift.analysis.sweep_note`.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homeshift.analysis.sweep_note import (
    FAILED,
    NOTE,
    RUNS,
    TABLE,
    failure_file,
    read_failure,
    read_note,
    run_directory,
)
from homeshift.errors import InputError, unwritten
from homeshift.output_file import output_file
from homeshift.run_format import FORMAT, RUN_FILES
from homeshift.sweep.spec import RunSpec, Sweep, texts

_SHOWN_RUNS = 3


@dataclass(frozen=True, slots=True)
class Place:
    """The directory of a sweep."""

    path: Path

    @property
    def table(self) -> Path:
        """The Parquet file with all results."""
        return self.path / TABLE

    def run(self, spec: RunSpec) -> Path:
        """Return the output directory of a run."""
        return run_directory(self.path, spec.name)

    def failure(self, spec: RunSpec) -> Path:
        """Return the file that says why a run failed."""
        return failure_file(self.path, spec.name)

    def is_done(self, spec: RunSpec) -> bool:
        """Return whether a run is complete; half-written ones have other names."""
        return all((self.run(spec) / name).is_file() for name in RUN_FILES)

    def error(self, spec: RunSpec) -> dict[str, Any] | None:
        """Return what was recorded about a run that failed."""
        return read_failure(self.failure(spec))

    def record_failure(self, spec: RunSpec, *, exit_status: int, error: str) -> None:
        """Note that a run failed, and why."""
        _write(
            self.failure(spec),
            {
                "format": FORMAT,
                "engine": spec.engine,
                "options": dict(spec.options),
                "exit-status": exit_status,
                "error": error,
            },
        )

    def forget_failure(self, spec: RunSpec) -> None:
        """Remove the note of an earlier failure."""
        self.failure(spec).unlink(missing_ok=True)

    def begin(self, sweep: Sweep, *, version: str) -> None:
        """Make the directory, or go on in one that holds results of the same version and sweep.

        Raises:
            InputError: the directory is something else.
        """
        subject = f"output directory '{self.path}'"
        note = self.path / NOTE
        try:
            if note.is_file():
                faults = list(self._faults(read_note(self.path), sweep, version=version))
                if faults:
                    raise InputError(subject, faults)
            elif self.path.exists() and not (self.path.is_dir() and self._was_just_begun()):
                raise InputError(subject, ["is not empty and holds no sweep; name another"])
            else:
                self.path.mkdir(parents=True, exist_ok=True)
                self.describe(sweep, version=version)
            for folder in (RUNS, FAILED):
                (self.path / folder).mkdir(exist_ok=True)
        except OSError as error:
            raise unwritten(subject, error) from error

    def _was_just_begun(self) -> bool:
        """Return whether nothing is there but what a sweep that was killed at once may leave."""
        return all(path.match(f".{NOTE}.partial*") for path in self.path.iterdir())

    def describe(self, sweep: Sweep, *, version: str) -> None:
        """Write sweep.json; whoever finds one there must keep others out first."""
        content = {
            "format": FORMAT,
            "homeshift": version,
            "name": sweep.name,
            "file": sweep.text,
            "files": texts(str(v) for run in sweep.runs for v in run.options.values()),
            "varied": list(sweep.varied),
            "runs": [
                {"run": run.name, "engine": run.engine, "options": dict(run.options)}
                for run in sweep.runs
            ],
        }
        _write(self.path / NOTE, content)

    def drop_outdated(self, sweep: Sweep) -> int:
        """Remove runs made from other contents of files that the sweep names, and old failures.

        Returns:
            the number of such runs, which will be made again.
        """
        outdated = self._outdated(read_note(self.path), sweep)
        for name in outdated:
            shutil.rmtree(run_directory(self.path, name))
        asked = {run.name for run in sweep.runs}
        for failure in self.path.glob(f"{FAILED}/[!.]*.json"):
            if failure.stem not in asked:
                failure.unlink()
        return len(outdated)

    def _outdated(self, before: dict[str, Any], sweep: Sweep) -> set[str]:
        """Return the names of finished runs that have options of the sweep, and other names."""
        asked = {run.name for run in sweep.runs}
        wanted = [(run.engine, dict(run.options)) for run in sweep.runs]
        return {
            run["run"]
            for run in before["runs"]
            if run["run"] not in asked
            and (run["engine"], run["options"]) in wanted
            and run_directory(self.path, run["run"]).is_dir()
        }

    @contextmanager
    def exclusive(self, *, alone: bool) -> Iterator[None]:
        """Keep other sweeps out of the directory, and clear away what a killed one left half done.

        The lock ends with the process, however it ends.

        Args:
            alone: no run goes on from an earlier call, as on a scheduler's workers; else what is
                half done stays there.

        Raises:
            InputError: another sweep works here, or the directory cannot be written.
        """
        subject = f"output directory '{self.path}'"
        try:
            lock = (self.path / ".lock").open("w", encoding="utf-8")
        except OSError as error:
            raise unwritten(subject, error) from error
        with lock as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                fault = "another sweep is at work in it; wait for it, or name another"
                raise InputError(subject, [fault]) from error
            if alone:
                self.clear()
            yield

    def clear(self) -> None:
        """Remove what is half done; nobody may be at work here."""
        for folder in (self.path, self.path / RUNS, self.path / FAILED):
            for partial in [*folder.glob(".*.partial*"), *folder.glob(".*.old-*")]:
                if partial.is_dir():
                    shutil.rmtree(partial, ignore_errors=True)
                else:
                    partial.unlink(missing_ok=True)

    def _faults(self, before: dict[str, Any], sweep: Sweep, *, version: str) -> Iterator[str]:
        """Yield why a sweep cannot go on where another, as its sweep.json tells, was begun."""
        made_by = before["homeshift"]
        if made_by != version:
            yield f"holds results of homeshift {made_by}, this is {version}; name another directory"
            return
        asked = {run.name for run in sweep.runs}
        options = {run["run"]: run["options"] for run in before["runs"]}
        made = {path.parent.name for path in self.path.glob(f"{RUNS}/[!.]*/{RUN_FILES[0]}")}
        others = sorted(made - asked - self._outdated(before, sweep), key=[*options, *made].index)
        if others:
            shown = [
                "".join([name, *(f" {option}={v}" for option, v in options.get(name, {}).items())])
                for name in others[:_SHOWN_RUNS]
            ]
            shown += [f"and {len(others) - _SHOWN_RUNS} more"] if len(others) > _SHOWN_RUNS else []
            fault = (
                f"holds {len(others)} finished runs that sweep '{sweep.name}' does not ask for; "
                "name another directory, or give them their values again:"
            )
            yield "\n    ".join([fault, *shown])


def _write(path: Path, content: dict[str, Any]) -> None:
    with output_file(path) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
