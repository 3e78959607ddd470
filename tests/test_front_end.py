# SPDX-License-Identifier: BSD-3-Clause
"""Does a script that is told to end tidy up, whatever it is at?"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from calls import ROOT, start
from conftest import WriteRun
from sweeps import processes_of, wait_until

from homeshift.front_end import ENDING

# Runs a script whose table or figure is written for ever.
SLOW = """
import pathlib, runpy, sys, time
import pandas as pd

def write(path, content=b""):
    path.write_text("half of it")
    print("writing", flush=True)
    time.sleep(600)

text = pd.DataFrame.to_csv
pd.DataFrame.to_csv = lambda table, path=None, **options: (
    write(path) if path else text(table, **options)
)
pathlib.Path.write_bytes = write
sys.argv = sys.argv[1:]
sys.path.insert(0, {plots!r})
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize(
    ("script", "output", "number"),
    [
        *(("scripts/compare.py", "out/table.csv", number) for number in ENDING),
        ("plots/migration_cost.py", "out", signal.SIGTERM),
    ],
)
def test_a_script_that_is_told_to_end_leaves_nothing_half_written(
    tmp_path: Path, write_run: WriteRun, script: str, output: str, number: signal.Signals
) -> None:
    (tmp_path / "out").mkdir()
    arguments = (str(write_run("run")), "-o", str(tmp_path / output))
    slow = SLOW.format(plots=str(ROOT / "plots"))
    with start("-c", slow, str(ROOT / script), *arguments) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while process.stdout.readline() not in ("writing\n", ""):
            pass
        assert [path.name.partition("-")[0] for path in (tmp_path / "out").glob(".*")] != []
        process.send_signal(number)
        assert process.wait(timeout=60) == 128 + number
        assert process.stderr.read() == f"{Path(script).name}: interrupted\n"
    assert list((tmp_path / "out").glob(".*")) == []


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
def test_a_run_that_a_script_makes_ends_with_it_and_leaves_nothing(tmp_path: Path) -> None:
    vm = ("--machine", "tiny", "--vm-memory", "256KiB", "--warmup", "10s")
    options = (*vm, "--horizon", "1ms")
    command = (str(ROOT / "scripts" / "strategies.py"), "-o", str(tmp_path / "out"), "--strategies")
    with start(*command, "ownership", "--", *options) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "strategies.py: ownership\n"
        wait_until(lambda: bool(processes_of(tmp_path / "out" / "ownership")), "a run under way")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 128 + signal.SIGTERM
        assert process.stderr.read() == "strategies.py: interrupted\n"
    wait_until(lambda: not processes_of(tmp_path / "out"), "end of the run")
    assert [path.name for path in tmp_path.rglob("*")] in ([], ["out"])


IN_A_CALLBACK = """
import os, signal, sys, time
from homeshift.front_end import call

class Ends:
    def __del__(self):  # what is raised here reaches nobody
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0)

def main(_):
    Ends()
    time.sleep(30)
    return 0

sys.exit(call(main))
"""


def test_what_tells_a_script_to_end_is_not_lost_in_a_callback() -> None:
    with start("-c", IN_A_CALLBACK) as process:
        said = process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    assert said == ("", "-c: interrupted\n")


def test_every_script_can_be_told_to_end() -> None:
    scripts = [*ROOT.glob("scripts/*.py"), *ROOT.glob("plots/*.py")]
    texts = {path.name: path.read_text(encoding="utf-8") for path in scripts}
    mains = {name: text for name, text in texts.items() if 'if __name__ == "__main__"' in text}
    assert [name for name, text in mains.items() if "sys.exit(call(main" not in text] == []
