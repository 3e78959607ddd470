# SPDX-License-Identifier: BSD-3-Clause
"""Does a sweep make every run once, whatever fails, whoever kills it, and wherever it runs?"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from calls import ROOT, called, shown_help
from conftest import write_note
from gem5_binary import GEM5, needs_gem5
from pandas.testing import assert_frame_equal
from sweeps import (
    QUICK,
    SCRIPT,
    finished,
    processes_of,
    skip_if_ignored,
    start,
    sweep,
    wait_until,
    written,
)

from homeshift import __version__
from homeshift.errors import InputError
from homeshift.sweep.place import Place
from homeshift.sweep.spec import RunSpec, load_sweep

SMOKE = ROOT / "configs" / "sweeps" / "smoke.toml"
KNOWN = ("strategy", "machine", "workload", "vm-memory", "seed", "check", "trace", "outdir")


def faults_of(path: Path) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        load_sweep(path, known=KNOWN)
    return caught.value.faults


def test_a_sweep_is_the_product_of_its_lists_and_the_last_varies_fastest(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        'engine = ["embedded", "gem5"]\nstrategy = ["a", "b"]\ncheck = true\nseed = [1, 2, 3]\n',
    )
    made = load_sweep(path, known=KNOWN)
    assert made.name == "mine"
    assert made.varied == ("engine", "strategy", "seed")
    assert len(made.runs) == len({run.name for run in made.runs}) == 12
    assert [run.options["seed"] for run in made.runs[:4]] == [1, 2, 3, 1]
    assert [run.engine for run in made.runs] == ["embedded"] * 6 + ["gem5"] * 6
    assert made.runs[0].arguments == ["--strategy", "a", "--check", "--seed", "1"]


def test_a_run_is_named_after_its_options_in_any_order() -> None:
    def name(engine: str = "embedded", **options: str | int | bool) -> str:
        return RunSpec(engine=engine, options=options).name

    assert name(a=1, b="x") == name(b="x", a=1)
    assert len({name(a=1), name(a="1"), name(a=2), name("gem5", a=1), name(a=True)}) == 5
    assert RunSpec(engine="embedded", options={"check": False}).arguments == []


@pytest.mark.parametrize("value", ["{}", "{}:clock=1GHz", "trace:other.npy,{}"])
@pytest.mark.parametrize("name", ["mine.toml", "8:30.toml"])
def test_a_run_is_named_after_what_is_in_the_files_that_it_names(
    tmp_path: Path, value: str, name: str
) -> None:
    file = tmp_path / name
    spec = RunSpec(engine="embedded", options={"machine": value.format(file)})
    names = [spec.name]
    for content in ("a = 1\n", "a = 12\n", "a = 1\n"):
        file.write_text(content, encoding="utf-8")
        names.append(spec.name)
    assert names[1] == names[3]
    assert len(set(names)) == 3


def test_files_that_a_file_of_vms_names_count_as_well(tmp_path: Path) -> None:
    own, trace = tmp_path / "own.py", tmp_path / "a.npy"
    text = f'[[vm]]\nstrategy = "{own}:rounds=2"\n[[vm]]\ntrace = ["{trace}"]\n'
    vms = written(tmp_path, text, "vms.toml")
    path = written(tmp_path, f'more-vms = "{vms}"\n')
    names = set()
    for file, content in ((own, "a = 1\n"), (trace, "1"), (own, "a = 22\n"), (trace, "22")):
        file.write_text(content, encoding="utf-8")
        [run] = load_sweep(path, known=["more-vms"]).runs
        names.add(run.name)
    assert len(names) == 4
    Place(tmp_path / "out").begin(load_sweep(path, known=["more-vms"]), version="0")
    note = json.loads((tmp_path / "out" / "sweep.json").read_text(encoding="utf-8"))
    assert note["files"] == {str(vms): text, str(own): "a = 22\n"}
    vms.write_text("[[vm]", encoding="utf-8")  # who reads it tells
    assert load_sweep(path, known=["more-vms"]).runs[0].name not in names


def test_a_sweep_that_was_killed_at_once_can_be_made(tmp_path: Path) -> None:
    path, place = written(tmp_path, QUICK), Place(tmp_path / "out")
    asked = load_sweep(path, known=[*KNOWN, "warmup", "window"])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".sweep.json.partial-1-ab").touch()
    place.begin(asked, version="0")
    shutil.rmtree(tmp_path / "out" / "failed")
    place.begin(asked, version="0")
    assert (tmp_path / "out" / "failed").is_dir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / ".git").mkdir()
    with pytest.raises(InputError, match="is not empty and holds no sweep"):
        Place(tmp_path / "other").begin(asked, version="0")


def test_a_process_can_make_several_sweeps(tmp_path: Path) -> None:
    path = written(tmp_path, QUICK)
    calls = "; ".join(
        f"print(main([{str(path)!r}, '--outdir', {str(tmp_path / to)!r}]))" for to in "ab"
    )
    code = f"import runpy; main = runpy.run_path({str(SCRIPT)!r})['main']; {calls}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=300
    )
    assert [line for line in done.stdout.splitlines() if len(line) == 1] == ["0", "0"], done.stderr


def test_a_sweep_keeps_the_text_of_the_machines_that_it_names(tmp_path: Path) -> None:
    text = (ROOT / "configs" / "machines" / "tiny.toml").read_text(encoding="utf-8")
    own = written(tmp_path, text, "own.toml")
    machines = f'["tiny", "{own}", "{own}:network.link_latency=6ns"]'
    path = written(tmp_path, f'machine = {machines}\nworkload = "trace:none.npy"\n')
    asked = load_sweep(path, known=["machine", "workload"])
    Place(tmp_path / "out").begin(asked, version="0")
    note = json.loads((tmp_path / "out" / "sweep.json").read_text(encoding="utf-8"))
    assert note["files"] == {str(own): text}


def test_all_faults_of_a_sweep_file_are_told_at_once(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        'engine = ["gem6"]\nstrategie = "x"\noutdir = "y"\ntrace = ["a"]\nseed = []\n'
        'machine = ["quad", "quad"]\nworkload = [["a", "b"]]\n',
    )
    assert faults_of(path) == (
        'engine = "gem6": not one of embedded, gem5',
        "strategie: migrate.py has no such option (did you mean 'strategy'?)",
        "outdir: every run of a sweep gets a directory of its own",
        'trace: write it as a workload, "trace:FILE,FILE"',
        "seed: an empty list leaves nothing to run",
        'machine: "quad" is listed twice',
        "workload = ['a', 'b']: not a text, a number, true or false; write it as "
        "on the command line",
    )


def test_faulty_values_are_told_at_once_before_anything_is_made(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        'machine = "tiny"\ncolour = "x"\nstrategy = ["owneship", "pre-copy:downtme-limit=1ms"]\n'
        'vm-memory = "32"\nseed = ["a", true]\nborrow = "9:0.5"\ncheck = "yes"\nfence = true\n'
        'workload = ["zipf", "zipf:writes=1"]\ncancel-at = "1us"\nwindow = 5\n',
    )
    result = sweep(path, tmp_path / "out")
    assert result.returncode == 2
    assert not (tmp_path / "out").exists()
    said = result.stderr.splitlines()
    assert said[0] == "sweep.py: error: sweep 'mine.toml' has 10 faults:"
    for line, told in zip(
        said[1:],
        (
            "colour: migrate.py has no such option",
            "strategy = \"owneship\": not known (did you mean 'ownership'?)",
            'strategy = "pre-copy:downtme-limit=1ms": downtme-limit: no such parameter (did you',
            'vm-memory = "32": a bare number; write a size with its unit',
            'seed = "a": not a whole number',
            "seed = true: expected one argument",
            'check = "yes": takes no value, it is true or false',
            'workload = "zipf:writes=1": writes: no such parameter',
            "window = 5: a bare number; write a time with its unit",
            "the VM: borrow 9: 'tiny' has the nodes 0 to 1",
        ),
        strict=True,
    ):
        assert line.strip().startswith(told)


def test_what_keeps_every_run_from_being_made_is_a_fault_of_the_file(tmp_path: Path) -> None:
    text = QUICK.replace('"tiny"', '["tiny", "quad"]') + 'cancel-at = "1us"\n'
    vms = written(tmp_path, "[[vm]]\nsources = 1\n", "vms.toml")
    for more, faults in (
        ('borrow = "9:0.5"\n', ["borrow 9: 'tiny' has", "borrow 9: 'quad' has"]),
        ('fail-target-at = "1us"\n', ["  --fail-target-at: not allowed with argument --cancel-at"]),
        ('more-vms = "none.toml"\n', ["cannot read none.toml: No such file"]),
        (f'more-vms = "{vms}"\n', [f"file of VMs '{vms}': VM 1: sources: no such field"]),
    ):
        result = sweep(written(tmp_path, text + more), tmp_path / "out")
        assert result.returncode == 2
        said = result.stderr.splitlines()[1:]
        assert len(said) == len(faults)
        assert all(fault in line for line, fault in zip(said, faults, strict=True))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "fault"),
    [("", "is empty; give at least a strategy"), ("strategy = ", "not TOML: "), (None, "cannot")],
)
def test_what_is_no_sweep_is_refused(tmp_path: Path, text: str | None, fault: str) -> None:
    path = tmp_path / "mine.toml" if text is None else written(tmp_path, text)
    assert faults_of(path)[0].startswith(fault)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smoke sweep, run with two workers."""
    outdir = tmp_path_factory.mktemp("sweep") / "smoke"
    result = sweep(SMOKE, outdir, "--workers", "2")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert result.stdout.startswith("sweep.py: 16 runs, 0 of them done before\n")
    return outdir


