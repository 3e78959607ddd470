# SPDX-License-Identifier: BSD-3-Clause
"""Does the study's page say what its runs say, and do its sentences still hold?"""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from calls import ROOT
from conftest import WriteRun

from homeshift.analysis.runs import read_run, read_runs
from homeshift.errors import InputError
from homeshift.markdown import markdown_table
from homeshift.study.data import (
    _AGAINST_LEFT,
    STRATEGIES,
    Study,
    _against_left,
    collect,
    listed,
)
from homeshift.study.page import render
from homeshift.study.tables import AXES, LIMITS, PULLED_LESS, STATIC, Tables
from homeshift.sweep.spec import load_sweep

TEMPLATE = ROOT / "scripts" / "study_page.md"
TABLE = ROOT / "docs" / "study.csv"
FAST: dict[str, float] = {"cpi": 0.25}
USUAL: dict[str, float] = {}
SLOW: dict[str, float] = {"cpi": 16.0}
POOL: dict[str, float] = {"on_target": 0.0, "on_third": 1.0, "pool_ns": 63.5}


@pytest.fixture(scope="module")
def study() -> Study:
    return Study.read(TABLE)


def test_the_page_is_what_its_template_and_table_give(study: Study) -> None:
    page = (ROOT / "docs" / "study.md").read_text(encoding="utf-8")
    assert page == render(TEMPLATE.read_text(encoding="utf-8"), study)


def test_the_page_would_change_with_the_table(study: Study) -> None:
    changed = Study(study.table.assign(downtime_s=study.table["downtime_s"] * 1.1))
    template = TEMPLATE.read_text(encoding="utf-8")
    assert render(template, changed) != render(template, study)


def test_every_case_of_the_page_was_run_by_every_strategy(study: Study) -> None:
    for axis in AXES.values():
        for changes in axis.cases:
            for strategy in STRATEGIES:
                rows = study.rows(strategy, **changes)
                assert len(rows) == (1 if changes.get("workload", "traces") == "traces" else 3)
                assert rows["seed"].is_unique


def test_the_table_has_a_row_for_each_run_of_the_sweeps(study: Study) -> None:
    known = ("machine", "strategy", "workload", "vm-memory", "borrow", "region", "seed")
    files = sorted((ROOT / "configs" / "sweeps").glob("study-*.toml"))
    asked = [load_sweep(f, known=(*known, "warmup", "window", "horizon")) for f in files]
    assert sum(len(sweep.runs) for sweep in asked) == len(study.table) > 300


# What the sentences of the page say, in its order.


def test_the_claims_hold_while_the_vm_migrates(study: Study) -> None:
    v = study.value
    assert v("copied_pages", "ownership") == 0 < v("copied_pages", "ownership+copy")
    for other in ("stop-and-copy", "pre-copy", "post-copy"):
        assert v("migration_bytes", "ownership") < 0.05 * v("migration_bytes", other)
        assert v("migration_j", "ownership") < 0.05 * v("migration_j", other)
        assert v("total_s", "ownership") < 0.05 * v("total_s", other)
    assert v("downtime_s", "ownership") == pytest.approx(v("downtime_s", "post-copy"), rel=0.05)
    assert v("downtime_s", "ownership") < v("downtime_s", "pre-copy") / 10


def test_they_do_not_hold_for_long_for_a_vm_that_misses_its_caches(study: Study) -> None:
    v = study.value
    assert v("link_bytes", "ownership") > v("link_bytes", "stop-and-copy")
    assert v("speed_after", "ownership") < 0.9 * v("speed_after", "stop-and-copy")
    for case in (FAST, USUAL):
        for other in ("pre-copy", "post-copy", "hybrid"):
            assert v("accesses", other, **case) > 1.1 * v("accesses", "ownership", **case)
            assert v("overtakes_s", other, **case) < 0.7 * v("window_s", other, **case)


def test_a_vm_that_computes_much_between_two_misses_is_better_left(study: Study) -> None:
    v = study.value
    for other in ("stop-and-copy", "pre-copy", "post-copy", "hybrid"):
        assert v("accesses", other, **SLOW) < 1.01 * v("accesses", "ownership", **SLOW)
        assert v("energy_ratio", other, **SLOW) > 4
        assert math.isnan(v("overtakes_s", other, **SLOW))
    assert v("accesses", "pre-copy", **SLOW) > 0.97 * v("accesses", "ownership", **SLOW)


