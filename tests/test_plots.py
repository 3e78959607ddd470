# SPDX-License-Identifier: BSD-3-Clause
"""Does the figure show the data, legibly, and the same for the same data?"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import figure
import matplotlib as mpl
import migration_cost
import pandas as pd
import pytest
from calls import called
from conftest import WriteRun
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from homeshift.analysis.comparison import compare
from homeshift.analysis.runs import read_runs

SCRIPT = "plots/migration_cost.py"
STRATEGIES = (
    "stop-and-copy",
    "pre-copy",
    "post-copy",
    "hybrid",
    "ownership",
    "ownership+copy",
    "ownership+pull",
)


@pytest.fixture
def study(write_run: WriteRun) -> Callable[[int], list[Path]]:
    """Return a function that writes runs of `count` strategies; the last one costs nothing."""

    def write(count: int) -> list[Path]:
        chosen = STRATEGIES[: count - 1] + STRATEGIES[-1:]
        scales = [*(3.0 * 7**-step for step in range(count - 1)), 0.0]
        return [
            write_run(
                strategy,
                migration={
                    "strategy": strategy,
                    "total-time": 0.0012 * scale,
                    "downtime": 0.0003 * scale,
                    "interconnect": {"migration-bytes": int(18900000 * scale)},
                    "energy": {
                        "total": 0.0024 * scale,
                        "total-low": 0.0013 * scale,
                        "total-high": 0.0079 * scale,
                    },
                },
            )
            for strategy, scale in zip(chosen, scales, strict=True)
        ]

    return write


def draw(paths: list[Path], *, columns: int) -> Figure:
    """Return the figure, laid out as it is saved."""
    with mpl.rc_context(fname=figure.STYLE):
        data = migration_cost.figure_data(compare(read_runs(paths)))
        drawn: Figure = migration_cost.draw(data, columns=columns)
        FigureCanvasAgg(drawn).draw()  # type: ignore[no-untyped-call]
    return drawn


def save(data: pd.DataFrame, directory: Path) -> list[Path]:
    made: list[Path] = figure.save(
        lambda: migration_cost.draw(data, columns=2), data, directory, name="migration_cost"
    )
    return made


def test_the_script_writes_image_vector_and_data(
    study: Callable[[int], list[Path]], tmp_path: Path
) -> None:
    study(3)
    result = called(SCRIPT, tmp_path, "-o", tmp_path / "figures")
    assert result.returncode == 0
    names = [f"migration_cost.{suffix}" for suffix in ("png", "pdf", "csv")]
    paths = [tmp_path / "figures" / name for name in names]
    assert result.stdout.splitlines() == [str(path) for path in paths]
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == sorted(names)
    assert paths[0].read_bytes().startswith(b"\x89PNG")
    assert paths[1].read_bytes().startswith(b"%PDF")
    assert b"/Type3" not in paths[1].read_bytes()


def test_the_data_behind_the_figure_is_saved_in_si_units(
    study: Callable[[int], list[Path]], tmp_path: Path
) -> None:
    paths = study(2)
    data = migration_cost.figure_data(compare(read_runs(paths)))
    save(data, tmp_path / "figures")
    table = pd.read_csv(tmp_path / "figures" / "migration_cost.csv")
    assert len(table) == 8
    energy = table[(table["measure"] == "energy.total") & (table["label"] == "stop-and-copy")]
    assert energy[["value", "low", "high"]].values.tolist() == [
        pytest.approx([0.0072, 0.0039, 0.0237])
    ]
    assert list(energy["unit"]) == ["J"]


def test_equal_data_gives_equal_files(study: Callable[[int], list[Path]], tmp_path: Path) -> None:
    data = migration_cost.figure_data(compare(read_runs(study(3))))
    first = save(data, tmp_path / "a")
    second = save(data, tmp_path / "b")
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
        assert b"CreationDate" not in one.read_bytes()


@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("count", [1, 2, 7])
def test_no_text_overlaps_another_or_leaves_the_figure(
    study: Callable[[int], list[Path]], count: int, columns: int
) -> None:
    drawn = draw(study(count), columns=columns)
    boxes = []
    for axes in drawn.axes:
        ticks = [
            *axes.get_xticklabels(),
            *(axes.get_yticklabels() if axes.yaxis.get_tick_params()["labelleft"] else []),
        ]
        left, right = axes.get_xlim()
        shown = [
            text
            for text in ticks
            if text.get_text()
            and (text in axes.get_yticklabels() or left <= text.get_position()[0] <= right)
        ]
        boxes += [
            (text.get_text(), text.get_window_extent())
            for text in [*shown, *axes.texts, axes.title, axes.xaxis.label, axes._left_title]  # type: ignore[attr-defined]
            if text.get_text()
        ]
    if drawn.get_supxlabel():
        caption = drawn._supxlabel  # type: ignore[attr-defined]
        boxes.append((caption.get_text(), caption.get_window_extent()))
    assert len(boxes) > 12
    page = drawn.bbox
    for text, box in boxes:
        assert page.x0 <= box.x0, text
        assert box.x1 <= page.x1, text
        assert page.y0 <= box.y0, text
        assert box.y1 <= page.y1, text
    for (text, box), (other_text, other) in itertools.combinations(boxes, 2):
        across = min(box.x1, other.x1) - max(box.x0, other.x0)
        along = min(box.y1, other.y1) - max(box.y0, other.y0)
        assert across <= 0 or along <= 0, (text, other_text)


def test_values_that_span_more_than_a_decade_get_a_log_axis_that_says_so(
    write_run: WriteRun, ownership: dict[str, Any]
) -> None:
    drawn = draw([write_run("a"), write_run("b", migration=ownership)], columns=2)
    assert [axes.get_xscale() for axes in drawn.axes] == ["log"] * 4
    assert all("(log scale)" in axes.get_xlabel() for axes in drawn.axes)
    ownership["total-time"] = 0.0006
    drawn = draw([write_run("c"), write_run("d", migration=ownership)], columns=2)
    assert drawn.axes[1].get_xscale() == "linear"
    assert "log" not in drawn.axes[1].get_xlabel()
    assert drawn.axes[1].get_xlim()[0] == 0


def test_a_log_axis_of_two_powers_of_ten_has_no_numbers_between_them(write_run: WriteRun) -> None:
    times = {"a": 0.00021, "b": 0.0012, "c": 0.00222, "d": 0.0021}
    runs = [write_run(name, migration={"total-time": time}) for name, time in times.items()]
    axis = draw(runs, columns=2).axes[1].xaxis
    assert axis.get_label_text() == "ms (log scale)"
    assert not [label.get_text() for label in axis.get_minorticklabels() if label.get_text()]


def test_bars_and_their_numbers_show_the_values(write_run: WriteRun) -> None:
    drawn = draw([write_run("a")], columns=2)
    axes = drawn.axes[1]
    assert axes.get_xlabel() == "ms"
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([1.2])  # type: ignore[attr-defined]
    assert [text.get_text() for text in axes.texts] == ["1.20"]
    names = drawn.axes[0].get_yticklabels()
    assert [text.get_text() for text in names] == ["stop-and-copy"]


def test_energy_carries_its_range_as_an_error_bar(write_run: WriteRun) -> None:
    energy = draw([write_run("a")], columns=2).axes[3]
    (container,) = [c for c in energy.containers if hasattr(c, "has_xerr")]
    segment = container[2][0].get_segments()[0]
    assert [point[0] for point in segment] == pytest.approx([1.3, 7.9])


def test_the_figure_says_what_its_whiskers_are(write_run: WriteRun) -> None:
    run = write_run("a")
    energy = "whiskers of energy: all constants low to all constants high"
    assert draw([run], columns=1).get_supxlabel() == energy
    data = migration_cost.figure_data(compare(read_runs([run])))
    data.loc[data["measure"] == "downtime", "high"] *= 2
    confidence = "other whiskers: 95 % confidence over the seeds"
    assert migration_cost.draw(data, columns=1).get_supxlabel() == f"{energy}\n{confidence}"
    data["low"] = data["high"] = data["value"]
    assert migration_cost.draw(data, columns=1).get_supxlabel() == ""


def test_runs_with_several_seeds_are_summed_up_by_strategy(write_run: WriteRun) -> None:
    runs = [
        write_run(
            f"{strategy}-{seed}",
            config={"arguments": {"seed": seed}},
            migration={"strategy": strategy, "downtime": 0.001 * seed},
        )
        for strategy in ("pre-copy", "ownership")
        for seed in (1, 2)
    ]
    data = migration_cost.run_data(read_runs(runs))
    downtime = data[data["measure"] == "downtime"].set_index("label")
    assert sorted(downtime.index) == ["ownership", "pre-copy"]
    assert downtime["value"].tolist() == [0.0015, 0.0015]
    assert (downtime["low"] < 0.0015).all()
    caption = migration_cost.draw(data, columns=2).get_supxlabel()
    assert caption.startswith("means over 2 runs each\n")
    one = migration_cost.run_data(read_runs(runs[::2]))
    assert set(one["label"]) == {"pre-copy", "ownership"}
    assert (one["low"] <= one["value"]).all()


def test_a_study_in_which_everything_costs_nothing_is_drawn(
    study: Callable[[int], list[Path]],
) -> None:
    drawn = draw(study(1), columns=2)
    assert [text.get_text() for axes in drawn.axes for text in axes.texts] == ["0"] * 4
    assert [list(axes.get_xticks()) for axes in drawn.axes] == [[0]] * 4


def test_long_names_are_broken_and_leave_room_for_the_bars(write_run: WriteRun) -> None:
    runs = [
        write_run(
            f"{rounds}-{limit}",
            migration={"strategy": "pre-copy"},
            config={"strategy": {"downtime-limit_ticks": limit, "max-rounds": rounds}},
        )
        for rounds, limit in ((1, 10**6), (16, 10**6), (16, 2 * 10**6))
    ]
    name = "a-strategy-with-a-rather-long-and-telling-name"
    runs.append(write_run("a", migration={"strategy": name}))
    drawn = draw(runs, columns=1)
    names = [label.get_text() for label in drawn.axes[0].get_yticklabels()]
    assert names == [
        "pre-copy:\ndowntime-limit=1us,\nmax-rounds=1",
        "pre-copy:\ndowntime-limit=1us,\nmax-rounds=16",
        "pre-copy:\ndowntime-limit=2us,\nmax-rounds=16",
        "a-strategy-with-a-\nrather-long-and-telling-\nname",
    ]
    assert drawn.axes[0].get_position().width > 0.2
    boxes = [label.get_window_extent() for label in drawn.axes[0].get_yticklabels()]
    assert all(one.y0 > other.y1 for one, other in itertools.pairwise(boxes))
    titles = [axes._left_title.get_window_extent() for axes in drawn.axes[:2]]  # type: ignore[attr-defined]
    assert titles[0].x1 < titles[1].x0


def test_means_stand_in_the_order_of_the_documentation(write_run: WriteRun) -> None:
    runs = [
        write_run(
            f"{name}-{seed}", migration={"strategy": name}, config={"arguments": {"seed": seed}}
        )
        for name in ("ownership", "borrow", "post-copy", "stop-and-copy")
        for seed in (1, 2)
    ]
    data = migration_cost.run_data(read_runs(runs))
    order = ["stop-and-copy", "post-copy", "ownership", "borrow"]
    assert list(dict.fromkeys(data["label"])) == order


def test_what_the_runs_differ_in_and_whose_numbers_they_are_stands_below(
    write_run: WriteRun,
) -> None:
    owned = {"strategy": "ownership", "vms": [{}, {}]}
    runs = [
        write_run("copied", migration={"vms": [{}, {}]}),
        write_run("owned", migration=owned, config={"machine": {"nodes": 8}}),
    ]
    said = migration_cost.draw(migration_cost.run_data(read_runs(runs)), columns=2).get_supxlabel()
    assert "2 of 2 runs have several VMs: times, pages and accesses are those of the first" in said
    assert "the runs differ in more than their strategy: machine.nodes" in said


def test_a_missing_run_exits_with_status_2_and_writes_nothing(tmp_path: Path) -> None:
    result = called(SCRIPT, tmp_path / "none", "-o", tmp_path / "figures")
    assert result.returncode == 2
    assert "does not exist" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_figure_directory_that_is_a_file_is_refused(write_run: WriteRun, tmp_path: Path) -> None:
    (tmp_path / "figures").write_text("mine", encoding="utf-8")
    result = called(SCRIPT, write_run("a"), "-o", tmp_path / "figures")
    assert result.returncode == 2
    assert "cannot be written" in result.stderr


def test_where_one_file_cannot_be_written_no_file_is(write_run: WriteRun, tmp_path: Path) -> None:
    folder = tmp_path / "figures"
    (folder / "migration_cost.csv").mkdir(parents=True)
    result = called(SCRIPT, write_run("a"), "-o", folder)
    assert result.returncode == 2
    assert "migration_cost.csv' has a fault:\n  cannot be written" in result.stderr
    assert [path.name for path in folder.iterdir()] == ["migration_cost.csv"]
