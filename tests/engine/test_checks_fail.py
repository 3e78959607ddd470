# SPDX-License-Identifier: BSD-3-Clause
"""The checkers are seen to fail: each is given a machine that is wrong in the way it looks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from machines import LINE, MEMORY, PAGE, small, stop, stream, streams, wait_for

from homeshift._engine import DataError, DeadlockError, ProtocolError, RequestStream, System

OTHER = 64 * PAGE  # a frame that no VM uses


def with_vm(pages: int = 2, **changes: Any) -> System:
    """A running VM of two vCPUs on node 0; page n lies at n * PAGE."""
    system = System(small(**changes))
    frames = [page * PAGE for page in range(pages)]
    system.add_vm(frames, streams(2, vm_bytes=pages * PAGE))
    system.start_vm(0, [0, 1])
    return system


def loads(system: System) -> int:
    return sum(vcpu["loads"] for vcpu in system.vcpu_counts(0))


@pytest.mark.parametrize("overwritten", [True, False])
def test_a_page_that_was_overwritten_behind_the_vms_back_is_a_data_error(
    *, overwritten: bool
) -> None:
    system = with_vm()
    system.run(20_000)
    stop(system, 0)
    target = 0 if overwritten else OTHER + PAGE
    wait_for(system, system.copy(0, [OTHER], [target], PAGE))
    system.start_vm(0, [0, 1])
    if not overwritten:
        system.run(20_000)
        return
    expected = r"guest address 0x\w+ returned store 0 of the VM, but the last one .* was store \d+"
    with pytest.raises(DataError, match=expected):
        system.run(20_000)


def test_a_page_that_is_copied_while_it_is_written_and_then_used_is_a_data_error() -> None:
    system = with_vm()
    system.run(5_000)
    wait_for(system, system.copy(0, [0], [OTHER], PAGE))  # the VM writes on: it misses stores
    system.run(5_000)
    stop(system, 0)
    system.map_pages(0, [0], [OTHER])
    system.start_vm(0, [0, 1])
    with pytest.raises(DataError, match="returned store"):
        system.run(20_000)


def test_a_page_that_is_copied_while_the_vm_stands_still_is_no_data_error() -> None:
    system = with_vm()
    system.run(5_000)
    stop(system, 0)
    wait_for(system, system.copy(0, [0], [OTHER], PAGE))
    system.map_pages(0, [0], [OTHER])
    system.start_vm(0, [0, 1])
    before = loads(system)
    system.run(20_000)
    assert loads(system) > before + 100
    stop(system, 0)
    system.audit()


def test_without_the_check_wrong_data_goes_unnoticed() -> None:
    system = with_vm(check=False)
    system.run(20_000)
    stop(system, 0)
    wait_for(system, system.copy(0, [OTHER], [0], PAGE))
    system.start_vm(0, [0, 1])
    before = loads(system)
    system.run(20_000)
    assert loads(system) > before + 100


def test_a_home_that_is_moved_by_hand_is_found_by_the_audit() -> None:
    system = System(small())
    system.probe(0, 0, True)
    system.audit()
    system.place_homes([0], 1)  # the new home knows nothing of the copy
    with pytest.raises(ProtocolError, match="audit: no home knows of a copy in core 0"):
        system.audit()


def test_a_copy_that_its_record_does_not_name_is_found_by_the_audit() -> None:
    system = System(small())
    for core in (0, 1):
        system.probe(core, 0, False)
    system.place_homes([0], 1)  # has no record, and makes one for the next two
    for core in (2, 3):
        system.probe(core, 0, False)
    with pytest.raises(ProtocolError, match="audit: the directory disagrees with core 2"):
        system.audit()


def test_a_record_that_a_home_has_left_behind_is_found_by_the_audit() -> None:
    system = System(small())
    system.probe(0, 0, False)
    for rival in (PAGE, PAGE + 2 * LINE):
        system.probe(0, rival, False)  # line 0 is in the slice only
    system.audit()
    system.place_homes([0], 1)
    with pytest.raises(ProtocolError, match="audit: node 0 has a record of line 0 and is not"):
        system.audit()


def test_a_home_that_is_moved_by_hand_serves_old_data() -> None:
    system = with_vm()
    system.run(4_000)
    stop(system, 0)
    system.place_homes([0, PAGE], 1)
    system.start_vm(0, [0, 1])
    with pytest.raises(DataError, match="returned store"):
        system.run(50_000)


def test_a_home_that_is_moved_by_hand_under_a_request_lets_requests_go_round_for_ever() -> None:
    """The answer under way teaches node 0 that it is the home, and node 0 believes it."""
    system = with_vm()
    system.run(5_000)
    system.place_homes([0, PAGE], 1)
    with pytest.raises(DeadlockError, match="events fire, but no access, copy or transfer ends"):
        system.run(10_000_000)


def test_what_never_ends_and_what_waits_for_it_is_found_by_the_audit() -> None:
    system = System(small())
    system.forge(2, "GetS", 0, home=0)  # nobody will tell the home that the data has come
    with pytest.raises(ProtocolError, match="Directory 0 has transactions that will not end"):
        system.audit()
    system.forge(3, "GetS", 0, home=0)
    with pytest.raises(ProtocolError, match="Directory 0 holds messages that nothing will wake"):
        system.audit()


def test_the_audit_wants_to_be_asked_when_nothing_runs() -> None:
    system = with_vm()
    system.run(1_000)
    with pytest.raises(ProtocolError, match="messages are under way"):
        system.audit()


# The engine's patience goes by the machine's latencies: a memory that answers after five million
# cycles is no deadlock, but messages that are held up for as long as a billion cycles are.
SLOW = {"memory_latency_ps": 5_000_000_000}  # ps, at a cycle of 1 ns
TOO_SLOW = {"jitter": 1_000_000_000}


def test_a_probe_without_an_answer_is_a_deadlock() -> None:
    assert System(small(**SLOW)).probe(0, 0, False) > 5_000_000
    with pytest.raises(DeadlockError, match="deadlock: a probe gets no answer"):
        System(small(**TOO_SLOW)).probe(0, 0, False)


def test_a_vm_whose_accesses_do_not_end_is_a_deadlock() -> None:
    with_vm(**SLOW).run(9_000_000)
    with pytest.raises(DeadlockError, match="events fire, but no access, copy or transfer ends"):
        with_vm(**TOO_SLOW).run(9_000_000)
    system = with_vm(**TOO_SLOW)
    system.run(100)
    with pytest.raises(DeadlockError, match="events fire, but no access, copy or transfer ends"):
        stop(system, 0)


@pytest.mark.parametrize(("think", "fenced"), [(20_000_000, False), (1000, True)])
def test_a_vm_that_thinks_for_long_or_is_always_refused_is_no_deadlock(
    think: int, *, fenced: bool
) -> None:
    system = System(small())
    if fenced:
        wait_for(system, system.transfer(0, [0], 1, fenced=0))
    system.add_vm([0], [stream(think=think)])
    system.start_vm(0, [0])
    system.run(9_000_000)  # twice as long as it may take until something ends
    counts = system.vcpu_counts(0)[0]
    assert counts["loads"] == counts["stores"] == 0
    assert (counts["faults"] > 0) == fenced


def test_a_dma_whose_work_does_not_end_is_a_deadlock() -> None:
    def copied(**changes: int) -> None:
        system = System(small(**changes))
        wait_for(system, system.copy(0, [0], [OTHER], LINE))

    copied(**SLOW)
    with pytest.raises(DeadlockError, match="events fire, but no access, copy or transfer ends"):
        copied(**TOO_SLOW)


@pytest.mark.parametrize("field", sorted(small()))
def test_a_system_without_one_of_its_numbers_is_a_key_error(field: str) -> None:
    spec = small()
    del spec[field]
    with pytest.raises(KeyError, match=field):
        System(spec)


@pytest.mark.parametrize("field", ["nodes", "links", "check", "bytes_per_cycle"])
def test_a_number_of_another_type_is_refused(field: str) -> None:
    with pytest.raises((RuntimeError, TypeError)):
        System(small(**{field: [1]}))


def test_a_stream_without_its_trace_file_is_refused(tmp_path: Path) -> None:
    missing = str(tmp_path / "no.npy")
    with pytest.raises((RuntimeError, ValueError), match=r"no\.npy"):
        RequestStream(stream(kind="trace", trace_path=missing))
    system = System(small())
    with pytest.raises((RuntimeError, ValueError), match=r"no\.npy"):
        system.add_vm([0], [stream(kind="trace", trace_path=missing)])


@pytest.mark.parametrize("field", sorted(stream()))
def test_a_stream_without_one_of_its_numbers_is_a_key_error(field: str) -> None:
    spec = stream()
    del spec[field]
    with pytest.raises(KeyError, match=field):
        RequestStream(spec)


def test_a_stream_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="no stream of kind 'brownian'"):
        RequestStream(stream(kind="brownian"))


def test_a_vm_needs_a_core_for_each_vcpu() -> None:
    system = System(small())
    vm = system.add_vm([0], streams(2))
    with pytest.raises(ValueError, match="one core for each vCPU"):
        system.start_vm(vm, [0])
    with pytest.raises(IndexError):
        system.start_vm(vm, [0, 4])
    with pytest.raises(IndexError):
        system.start_vm(vm + 1, [0, 1])


BEYOND = 2 * MEMORY  # of both nodes: the first address without memory


def test_work_of_a_dma_that_makes_no_sense_is_refused() -> None:
    system = System(small())
    with pytest.raises(ValueError, match="as many sources as targets"):
        system.copy(0, [0], [], LINE)
    for source, target, size in ((0, PAGE, 0), (0, PAGE, 100), (8, PAGE, LINE), (0, 8, LINE)):
        with pytest.raises(ValueError, match="only whole lines can be copied"):
            system.copy(0, [source], [target], size)
    for source, target in ((BEYOND, 0), (0, BEYOND), (BEYOND - LINE, 0), (0, 1 << 63)):
        with pytest.raises(IndexError, match="beyond the memory of all nodes"):
            system.copy(0, [source], [target], 2 * LINE)
    with pytest.raises(IndexError, match="beyond the memory"):
        system.transfer(0, [0, BEYOND], 1)
    with pytest.raises(ValueError, match="no such node"):
        system.transfer(0, [0], 2)
    with pytest.raises(IndexError):
        system.transfer(2, [0], 0)
    with pytest.raises(IndexError):
        system.copy(2, [0], [PAGE], LINE)
    system.run(100)
    assert system.all_messages() == {}  # nothing of it was begun
    wait_for(system, system.copy(0, [BEYOND - LINE], [0], LINE))


def test_a_region_is_named_by_any_address_in_it() -> None:
    system = System(small())
    wait_for(system, system.transfer(0, [PAGE + 5 * LINE + 3], 1))
    system.audit()
    system.probe(0, PAGE, False)
    assert system.node_counts()[1]["directory_entries"] == 1


def test_nodes_pages_and_addresses_that_are_not_there_are_refused() -> None:
    system = System(small())
    for refused in (
        lambda: system.place_homes([BEYOND], 0),
        lambda: system.probe(0, BEYOND, False),
        lambda: system.probe(4, 0, False),
        lambda: system.add_vm([BEYOND], [stream()]),
        lambda: system.vcpu_counts(0),
    ):
        with pytest.raises(IndexError):
            refused()
    for wrong in (
        lambda: system.place_homes([0], 2),
        lambda: system.add_vm([100], [stream()]),
        lambda: system.add_vm([0], [stream(vm_bytes=2 * PAGE)]),
    ):
        with pytest.raises(ValueError, match=r"no such node|aligned to a page|more memory"):
            wrong()
    vm = system.add_vm([0], [stream()])
    with pytest.raises(IndexError):
        system.map_pages(vm, [1], [0])
    with pytest.raises(IndexError):
        system.await_pages(vm, [1])


def test_a_transition_that_is_not_there_is_told_with_its_place_in_the_protocol() -> None:
    system = System(small())
    system.probe(0, 0, True)
    system.place_homes([0], 1)
    for rival in (PAGE, PAGE + 2 * LINE):
        system.probe(0, rival, False)  # core 0 gives line 0 back, to a home that never gave it
    system.place_homes([0], 0)  # this one takes core 0 for the owner
    with pytest.raises(
        ProtocolError,
        match=r"L1Cache 0 at cycle \d+: \S*MESI_HomeShift-cache\.sm:\d+:\d+: error: "
        r"event 'FwdGetS' has no transition from state 'I' \(address 0x0\)",
    ):
        system.probe(2, 0, False)
