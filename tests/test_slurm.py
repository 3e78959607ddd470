# SPDX-License-Identifier: BSD-3-Clause
"""Do Slurm jobs make a sweep, whatever becomes of them, and is it told if they cannot?

What Slurm says is played by `Slurm` below. Whole sweeps run on commands that imitate Slurm's with
processes of this machine, and on the real ones if a cluster answers.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from sweeps import QUICK, SCRIPT, finished, skip_if_ignored, sweep, wait_until, written

from homeshift.errors import InputError, RunError
from homeshift.sweep import slurm_jobs
from homeshift.sweep.slurm_jobs import SlurmJobs

pytest.importorskip("dask_jobqueue")


class Slurm:
    """What Slurm would answer; jobs have the numbers 1, 2, ..."""

    def __init__(self) -> None:
        self.jobs: dict[str, str] = {}  # those in the queue, with state and reason
        self.submitted = 0
        self.most = 100
        self.silent = False

    def __call__(self, command: Sequence[str], given: str = "") -> subprocess.CompletedProcess[str]:
        status, said, complaint = 0, "", ""
        if command[0] == "sbatch" and len(self.jobs) < self.most:
            assert given == "the script"
            self.submitted += 1
            self.jobs[str(self.submitted)] = "RUNNING|None"
            said = f"{self.submitted};cluster\n"
        elif command[0] == "sbatch":
            status, complaint = 1, "sbatch: error: no such partition\nsbatch: error: failed\n"
        elif command[0] == "squeue":
            status = int(self.silent)
            said = "".join(f"{job}|{about}\n" for job, about in self.jobs.items())
        else:
            for job in command[2:]:
                self.jobs.pop(job, None)
        return subprocess.CompletedProcess(list(command), status, said, complaint)


@pytest.fixture
def slurm(monkeypatch: pytest.MonkeyPatch) -> Slurm:
    """Slurm, played."""
    played = Slurm()
    monkeypatch.setattr(slurm_jobs, "_called", played)
    monkeypatch.setattr(slurm_jobs, "_LOOK_SECONDS", 0)
    return played


@pytest.fixture
def told() -> list[str]:
    """What the user is told."""
    return []


@pytest.fixture
def begun(slurm: Slurm, told: list[str], tmp_path: Path) -> Callable[..., SlurmJobs]:
    """Return a function that begins with two jobs, or as many as it is told."""
    del slurm  # must be there

    def begin(*, wanted: int = 2, left: int = 10) -> SlurmJobs:
        jobs = SlurmJobs(
            script="the script",
            wanted=wanted,
            left=left,
            logs=tmp_path / "logs",
            own_logs=True,
            tell=told.append,
        )
        jobs.begin()
        return jobs

    return begin


def test_jobs_are_submitted_and_cancelled(
    slurm: Slurm, begun: Callable[..., SlurmJobs], told: list[str]
) -> None:
    slurm.jobs["99"] = "RUNNING|None"  # somebody else's
    jobs = begun()
    assert list(slurm.jobs) == ["99", "1", "2"]
    assert told[0].startswith("jobs submitted to Slurm: 2 (1 to 2); they print into ")
    jobs.cancel()
    assert list(slurm.jobs) == ["99"]


def test_a_job_that_ends_is_replaced_while_there_are_runs(
    slurm: Slurm, begun: Callable[..., SlurmJobs]
) -> None:
    jobs = begun()
    for left, ends, expected in ((8, "1", ["2", "3"]), (5, "2", ["3", "4"]), (1, "3", ["4"])):
        del slurm.jobs[ends]
        jobs.look_after(left)
        assert list(slurm.jobs) == expected
    assert slurm.submitted == 4


def test_there_are_no_more_jobs_than_runs(
    slurm: Slurm, begun: Callable[..., SlurmJobs], told: list[str]
) -> None:
    begun(wanted=5, left=1)
    assert list(slurm.jobs) == ["1"]
    assert "Slurm: 1 (1);" in told[0]


def test_jobs_that_end_before_a_run_is_made_end_the_sweep_with_what_they_printed(
    slurm: Slurm, begun: Callable[..., SlurmJobs], tmp_path: Path
) -> None:
    jobs = begun(wanted=1)
    for job in ("1", "2"):
        del slurm.jobs[job]
        jobs.look_after(10)
    del slurm.jobs["3"]
    jobs.look_after(9)  # a run is made: these three say nothing about others
    for job in ("4", "5"):
        del slurm.jobs[job]
        jobs.look_after(9)
    del slurm.jobs["6"]
    (tmp_path / "logs" / "6.log").write_text("no such python\n", encoding="utf-8")
    with pytest.raises(RunError) as caught:
        jobs.look_after(9)
    assert "3 jobs of Slurm in a row ended before a run was made" in str(caught.value)
    assert "Job 6 printed:\n    no such python\n" in str(caught.value)


def test_what_slurm_refuses_is_told_in_its_words(
    slurm: Slurm, begun: Callable[..., SlurmJobs]
) -> None:
    slurm.most = 0
    with pytest.raises(InputError) as caught:
        begun()
    assert caught.value.faults == (
        "Slurm refuses a job by ~/.config/dask/jobqueue.yaml: no such partition; failed",
    )


def test_a_sweep_goes_on_with_as_many_jobs_as_slurm_takes(
    slurm: Slurm, begun: Callable[..., SlurmJobs], told: list[str]
) -> None:
    slurm.most = 1
    jobs = begun()
    assert told[0] == "Slurm takes no more than 1 jobs: no such partition; failed"
    del slurm.jobs["1"]
    jobs.look_after(9)
    assert list(slurm.jobs) == ["2"]
    slurm.jobs, slurm.most = {}, 0
    with pytest.raises(RunError, match="all jobs of Slurm have ended, and it takes no more"):
        jobs.look_after(8)


def test_what_jobs_wait_for_is_told_once_and_that_they_wait_for_ever(
    slurm: Slurm, begun: Callable[..., SlurmJobs], told: list[str]
) -> None:
    jobs = begun()
    slurm.jobs |= {"1": "PENDING|None", "2": "PENDING|None"}  # Slurm has not looked at them
    jobs.look_after(10)
    assert len(told) == 1
    slurm.jobs |= {"1": "PENDING|Resources", "2": "PENDING|Priority"}
    for _ in range(3):
        jobs.look_after(10)
    assert told[1:] == ["no job of Slurm runs now; jobs that wait: 1 for Resources, 1 for Priority"]
    slurm.jobs["1"] = "RUNNING|None"
    jobs.look_after(10)
    assert len(told) == 2
    slurm.jobs |= {"1": "PENDING|PartitionTimeLimit", "2": "PENDING|Priority"}
    with pytest.raises(InputError, match="will never start the jobs, by PartitionTimeLimit"):
        jobs.look_after(10)


def test_jobs_are_not_given_up_while_slurm_is_silent(
    slurm: Slurm, begun: Callable[..., SlurmJobs]
) -> None:
    jobs = begun()
    slurm.silent, slurm.jobs = True, {}
    for _ in range(5):
        jobs.look_after(10)
    assert slurm.submitted == 2


SETTINGS = {"CORES": "1", "MEMORY": "1GiB", "WALLTIME": "00:05:00"}
IMITATION = {
    "sbatch": """
