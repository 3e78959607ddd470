# SPDX-License-Identifier: BSD-3-Clause
"""Do the figures over time and over parameters show what the runs' files say?"""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cost_over_time
import engine_agreement
import figure
import leave_or_move
import link_heatmap
import matplotlib as mpl
import migration_cost
import numpy as np
import pandas as pd
import progress
import pytest
import simulator_cost
import simulator_scaling
import time_by_parameter
import work_and_energy
from calls import ROOT, called, shown_help
from conftest import WriteRun, write_note
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from homeshift.analysis.runs import read_runs
from homeshift.errors import InputError, RunError
from homeshift.validation.agreement import observe

US = 1e-6


def point(us: float, accesses: int, remote: int, joules: float, busy: float) -> dict[str, Any]:
    """What had been counted so many us after the start of a migration."""
    return {
        "time": us * US,
        "accesses": [accesses],
        "remote-accesses": [remote],
        "migration-bytes": 0,
        "energy": {"total": joules},
        "links-busy": [busy * US, 0.0],
    }


LINKS = [{"source": 0, "target": 4}, {"source": 4, "target": 1}]
# 100 accesses/us before. The copying VM stands still for 10 us, then does 150/us; the one whose
# homes move does 80/us all the time, half of them remote.
COPIED = [point(0, 0, 0, 0, 0), point(10, 0, 0, 100, 10), point(50, 6000, 0, 100, 10)]
MOVED = [point(0, 0, 0, 0, 0), point(10, 800, 400, 10, 5), point(50, 4000, 2000, 210, 25)]


@pytest.fixture
def pair(write_run: WriteRun, ownership: dict[str, Any]) -> list[Path]:
    common = {"links": LINKS, "vm": {"accesses-per-microsecond": {"before": 100.0}}}
    moved = {**ownership, "progress": MOVED, **common, "total-time": 5 * US}
    copied = {"progress": COPIED, **common, "total-time": 10 * US}
    timed = {"arguments": {"horizon": 50 * 10**6}}
    return [
        write_run("moved", migration=moved, config=timed),
        write_run("copied", migration=copied, config=timed),
    ]


def drawn(module: Any, data: pd.DataFrame, *, columns: int = 2) -> Figure:
    with mpl.rc_context(fname=figure.STYLE):
        made: Figure = module.draw(data, columns=columns)
        FigureCanvasAgg(made).draw()  # type: ignore[no-untyped-call]
    return made


def test_progress_is_the_speed_in_each_span_relative_to_before(pair: list[Path]) -> None:
    data = progress.figure_data(read_runs(pair))
    assert list(dict.fromkeys(data["strategy"])) == ["stop-and-copy", "ownership"]
    spans = data[data["kind"] == "span"]
    speeds = spans.groupby("strategy")["speed"].apply(list)
    assert speeds["stop-and-copy"] == pytest.approx([0, 1.5])
    assert speeds["ownership"] == pytest.approx([0.8, 0.8])
    remote = spans.groupby("strategy")["remote"].apply(list)
    assert remote["ownership"] == pytest.approx([0.5, 0.5])
    assert pd.isna(remote["stop-and-copy"][0])  # it stood still: no accesses, no share
    speed = drawn(progress, data).axes[0]
    assert [line.get_label() for line in speed.lines[:2:2]] == ["stop-and-copy"]
    assert np.asarray(speed.lines[0].get_ydata()) == pytest.approx([0, 150])


def test_accesses_of_a_vm_that_hardly_runs_have_no_remote_share_that_scales_the_axis(
    write_run: WriteRun,
) -> None:
    # 20 accesses that were under way when the VM stopped: 2 % of what it does in 10 us.
    ending = [point(0, 0, 0, 0, 0), point(10, 20, 18, 100, 10), point(50, 6020, 618, 100, 10)]
    vm = {"accesses-per-microsecond": {"before": 100.0}}
    run = write_run("run", migration={"progress": ending, "links": LINKS, "vm": vm})
    data = progress.figure_data(read_runs([run]))
    assert list(data["remote"][data["kind"] == "span"].isna()) == [True, False]
    assert list(data["remote"])[1] == pytest.approx(0.1)
    assert drawn(progress, data).axes[1].get_ylim()[1] < 12


def test_of_several_vms_the_first_is_drawn(write_run: WriteRun) -> None:
    both = [
        {**seen, **{name: [*seen[name], 10**6] for name in ("accesses", "remote-accesses")}}
        for seen in MOVED
    ]
    vm = {"accesses-per-microsecond": {"before": 100.0}}
    run = write_run("run", migration={"progress": both, "links": LINKS, "vm": vm, "vms": [{}, {}]})
    data = progress.figure_data(read_runs([run]))
    assert list(data["speed"][data["kind"] == "span"]) == pytest.approx([0.8, 0.8])
    alone = write_run("alone", migration={"progress": MOVED, "links": LINKS, "vm": vm})
    assert progress.figure_data(read_runs([alone]))["remote"].equals(data["remote"])
    assert drawn(progress, data).get_supxlabel() == "several VMs: the first one is drawn"


def test_a_last_moment_has_no_speed_of_its_own(pair: list[Path]) -> None:
    [run] = read_runs(pair[:1])
    seen = [point(time, 80 * time, 40 * time, 0, 0) for time in (10, 20, 30)]
    run.migration["progress"] = [MOVED[0], *seen, point(30.2, 2500, 1200, 0, 0)]
    spans = [row[:3] for row in progress._spans(run)]
    assert [begin for begin, _, _ in spans] == pytest.approx([0, 10 * US, 20 * US])
    assert spans[-1] == pytest.approx((20 * US, 30.2 * US, 900 / 10.2 / 100))