def test_a_working_set_that_fits_the_slice_is_better_left(study: Study) -> None:
    v = study.value
    for other in ("stop-and-copy", "pre-copy", "post-copy", "hybrid", "ownership+copy"):
        assert v("accesses", other, slice_kib=4096.0) < 1.01 * v(
            "accesses", "ownership", slice_kib=4096.0
        )
        for case in ({"slice_kib": 4096.0}, {"cpi": 4.0}, SLOW):
            assert math.isnan(v("saves_energy_s", other, **case))
            assert 1.9 < v("energy_ratio", other, **case) < 9  # "2 to 9 times" in the README


def test_only_small_and_waiting_vms_are_copied_for_less_energy_than_left(study: Study) -> None:
    """The README names these cases: other copies of everything take about as much, or more."""
    little = [{"on_target": part, "on_third": part} for part in (0.0, 0.125)]
    named = ({"cpi": 0.25}, {"memory_mib": 12.0}, *little)
    for axis in AXES.values():
        for changes in () if axis.repeats else axis.cases:
            least = min(
                study.value("energy_ratio", other, **changes)
                for other in ("stop-and-copy", "pre-copy", "post-copy", "hybrid")
            )
            assert least > 0.56
            if "workload" not in changes and changes not in named:
                assert least > 0.87, changes


def test_a_copy_of_everything_takes_as_much_energy_as_leaving_or_more(study: Study) -> None:
    v = study.value
    for other in ("stop-and-copy", "post-copy", "ownership+copy"):
        assert v("energy_ratio", other) == pytest.approx(1, abs=0.02)
    # Copied once, it is the same energy for the same work, whenever it was spent.
    assert v("energy_ratio", "stop-and-copy") == pytest.approx(
        v("energy_ratio", "post-copy"), rel=0.01
    )
    assert v("energy_ratio", "pre-copy") > v("energy_ratio", "hybrid") > 1.2


def test_the_base_case_is_the_same_wherever_its_programs_are(study: Study) -> None:
    tables = Tables(study)
    for other in STRATEGIES:
        for measure, most in (("accesses", 0.01), ("energy_ratio", 0.04)):
            least, largest = tables.span(measure, other, to="ownership")
            assert largest - least < most


def test_most_accesses_are_those_of_one_program(study: Study) -> None:
    least, most = Tables(study).share_of("sort")
    assert 0.65 < least < most < 0.75
    table = Tables(study).programs().splitlines()
    [copied] = [line for line in table if line.startswith("| `stop-and-copy`")]
    *programs, mean = [float(cell.strip().rstrip("%")) for cell in copied.split("|")[2:-1]]
    assert max(programs) == programs[2] > 0 > mean  # sort's work alone has grown


def test_a_better_engine_copies_faster(study: Study) -> None:
    v = study.value
    times = [v("total_s", "stop-and-copy", lines=lines) for lines in (16.0, 32.0, 128.0)]
    assert times[0] == pytest.approx(2 * times[1], rel=0.05)
    assert times[1] > 3 * times[2]


def test_misses_that_overlap_cost_no_work_but_energy(study: Study) -> None:
    for changes in AXES["writes"].cases:
        for other in ("stop-and-copy", "post-copy"):
            ratio, _, high = study.ratios("accesses", other, "ownership", **changes)
            assert ratio <= high < 1
            _, _, dearest = study.ratios("energy_ratio", other, "ownership", **changes)
            assert dearest < 1


def test_pulling_the_hot_pages_spends_least_energy_in_most_cases(study: Study) -> None:
    cases = [changes for axis in AXES.values() for changes in axis.cases]
    best = [
        min(STRATEGIES, key=lambda s: study.value("energy_ratio", s, **changes))
        for changes in cases
    ]
    assert best.count("static-homes+pull") > best.count("ownership+pull") > 0
    for pulling in ("ownership+pull", "static-homes+pull"):
        assert study.value("copied_pages/pages", pulling) < 0.2
    assert sum(name.endswith("+pull") for name in best) > 0.8 * len(cases)
    assert study.value("energy_ratio", "ownership+pull", **SLOW) > 1.1
    assert study.value("energy_ratio", "static-homes+pull", **SLOW) == pytest.approx(1, abs=0.02)


