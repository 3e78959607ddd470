# SPDX-License-Identifier: BSD-3-Clause
"""A strategy that asks for what cannot be, or ends too early, fails the run and is told why."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

import pytest
from experiments import KIB, machine_of, run

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
    yield base.MoveCpuState(vm, to=1)
    yield base.Resume(vm, on=1)


def moved(vm: base.Vm, *, on: int = 1, missing: Any = ()) -> Iterator[base.Operation]:
    yield base.Pause(vm)
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
    "names a page that is not of the VM, which has the pages 0 to 15": lambda _: iter(
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


def test_a_strategy_that_stays_has_to_do_something(monkeypatch: pytest.MonkeyPatch) -> None:
    class Idle(Faulty):
        stays = True

    monkeypatch.setattr("experiments.strategy_named", lambda _: Idle(lambda _: iter([])))
    with pytest.raises(RunError, match=r"^strategy faulty does nothing$"):
        run(machine_of("quad"), "faulty", memory_bytes=64 * KIB, borrow={2: 0.5})
