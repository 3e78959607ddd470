# SPDX-License-Identifier: BSD-3-Clause
"""Do many runs become the right few numbers? Held against what a pocket calculator gives."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import Call, WriteRun, write_note, written

from homeshift.analysis.comparable import _complete, comparable
from homeshift.analysis.confidence import interval, student_t
from homeshift.analysis.display import fitted, format_uncertain
from homeshift.analysis.groups import (
    SEED,
    _format_mean_count,
    condition_columns,
    group_names,
    summarise,
    texts,
)
from homeshift.analysis.runs import read_runs
from homeshift.analysis.selection import as_given, column, run_table, select
from homeshift.errors import InputError

MIB = 1 << 20

# Total times in ms: strategy -> (VM size, seed) -> time. Ratios at 16 MiB: 2, 8; at 64 MiB: 8, 8.
TIMES = {
    "stop-and-copy": {(16, 1): 2.0, (16, 2): 8.0, (64, 1): 8.0, (64, 2): 24.0},
    "ownership": {(16, 1): 1.0, (16, 2): 1.0, (64, 1): 1.0, (64, 2): 3.0},
}


@pytest.fixture
def study(write_run: WriteRun) -> Path:
    """Eight runs: two strategies, two sizes of the VM, two seeds."""
    path = Path()
    for strategy, times in TIMES.items():
        for (size, seed), time in times.items():
            path = write_run(
                f"study/{strategy}-{size}-{seed}",
                migration={"strategy": strategy, "total-time": time / 1000},
                config={
                    "vm": {"memory_bytes": size * MIB},
                    "arguments": {"vm-memory": size * MIB, "seed": seed},
                },
            )
    return path.parent


@pytest.fixture
def table(study: Path) -> pd.DataFrame:
    return run_table(read_runs([study], stats=False))


def test_a_value_that_some_runs_do_not_have_is_compared_where_all_have_it(
    write_run: WriteRun, call: Call
) -> None:
    latencies = {"stop-and-copy": (None, 1e-7), "ownership": (2e-8, 1.2e-7)}
    for strategy, during in latencies.items():
        for size, latency in zip((16, 64), during, strict=True):
            run = write_run(
                f"gaps/{strategy}-{size}",
                migration={"strategy": strategy, "vm": {"mean-latency": {"during": latency}}},
                config={"vm": {"memory_bytes": size * MIB}},
            )
    table = run_table(read_runs([run.parent], stats=False))
    summary = summarise(table, baseline="stop-and-copy")
    found = summary[summary["measure"] == "vm.mean-latency.during"].set_index("group")
    assert found["mean"].to_dict() == pytest.approx({"stop-and-copy": 1e-7, "ownership": 1.2e-7})
    assert found.loc["ownership", "ratio"] == pytest.approx(1.2)
    assert set(found["conditions"]) == {1}
    whole = summary[summary["measure"] == "total-time"]
    assert set(whole["conditions"]) == {2}
    _, _, err = call(run.parent, "--by", "strategy")
    assert "not every run has a value of mean latency during (1 of 2): " in err


def test_seeds_can_be_groups(study: Path, call: Call) -> None:
    table = run_table(read_runs([study], stats=False))
    chosen, said = comparable(table, [SEED])
    assert said == ""
    summary = summarise(chosen, by=[SEED])
    [ratio] = summary[(summary["measure"] == "total-time") & summary["ratio"].ne(1)]["ratio"]
    assert ratio == pytest.approx((4 * 1 * 3 * 3) ** 0.25)
    assert "no condition" not in call(study, "--by", "seed").stderr


def test_a_node_that_lends_nothing_lends_a_share_of_0(write_run: WriteRun) -> None:
    for name, borrow in (("none", {}), ("half", {"2": 0.5})):
        run = write_run(f"lend/{name}", config={"vm": {"borrow": borrow}})
    table = run_table(read_runs([run.parent], stats=False))
    assert sorted(table["vm.borrow.2"]) == [0.0, 0.5]
    assert len(select(table, ["vm.borrow.2=0"])) == 1


def test_a_vm_with_many_lenders_is_read_without_a_warning(write_run: WriteRun) -> None:
    lent = {str(node): 0.25 / 16 for node in range(1, 64)}
    run = write_run("rack", config={"vm": {"borrow": lent}, "arguments": {"borrow": lent}})
    table = run_table(read_runs([run], stats=False))
    assert table.assign(all="")["borrowed"].iloc[0] == pytest.approx(63 / 64)


def test_a_machine_and_a_strategy_are_the_same_in_all_their_spellings(
    write_run: WriteRun, call: Call
) -> None:
    spellings = [
        ("quad:slc.size=4MiB", "pre-copy"),
        ("quad", "pre-copy:max-rounds=30"),
        ("octo", "pre-copy"),
        ("quad:slc.size=8MiB", "ownership"),
    ]
    for seed, (machine, strategy) in enumerate(spellings, 1):
        given = ("--machine", machine, "--strategy", strategy)
        run = write_run(
            f"spelled/{seed}",
            config=written(*given, "--seed", str(seed)),
            migration={"strategy": strategy.partition(":")[0]},
        )
    runs = run_table(read_runs([run.parent], stats=False))
    assert list(runs["arguments.machine"]) == ["quad", "quad", "octo", "quad:slc.size=8MiB"]
    assert set(runs["strategy"]) == {"pre-copy", "ownership"}
    assert set(runs["arguments.strategy"]) == {"pre-copy", "ownership"}
    assert condition_columns(runs, ["strategy"]) == ["arguments.machine"]
    out = call(run.parent, "--by", "machine", "--where", "machine=quad").stdout
    assert out.startswith("2 runs over 2 seeds\n")


def row(summary: pd.DataFrame, group: str, measure: str = "total-time") -> dict[str, Any]:
    found = summary[(summary["group"] == group) & (summary["measure"] == measure)]
    assert len(found) == 1
    return {str(name): value for name, value in found.iloc[0].items()}


def test_ratios_are_geometric_means_over_conditions_with_an_interval_over_seeds(
    table: pd.DataFrame,
) -> None:
    summary = summarise(table, baseline="ownership")
    copied = row(summary, "stop-and-copy")
    assert (copied["runs"], copied["conditions"], copied["seeds"]) == (4, 2, 2)
    # Seed 1: sqrt(2 * 8) = 4; seed 2: sqrt(8 * 8) = 8; together sqrt(4 * 8).
    assert copied["ratio"] == pytest.approx(math.sqrt(32))
    # In powers of two: 2 and 3, so a mean of 2.5 with a standard error of 1/2; t(1) = 12.706.
    assert copied["ratio_high"] == pytest.approx(2 ** (2.5 + 12.706 / 2))
    assert copied["ratio_low"] == pytest.approx(2 ** (2.5 - 12.706 / 2))
    # Means of the seeds: 5 ms and 16 ms.
    assert copied["mean"] == pytest.approx(10.5e-3)
    assert copied["mean_high"] - copied["mean"] == pytest.approx(12.706 * 5.5e-3)
    owned = row(summary, "ownership")
    assert (owned["ratio"], owned["ratio_low"], owned["ratio_high"]) == (1, 1, 1)
    assert owned["mean"] == pytest.approx(1.5e-3)


def test_the_other_strategy_as_baseline_gives_the_reciprocal(table: pd.DataFrame) -> None:
    one = row(summarise(table, baseline="ownership"), "stop-and-copy")
    other = row(summarise(table, baseline="stop-and-copy"), "ownership")
    assert one["ratio"] * other["ratio"] == pytest.approx(1)
    assert one["ratio_low"] * other["ratio_high"] == pytest.approx(1)


def test_one_seed_has_no_interval(table: pd.DataFrame) -> None:
    copied = row(summarise(select(table, ["seed=1"]), baseline="ownership"), "stop-and-copy")
    assert copied["ratio"] == pytest.approx(4)
    assert math.isnan(copied["ratio_low"])
    assert math.isnan(copied["mean_low"])


def test_a_run_without_a_counterpart_takes_no_part_in_the_ratio(table: pd.DataFrame) -> None:
    without = table[~table["path"].str.endswith("ownership-64-1")]
    copied = row(summarise(without, baseline="ownership"), "stop-and-copy")
    # Seed 1: only 2; seed 2: 8.
    assert copied["ratio"] == pytest.approx(4)
    assert copied["runs"] == 4


def test_means_are_over_what_all_groups_have(table: pd.DataFrame) -> None:
    everything, said = comparable(table, ["strategy"])
    assert (len(everything), said) == (8, "")
    without = table[~table["path"].str.endswith("ownership-64-1")]
    chosen, said = comparable(without, ["strategy"])
    assert said.startswith("3 of 7 runs are left out")
    assert "(ownership lacks 1)" in said
    assert said.endswith("what all groups have, and so without vm-memory 64MiB")
    summary = summarise(chosen, baseline="ownership")
    # 16 MiB: 2 ms with seed 1, 8 ms with seed 2. 64 MiB would come into the mean of one seed only.
    assert row(summary, "stop-and-copy")["mean"] == pytest.approx(5e-3)
    assert row(summary, "ownership")["mean"] == pytest.approx(1e-3)


def test_no_seed_has_a_condition_that_another_has_not() -> None:
    there = pd.DataFrame(1, index=list("abcd"), columns=[1, 2, 3]) > 0
    assert _complete(there) == (list("abcd"), [1, 2, 3])
    there.loc["c", 2] = False
    assert _complete(there) == (["a", "b", "d"], [1, 2, 3])
    there.loc[["a", "b"], 3] = False  # a sweep whose last seed has only begun
    assert _complete(there) == (["a", "b", "d"], [1, 2])


def test_means_of_counts_have_three_digits_unless_they_are_whole() -> None:
    shown = [_format_mean_count(value) for value in (2.0, 4096.0, 2.125, 0.31, 0.0, math.nan)]
    assert shown == ["2", "4,096", "2.12", "0.310", "0", "-"]


@pytest.mark.parametrize(
    ("value", "half", "shown"),
    [
        (0.7400249, 8.36e-5, "0.740025 ± 0.000084"),
        (0.74, 0.0996, "0.74 ± 0.10"),
        (1386.52, 0.25, "1,386.52 ± 0.25"),
        (69123.4, 5212.3, "69,123 ± 5,212"),
        (4096.5, 12.5, "4,096 ± 12"),
        (-0.0001, 0.5, "0.00 ± 0.50"),
        (2.0, 9.6, "2.0 ± 9.6"),
    ],
)
def test_a_value_goes_down_to_the_second_digit_of_its_uncertainty(
    value: float, half: float, shown: str
) -> None:
    assert format_uncertain(value, half) == shown


def test_equal_values_have_no_uncertainty(table: pd.DataFrame) -> None:
    means, _ = texts(summarise(table.assign(**{"copied-pages": 4096, "downtime": 1.25e-5})))
    assert set(means.loc["copied pages"]) == {"4,096 ± 0"}
    assert set(means.loc["downtime [us]"]) == {"12.5 ± 0"}


def test_groups_that_have_nothing_in_common_are_told(table: pd.DataFrame) -> None:
    apart = table[(table["strategy"] == "ownership") == (table["arguments.seed"] == 1)]
    chosen, said = comparable(apart, ["strategy"])
    assert len(chosen) == len(apart) == 4
    assert said.startswith("no condition and seed has a run of every group: means are over diff")


def test_a_baseline_of_zero_has_no_ratio(table: pd.DataFrame) -> None:
    summary = summarise(table.assign(**{"copied-pages": 0}))
    assert math.isnan(row(summary, "stop-and-copy", "copied-pages")["ratio"])
    assert row(summary, "stop-and-copy", "copied-pages")["mean"] == 0


def test_groups_can_be_made_by_other_parameters(table: pd.DataFrame) -> None:
    by = ["vm.memory_bytes", "strategy"]
    summary = summarise(table, by=by, baseline="memory 16MiB ownership")
    assert summary["group"].nunique() == 4
    assert set(summary["baseline"]) == {"memory 16 MiB ownership"}
    assert row(summary, "memory 64 MiB ownership")["mean"] == pytest.approx(2e-3)
    assert summarise(table, by=by, baseline="memory 16 MiB ownership").equals(summary)
    assert condition_columns(table, ["strategy"]) == ["arguments.vm-memory"]
    assert condition_columns(table, ["vm.memory_bytes"]) == ["arguments.strategy"]


@pytest.mark.parametrize(
    ("name", "value", "heading"),
    [
        ("machine.network.link_latency_cycles", 160, "link_latency 80 ns"),
        ("machine.network.link_bandwidth_bytes_per_second", 64e9, "link_bandwidth 64 GB/s"),
        ("machine.clock_period_ps", 500, "clock_period 500 ps"),
        ("machine.slc.size_bytes", 4 * MIB, "slc.size 4 MiB"),
        ("workload.write_ratio", 0.5, "write_ratio 0.5"),
        ("arguments.seed", 1, "seed 1"),
        ("arguments.horizon", 10**9, "horizon 1 ms"),
        ("arguments.horizon", None, "horizon none"),
        ("arguments.horizon", math.nan, "horizon none"),  # beside runs with one
        ("arguments.check", True, "check on"),
        ("strategy.keep-held", False, "keep-held off"),
        ("arguments.machine", "quad", "quad"),
    ],
)
def test_a_group_is_headed_by_the_parameter_and_its_unit(
    table: pd.DataFrame, name: str, value: Any, heading: str
) -> None:
    own = table.assign(**{"machine.cache.size_bytes": MIB})
    own[name] = [value] * len(own)
    assert set(group_names(own, [name])) == {heading}


def test_a_switch_is_on_or_off_as_python_has_it_and_as_a_column_has_it() -> None:
    switches = [True, False, *pd.Series([True, False]).to_numpy()]
    shown = [as_given("arguments.fence", switch) for switch in switches]
    assert shown == ["on", "off", "on", "off"]


def test_the_end_of_a_name_stands_for_a_parameter_if_it_is_clear(table: pd.DataFrame) -> None:
    sizes = table.assign(**{"machine.cache.size_bytes": MIB, "machine.slc.size_bytes": MIB})
    assert column(sizes, "slc.size_bytes") == "machine.slc.size_bytes"
    assert column(sizes, "memory_bytes") == "vm.memory_bytes"
    with pytest.raises(InputError, match=r"'size_bytes' can mean .*cache.* machine.slc.size_bytes"):
        column(sizes, "size_bytes")


def test_groups_by_a_part_of_a_machine_compare_runs_whose_other_parts_are_equal(
    write_run: WriteRun,
) -> None:
    for name, latency, size, time in (
        ("quad", 90, MIB, 1),
        ("quad:network.link_latency=160ns", 160, MIB, 2),
        ("quad:slc.size=4MiB", 90, 4 * MIB, 1),
    ):
        parts = {"network": {"link_latency_cycles": latency}, "slc": {"size_bytes": size}}
        config = {"arguments": {"machine": name}, "machine": parts}
        path = write_run(f"parts/{latency}-{size}", config=config, migration={"total-time": time})
    table = run_table(read_runs([path.parent], stats=False))
    by = ["machine.network.link_latency_cycles"]
    chosen, _ = comparable(table, by)
    assert set(chosen["machine.slc.size_bytes"]) == {MIB}
    summary = summarise(chosen, by=by, baseline="link_latency 45 ns")
    assert row(summary, "link_latency 80 ns")["ratio"] == pytest.approx(2)


def test_what_differs_with_the_groups_is_told(study: Path, table: pd.DataFrame) -> None:
    assert comparable(table, ["strategy"])[1] == ""
    assert comparable(table, ["vm.memory_bytes"])[1] == ""
    runs = read_runs([study], stats=False)
    for run in runs:
        if run.strategy == "ownership":
            run.config["arguments"]["horizon"] = 10**9
            run.config["vm"]["borrow"] = {"1": 0.5}
            run.config["workload"]["exponent"] = None  # another kind has no such parameter
    lent = run_table(runs)
    told = (
        "runs that differ in strategy also differ in horizon, vm.borrow.1, which can be the cause"
    )
    assert comparable(lent, ["strategy"])[1] == told
    # Under equal horizons the sizes are compared: these differ with the strategy, not with them.
    assert comparable(lent, ["vm.memory_bytes"])[1] == ""


def test_a_strategy_that_differs_with_the_groups_is_told(write_run: WriteRun) -> None:
    for name, rounds, limit in (("few", 1, 10**6), ("many", 9, 10**9)):
        run = write_run(
            f"runs/{name}",
            migration={"strategy": "pre-copy"},
            config={"strategy": {"max-rounds": rounds, "downtime-limit_ticks": limit}},
        )
    table = run_table(read_runs([run.parent], stats=False))
    told = "runs that differ in max-rounds also differ in downtime-limit, which can be the cause"
    assert comparable(table, ["strategy.max-rounds"])[1] == told


def test_groups_by_strategy_and_more_are_compared_with_the_first_strategy_at_the_same_values(
    table: pd.DataFrame,
) -> None:
    by = ["strategy", "vm.memory_bytes"]
    for summary in (summarise(table, by=by), summarise(table, by=by, baseline="ownership")):
        assert summary.attrs["baseline"] == "ownership of the same memory"
        copied = row(summary, "stop-and-copy memory 64 MiB")
        assert copied["baseline"] == "ownership memory 64 MiB"
        assert copied["ratio"] == pytest.approx(8)
        assert row(summary, "ownership memory 64 MiB")["ratio"] == 1
        assert list(texts(summary)[1].columns) == [
            "stop-and-copy memory 16 MiB",
            "stop-and-copy memory 64 MiB",
        ]
    lacking = table[~table["path"].str.contains("ownership-64")]
    assert set(summarise(lacking, by=by)["baseline"]) == {"ownership memory 16 MiB"}


def test_a_parameter_of_a_strategy_makes_groups_of_the_runs_that_have_it(
    write_run: WriteRun,
) -> None:
    for rounds, time in ((1, 0.001), (4, 0.003)):
        for size in (1, 2):
            path = write_run(
                f"rounds/{rounds}-{size}",
                migration={"strategy": "pre-copy", "total-time": time * size},
                config={
                    "arguments": {"strategy": f"pre-copy:max-rounds={rounds}"},
                    "vm": {"memory_bytes": size * MIB},
                    "strategy": {"max-rounds": rounds, "auto-converge": False},
                },
            )
    write_run("rounds/post", migration={"strategy": "post-copy"})
    table = run_table(read_runs([path.parent], stats=False))
    by = [column(table, "max-rounds")]
    assert by == ["strategy.max-rounds"]
    chosen, said = comparable(table, by)
    assert said == "1 of 5 runs are left out, as their strategy has no max-rounds"
    summary = summarise(chosen, by=by)
    assert list(dict.fromkeys(summary["group"])) == ["max-rounds 1", "max-rounds 4"]
    assert row(summary, "max-rounds 4")["ratio"] == pytest.approx(3)
    assert len(select(table, ["strategy=pre-copy"])) == 4
    assert len(select(table, "strategy=pre-copy:max-rounds=4")) == 2
    assert list(select(table, "strategy!=pre-copy")["strategy"]) == ["post-copy"]
    assert len(select(table, ["max-rounds>=2"])) == 2


def test_many_groups_that_do_not_fit_are_rows(table: pd.DataFrame) -> None:
    summary = summarise(table, by=["strategy", "vm.memory_bytes", "arguments.seed"])
    shown = texts(summary)
    assert fitted(*shown, width=1000).splitlines()[0].lstrip().startswith("ownership memory 16")
    lines = fitted(*shown, width=120).splitlines()
    assert max(map(len, lines)) <= 120
    assert lines[1].startswith("ownership memory 16 MiB seed 1 ")
    few = [each.iloc[:, :2] for each in shown]
    assert fitted(*few, width=70).splitlines()[1].startswith("bytes between nodes")


def test_an_unknown_baseline_and_equal_runs_are_told(table: pd.DataFrame) -> None:
    with pytest.raises(InputError, match=r"no group 'owner'.*; the groups are 'ownership', 'stop-"):
        summarise(table, baseline="owner")
    with pytest.raises(InputError, match="another run has the same parameters and seed"):
        summarise(pd.concat([table, table.iloc[:1]]))


@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        ("strategy=ownership", 4),
        ("strategy!=ownership", 4),
        ("memory_bytes=16MiB", 4),
        ("vm.memory_bytes > 16MiB", 4),
        ("memory_bytes<=64MiB", 8),
        ("seed=2", 4),
        ("total-time>=0.008", 3),
        ("total-time<2ms", 3),
        ("warmup=100us", 8),
        ("clock_period_ps=0.5ns", 8),
    ],
)
def test_runs_are_chosen_by_their_parameters(
    table: pd.DataFrame, condition: str, runs: int
) -> None:
    assert len(select(table, [condition])) == runs


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("link_latency=10ns", ["slow-20", "fast-40"]),
        ("link_latency!=10ns", ["slow-40"]),
        ("link_latency>10.1 ns", ["slow-40"]),
        ("link_latency=20 cycles", ["slow-20"]),
        ("link_latency<=20cycles", ["slow-20"]),
        ("link_latency>20", ["slow-40", "fast-40"]),
        ("link_bandwidth=64GB/s", ["slow-20", "slow-40", "fast-40"]),
        ("clock_period=250 ps", ["fast-40"]),
    ],
)
def test_a_parameter_in_cycles_is_known_by_its_time_too(
    write_run: WriteRun, condition: str, names: list[str]
) -> None:
    for name, period, latency in (("slow-20", 500, 20), ("slow-40", 500, 40), ("fast-40", 250, 40)):
        network = {"link_latency_cycles": latency, "link_bandwidth_bytes_per_second": 64e9}
        machine = {"clock_period_ps": period, "network": network}
        run = write_run(f"clocks/{name}", config={"machine": machine})
    table = run_table(read_runs([run.parent], stats=False))
    assert {Path(path).name for path in select(table, condition)["path"]} == set(names)
    groups = set(group_names(table, ["machine.network.link_latency_cycles"]))
    assert groups == {"link_latency 20 cycles", "link_latency 40 cycles"}  # of two clocks


@pytest.mark.parametrize(
    ("condition", "fault"),
    [
        ("seed", "write NAME=VALUE"),
        ("sed=1", r"no run has 'sed' \(did you mean 'seed'\?\)"),
        ("link_band=1", r"no run has 'link_band' \(did you mean 'link_bandwidth'\?\)"),
        ("strategy<ownership", "< compares numbers"),
        ("seed=7", "seed=7: no run is left; 'seed' is one of 1, 2"),
    ],
)
def test_a_condition_that_chooses_nothing_is_told(
    table: pd.DataFrame, condition: str, fault: str
) -> None:
    with pytest.raises(InputError, match=fault):
        select(table, [condition])


def test_values_of_one_name_are_alternatives_and_other_conditions_add_up(
    table: pd.DataFrame,
) -> None:
    both = select(table, ["seed=1", "seed=2", "strategy=ownership"])
    assert set(both["arguments.seed"]) == {1, 2}
    assert set(both["strategy"]) == {"ownership"}
    with pytest.raises(InputError, match="seed=7: no run is left; 'seed' is one of 1, 2"):
        select(table, ["seed=1", "seed=7"])
    with pytest.raises(InputError, match=r"seed=2: no run is left; 'seed' is one of 1$"):
        select(table, ["seed!=2", "seed=2"])


def test_a_short_name_must_mean_one_parameter() -> None:
    table = pd.DataFrame({"vm.size": [1], "machine.size": [2], "seed": [3]})
    assert column(table, "seed") == "seed"
    assert column(table, "vm.size") == "vm.size"
    with pytest.raises(InputError, match=r"'size' can mean vm\.size, machine\.size; name one"):
        column(table, "size")


def test_students_t_is_that_of_the_tables() -> None:
    # NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, 0.975.
    for freedom, value in ((1, 12.706), (9, 2.262), (30, 2.042), (31, 2.040), (40, 2.021)):
        assert student_t(freedom) == pytest.approx(value, abs=6e-4)
    assert student_t(100) == pytest.approx(1.984, abs=6e-4)
    steps = [student_t(freedom) for freedom in range(1, 200)]
    assert steps == sorted(steps, reverse=True)


def test_values_that_are_equal_up_to_rounding_have_an_interval_of_no_width() -> None:
    mean, low, high = interval(np.array([1902.0, math.nextafter(1902, 2000), 1902.0]))
    assert low == mean == high
    mean, low, high = interval(np.array([1902.0, 1902.0001, 1902.0]))
    assert low < mean < high
    assert interval(np.array([0.0, 0.0])) == (0, 0, 0)


def test_the_interval_is_the_textbooks() -> None:
    # Mean 3, standard deviation 1.5811, n = 5: 3 +- 2.776 * 0.7071.
    mean, low, high = interval(pd.Series([1.0, 2, 3, 4, 5]).to_numpy())
    assert (mean, low, high) == pytest.approx((3, 3 - 1.963, 3 + 1.963), abs=1e-3)
    assert math.isnan(interval(pd.Series([], dtype=float).to_numpy())[0])


def test_more_than_eight_runs_or_groups_asked_for_are_summed_up(
    study: Path, write_run: WriteRun, call: Call
) -> None:
    assert "ownership-16-1" in call(study)[1]  # eight stand side by side
    write_run("study/one-more", config={"arguments": {"seed": 3}})
    status, out, err = call(study, "--baseline", "ownership")
    assert status == 0
    assert "warning: 1 of 9 runs are left out, as not every group has one of each of their" in err
    assert out.startswith("8 runs over 2 seeds, vm-memory (2)\nratio: to ownership, geometric mean")
    status, out, err = call(
        study, "--where", "seed<3", "--by", "strategy", "--baseline", "ownership"
    )
    line = next(line for line in out.splitlines() if line.startswith("total time"))
    assert line.split() == ["total", "time", "[ms]", "1.5", "±", "6.4", "10", "±", "70",
                            "5.66x", "[0.0692,", "462]"]  # fmt: skip


def test_the_shown_table_is_written_as_markdown_and_latex(
    study: Path, tmp_path: Path, call: Call
) -> None:
    arguments = (study, "--where", "seed=1", "--by", "strategy", "-o")
    assert call(*arguments, tmp_path / "table.md")[0] == 0
    lines = (tmp_path / "table.md").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "|  | ownership | stop-and-copy | stop-and-copy (ratio) |"
    assert lines[1] == "| --- | ---: | ---: | ---: |"
    assert "| total time [ms] | 1.00 | 5.00 | 4.00x |" in lines
    assert call(*arguments, tmp_path / "table.tex")[0] == 0
    latex = (tmp_path / "table.tex").read_text(encoding="utf-8")
    assert latex.startswith("\\begin{tabular}{lrrr}\n\\toprule\n & ownership & stop-and-copy &")
    assert "total time [ms] & 1.00 & 5.00 & 4.00$\\times$ \\\\\n" in latex
    assert "local share before [\\%]" in latex
    assert "[accesses/\\textmu{}s]" in latex
    assert call(*arguments, tmp_path / "table.csv")[0] == 0
    data = pd.read_csv(tmp_path / "table.csv")
    assert row(data, "stop-and-copy")["ratio"] == pytest.approx(4)


def test_two_runs_are_written_as_markdown_as_they_are_shown(
    study: Path, tmp_path: Path, call: Call
) -> None:
    pair = (study / "ownership-16-1", study / "stop-and-copy-16-1")
    assert call(*pair, "-o", tmp_path / "table.md")[0] == 0
    text = (tmp_path / "table.md").read_text(encoding="utf-8")
    assert "| total time [ms] | 1.00 | 2.00 | 2.00x |" in text


def test_a_sweep_stands_for_the_runs_that_its_file_names(
    study: Path, tmp_path: Path, call: Call
) -> None:
    sweep = tmp_path / "sweep"
    (sweep / "runs").mkdir(parents=True)
    for run in study.iterdir():
        run.rename(sweep / "runs" / run.name)
    names = ["stop-and-copy-16-1", "ownership-16-1", "not-yet-done"]
    write_note(sweep, names)
    assert [run.path.name for run in read_runs([sweep])] == names[:2]
    status, out, err = call(sweep)
    assert status == 0
    assert out.startswith("2 runs\nratio: to stop-and-copy, geometric mean")
    assert err == (
        "compare.py: warning: 1 of 3 runs are missing; the same call of scripts/sweep.py makes "
        "them\n"
    )
    (sweep / "failed").mkdir()
    (sweep / "failed" / "not-yet-done.json").touch()
    assert call(sweep)[2].endswith(
        "1 of 3 runs are missing, 1 of them failed (its folder failed/ says why)\n"
    )


def test_a_sweep_without_a_run_that_is_done_is_told(tmp_path: Path, call: Call) -> None:
    sweep = tmp_path / "sweep"
    write_note(sweep, ["a", "b"])
    status, out, err = call(sweep)
    assert (status, out) == (2, "")
    missing = "2 of 2 runs are missing; the same call of scripts/sweep.py makes them"
    assert f"no run is done\n  {sweep}: {missing}\n" in err


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"runs": None}, "sweep.json: runs: missing or not a list"),
        ({"runs": [{"run": "a"}]}, "sweep.json: runs[0].options: missing or not an object"),
        ({"runs": ["a"]}, "sweep.json: runs[0].run: missing or not a text"),
        ({"file": 3, "name": None}, "sweep.json: name: missing or not a text"),
        ({"format": 2}, "sweep.json: format is 2, this version reads 5"),
    ],
)
def test_a_sweep_that_does_not_say_what_it_is_is_refused(
    tmp_path: Path, call: Call, changes: dict[str, Any], fault: str
) -> None:
    write_note(tmp_path / "sweep", [], **changes)
    status, _, err = call(tmp_path / "sweep")
    assert status == 2
    assert fault in err


def test_migrations_that_did_not_end_well_are_pointed_out(study: Path, call: Call) -> None:
    path = study / "ownership-64-2" / "migration.json"
    path.write_text(path.read_text().replace('"completed"', '"cancelled"'), encoding="utf-8")
    _, _, err = call(study, "--by", "strategy")
    assert (
        "1 of 8 migrations are not completed (cancelled: ownership); means are without them" in err
    )
    _, out, err = call(study, "--by", "strategy", "--where", "status=completed")
    assert "not completed" not in err
    assert "3 of 7 runs are left out" in err
    assert out.startswith("4 runs")


def test_migrations_of_other_vms_that_did_not_end_well_are_pointed_out(
    write_run: WriteRun, call: Call
) -> None:
    legs = [{"vm": 0}, {"vm": 1, "status": "cancelled"}]
    one = write_run("one", migration={"vms": [{}, {}], "migrations": legs})
    two = write_run("two", migration={"vms": [{}, {}], "migrations": legs[:1]})
    assert "in 1 of 2 runs another VM's migration is cancelled" in call(one, two)[2]
    assert "is cancelled" not in call(two)[2]
    legs = [{"vm": 0, "status": "cancelled"}]  # is told already
    alone = write_run("alone", migration={"status": "cancelled", "migrations": legs})
    assert "another" not in call(alone)[2]


def test_strategies_are_compared_at_the_same_value_of_a_parameter_that_they_share(
    write_run: WriteRun, call: Call
) -> None:
    for strategy in ("pre-copy", "hybrid"):
        for rate in (1, 2):
            path = write_run(
                f"rates/{strategy}-{rate}",
                migration={"strategy": strategy},
                config={
                    "arguments": {"strategy": f"{strategy}:max-bandwidth={rate}GB/s"},
                    "strategy": {"name": strategy, "max-bandwidth_bytes_per_second": rate * 1e9},
                },
            )
    _, out, err = call(path.parent, "--by", "strategy,max-bandwidth", "--baseline", "pre-copy")
    assert err == ""
    assert out.startswith("4 runs\nratio: to pre-copy of the same max-bandwidth,")
    assert "hybrid max-bandwidth 2 GB/s" in " ".join(out.split())
    _, out, _ = call(path.parent, "--by", "max-bandwidth")
    assert out.startswith("4 runs over strategy (2)")


def test_what_else_a_run_writes_makes_no_condition(write_run: WriteRun) -> None:
    for name, timeline in (("with", True), ("without", False)):
        window = {"start_ticks": 0} if timeline else None
        arguments = {"timeline": timeline, "timeline-messages": window}
        run = write_run(f"runs/{name}", config={"arguments": arguments})
    table = run_table(read_runs([run.parent], stats=False))
    assert condition_columns(table, ["strategy"]) == []


def test_what_is_borrowed_is_the_part_of_the_memory_that_all_lend(write_run: WriteRun) -> None:
    lent = {"2": 0.25, "3": 0.5}
    run = write_run("run", config={"vm": {"borrow": lent}, "arguments": {"borrow": lent}})
    assert list(run_table(read_runs([run], stats=False))["borrowed"]) == [0.75]


def test_times_of_strategies_are_compared_in_their_unit(write_run: WriteRun) -> None:
    for name, limit in (("short", 10**6), ("long", 10**9)):
        run = write_run(f"runs/{name}", config={"strategy": {"downtime-limit_ticks": limit}})
    table = run_table(read_runs([run.parent], stats=False))
    assert [Path(path).name for path in select(table, "downtime-limit=1ms")["path"]] == ["long"]
    assert [Path(path).name for path in select(table, "downtime-limit<1ms")["path"]] == ["short"]


@pytest.mark.parametrize(("own", "told"), [([20, 40], ""), ([20, 60], "pool.link_latency")])
def test_what_follows_from_a_parameter_is_no_other_cause(
    write_run: WriteRun, own: list[int], told: str
) -> None:
    """A pool's links have the latency of all others, unless it is given."""
    for latency, of_pool in zip((20, 40), own, strict=True):
        parts = {"network": latency, "pool": of_pool}
        machine = {name: {"link_latency_cycles": cycles} for name, cycles in parts.items()}
        run = write_run(f"follows/{latency}", config={"machine": machine})
    table = run_table(read_runs([run.parent], stats=False))
    table["link_latency"] = table["machine.network.link_latency_cycles"] * 500  # as figures have it
    _, sentence = comparable(table, ["link_latency"])
    assert (told in sentence) if told else not sentence