for word; do case $word in --output=*) output=${word#--output=};; esac; done
script=$(mktemp "$0.XXXXXX")
cat > $script
SCRIPT=$script OUTPUT=$output JOBS=$(dirname "$0")/jobs setsid sh -c '
  export SLURM_JOB_ID=$$
  bash $SCRIPT > "$(echo "$OUTPUT" | sed s/%j/$$/)" 2>&1
  rm $JOBS/$$' < /dev/null > /dev/null 2>&1 &
touch "$(dirname "$0")/jobs/$!"
echo $!
""",
    "squeue": 'ls "$(dirname "$0")/jobs" | sed "s/$/|RUNNING|None/"',
    "scancel": 'shift; for job; do rm -f "$(dirname "$0")/jobs/$job"; kill -KILL -$job; done',
}


def cluster_answers() -> bool:
    if shutil.which("sbatch") is None:
        return False
    try:
        asked = subprocess.run(["sinfo"], capture_output=True, check=False, timeout=3)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a site says of its jobs; where dask-jobqueue looks for it, in this folder."""
    monkeypatch.setenv("DASK_CONFIG", str(tmp_path / "dask"))
    for name, value in SETTINGS.items():
        monkeypatch.setenv(f"DASK_JOBQUEUE__SLURM__{name}", value)


@pytest.fixture
def imitation(settings: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Slurm's commands, imitated: the folder in which each job has a file."""
    del settings
    if shutil.which("setsid") is None:
        pytest.skip("needs setsid")
    (tmp_path / "bin" / "jobs").mkdir(parents=True)
    for name, script in IMITATION.items():
        written(tmp_path / "bin", f"#!/bin/sh\n{script}", name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    yield tmp_path / "bin" / "jobs"
    jobs = [path.name for path in (tmp_path / "bin" / "jobs").iterdir()]
    subprocess.run(["scancel", "--quiet", *jobs], check=False)


@pytest.fixture(params=["imitation", "cluster"])
def commands(request: pytest.FixtureRequest) -> None:
    """Slurm's commands, imitated or real."""
    if request.param == "cluster" and not cluster_answers():
        pytest.skip("no sbatch on PATH, or no cluster that answers it")
    request.getfixturevalue("imitation" if request.param == "imitation" else "settings")


def jobs_of(outdir: Path) -> set[str]:
    """Return the jobs of a sweep that are there; each has a file for what it prints."""
    command = ["squeue", "--noheader", f"--user={os.getuid()}", "--format=%A|%T|%r"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    logs = {path.stem for path in (outdir / "slurm").glob("*.log")}
    return {line.split("|")[0] for line in said.splitlines()} & logs


@pytest.mark.usefixtures("commands")
def test_slurm_jobs_give_the_same_results_though_all_of_them_are_cancelled(tmp_path: Path) -> None:
    text = QUICK.replace("5us", "1ms").replace("[1, 2]", "[1, 2, 3]")
    path, out = written(tmp_path, text), tmp_path / "out"
    often = "import runpy, sys\nfrom homeshift.sweep import slurm_jobs\n"
    often += "slurm_jobs._LOOK_SECONDS = 0.5\nsys.argv = sys.argv[1:]\n"
    often += "runpy.run_path(sys.argv[0], run_name='__main__')"
    options = ("--outdir", str(out), "--slurm", "2")
    with subprocess.Popen(
        [sys.executable, "-c", often, str(SCRIPT), str(path), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            wait_until(lambda: bool(finished(out)), "a finished run")
            first = jobs_of(out)
            assert first
            subprocess.run(["scancel", "--quiet", *first], check=False)
            said, complaints = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 0, complaints
    assert complaints == ""
    assert "sweep.py: jobs submitted to Slurm: 2" in said
    wait_until(lambda: not jobs_of(out), "end of all jobs")
    assert not list((out / "runs").glob(".*"))

    assert sweep(path, tmp_path / "local").returncode == 0
    for run in finished(tmp_path / "local"):
        for name in ("stats.txt", "migration.json"):
            one, two = (place / "runs" / run / name for place in (tmp_path / "local", out))
            assert one.read_bytes() == two.read_bytes()


def test_ctrl_c_cancels_the_jobs(imitation: Path, tmp_path: Path) -> None:
    skip_if_ignored(signal.SIGINT)
    slow = QUICK.replace('"5us"', '"100ms"')  # else it may be over before
    path, out = written(tmp_path, slow), tmp_path / "out"
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), str(path), "--outdir", str(out), "--slurm", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            wait_until(lambda: len(list(imitation.iterdir())) == 2, "two jobs")
            os.killpg(process.pid, signal.SIGINT)
            complaints = process.communicate(timeout=60)[1]
        finally:
            process.kill()
    assert process.returncode == 128 + signal.SIGINT
    assert complaints == "sweep.py: interrupted; the same command goes on from here\n"
    assert not list(imitation.iterdir())


@pytest.mark.usefixtures("imitation")
def test_all_that_the_settings_lack_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("CORES", "two"), ("MEMORY", "None"), ("WALLTIME", "36000")):
        monkeypatch.setenv(f"DASK_JOBQUEUE__SLURM__{name}", value)
    result = sweep(written(tmp_path, QUICK), tmp_path / "out", "--slurm", "1")
    assert result.returncode == 2
    assert [line.split(":")[1] for line in result.stderr.splitlines()[1:]] == [
        " jobqueue.slurm.cores = two",
        " jobqueue.slurm.memory",
        " jobqueue.slurm.walltime = 36000",
    ]


@pytest.mark.usefixtures("imitation")
def test_settings_that_dask_refuses_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASK_JOBQUEUE__SLURM__INTERFACE", "no-such")
    result = sweep(written(tmp_path, QUICK), tmp_path / "out", "--slurm", "1")
    assert result.returncode == 2
    assert "jobqueue.yaml cannot be used: Cluster failed to start: 'no-such'" in result.stderr


def test_where_no_slurm_is_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, QUICK)
    monkeypatch.setenv("PATH", str(tmp_path))
    result = sweep(path, tmp_path / "out", "--slurm", "1")
    assert result.returncode == 2
    assert "sbatch, squeue, scancel: not on PATH; start the sweep where" in result.stderr
    result = sweep(path, tmp_path / "out", "--slurm", "0")
    assert result.returncode == 2
    assert "option --slurm has a fault:\n  must be at least 1" in result.stderr


@pytest.mark.usefixtures("imitation")
def test_the_job_script_is_the_sites_and_starts_the_worker_of_this_python(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DASK_JOBQUEUE__SLURM__QUEUE", "short")
    path = written(tmp_path, QUICK)
    written(tmp_path / "bin", "#!/bin/sh\ncat > $(dirname $0)/script; exit 1\n", "sbatch")
    result = sweep(path, tmp_path / "out", "--slurm", "1")
    assert result.returncode == 2
    assert (
        "Slurm refuses a job by ~/.config/dask/jobqueue.yaml: sbatch ended with 1" in result.stderr
    )
    script = (tmp_path / "bin" / "script").read_text(encoding="utf-8")
    assert "#SBATCH -p short\n" in script
    assert "#SBATCH -t 00:05:00\n" in script
    assert f"{sys.executable} -m distributed.cli.dask_worker tcp://" in script
    assert "--name $SLURM_JOB_ID --nthreads 1 " in script
