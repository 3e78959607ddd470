# SPDX-License-Identifier: BSD-3-Clause
"""A strategy that asks for what cannot be, or ends too early, fails the run and is told why."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pytest
from experiments import KIB, MICROSECOND, machine_of, run

from homeshift.errors import RunError
from homeshift.strategies import base


def endless() -> Iterator[base.Operation]:
    while True:
        yield base.Watch(0)


def running_copy(vm: base.Vm, *, log: bool) -> Iterator[base.Operation]:
    if log:
        vm.take_dirty_log()
    yield base.Copy(vm.pages, to=1)
    yield base.Pause(vm)
    yield base.MoveStage2Table(vm, to=1)
    yield base.MoveCpuState(vm, to=1)
    yield base.Resume(vm, on=1)


def moved(vm: base.Vm, *, on: Any = 1, missing: Any = ()) -> Iterator[base.Operation]:
    yield base.Pause(vm)
    yield base.MoveStage2Table(vm, to=1)
    yield base.MoveCpuState(vm, to=1)
    yield base.Resume(vm, on=on, missing=missing)


FAULTS: dict[str, Callable[[base.Vm], Iterator[Any]]] = {
    "yields 'pause', which is no operation": lambda _: iter(["pause"]),
    "pauses the VM, which stands still already": lambda vm: iter([base.Pause(vm)] * 2),
    "fetches 2 pages that the VM does not miss, so that it may write them meanwhile": (
        lambda vm: chain(moved(vm, missing=[3]), [base.Fetch([3, 4, 5], to=1)])
    ),
    "resumes the VM, which runs": lambda vm: iter([base.Resume(vm, on=1)]),
    "resumes the VM on node 2, and is to bring it to node 1": lambda vm: moved(vm, on=2),
    "watches the VM for -5 ticks": lambda _: iter([base.Watch(-5)]),
    "lets vCPUs sleep for 100 % of the time": lambda vm: iter([base.Throttle(vm, 100, 10**6)]),
    "moves something to node 99, which the machine does not have": lambda vm: iter(
        [base.Transfer(vm.regions, to=99)]
    ),
    "moves something to node -1, which the machine does not have": lambda vm: iter(
        [base.MoveCpuState(vm, to=-1)]
    ),
    "moves something to node '1', which is no whole number": lambda vm: iter(
        [base.Transfer(vm.regions, to="1")]  # type: ignore[arg-type]
    ),
    "names None in place of a list of regions": lambda _: iter(
        [base.Transfer(None, to=1)]  # type: ignore[arg-type]
    ),
    "names pages by float, which is no whole number": lambda _: iter(
        [base.Copy([1, 1.5], to=1)]  # type: ignore[list-item]
    ),
    "moves the state of vCPUs that run": lambda vm: iter([base.MoveCpuState(vm, to=1)]),
    "resumes the VM on node 1, where the state of its vCPUs has not been moved": lambda vm: iter(
        [base.Pause(vm), base.Resume(vm, on=1)]
    ),
    "copies pages of a running VM without its dirty log, and so will miss what is written "
    "meanwhile: call vm.take_dirty_log() before, which starts the log": lambda vm: running_copy(
        vm, log=False
    ),
    "resumes the VM with copies of 7 pages that have been written since, page 0 first: copy what "
    "vm.take_dirty_log() names when it is paused": lambda vm: running_copy(vm, log=True),
    "yields 10,000 operations, and no time passes": lambda _: endless(),
    "names page 16, which is not of the VM: it has the pages 0 to 15": lambda _: iter(
        [base.Copy([3, 16], to=1)]
    ),
    "copies with '1GB/s', which is no number of bytes per second": lambda _: iter(
        [base.Fetch([1], to=1, max_bandwidth="1GB/s")]  # type: ignore[arg-type]
    ),
    "gives 0.5 as ticks, which is no whole number": lambda _: iter(
        [base.Watch(0.5)]  # type: ignore[arg-type]
    ),
    "names a page twice": lambda _: iter([base.Pull([3, 4, 3], to=1)]),
    "transfers a region twice": lambda vm: iter(
        [base.Transfer([vm.regions[0]] * len(vm.regions), to=1)]
    ),
    "resumes the VM on node '1', which is no whole number": lambda vm: moved(vm, on="1"),
    "resumes the VM on node 1, where its page table has not been moved: yield "
    "MoveStage2Table(vm, to=1) before, or run with --stage2-entry 0B": lambda vm: iter(
        [base.Pause(vm), base.MoveCpuState(vm, to=1), base.Resume(vm, on=1)]
    ),
    "yields a Pause of something else than its VM: give it the `vm` that migrate(vm, target) is "
    "called with": lambda _: iter([base.Pause(None)]),  # type: ignore[arg-type]
    "lets vCPUs sleep in slices of 0 ticks: give 1 to 2^60": lambda vm: iter(
        [base.Throttle(vm, 50, 0)]
    ),
    "copies with 1e-09 B/s: give 1 or more, or 0 for what the machine can do": lambda vm: iter(
        [base.Pause(vm), base.Copy(vm.pages, to=1, max_bandwidth=1e-9)]
    ),
    "names pages by float64, which is no whole number": lambda _: iter(
        [base.Copy(np.zeros(2), to=1)]  # type: ignore[arg-type]
    ),
    "names array([[0]]) in place of a list of pages": lambda _: iter(
        [base.Copy(np.array([[0]]), to=1)]  # type: ignore[arg-type]
    ),
    "yields nothing": lambda _: None,  # type: ignore[dict-item, return-value]
    "ends without a VM at the target": lambda vm: iter([base.Pause(vm)]),
    "ends with 3 pages still missing": lambda vm: moved(vm, missing=[1, 2, 3]),
}


NO_REGIONS: dict[str, Callable[[base.Vm], Sequence[int]]] = {
    "of others": lambda vm: [1 << 20] * len(vm.regions),
    "below all memory": lambda _: [-1],
    "a region's length below all memory": lambda _: [-4 * KIB],
    "beyond all memory": lambda _: [1 << 45],
    "pages": lambda vm: vm.pages,
    "within regions": lambda vm: [region + 7 for region in vm.regions],
    "within one": lambda _: [12345, 7],
}


class Faulty(base.Strategy):
    """Has one of these faults."""

    name = "faulty"

    def __init__(self, operations: Callable[[base.Vm], Iterator[Any]]) -> None:
        self.operations = operations

    def migrate(self, vm: base.Vm, target: int) -> Iterator[base.Operation]:  # noqa: ARG002
        return self.operations(vm)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_strategy_is_told(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.strategy_named", lambda _: Faulty(FAULTS[fault]))
    with pytest.raises(RunError, match=f"^strategy faulty {re.escape(fault)}$"):
        run(machine_of("quad"), "faulty", memory_bytes=64 * KIB)


@pytest.mark.parametrize("which", NO_REGIONS)
def test_what_is_no_region_is_not_transferred(which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def transfer(vm: base.Vm) -> Iterator[base.Operation]:
        yield base.Transfer(NO_REGIONS[which](vm), to=1)
        yield from moved(vm)

    monkeypatch.setattr("experiments.strategy_named", lambda _: Faulty(transfer))
    fault = (
        "strategy faulty transfers a region that is not of the VM: give some of vm.regions, or "
        "vm.regions_of(pages)"
    )
    with pytest.raises(RunError, match=f"^{re.escape(fault)}$"):
        run(machine_of("quad"), "faulty", memory_bytes=64 * KIB)


NOT_ASKED: dict[str, Callable[[base.Vm], object]] = {
    "vm.pages_on(): names node 4, and the machine has the nodes 0 to 3": lambda vm: vm.pages_on(4),
    "vm.pages_off(): names node -1, and the machine has": lambda vm: vm.pages_off(-1),
    "vm.regions_on(): names node '0', and the machine has": lambda vm: vm.regions_on(
        "0"  # type: ignore[arg-type]
    ),
    "vm.pages_off(): names page 300, which is not of the VM: it has the pages 0 to 15": (
        lambda vm: vm.pages_off(1, [3, 300])
    ),
    "vm.pages_off(): names pages by str, which is no whole number": lambda vm: vm.pages_off(
        1,
        ["3"],  # type: ignore[list-item]
    ),
    "vm.pages_off(): names 3 in place of a list of pages": lambda vm: vm.pages_off(
        1,
        3,  # type: ignore[arg-type]
    ),
    "vm.pages_off(): names array(3) in place of a list of pages": lambda vm: vm.pages_off(
        1,
        np.array(3),
    ),
    "vm.regions_of(): names None in place of a list of pages": lambda vm: vm.regions_of(
        None  # type: ignore[arg-type]
    ),
    "vm.regions_of(): names pages by float, which is no whole number": lambda vm: vm.regions_of(
        page / 2  # type: ignore[misc]
        for page in vm.pages
    ),
    "vm.sample(): -1 is not a number of accesses: give 1 or more, or 0": lambda vm: vm.sample(-1),
    "vm.sample(): '4' is not a number of accesses": lambda vm: vm.sample(
        "4"  # type: ignore[arg-type]
    ),
}


@pytest.mark.parametrize("fault", NOT_ASKED)
def test_a_question_about_what_is_not_there_is_told(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(vm: base.Vm) -> Iterator[base.Operation]:
        NOT_ASKED[fault](vm)
        yield from moved(vm)

    monkeypatch.setattr("experiments.strategy_named", lambda _: Faulty(ask))
    with pytest.raises(RunError, match=f"^{re.escape(fault)}"):
        run(machine_of("quad"), "faulty", memory_bytes=64 * KIB)


def test_without_a_page_table_none_has_to_be_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    def state_only(vm: base.Vm) -> Iterator[base.Operation]:
        yield base.Pause(vm)
        yield base.MoveCpuState(vm, to=1)
        yield base.Resume(vm, on=1)

    monkeypatch.setattr("experiments.strategy_named", lambda _: Faulty(state_only))
    run(machine_of("quad"), "faulty", stage2_entry_bytes=0)


def numpys(vm: base.Vm) -> Iterator[base.Operation]:
    """Yield operations with numpy's numbers in all places."""
    whole: Any = np.int64
    one: Any = np.int8(1)
    slow: Any = np.float32(1e9)
    pages: Any = np.array(vm.pages)
    regions: Any = np.array(vm.regions)
    vm.sample(one)
    vm.take_dirty_log()
    yield base.Throttle(vm, 20 * one, whole(10**6))
    yield base.Watch(whole(MICROSECOND))
    yield base.Copy(pages[:4], to=one, max_bandwidth=slow)
    yield base.Transfer(regions, to=one)
    yield base.MoveStage2Table(vm, to=one)
    yield base.Pause(vm)
    yield base.Copy(pages[:4], to=one)
    yield base.Copy(pages[:0], to=one)
    yield base.MoveCpuState(vm, to=one)
    yield base.Resume(vm, on=one, missing=pages[8:])
    yield base.Fetch(pages[8:], one, 2 * one, whole(10**9))
    yield base.Pull(vm.pages_off(one, pages), to=one)
    yield base.Pull(set(), to=one)  # type: ignore[arg-type]
    yield base.Return(vm)


