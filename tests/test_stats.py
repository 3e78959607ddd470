# SPDX-License-Identifier: BSD-3-Clause
"""Are results read completely and exactly, and is what is not there missed aloud?"""

from __future__ import annotations

import gzip
import json
import math
import tempfile
from pathlib import Path

import pytest
from conftest import WriteRun
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from homeshift.analysis.runs import find_runs, read_run, read_runs
from homeshift.analysis.stats import COLUMNS, read_stats, stat
from homeshift.errors import InputError
from homeshift.output import Stat, write_stats

# Lines as gem5 writes them, among them vectors on one line and a statistic without description.
GEM5 = """
---------- Begin Simulation Statistics ----------
simSeconds                                   0.000057                       # Simulated (Second)
hostInstRate                                   123456     # Rate (inst/s) ((Count/Second))
system.cpu.ipc                                    nan                       # IPC ((Count/Cycle))
system.mem.bw::cpu.inst                           inf                       # A # sign (Byte)
system.ruby.L1Cache.Load                 |   1     25.00%     25.00% |   3 # (Unspecified)
system.ruby.L1Cache.Load::total                     4                        (Unspecified)
system.ruby.hist::0-1                               2     66.67%     66.67% # Sizes (Count)
system.ruby.hist::2-3                               1     33.33%    100.00% # Sizes (Count)
system.old                                         -1.5 # No unit

---------- End Simulation Statistics   ----------

---------- Begin Simulation Statistics ----------
simSeconds                                   0.000001                       # Simulated (Second)

---------- End Simulation Statistics   ----------
"""


@pytest.fixture
def gem5(tmp_path: Path) -> Path:
    path = tmp_path / "m5out" / "stats.txt"
    path.parent.mkdir()
    path.write_text(GEM5, encoding="utf-8")
    return path


def faults(path: Path, text: str) -> tuple[str, ...]:
    """Return what is wrong with `text` as a stats.txt."""
    (path / "stats.txt").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_stats(path / "stats.txt")
    return caught.value.faults


def dump(*lines: str) -> str:
    return "\n".join(
        [
            "---------- Begin Simulation Statistics ----------",
            *lines,
            "---------- End Simulation Statistics   ----------",
        ]
    )


def test_gem5s_statistics_become_a_long_table(gem5: Path) -> None:
    table = read_stats(gem5)
    assert tuple(table.columns) == COLUMNS
    rows = [tuple(row) for row in table.drop(columns="value").itertuples(index=False)]
    assert rows == [
        ("m5out", 0, "", "simSeconds", "", "Second", "Simulated"),
        ("m5out", 0, "", "hostInstRate", "", "Count/Second", "Rate (inst/s)"),
        ("m5out", 0, "system.cpu", "ipc", "", "Count/Cycle", "IPC"),
        ("m5out", 0, "system.mem", "bw", "cpu.inst", "Byte", "A # sign"),
        ("m5out", 0, "system.ruby.L1Cache", "Load", "0", "Unspecified", ""),
        ("m5out", 0, "system.ruby.L1Cache", "Load", "1", "Unspecified", ""),
        ("m5out", 0, "system.ruby.L1Cache", "Load", "total", "Unspecified", ""),
        ("m5out", 0, "system.ruby", "hist", "0-1", "Count", "Sizes"),
        ("m5out", 0, "system.ruby", "hist", "2-3", "Count", "Sizes"),
        ("m5out", 0, "system", "old", "", "", "No unit"),
        ("m5out", 1, "", "simSeconds", "", "Second", "Simulated"),
    ]
    values = list(table["value"])
    assert math.isnan(values.pop(2))
    assert values == [0.000057, 123456, math.inf, 1, 3, 4, 2, 1, -1.5, 0.000001]


