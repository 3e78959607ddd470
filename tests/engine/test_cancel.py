# SPDX-License-Identifier: BSD-3-Clause
"""A transfer of a home that is taken back: at any cycle, the region is whole, here or there."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from machines import LINE, MEMORY, PAGE, Taken, small, stop, streams, taken, wait_for
from watched import Watched

from homeshift._engine import System

COPIES = 6  # lines of the region that are cached when the transfer begins
LATEST = 120  # cycles after which a transfer of that region has long ended

# Everything that cancelling can bring about, as `machine.state.event`.
AT_THE_OLD_HOME = {
    "Directory.R_DRAIN.Cancel",
    "Directory.R_STOP.StopNow",
    "Directory.R_STOP.Stop",
    "Directory.R_SENT.Cancel",
    "Directory.R_BACK.XferDropped",
    "Directory.R_BACK.XferTooLate",
    "Directory.R_BACK.XferAck",
    "Directory.R_LATE.XferTooLate",
}
AT_THE_NEW_HOME = {
    "Directory.R_FIN.XferCancel",
    "Directory.NH.XferCancel",
    "Directory.R_ARR.XferCancel",
    "Directory.NH.XferAbort",
    "Directory.R_ARR.XferAbort",
    "Directory.R_ARR.XferAbort_Last",
    "Directory.R_DROP.XferEntry",
    "Directory.R_DROP.XferDone",
    "Directory.R_DROP.XferEntry_Last",
    "Directory.R_DROP.XferDone_Last",
}


def cached(copies: int = COPIES, **changes: Any) -> Watched:
    """Return a machine with a region of node 0 that cores of both nodes have copies of."""
    w = Watched(cache_bytes=1024, **changes)
    for number in range(copies):
        core = number % 4
        (w.store if number % 2 else w.load)(core, number * LINE)
    return w


def cancelled_after(cycles: int, w: Watched) -> int:
    """Begin a transfer to node 1, cancel it; return the region's home in the end."""
    job = w.system.transfer(0, [0], 1)
    w.system.run(cycles)
    w.system.cancel(job)
    wait_for(w.system, job)
    w.system.audit()
    counts = w.system.node_counts()[0]
    assert counts["regions_moved"] + counts["regions_kept"] == 1
    home = w.system.home_of(0)
    assert home == counts["regions_moved"]  # 0 or 1: where it is, and what was reported
    return home


def test_a_transfer_cancelled_at_once_leaves_the_region_where_it_was() -> None:
    w = cached()
    with w.watch():
        assert cancelled_after(0, w) == 0
    assert "Directory.NH.XferEntry" not in w.taken
    assert w.taken["DMA.MOVE.Cancel"] == 1


def test_a_cancel_that_comes_after_the_end_changes_nothing() -> None:
    w = cached()
    with w.watch():
        assert cancelled_after(LATEST, w) == 1
    assert not AT_THE_OLD_HOME & w.taken.keys()


def test_a_region_that_is_kept_has_its_records_and_one_that_moves_takes_them_along() -> None:
    homes = []
    for cycles in range(LATEST):
        w = cached()
        home = cancelled_after(cycles, w)
        homes.append(home)
        records = [node["directory_entries"] for node in w.system.node_counts()]
        assert records == [COPIES * (1 - home), COPIES * home]
        with w.watch():  # every copy is where it was
            for number in range(COPIES):
                w.load(number % 4, number * LINE)
        assert set(w.taken) <= {"L1Cache.E.Load", "L1Cache.M.Load"}
        with w.watch():  # and the home knows of it
            w.store(3, 0)
        assert w.taken["L1Cache.E.FwdGetM"] == 1
    assert homes == sorted(homes)  # once it is too late, it stays too late
    assert set(homes) == {0, 1}


def test_a_home_that_was_kept_can_be_moved_again_and_cancelled_again() -> None:
    w = cached()
    for cycles in (1, 5, 4, 2):
        assert cancelled_after(cycles, w) == 0
        w.system.reset_statistics()
    w.transfer(0, to=1)
    w.system.audit()
    assert w.system.home_of(0) == 1


def test_a_dma_that_did_not_ask_for_a_transfer_cannot_cancel_it() -> None:
    w = cached(nodes=3)
    with w.watch():
        job = w.system.transfer(0, [0], 1)
        w.system.run(8)
        w.system.forge(5, "Cancel", 0, home=0)
        wait_for(w.system, job)
    assert w.system.home_of(0) == 1
    assert w.system.forged_answers(5) == {"CancelAck": 1}
    assert sum(n for name, n in w.taken.items() if name.endswith("CancelNone")) == 1


def test_work_that_has_not_begun_is_forgotten() -> None:
    w = Watched(outstanding_transfers=2, outstanding_lines=2)
    jobs = (
        w.system.transfer(0, [page * PAGE for page in range(50)], 1),
        w.system.copy(0, [100 * PAGE], [101 * PAGE], PAGE),
    )
    for job in jobs:
        w.system.cancel(job)
    wait_for(w.system, *jobs)
    counts = w.system.node_counts()[0]
    assert counts["regions_kept"] == 2
    assert counts["regions_moved"] == 0
    assert counts["lines_copied"] == 2
    w.system.audit()


def covers(seen: Counter[str], cycles: range, **changes: Any) -> None:
    for after in cycles:
        w = cached(**changes)
        w.system.reset_statistics()
        cancelled_after(after, w)
        seen.update(taken(w.system))


def test_every_race_of_a_cancel_happens_and_ends_well() -> None:
    """Messages that overtake each other: so Done before entries, cancel before Done."""
    seen: Taken = Counter()
    covers(seen, range(0, 60, 3))
    for seed in range(40):
        covers(seen, range(0, 140, 3), jitter=60, jitter_seed=seed, copies=seed % 3 * 3)
    wanted = AT_THE_OLD_HOME | AT_THE_NEW_HOME
    assert wanted - seen.keys() == set()
    dma = {f"DMA.MOVE_C.{answer}" for answer in ("Moved", "Kept", "CancelAck")}
    dma |= {"DMA.MOVE_D.Moved", "DMA.MOVE_D.Kept", "DMA.CANCEL.CancelAck"}
    assert dma - seen.keys() == set()


@pytest.mark.parametrize("seed", range(12))
def test_a_vm_runs_on_with_right_data_while_its_homes_are_moved_and_kept(seed: int) -> None:
    pages = 6
    system = System(small(nodes=3, jitter=40 * (seed % 2), jitter_seed=seed, slc_bytes=256))
    frames = [page % 3 * MEMORY + page * PAGE for page in range(pages)]
    system.place_homes(frames, 0)
    vm = system.add_vm(frames, streams(2, vm_bytes=pages * PAGE, seed=seed))
    system.start_vm(vm, [0, 1])
    for step in range(120):
        job = system.transfer(0, frames, 1 + step % 2)
        system.run(1 + (step * 37 + seed) % 211)
        system.cancel(job)
        wait_for(system, job)
        away = [frame for frame in frames if system.home_of(frame) != 0]
        wait_for(system, system.transfer(0, away, 0))
        assert all(system.home_of(frame) == 0 for frame in frames)
    stop(system, vm)
    system.audit()
    counts = system.node_counts()[0]
    assert counts["regions_kept"] > 60
    assert counts["regions_moved"] > 60
    assert sum(v["loads"] + v["stores"] for v in system.vcpu_counts(vm)) > 1000
