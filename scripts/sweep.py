#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Run every combination of the options in a sweep file, and put the results into one table.

    python scripts/sweep.py configs/sweeps/smoke.toml --outdir results/smoke

What is done already is not done again: a sweep that was killed, or whose file has got more values,
is completed by the same command. A run that fails is recorded in DIR/failed and does not stop the
others. DIR/sweep.parquet holds all results with all parameters. The exit status is 1 if a run
failed, 2 for bad input, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import homeshift
from homeshift.analysis.sweep_note import FAILED
from homeshift.errors import InputError, RunError
from homeshift.experiment.command_line import faults_in
from homeshift.experiment.options import option_names
from homeshift.front_end import call, missing_packages, script_parser, tells_errors, undisturbed
from homeshift.sweep.place import Place
from homeshift.sweep.spec import RunSpec, Sweep, load_sweep
from homeshift.units import counted

if TYPE_CHECKING:
    from distributed import Future

    from homeshift.sweep.clusters import Workers

MIGRATE = Path(__file__).resolve().parents[1] / "configs" / "migrate.py"
_SHOWN_FAILURES = 5
_SECONDS_A_LOOK = 0.1
_SECONDS_A_LINE = 60.0  # where there is no terminal to draw a bar on


@tells_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Run the sweep that the arguments name; return the exit status."""
    parser = script_parser(__file__, __doc__)
    parser.add_argument("sweep", type=Path, metavar="FILE", help="as configs/sweeps/smoke.toml")
    parser.add_argument(
        "--outdir", type=Path, required=True, metavar="DIR", help="of runs and their table"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="runs at a time on this machine (default: %(default)s)",
    )
    where.add_argument("--scheduler", metavar="ADDRESS", help="use this Dask scheduler")
    where.add_argument("--slurm", type=int, metavar="JOBS", help="use Slurm jobs as workers")
    parser.add_argument(
        "--gem5",
        default="gem5.opt",
        metavar="FILE",
        help="a gem5 with the plugin, for runs of that engine",
    )
    parser.add_argument(
        "--retry-failed", action="store_true", help="also do again what has failed before"
    )
    arguments = parser.parse_args(argv)
    return _sweep(arguments)


def _sweep(arguments: argparse.Namespace) -> int:
    if faults := missing_packages("distributed", "tqdm", "pyarrow"):
        raise InputError("installation", faults)
    for option in ("workers", "slurm"):
        if (number := getattr(arguments, option)) is not None and number < 1:
            raise InputError(f"option --{option}", ["must be at least 1"])
    sweep = load_sweep(arguments.sweep, known=option_names(), check=faults_in)
    gem5 = shutil.which(arguments.gem5)
    if gem5 is None and any(run.engine == "gem5" for run in sweep.runs):
        fault = f"{arguments.gem5}: not found; give a gem5 with the plugin by --gem5"
        raise InputError("engine", [fault])
    place = Place(arguments.outdir.resolve())
    place.begin(sweep, version=homeshift.__version__)
    with place.exclusive(alone=not (arguments.scheduler or arguments.slurm)):
        if outdated := place.drop_outdated(sweep):
            again = "run is" if outdated == 1 else "runs are"
            _tell(f"{outdated} {again} made again: files that are named have changed")
        place.describe(sweep, version=homeshift.__version__)
        return _complete(arguments, sweep, place, gem5)


def _complete(arguments: argparse.Namespace, sweep: Sweep, place: Place, gem5: str | None) -> int:
    """Run what is missing, and write the table."""
    wanted = [run for run in sweep.runs if not place.is_done(run)]
    done = f"{counted(len(sweep.runs), 'run')}, {len(sweep.runs) - len(wanted)} of them done before"
    if not arguments.retry_failed:
        asked = len(wanted)
        wanted = [run for run in wanted if place.error(run) is None]
        if failed := asked - len(wanted):
            done += f", {failed} failed before (--retry-failed makes them again)"
    print(f"sweep.py: {done}", flush=True)
    if wanted:
        with _workers(arguments, place, runs=len(wanted)) as workers:
            _run(workers, wanted, place, gem5)
        place.clear()  # of what a worker that died has left
    return _report(sweep, place)


def _workers(
    arguments: argparse.Namespace, place: Place, *, runs: int
) -> AbstractContextManager[Workers]:
    from homeshift.sweep.clusters import local_workers, remote_workers

    if arguments.scheduler:
        return remote_workers(arguments.scheduler)
    if arguments.slurm:
        from homeshift.sweep.slurm import slurm_workers

        return slurm_workers(arguments.slurm, runs=runs, logs=place.path / "slurm", tell=_tell)
    return local_workers(arguments.workers)


def _tell(line: str) -> None:
    from tqdm import tqdm

    with undisturbed():  # which would leave tqdm with a lock that it does not have
        tqdm.write(f"sweep.py: {line}")  # above the bar, if there is one
        sys.stdout.flush()


def _run(workers: Workers, wanted: list[RunSpec], place: Place, gem5: str | None) -> None:
    from concurrent.futures import CancelledError

    from distributed.comm.core import CommClosedError
    from tqdm import tqdm

    from homeshift.sweep import processes
    from homeshift.sweep.execute import Task, execute

    tasks = [
        Task(spec=spec, place=place, script=MIGRATE, folder=Path.cwd(), gem5=gem5)
        for spec in wanted
    ]
    # A scheduler may have other sweeps with the same runs, for other directories.
    specs = {f"{place.path}/{spec.name}": spec for spec in wanted}
    failed = 0
    told = time.monotonic()
    processes.begin()
    try:
        futures = workers.client.map(execute, tasks, key=list(specs), pure=False)
        with tqdm(total=len(tasks), unit="run", disable=None) as bar:
            for made, future in enumerate(_as_made(futures, workers), start=1):
                if future.cancelled():
                    raise CancelledError
                # What a run itself does wrong is recorded; a worker that dies is not a run's fault.
                # The result stays with its worker, and to ask for it is to wait for another one.
                spec = specs[str(future.key)]
                if future.status == "error":
                    error = f"its worker failed: {future.exception()}"
                    place.record_failure(spec, exit_status=-1, error=error)
                if not place.is_done(spec):
                    failed += 1
                    bar.set_postfix(failed=failed)
                bar.update()
                if bar.disable and time.monotonic() - told >= _SECONDS_A_LINE:
                    told = time.monotonic()
                    print(
                        f"sweep.py: {made} of {len(tasks)} runs made, {failed} failed", flush=True
                    )
    except (CancelledError, CommClosedError) as error:  # nobody knows what the workers do now
        done = sum(place.is_done(task.spec) for task in tasks)
        raise RunError(
            f"the Dask scheduler has gone in the middle of the sweep; {done} of {len(tasks)} runs "
            "are done and kept, the same command with a scheduler that lives (or without one) "
            "makes the others"
        ) from error
    finally:  # no run is left, unless the sweep is interrupted; Dask would tell that its tasks are
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        processes.end_all()


def _as_made(futures: list[Future[Any]], workers: Workers) -> Iterator[Future[Any]]:
    """Yield what is made, in the order in which it is; look after the workers meanwhile."""
    from distributed import as_completed

    made = as_completed(futures)
    while left := made.count():
        if made.has_ready():
            yield next(made)
        else:
            workers.look_after(left)
            time.sleep(_SECONDS_A_LOOK)


def _report(sweep: Sweep, place: Place) -> int:
    from homeshift.sweep.table import collect, write_table

    table = collect(sweep, place)
    path = write_table(table, place)
    failures = [(run, place.error(run)) for run in sweep.runs if not place.is_done(run)]
    print(f"sweep.py: wrote {os.path.relpath(path)} with {counted(len(table), 'run')}")
    for run, failure in failures[:_SHOWN_FAILURES]:
        said = (failure or {}).get("error", "was not made").replace("\n", "\n    ")
        options = " ".join(run.arguments)
        print(f"sweep.py: run {run.name} failed ({options}):\n    {said}", file=sys.stderr)
    if failures:
        noted = any(failure is not None for _, failure in failures)
        where = f"; see {os.path.relpath(place.path / FAILED)}" if noted else ""
        print(f"sweep.py: {counted(len(failures), 'run')} failed{where}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(call(main, "; the same command goes on from here"))