def test_who_pulls_the_hot_pages_needs_no_right_to_the_others(study: Study) -> None:
    def pulled(measure: str, **changes: Any) -> float:
        return study.ratios(measure, "static-homes+pull", "ownership+pull", **changes)[0]

    for start in AXES["start"].cases:
        assert 1 < pulled("accesses", **start) < 1.01
        assert 0.95 < pulled("energy_ratio", **start) < 1
    large, changing, slow = "slices of 4 MiB", "hot pages that change", "16 cycles an instruction"
    for case, changes in STATIC.items():
        assert 0.995 < pulled("accesses", **changes) < 1.01
        assert 0.8 < pulled("energy_ratio", **changes) < 1.05, case
        links = pulled("link_bytes", **changes)
        assert links > (0.98 if case == slow else 1)
        assert (links > 1.3) == (case in (large, changing)), case
    early, end = (
        study.value("link_bytes", "static-homes+pull", **where)
        / study.value("link_bytes", "ownership+pull", **where)
        for where in ({"variant": PULLED_LESS}, {})
    )
    assert end < 1.1 < 1.15 < early


def test_large_slices_and_what_the_target_lent_make_leaving_cheaper(study: Study) -> None:
    speed = [study.value("speed_after", "ownership", slice_kib=s) for s in (128.0, 512.0, 4096.0)]
    assert speed == sorted(speed)
    shares = [
        study.value("local_after", "ownership", on_target=t, on_third=o)
        for t, o in ((0.0, 0.5), (0.5, 0.0))
    ]
    assert shares[1] > shares[0] + 0.2


def test_homes_that_move_save_power_and_links_and_work_where_one_slice_is_enough(
    study: Study,
) -> None:
    v = study.value
    more = {
        *("slices of 2 MiB", "slices of 4 MiB", "links of 60 ns"),
        *("nothing borrowed", "all in a pool"),
    }
    for case, changes in STATIC.items():
        for measure in ("link_bytes", "energy_j"):
            assert v(measure, "static-homes", **changes) > v(measure, "ownership", **changes)
        assert v("energy_ratio", "static-homes", **changes) > 1.09
        least = v("energy_ratio_low", "static-homes", **changes)
        assert (least > 1.15) == (case in more - {"links of 60 ns"}), case
        work = v("accesses", "ownership", **changes) / v("accesses", "static-homes", **changes)
        assert (work > 1.03) == (case in more), case
    assert v("migration_bytes", "static-homes") < v("migration_bytes", "ownership")
    assert v("local_after", "static-homes") < v("local_after", "ownership")
    large = v("accesses", "ownership", slice_kib=2048.0)
    assert large > 1.2 * v("accesses", "static-homes")  # with three slices of 512 KiB


def test_copies_that_spare_some_of_the_way_cost_less(study: Study) -> None:
    v = study.value
    for other in ("stop-and-copy", "post-copy"):
        assert v("copied_pages", other, variant="keep-held=on") == 0.75 * v("pages", other)
        assert 0.8 < v("energy_ratio", other, variant="keep-held=on") < 0.85
    pulled = v("migration_bytes", "ownership+pull", variant="policy=all")
    assert v("copied_pages", "ownership+pull", variant="policy=all") == 3840
    assert pulled < 0.8 * v("migration_bytes", "post-copy", variant="keep-held=on")


def test_the_downtime_limit_decides_for_how_long_a_pre_copy_stops_the_vm(study: Study) -> None:
    times = [
        [study.value("downtime_s", s, **changes) for changes in LIMITS.values()]
        for s in ("pre-copy", "ownership+copy")
    ]
    assert times[0] == sorted(times[0])
    assert times[0][-1] > 2 * times[0][0]
    assert all(second < first for first, second in zip(*times, strict=True))


def test_bandwidth_hardly_matters_and_latency_does(study: Study) -> None:
    v = study.value
    speeds = {ns: v("speed_after", "ownership", latency_ns=ns) for ns in (10.0, 60.0)}
    assert speeds[60.0] < 0.9 * speeds[10.0]
    wide = v("speed_after", "ownership", link_gbs=64.0) / v("speed_after", "ownership")
    assert wide == pytest.approx(1, abs=0.03)
    least = [v("accesses", "stop-and-copy", link_gbs=gbs) for gbs in (6.0, 8.0, 16.0, 32.0)]
    assert least[0] < 0.98 * least[1] < least[1] < least[2] == pytest.approx(least[3], rel=0.003)