# One histogram in both of gem5's ways (Ruby's `oneline`, and the others'), as text.cc writes them.
ON_ONE_LINE = """
system.ruby.latency_hist::bucket_size              16                       # Latency (Tick)
system.ruby.latency_hist::min_bucket                0                       # Latency (Tick)
system.ruby.latency_hist::max_bucket               39                       # Latency (Tick)
system.ruby.latency_hist::samples                   4                       # Latency (Tick)
system.ruby.latency_hist::mean              12.500000                       # Latency (Tick)
system.ruby.latency_hist::stdev                   nan                       # Latency (Tick)
system.ruby.latency_hist |       3     75.00%     75.00% |       0      0.00%     75.00% |       1\
     25.00%    100.00% # Latency (Tick)
system.ruby.latency_hist::total                     4                       # Latency (Tick)
"""
ON_MANY_LINES = """
system.ruby.latency_hist::samples                   4                       # Latency (Tick)
system.ruby.latency_hist::mean              12.500000                       # Latency (Tick)
system.ruby.latency_hist::stdev                   nan                       # Latency (Tick)
system.ruby.latency_hist::0-15                      3     75.00%     75.00% # Latency (Tick)
system.ruby.latency_hist::16-31                     0      0.00%     75.00% # Latency (Tick)
system.ruby.latency_hist::32-39                     1     25.00%    100.00% # Latency (Tick)
system.ruby.latency_hist::total                     4                       # Latency (Tick)
"""

# Lines of M5 2.0 (2011) and of gem5 before 21.0: no units, but descriptions with brackets.
BEFORE_UNITS = """
---------- Begin Simulation Statistics ----------
host_inst_rate                                1200000                       # Rate (inst/s)
sim_ticks                                        5000                       # Ticks (never reset)
system.l2.demand_miss_rate::0            no_value                       # miss rate (read+write)
system.cpu.iq.rate                           3.218463                       # Inst issue rate
system.ruby.delayHist.vnet_0             |          9    100.00%    100.00% |          0      0.00%\
    100.00% |  # delay
system.ruby.nothing                      |          0                       |          0 # None
---------- End Simulation Statistics   ----------
"""


numbers = st.one_of(
    st.integers(-(2**53), 2**53),
    st.integers(-(10**9), 10**9).map(lambda number: number / 64),  # exact in six decimals
    st.sampled_from([math.nan, math.inf, -math.inf]),
)
words = st.from_regex(r"[a-z][A-Za-z0-9_]{0,8}", fullmatch=True)
texts = st.from_regex(r"[A-Za-z(#][A-Za-z0-9 #()/|:%]{0,20}[a-z]", fullmatch=True)


@given(
    st.dictionaries(
        st.lists(words, min_size=1, max_size=3).map(".".join),
        st.tuples(
            st.one_of(
                numbers,
                st.dictionaries(words.filter("total".__ne__), st.integers(0, 9), min_size=1),
            ),
            texts,
            st.sampled_from(["Tick", "(Count/Second)"]),
        ),
        min_size=1,
    )
)
def test_what_is_written_is_read_back(
    written: dict[str, tuple[float | dict[str, int], str, str]],
) -> None:
    stats = [
        Stat(name, None, unit, desc, value)
        if isinstance(value, dict)
        else Stat(name, value, unit, desc)
        for name, (value, desc, unit) in written.items()
    ]
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "stats.txt")
        write_stats(path, stats)
        table = read_stats(path)
    for name, (value, desc, unit) in written.items():
        if isinstance(value, dict):
            for sub, part in value.items():
                assert stat(table, f"{name}::{sub}") == part
            assert stat(table, f"{name}::total") == sum(value.values())
        else:
            assert stat(table, name) == pytest.approx(value, rel=0, abs=5e-7, nan_ok=True)
        parent, _, leaf = name.rpartition(".")
        rows = table[(table["object"] == parent) & (table["stat"] == leaf)]
        assert set(rows["unit"]) == {unit.strip("()")}
        assert set(rows["desc"]) == {desc}


