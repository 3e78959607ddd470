# SPDX-License-Identifier: BSD-3-Clause
"""Request streams: the accesses of a vCPU, as both engines see them.

The C++ streams are reached through their binding; the dicts come from homeshift.workload, so these
tests also hold the two sides of that hand-over together.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from homeshift._engine import RequestStream
from homeshift.errors import InputError
from homeshift.workload import KINDS, TRACE_DTYPE, parse_workload, trace_workload

MIB = 1 << 20
PAGE = 4096
LINE = 64
VM_PAGES = 1024
SYNTHETIC = [kind for kind in KINDS if kind != "trace"]

Accesses = list[tuple[int, int, bool]]


def accesses(text: str, count: int, *, vcpus: int = 4, seed: int = 1) -> list[Accesses]:
    """Return so many accesses of each vCPU, in a VM of 4 MiB."""
    streams = parse_workload(text).streams(vcpus=vcpus, vm_bytes=VM_PAGES * PAGE, seed=seed)
    return [RequestStream(stream).take(count) for stream in streams]


def pages(stream: Accesses) -> set[int]:
    return {address // PAGE for address, _, _ in stream}


def trace_file(folder: Path, name: str, rows: list[tuple[int, int, int, int]]) -> Path:
    np.save(folder / name, np.array(rows, dtype=np.dtype(TRACE_DTYPE)))
    return folder / name


@pytest.mark.parametrize("kind", SYNTHETIC)
def test_the_same_seed_gives_the_same_accesses(kind: str) -> None:
    assert accesses(kind, 1000) == accesses(kind, 1000)


@pytest.mark.parametrize("kind", ["uniform", "zipf", "phased"])
def test_another_seed_and_another_vcpu_give_other_accesses(kind: str) -> None:
    first, second, *_ = accesses(f"{kind}:shared=1", 1000, seed=1)
    [other, *_] = accesses(f"{kind}:shared=1", 1000, seed=2)
    assert first != second
    assert first != other


def test_next_and_take_walk_the_same_stream() -> None:
    [spec, *_] = parse_workload("zipf").streams(vcpus=2, vm_bytes=MIB, seed=3)
    one, many = RequestStream(spec), RequestStream(spec)
    assert [one.next() for _ in range(100)] == many.take(60) + many.take(40)


@pytest.mark.parametrize("kind", SYNTHETIC)
def test_addresses_are_lines_within_the_vm_and_gaps_are_the_think_time(kind: str) -> None:
    for stream in accesses(f"{kind}:think=7", 5000):
        assert all(0 <= address < VM_PAGES * PAGE for address, _, _ in stream)
        assert all(address % LINE == 0 for address, _, _ in stream)
        assert {gap for _, gap, _ in stream} == {7}


@pytest.mark.parametrize("kind", [kind for kind in SYNTHETIC if kind != "producer-consumer"])
@pytest.mark.parametrize("ratio", [0.0, 0.25, 1.0])
def test_the_share_of_writes_is_the_write_ratio(kind: str, ratio: float) -> None:
    streams = accesses(f"{kind}:write_ratio={ratio}", 20_000)
    written = sum(write for stream in streams for _, _, write in stream) / 80_000
    assert written == pytest.approx(ratio, abs=0.01 if 0 < ratio < 1 else 0)


@pytest.mark.parametrize("kind", ["uniform", "zipf", "stream", "pointer-chase", "phased"])
def test_vcpus_meet_in_the_shared_part_only(kind: str) -> None:
    streams = accesses(f"{kind}:shared=0.25,footprint=0.5", 60_000)
    seen = Counter(page for stream in streams for page in pages(stream))
    common = {page for page, vcpus in seen.items() if vcpus > 1}
    assert len(common) == VM_PAGES // 8
    for stream in streams:
        inside = sum(address // PAGE in common for address, _, _ in stream)
        assert inside / len(stream) == pytest.approx(0.25, abs=0.01)


def test_vcpus_that_share_nothing_never_meet_and_those_that_share_all_always_do() -> None:
    apart = [pages(stream) for stream in accesses("uniform:shared=0,footprint=1", 30_000)]
    assert sum(map(len, apart)) == len(set.union(*apart)) == VM_PAGES
    together = [pages(stream) for stream in accesses("uniform:shared=1,footprint=1", 30_000)]
    assert all(len(seen) == VM_PAGES for seen in together)


def test_a_share_of_pages_is_not_less_than_it_should_be() -> None:
    """0.29 x 100 is a little less than 29 in floating point."""
    [spec] = parse_workload("uniform:shared=0,footprint=0.29").streams(
        vcpus=1, vm_bytes=100 * PAGE, seed=1
    )
    assert len(pages(RequestStream(spec).take(10_000))) == 29


@pytest.mark.parametrize(
    ("workload", "vm_pages", "vcpus"),
    [
        ("uniform:footprint=0.29,shared=0", 100, 29),  # 29 pages, if 28.999... counts as 29
        ("uniform:footprint=0.29,shared=0", 100, 30),
        ("uniform:footprint=1,shared=0.7", 90, 27),  # 63 common pages of 90, not 62
        ("uniform:footprint=1,shared=0.7", 90, 28),
        ("zipf:footprint=0.5,shared=0.999", 4, 2),
        ("zipf:footprint=0.5,shared=1", 4, 2),
        ("producer-consumer:footprint=1,ring=8KiB", 6, 4),
        ("producer-consumer:footprint=1,ring=8KiB", 8, 4),
    ],
)
def test_what_makes_no_stream_is_refused_before(workload: str, vm_pages: int, vcpus: int) -> None:
    try:
        specs = parse_workload(workload).streams(vcpus=vcpus, vm_bytes=vm_pages * PAGE, seed=1)
    except InputError as error:
        [fault] = error.faults
        assert "leaves no page for each of" in fault
        [spec, _] = parse_workload(workload).streams(vcpus=2, vm_bytes=64 * MIB, seed=1)
        spec.update(vm_bytes=vm_pages * PAGE, vcpus=vcpus)
        with pytest.raises(ValueError, match="footprint"):
            RequestStream(spec)
    else:
        for spec in specs:
            RequestStream(spec)


def test_a_footprint_is_spread_evenly_over_the_memory() -> None:
    # Each quarter of the VM's memory, by blocks and by stripes, has its share of the pages.
    for stream in accesses("uniform:shared=0,footprint=0.5", 30_000):
        seen = pages(stream)
        assert len(seen) == VM_PAGES // 8
        for quarter in (lambda page: page * 4 // VM_PAGES, lambda page: page % 4):
            assert min(Counter(map(quarter, seen)).values()) >= len(seen) / 4 - 2


def test_addresses_stay_within_a_vm_of_nearly_16_tib() -> None:
    # For this size the estimated quotient of the page permutation is often one too low.
    vm_bytes = (2**32 - 60_000) * PAGE
    workload = parse_workload("uniform:shared=1,footprint=1")
    [spec] = workload.streams(vcpus=1, vm_bytes=vm_bytes, seed=1)
    addresses = [address for address, _, _ in RequestStream(spec).take(10_000)]
    assert max(addresses) < vm_bytes
    assert sum(addresses) / len(addresses) == pytest.approx(vm_bytes / 2, rel=0.02)


def test_uniform_accesses_are_equally_likely_everywhere() -> None:
    streams = accesses("uniform:shared=0.5,footprint=0.0625", 50_000)
    seen = Counter(address // PAGE for stream in streams for address, _, _ in stream)
    expected = 200_000 / len(seen)
    assert len(seen) == 64
    assert all(abs(count - expected) < 6 * expected**0.5 for count in seen.values())


@pytest.mark.parametrize("exponent", [0.5, 0.99, 1.0, 2.0])
def test_zipf_pages_have_the_probabilities_of_their_ranks(exponent: float) -> None:
    [stream] = accesses(f"zipf:exponent={exponent},shared=0,footprint=0.0625", 200_000, vcpus=1)
    found = [count for _, count in Counter(a // PAGE for a, _, _ in stream).most_common(8)]
    total = sum(rank**-exponent for rank in range(1, 65))
    expected = [200_000 * rank**-exponent / total for rank in range(1, 9)]
    assert found == pytest.approx(expected, rel=0.05)


def test_a_stream_walks_in_order_and_starts_again() -> None:
    [stream] = accesses("stream:shared=0,footprint=1,write_ratio=0", 2 * VM_PAGES * 64, vcpus=1)
    lap = VM_PAGES * 64
    assert stream[:lap] == stream[lap:]
    assert len({address for address, _, _ in stream[:lap]}) == lap
    first_page = [address for address, _, _ in stream[:64]]
    assert first_page == [first_page[0] + LINE * line for line in range(64)]


def test_a_stride_of_several_lines_gives_every_line_its_turn() -> None:
    lines = VM_PAGES * 64
    [stream] = accesses("stream:stride=256B,shared=0,footprint=1", lines, vcpus=1)
    assert len({address for address, _, _ in stream[: lines // 4]}) == lines // 4
    assert len({address for address, _, _ in stream}) == lines


@pytest.mark.parametrize("footprint", [0.5, 0.4])  # a power of two of lines, and not
def test_a_pointer_chase_visits_every_line_once_a_lap(footprint: float) -> None:
    lines = int(VM_PAGES * footprint) * 64
    [stream] = accesses(f"pointer-chase:shared=0,footprint={footprint}", 2 * lines, vcpus=1)
    lap = [address for address, _, _ in stream[:lines]]
    assert len(set(lap)) == lines
    assert lap == [address for address, _, _ in stream[lines:]]
    steps = Counter(after - before for before, after in pairwise(lap))
    assert steps.most_common(1)[0][1] < lines / 20  # no stride to predict
    # Odd and even lines must not take turns, as the low bit of a plain congruential generator does.
    turns = sum((after ^ before) // LINE % 2 for before, after in pairwise(lap))
    assert turns / lines == pytest.approx(0.5, abs=0.1)


def test_the_hot_set_takes_most_accesses_and_moves_with_each_phase() -> None:
    [stream] = accesses(
        "phased:phase_accesses=10000,hot=0.1,hot_ratio=0.9,shared=0,footprint=1", 30_000, vcpus=1
    )
    hot_sets = []
    for phase in range(3):
        seen = Counter(a // PAGE for a, _, _ in stream[10_000 * phase : 10_000 * (phase + 1)])
        hot = {page for page, count in seen.items() if count > 30}
        assert len(hot) == 102
        assert sum(seen[page] for page in hot) / 10_000 == pytest.approx(0.91, abs=0.02)
        hot_sets.append(hot)
    assert not hot_sets[0] & hot_sets[1]
    assert not hot_sets[1] & hot_sets[2]


def test_hot_pages_are_the_next_ones_in_each_phase_and_wrap_round() -> None:
    def stream(text: str, count: int) -> Accesses:
        [spec] = parse_workload(text).streams(vcpus=1, vm_bytes=5 * PAGE, seed=1)
        return RequestStream(spec).take(count)

    in_order = [
        address // PAGE for address, _, _ in stream("stream:shared=0,footprint=1", 5 * 64)[::64]
    ]
    phased = stream("phased:phase_accesses=100,hot=0.6,hot_ratio=1,shared=0,footprint=1", 400)
    for phase, hot in enumerate(([0, 1, 2], [3, 4, 0], [1, 2, 3], [4, 0, 1])):
        seen = pages(phased[100 * phase : 100 * (phase + 1)])
        assert seen == {in_order[number] for number in hot}


@pytest.mark.parametrize("kind", ["stream", "pointer-chase"])
def test_vcpus_begin_their_walks_over_a_common_part_at_lines_of_their_own(kind: str) -> None:
    firsts = [stream[0][0] for stream in accesses(f"{kind}:shared=1,footprint=1", 1)]
    assert len(set(firsts)) == 4


def test_a_consumer_reads_what_its_producer_writes_in_the_same_order() -> None:
    streams = accesses("producer-consumer:ring=8KiB,write_ratio=0,exchange=0.5", 4000)
    for producer, consumer in (streams[:2], streams[2:]):
        ring = pages(producer) & pages(consumer)
        assert len(ring) == 2
        written = [address for address, _, write in producer if write]
        assert written == [address for address, _, _ in producer if address // PAGE in ring]
        read = [address for address, _, write in consumer if address // PAGE in ring and not write]
        assert len(set(written)) == len(set(read)) == 128
        assert read[:64] == written[64:128]  # half a ring behind
        assert not any(write for _, _, write in consumer)
    assert not pages(streams[0]) & pages(streams[2])


def test_a_trace_is_replayed_at_its_base_and_starts_again_at_its_end(tmp_path: Path) -> None:
    first = trace_file(tmp_path, "first.npy", [(0, 3, 8, 0), (PAGE + 72, 10, 4, 1)])
    second = trace_file(tmp_path, "second.npy", [(8, 65535, 8, 1)])
    workload = trace_workload([first, second], cycles_per_instruction=0.5)
    streams = workload.streams(vcpus=3, vm_bytes=MIB, seed=1)
    taken = [RequestStream(stream).take(3) for stream in streams]
    assert taken[0] == [(0, 1, False), (PAGE + 72, 4, True), (0, 1, False)]
    assert taken[1] == [(2 * PAGE + 8, 32767, True)] * 3
    assert taken[2][1] == (4 * PAGE + 72, 4, True)


@pytest.mark.parametrize("cycles", [0.1, 0.25, 0.5, 1.5, 2.0, 2.7])
@pytest.mark.parametrize("gaps", [[3], [0, 1, 2, 3, 7]], ids=["equal", "mixed"])
def test_accesses_come_after_their_instructions_or_a_cycle_and_fractions_add_up(
    tmp_path: Path, cycles: float, gaps: list[int]
) -> None:
    """Rounded each by itself, gaps of 3 would take a third more time at 0.5.

    A stream's gap is without the cycle in which the access before was issued.
    """
    rows = [(number * LINE % PAGE, gaps[number % len(gaps)], 8, 0) for number in range(500)]
    workload = trace_workload([trace_file(tmp_path, "a.npy", rows)], cycles_per_instruction=cycles)
    [stream] = workload.streams(vcpus=1, vm_bytes=MIB, seed=1)
    taken = [1 + gap for _, gap, _ in RequestStream(stream).take(len(rows))]
    exact = np.cumsum([max(1, gap * cycles) for _, gap, _, _ in rows])
    assert np.abs(np.cumsum(taken) - exact).max() <= 0.5 + 1e-9


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"write_ratio": 1.5}, "write_ratio is not between 0 and 1"),
        ({"write_ratio": float("nan")}, "write_ratio is not between 0 and 1"),
        ({"vcpu": 4}, "vcpu is not below vcpus"),
        ({"vm_bytes": 100}, "vm_bytes is less than a page"),
        ({"vm_bytes": 1 << 44}, "vm_bytes is 16 TiB or more"),
        ({"vm_bytes": PAGE}, "the footprint has no page for each vCPU"),
        ({"kind": "zpif"}, "no stream of kind 'zpif'"),
        ({"kind": "stream", "stride": 0}, "stride is 0"),
    ],
)
def test_a_spec_that_makes_no_stream_is_refused(
    change: dict[str, str | int | float], sentence: str
) -> None:
    [spec, *_] = parse_workload("uniform").streams(vcpus=4, vm_bytes=MIB, seed=1)
    with pytest.raises(ValueError, match=sentence):
        RequestStream({**spec, **change})


def test_a_trace_that_changed_after_its_check_is_refused(tmp_path: Path) -> None:
    path = trace_file(tmp_path, "a.npy", [(0, 1, 8, 0)] * 10)
    [spec] = trace_workload([path]).streams(vcpus=1, vm_bytes=MIB, seed=1)
    with pytest.raises(ValueError, match="reaches beyond the VM's memory"):
        RequestStream({**spec, "trace_base": MIB})
    whole = path.read_bytes()
    for damaged in (b"", whole[:50], whole[:-1], whole[:-12], whole + b"x", b"x" + whole):
        path.write_bytes(damaged)
        with pytest.raises(RuntimeError):
            RequestStream(spec)
    np.save(path, np.zeros(12))
    with pytest.raises(RuntimeError, match="its records are of another type"):
        RequestStream(spec)
    path.unlink()
    with pytest.raises(RuntimeError, match="cannot be read"):
        RequestStream(spec)