def test_in_a_pool_the_rights_keep_the_speed_and_homes_left_behind_cost_it(study: Study) -> None:
    for case in AXES["pool"].cases:
        before, after = (
            study.value(f"speed_{when}", "ownership", **case) for when in ("before", "after")
        )
        assert after > 0.95 * before
        assert study.value("speed_after", "ignore-shared", **case) < 0.87 * after
        assert study.value("speed_after", "stop-and-copy", **case) > 1.2 * before


def test_the_bytes_of_a_copy_are_what_arithmetic_says(study: Study) -> None:
    pages = study.value("pages", "stop-and-copy")
    state = (pages * 8 + 4 * 16384) / 64 * 80
    predicted = 64 * pages * (0.5 * 80 + 0.5 * 160) + state
    measured = study.value("copy_bytes", "stop-and-copy")
    assert 0.98 * predicted < measured < predicted  # lines in the source's caches are not fetched


def test_the_downtime_is_that_of_the_vcpus_state(study: Study) -> None:
    lot = study.value("downtime_s - pause_s", "ownership") / 32
    assert lot == pytest.approx(311e-9, rel=0.01)  # of one line alone: 622 cycles


def test_larger_regions_move_with_fewer_bytes_but_take_longer(study: Study) -> None:
    for measure, falls in (("total_s", False), ("migration_bytes", True)):
        values = [study.value(measure, "ownership", region_kib=r) for r in (4.0, 64.0, 1024.0)]
        assert values == sorted(values, reverse=falls)
    stopped = study.value("speed_during / speed_before", "ownership", region_kib=1024.0)
    assert stopped < 0.21 < 0.5 < study.value("speed_during / speed_before", "ownership")


IN_README = (
    *(("stop-and-copy", ""), ("pre-copy", ""), ("post-copy", "")),
    *(("post-copy", "keep-held=on"), ("static-homes", "")),
    *(("static-homes+pull", ""), ("ownership+pull", "")),
)


def readme_table(study: Study) -> str:
    """Return the base case against `ownership`, as the README shows it."""

    def row(strategy: str, variant: str) -> list[str]:
        where = {"variant": variant} if variant else {}

        def value(measure: str) -> float:
            return study.value(measure, strategy, **where)

        def against(measure: str) -> float:
            return value(measure) / study.value(measure, "ownership")

        energy, low, high = (value(f"energy_ratio{level}") - 1 for level in ("", "_low", "_high"))
        return [
            f"`{strategy}:{variant}`" if variant else f"`{strategy}`",
            f"{against('accesses') - 1:+.1%}".replace("%", " %"),
            f"{energy:+.0%} ({low:+.0%}, {high:+.0%})".replace("%", " %"),
            f"{against('link_bytes'):.2f} times",
        ]

    header = ("", "work done", "energy for the same work (constants low, high)", "bytes on links")
    return markdown_table(header, [row(*each) for each in IN_README])