def test_both_ways_to_write_a_histogram_give_the_same_table(tmp_path: Path) -> None:
    tables = []
    for text in (ON_ONE_LINE, ON_MANY_LINES):
        (tmp_path / "stats.txt").write_text(dump(text), encoding="utf-8")
        table = read_stats(tmp_path / "stats.txt")
        layout = table["sub"].isin(["bucket_size", "min_bucket", "max_bucket"])
        tables.append(table[~layout].reset_index(drop=True))
    assert_frame_equal(tables[0], tables[1])
    assert list(tables[0]["sub"])[3:6] == ["0-15", "16-31", "32-39"]
    assert stat(tables[0], "system.ruby.latency_hist::32-39") == 1


def test_buckets_are_named_after_the_layout_of_their_own_dump(tmp_path: Path) -> None:
    wider = ON_ONE_LINE.replace("              16  ", "              32  ").replace("39 ", "95 ")
    (tmp_path / "stats.txt").write_text(dump(ON_ONE_LINE) + "\n" + dump(wider), encoding="utf-8")
    table = read_stats(tmp_path / "stats.txt")
    assert stat(table, "system.ruby.latency_hist::16-31", dump=0) == 0
    assert stat(table, "system.ruby.latency_hist::64-95", dump=1) == 1


def test_buckets_without_a_layout_in_their_dump_are_named_by_their_positions(
    tmp_path: Path,
) -> None:
    alone = "\n".join(ON_ONE_LINE.splitlines()[7:])
    assert alone.startswith("system.ruby.latency_hist |")
    (tmp_path / "stats.txt").write_text(dump(ON_ONE_LINE) + "\n" + dump(alone), encoding="utf-8")
    table = read_stats(tmp_path / "stats.txt")
    assert list(table[table["dump"] == 1]["sub"]) == ["0", "1", "2", "total"]


def test_versions_without_units_keep_their_brackets_in_the_description(tmp_path: Path) -> None:
    (tmp_path / "stats.txt").write_text(BEFORE_UNITS, encoding="utf-8")
    table = read_stats(tmp_path / "stats.txt")
    assert set(table["unit"]) == {""}
    assert list(table["desc"])[:3] == [
        "Rate (inst/s)",
        "Ticks (never reset)",
        "miss rate (read+write)",
    ]
    assert math.isnan(stat(table, "system.l2.demand_miss_rate::0"))
    vector = table[table["stat"] == "vnet_0"]
    assert list(zip(vector["sub"], vector["value"], strict=True)) == [("0", 9), ("1", 0)]


@pytest.mark.parametrize(
    ("tail", "desc", "unit"),
    [
        (" # Rate (inst/s) ((Count/Second))", "Rate (inst/s)", "Count/Second"),
        (" # Wait ((Tick/(Count/Tick)))", "Wait", "Tick/(Count/Tick)"),
        (" # Share (Ratio)", "Share", "Ratio"),
        (" # Sum (hits+misses)", "Sum (hits+misses)", ""),
        ("  (Unspecified)", "", "Unspecified"),
        ("  ((Count/Cycle))", "", "Count/Cycle"),
        ("", "", ""),
    ],
)
def test_a_unit_is_one_of_gem5s_units(tmp_path: Path, tail: str, desc: str, unit: str) -> None:
    (tmp_path / "stats.txt").write_text(dump(f"a.b 1{tail}"), encoding="utf-8")
    table = read_stats(tmp_path / "stats.txt")
    assert (table["desc"].iloc[0], table["unit"].iloc[0]) == (desc, unit)


def test_a_compressed_file_is_read_as_well(gem5: Path) -> None:
    packed = gem5.with_name("stats.txt.gz")
    packed.write_bytes(gzip.compress(gem5.read_bytes()))
    assert_frame_equal(read_stats(packed), read_stats(gem5))
    packed.write_bytes(gem5.read_bytes())
    with pytest.raises(InputError, match="cannot be read: Not a gzipped file"):
        read_stats(packed)


