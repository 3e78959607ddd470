# SPDX-License-Identifier: BSD-3-Clause
"""Slurm jobs as the workers of a sweep. The only module that needs dask-jobqueue.

What a site needs (partition, account, memory, time) is said in dask-jobqueue's own configuration
file, ~/.config/dask/jobqueue.yaml, section `jobqueue.slurm`; dask-jobqueue makes the job script of
it. The jobs are looked after by `slurm_jobs`: dask-jobqueue itself waits for ever for jobs that
Slurm refuses, and for those that have ended.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homeshift.errors import InputError
from homeshift.front_end import missing_packages
from homeshift.sweep.clusters import Workers
from homeshift.sweep.slurm_jobs import SETTINGS, SUBJECT, SlurmJobs

if TYPE_CHECKING:
    from dask_jobqueue.slurm import SLURMCluster


@contextmanager
def slurm_workers(
    jobs: int, *, runs: int, logs: Path, tell: Callable[[str], None]
) -> Iterator[Workers]:
    """Yield workers that are Slurm jobs, as configured for the site; they end with the context.

    Args:
        jobs: how many at a time.
        runs: how many runs are to be made; there are no more jobs than these.
        logs: directory for what the jobs print, unless the site's configuration names one.
        tell: takes a sentence for the user.

    Raises:
        InputError: there is no Slurm, dask-jobqueue is not installed or not configured, or Slurm
            refuses the jobs.
    """
    missing = [name for name in ("sbatch", "squeue", "scancel") if shutil.which(name) is None]
    if missing:
        fault = f"{', '.join(missing)}: not on PATH; start the sweep where Slurm takes jobs"
        raise InputError(SUBJECT, [fault])
    if faults := missing_packages("dask_jobqueue"):
        raise InputError(SUBJECT, faults)
    with _scheduler() as scheduler:
        from distributed import Client

        configured = _setting("log-directory")
        crew = SlurmJobs(
            script=_script(scheduler),
            wanted=jobs,
            left=runs,
            logs=Path(str(configured or logs)),
            own_logs=not configured,
            tell=tell,
        )
        try:
            crew.begin()
            with Client(scheduler) as client:
                yield Workers(client, crew.look_after)
        finally:
            crew.cancel()


def _scheduler() -> SLURMCluster:
    """Return a Dask scheduler with the site's options, and no jobs.

    Raises:
        InputError: dask-jobqueue is not configured.
    """
    heard = signal.getsignal(signal.SIGINT)
    try:
        from dask_jobqueue.slurm import SLURMCluster

        faults = list(_faults())
        if faults:
            raise InputError(SUBJECT, [f"{SETTINGS}: jobqueue.slurm.{fault}" for fault in faults])
        options = {"dashboard_address": ":0", **(_setting("scheduler-options") or {})}
        return SLURMCluster(processes=1, scheduler_options=options)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        raise InputError(SUBJECT, [f"{SETTINGS} cannot be used: {error}"]) from error
    finally:
        signal.signal(signal.SIGINT, heard)  # dask-jobqueue 0.9 takes it, to end with status 0


def _faults() -> Iterator[str]:
    cores, memory, walltime = map(_setting, ("cores", "memory", "walltime"))
    if not isinstance(cores, int) or cores < 1:
        yield f"cores = {cores}: not a whole number above 0; a job makes so many runs at once"
    if memory is None:
        yield 'memory: missing; give what a job needs, "4GiB"'
    if isinstance(walltime, int):  # YAML reads 10:00:00 as the number 36000
        yield f'walltime = {walltime}: a number; write a time in quotes, "10:00:00"'


def _setting(name: str) -> Any:
    import dask

    return dask.config.get(f"jobqueue.slurm.{name}", None)


def _script(scheduler: SLURMCluster) -> str:
    """Return the script of every job: a worker, which is called by the job's number."""
    address = getattr(scheduler.scheduler, "contact_address", None) or scheduler.scheduler_address
    job = scheduler.job_cls(address, name="$SLURM_JOB_ID", processes=1)
    return str(job.job_script())