def test_the_readme_says_the_same(study: Study) -> None:
    assert readme_table(study) in (ROOT / "README.md").read_text(encoding="utf-8")
    said = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    v, tables = study.value, Tables(study)

    def times(measure: str) -> str:
        return f"{v(measure, 'stop-and-copy') / v(measure, 'ownership'):.0f} times"

    def kept(measure: str) -> str:
        whole = v(measure, "stop-and-copy", variant="keep-held=on")
        return f"{whole / v(measure, 'ownership'):.0f}"

    def us(strategy: str) -> str:
        return f"{v('total_s', strategy) * 1e6:.1f}"

    def static(measure: str, **changes: float) -> float:
        return v(measure, "static-homes", **changes) / v(measure, "ownership", **changes)

    def pulling(measure: str) -> str:
        found = [
            v(measure, "static-homes+pull", **start) / v(measure, "ownership+pull", **start)
            for start in AXES["start"].cases
        ]
        return " to ".join(dict.fromkeys(f"{end:.2f}" for end in (min(found), max(found))))

    left = v("speed_after", "ignore-shared", **POOL) / v("speed_after", "ownership", **POOL)
    idle = 0.034 * 1.2 * 8 / 8192  # W of a MiB
    whole = v("migration_j", "stop-and-copy", on_target=0.0, on_third=0.0)
    copy = whole / v("memory_mib", "stop-and-copy")
    faster = v("total_s", "stop-and-copy", lines=128.0) / v("total_s", "ownership", lines=128.0)
    for sentence in (
        f"pool: {len(study.table)} runs",
        f"{times('migration_bytes')} fewer bytes, {times('total_s')} less time ({faster:.0f} "
        "times, if a migration engine has 128 lines under way instead of 32) and "
        f"{times('migration_j')} less energy",
        f"{1 - v('speed_after', 'ownership') / v('speed_after', 'stop-and-copy'):.1%}".replace(
            "%", " %"
        ),
        f"({kept('migration_bytes')}, {kept('total_s')} and {kept('migration_j')} times, if the",
        f"in {us('static-homes')} us instead of {us('ownership')}, and",
        f"{100 * (1 - static('accesses', slice_kib=4096.0)):.1f} % less, for "
        f"{static('energy_ratio', slice_kib=4096.0):.2f} times the energy",
        f"before and after, it does {100 * (1 - static('accesses', **POOL)):.1f} % less work",
        f"from {v('overtakes_s', 'post-copy') * 1e3:.1f} ms on",
        f"`pre-copy` from {v('overtakes_s', 'pre-copy') * 1e3:.1f} ms on",
        f"keeps its speed, for {v('total_s', 'ownership', **POOL) * 1e6:.1f} us",
        f"left behind it loses {100 * (1 - left):.1f} %",
        f"in {copy / idle:.2f} s",
        f"for the same work in {_least_energy(study)} of {tables.cases} cases",
        f"({pulling('accesses')} times, begun at six points of the programs), for "
        f"{pulling('energy_ratio')} times the energy, with {pulling('link_bytes')} times the bytes",
    ):
        assert sentence in said, sentence


def _least_energy(study: Study) -> int:
    """Return in how many cases, each counted once, a strategy that pulls spends least energy."""
    found = {}
    for axis in AXES.values():
        for changes in () if axis.repeats else axis.cases:
            ratios = {s: study.value("energy_ratio", s, **changes) for s in STRATEGIES}
            found[round(study.value("energy_j", "ownership", **changes), 20)] = min(
                ratios, key=lambda s: ratios[s]
            )
    return sum(best.endswith("+pull") for best in found.values())


# The table and the template.


def test_an_expression_without_a_value_is_told_with_all_others(study: Study) -> None:
    with pytest.raises(InputError) as caught:
        render('{{ v("downtime_s", "teleport") }} and {{ nothing }}', study)
    assert len(caught.value.faults) == 2
    assert "no run of teleport" in caught.value.faults[0]
    assert "nothing: NameError" in caught.value.faults[1]


def test_tables_show_intervals_where_there_are_seeds(study: Study) -> None:
    tables = Tables(study)
    assert "±" in tables.work("writes")
    assert "±" not in tables.work("speed")
    with pytest.raises(KeyError):
        study.value("downtime_s", "ownership", cpi=3.0)


def test_nothing_is_collected_from_an_empty_directory_or_a_failed_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no finished sweep"):
        collect(tmp_path)
    (tmp_path / "part").mkdir()
    table = pd.DataFrame({"run": ["a"], "status": ["error"]})
    table.to_parquet(tmp_path / "part" / "sweep.parquet")
    with pytest.raises(InputError, match="1 runs have not completed, a among them"):
        collect(tmp_path)


