# SPDX-License-Identifier: BSD-3-Clause
"""Does the comparison say what the runs did, and warn when it compares different things?"""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from calls import ROOT, shown_help
from conftest import Call, WriteRun, write_note, written

from homeshift.analysis.comparison import compare, differences, labels, render
from homeshift.analysis.display import common_unit, format_count, format_number, format_ratio
from homeshift.analysis.groups import condition_columns
from homeshift.analysis.measures import MEASURES, OF_SOME, measure_named
from homeshift.analysis.runs import read_runs
from homeshift.analysis.selection import column, run_table, select, strategy_names
from homeshift.errors import InputError
from homeshift.strategies.parameters import bandwidth, count, time
from homeshift.strategies.stop_and_copy import StopAndCopy

SCRIPT = ROOT / "scripts" / "compare.py"


@pytest.fixture
def pair(write_run: WriteRun, ownership: dict[str, Any]) -> tuple[Path, Path]:
    return write_run("copied"), write_run("owned", migration=ownership)


def test_the_table_shows_runs_by_strategy_with_units_and_ratios(
    pair: tuple[Path, Path], call: Call
) -> None:
    result = call(*pair)
    assert result.returncode == 0
    assert result.stderr == ""
    lines = [line.split("  ") for line in result.stdout.splitlines()]
    cells = {line[0]: [cell.strip() for cell in line[1:] if cell.strip()] for line in lines}
    assert result.stdout.splitlines()[0].split() == [
        "stop-and-copy",
        "ownership",
        "ownership",
        "(ratio)",
    ]
    assert cells["bytes between nodes [MiB]"] == ["18.0", "0.406", "0.0225x"]
    assert cells["total time [us]"] == ["1,200", "100", "0.0833x"]
    assert cells["downtime [us]"] == ["1,200", "2.50", "0.00208x"]
    assert cells["energy [uJ]"] == ["2,390", "21.0", "0.00879x"]
    assert cells["copied pages"] == ["4,096", "0", "0x"]
    assert cells["regions transferred"] == ["0", "4,096", "-"]
    assert cells["entries moved"] == ["0", "9,000", "-"]
    assert cells["VM speed during [accesses/us]"] == ["0", "700", "-"]
    assert cells["VM speed after [accesses/us]"] == ["809", "520", "0.643x"]
    assert cells["mean latency during [ns]"] == ["-", "40.0", "-"]
    assert cells["mean latency after [ns]"] == ["20.0", "100", "5.00x"]
    assert cells["local share before [%]"] == ["50.0", "50.0", "1.00x"]
    assert "ratio: to stop-and-copy" in result.stdout


def test_runs_with_a_horizon_are_also_compared_over_all_the_time_to_it(
    write_run: WriteRun, ownership: dict[str, Any], call: Call
) -> None:
    config = {"arguments": {"horizon": 8_000_000_000}}
    window = {"accesses-lost": -300.0, "link-bytes": 17 << 20, "energy": {"total": 0.0062}}
    accesses: dict[str, Any] = {"accesses": 10**6}
    alone: dict[str, Any] = {"vms": [{}]}
    copied = write_run("copied", config=config, migration={"window": accesses, **alone})
    window |= {"accesses": 4 * 10**6}
    owned = write_run("owned", config=config, migration={**ownership, "window": window, **alone})
    lines = [line.split() for line in call(copied, owned).stdout.splitlines()]
    assert ["accesses", "lost", "1,500", "-300", "-"] in lines
    assert ["all", "bytes", "on", "links", "[MiB]", "34.0", "17.0", "0.500x"] in lines
    assert ["all", "energy", "[mJ]", "3.10", "6.20", "2.00x"] in lines
    assert ["energy", "an", "access", "[nJ]", "3.10", "1.55", "0.500x"] in lines
    grouped = call(copied, owned, "--by", "strategy").stdout.splitlines()
    assert ["all", "energy", "[mJ]", "3.10", "6.20", "2.00x"] in [line.split() for line in grouped]
    without = write_run("without", migration={"strategy": "pre-copy"})
    assert "all energy" not in call(copied, owned, without).stdout
    assert "all energy" not in call(copied, owned, without, "--by", "strategy").stdout
    two = write_run("two", config=config, migration={"vms": [{}, {}], "window": accesses})
    for more in ((), ("--by", "strategy")):  # nobody knows which energy is whose
        assert "energy an access" not in call(two, *more).stdout
    assert ["energy", "an", "access", "[nJ]", "-", "1.55", "-"] in [
        line.split() for line in call(two, owned).stdout.splitlines()
    ]