def test_all_results_are_in_one_table_with_all_parameters(smoke: Path) -> None:
    table = pd.read_parquet(smoke / "sweep.parquet")
    assert len(table) == 16
    assert set(table["status"]) == {"completed"}
    assert (table["vm.memory_bytes"] == table["ram.total"]).all()
    assert (table["arguments.seed"] == table["option.seed"]).all()
    assert set(table["workload.kind"]) == {"zipf", "uniform"}
    assert (table["strategy.name"] == table["strategy"]).all()
    assert set(table["machine.network.link_bandwidth_bytes_per_second"]) == {16e9}
    config = json.loads((smoke / "runs" / table["run"][0] / "config.json").read_text())
    assert config["vm"]["memory_bytes"] == table["vm.memory_bytes"][0]
    by_strategy = table.groupby("strategy")["copied-pages"].max()
    assert (by_strategy["ownership"], by_strategy["stop-and-copy"]) == (0, 128)


def test_who_may_read_the_results_may_read_what_the_sweep_is(smoke: Path) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in smoke.iterdir() if path.is_file()}
    assert modes["sweep.json"] == modes["sweep.parquet"]


def test_the_results_do_not_depend_on_the_number_of_workers(smoke: Path, tmp_path: Path) -> None:
    assert sweep(SMOKE, tmp_path / "one", "--workers", "1").returncode == 0
    one, two = (pd.read_parquet(path / "sweep.parquet") for path in (tmp_path / "one", smoke))
    assert_frame_equal(one, two, check_exact=True)
    for run in finished(smoke):
        for name in ("stats.txt", "migration.json"):
            first, second = (path / "runs" / run / name for path in (tmp_path / "one", smoke))
            assert first.read_bytes() == second.read_bytes()


