# SPDX-License-Identifier: BSD-3-Clause
"""A migration that is cancelled, or whose target fails: at every phase, and at any moment.

Every run verifies all loads and, in the end, the directories; a home that is not back where it was
fails the run.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import pytest
from experiments import KIB, MICROSECOND, machine_of, run

from homeshift.engines.embedded import EmbeddedEngine
from homeshift.errors import InputError, RunError
from homeshift.experiment.interruption import CANCEL, TARGET_FAILURE, Interruption
from homeshift.experiment.planned_vms import PlannedVm
from homeshift.experiment.vm import VmSpec
from homeshift.strategies import (
    LENDING,
    STRATEGIES,
    Cancel,
    Copy,
    MoveCpuState,
    MoveStage2Table,
    Operation,
    Pause,
    Resume,
    Strategy,
    Transfer,
    base,
    strategy_named,
)
from homeshift.units import TICKS_PER_SECOND
from homeshift.workload import parse_workload

STATUS = {CANCEL: "cancelled", TARGET_FAILURE: "failed"}
MOMENTS = 24  # of each strategy and kind
VM: dict[str, Any] = {"memory_bytes": 48 * KIB, "borrow": {2: 0.25, 3: 0.25}}
WORKLOAD = "uniform:write_ratio=0.4,think=20"
MACHINE = "quad"


def interrupted(strategy: str, kind: str | None, after: int = 0) -> dict[str, Any]:
    interruption = Interruption(kind, after) if kind else None
    return run(_machine(), strategy, WORKLOAD, interruption=interruption, **VM).summary


@cache
def _machine() -> Any:
    return machine_of(MACHINE)


@cache
def undisturbed(strategy: str) -> dict[str, Any]:
    return interrupted(strategy, None)


def switch(strategy: str) -> int:
    """Return when the VM is resumed at the target, in ticks from the start of the migration."""
    migration = undisturbed(strategy)["migrations"][0]
    ends = (phase["end"] for phase in migration["phases"] if phase["name"] == "resume")
    return int(next(ends)) - int(migration["start"])


def total(strategy: str) -> int:
    return int(undisturbed(strategy)["total-time"] * TICKS_PER_SECOND)


def examine(summary: dict[str, Any], kind: str, *, switched: bool) -> None:
    """Check what must be true of any interrupted migration."""
    interruption, after = summary["interruption"], summary["vm"]["accesses-per-microsecond"]
    if not switched:
        assert summary["status"] == STATUS[kind]
        assert interruption["outcome"] == "nothing is lost: the VM runs on at node 0"
        assert interruption["lost"] is None
        assert after["after"] > 0.5 * after["before"]
        assert summary["ram"]["remaining"] == summary["ram"]["total"]
    elif kind == CANCEL:
        assert summary["status"] == "completed"
        assert interruption["outcome"].startswith("too late")
        assert after["after"] > 0
    else:
        assert summary["status"] == "failed"
        assert interruption["outcome"].startswith("the VM is lost: node 1, which failed")
        assert interruption["lost"]["vcpus"] == 2
        pages = interruption["lost"]["pages"] + interruption["lost"]["pages-elsewhere"]
        assert pages == VM["memory_bytes"] // (4 * KIB)
        assert after["after"] < 0.1 * after["before"]
        stopped = interruption["after"]
        assert summary["downtime"] >= summary["window"]["time"] - stopped  # to the very end
        assert summary["downtime"] == summary["migrations"][0]["downtime"]


@pytest.mark.parametrize("kind", [CANCEL, TARGET_FAILURE])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_in_the_middle_of_every_phase(strategy: str, kind: str) -> None:
    migration = undisturbed(strategy)["migrations"][0]
    middles = [
        (phase["start"] + phase["end"]) // 2 - migration["start"]
        for phase in migration["phases"]
        if phase["end"] > phase["start"]
    ]
    assert len(middles) >= 2
    for moment in middles:
        examine(interrupted(strategy, kind, moment), kind, switched=moment >= switch(strategy))


@pytest.mark.parametrize("kind", [CANCEL, TARGET_FAILURE])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_at_random_moments(strategy: str, kind: str) -> None:
    draw = random.Random(f"{strategy} {kind}")
    for _ in range(MOMENTS):
        moment = draw.randrange(total(strategy))
        if draw.randrange(4):  # mostly while it can be called off
            moment = draw.randrange(switch(strategy))
        examine(interrupted(strategy, kind, moment), kind, switched=moment >= switch(strategy))


@pytest.mark.parametrize("strategy", LENDING)
def test_lending_is_called_off_too(strategy: str) -> None:
    kept = []
    for moment in range(0, total(strategy), max(1, total(strategy) // 25)):
        summary = interrupted(strategy, CANCEL, moment)
        assert summary["status"] == "cancelled"
        speed = summary["vm"]["accesses-per-microsecond"]
        assert speed["after"] > 0.5 * speed["before"]
        kept.append(summary["interruption"]["regions-brought-back"])
    assert kept[0] == 0 < kept[-1]


@pytest.mark.parametrize("kind", [CANCEL, TARGET_FAILURE])
def test_what_comes_after_the_end_changes_nothing(kind: str) -> None:
    summary = interrupted("ownership", kind, total("ownership") + 10**6)
    assert summary.pop("interruption")["outcome"] == "the migration had ended"
    assert summary == undisturbed("ownership")


def test_homes_that_had_moved_are_brought_back() -> None:
    for moment, homes in ((0, 0), (switch("ownership") - 1, VM["memory_bytes"] // (4 * KIB))):
        summary = interrupted("ownership", CANCEL, moment)
        assert summary["interruption"]["regions-brought-back"] == homes
        assert summary["home"]["regions-transferred"] == homes
        assert summary["interruption"]["after"] == moment / TICKS_PER_SECOND


def test_the_sources_engine_brings_homes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    transfer = EmbeddedEngine.transfer

    def note(
        engine: EmbeddedEngine, regions: Sequence[int], new_home: int, *, node: int, owner: int
    ) -> int:
        asked.append((new_home, node))
        return transfer(engine, regions, new_home, node=node, owner=owner)

    moment = switch("ownership") - 1
    monkeypatch.setattr(EmbeddedEngine, "transfer", note)
    interrupted("ownership", TARGET_FAILURE, moment)
    assert asked == [(1, 0), (0, 0)]  # there, and back


def test_a_vm_that_was_throttled_is_let_go_again() -> None:
    options = "max-bandwidth=1GB/s,downtime-limit=1ns,max-rounds=40,auto-converge=on"
    strategy = f"pre-copy:{options}"
    fast = "stream:stride=4KiB,write_ratio=1,shared=0,footprint=1,think=4096"
    vm: dict[str, Any] = {"memory_bytes": 128 * KIB, "vcpus": 1, "window": 200 * MICROSECOND}
    leg = run(_machine(), strategy, fast, **vm).summary["migrations"][0]
    moment = [p["end"] for p in leg["phases"] if p["name"] == "throttle"][-1] - leg["start"]
    interruption = Interruption(CANCEL, moment + MICROSECOND)
    summary = run(_machine(), strategy, fast, interruption=interruption, **vm).summary
    assert summary["status"] == "cancelled"
    assert summary["cpu-throttle-percentage"] >= 40
    speed = summary["vm"]["accesses-per-microsecond"]
    assert speed["after"] == pytest.approx(speed["before"], rel=0.05)


def test_a_target_fails_in_time_though_the_strategy_watches_the_vm() -> None:
    moment = switch("ownership+pull") + 10 * MICROSECOND  # of the 50 us that it watches
    leg = interrupted("ownership+pull", TARGET_FAILURE, moment)["migrations"][0]
    assert [phase["name"] for phase in leg["phases"][-2:]] == ["watch", "recover"]
    assert 0 <= leg["phases"][-1]["start"] - leg["start"] - moment < 1000


def test_homes_that_moved_count_though_not_all_come_back() -> None:
    """Some of the regions that have been pulled from have been given back by then."""

    def pulled(interruption: Interruption | None) -> dict[str, Any]:
        return run(
            _machine(),
            "ownership+pull:sample-every=1,remote-share=0,period=5us,max-periods=3",
            "uniform:write_ratio=0.4,think=0,footprint=1",
            interruption=interruption,
            **VM,
        ).summary

    leg = pulled(None)["migrations"][0]
    [back] = [phase for phase in leg["phases"] if phase["name"] == "return"]
    moment = back["start"] + (back["end"] - back["start"]) * 3 // 5 - leg["start"]
    summary = pulled(Interruption(TARGET_FAILURE, moment))
    assert 0 < summary["interruption"]["regions-brought-back"] < 12
    assert summary["home"]["regions-transferred"] == 12


def test_what_is_lost_is_what_the_target_had() -> None:
    """All has been copied, and what was borrowed is being given back."""
    moment = (switch("stop-and-copy") + total("stop-and-copy")) // 2
    interruption = interrupted("stop-and-copy", TARGET_FAILURE, moment)["interruption"]
    assert interruption["lost"] == {"vcpus": 2, "pages": 12, "pages-elsewhere": 0}
    assert "its 2 vCPUs' state and 12 of its 12 pages" in interruption["outcome"]


def test_homes_of_a_transfer_that_is_broken_off_have_moved_and_come_back() -> None:
    [transfer] = [p for p in undisturbed("ownership")["phases"] if p["name"] == "transfer"]
    summary = interrupted("ownership", CANCEL, (transfer["end"] - transfer["start"]) // 4)
    back = summary["interruption"]["regions-brought-back"]
    assert 0 < back < VM["memory_bytes"] // (4 * KIB)
    assert summary["home"]["regions-transferred"] == back


def test_homes_that_do_not_come_back_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    transfer = EmbeddedEngine.transfer

    def one_way(
        engine: EmbeddedEngine, regions: Sequence[int], new_home: int, *, node: int, owner: int
    ) -> int:
        left = [] if new_home == 0 else regions
        return transfer(engine, left, new_home, node=node, owner=owner)

    moment = switch("ownership") - 1
    monkeypatch.setattr(EmbeddedEngine, "transfer", one_way)
    with pytest.raises(RunError, match="called off, but 12 homes are not back"):
        interrupted("ownership", CANCEL, moment)


@pytest.mark.parametrize("strategy", ["stop-and-copy", "pre-copy"])
def test_only_pages_that_have_been_copied_count_as_copied(strategy: str) -> None:
    copy = next(
        phase
        for phase in undisturbed(strategy)["migrations"][0]["phases"]
        if phase["name"] == "copy"
    )
    pages = VM["memory_bytes"] // (4 * KIB)
    for share in (0.25, 0.5, 0.75):
        moment = int((copy["end"] - copy["start"]) * share) + copy["start"]
        summary = interrupted(
            strategy, CANCEL, moment - undisturbed(strategy)["migrations"][0]["start"]
        )
        assert abs(summary["copied-pages"] - share * pages) <= 2
        assert summary["ram"]["normal"] == summary["copied-pages"]


def test_a_vm_that_goes_on_from_node_to_node_stays_where_the_cancel_meets_it() -> None:
    whole = run(_machine(), "ownership", targets=(1, 2, 3), **VM).summary
    first, second, _ = whole["migrations"]
    moment = second["start"] - first["start"] + 200_000
    summary = run(
        _machine(), "ownership", targets=(1, 2, 3), interruption=Interruption(CANCEL, moment), **VM
    ).summary
    assert summary["status"] == "cancelled"
    assert [leg["target"] for leg in summary["migrations"]] == [1, 2]


def test_pages_of_another_vm_do_not_count_as_copied() -> None:
    other = PlannedVm(
        spec=VmSpec(memory_bytes=48 * KIB, vcpus=2, source=2, targets=(3,)),
        workload=parse_workload(WORKLOAD),
        strategy=strategy_named("stop-and-copy"),
    )
    summary = run(
        _machine(),
        "pre-copy:max-bandwidth=1GB/s",  # 4.1 us a page
        WORKLOAD,
        others=(other,),
        interruption=Interruption(CANCEL, 20 * MICROSECOND),
        memory_bytes=48 * KIB,
    ).summary
    assert summary["migrations"][1]["copied-pages"] == 12
    assert summary["copied-pages"] in (3, 4)


def test_another_vms_migration_is_not_called_off() -> None:
    """The first one has ended by then, and the other one takes 4.1 us a page."""
    other = PlannedVm(
        spec=VmSpec(memory_bytes=48 * KIB, vcpus=2, source=2, targets=(3, 1)),
        workload=parse_workload(WORKLOAD),
        strategy=strategy_named("pre-copy:max-bandwidth=1GB/s"),
    )
    summary = run(
        _machine(),
        "ownership",
        WORKLOAD,
        others=(other,),
        interruption=Interruption(CANCEL, 30 * MICROSECOND),
        memory_bytes=48 * KIB,
    ).summary
    assert summary["interruption"]["outcome"] == "the migration had ended"
    assert [leg["target"] for leg in summary["migrations"]] == [1, 3, 1]
    for leg in summary["migrations"]:
        assert "resume" in [phase["name"] for phase in leg["phases"]]


def test_a_target_that_another_vm_is_on_does_not_fail() -> None:
    other = PlannedVm(
        spec=VmSpec(memory_bytes=48 * KIB, vcpus=2, source=1), workload=parse_workload(WORKLOAD)
    )
    with pytest.raises(InputError, match="VM 1 uses node 1 as well, and would not notice"):
        run(
            _machine(),
            "ownership",
            others=(other,),
            targets=(1, 2),
            interruption=Interruption(TARGET_FAILURE, 0),
        )


@pytest.mark.parametrize("kind", [CANCEL, TARGET_FAILURE])
def test_before_it_has_begun(kind: str) -> None:
    summary = interrupted("ownership", kind, 0)
    assert summary["migrations"][0]["source"] == 0
    examine(summary, kind, switched=False)


@pytest.mark.parametrize("strategy", ["hybrid", "ownership+pull"])
@pytest.mark.parametrize("kind", [CANCEL, TARGET_FAILURE])
def test_with_regions_of_several_pages(strategy: str, kind: str) -> None:
    def migrated(interruption: Interruption | None) -> dict[str, Any]:
        vm = VM | {"memory_bytes": 256 * KIB, "region_bytes": 16 * KIB}
        return run(_machine(), strategy, WORKLOAD, interruption=interruption, **vm).summary

    whole = migrated(None)
    time = int(whole["total-time"] * TICKS_PER_SECOND)
    for moment in range(time // 16, time, time // 8):
        summary = migrated(Interruption(kind, moment))
        assert summary["status"] in ("completed", STATUS[kind])
        assert summary["copied-pages"] <= whole["copied-pages"]


def test_a_target_that_fails_while_the_source_loses_its_right() -> None:
    def fenced(interruption: Interruption | None) -> dict[str, Any]:
        return run(
            _machine(), "ownership", WORKLOAD, interruption=interruption, fence=True, **VM
        ).summary

    migration = fenced(None)["migrations"][0]
    [fence] = [phase for phase in migration["phases"] if phase["name"] == "fence"]
    for share in (0.25, 0.5, 0.75):
        moment = fence["start"] + int((fence["end"] - fence["start"]) * share)
        summary = fenced(Interruption(TARGET_FAILURE, moment - migration["start"]))
        examine(summary, TARGET_FAILURE, switched=True)
        assert summary["interruption"]["regions-brought-back"] == 0


@pytest.mark.parametrize("moment", [800_000, 900_000, 1_000_000])
def test_a_lost_vm_does_not_wait_for_pages(moment: int) -> None:
    """It stands still: the time in which its vCPUs waited is over, and none is counted twice."""
    lost = Interruption(TARGET_FAILURE, moment)
    summary = run(
        machine_of("tiny"), "post-copy", "uniform:think=0", interruption=lost, window=10_000_000
    ).summary
    assert summary["status"] == "failed"
    waited = summary["postcopy-blocktime"] * TICKS_PER_SECOND
    begin, end = next(
        (phase["start"], phase["end"]) for phase in summary["phases"] if phase["name"] == "fetch"
    )
    assert waited <= end - begin


class PausesAgain(Strategy):
    """Moves the vCPUs, and then copies the pages while the VM is paused at the target."""

    name = "pauses-again"

    def migrate(self, vm: base.Vm, target: int) -> Iterator[Operation]:
        """Yield operations with two pauses."""
        yield MoveStage2Table(vm, to=target)
        for pages in ([], vm.pages):
            yield Pause(vm)
            yield Copy(pages, to=target)
            yield MoveCpuState(vm, to=target)
            yield Resume(vm, on=target)


def test_a_vm_that_is_lost_while_it_is_paused_again_stands_still_from_then_on_once() -> None:
    leg = run(_machine(), PausesAgain(), WORKLOAD, **VM).summary["migrations"][0]
    copy = [phase for phase in leg["phases"] if phase["name"] == "copy"][-1]
    moment = (copy["start"] + copy["end"]) // 2 - leg["start"]
    lost = Interruption(TARGET_FAILURE, moment)
    summary = run(_machine(), PausesAgain(), WORKLOAD, interruption=lost, **VM).summary
    assert summary["status"] == "failed"
    phases = summary["phases"]
    last = phases[0]["start"] + round(summary["window"]["time"] * TICKS_PER_SECOND)
    pause, resume, again = (phase for phase in phases if phase["name"] in ("pause", "resume"))
    still = resume["end"] - pause["start"] + last - again["start"]
    assert summary["downtime"] * TICKS_PER_SECOND == pytest.approx(still)


class GivesUp(Strategy):
    """Moves homes, copies a round, and then finds that it is not worth it."""

    name = "gives-up"

    def __init__(self, *, paused: bool = False, switched: bool = False) -> None:
        self.paused = paused
        self.switched = switched

    def migrate(self, vm: base.Vm, target: int) -> Iterator[Operation]:
        """Yield operations, and `Cancel` before the end, or at a time when it is too late."""
        yield Transfer(vm.regions_on(vm.node)[:4], to=target)
        vm.take_dirty_log()
        yield Copy(vm.pages, to=target)
        if self.paused or self.switched:
            yield Pause(vm)
        if self.switched:
            yield Copy(vm.take_dirty_log(), to=target)
            yield MoveStage2Table(vm, to=target)
            yield MoveCpuState(vm, to=target)
            yield Resume(vm, on=target)
        yield Cancel(vm)


@pytest.mark.parametrize("paused", [False, True])
def test_a_strategy_can_give_up_and_nothing_is_lost(*, paused: bool) -> None:
    said: list[str] = []
    summary = run(_machine(), GivesUp(paused=paused), WORKLOAD, report=said.append, **VM).summary
    examine(summary, CANCEL, switched=False)
    assert summary["interruption"]["regions-brought-back"] == 4
    migration = summary["migrations"][0]
    assert migration["status"] == "cancelled"
    names = [phase["name"] for phase in migration["phases"]]
    assert names == ["transfer", "copy", *(["pause"] if paused else []), "cancel"]
    cancel = migration["phases"][-1]
    assert summary["interruption"]["after"] == pytest.approx(
        (cancel["start"] - migration["start"]) / TICKS_PER_SECOND
    )
    assert "cancel: nothing is lost: the VM runs on at node 0" in said


def test_a_strategy_can_give_up_for_another_vm_than_the_first() -> None:
    other = PlannedVm(
        spec=VmSpec(memory_bytes=48 * KIB, vcpus=1, source=1, targets=(0,), borrow={2: 0.5}),
        workload=parse_workload(WORKLOAD),
        strategy=GivesUp(),
    )
    summary = run(_machine(), "ownership", WORKLOAD, others=[other], **VM).summary
    assert summary["status"] == "completed"
    assert "interruption" not in summary
    first, second = summary["migrations"]
    assert "status" not in first
    assert second["status"] == "cancelled"


def test_a_strategy_cannot_give_up_when_the_vm_runs_at_the_target() -> None:
    with pytest.raises(RunError, match="gives-up cancels, and the VM runs at the target already"):
        run(_machine(), GivesUp(switched=True), WORKLOAD, **VM)