def test_the_speed_of_the_first_vm_is_told_once(write_run: WriteRun, call: Call) -> None:
    speed = {"before": 80.0, "during": 20.0, "after": 79.0}
    run = write_run("run", migration={"vms": [{"accesses-per-microsecond": speed}]})
    for more in ((), ("--by", "strategy")):
        assert call(run, *more).stdout.count("VM speed before") == 1
        assert "VM 0" not in call(run, *more).stdout


def test_speeds_and_latencies_of_other_vms_are_rows_of_their_own(
    write_run: WriteRun, ownership: dict[str, Any], call: Call
) -> None:
    def beside(after: float | None) -> dict[str, Any]:
        speed = {"before": 80.0, "during": 20.0, "after": after}
        latency = {"before": 1e-7, "after": None}
        return {"vms": [{}, {"accesses-per-microsecond": speed, "mean-latency": latency}]}

    copied = write_run("copied", migration=beside(79.0))
    owned = write_run("owned", migration={**ownership, **beside(None)})
    alone = write_run("alone", migration={"strategy": "pre-copy", "vms": [{}]})
    for more in ((), ("--by", "strategy")):
        lines = [line.split() for line in call(copied, owned, alone, *more).stdout.splitlines()]
        row = ["VM", "1", "speed", "before", "[accesses/us]", "80.0", "80.0", "-", "1.00x", "-"]
        assert row in lines
        assert ["VM", "1", "speed", "after", "[accesses/us]", "79.0", *"----"] in lines
        row = ["VM", "1", "mean", "latency", "before", "[ns]", "100", "100", "-", "1.00x", "-"]
        assert row in lines
        assert sum(line[:2] == ["VM", "0"] for line in lines) == 0
    assert "VM 1" not in call(alone).stdout


def test_what_other_vms_lose_is_a_row_where_all_runs_have_a_horizon(
    write_run: WriteRun, ownership: dict[str, Any], call: Call
) -> None:
    def beside(done: int) -> dict[str, Any]:
        speed = {"accesses-per-microsecond": {"before": 80.0, "during": 20.0, "after": 80.0}}
        return {"vms": [{}, speed], "progress": [{"time": 1e-3, "accesses": [7, done]}]}

    config = {"arguments": {"horizon": 10**9}}
    copied = write_run("copied", config=config, migration=beside(79_000))
    owned = write_run("owned", config=config, migration={**ownership, **beside(81_000)})
    for more in ((), ("--by", "strategy")):
        lines = [line.split() for line in call(copied, owned, *more).stdout.splitlines()]
        assert ["VM", "1", "accesses", "done", "79,000", "81,000", "1.03x"] in lines
        assert ["VM", "1", "accesses", "lost", "1,000", "-1,000", "-"] in lines
    without = write_run("without", migration={"strategy": "pre-copy", **beside(79_000)})
    for more in ((), ("--by", "strategy")):
        assert "VM 1 accesses" not in call(copied, owned, without, *more).stdout


def test_instructions_are_rows_where_cpus_have_done_any(write_run: WriteRun, call: Call) -> None:
    done = {"before": 120.0, "during": None, "after": 93.0}
    ran = write_run("ran", migration={"vm": {"instructions-per-microsecond": done}})
    alone = write_run("alone", migration={"strategy": "pre-copy"})
    for more in ((), ("--by", "strategy")):
        lines = [line.split() for line in call(ran, alone, *more).stdout.splitlines()]
        assert ["instructions", "before", "[instructions/us]", "120", "-", "-"] in lines
        assert ["instructions", "during", "[instructions/us]", *"---"] in lines
        assert "instructions" not in call(alone, *more).stdout


