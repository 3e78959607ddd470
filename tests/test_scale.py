# SPDX-License-Identifier: BSD-3-Clause
"""Many nodes and many pages: what must hold however large it gets. Speed is no matter of tests."""

from __future__ import annotations

from array import array
from collections import Counter

import pytest
from experiments import KIB, machine_of, run
from hypothesis import given
from hypothesis import strategies as st
from machines import PAGE, small, wait_for

from homeshift._engine import System
from homeshift.experiment.homes import Homes
from homeshift.experiment.vm import VmSpec
from homeshift.strategies import STRATEGIES

EVERYWHERE = dict.fromkeys(range(1, 64), 1 / 64)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("region", [4 * KIB, 8 * KIB])
def test_a_vm_on_64_nodes_migrates_by_every_strategy_with_all_its_data(
    strategy: str, region: int
) -> None:
    result = run(
        machine_of("rack64"),
        strategy,
        memory_bytes=512 * KIB,
        region_bytes=region,
        vcpus=1,
        targets=(63,),
        borrow=EVERYWHERE,
        window=3_000_000,
    )
    assert result.summary["status"] == "completed"


# ---- where a VM's memory lies ------------------------------------------------------------------


@pytest.mark.parametrize(
    "borrow", [{}, {1: 1.0}, {1: 0.3}, {1: 0.123, 2: 0.456}, {1: 1 / 3}, EVERYWHERE]
)
@pytest.mark.parametrize("regions", [1, 63, 64, 1000])
def test_what_lies_on_a_node_is_what_was_dealt_to_it(
    borrow: dict[int, float], regions: int
) -> None:
    vm = VmSpec(memory_bytes=regions * PAGE, vcpus=1, source=0, targets=(1,), borrow=borrow)
    dealt = Counter(vm.locations())
    assert dealt.total() == regions
    assert vm.bytes_on() == {node: count * PAGE for node, count in dealt.items()}


def test_dealing_out_to_many_nodes_goes_round() -> None:
    vm = VmSpec(memory_bytes=64 << 30, vcpus=1, source=0, targets=(1,), borrow=EVERYWHERE)
    dealt = vm.locations()
    assert len(dealt) == 16 << 20
    assert dealt[:64] == dealt[-64:] == bytes(range(64))


# ---- a VM's record of homes --------------------------------------------------------------------


def homes_of(nodes: list[int]) -> Homes:
    """Return a record of regions from the second one of the machine on."""
    homes = Homes(
        array("Q", range(PAGE, (len(nodes) + 1) * PAGE, PAGE)),
        machine_regions=len(nodes) + 8,
        region_bytes=PAGE,
    )
    for number, node in enumerate(nodes, start=1):
        homes.fill(number * PAGE, (number + 1) * PAGE, node)
    return homes


@given(
    nodes=st.lists(st.integers(0, 63), min_size=1, max_size=12),
    steps=st.lists(
        st.tuples(
            st.sampled_from(["move", "add", "drop"]),
            st.sets(st.integers(1, 19)),
            st.integers(0, 63),
        ),
        max_size=8,
    ),
)
def test_a_record_of_homes_is_a_dict_that_keeps_its_order(
    nodes: list[int], steps: list[tuple[str, set[int], int]]
) -> None:
    homes = homes_of(nodes)
    model = {number * PAGE: node for number, node in enumerate(nodes, start=1)}
    at_first = homes.copy(), dict(model)
    for step, numbers, node in steps:
        regions = [n * PAGE for n in sorted(numbers) if n < len(nodes) + 8]
        ours = [region for region in regions if region in model]
        if step == "move":
            homes.move(ours, node)
            model.update(dict.fromkeys(ours, node))
        elif step == "add":
            for region in regions:
                homes.add(region, node)
                model.setdefault(region, node)
        else:
            homes.drop(ours)
            for region in ours:
                del model[region]
    for record, known in ((homes, model), at_first):
        assert list(record) == list(known)
        assert [record[region] for region in record] == list(known.values())
        away = record.elsewhere(5)
        assert away == {
            home: [r for r in known if known[r] == home] for home in {*known.values()} - {5}
        }
    with pytest.raises(KeyError):
        homes[0]


# ---- across the border to C++ ------------------------------------------------------------------


@pytest.mark.parametrize("make", [list, tuple, lambda numbers: array("Q", numbers)])
def test_the_engine_takes_addresses_in_any_sequence(make: type) -> None:
    system = System(small())
    system.place_homes(make([0, 5 * PAGE, PAGE + 64]), 1)
    assert [system.home_of(page * PAGE) for page in range(6)] == [1, 1, 0, 0, 0, 1]
    job = system.transfer(0, make([0, 2 * PAGE]), 0)
    wait_for(system, job)
    assert [system.home_of(page * PAGE) for page in range(6)] == [0, 1, 0, 0, 0, 1]
    system.audit()


@pytest.mark.parametrize("wrong", [["0"], [-1], [0.5], 7, array("d", [0.0])])
def test_what_is_no_address_is_refused(wrong: object) -> None:
    with pytest.raises(TypeError):
        System(small()).place_homes(wrong, 1)  # type: ignore[arg-type]


def test_a_region_that_is_placed_is_known_to_every_node() -> None:
    system = System(small(nodes=4))
    system.place_homes([0], 3)
    system.place_homes((PAGE,), 2)
    system.place_homes(array("Q", [2 * PAGE]), 1)
    for node in range(4):
        for page in range(3):
            system.probe(node * 2, page * PAGE, False)
    forwarded = [event for _, _, _, event, _ in system.transitions() if event == "Away"]
    assert forwarded == []