@pytest.mark.parametrize("damage", ["cut off", "overwritten"])
def test_a_compressed_file_that_is_damaged_is_told(
    write_run: WriteRun, tmp_path: Path, damage: str
) -> None:
    packed = gzip.compress((write_run("run") / "stats.txt").read_bytes())
    half = len(packed) // 2
    path = tmp_path / "stats.txt.gz"
    path.write_bytes(packed[:half] + (b"" if damage == "cut off" else b"\xff" * half))
    with pytest.raises(InputError, match="cannot be read: "):
        read_stats(path)


def test_statistics_need_not_be_read_for_what_does_not_use_them(write_run: WriteRun) -> None:
    path = write_run("run")
    text = (path / "stats.txt").read_text(encoding="utf-8")
    (path / "stats.txt").write_text(text.replace("simFreq", "{simFreq"), encoding="utf-8")
    run = read_run(path, stats=False)
    assert run.stats.empty
    assert run.strategy == "stop-and-copy"
    for damaged in (text[: len(text) // 2], ""):
        (path / "stats.txt").write_text(damaged, encoding="utf-8")
        with pytest.raises(InputError, match=r"stats\.txt: is cut off"):
            read_run(path, stats=False)
    (path / "stats.txt").unlink()
    with pytest.raises(InputError, match=r"stats\.txt: missing"):
        read_run(path, stats=False)


def test_a_statistic_of_several_dumps_must_be_asked_for_by_dump(gem5: Path) -> None:
    table = read_stats(gem5)
    assert stat(table, "simSeconds", dump=1) == 0.000001
    with pytest.raises(InputError, match="more than once: dump 0 of 'm5out', dump 1"):
        stat(table, "simSeconds")
    with pytest.raises(InputError, match="no dump 2; it has 0, 1"):
        stat(table, "simSeconds", dump=2)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("system.cpu.ipcs", r"\(did you mean 'ipc'\?\)"),
        ("system.ruby.hist", r"it is a vector, of 'system\.ruby\.hist::0-1', .*::2-3'"),
        ("system.cpu.l1.numberOfEvictions", r"no object 'system\.cpu\.l1'"),
        ("system.mem.rowHits", r"'system\.mem' has 'bw::cpu\.inst'"),
        ("system.cp.ipc", r"\(did you mean 'system\.cpu\.ipc'\?\)"),
        ("wallClock", "at the top are 'simSeconds', 'hostInstRate'"),
    ],
)
def test_a_missing_statistic_is_an_error_that_names_its_neighbours(
    gem5: Path, name: str, hint: str
) -> None:
    with pytest.raises(InputError, match=hint):
        stat(read_stats(gem5), name)


def test_an_interrupted_dump_is_refused(tmp_path: Path) -> None:
    begun = "---------- Begin Simulation Statistics ----------\nsimTicks 1 # Time (Tick)\n"
    assert faults(tmp_path, begun) == ("line 1: this dump has no end; the run was interrupted",)
    assert faults(tmp_path, begun + dump("simTicks 1")) == ("line 1: this dump has no end",)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "holds no statistics"),
        (dump(), "holds no statistics"),
        ("simTicks 1", "line 1: outside of a dump: 'simTicks 1'"),
        (dump("simTicks"), "line 2: not a statistic: 'simTicks'"),
        (dump("simTicks one"), "line 2: not a statistic: 'simTicks one'"),
        (dump("simTicks 1 2"), "line 2: not a statistic: 'simTicks 1 2'"),
        (dump("simTicks 1 2 | 3"), "line 2: not a statistic: 'simTicks 1 2 | 3'"),
        (dump("a 1", "a 2"), "line 3: 'a' a second time in a dump"),
        (dump().splitlines()[1], "line 1: the end of a dump that has no begin"),
    ],
)
def test_what_is_not_a_statistic_is_named_with_its_line(
    tmp_path: Path, text: str, fault: str
) -> None:
    assert faults(tmp_path, text) == (fault,)