def test_numbers_may_be_numpys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.strategy_named", lambda _: Faulty(numpys))
    summary = run(machine_of("quad"), "faulty", memory_bytes=64 * KIB).summary
    assert summary["copied-pages"] == 4 + 4 + 8 + 4
    assert json.dumps(summary)


def test_a_bandwidth_of_numpys_is_not_rounded(monkeypatch: pytest.MonkeyPatch) -> None:
    def times(rate: float) -> float:
        def copy(vm: base.Vm) -> Iterator[base.Operation]:
            first, *others = moved(vm)
            yield from [first, base.Copy(vm.pages[:4], to=1, max_bandwidth=rate), *others]

        monkeypatch.setattr("experiments.strategy_named", lambda _: Faulty(copy))
        return float(run(machine_of("quad"), "faulty").summary["total-time"])

    slow: Any = np.float32(3e6)
    assert times(slow) == times(3e6)


def test_pages_may_be_in_a_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def pull(vm: base.Vm) -> Iterator[base.Operation]:
        yield from moved(vm)
        yield base.Pull(set(vm.pages), to=1)  # type: ignore[arg-type]

    monkeypatch.setattr("experiments.strategy_named", lambda _: Faulty(pull))
    assert run(machine_of("quad"), "faulty").summary["copied-pages"] == 16


def test_a_strategy_that_stays_has_to_do_something(monkeypatch: pytest.MonkeyPatch) -> None:
    class Idle(Faulty):
        stays = True

    monkeypatch.setattr("experiments.strategy_named", lambda _: Idle(lambda _: iter([])))
    with pytest.raises(RunError, match=r"^strategy faulty does nothing$"):
        run(machine_of("quad"), "faulty", memory_bytes=64 * KIB, borrow={2: 0.5})


def test_a_strategy_may_ask_for_much_if_time_passes_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def often(vm: base.Vm) -> Iterator[base.Operation]:
        for _ in range(3):
            yield from [base.Watch(0)] * 4000
            yield base.Watch(1000)
        yield from moved(vm)

    monkeypatch.setattr("experiments.strategy_named", lambda _: Faulty(often))
    assert run(machine_of("tiny"), "faulty", memory_bytes=64 * KIB).summary["status"] == "completed"
