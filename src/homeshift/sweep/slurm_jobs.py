# SPDX-License-Identifier: BSD-3-Clause
"""The Slurm jobs of a sweep: submitted, replaced when they end before the sweep, cancelled at last.

A job may end whenever it likes: at its time limit, preempted, cancelled, with its node. The runs it
had under way are given to another one. Jobs that end again and again before any run is made, as
when the worker cannot start, end the sweep.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from homeshift.errors import InputError, RunError, unwritten
from homeshift.front_end import undisturbed

SUBJECT = "option --slurm"
SETTINGS = "~/.config/dask/jobqueue.yaml"
_LOOK_SECONDS = 10.0
_VAIN_JOBS = 3
_SHOWN_LINES = 10
_KEPT = "What is done is kept, the same command makes the rest."
# Slurm's words for a job that asks for more than it will ever get.
_NEVER = (
    "PartitionTimeLimit",
    "PartitionNodeLimit",
    "AssocMaxWallDurationPerJobLimit",
    "QOSMaxWallDurationPerJobLimit",
)


class SlurmJobs:
    """Jobs, alive within the context.

    Args:
        script: of each job.
        wanted: how many jobs there are to be.
        left: how many runs are to be made.
        logs: directory for what the jobs print.
        own_logs: tell Slurm so; otherwise the script does.
        tell: takes a sentence for the user.
    """

    def __init__(
        self,
        *,
        script: str,
        wanted: int,
        left: int,
        logs: Path,
        own_logs: bool,
        tell: Callable[[str], None],
    ) -> None:
        self._script, self._wanted, self._left = script, wanted, left
        self._logs, self._own_logs, self._tell = logs, own_logs, tell
        self._left_at: dict[str, int] = {}  # runs left when a job that lives was submitted
        self._vain = 0  # jobs in a row that ended without a run being made meanwhile
        self._waits_for = ""
        self._next_look = 0.0

    def begin(self) -> None:
        """Submit the jobs; `cancel` is to be called at last, even if this raises.

        Raises:
            InputError: Slurm refuses them, or there is no place for what they print.
        """
        try:
            self._logs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritten(f"directory '{self._logs}'", error) from error
        refused = self._submit()
        if refused:
            raise InputError(SUBJECT, [f"Slurm refuses a job by {SETTINGS}: {refused}"])
        self._next_look = time.monotonic() + _LOOK_SECONDS
        jobs = list(self._left_at)
        numbers = jobs[0] if len(jobs) == 1 else f"{jobs[0]} to {jobs[-1]}"
        where = os.path.relpath(self._logs)
        self._tell(f"jobs submitted to Slurm: {len(jobs)} ({numbers}); they print into {where}")

    def look_after(self, left: int) -> None:
        """Replace jobs that have ended, and tell what the others wait for.

        Raises:
            InputError: Slurm will never start the jobs.
            RunError: they end before a run is made, or no more can be submitted.
        """
        if left < self._left:
            self._left, self._vain = left, 0
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _LOOK_SECONDS
        queue = _queue()
        if queue is None:  # Slurm does not answer just now
            return
        for job in [job for job in self._left_at if job not in queue]:
            self._vain += self._left_at.pop(job) == left
            if self._vain >= _VAIN_JOBS:
                raise RunError(self._in_vain(job))
        self._tell_what_they_wait_for([queue[job] for job in self._left_at])
        refused = self._submit()
        if refused:
            raise RunError(
                f"all jobs of Slurm have ended, and it takes no more: {refused}\n{_KEPT}"
            )

    def _submit(self) -> str | None:
        """Submit the jobs that are missing, or as many as Slurm takes; return why it takes none."""
        command = ["sbatch", "--parsable"]
        if self._own_logs:
            command.append(f"--output={str(self._logs).replace('%', '%%')}/%j.log")
        while len(self._left_at) < min(self._wanted, self._left):
            with undisturbed():  # a job whose number is not known is never cancelled
                done = _called(command, self._script)
                if done.returncode == 0:
                    self._left_at[done.stdout.strip().split(";")[0]] = self._left
                    continue
            if not self._left_at:
                return _said(done)
            self._wanted = len(self._left_at)
            self._tell(f"Slurm takes no more than {self._wanted} jobs: {_said(done)}")
        return None

    def _tell_what_they_wait_for(self, jobs: Sequence[tuple[str, str]]) -> None:
        """Tell it if no job runs, each reason once."""
        reasons = Counter(reason for _, reason in jobs)
        if any(state != "PENDING" for state, _ in jobs) or set(reasons) <= {"None"}:
            self._waits_for = ""
            return
        never = [reason for reason in reasons if reason in _NEVER]
        if never:
            fault = f"Slurm will never start the jobs, by {never[0]}: ask for less in {SETTINGS}"
            raise InputError(SUBJECT, [fault])
        waits_for = ", ".join(f"{count} for {reason}" for reason, count in reasons.items())
        if waits_for != self._waits_for:
            self._waits_for = waits_for
            self._tell(f"no job of Slurm runs now; jobs that wait: {waits_for}")

    def _in_vain(self, job: str) -> str:
        """Return what to say when too many jobs have ended early, the last being `job`."""
        lines = [
            line
            for path in sorted(self._logs.glob(f"*{job}*"))
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
        ]
        printed = "\n    ".join(lines[-_SHOWN_LINES:] or ["(nothing)"])
        return (
            f"{self._vain} jobs of Slurm in a row ended before a run was made: workers do not "
            "start, or do not reach this machine, or walltime is too short for a run. Job "
            f"{job} printed:\n    {printed}\n{_KEPT}"
        )

    def cancel(self) -> None:
        """End all jobs."""
        if not self._left_at:
            return
        done = _called(["scancel", "--quiet", *self._left_at])
        if done.returncode != 0:
            jobs = " ".join(self._left_at)
            self._tell(f"jobs {jobs} may still be there, look at squeue: {_said(done)}")


def _queue() -> dict[str, tuple[str, str]] | None:
    """Return state and reason of each job that this user has now, or None if Slurm is silent."""
    done = _called(["squeue", "--noheader", f"--user={os.getuid()}", "--format=%A|%T|%r"])
    if done.returncode != 0:
        return None
    lines = [line.split("|", maxsplit=2) for line in done.stdout.split("\n") if line]
    return {job: (state, reason) for job, state, reason in lines}


def _called(command: Sequence[str], given: str = "") -> subprocess.CompletedProcess[str]:
    """Call a command of Slurm, out of reach of a terminal's Ctrl-C."""
    return subprocess.run(
        command, input=given, capture_output=True, text=True, check=False, start_new_session=True
    )


def _said(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a command of Slurm complains about, in a line."""
    lines = done.stderr.strip().splitlines() or [f"{done.args[0]} ended with {done.returncode}"]
    return "; ".join(line.removeprefix(f"{done.args[0]}: error: ") for line in lines)