def test_a_long_list_of_faults_is_cut_and_says_so(tmp_path: Path) -> None:
    found = faults(tmp_path, "\n".join(["what is this"] * 100))
    assert len(found) == 11
    assert found[-1] == "and 90 more"


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "stats.txt").write_bytes(b"\x93NUMPY\xff")
    with pytest.raises(InputError, match="not a text file"):
        read_stats(tmp_path / "stats.txt")


def test_a_run_is_read_with_all_its_files(write_run: WriteRun) -> None:
    run = read_run(write_run("run"))
    assert run.strategy == "stop-and-copy"
    assert run.config["vm"]["vcpus"] == 4
    assert run.migration["downtime"] == 0.0012
    assert stat(run.stats, "system.network.bytes::total") == 400
    assert set(run.stats["run"]) == {"run"}


def test_every_missing_or_invalid_file_of_a_run_is_named(write_run: WriteRun) -> None:
    path = write_run("run")
    (path / "config.json").unlink()
    (path / "stats.txt").write_text(dump("simTicks one"), encoding="utf-8")
    migration = json.loads((path / "migration.json").read_text(encoding="utf-8"))
    del migration["energy"]["total"]
    migration["total-time"] = "long"
    migration["downtime"] = None
    migration["strategy"] = 3
    (path / "migration.json").write_text(json.dumps(migration), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_run(path)
    assert caught.value.faults == (
        "config.json: missing",
        "migration.json: 'strategy' is missing or not a text",
        "migration.json: 'total-time' = 'long': not a finite number",
        "migration.json: 'downtime' = None: not a finite number",
        "migration.json: no 'energy.total'",
        "stats.txt: line 2: not a statistic: 'simTicks one'",
    )


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("{", "config.json: not valid JSON"),
        ("[]", "config.json: not a JSON object"),
        ('{"format": 2}', "config.json: format is 2, this version reads 5"),
        ("{}", "config.json: format is missing, this version reads 5"),
        ('{"format": 5}', "config.json: no 'machine'"),
    ],
)
def test_a_configuration_that_is_not_ours_is_refused(
    write_run: WriteRun, content: str, fault: str
) -> None:
    path = write_run("run")
    (path / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=fault):
        read_run(path)


def test_a_phase_without_accesses_has_no_rate(write_run: WriteRun) -> None:
    path = write_run("run", migration={"vm": {"accesses-per-microsecond": {"during": None}}})
    assert read_run(path).migration["vm"]["accesses-per-microsecond"]["during"] is None


def test_a_directory_of_runs_stands_for_its_runs(write_run: WriteRun, tmp_path: Path) -> None:
    first, second = write_run("all/a"), write_run("all/b")
    (tmp_path / "all" / "notes.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "all" / "empty").mkdir()
    assert find_runs([tmp_path / "all"]) == [first, second]
    assert find_runs([second, first]) == [second, first]


def test_all_paths_that_are_no_runs_are_named_at_once(write_run: WriteRun, tmp_path: Path) -> None:
    run = write_run("run")
    deeper = write_run("study/size/run").parent
    write_run("study/size/other")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError) as caught:
        find_runs(
            [
                *(run, tmp_path / "none", run / "stats.txt", run),
                *(deeper, deeper, deeper.parent, tmp_path / "empty"),
            ]
        )
    assert caught.value.faults == (
        f"{tmp_path / 'none'}: does not exist",
        f"{run / 'stats.txt'}: not a directory",
        f"{run}: named twice",
        f"{deeper}: named twice",
        f"{deeper.parent}: neither a run nor a directory of runs; there are some in {deeper}",
        f"{tmp_path / 'empty'}: neither a run nor a directory of runs",
    )


def test_the_faults_of_all_runs_are_named_at_once(write_run: WriteRun) -> None:
    first, second = write_run("a"), write_run("b")
    (first / "stats.txt").unlink()
    (second / "config.json").unlink()
    with pytest.raises(InputError) as caught:
        read_runs([first, second])
    assert caught.value.faults == (
        f"run '{first}': stats.txt: missing",
        f"run '{second}': config.json: missing",
    )