def test_a_small_sweep_becomes_rows_with_break_even_times(tmp_path: Path) -> None:
    sweep = tmp_path / "small.toml"
    sweep.write_text(
        'machine = "quad:cache.size=16KiB,slc.size=64KiB"\nvm-memory = "1MiB"\n'
        'strategy = ["ownership", "stop-and-copy"]\nborrow = "1:0.25,2:0.5"\nwarmup = "100us"\n'
        'window = "50us"\nhorizon = "3ms"\nworkload = "uniform:footprint=1,think=0"\n'
        "seed = [2, 1]\n"
    )
    command = [sys.executable, str(ROOT / "scripts" / "sweep.py"), str(sweep)]
    subprocess.run([*command, "--outdir", str(tmp_path / "all" / "small")], check=True)
    table = collect(tmp_path / "all")
    assert list(table["strategy"]) == [*["ownership"] * 2, *["stop-and-copy"] * 2]
    assert list(table["seed"]) == [1, 2, 1, 2]
    case = {"memory_mib": 1.0, "on_target": 0.25, "on_third": 0.5, "region_kib": 4.0, "pages": 256}
    machine = {"link_gbs": 32.0, "latency_ns": 27.5, "slice_kib": 64.0, "lines": 32.0}
    for _, row in table.iterrows():
        for name, value in {**case, **machine, "warmup_ms": 0.1}.items():
            assert row[name] == pytest.approx(value), name
        assert 0 < row["pause_s"] < row["downtime_s"] / 10
        done = row["accesses"] + row["speed_before"] * 50  # and in the window before
        assert sum(listed(row["program_accesses"])) == pytest.approx(done)
        if row["strategy"] == "ownership":  # 4 vCPUs' state of 16 KiB, and the table
            assert row["copy_bytes"] == (4 * 256 + 32) * 80
    runs = {
        (run.strategy, run.config["arguments"]["seed"]): run
        for run in read_runs([tmp_path / "all" / "small"], stats=False)
    }
    against = list(_AGAINST_LEFT)
    for _, row in table.iloc[2:].iterrows():  # each with the one of its own seed
        expected = _against_left(*(runs[name, row["seed"]] for name in table["strategy"].unique()))
        assert tuple(row[against]) == pytest.approx(expected, nan_ok=True)
    moved = table.iloc[2]
    # It stood still for its downtime, and has made good for that when it overtakes.
    assert moved["downtime_s"] < moved["overtakes_s"] < moved["window_s"]
    assert moved["accesses"] > table.iloc[0]["accesses"]
    Study(table).write(tmp_path / "small.csv")
    again = Study.read(tmp_path / "small.csv").table
    assert again["accesses"].tolist() == pytest.approx(table["accesses"].tolist(), rel=1e-5)


def test_the_page_can_be_written_from_the_table_alone(tmp_path: Path) -> None:
    shutil.copyfile(TABLE, tmp_path / "study.csv")
    script = ROOT / "scripts" / "study.py"
    command = [sys.executable, str(script), "--page", "--docs", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    assert (tmp_path / "study.md").read_bytes() == (ROOT / "docs" / "study.md").read_bytes()


def test_what_moving_saves_is_known_from_the_time_on_at_which_as_much_work_took_less(
    write_run: WriteRun,
) -> None:
    """Left, 1000 accesses take 1 ms and 1 mJ; moved, 4000 take 1 ms, after 1 ms and 2 mJ."""
    courses = {
        "left": [(0.0, 0, 0.0), (0.01, 10_000, 0.01)],
        "moved": [(0.0, 0, 0.0), (1e-3, 0, 2e-3), (0.01, 36_000, 2e-3)],
    }
    runs = [
        read_run(
            write_run(
                name,
                migration={
                    "progress": [
                        {
                            "time": time,
                            "accesses": [work],
                            "remote-accesses": [0],
                            "energy": dict.fromkeys(("total", "total-low", "total-high"), energy),
                        }
                        for time, work, energy in course
                    ]
                },
            )
        )
        for name, course in courses.items()
    ]
    overtakes, saves, *ratios = _against_left(*runs)
    assert overtakes == pytest.approx(4e-3 / 3, rel=0.01)
    assert saves == pytest.approx(1.5e-3, rel=0.01)
    assert ratios == pytest.approx([0.2] * 3)


@pytest.mark.parametrize(("lead", "overtakes"), [(0.005, math.nan), (0.02, 8.5)])
def test_a_lead_of_less_than_a_hundredth_is_as_good_as_none(
    lead: float, overtakes: float, write_run: WriteRun
) -> None:
    """After 1 ms of standstill it does 10,200 accesses in 9 ms: as many as the other at 8.5 ms."""
    energy = dict.fromkeys(("total", "total-low", "total-high"), 1e-3)
    runs = [
        read_run(
            write_run(
                name,
                migration={
                    "progress": [
                        {"time": time, "accesses": [work], "remote-accesses": [0], "energy": energy}
                        for time, work in course
                    ]
                },
            )
        )
        for name, course in (
            ("left", [(0.0, 0), (1e-3, 1000), (1e-2, 10_000)]),
            ("moved", [(0.0, 0), (1e-3, 0), (1e-2, round(10_000 * (1 + lead)))]),
        )
    ]
    work = _against_left(*runs)[0]
    assert work == pytest.approx(overtakes * 1e-3, rel=0.01, nan_ok=True)