def test_what_is_done_is_not_done_again_and_new_values_are_added(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert sweep(written(tmp_path, QUICK), out).returncode == 0
    before = finished(out)
    shutil.rmtree(out / "runs" / next(iter(before)))
    more = written(tmp_path, QUICK.replace("[1, 2]", "[1, 2, 3]"))
    result = sweep(more, out)
    assert "sweep.py: 6 runs, 3 of them done before" in result.stdout
    after = finished(out)
    assert len(after) == 6
    assert [name for name in before if after[name] != before[name]] == [next(iter(before))]
    assert list(pd.read_parquet(out / "sweep.parquet")["option.seed"]) == [1, 2, 3, 1, 2, 3]


def test_runs_are_made_again_when_a_file_that_they_name_has_changed(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    tiny = (ROOT / "configs" / "machines" / "tiny.toml").read_text(encoding="utf-8")
    own.write_text(tiny, encoding="utf-8")
    out = tmp_path / "out"
    path = written(tmp_path, QUICK.replace('"tiny"', f'["tiny", "{own}"]'))
    assert sweep(path, out).returncode == 0
    before = finished(out)
    own.write_text(f"{tiny}# one more line\n", encoding="utf-8")
    (out / "failed" / "of-before.json").write_text("{}", encoding="utf-8")
    again = sweep(path, out)
    assert again.returncode == 0, again.stderr
    assert "4 runs are made again: files that are named have changed" in again.stdout
    assert "8 runs, 4 of them done before" in again.stdout
    after = finished(out)
    assert len(after) == 8
    assert len(before.keys() & after.keys()) == 4
    assert not list((out / "failed").iterdir())


def test_a_run_that_restores_another_checkpoint_is_another_run(tmp_path: Path) -> None:
    run = RunSpec(engine="gem5", options={"restore": str(tmp_path)})
    names = {run.name}
    for state in ("a", "bc"):
        (tmp_path / "homeshift.json").write_text(f'{{"state": "{state}"}}', encoding="utf-8")
        names.add(run.name)
    assert len(names) == 3


def test_a_failed_run_is_recorded_and_stops_no_other(tmp_path: Path) -> None:
    text = QUICK.replace('"256KiB"', '["256KiB", "1GiB"]')  # tiny has 2 MiB
    out = tmp_path / "out"
    result = sweep(written(tmp_path, text), out)
    assert result.returncode == 1
    assert "4 runs failed" in result.stderr
    assert "vm-memory = 1GiB: 'tiny' has 2.00 MiB in all" in result.stderr
    table = pd.read_parquet(out / "sweep.parquet")
    assert list(table["status"]) == ["completed", "completed", "error", "error"] * 2
    assert table["error"][2].startswith("migrate.py: error: the VM has a fault:")
    assert table["option.vm-memory"][2] == "1GiB"
    assert len(finished(out)) == 4
    notes = [json.loads(path.read_text()) for path in (out / "failed").iterdir()]
    assert [note["exit-status"] for note in notes] == [2] * 4

    again = sweep(written(tmp_path, text), out)
    assert again.returncode == 1
    said = "8 runs, 4 of them done before, 4 failed before (--retry-failed makes them again)"
    assert said in again.stdout
    record = next((out / "failed").iterdir())
    record.write_text("", encoding="utf-8")
    refused = sweep(written(tmp_path, text), out)
    assert refused.returncode == 2
    assert f"failed run '{record}' has a fault:" in refused.stderr
    retried = sweep(written(tmp_path, text), out, "--retry-failed")
    assert "8 runs, 4 of them done before" in retried.stdout


def test_results_of_another_version_or_of_others_are_not_mixed_in(tmp_path: Path) -> None:
    path, out = written(tmp_path, QUICK), tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    result = sweep(path, out)
    assert result.returncode == 2
    assert "is not empty and holds no sweep" in result.stderr
    (out / "notes.txt").unlink()
    write_note(out, [], homeshift=__version__)
    (out / ".lock").mkdir()
    result = sweep(path, out)
    assert result.returncode == 2
    assert "cannot be written: Is a directory" in result.stderr
    (out / ".lock").rmdir()
    write_note(out, [], homeshift="0.0.9")
    result = sweep(path, out)
    assert result.returncode == 2
    assert "holds results of homeshift 0.0.9" in result.stderr
    write_note(out, [], homeshift=__version__, runs=None)
    result = sweep(path, out)
    assert result.returncode == 2
    assert "sweep.json: runs: missing or not a list" in result.stderr


def test_finished_runs_that_the_file_does_not_ask_for_are_told_and_kept(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert sweep(written(tmp_path, QUICK), out).returncode == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    result = sweep(written(tmp_path, QUICK.replace("[1, 2]", "[2, 3]"), "other.toml"), out)
    assert result.returncode == 2
    assert "holds 2 finished runs that sweep 'other' does not ask for; name" in result.stderr
    runs = [line.split() for line in result.stderr.splitlines() if line.startswith("    ")]
    assert [(run[2], run[-1]) for run in runs] == [
        ("strategy=stop-and-copy", "seed=1"),
        ("strategy=ownership", "seed=1"),
    ]
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    wider = sweep(written(tmp_path, QUICK.replace("[1, 2]", "[2, 1, 3]"), "other.toml"), out)
    assert wider.returncode == 0, wider.stderr
    assert "6 runs, 4 of them done before" in wider.stdout


def test_what_to_do_about_a_broken_run_is_told(tmp_path: Path) -> None:
    path, out = written(tmp_path, QUICK), tmp_path / "out"
    assert sweep(path, out).returncode == 0
    [broken, *_] = (out / "runs").iterdir()
    (broken / "migration.json").write_text("", encoding="utf-8")
    told = sweep(path, out)
    assert told.returncode == 2
    assert "migration.json: not valid JSON" in told.stderr
    assert "delete its directory, and the same command makes it again" in told.stderr
    shutil.rmtree(broken)
    assert "4 runs, 3 of them done before" in sweep(path, out).stdout


def test_a_log_gets_a_line_a_minute(tmp_path: Path) -> None:
    code = f"import runpy, sys; script = runpy.run_path({str(SCRIPT)!r}); sys.argv = sys.argv[1:]\n"
    code += "script['_sweep'].__globals__['_SECONDS_A_LINE'] = 0; sys.exit(script['main']())"
    text = QUICK.replace('"256KiB"', '["256KiB", "1GiB"]')  # tiny has 2 MiB
    path = written(tmp_path, text)
    arguments = ("sweep.py", str(path), "--outdir", str(tmp_path / "out"))
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    lines = [line for line in done.stdout.splitlines() if "made" in line]
    assert [line.split(",")[0] for line in lines] == [
        f"sweep.py: {made} of 8 runs made" for made in range(1, 9)
    ]
    assert lines[-1].endswith("4 failed")


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
def test_a_sweep_that_is_killed_leaves_no_process_and_is_completed_later(tmp_path: Path) -> None:
    slow = QUICK.replace('"5us"', '"2ms"').replace("[1, 2]", "[1, 2, 3]")
    path, out = written(tmp_path, slow), tmp_path / "out"
    command = [sys.executable, str(SCRIPT), str(path), "--outdir", str(out), "--workers", "2"]
    killed = 0
    for wanted in (1, 3):  # killed twice, each time in the middle of runs
        with start(*command) as process:
            wait_until(
                lambda: len(finished(out)) >= wanted and len(processes_of(out)) > 1,  # noqa: B023
                "runs that are finished and one that is not",
            )
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
        wait_until(lambda: not processes_of(out), "end of all processes")
    assert killed == 2
    before = finished(out)
    assert 3 <= len(before) < 6
    assert not (out / "sweep.parquet").exists()

    result = sweep(path, out, "--workers", "2")
    assert result.returncode == 0, result.stderr
    assert f"6 runs, {len(before)} of them done before" in result.stdout
    after = finished(out)
    assert {name: after[name] for name in before} == before
    assert not list((out / "runs").glob(".*"))

    assert sweep(path, tmp_path / "whole").returncode == 0
    tables = [pd.read_parquet(place / "sweep.parquet") for place in (out, tmp_path / "whole")]
    assert_frame_equal(tables[0], tables[1], check_exact=True)


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's signal at a parent's end")
def test_a_run_that_would_go_on_for_long_ends_with_its_sweep(tmp_path: Path) -> None:
    gem5 = written(tmp_path, f"#!{sys.executable}\nimport time\ntime.sleep(600)\n", "gem5.opt")
    gem5.chmod(0o755)
    path = written(tmp_path, QUICK + 'engine = "gem5"\n')
    command = (sys.executable, str(SCRIPT), str(path), "--outdir", str(tmp_path / "out"))
    with start(*command, "--gem5", str(gem5), "--workers", "2") as process:
        # Two processes of "gem5", and the sweep.
        wait_until(lambda: len(processes_of(gem5)) == 3, "two runs")
        process.kill()
    wait_until(lambda: not processes_of(gem5), "end of all processes")


@contextmanager
def interrupted(
    number: signal.Signals, outdir: Path, *command: str
) -> Iterator[subprocess.Popen[str]]:
    """A sweep with a run under way and a terminal of its own; checks what it leaves behind."""
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            wait_until(lambda: bool(processes_of(outdir / "runs")), "a run under way")
            yield process
            said = process.communicate(timeout=20)[1]
        finally:
            process.kill()
    assert process.returncode == 128 + number
    assert said == "sweep.py: interrupted; the same command goes on from here\n"
    assert not list((outdir / "failed").iterdir())
    assert not finished(outdir)
    wait_until(lambda: not processes_of(outdir), "end of all processes")


def test_a_run_that_ctrl_c_ends_is_made_by_the_next_call(tmp_path: Path) -> None:
    skip_if_ignored(signal.SIGINT)
    gem5 = written(tmp_path, f'#!/bin/sh\nshift 2\nexec {sys.executable} "$@" $MORE\n', "gem5.opt")
    gem5.chmod(0o755)
    path, out = written(tmp_path, QUICK + 'engine = "gem5"\n'), tmp_path / "out"
    options = ("--gem5", str(gem5), "--workers", "1")
    command = (sys.executable, str(SCRIPT), str(path), "--outdir", str(out), *options)
    with interrupted(signal.SIGINT, out, "env", "MORE=--warmup 10s", *command) as process:
        os.killpg(process.pid, signal.SIGINT)
    again = sweep(path, out, *options)
    assert again.returncode == 0, again.stderr
    assert "4 runs, 0 of them done before" in again.stdout
    assert len(finished(out)) == 4


def test_why_gem5_panics_is_not_lost_behind_its_backtrace(tmp_path: Path) -> None:
    script = (
        "#!/bin/sh\necho 'panic: it broke' >&2\necho '--- BEGIN LIBC BACKTRACE ---' >&2\n"
        "seq 100 >&2\nexit 134\n"
    )
    gem5 = written(tmp_path, script, "gem5.opt")
    gem5.chmod(0o755)
    path, out = written(tmp_path, QUICK + 'engine = "gem5"\n'), tmp_path / "out"
    assert sweep(path, out, "--gem5", str(gem5)).returncode == 1
    told = {json.loads(file.read_text())["error"] for file in (out / "failed").iterdir()}
    assert told == {"panic: it broke"}


def test_a_run_that_somebody_ends_has_not_failed(tmp_path: Path) -> None:
    gem5 = written(tmp_path, f"#!/bin/sh\nexit {128 + signal.SIGTERM}\n", "gem5.opt")
    gem5.chmod(0o755)
    path, out = written(tmp_path, QUICK + 'engine = "gem5"\n'), tmp_path / "out"
    assert sweep(path, out, "--gem5", str(gem5)).returncode == 1
    assert not list((out / "failed").iterdir())
    assert "4 runs, 0 of them done before" in sweep(path, out, "--gem5", str(gem5)).stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_sweep_alone_ends_its_runs_and_itself_soon(
    tmp_path: Path, number: signal.Signals
) -> None:
    skip_if_ignored(number)
    deaf = "import os, signal, sys, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    busy = "open(os.path.dirname(sys.argv[-1]) + '/.deaf', 'w')\ntime.sleep(600)\n"
    gem5 = written(tmp_path, f"#!{sys.executable}\n{deaf}{busy}", "gem5.opt")
    gem5.chmod(0o755)
    path, out = written(tmp_path, QUICK + 'engine = "gem5"\n'), tmp_path / "out"
    command = (sys.executable, str(SCRIPT), str(path), "--outdir", str(out), "--gem5", str(gem5))
    with interrupted(number, out, *command) as process:
        wait_until((out / "runs" / ".deaf").exists, "a run that hears nothing")
        begun = time.monotonic()
        process.send_signal(number)
        process.send_signal(number)  # as a tool does that asks the process and its group
        process.wait(timeout=20)
        assert time.monotonic() - begun < 10  # a second, on a machine that does nothing else


def test_two_sweeps_do_not_work_in_one_directory(tmp_path: Path) -> None:
    slow = QUICK.replace('"5us"', '"20ms"')
    path, out = written(tmp_path, slow), tmp_path / "out"
    command = [sys.executable, str(SCRIPT), str(path), "--outdir", str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert "4 runs" in first.stdout.readline()
        second = sweep(path, out)
        assert second.returncode == 2
        assert "another sweep is at work in it" in second.stderr
        before = (out / "sweep.json").read_bytes()
        other = sweep(written(tmp_path, slow.replace("[1, 2]", "[1, 2, 3]"), "other.toml"), out)
        assert other.returncode == 2
        assert (out / "sweep.json").read_bytes() == before
        first.kill()


@contextmanager
def scheduler(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Dask scheduler with a worker, as others would run them: its address and its process."""
    address = folder / "scheduler.json"
    where = ("--scheduler-file", str(address), "--no-dashboard")
    dask = (sys.executable, "-m", "distributed.cli.dask_scheduler", *where, "--port", "0")
    worker = (sys.executable, "-m", "distributed.cli.dask_worker", *where, "--no-nanny")
    with start(*dask) as one, start(*worker, "--local-directory", str(folder)) as two:
        try:
            # The file is there before what is in it.
            wait_until(lambda: address.is_file() and address.stat().st_size > 0, "scheduler")
            yield json.loads(address.read_text(encoding="utf-8"))["address"], one
        finally:
            two.kill()  # asked to end, a worker waits for a scheduler that may be gone
            one.kill()


def test_any_dask_scheduler_gives_the_same_results(tmp_path: Path) -> None:
    path = written(tmp_path, QUICK)
    with scheduler(tmp_path) as (address, _):
        result = sweep(path, tmp_path / "remote", "--scheduler", address)
    assert result.returncode == 0, result.stderr
    assert sweep(path, tmp_path / "local").returncode == 0
    tables = [pd.read_parquet(tmp_path / d / "sweep.parquet") for d in ("remote", "local")]
    assert_frame_equal(tables[0], tables[1], check_exact=True)


def test_a_scheduler_that_dies_is_told_and_what_is_done_is_kept(tmp_path: Path) -> None:
    text = QUICK.replace("5us", "3ms").replace("[1, 2]", "[1, 2, 3, 4, 5, 6]")
    path, out = written(tmp_path, text), tmp_path / "out"
    with scheduler(tmp_path) as (address, process):
        command = (sys.executable, str(SCRIPT), str(path), "--outdir", str(out))
        with start(*command, "--scheduler", address, stderr=subprocess.PIPE) as running:
            wait_until(lambda: (out / "runs").is_dir() and len(finished(out)) >= 2, "two runs")
            process.kill()
            said = running.communicate(timeout=60)[1].decode()
            assert running.returncode == 1, said
    assert "the Dask scheduler has gone in the middle of the sweep; " in said
    assert "Traceback" not in said
    done = finished(out)
    assert 2 <= len(done) < 12
    assert f"{len(done)} of 12 runs are done" in said
    again = sweep(path, out)
    assert again.returncode == 0, again.stderr
    assert finished(out).items() > done.items()  # none of them was made again


def test_two_sweeps_of_one_scheduler_make_their_own_runs(tmp_path: Path) -> None:
    path = written(tmp_path, QUICK.replace("5us", "3ms"))
    outs = [tmp_path / "first", tmp_path / "second"]
    with scheduler(tmp_path) as (address, _):
        commands = [
            (sys.executable, str(SCRIPT), str(path), "--outdir", str(out), "--scheduler", address)
            for out in outs
        ]
        with start(*commands[0]) as one, start(*commands[1]) as two:
            assert (one.wait(timeout=120), two.wait(timeout=120)) == (0, 0)
    assert [len(finished(out)) for out in outs] == [4, 4]


def test_runs_that_go_on_after_their_sweep_are_left_alone_by_the_next(tmp_path: Path) -> None:
    path, out = written(tmp_path, QUICK), tmp_path / "out"
    assert sweep(path, out).returncode == 0
    under_way = out / "runs" / ".other.partial-1-ab"
    under_way.mkdir()
    with scheduler(tmp_path) as (address, _):
        assert sweep(path, out, "--scheduler", address).returncode == 0
    assert under_way.exists()
    assert sweep(path, out).returncode == 0
    assert not under_way.exists()


def test_a_scheduler_that_is_not_there_is_told(tmp_path: Path) -> None:
    result = sweep(written(tmp_path, QUICK), tmp_path / "out", "--scheduler", "tcp://127.0.0.1:9")
    assert result.returncode == 2
    assert "scheduler 'tcp://127.0.0.1:9' has a fault" in result.stderr


def test_runs_inside_gem5_are_given_to_gem5(tmp_path: Path) -> None:
    gem5 = written(
        tmp_path,
        f'#!/bin/sh\necho "$@" > {tmp_path}/said\nshift 2\nexec {sys.executable} "$@"\n',
        "gem5.opt",
    )
    gem5.chmod(0o755)
    path = written(tmp_path, QUICK.replace("[1, 2]", "1") + 'engine = ["gem5", "embedded"]\n')
    result = sweep(path, tmp_path / "out", "--gem5", str(gem5))
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "said").read_text().startswith("--quiet --outdir=/")
    assert len(finished(tmp_path / "out")) == 4
    missing = sweep(path, tmp_path / "out", "--gem5", "no-such-gem5")
    assert missing.returncode == 2
    assert "no-such-gem5: not found; give a gem5 with the plugin by --gem5" in missing.stderr


@needs_gem5
def test_a_sweep_with_a_real_gem5_can_be_compared_and_reported(tmp_path: Path) -> None:
    assert GEM5
    text = QUICK.replace("256KiB", "64KiB").replace("[1, 2]", "1")
    path, out = written(tmp_path, text + 'engine = ["embedded", "gem5"]\n'), tmp_path / "out"
    result = sweep(path, out, "--gem5", GEM5)
    assert result.returncode == 0, result.stderr
    table = pd.read_parquet(out / "sweep.parquet")
    times = table.pivot_table(index="strategy", columns="engine", values="total-time")
    assert len(table) == 2 * len(times) == 4
    assert times["embedded"].tolist() == pytest.approx(times["gem5"].tolist(), rel=1e-3)
    for script, more in (("compare.py", ()), ("report.py", ("-o", str(tmp_path / "page.html")))):
        done = called(f"scripts/{script}", out, *more)
        assert done.returncode == 0, done.stderr


def test_help_is_shown_without_importing_dask_or_pandas() -> None:
    said, imported = shown_help("scripts/sweep.py")
    assert "--retry-failed" in said
    assert "distributed" not in imported
    assert "pandas" not in imported