def test_a_measure_of_one_of_several_vms_is_found_by_its_name() -> None:
    for label, path in (
        ("VM 2 speed after", "vms.2.accesses-per-microsecond.after"),
        ("VM 2 accesses lost", "vms.2.window.accesses-lost"),
        ("instructions after", "vm.instructions-per-microsecond.after"),
        ("mean latency during", "vm.mean-latency.during"),
    ):
        assert measure_named(label) == measure_named(path)
        assert measure_named(path).path == path
    with pytest.raises(InputError, match=r"did you mean 'VM 2 speed after'.*, VM 2 accesses lost"):
        measure_named("VM 2 speed afterwards")


def test_the_first_run_is_the_baseline_unless_another_is_named(pair: tuple[Path, Path]) -> None:
    runs = read_runs(pair)
    assert set(compare(runs)["baseline"]) == {"stop-and-copy"}
    assert set(compare(runs, baseline="ownership")["baseline"]) == {"ownership"}
    assert set(compare(runs, baseline=str(pair[1]))["baseline"]) == {"ownership"}


def test_ratios_are_to_the_baseline_and_missing_where_it_is_zero(pair: tuple[Path, Path]) -> None:
    table = compare(read_runs(pair), baseline="ownership").set_index(["label", "measure"])["ratio"]
    assert table["stop-and-copy", "total-time"] == pytest.approx(12)
    assert table["ownership", "total-time"] == 1
    assert math.isnan(table["stop-and-copy", "copied-pages"])


def test_an_unknown_baseline_is_refused_with_the_names_that_exist(
    pair: tuple[Path, Path], call: Call
) -> None:
    result = call(*pair, "--baseline", "ownershp")
    assert result.returncode == 2
    assert "no run 'ownershp' (did you mean 'ownership'?)" in result.stderr
    assert "'stop-and-copy'" in result.stderr
    assert result.stdout == ""


def test_a_baseline_that_fits_several_runs_is_refused(write_run: WriteRun) -> None:
    runs = read_runs([write_run("a"), write_run("b")])
    with pytest.raises(InputError, match=r"is the strategy of .*a', .*b'; name one"):
        compare(runs, baseline="stop-and-copy")
    assert set(compare(runs, baseline="b")["baseline"]) == {"b"}


def test_runs_of_one_strategy_are_named_by_their_directories(
    write_run: WriteRun, ownership: dict[str, Any]
) -> None:
    paths = [write_run("x/run"), write_run("y/run"), write_run("other"), write_run("z/owned")]
    (paths[3] / "migration.json").write_text(
        (write_run("t", migration=ownership) / "migration.json").read_text(encoding="utf-8"),
        encoding="utf-8",
    )
    assert labels(read_runs(paths)) == [str(paths[0]), str(paths[1]), "other", "ownership"]


def test_a_directory_that_is_called_like_a_strategy_is_named_in_full(write_run: WriteRun) -> None:
    paths = [write_run("ownership"), write_run("b"), write_run("stop-and-copy")]
    assert labels(read_runs(paths[1:])) == ["b", str(paths[2])]
    owned = write_run("c", migration={"strategy": "ownership"})
    assert labels(read_runs([*paths[:2], owned])) == [str(paths[0]), "b", "ownership"]


def test_runs_can_be_named_from_the_directory_they_are_in(
    write_run: WriteRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write_run("a").parent)
    write_run("b")
    assert labels(read_runs(["a", "b"])) == ["a", "b"]


def test_runs_of_a_sweep_are_named_by_what_varies_and_not_by_its_directories(
    write_run: WriteRun, tmp_path: Path
) -> None:
    paths = [
        write_run(
            f"sweep/runs/{number}",
            migration={"strategy": strategy},
            config={"vm": {"memory_bytes": size}, "arguments": {"vm-memory": size, "seed": seed}},
        )
        for number, (strategy, size, seed) in enumerate(
            [
                *(("hybrid", 1 << 20, 1), ("ownership", 1 << 20, 1)),
                *(("ownership", 2 << 20, 1), ("ownership", 2 << 20, 2)),
            ]
        )
    ]
    write_note(tmp_path / "sweep", ["0", "1", "2", "3"])
    assert labels(read_runs(paths)) == [
        "hybrid",
        "ownership vm-memory 1 MiB seed 1",
        "ownership vm-memory 2 MiB seed 1",
        "ownership vm-memory 2 MiB seed 2",
    ]


