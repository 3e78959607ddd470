# SPDX-License-Identifier: BSD-3-Clause
"""Values that make no sense are refused with a sentence, and leave everything as it was."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from machines import LINE, MEMORY, PAGE, small, stream

from homeshift._engine import DataError, RequestStream, System

BEYOND = 2 * MEMORY  # of both nodes: the first address without memory
PRODUCER = {"kind": "producer-consumer", "vcpus": 2}

SPECS = {
    "clock_period_ps is 0": [{"clock_period_ps": 0}],
    "nodes is not from 1 to 64": [{"nodes": 0}, {"nodes": 65}],
    "cores_per_node makes no core": [
        {"cores_per_node": 0},
        {"cores_per_node": 33},
        {"cores_per_node": 2**31},
        {"nodes": 64, "pool_nodes": 1},
    ],
    "a cache is not a power of two of sets": [
        {"cache_associativity": 0},
        {"cache_associativity": 128, "cache_bytes": 256 * LINE},
        {"cache_bytes": 0},
        {"cache_bytes": 3 * 2 * LINE},
        {"slc_associativity": 0},
        {"slc_bytes": 100},
    ],
    "memory_bytes needs more": [{"memory_bytes": 2**63}],
    "a latency is more than": [
        {name: 2**40 + 1}
        for name in (
            *("cache_latency", "slc_latency", "home_latency", "memory_latency_ps"),
            *("router_latency", "local_latency", "link_latency", "pool_memory_latency_ps"),
        )
    ],
}


@pytest.mark.parametrize(
    ("sentence", "change"), [(text, spec) for text, specs in SPECS.items() for spec in specs]
)
def test_a_machine_that_cannot_be_is_refused(sentence: str, change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=sentence):
        System(small(**change))


@pytest.mark.parametrize("change", [{"nodes": 64, "cores_per_node": 1}, {"cores_per_node": 32}])
def test_a_machine_of_as_many_cores_as_a_directory_tracks_is_not(change: dict[str, Any]) -> None:
    assert System(small(**change)).probe(63, BEYOND - LINE, True) > 0


@pytest.mark.parametrize(
    ("make", "key", "value"),
    [
        (System, "nodes", "two"),
        (System, "nodes", -1),
        (System, "links", 5),
        (System, "links", [(0, 1, 1, 5)]),
        (System, "links", [(0, 1, 1, -5, 16.0)]),
        (RequestStream, "vm_bytes", None),
        (RequestStream, "kind", 3),
        (lambda spec: System(small()).add_vm([0], [spec]), "vm_bytes", "4KiB"),
    ],
)
def test_a_value_of_another_type_is_told_with_its_key(
    make: Callable[[dict[str, Any]], object], key: str, value: object
) -> None:
    spec = small() if make is System else stream()
    with pytest.raises(TypeError, match=re.escape(f"'{key}' cannot be {value!r}")):
        make({**spec, key: value})


def test_what_is_no_dict_or_lacks_its_vms_size_is_no_stream() -> None:
    system, sizeless = System(small()), stream()
    del sizeless["vm_bytes"]
    with pytest.raises(TypeError):
        system.add_vm([0], [5])  # type: ignore[list-item]
    with pytest.raises(KeyError, match="vm_bytes"):
        system.add_vm([0], [sizeless])


@pytest.mark.parametrize("change", [{}, PRODUCER, {**PRODUCER, "ring": 2**64 - 1}])
def test_a_stream_for_a_vm_beyond_16_tib_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="vm_bytes is 16 TiB or more"):
        RequestStream(stream(vm_bytes=2**64 - 1, **change))
    with pytest.raises(ValueError, match="vm_bytes is 16 TiB or more"):
        RequestStream(stream(vm_bytes=2**44))
    RequestStream(stream(vm_bytes=2**44 - PAGE)).take(3)


@pytest.mark.parametrize("owner", [2, 2**31, 2**32 - 1])
def test_the_owner_of_a_job_is_a_vm(owner: int) -> None:
    system = System(small())
    for _ in range(2):
        system.add_vm([], [])
    with pytest.raises(ValueError, match="no such VM"):
        system.copy(0, [0], [PAGE], LINE, owner)
    with pytest.raises(ValueError, match="no such VM"):
        system.transfer(0, [0], 1, owner)
    with pytest.raises(ValueError, match="no such VM"):
        system.fence(0, [0], 1, owner)
    assert system.left(system.copy(0, [0], [PAGE], LINE, 1)) == 1


def test_lines_of_a_copy_are_not_further_apart_than_time_can_be_told() -> None:
    system = System(small())
    with pytest.raises(ValueError, match="above 2\\^62 ps"):
        system.copy(0, [0], [PAGE], 2 * LINE, line_interval_ps=2**64 - 1)
    job = system.copy(0, [0], [PAGE], 2 * LINE, line_interval_ps=2**62)
    system.run(1000)
    assert system.left(job) == 1


@pytest.mark.parametrize(
    ("pages", "frames", "sentence"),
    [
        ([0, 1], [0, BEYOND], "beyond the memory"),
        ([0, 1], [0, (1 << 63) + PAGE], "beyond the memory"),
        ([0, 1], [0, 100], "aligned to a page"),
        ([0, 4], [0, PAGE], "page 4 of a VM that has 4"),
    ],
)
def test_all_pages_are_mapped_or_none(pages: list[int], frames: list[int], sentence: str) -> None:
    system = System(small())
    vm = system.add_vm([page * PAGE for page in range(4)], [stream()])  # uses page 0
    system.await_pages(vm, [0, 1, 2, 3])
    with pytest.raises((IndexError, ValueError), match=sentence):
        system.map_pages(vm, pages, frames)
    system.start_vm(vm, [0])
    system.run(1000)
    assert system.vcpu_counts(vm)[0]["loads"] + system.vcpu_counts(vm)[0]["stores"] == 0


def test_all_pages_are_awaited_or_none() -> None:
    system = System(small())
    vm = system.add_vm([0], [stream()])
    with pytest.raises(IndexError, match="page 1 of a VM that has 1"):
        system.await_pages(vm, [0, 1])
    system.start_vm(vm, [0])
    system.run(1000)
    assert system.take_faults(vm) == []


@pytest.mark.parametrize(
    ("address", "home", "other"),
    [(BEYOND, 0, 0), (1 << 60, 0, 0), (0, 2, 0), (0, 64, 0), (0, 0, 2)],
)
def test_what_is_forged_is_of_this_machine(address: int, home: int, other: int) -> None:
    system = System(small())
    with pytest.raises((IndexError, ValueError), match=r"beyond the memory|no such node"):
        system.forge(3, "GetS", address, home=home, other=other)
    system.run(1000)
    assert system.all_messages() == {}


def rivals() -> System:
    """Return a machine with two VMs that write the same page, which soon is a wrong value."""
    system = System(small(run_ahead=False))  # so that it comes in the same cycle again
    for core in (0, 1):
        system.start_vm(system.add_vm([0], [stream(seed=core)]), [core])
    return system


def test_a_probe_that_fails_leaves_nothing_behind() -> None:
    system = rivals()
    with pytest.raises(DataError):
        system.run(10_000)
    failed = system.now
    system = rivals()
    system.run(failed - 10)
    with pytest.raises(DataError):
        system.probe(2, PAGE, True)  # takes longer than that
    for vm in (0, 1):
        system.begin_stop_vm(vm)
    for _ in range(3):
        try:
            system.run(2000)  # the answer comes, and nobody is there
        except RuntimeError:
            continue
    assert system.core_counts()[2]["misses"] == 1


@pytest.mark.parametrize(
    "other",
    [
        lambda system: system.run(100_000),
        lambda system: system.transfer(1, [0], 0),
        lambda system: system.copy(0, [PAGE], [2 * PAGE], PAGE),
        lambda system: system.throttle(0, 100, 50),
        lambda system: system.quiet(0, [0]),
        lambda system: system.home_of(0),
        lambda system: system.node_counts(),
        lambda system: system.transition_totals(),
        lambda system: system.on_links(),
        lambda system: system.take_message_log(),
        lambda system: system.reset_statistics(),
    ],
)
def test_two_threads_do_not_use_one_system(other: Callable[[System], object]) -> None:
    system = System(small())
    system.start_vm(system.add_vm([0], [stream()]), [0])
    told: list[str] = []

    def use(what: Callable[[System], object]) -> None:
        while not told:
            try:
                what(system)
            except RuntimeError as error:
                told.append(str(error))

    threads = [
        threading.Thread(target=use, args=(what,))
        for what in (lambda system: system.run(100_000), other)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(told) == {"another thread runs this system"}
    now = system.now
    system.run(10)
    assert system.now == now + 10


def test_a_signals_handler_may_run_the_system_that_it_interrupts() -> None:
    system = System(small())
    system.start_vm(system.add_vm([0], [stream()]), [0])
    ends: list[int] = []

    def handle(*_: object) -> None:
        system.run(10)
        ends.append(system.now)

    before = signal.signal(signal.SIGALRM, handle)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        while not ends:
            system.run(100_000)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert ends[0] <= system.now