def test_a_share_between_two_that_are_not_known_is_a_point(pair: list[Path]) -> None:
    [run] = read_runs(pair[:1])
    counts = (0, 0, 900, 900, 1800, 2700)
    run.migration["progress"] = [
        point(10 * place, count, count // 2, 0, 0) for place, count in enumerate(counts)
    ]
    data = progress.figure_data([run])
    points = [line for line in drawn(progress, data).axes[1].lines if line.get_marker() == "."]
    assert [np.asarray(line.get_xdata()).tolist() for line in points] == [pytest.approx([0.015])]


def test_costs_of_several_vms_say_whose_they_are(pair: list[Path]) -> None:
    runs = read_runs(pair)
    for run in runs:
        run.migration["vms"] = [{}, {}]
    said = "the accesses lost are those of the first one, the energy of all"
    assert said in drawn(cost_over_time, cost_over_time.figure_data(runs)).get_supxlabel()


def test_the_crossover_is_where_the_costs_meet(pair: list[Path]) -> None:
    data = cost_over_time.figure_data(read_runs(pair))
    # Lost: copied 1000 at 10 us, then -50/us; moved 20/us. 1000 - 50 (t - 10) = 20 t at 21.43 us.
    [(before, after, time, lost)] = cost_over_time.crossings(data, "lost")
    assert (before, after) == ("ownership", "stop-and-copy")
    assert time == pytest.approx(150 / 7 * US)
    assert lost == pytest.approx(20 * 150 / 7)
    # Energy: copied 100 J from 10 us on; moved 10 J + 5 J/us: 28 us.
    [(_, _, time, joules)] = cost_over_time.crossings(data, "energy")
    assert time == pytest.approx(28 * US)
    assert joules == pytest.approx(100)
    lines = drawn(cost_over_time, data).axes[0].lines
    # A second sign beside colours: dashes, or where there are none a marker here and there.
    assert [line.get_marker() for line in lines[:2]] == ["None", "D"]
    mark, explained = (line for line in lines if line.get_marker() == "o")
    assert np.asarray(mark.get_xdata()) == pytest.approx([150 / 7])
    looks = figure.looks(["ownership", "stop-and-copy"])
    two = [look.colour for look in looks.values()]
    assert [mark.get_markerfacecolor(), mark.get_markerfacecoloralt()] == two
    assert explained.get_label() == "moving has paid from here"


def test_costs_that_meet_at_a_point_of_the_course_have_met(pair: list[Path]) -> None:
    data = cost_over_time.figure_data(read_runs(pair))
    lost = [0.0, 1.0, 3.0, 0.0, 1.0, 2.0]
    level = data.assign(time=[0.0, 10.0, 50.0] * 2, lost=lost)  # equal at 0 s and at 10 s
    assert cost_over_time.crossings(level, "lost") == []
    level["lost"] = [0.0, 1.0, 3.0, 2.0, 1.0, 2.0]
    assert cost_over_time.crossings(level, "lost") == [("stop-and-copy", "ownership", 10.0, 1.0)]


@pytest.mark.parametrize("speed", [None, 0.0])
def test_a_run_that_has_no_speed_before_the_migration_is_told(
    speed: float | None, pair: list[Path]
) -> None:
    runs = read_runs(pair[1:])
    runs[0].migration["vm"]["accesses-per-microsecond"]["before"] = speed
    for module in (progress, cost_over_time):
        with pytest.raises(InputError, match=r"no access before the migration .* longer --window"):
            module.figure_data(runs)


def test_costs_that_never_meet_have_no_crossover(pair: list[Path]) -> None:
    data = cost_over_time.figure_data(read_runs(pair))
    cheap = data.assign(lost=data["lost"].where(data["strategy"] != "ownership", 0.0))
    assert cost_over_time.crossings(cheap[cheap["time"] <= 20 * US], "lost") == []


def test_costs_over_time_need_a_horizon(pair: list[Path]) -> None:
    runs = read_runs(pair)
    for run in runs:
        run.config["arguments"]["horizon"] = None
    with pytest.raises(InputError, match="over the same time; make them with a common --horizon"):
        cost_over_time.figure_data(runs)


def test_links_are_busy_in_the_span_in_which_they_were(pair: list[Path]) -> None:
    data = link_heatmap.figure_data(read_runs(pair))
    own = data[(data["strategy"] == "stop-and-copy") & (data["link"] == "0\N{RIGHTWARDS ARROW}H")]
    assert list(own["utilisation"]) == pytest.approx([1, 0])
    assert list(dict.fromkeys(data["link"])) == ["0→H", "H→1"]
    panels = [axes.get_title(loc="left") for axes in drawn(link_heatmap, data).axes]
    assert panels[:2] == ["stop-and-copy", "ownership"]


def test_long_names_are_not_on_each_other(pair: list[Path]) -> None:
    runs = [run for _ in range(4) for run in read_runs(pair[1:])]
    for rounds, run in enumerate(runs):
        run.migration["strategy"] = "pre-copy"
        run.config["strategy"] = {
            "max-rounds": rounds + 1,
            "downtime-limit_ticks": 10**6 * (rounds + 1),
        }
    made = drawn(link_heatmap, link_heatmap.figure_data(runs))
    titles = [axes._left_title.get_window_extent() for axes in made.axes[:4]]  # type: ignore[attr-defined]
    assert all(one.x1 < other.x0 for one, other in itertools.pairwise(titles))
    for rounds, run in enumerate(runs):
        run.config["strategy"] |= {f"a-parameter-{n}": rounds for n in range(4)}
    made = drawn(progress, progress.figure_data(runs), columns=1)
    assert made.legends[0].get_window_extent().x1 <= made.bbox.x1
    assert made.legends[0].get_window_extent().y0 > made.axes[0].get_window_extent().y1


def test_two_links_between_the_same_nodes_are_told_apart(write_run: WriteRun) -> None:
    ring = [{"source": 0, "target": 1}, {"source": 1, "target": 0}] * 2
    points = [
        {**point(us, us, 0, us, 0), "links-busy": [us * US * part for part in (1, 0.5, 0, 0.25)]}
        for us in (0, 10)
    ]
    run = write_run(
        "ring",
        migration={"links": ring, "progress": points},
        config={"machine": {"nodes": 2}},
    )
    data = link_heatmap.figure_data(read_runs([run]))
    assert list(data["link"]) == ["0→1 (1)", "1→0 (1)", "0→1 (2)", "1→0 (2)"]
    assert list(data["utilisation"]) == pytest.approx([1, 0.5, 0, 0.25])
    drawn(link_heatmap, data)


def test_an_engine_without_links_over_time_is_told(write_run: WriteRun) -> None:
    run = write_run("run", migration={"engine": "gem5", "links": [], "progress": []})
    with pytest.raises(InputError, match=r"no links over time \(engine 'gem5'\)"):
        link_heatmap.figure_data(read_runs([run]))


def test_runs_of_different_vms_are_not_drawn_over_one_time(write_run: WriteRun) -> None:
    larger = {"arguments": {"vm-memory": 1 << 20}}
    runs = [write_run("a"), write_run("b", config=larger)]
    with pytest.raises(InputError, match=r"differ in vm-memory; choose one .* by --where"):
        progress.figure_data(read_runs(runs))
    # Where each strategy has a VM of its own, the strategy does not explain it.
    runs[1] = write_run("c", config=larger, migration={"strategy": "ownership"})
    with pytest.raises(InputError, match=r"differ in vm-memory; choose one .* by --where"):
        progress.figure_data(read_runs(runs))


@pytest.fixture
def study(write_run: WriteRun) -> Path:
    """Two strategies, two sizes, two seeds; times are size * seed, times 10 for copies."""
    for strategy, factor in (("ownership", 1), ("stop-and-copy", 10)):
        for size in (16, 64):
            for seed in (1, 4):
                path = write_run(
                    f"study/{strategy}-{size}-{seed}",
                    migration={
                        "strategy": strategy,
                        "total-time": factor * size * seed * 1e-6,
                        "downtime": factor * 1e-6,
                        "interconnect": {"migration-bytes": factor * size * 1000},
                    },
                    config={
                        "vm": {"memory_bytes": size << 20},
                        "arguments": {"vm-memory": size << 20, "seed": seed},
                    },
                )
    return path.parent


def test_times_are_geometric_means_at_each_value_of_a_parameter(study: Path) -> None:
    data = time_by_parameter.figure_data(read_runs([study]))
    assert set(data["parameter"]) == {"vm.memory_bytes"}
    own = data[(data["measure"] == "total-time") & (data["strategy"] == "ownership")]
    assert list(own["x"]) == [16 << 20, 64 << 20]
    assert list(own["value"]) == pytest.approx([16 * 2e-6, 64 * 2e-6])  # sqrt(1 * 4) = 2
    # Seeds: 1 and 4, in logarithms log(2) apart from their mean; t for one degree is 12.706.
    assert list(own["high"] / own["value"]) == pytest.approx([2**12.706] * 2)
    assert list(own["low"] / own["value"]) == pytest.approx([2**-12.706] * 2)
    axes = drawn(time_by_parameter, data).axes[1]
    assert axes.get_xlabel() == "VM memory (MiB)"
    assert axes.get_yscale() == "log"
    assert np.asarray(axes.lines[0].get_xdata()).tolist() == [16, 64]
    told = "upright lines: 95 % confidence over the seeds; they may reach beyond the panel"
    assert axes.figure.get_supxlabel() == told
    one = [run for run in read_runs([study]) if run.config["arguments"]["seed"] == 1]
    assert drawn(time_by_parameter, time_by_parameter.figure_data(one)).get_supxlabel() == ""


def test_what_else_differs_with_a_parameter_is_told_and_one_value_is_no_axis(
    write_run: WriteRun,
) -> None:
    for kind, ratio, exponent in (("zipf", 0.1, 0.99), ("uniform", 0.6, None)):
        path = write_run(
            f"kinds/{kind}",
            config={
                "arguments": {"workload": f"{kind}:write_ratio={ratio}"},
                "workload": {"kind": kind, "write_ratio": ratio, "exponent": exponent},
            },
        )
    data = time_by_parameter.figure_data(read_runs([path.parent]))
    assert set(data["parameter"]) == {"workload.write_ratio"}
    told = "differ in strategy, workload.write_ratio also differ in workload.kind, which can be"
    assert told in drawn(time_by_parameter, data).get_supxlabel().replace("\n", " ")


def test_runs_that_have_no_value_of_a_parameter_are_told_and_are_no_group(
    write_run: WriteRun,
) -> None:
    for kind, exponent in (("zipf", 0.5), ("zipf", 0.99), ("uniform", None)):
        path = write_run(
            f"kinds/{kind}-{exponent}",
            config={
                "arguments": {"workload": f"{kind}:exponent={exponent}"},
                "workload": {"kind": kind, "exponent": exponent},
            },
        )
    data = time_by_parameter.figure_data(read_runs([path.parent]))
    assert set(data["parameter"]) == {"workload.exponent"}
    assert set(data["x"]) == {0.5, 0.99}
    told = "workload.exponent: 1 of 3 runs are left out, as they have none"
    assert data.attrs[figure.NOTES] == [told]
    assert told in drawn(time_by_parameter, data).get_supxlabel()


def test_a_latency_is_compared_between_machines_whose_other_parts_are_equal(
    write_run: WriteRun,
) -> None:
    for latency, size in itertools.product((90, 160), (1 << 20, 4 << 20)):
        name = f"quad:network.link_latency_cycles={latency},slc.size={size}"
        parts = {"network": {"link_latency_cycles": latency}, "slc": {"size_bytes": size}}
        config = {"arguments": {"machine": name}, "machine": parts}
        path = write_run(f"parts/{latency}-{size}", config=config)
    data = time_by_parameter.figure_data(read_runs([path.parent]))
    assert set(data["parameter"]) == {"link_latency"}
    assert data.attrs[figure.NOTES] == []


def test_parameters_can_be_chosen_and_one_must_vary(study: Path, write_run: WriteRun) -> None:
    data = time_by_parameter.figure_data(read_runs([study]), parameters=["seed"])
    assert set(data["parameter"]) == {"arguments.seed"}
    with pytest.raises(InputError, match="varies; name another by --x"):
        time_by_parameter.figure_data(read_runs([write_run("one")]))


def test_costs_of_many_runs_are_means_with_their_confidence(
    study: Path, write_run: WriteRun
) -> None:
    write_run("study/more", config={"arguments": {"seed": 7}})
    data = migration_cost.run_data(read_runs([study]))
    own = data[(data["measure"] == "total-time") & (data["label"] == "ownership")].iloc[0]
    assert own["value"] == pytest.approx(100e-6)  # seeds: 40 and 160 us
    assert own["high"] - own["value"] == pytest.approx(12.706 * 60e-6)
    drawn(migration_cost, data)


def test_figures_of_means_are_over_what_all_of_their_points_have(
    study: Path, write_run: WriteRun
) -> None:
    write_run("study/ownership-16-9", config={"arguments": {"seed": 9}})
    shutil.rmtree(study / "ownership-64-4")
    runs = read_runs([study])
    data = time_by_parameter.figure_data(runs)
    own = data[data["measure"] == "total-time"].set_index(["strategy", "x"])["value"]
    assert own["ownership", 16 << 20] == pytest.approx(16e-6)  # of seed 1, as at 64 MiB
    assert own["stop-and-copy", 64 << 20] == pytest.approx(640e-6)
    assert "vm.memory_bytes: 4 of 8 runs are left" in drawn(time_by_parameter, data).get_supxlabel()
    [note] = data.attrs[figure.NOTES]
    assert note.startswith("vm.memory_bytes: 4 of 8 runs are left out, as not every group has one")
    write_run("study/ownership-16-10", config={"arguments": {"seed": 10}})
    data = migration_cost.run_data(read_runs([study]))
    own = data[data["measure"] == "total-time"].set_index("label")["value"]
    assert own["stop-and-copy"] == pytest.approx(400e-6)  # at 16 MiB; 64 MiB lacks a seed
    assert own["ownership"] == pytest.approx(40e-6)
    [note] = data.attrs[figure.NOTES]
    assert note.startswith("5 of 9 runs are left out")
    assert "5 of 9 runs are left out" in drawn(migration_cost, data).get_supxlabel()


def test_what_a_figure_leaves_out_is_told(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(study / "ownership-64-4")
    assert time_by_parameter.main([str(study), "-o", str(tmp_path / "figures")]) == 0
    assert "time_by_parameter.py: warning: vm.memory_bytes: 3 of 7" in capsys.readouterr().err


def test_a_point_that_has_no_run_is_told_below_the_figure(study: Path) -> None:
    for seed in (1, 4):
        shutil.rmtree(study / f"ownership-64-{seed}")
    data = time_by_parameter.figure_data(read_runs([study]))
    told = "VM memory (MiB): there is no completed run of ownership at 64"
    assert told in data.attrs[figure.NOTES]
    assert told in drawn(time_by_parameter, data).get_supxlabel()


def test_agreement_compares_counts_with_recorded_ones(tmp_path: Path, write_run: WriteRun) -> None:
    run = write_run("case/embedded")
    stats = (run / "stats.txt").read_text(encoding="utf-8")
    name = "system.ruby.L1Cache_Controller.I.Load"
    (run / "stats.txt").write_text(
        stats.replace("\n\n---------- End", f"\n{name}::total 30 # d (Count)\n\n---------- End"),
        encoding="utf-8",
    )
    golden = tmp_path / "golden"
    golden.mkdir()
    recorded = {"transitions": {"L1Cache.I.Load": 20, "L1Cache.I.Store": 5}, "messages": {}}
    (golden / "case.json").write_text(json.dumps(recorded), encoding="utf-8")
    data = engine_agreement.figure_data(tmp_path, golden)
    rows = data.set_index("name")[["gem5", "embedded"]]
    assert list(rows.loc["L1Cache.I.Load"]) == [20, 30]
    assert list(rows.loc["L1Cache.I.Store"]) == [5, 0]
    axes = drawn(engine_agreement, data, columns=1).axes[0]
    assert np.sort(np.asarray(axes.lines[0].get_ydata())) == pytest.approx([-100, 50])
    assert axes.lines[0].get_label() == "transitions (0 of 2 equal)"
    recorded["transitions"] = {"L1Cache.I.Store": 0}
    (golden / "case.json").write_text(json.dumps(recorded), encoding="utf-8")
    axes = drawn(engine_agreement, engine_agreement.figure_data(tmp_path, golden)).axes[0]
    assert axes.lines[0].get_label() == "transitions (1 of 2 equal)"
    assert axes.get_xlabel() == "count in gem5 (none: upper left corner)"
    assert [0.5, 100] in np.asarray(axes.lines[0].get_xydata()).tolist()
    with pytest.raises(InputError, match=r"no CASE/embedded"):
        engine_agreement.figure_data(golden, golden)


def test_agreement_passes_over_nothing_that_it_cannot_read(write_run: WriteRun) -> None:
    stats = write_run("run") / "stats.txt"
    text = stats.read_text(encoding="utf-8")
    end = text.index("\n---------- End")
    stats.write_text(f"{text[:end]}numLoads lots # d (Count)\n{text[end:]}", encoding="utf-8")
    with pytest.raises(RunError, match=r"line \d+: not a statistic: 'numLoads lots # d \(Count\)'"):
        observe(stats.parent)
    stats.write_text(text[:end], encoding="utf-8")
    with pytest.raises(RunError, match="this dump has no end; the run was interrupted"):
        observe(stats.parent)


def test_the_speed_of_the_simulator_is_the_median_of_its_turns(tmp_path: Path) -> None:
    turns = [{"requests": 10**6 * n, "seconds": 2.0} for n in (1, 3, 8)]
    record = {
        "nodes": {"all-miss-4-nodes": 4, "all-miss-8-nodes": 8, "traces": 4},
        "cases": {"all-miss-4-nodes": turns, "all-miss-8-nodes": turns[:1], "traces": turns},
    }
    path = tmp_path / "speed.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    data = simulator_scaling.figure_data(path)
    assert data.to_dict("list") == {
        "case": ["all-miss", "all-miss"],
        "nodes": [4, 8],
        "rate": [1.5e6, 0.5e6],
        "low": [0.5e6, 0.5e6],
        "high": [4e6, 0.5e6],
    }
    drawn(simulator_scaling, data, columns=1)
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match=r"not written by throughput\.py"):
        simulator_scaling.figure_data(path)


def test_the_cost_of_a_simulation_is_shown_by_memory_by_accesses_and_of_one_of_each(
    tmp_path: Path,
) -> None:
    def point(series: str, x: float, seconds: float) -> dict[str, object]:
        counted = {"accesses": 10**6, "regions": 2 * 10**6}
        return {"series": series, "x": x, "setup_seconds": 1.0, "seconds": seconds, **counted}

    points = [
        *(point(f"{region} regions", x, 1 + x) for region in ("4KiB", "2MiB") for x in (1, 4)),
        *({**point("accesses", x, 1 + x), "accesses": x * 10} for x in (5, 50)),
        # A small run and one with twice as many regions and accesses.
        *(point("region by nodes", nodes, 5.0) for nodes in (2, 64)),
        *({**point("region by nodes", nodes, 9.0), "regions": 4 * 10**6} for nodes in (2, 64)),
        *(point("access by nodes", nodes, 4.0) for nodes in (2, 64)),
        *({**point("access by nodes", nodes, 7.0), "accesses": 2 * 10**6} for nodes in (2, 64)),
    ]
    path = tmp_path / "scale.json"
    path.write_text(json.dumps({"points": points}), encoding="utf-8")
    data = simulator_cost.figure_data(path)
    by_memory, by_accesses, by_nodes = drawn(simulator_cost, data, columns=2).axes
    assert np.array_equal(by_memory.lines[0].get_ydata(), [2, 5])
    assert np.array_equal(by_accesses.lines[0].get_xdata(), [50, 500])
    assert np.array_equal(by_accesses.lines[0].get_ydata(), [5, 50])  # without the set-up
    assert np.array_equal(by_accesses.lines[1].get_ydata(), [5, 50])  # what is linear
    assert by_accesses.get_ylabel() == "CPU time without the set-up (s)"
    region, access = (np.asarray(line.get_ydata()) for line in by_nodes.lines)
    assert region == pytest.approx([2, 2])  # microseconds
    assert access == pytest.approx([3, 3])
    path.write_text(json.dumps({"points": points[:4]}), encoding="utf-8")
    with pytest.raises(InputError, match="nothing of access by nodes, accesses, region by nodes"):
        simulator_cost.figure_data(path)
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match=r"not written by scale\.py"):
        simulator_cost.figure_data(path)