def test_strategies_are_named_by_the_parameters_in_which_they_differ(write_run: WriteRun) -> None:
    given: list[tuple[str, dict[str, Any]]] = [
        ("pre-copy", {"max-rounds": 30, "downtime-limit_ticks": 10**9, "auto-converge": False}),
        ("pre-copy:max-rounds=4", {"max-rounds": 4, "downtime-limit_ticks": 10**9}),
        ("post-copy:prepaging=9", {"prepaging": 9}),
        ("mine/evac.py:limit=1us", {"downtime-limit_ticks": 10**6, "auto-converge": True}),
        ("mine/evac.py:limit=2us", {"downtime-limit_ticks": 2 * 10**6, "auto-converge": False}),
        ("mine/fast.py", {}),
        ("other/fast.py", {}),
    ]
    named = ["pre-copy", "pre-copy", "post-copy", "evacuate", "evacuate", "fast", "fast"]
    runs = read_runs(
        [
            write_run(
                str(number),
                migration={"strategy": name},
                config={"arguments": {"strategy": text}, "strategy": parameters},
            )
            for number, (name, (text, parameters)) in enumerate(zip(named, given, strict=True))
        ]
    )
    for run in runs[:2]:
        run.config["strategy"].pop("auto-converge", None)
    assert strategy_names(runs) == [
        "pre-copy:max-rounds=30",
        "pre-copy:max-rounds=4",
        "post-copy",
        "evacuate:downtime-limit=1us,auto-converge=on",
        "evacuate:downtime-limit=2us,auto-converge=off",
        "fast:mine/fast.py",
        "fast:other/fast.py",
    ]
    assert labels(runs) == strategy_names(runs)
    assert strategy_names(runs, without=["strategy.max-rounds"])[:2] == ["pre-copy", "pre-copy"]
    assert strategy_names(runs[1:2]) == ["pre-copy"]


def test_a_parameter_that_some_do_not_have_tells_them_apart(write_run: WriteRun) -> None:
    runs = read_runs(
        [
            write_run(name, migration={"strategy": "mine"}, config={"strategy": parameters})
            for name, parameters in (("plain", {}), ("extra", {"extra": 5}))
        ]
    )
    assert strategy_names(runs) == ["mine", "mine:extra=5"]


@dataclass(frozen=True, kw_only=True)
class Mine(StopAndCopy):
    """Its parameters have names that others have for times, sizes and bandwidths."""

    name = "mine"
    observe: int = time("10us", "how long")
    link_rate: float = bandwidth("2GB/s", "how fast")
    window: int = count(5, "how many")
    region: int = count(7, "how many")
    pages_bandwidth: int = count(3, "how many")


def test_parameters_of_an_own_strategy_have_the_units_that_they_are_declared_with(
    write_run: WriteRun,
) -> None:
    other = Mine(observe=20_000_000, link_rate=4e9, window=6, region=8, pages_bandwidth=4)
    runs = read_runs(
        [
            write_run(
                str(number),
                migration={"strategy": "mine"},
                config={"strategy": json.loads(json.dumps(strategy.to_dict()))},
            )
            for number, strategy in enumerate((Mine(), other))
        ]
    )
    assert strategy_names(runs) == [
        "mine:observe=10us,link-rate=2GB/s,window=5,region=7,pages-bandwidth=3",
        "mine:observe=20us,link-rate=4GB/s,window=6,region=8,pages-bandwidth=4",
    ]
    table = run_table(runs)
    assert column(table, "observe") == "strategy.observe_ticks"
    assert column(table, "vm.memory") == "vm.memory_bytes"
    [chosen] = select(table, ["observe=20us", "link-rate=4GB/s", "strategy.region=8"])["strategy"]
    assert chosen == strategy_names(runs)[1]


def test_a_table_too_wide_for_the_terminal_is_split(pair: tuple[Path, Path]) -> None:
    table = compare(read_runs(pair))
    assert "ratio: to stop-and-copy" in render(table, width=100)
    narrow = render(table, width=60)
    assert "\n\nratio to stop-and-copy:\n" in narrow
    assert max(map(len, narrow.splitlines())) <= 60


