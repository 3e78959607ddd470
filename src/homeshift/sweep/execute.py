# SPDX-License-Identifier: BSD-3-Clause
"""Make one run of a sweep: what a Dask worker does."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from homeshift.front_end import ENDING
from homeshift.sweep import processes
from homeshift.sweep.place import Place
from homeshift.sweep.spec import RunSpec

_LAUNCH = Path(__file__).with_name("launch.py")
_SHOWN_LINES = 30
_BACKTRACE = "--- BEGIN LIBC BACKTRACE ---"  # of gem5, of which nobody learns anything
_ENDED_BY_OTHERS = tuple(status for number in ENDING for status in (-number, 128 + number))


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A run to be made.

    Args:
        spec: what to run.
        place: the sweep's directory, by a path that means the same to every worker.
        script: configs/migrate.py.
        folder: working directory, which relative paths among the options refer to.
        gem5: gem5.opt with the plugin, for runs inside gem5.
    """

    spec: RunSpec
    place: Place
    script: Path
    folder: Path
    gem5: str | None = None


def execute(task: Task) -> str | None:
    """Make a run unless it is done; return its error, or None.

    The error is recorded, unless somebody has ended the run: then the next sweep makes it.
    """
    place = task.place
    if place.is_done(task.spec):
        return None
    launch = [sys.executable, "-I", "-S", str(_LAUNCH), str(os.getpid())]
    try:
        with tempfile.TemporaryDirectory() as scratch:
            result = processes.run([*launch, *_command(task, scratch)], folder=task.folder)
    except processes.EndedError:
        return "interrupted"
    if place.is_done(task.spec):  # by whomever
        place.forget_failure(task.spec)
        return None
    said = (result.stderr.strip() or result.stdout.strip()).partition(_BACKTRACE)[0].strip()
    error = "\n".join(said.splitlines()[-_SHOWN_LINES:]) or "ended without a word"
    if result.returncode < 0:
        error += f"\nended by signal {-result.returncode}"
    if result.returncode not in _ENDED_BY_OTHERS:
        place.record_failure(task.spec, exit_status=result.returncode, error=error)
    return error


def _command(task: Task, scratch: str) -> list[str]:
    engine = [sys.executable]
    if task.spec.engine == "gem5":
        assert task.gem5 is not None, "runs inside gem5 need a gem5"
        engine = [task.gem5, "--quiet", f"--outdir={scratch}"]
    outdir = str(task.place.run(task.spec))
    return [*engine, str(task.script), *task.spec.arguments, "--outdir", outdir]