@pytest.mark.parametrize("name", ["progress", "cost_over_time", "link_heatmap"])
def test_equal_runs_give_equal_files_with_text_that_stays_text(
    name: str, pair: Sequence[Path], tmp_path: Path
) -> None:
    for folder in ("a", "b"):
        result = called(f"plots/{name}.py", *pair, "-o", tmp_path / folder)
        assert (result.returncode, result.stderr) == (0, "")
        assert len(result.stdout.splitlines()) == 3
    for suffix in ("png", "pdf", "csv"):
        one, other = ((tmp_path / folder / f"{name}.{suffix}").read_bytes() for folder in "ab")
        assert one == other
    pdf = (tmp_path / "a" / f"{name}.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert b"/Type3" not in pdf


def test_what_a_sweep_lacks_is_told(
    pair: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = tmp_path / "sweep"
    (sweep / "runs").mkdir(parents=True)
    for run in pair:
        run.rename(sweep / "runs" / run.name)
    names = [*(run.name for run in pair), "not-yet-done"]
    write_note(sweep, names)
    assert progress.main([str(sweep), "-o", str(tmp_path / "figures")]) == 0
    assert capsys.readouterr().err == (
        "progress.py: warning: 1 of 3 runs are missing; the same call of scripts/sweep.py makes "
        "them\n"
    )


def test_every_strategy_has_a_look_of_its_own() -> None:
    from homeshift.strategies import LENDING, STRATEGIES

    looks = figure.looks(STRATEGIES | LENDING)
    assert len({one.colour for one in looks.values()}) == len(STRATEGIES | LENDING)
    assert len({(str(one.dashes), one.marker) for one in looks.values()}) == len(looks)
    [parameters] = figure.looks(["pre-copy:max-rounds=3"]).values()
    assert parameters == looks["pre-copy"]


def test_what_a_strategy_does_is_known_of_all() -> None:
    from homeshift.analysis.traits import BUILT_IN
    from homeshift.strategies import LENDING, STRATEGIES

    assert list(BUILT_IN) == list(STRATEGIES | LENDING)


def test_strategies_of_ones_own_do_not_look_alike() -> None:
    looks = figure.looks(["own-a", "own-b", "ownership"])
    assert figure.looks(["own-b", "own-a"]) == {name: looks[name] for name in ("own-a", "own-b")}
    assert len({str(look.dashes) for look in looks.values()}) == 3
    assert len({(one.colour, one.marker) for one in looks.values()}) == 3
    names = ("own-a", "ownership-of-mine", "ownership:x=1", "pre-copy")
    assert [migration_cost._colour(name) for name in names] == [
        migration_cost._OTHER,
        migration_cost._OTHER,
        migration_cost._OURS,
        migration_cost._KNOWN,
    ]
    assert {migration_cost._colour(name) for name in ("borrow", "return")} == {migration_cost._OURS}


def test_a_parameter_of_words_is_no_axis(pair: list[Path]) -> None:
    for name in ("strategy", "kind"):
        with pytest.raises(InputError, match="no numbers to draw on"):
            time_by_parameter.figure_data(read_runs(pair), parameters=[name])


def test_parameters_of_one_strategy_do_not_look_alike() -> None:
    looks = figure.looks([f"pre-copy:max-rounds={n}" for n in range(6)])
    for sign in ("colour", "dashes", "marker"):
        assert len({str(getattr(look, sign)) for look in looks.values()}) == 6
    assert [figure._shade("#E69F00", part) for part in (-0.5, 0, 0.5)] == [
        "#735000",
        "#E69F00",
        "#F2CF80",
    ]


def test_a_migration_that_did_not_complete_is_told_and_marked(
    pair: list[Path], write_run: WriteRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pair[0] / "migration.json").write_text(
        (pair[0] / "migration.json").read_text().replace('"completed"', '"cancelled"')
    )
    where = ["-o", str(tmp_path / "figures")]
    for module in (progress, migration_cost):
        assert module.main([*map(str, pair), *where]) == 0
        said = "1 of 2 migrations are not completed (cancelled: ownership); means are without them"
        assert f"warning: {said}" in capsys.readouterr().err
    assert "ownership (cancelled)" in set(progress.figure_data(read_runs(pair))["strategy"])
    assert "ownership (cancelled)" in set(migration_cost.run_data(read_runs(pair))["label"])
    other = write_run("other", migration={"strategy": "hybrid"}, config={"machine": {"nodes": 8}})
    assert migration_cost.main([str(pair[1]), str(other), *where]) == 0
    assert (
        "differ in more than their strategy: machine.nodes, --horizon\n" in capsys.readouterr().err
    )
    assert progress.main([*map(str, pair), "--where", "status=completed", *where]) == 0
    assert capsys.readouterr().err == ""


def test_times_in_which_the_vm_stands_still_are_known_from_the_phases(
    pair: list[Path],
) -> None:
    data = progress.figure_data(read_runs(pair[1:]))
    [pause] = data[data["kind"] == "pause"].to_dict("records")
    assert (pause["start"], pause["end"], pause["speed"]) == (0.0, 1.2e-3, 0.0)
    _, _, still = drawn(progress, data).axes
    [bar] = still.patches
    assert bar.get_extents().width > 0
    assert "points: means of up to 40.0 \N{MICRO SIGN}s" in still.get_xlabel()


def test_times_in_which_the_vm_stands_still_do_not_cover_each_other(pair: list[Path]) -> None:
    data = progress.figure_data(read_runs(pair))
    moved = data[data["strategy"] == "ownership"].assign(strategy="pre-copy")
    made = drawn(progress, pd.concat([data, moved]), columns=1)
    speed, remote, still = made.axes
    assert not speed.patches
    assert not remote.patches
    bars = [bar.get_window_extent() for bar in still.patches]
    assert len(bars) == len(data[data["kind"] == "pause"]) + 1 == 3
    assert not any(a.overlaps(b) for a, b in itertools.combinations(bars, 2))
    assert all(still.bbox.contains(bar.x0, bar.y0) for bar in bars)


def test_without_a_pause_there_is_no_row_for_it(pair: list[Path]) -> None:
    data = progress.figure_data(read_runs(pair))
    assert len(drawn(progress, data[data["kind"] == "span"]).axes) == 2


def test_a_vm_that_is_called_off_or_lost_stands_still_for_so_long(pair: list[Path]) -> None:
    [run] = read_runs(pair[1:])
    leg = run.migration["migrations"][0]
    start = leg["start"]
    leg["phases"] = [
        {"name": "pause", "start": start, "end": start + 10},
        {"name": "cancel", "start": start + 10**8, "end": start + 10**9},
    ]
    [pause] = progress._pauses(run)
    assert pause == (0.0, 1e-4)
    leg["phases"] = [{"name": "recover", "start": start + 10**8, "end": start + 10**9}]
    run.migration["interruption"] = {"lost": {"pages": 1}}
    [pause] = progress._pauses(run)
    assert pause == (1e-4, run.migration["progress"][-1]["time"])


def test_measures_can_be_chosen_and_what_is_not_drawn_is_told(study: Path) -> None:
    runs = read_runs([study])
    with pytest.raises(InputError, match=r"measure 'downtim'.*\n.*did you mean 'downtime'"):
        time_by_parameter.figure_data(runs, measures=["downtim"])
    with pytest.raises(InputError, match=r"all energy: not all runs have it; .* with a --horizon"):
        time_by_parameter.figure_data(runs, measures=["all energy"])
    # One of the two seeds of a point is 0, or not known: there is no such point.
    runs[0].migration["copied-pages"] = 0
    runs[2].migration["vm"]["local-share"]["after"] = None
    measures = ["bytes between nodes", "copied-pages", "local share after", "copied-pages"]
    data = time_by_parameter.figure_data(runs, measures=measures)
    points = data.groupby("measure").size().to_dict()
    assert points == {
        "interconnect.migration-bytes": 4,
        "copied-pages": 3,
        "vm.local-share.after": 3,
    }
    one, other = data.attrs[figure.NOTES]
    assert one.startswith("copied pages: 1 of 4 points are not drawn, as it is not above 0")
    assert other.startswith("local share after: 1 of 4 points are not drawn, as it is not known")
    made = drawn(time_by_parameter, data)
    assert made.axes[0].get_ylabel() == "bytes between nodes\n(KiB, log scale)"
    assert "copied pages: 1 of 4 points" in made.get_supxlabel()


def test_a_migration_that_did_not_complete_is_no_point_nor_one_that_moved(
    study: Path, pair: list[Path]
) -> None:
    runs = read_runs([study])
    runs[0].migration["status"] = "cancelled"
    data = time_by_parameter.figure_data(runs)
    assert "1 of 8 migrations are not completed" in drawn(time_by_parameter, data).get_supxlabel()
    own = data[(data["measure"] == "total-time") & (data["strategy"] == "ownership")]
    assert list(own["value"]) == pytest.approx([16 * 4e-6, 64 * 4e-6])  # of the seed that all have
    two = read_runs(pair)
    two[1].migration["status"] = "cancelled"
    with pytest.raises(InputError, match="name one strategy that leaves data, and others"):
        leave_or_move.compared(two)
    assert cost_over_time.crossings(cost_over_time.figure_data(two), "lost") == []


def test_one_that_was_cancelled_can_stand_beside_one_that_was_not(pair: list[Path]) -> None:
    runs = [*read_runs(pair), *read_runs(pair)]
    runs[3].migration["status"] = "cancelled"
    runs[3].config["arguments"]["cancel-at"] = 20_000_000
    assert [label for label, _ in figure.one_of_each(runs[1:])] == [
        "stop-and-copy",
        "stop-and-copy (cancelled)",
        "ownership",
    ]
    runs[1].migration["status"] = "cancelled"
    runs[1].config["arguments"]["cancel-at"] = 10_000_000
    with pytest.raises(InputError, match="the runs differ in cancel-at; choose one value"):
        figure.one_of_each(runs)


def test_runs_over_time_are_of_one_seed_where_all_have_one_and_say_so(
    write_run: WriteRun,
) -> None:
    runs = {
        (strategy, seed): write_run(
            f"seeds/{strategy}-{seed}",
            migration={
                "strategy": strategy,
                "progress": MOVED,
                "links": LINKS,
                "vm": {"accesses-per-microsecond": {"before": 100.0}},
            },
            config={"arguments": {"seed": seed, "horizon": 10**9}},
        )
        for strategy, seed in (("ownership", 1), ("ownership", 2), ("stop-and-copy", 2))
    }
    found = read_runs(list(runs.values()))
    each = figure.one_of_each(found)
    assert [run.config["arguments"]["seed"] for _, run in each] == [2, 2]
    said = "seed 2 of 2 seeds is shown"
    for module in (progress, cost_over_time, link_heatmap):
        assert said in module.figure_data(found).attrs[figure.CAPTION]
        assert said in drawn(module, module.figure_data(found)).get_supxlabel()
    other = read_runs([runs["ownership", 1], runs["stop-and-copy", 2]])
    [said] = figure.seeds_shown(figure.one_of_each(other), other)
    assert said.startswith("strategies have different seeds")
    assert figure.seeds_shown(each[:1], [each[0][1]]) == []


def test_the_speed_before_is_told_where_strategies_do_not_share_it(write_run: WriteRun) -> None:
    runs = [
        write_run(
            strategy,
            migration={
                "strategy": strategy,
                "progress": MOVED,
                "links": LINKS,
                "vm": {"accesses-per-microsecond": {"before": before}},
            },
        )
        for strategy, before in (("ownership", 1500.0), ("static-homes", 300.0))
    ]
    told = "not equally fast before: 100 % is 300 to 1500 \N{MICRO SIGN}"
    [said] = progress.figure_data(read_runs(runs)).attrs[figure.CAPTION]
    assert said == told.replace("\N{MICRO SIGN}", "accesses/\N{MICRO SIGN}s")


def test_a_measure_that_can_be_negative_has_an_axis_that_goes_there(study: Path) -> None:
    runs = read_runs([study])
    for sign, run in zip((-1, 1) * len(runs), runs, strict=False):
        run.config["arguments"]["horizon"] = 10**9
        run.migration["window"] = {"accesses-lost": 1000.0 * sign}
    data = time_by_parameter.figure_data(runs, measures=["window.accesses-lost"])
    assert len(data) == 4
    assert set(data["value"]) <= {-1000.0, 0.0, 1000.0}
    assert drawn(time_by_parameter, data).axes[0].get_yscale() == "linear"


def test_times_and_parameters_of_strategies_are_axes(write_run: WriteRun) -> None:
    for rounds in (1, 2, 16):
        path = write_run(
            f"rounds/{rounds}",
            migration={"strategy": "pre-copy"},
            config={
                "arguments": {
                    "strategy": f"pre-copy:max-rounds={rounds}",
                    "cancel-at": rounds * 10**7,
                },
                "strategy": {"max-rounds": rounds},
            },
        )
    runs = read_runs([path.parent])
    data = time_by_parameter.figure_data(runs, parameters=["max-rounds"])
    assert set(data["strategy"]) == {"pre-copy"}
    assert list(data["x"][:3]) == [1, 2, 16]
    for run in runs:
        run.config["strategy"]["max-rounds"] = 1
    data = time_by_parameter.figure_data(runs, parameters=["cancel-at"])
    axes = drawn(time_by_parameter, data).axes[-1]
    assert axes.get_xlabel() == "cancel-at"
    assert [text.get_text() for text in axes.get_xticklabels()] == ["10us", "20us", "160us"]


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.2), (20.0, 95.0), (2.0, 800.0), (1.0, 1e6)])
def test_numbers_of_a_logarithmic_axis_do_not_overlap(
    low: float, high: float, write_run: WriteRun
) -> None:
    for place, time in enumerate((low, high)):
        path = write_run(
            f"log/{place}",
            migration={"total-time": time * 1e-6, "downtime": time * 1e-6},
            config={"workload": {"write_ratio": place / 2}},
        )
    data = time_by_parameter.figure_data(read_runs([path.parent]))
    axes = drawn(time_by_parameter, data).axes[0]
    bottom, top = axes.get_ylim()
    boxes = [
        text.get_window_extent()
        for text in axes.get_yticklabels()
        if bottom <= text.get_position()[1] <= top
    ]
    assert len(boxes) >= 2
    assert all(one.y1 < other.y0 for one, other in itertools.pairwise(boxes))