def test_a_migration_that_did_not_complete_is_marked_in_every_file(
    pair: tuple[Path, Path], tmp_path: Path, call: Call
) -> None:
    path = pair[1] / "migration.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"completed"', '"lost"'))
    for suffix in ("csv", "md", "tex"):
        result = call(*pair, "--baseline", "ownership", "-o", tmp_path / f"table.{suffix}")
        assert "ownership (lost)" in result.stdout
        assert "ownership (lost)" in (tmp_path / f"table.{suffix}").read_text(encoding="utf-8")


def test_a_single_run_has_no_ratios(write_run: WriteRun, call: Call) -> None:
    result = call(write_run("run"))
    assert result.returncode == 0
    assert "ratio" not in result.stdout


def test_a_rate_that_does_not_exist_is_shown_as_a_dash(write_run: WriteRun) -> None:
    path = write_run("run", migration={"vm": {"accesses-per-microsecond": {"during": None}}})
    lines = render(compare(read_runs([path])), width=100).splitlines()
    assert [line.split()[-1] for line in lines if "VM speed during" in line] == ["-"]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_files_hold_raw_si_values_in_long_form(
    pair: tuple[Path, Path], tmp_path: Path, suffix: str, call: Call
) -> None:
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"table.{suffix}"
    result = call(*pair, "-o", path)
    assert result.returncode == 0, result.stderr
    table = pd.read_csv(path) if suffix == "csv" else pd.read_parquet(path)
    assert list(table.columns) == [
        *("run", "label", "strategy", "measure", "unit", "value", "baseline", "ratio")
    ]
    rows = table.set_index(["label", "measure"])
    assert rows["value"]["ownership", "downtime"] == 2.5e-06
    assert rows["unit"]["ownership", "downtime"] == "s"
    assert rows["value"]["ownership", "vm.accesses-per-microsecond.after"] == 520e6
    assert rows["value"]["ownership", "energy.total-high"] == 4.4e-05
    assert rows["run"]["ownership", "downtime"] == str(pair[1])
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["copied", "owned", path.name]


