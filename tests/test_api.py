# SPDX-License-Identifier: BSD-3-Clause
"""Does `import homeshift as hs` do what the command line does, with tables for results?"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import homeshift as hs
from homeshift.errors import InputError
from homeshift.runs import read_run

SCRIPT = Path(__file__).parents[1] / "configs" / "migrate.py"


@pytest.fixture(scope="module")
def run() -> hs.Result:
    vm = hs.Vm(memory="256KiB", borrow={1: 0.25})
    return hs.migrate(
        machine="tiny", vm=vm, strategy="pre-copy", warmup="5us", window="10us", horizon="300us"
    )


def test_python_and_the_command_line_give_the_same_run(run: hs.Result, tmp_path: Path) -> None:
    run.save(tmp_path / "python")
    options = "--machine tiny --vm-memory 256KiB --borrow 1:0.25 --strategy pre-copy --warmup 5us"
    more = f"--window 10us --horizon 300us --outdir {tmp_path / 'shell'}"
    command = [sys.executable, str(SCRIPT), *options.split(), *more.split()]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    for name in ("stats.txt", "migration.json"):
        python, shell = ((tmp_path / folder / name).read_bytes() for folder in ("python", "shell"))
        assert python == shell
    configs = [json.loads((tmp_path / f / "config.json").read_text()) for f in ("python", "shell")]
    for section in ("machine", "vm", "workload", "strategy"):
        assert configs[0][section] == configs[1][section]
    assert configs[0]["arguments"].keys() == configs[1]["arguments"].keys()
    assert read_run(tmp_path / "python").strategy == "pre-copy"
    compare = [sys.executable, str(SCRIPT.parents[1] / "scripts" / "compare.py")]
    folders = [str(tmp_path / folder) for folder in ("python", "shell")]
    compared = subprocess.run([*compare, *folders], check=True, capture_output=True, text=True)
    assert compared.stderr == ""


def test_measures_are_those_of_the_summary_by_dotted_names(run: hs.Result) -> None:
    assert run.measures["downtime"] == run.summary["downtime"]
    assert run.measures["energy.total"] == run.summary["energy"]["total"]
    assert run.measures["vm.local-share.after"] == run.summary["vm"]["local-share"]["after"]


def test_progress_adds_up_to_the_summary(run: hs.Result) -> None:
    table = run.progress
    last = run.summary["progress"][-1]
    lengths = table["end"] - table["begin"]
    assert lengths.sum() == pytest.approx(last["time"])
    assert (table["speed"] * lengths).sum() == pytest.approx(last["accesses"][0])
    assert table["migration-bytes"].sum() == last["migration-bytes"]
    assert table["joules"].sum() == pytest.approx(last["energy"]["total"])
    assert table["remote-share"].dropna().between(0, 1).all()


def test_phases_are_in_seconds_and_in_order(run: hs.Result) -> None:
    phases = run.phases
    assert {"pause", "copy", "resume"} <= set(phases["name"])
    assert (phases["end"] >= phases["start"]).all()
    length = phases["end"].iloc[-1] - phases["start"].iloc[0]
    assert length == pytest.approx(run.measures["total-time"])


def test_statistics_are_the_long_table_of_read_stats(run: hs.Result) -> None:
    assert isinstance(run.stats, pd.DataFrame)
    assert set(run.stats["run"]) == {"pre-copy"}
    assert hs.stat(run.stats, "simFreq") == 1e12


def test_all_wrong_arguments_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        hs.migrate(machine="quat", strategy="precopy", workload="zip", window="10")
    assert len(caught.value.faults) == 4
    assert "did you mean 'quad'?" in caught.value.faults[0]
    with pytest.raises(InputError, match="target = 9"):
        hs.migrate(machine="tiny", vm=hs.Vm(memory="256KiB", target=9))
    with pytest.raises(InputError, match="target: names no node"):
        hs.migrate(machine="tiny", vm=hs.Vm(memory="256KiB", target=[]))
    with pytest.raises(InputError, match="vcpus = 0"):
        hs.migrate(machine="tiny", vm=hs.Vm(memory="256KiB", vcpus=0))


def test_what_homeshift_offers_is_listed_and_nothing_else_is_there() -> None:
    assert {"migrate", "Vm", "read_stats"} <= set(dir(hs))
    with pytest.raises(AttributeError, match="no attribute 'migrat'"):
        hs.migrat  # noqa: B018