def test_large_and_small_counts_of_an_axis_are_written_alike(write_run: WriteRun) -> None:
    for place, done in enumerate((400_000, 3_000_000)):
        path = write_run(
            f"counts/{place}",
            migration={"window": {"accesses": done}},
            config={"workload": {"write_ratio": place / 2}, "arguments": {"horizon": 10**9}},
        )
    data = time_by_parameter.figure_data(read_runs([path.parent]), measures=["accesses done"])
    texts = {text.get_text() for text in drawn(time_by_parameter, data).axes[0].get_yticklabels()}
    assert {"500,000", "1,000,000"} <= texts


def test_an_axis_that_is_logarithmic_in_part_says_so() -> None:
    data = work_and_energy.figure_data(ROOT / "docs" / "study.csv")
    with mpl.rc_context(fname=figure.STYLE):
        made = work_and_energy.draw(data, ["speed"], columns=2)
    assert made.axes[1].get_yscale() == "symlog"
    assert made.axes[1].get_ylabel().endswith("vs. ownership (%, log above 100)")


def test_what_is_no_table_of_the_study_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = (ROOT / "docs" / "study.csv").read_text(encoding="utf-8").splitlines()
    for text, fault in (
        ("a,b\n1,2\n1,2,3\n", "is no table: "),
        ("", "is no table: "),
        ("a,b\n1,2\n", "was not written by scripts/study.py: strategy"),
        ("\n".join(study[:3]), "was not written by scripts/study.py: no run of "),
    ):
        path = tmp_path / "table.csv"
        path.write_text(text, encoding="utf-8")
        assert work_and_energy.main([str(path), "-o", str(tmp_path / "figures")]) == 2
        assert fault in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(path.name for path in ROOT.glob("plots/[!f]*.py")))
def test_help_is_shown_without_importing_matplotlib(name: str) -> None:
    said, imported = shown_help(f"plots/{name}")
    assert "--outdir" in said
    assert "matplotlib" not in imported
    assert "pandas" not in imported