def test_the_same_runs_give_the_same_file(
    pair: tuple[Path, Path], tmp_path: Path, call: Call
) -> None:
    for name in ("a.csv", "b.csv"):
        call(*pair, "-o", tmp_path / name)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_parquet_without_pyarrow_says_what_to_install(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    code = (
        "import runpy, sys\n"
        "sys.modules['pyarrow'] = None\n"
        "import importlib.util as util\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'pyarrow' else find(name, *rest)\n"
        f"sys.argv = ['compare.py', *{[str(path) for path in pair]!r}, '-o', 'table.parquet']\n"
        f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert result.returncode == 2
    assert "pip install pyarrow" in result.stderr
    assert not (tmp_path / "table.parquet").exists()


def test_an_output_file_that_cannot_be_written_is_refused_first(
    pair: tuple[Path, Path], tmp_path: Path, call: Call
) -> None:
    result = call(*pair, "-o", tmp_path / "none" / "table.xlsx")
    assert result.returncode == 2
    assert result.stdout == ""
    assert "must end in .csv, .parquet, .md or .tex" in result.stderr
    assert f"there is no directory '{tmp_path / 'none'}'" in result.stderr


def test_missing_and_broken_runs_exit_with_status_2(
    pair: tuple[Path, Path], tmp_path: Path, call: Call
) -> None:
    (pair[1] / "stats.txt").unlink()
    for arguments, message in (
        ([pair[0], pair[1]], "stats.txt: missing"),
        ([pair[0], tmp_path / "none"], "none: does not exist"),
    ):
        result = call(*arguments)
        assert result.returncode == 2
        assert message in result.stderr
        assert "Traceback" not in result.stderr


def test_runs_that_differ_only_in_strategy_are_comparable(pair: tuple[Path, Path]) -> None:
    assert differences(read_runs(pair)) == []


def test_a_workload_is_the_same_in_all_its_spellings(write_run: WriteRun) -> None:
    spellings = ("zipf:exponent=0.9,write_ratio=0.1", "zipf:write_ratio=.10,exponent=0.90,think=4")
    runs = read_runs(
        [
            write_run(name, config=written("--workload", text, "--strategy", name))
            for name, text in zip(("ownership", "static-homes"), spellings, strict=True)
        ]
    )
    assert differences(runs) == []
    table = run_table(runs).drop(columns=["arguments.strategy", "strategy.name"])
    assert condition_columns(table.assign(all=""), ["all"]) == []
    assert runs[0].config["arguments"]["workload"] == "zipf:write_ratio=0.1,exponent=0.9"


@pytest.mark.parametrize(
    ("config", "difference"),
    [
        ({"machine": {"nodes": 8}}, "machine.nodes: 4 (a), 8 (b)"),
        ({"workload": {"kind": "uniform"}}, "workload.kind: zipf (a), uniform (b)"),
        ({"workload": {"phases": 9}}, "workload.phases: none (a), 9 (b)"),
        ({"vm": {"memory_bytes": 1}}, "vm.memory_bytes: 16MiB (a), 1B (b)"),
        ({"arguments": {"seed": 2}}, "--seed: 1 (a), 2 (b)"),
        ({"arguments": {"window": 2_000_000}}, "--window: 100us (a), 2us (b)"),
        ({"arguments": {"keep-borrowed": True}}, "--keep-borrowed: off (a), on (b)"),
        ({"arguments": {"cancel-at": 20_000_000}}, "--cancel-at: none (a), 20us (b)"),
        ({"homeshift": "0.0.1"}, "homeshift version: 0.1.0 (a), 0.0.1 (b)"),
    ],
)
def test_runs_under_different_conditions_are_named_in_a_warning(
    write_run: WriteRun, config: dict[str, Any], difference: str, call: Call
) -> None:
    paths = write_run("a"), write_run("b", config=config)
    assert differences(read_runs(paths)) == [difference]
    result = call(*paths)
    assert result.returncode == 0
    assert "warning: the runs are not comparable" in result.stderr
    assert difference in result.stderr


def test_what_changes_no_number_is_no_difference(write_run: WriteRun) -> None:
    checked = write_run("a", config={"arguments": {"check": True}})
    assert differences(read_runs([checked, write_run("b")])) == []


def test_the_same_machine_from_another_file_is_the_same_machine(write_run: WriteRun) -> None:
    other = {"machine": {"name": "mine"}, "arguments": {"machine": "mine.toml"}}
    assert differences(read_runs([write_run("a"), write_run("b", config=other)])) == []


def test_a_trace_is_what_it_holds_and_not_where_it_lies(write_run: WriteRun) -> None:
    def replayed(name: str, path: str, digest: str | None) -> Path:
        trace = {"path": path, **({"sha256": digest} if digest else {})}
        given = {"arguments": {"trace": [path]}, "workload": {"traces": [trace]}}
        return write_run(name, config=given)

    one, moved = replayed("a", "a.npy", "ab" * 32), replayed("b", "in/b.npy", "ab" * 32)
    other = replayed("c", "a.npy", "cd" * 32)
    assert differences(read_runs([one, moved])) == []
    [told] = differences(read_runs([one, other]))
    assert told == ("workload.traces: sha256 abababababab (a), sha256 cdcdcdcdcdcd (c)")
    before = replayed("d", "a.npy", None), replayed("e", "b.npy", None)
    assert differences(read_runs(before)) == ["workload.traces: a.npy (d), b.npy (e)"]


def test_what_other_vms_were_is_compared_and_not_the_name_of_their_file(
    write_run: WriteRun, call: Call
) -> None:
    def beside(name: str, file: str, kind: str, **config: Any) -> Path:
        other = {"memory_bytes": 1 << 20, "workload": {"kind": kind}, "strategy": None}
        given = {"arguments": {"more-vms": file}, "other_vms": [other]}
        return write_run(name, config={**given, **config})

    one, same = beside("a", "vms.toml", "zipf"), beside("b", "again.toml", "zipf")
    busy = beside("c", "vms.toml", "uniform")
    assert differences(read_runs([one, same])) == []
    told = "other_vms.1.workload.kind: zipf (a), uniform (c)"
    assert differences(read_runs([one, busy])) == [told]
    assert told in call(one, busy).stderr
    assert column(run_table(read_runs([one, busy])), "memory_bytes") == "vm.memory_bytes"
    moved = beside("d", "vms.toml", "uniform", strategy={"name": "ownership"})
    said = call(one, moved, "--by", "strategy.name").stderr
    assert "also differ in other_vms.1.workload.kind" in said


def test_statistics_that_gem5_leaves_beside_runs_are_no_run(write_run: WriteRun) -> None:
    runs = [write_run(f"m5out/{name}") for name in ("a", "b")]
    (runs[0].parent / "stats.txt").write_text("")
    assert [run.path for run in read_runs([runs[0].parent])] == runs


def test_a_migration_that_did_not_complete_is_named_in_a_warning(
    write_run: WriteRun, call: Call
) -> None:
    path = write_run("run", migration={"status": "cancelled"})
    said = "1 of 1 migrations are not completed (cancelled: stop-and-copy)"
    assert said in call(path).stderr
    paths = [path, write_run("again", migration={"status": "cancelled"}), write_run("whole")]
    said = "2 of 3 migrations are not completed (cancelled: stop-and-copy)"
    assert said in call(*paths).stderr


def test_help_is_shown_without_importing_pandas() -> None:
    said, imported = shown_help("scripts/compare.py")
    assert "--baseline" in said
    assert "pandas" not in imported


@pytest.mark.parametrize(
    ("values", "unit", "name"),
    [
        ([2.5e-6, 1.2e-3], "s", "us"),
        ([1.2e-3, 0.3], "s", "ms"),
        ([0.0, 0.0], "s", "s"),
        ([1.0], "s", "s"),
        ([1024.0], "B", "KiB"),
        ([1023.0], "B", "B"),
        ([0, 2**20], "B", "MiB"),
        ([1e-15], "J", "pJ"),
        ([math.nan, 0.002], "J", "mJ"),
    ],
)
def test_the_unit_of_a_row_suits_its_values(values: list[float], unit: str, name: str) -> None:
    assert common_unit(values, unit).name == name


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (7.0, "7.00"),
        (0.0123456, "0.0123"),
        (1.23456, "1.23"),
        (12.3456, "12.3"),
        (0.9996, "1.00"),
        (9.996, "10.0"),
        (99.96, "100"),
        (1234567.8, "1,234,568"),
        (0.00012345, "1.23e-04"),
        (-2.5, "-2.50"),
        (math.nan, "-"),
    ],
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert format_number(value) == text


def test_counts_are_whole() -> None:
    assert [format_count(value) for value in (7, 4096, math.nan)] == ["7", "4,096", "-"]


def test_ratios_are_marked_as_such() -> None:
    assert [format_ratio(value) for value in (1.0, 0.25, 0.0, math.nan)] == [
        "1.00x",
        "0.250x",
        "0x",
        "-",
    ]


def test_a_reader_who_has_seen_enough_does_not_lose_the_file(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    command = [sys.executable, str(SCRIPT), *map(str, pair), "-o", str(tmp_path / "table.csv")]
    read, write = os.pipe()
    os.close(read)
    try:
        assert subprocess.run(command, stdout=write, check=False).returncode != 0
    finally:
        os.close(write)
    assert "downtime" in (tmp_path / "table.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("part", "doubt", "told"),
    [
        ("migrations", "converged", "1 of 2 runs paused a VM before its copies had converged"),
        ("vms", "steady", "in 1 of 2 runs a VM was not steady before the migration"),
        (
            "vms",
            "speed-known",
            "in 1 of 2 runs a VM did too few accesses before the migration for its speed to be "
            "known",
        ),
    ],
)
def test_what_is_in_doubt_of_some_runs_is_told(
    write_run: WriteRun, call: Call, part: str, doubt: str, told: str
) -> None:
    runs = [
        write_run(name, migration={part: [{}, said]})
        for name, said in (("doubtful", {doubt: False}), ("sound", {}))
    ]
    assert told in call(*runs).stderr


@pytest.mark.parametrize(("speed", "equal"), [(803.0, False), (805.0, True)])
def test_losses_are_compared_of_vms_that_were_within_1_percent_before(
    write_run: WriteRun, call: Call, speed: float, equal: bool
) -> None:
    config = {"arguments": {"horizon": 8_000_000_000}}
    paths = [
        str(
            write_run(
                strategy,
                config=config,
                migration={
                    "strategy": strategy,
                    "vm": {"accesses-per-microsecond": {"before": before}},
                },
            )
        )
        for strategy, before in (("ownership", 812.5), ("static-homes", speed))
    ]
    told = "the VM was not equally fast before (803 accesses/us by static-homes, 812 accesses/us"
    assert (told not in call(*paths).stderr) == equal


def test_another_vm_that_was_not_equally_fast_before_is_told_as_the_first_one_is(
    write_run: WriteRun, call: Call
) -> None:
    paths = []
    for strategy, before in (("ownership", 812.5), ("static-homes", 700.0)):
        speed = {"accesses-per-microsecond": {"before": before}}
        beside = {"vms": [{}, speed], "progress": [{"time": 1e-3, "accesses": [7, 8]}]}
        config = {"arguments": {"horizon": 8_000_000_000}}
        migration = {"strategy": strategy, **beside}
        paths.append(write_run(strategy, config=config, migration=migration))
    for more in ((), ("--by", "strategy")):
        [told] = [line for line in call(*paths, *more).stderr.splitlines() if "equally" in line]
        assert "VM 1 was not equally fast before (700 accesses/us by static-homes, 812 ac" in told


def test_runs_with_other_energy_constants_are_not_comparable(
    write_run: WriteRun, call: Call
) -> None:
    one, other, same, older = (
        write_run(name, config={"energy-constants": {"link": {"low": low}}})
        for name, low in (("a", 1.3), ("b", 2.6), ("c", 1.3), ("older", 1.3))
    )
    config = json.loads((older / "config.json").read_text())
    del config["energy-constants"]  # what runs of before say nothing of
    (older / "config.json").write_text(json.dumps(config))
    assert "energy-constants.link.low: 1.3 (a), 2.6 (b)" in call(str(one), str(other)).stderr
    for alike in (same, older):
        done = call(str(one), str(alike))
        assert (done.returncode, done.stderr) == (0, "")


def test_of_links_of_ones_own_those_that_differ_are_told(write_run: WriteRun, call: Call) -> None:
    def pair(between: list[int], weight: int | None = None, latency: int | None = None) -> Any:
        return {"between": between, "weight": weight, "latency_cycles": latency}

    first = [pair([0, 1]), pair([1, 2]), pair([3, 2])]
    second = [pair([0, 1]), pair([2, 1], weight=2, latency=180), pair([2, 3])]
    runs = [
        str(write_run(name, config={"machine": {"network": {"links": links}}}))
        for name, links in (("a", first), ("b", second))
    ]
    told = "machine.network.links 1-2: as the network's (a), weight 2, latency 180 cycles (b)"
    said = call(*runs).stderr
    assert told in said
    assert said.count("machine.network.links") == 1


@pytest.mark.parametrize(
    ("label", "some"),
    [
        ("waits for pages", {"postcopy-blocktime": 2e-6}),
        ("regions returned", {"home": {"regions-returned": 7}}),
    ],
)
def test_what_happens_in_few_runs_is_a_row_where_it_does(
    write_run: WriteRun, call: Call, label: str, some: dict[str, Any]
) -> None:
    runs = [
        str(write_run(name, migration={"strategy": name, **own}))
        for name, own in (("ownership", {}), ("stop-and-copy", {}), ("post-copy", some))
    ]
    assert label in call(*runs).stdout
    assert label not in call(*runs[:2]).stdout


def test_seeds_that_make_no_difference_are_told(write_run: WriteRun, call: Call) -> None:
    def runs(*times: float) -> list[str]:
        return [
            str(
                write_run(
                    f"{len(set(times))}-{seed}",
                    migration={"total-time": time},
                    config={"arguments": {"seed": seed}},
                )
            )
            for seed, time in enumerate(times)
        ]

    told = "2 of 3 runs differ in their seed and in no result"
    assert told in call(*runs(1.0, 2.0, 1.0)).stderr
    assert "in no result" not in call(*runs(1.0, 2.0, 3.0)).stderr


def test_the_page_on_results_says_what_each_row_is() -> None:
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", page, flags=re.MULTILINE)
    explained = {label: re.findall("`([^`]+)`", at) for label, at in rows}
    for measure in filter(lambda measure: measure.label, (*MEASURES, *OF_SOME)):
        label = re.sub(" (before|during|after|transferred|returned)$", "", measure.label)
        path = re.sub(r"\.(before|during|after|total|regions-\w+)$", "", measure.path)
        assert any(label in row and path in at for row, at in explained.items()), measure
