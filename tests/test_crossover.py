# SPDX-License-Identifier: BSD-3-Clause
"""Leave it or move it: the crossing is where one computes it to be."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import leave_or_move
import pytest
from calls import called
from conftest import WriteRun

from homeshift.analysis.crossover import compare_courses
from homeshift.analysis.runs import read_run, read_runs
from homeshift.errors import InputError

SCRIPT = "plots/leave_or_move.py"
PAGES = 4096
MOVE, MISS = 500e-9, 4e-9  # joules, of a page that is moved and of a miss that is remote


def course(
    *, moves: bool, until: int = 100, scale: float = 1.0, standstill: float = 0.0
) -> list[dict[str, Any]]:
    """Return the progress of a VM with one miss a page and millisecond.

    When it moves its data it stands still at first, and spends energy; else each miss is remote.
    """
    points = []
    for millisecond in range(until + 1):
        time = millisecond * 1e-3
        work = max(0.0, time - standstill) * 1e6
        spent = (MOVE if moves else millisecond * MISS * scale) * PAGES * (millisecond > 0)
        points.append(
            {
                "time": time,
                "accesses": [int(work if moves else work / 2)],  # half as fast when it is remote
                "remote-accesses": [0 if moves else millisecond * PAGES],
                "migration-bytes": 0,
                "energy": {"total": spent, "total-low": spent / 2, "total-high": spent * 2},
            }
        )
    return points


Make = Callable[..., Path]


@pytest.fixture
def runs(write_run: WriteRun) -> Callable[..., tuple[Path, Path]]:
    def make(**changes: Any) -> tuple[Path, Path]:
        return (
            write_run(
                "ownership",
                migration={
                    "strategy": "ownership",
                    "total-time": 0.0,
                    "progress": course(moves=False),
                },
            ),
            write_run(
                "copy", migration={"total-time": 0.0, "progress": course(moves=True, **changes)}
            ),
        )

    return make


def test_energy_crosses_where_misses_cost_as_much_as_the_move(
    runs: Callable[..., tuple[Path, Path]],
) -> None:
    left, moved = map(read_run, runs(until=200))
    crossing = compare_courses(left, moved)
    assert math.isnan(crossing.at["energy"])  # 125 misses a page; the run has but 100
    cheap = {
        "progress": [
            {**p, "energy": {k: v / 2 for k, v in p["energy"].items()}} for p in course(moves=True)
        ]
    }
    moved.migration.update(cheap)
    assert compare_courses(left, moved).at["energy"] == pytest.approx(MOVE / 2 / MISS, rel=0.02)
    assert crossing.left == "ownership"
    assert crossing.moved == "stop-and-copy"


def test_time_crosses_where_the_standstill_is_made_good(
    runs: Callable[..., tuple[Path, Path]],
) -> None:
    """Twice as fast after 20 ms of standstill, it is level after 40 ms: 40 misses a page."""
    left, moved = map(read_run, runs(standstill=0.02))
    assert compare_courses(left, moved).at["time"] == pytest.approx(40, rel=0.03)


def test_what_is_always_better_pays_from_the_first_miss_on(
    runs: Callable[..., tuple[Path, Path]],
) -> None:
    left, moved = map(read_run, runs())
    assert compare_courses(left, moved).at["time"] == pytest.approx(0, abs=1)


def test_runs_without_a_course_or_of_another_vm_are_refused(write_run: WriteRun) -> None:
    run = read_run(write_run("plain"))
    with pytest.raises(InputError, match="no course"):
        compare_courses(run, run)
    with_course = {"progress": course(moves=True)}
    one = read_run(write_run("one", migration=with_course))
    other = read_run(write_run("other", migration={**with_course, "ram": {"total": 1 << 20}}))
    with pytest.raises(InputError, match="VMs of 4096 and 256 pages"):
        compare_courses(one, other)


def test_the_figure_is_drawn_and_says_where_moving_pays(
    runs: Callable[..., tuple[Path, Path]], tmp_path: Path
) -> None:
    left, moved = runs(standstill=0.02)
    result = called(SCRIPT, left, moved, "-o", tmp_path / "figures")
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == (
        "stop-and-copy pays, instead of ownership, not up to 100 misses a page for energy, "
        "from 40 on for time"
    )
    for suffix in ("png", "pdf", "csv"):
        assert (tmp_path / "figures" / f"leave_or_move.{suffix}").stat().st_size > 0


def test_a_run_that_is_not_there_is_told(tmp_path: Path) -> None:
    result = called(SCRIPT, "none", "none", "-o", tmp_path)
    assert result.returncode == 2
    assert "none: does not exist" in result.stderr


def test_the_strategy_that_leaves_data_can_be_named(
    runs: Callable[..., tuple[Path, Path]],
) -> None:
    left, moved = runs()
    found = read_runs([moved, left])
    [crossing] = leave_or_move.compared(found, left="ownership")
    assert (crossing.left, crossing.moved) == ("ownership", "stop-and-copy")
    for wrong in ("hybrid", "stop"):
        with pytest.raises(InputError, match="the runs are by stop-and-copy, ownership"):
            leave_or_move.compared(found, left=wrong)
    with pytest.raises(InputError, match="no access needs another node after the migration"):
        leave_or_move.compared(found, left="stop-and-copy")
    [by_default] = leave_or_move.compared(found)
    assert by_default.left == "ownership"
    with pytest.raises(InputError, match="name one strategy that leaves data, and others"):
        leave_or_move.compared(found[:1])


def test_what_pays_for_a_while_only_is_told(runs: Callable[..., tuple[Path, Path]]) -> None:
    left, moved = read_runs(runs())
    for point in moved.migration["progress"]:  # cheap at first, and dear at the end
        for name in point["energy"]:
            point["energy"][name] = 0.0 if point["time"] <= 0.02 else PAGES
    [crossing] = leave_or_move.compared([left, moved])
    assert (
        "pays, instead of ownership, only up to 40 misses a page for energy"
        in leave_or_move.text(crossing)
    )


def test_numbers_in_the_figure_stand_in_its_legend(runs: Callable[..., tuple[Path, Path]]) -> None:
    drawn = leave_or_move.draw(leave_or_move.compared(read_runs(runs(standstill=0.02))), columns=2)
    assert not any(axes.texts for axes in drawn.axes)
    labels = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert labels == ["ownership", "stop-and-copy (-, 40)"]
    assert "bands: all constants of the energy low to all of them high" in drawn.get_supxlabel()


def test_large_numbers_have_units_and_digits_for_people(
    runs: Callable[..., tuple[Path, Path]],
) -> None:
    found = leave_or_move.compared(read_runs(runs(standstill=0.02)))
    assert leave_or_move.draw(found, columns=2).axes[0].get_ylabel() == "nJ a page"
    for crossing in found:
        for name in crossing.data:
            crossing.data[name] *= 2035.0  # misses a page among them, of 100
    assert leave_or_move.draw(found, columns=2).axes[0].get_ylabel() == "\N{MICRO SIGN}J a page"
    assert "not up to 203,500 misses a page for energy" in leave_or_move.text(found[0])


def test_a_standstill_is_over_before_the_next_access(
    runs: Callable[..., tuple[Path, Path]],
) -> None:
    crossing = compare_courses(*map(read_run, runs(standstill=0.02)))
    assert crossing.data["moved_time"].iloc[0] == pytest.approx(0.02)


def test_runs_are_compared_as_far_as_both_have_got(
    runs: Callable[..., tuple[Path, Path]],
) -> None:
    data = compare_courses(*map(read_run, runs())).data
    assert data["accesses"].iloc[-1] == 50_000  # of the slower one


def test_the_range_of_the_energy_is_that_of_its_constants(
    runs: Callable[..., tuple[Path, Path]],
) -> None:
    data = compare_courses(*map(read_run, runs())).data
    for who in ("left", "moved"):
        energy = data[f"{who}_energy"].iloc[-1]
        assert energy > 0
        assert data[f"{who}_energy-low"].iloc[-1] == pytest.approx(energy / 2)
        assert data[f"{who}_energy-high"].iloc[-1] == pytest.approx(energy * 2)


def test_misses_are_counted_from_the_end_of_the_migration_on(
    runs: Callable[..., tuple[Path, Path]],
) -> None:
    left, moved = map(read_run, runs())
    left.migration["total-time"] = 0.02  # with 20 misses a page of the 100
    misses = compare_courses(left, moved).data["misses_per_page"]
    assert misses.min() == 0
    assert misses.iloc[-1] == pytest.approx(80)
