# SPDX-License-Identifier: BSD-3-Clause
"""The experiment: bytes, times and energy of a migration are those that one counts by hand."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from experiments import (
    ASKED,
    COPY,
    IDLE,
    KIB,
    MIB,
    MICROSECOND,
    REGION,
    machine_of,
    run,
    state_lines,
    trace_of,
)
from hypothesis import given
from hypothesis import strategies as st
from machines import CONTROL, DATA, LINE, PAGE, bytes_of, settle, small, wait_for

from homeshift._engine import System
from homeshift.energy import Counts, energy_of, load_constants
from homeshift.engines import Models, links_too_slow
from homeshift.engines.base import Counters, VmCounters
from homeshift.engines.messages import MIGRATION_TYPES
from homeshift.errors import InputError
from homeshift.experiment.frames import FrameAllocator
from homeshift.experiment.summary import Span, changing_speeds
from homeshift.experiment.vm import VmSpec, check_together, state_bytes
from homeshift.machine import Machine, load_machine, machine_names
from homeshift.output import Stat
from homeshift.strategies import STRATEGIES
from homeshift.workload import Workload, parse_workload
from homeshift.workload.kinds import KINDS


def slow_links(bytes_per_second: float) -> Machine:
    machine = machine_of("quad", outstanding_lines=512)
    network = replace(machine.network, link_bandwidth_bytes_per_second=bytes_per_second)
    return replace(machine, network=network)


def slow_memory(bytes_per_second: float) -> Machine:
    machine = machine_of("quad", outstanding_lines=512)
    memory = replace(machine.memory, bandwidth_bytes_per_second=bytes_per_second)
    return replace(machine, memory=memory)


# ---- times -------------------------------------------------------------------------------------


@pytest.mark.parametrize("bandwidth", [2e9, 8e9])
def test_downtime_of_a_copy_is_size_over_bandwidth_where_links_are_the_bottleneck(
    bandwidth: float,
) -> None:
    """Every line crosses the source's link once, in a message of 72 B."""
    machine = slow_links(bandwidth)
    summary = run(machine, "stop-and-copy", IDLE, memory_bytes=MIB, vcpus=1).summary
    lines = MIB // LINE + state_lines(machine, 1, MIB)
    assert summary["downtime"] == pytest.approx(lines * DATA / bandwidth, rel=0.03)
    assert summary["downtime"] == summary["total-time"]


@pytest.mark.parametrize("bandwidth", [2e9, 8e9])
def test_downtime_of_a_copy_is_size_over_bandwidth_where_memories_are_the_bottleneck(
    bandwidth: float,
) -> None:
    """Every line is read from one memory and written to the other."""
    machine = slow_memory(bandwidth)
    summary = run(machine, "stop-and-copy", IDLE, memory_bytes=MIB, vcpus=1).summary
    size = MIB + machine.migration.cpu_state_bytes
    assert summary["downtime"] == pytest.approx(size / bandwidth, rel=0.03)


def test_downtime_of_a_copy_is_longer_when_too_few_lines_are_outstanding() -> None:
    few = replace(slow_links(8e9), migration=machine_of("quad", outstanding_lines=2).migration)
    times = [
        run(machine, "stop-and-copy", IDLE, memory_bytes=256 * KIB, vcpus=1).summary["downtime"]
        for machine in (slow_links(8e9), few)
    ]
    assert times[1] > 2 * times[0]


def test_ownership_stands_still_for_the_vcpus_state_only() -> None:
    machine = machine_of("quad")
    for size in (64 * KIB, 512 * KIB):
        owned = run(machine, "ownership", IDLE, memory_bytes=size).summary
        [state] = [p for p in owned["phases"] if p["name"] == "move-cpu-state"]
        assert owned["downtime"] == (state["end"] - state["start"]) / 1e12
        assert owned["total-time"] > owned["downtime"]


@pytest.mark.parametrize(("cycles", "steady"), [(40_001, False), (400_001, True)])
def test_a_vm_whose_caches_still_fill_is_not_steady(cycles: int, steady: bool) -> None:
    window = cycles * 500  # the halves are not equal
    said: list[str] = []
    summary = run(
        machine_of("quad"),
        "ownership",
        "uniform:footprint=0.25",
        window=window,  # the warm-up is as long
        memory_bytes=MIB,
        report=said.append,
    ).summary
    assert summary["phases"][0]["start"] == 2 * window
    assert [at.get("steady", True) for at in (summary["vms"][0], summary["vm"])] == [steady] * 2
    assert any("not steady before the migration" in line for line in said) != steady


@pytest.mark.parametrize(
    ("quarters", "told"),
    [
        ((1000, 1046, 1068, 1113), (100.0, 111.3)),  # zipf on quad, as its caches fill
        ((1113, 1068, 1046, 1000), (111.3, 100.0)),
        ((1000, 1046, 1068, 1067), None),  # has come to rest, or is of phases
        ((1000, 1017, 1034, 1051), None),  # 4.9 % below the last
        ((1000, 1000, 1112, 1112), (100.0, 111.2)),
        ((1000, 1000, 1000, 1000), None),
        ((200, 250, 260, 289), None),  # may be chance
    ],
)
def test_a_speed_that_goes_on_to_change_is_not_steady(
    quarters: tuple[int, ...], told: tuple[float, float] | None
) -> None:
    spans = [
        Span(10 * MICROSECOND, Counters(), (VmCounters(accesses=count), VmCounters()))
        for count in quarters
    ]
    assert changing_speeds(spans) == ({} if told is None else {0: told})


def test_chance_does_not_make_a_vm_unsteady() -> None:
    summary = run(machine_of("quad"), "ownership", "uniform:think=2000").summary
    speed = summary["vms"][0]["accesses-per-microsecond"]["before"]
    assert 0 < speed * 5 < 100  # accesses
    assert "steady" not in summary["vms"][0]


@pytest.mark.parametrize(("accesses", "known"), [(99, False), (100, True)])
def test_the_speed_of_a_vm_is_known_from_100_accesses_on(accesses: int, known: bool) -> None:
    said: list[str] = []
    summary = run(
        machine_of("quad"),
        "ownership",
        "uniform:think=1000,shared=0",  # an access in 500 ns
        window=accesses * 500_000,
        vcpus=1,
        report=said.append,
    ).summary
    assert summary["vm"]["accesses-per-microsecond"]["before"] == pytest.approx(2)
    assert [at.get("speed-known", True) for at in (summary["vms"][0], summary["vm"])] == [known] * 2
    assert any(f"is not known: too few accesses, {accesses} (" in line for line in said) != known


@pytest.mark.parametrize(
    ("machine", "told"),
    [
        *((name, "") for name in machine_names()),
        ("quad:network.link_bandwidth=2.7GB/s", ""),
        ("quad:network.link_bandwidth=2.5GB/s", "by 28.8ns or more: .* of a link, 27.5ns, and"),
        ("pool:pool.link_bandwidth=100MB/s", "by 720ns or more"),
    ],
)
def test_links_that_a_line_passes_slower_than_their_latency_are_told(
    machine: str, told: str
) -> None:
    said: list[str] = []
    run(machine_of(machine), "ownership", window=MICROSECOND, vcpus=1, report=said.append)
    found = [line for line in said if "the latency of remote accesses is too low" in line]
    assert len(found) == bool(told)
    assert re.search(told, " ".join(found))
    assert not links_too_slow(Models(network="garnet"), load_machine(machine))


def test_phases_follow_each_other_without_gaps() -> None:
    for strategy, names in (
        ("ownership", ["transfer", "move-stage2-table", "pause", "move-cpu-state", "resume"]),
        ("stop-and-copy", ["pause", "move-stage2-table", "copy", "move-cpu-state", "resume"]),
    ):
        phases = run(machine_of("tiny"), strategy).summary["phases"]
        assert [phase["name"] for phase in phases] == names
        assert all(a["end"] == b["start"] for a, b in itertools.pairwise(phases))
        assert all(phase["start"] <= phase["end"] for phase in phases)
        total = phases[-1]["end"] - phases[0]["start"]
        assert run(machine_of("tiny"), strategy).summary["total-time"] == total / 1e12


# ---- bytes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tiny", "quad"])
@pytest.mark.parametrize("workload", [IDLE, "uniform:write_ratio=0.9,think=0"])
def test_a_copy_sends_a_line_and_an_ack_for_every_line_and_for_the_state(
    name: str, workload: str
) -> None:
    machine = machine_of(name)
    for size in (64 * KIB, 128 * KIB):
        summary = run(machine, "stop-and-copy", workload, memory_bytes=size).summary
        assert summary["copied-pages"] == summary["ram"]["normal"] == size // PAGE
        assert summary["ram"]["normal-bytes"] == summary["ram"]["total"] == size
        copied = size // LINE + state_lines(machine, memory=size)
        assert summary["interconnect"]["migration-bytes"] == copied * COPY
        assert summary["ram"]["transferred"] == summary["ram"]["downtime-bytes"] == copied * COPY
        assert summary["ram"]["precopy-bytes"] == 0
        assert summary["home"]["regions-transferred"] == summary["home"]["entries-moved"] == 0


@pytest.mark.parametrize("region", [4 * KIB, 16 * KIB])
def test_a_transfer_of_an_idle_vm_sends_three_headers_a_region_and_the_state(region: int) -> None:
    machine = machine_of("quad")
    summary = run(machine, "ownership", IDLE, region_bytes=region).summary
    regions = 64 * KIB // region
    assert summary["home"]["regions-transferred"] == regions
    assert summary["home"]["entries-moved"] == 0
    sent = regions * REGION + state_lines(machine) * COPY
    assert summary["interconnect"]["migration-bytes"] == sent
    assert summary["ram"]["precopy-bytes"] == regions * REGION + 2 * COPY  # and the table
    assert summary["copied-pages"] == 0


@pytest.mark.parametrize("name", ["tiny", "quad"])
def test_a_transfer_of_local_memory_sends_an_entry_more_for_every_line_with_copies(
    name: str,
) -> None:
    machine = machine_of(name)
    summary = run(machine, "ownership", "uniform:write_ratio=0.9,think=0").summary
    entries = summary["home"]["entries-moved"]
    assert entries > 0
    sent = 16 * REGION + entries * DATA + state_lines(machine) * COPY
    assert summary["interconnect"]["migration-bytes"] == sent


def test_a_transfer_writes_dirty_slice_lines_back_to_where_their_memory_is() -> None:
    """Homed at node 0, to go to node 1: one region lies on node 0, one on node 2."""
    here, far = 0, 2 * MIB
    for base, extra in ((here, 0), (far, DATA + CONTROL)):
        system = System(small(nodes=3))
        system.place_homes([base], 0)
        system.probe(0, base, True)
        for rival in (PAGE, PAGE + 2 * LINE):
            system.probe(0, rival, False)  # line 0 goes to the slice, modified
        system.probe(1, base + LINE, True)  # owned
        system.probe(0, base + 3 * LINE, False)
        system.probe(4, base + 3 * LINE, False)  # shared by node 2
        settle(system)
        system.reset_statistics()
        wait_for(system, system.transfer(0, [base], 1))
        settle(system)
        sent = bytes_of(system.between_nodes())
        assert sent == REGION + 2 * DATA + extra
        inside = bytes_of(system.all_messages()) - sent
        assert inside == 2 * CONTROL + (DATA + CONTROL - extra)  # the request, and "moved"


def test_borrowed_memory_costs_a_copy_but_not_a_transfer() -> None:
    machine = machine_of("quad")
    lent = {2: 0.5}
    copies = [run(machine, "stop-and-copy", IDLE, borrow=part).summary for part in ({}, lent)]
    transfers = [run(machine, "ownership", IDLE, borrow=part).summary for part in ({}, lent)]
    # Half of the lines are read from node 2: a request and the data more, home to memory. What was
    # borrowed goes back to node 2.
    more = 64 * KIB // LINE // 2 * COPY + 64 * KIB // PAGE // 2 * (REGION + ASKED)
    bytes_ = [s["interconnect"]["migration-bytes"] for s in (*copies, *transfers)]
    assert bytes_[1] - bytes_[0] == more
    assert bytes_[2] == bytes_[3]


# ---- everything works with everything ----------------------------------------------------------


def a_trace(folder: Path) -> Workload:
    """Return a workload that replays 2000 records over 8 pages."""
    numbers = np.arange(2000)
    addresses = numbers * 72 % (8 * PAGE) // 8 * 8
    return trace_of(folder / "small.npy", addresses, write=numbers % 3 == 0)


@pytest.mark.parametrize("machine", sorted({*machine_names()} - {"rack64"}))  # see test_scale.py
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_workload_migrates_on_every_machine_with_all_its_data(
    machine: str, strategy: str, kind: str, tmp_path: Path
) -> None:
    parameters = {"producer-consumer": ":ring=4KiB,think=0", "pointer-chase": ":think=0"}
    workload = (
        a_trace(tmp_path) if kind == "trace" else parse_workload(kind + parameters.get(kind, ""))
    )
    nodes = load_machine(machine).nodes
    borrow = {2: 0.25, 3: 0.25} if nodes > 2 else {1: 0.25}
    result = run(machine_of(machine), strategy, workload, borrow=borrow, window=3 * MICROSECOND)
    summary = result.summary
    assert summary["status"] == "completed"
    speed = summary["vm"]["accesses-per-microsecond"]
    assert speed["before"] > 0 < speed["after"]
    assert result.final_tick > summary["phases"][-1]["end"]


# ---- the VM ------------------------------------------------------------------------------------


def test_data_left_behind_makes_the_vm_slower_and_its_misses_remote() -> None:
    machine = machine_of("quad")
    chase = "pointer-chase:think=0,footprint=1,shared=0"
    owned, copied = (
        run(machine, strategy, chase, window=50 * MICROSECOND, memory_bytes=2 * MIB).summary["vm"]
        for strategy in ("ownership", "stop-and-copy")
    )
    speed, share = owned["accesses-per-microsecond"], owned["local-share"]
    assert speed["before"] > 1.5 * speed["after"] > 0
    assert speed["during"] > 0
    assert share["before"] == 1.0
    assert share["after"] < 0.1
    assert copied["local-share"]["before"] == copied["local-share"]["after"] == 1.0
    assert copied["accesses-per-microsecond"]["during"] < speed["during"]


def test_an_idle_vm_has_no_local_share() -> None:
    vm = run(machine_of("quad"), "ownership", IDLE).summary["vm"]
    assert vm["accesses-per-microsecond"] == {"before": 0.0, "during": 0.0, "after": 0.0}
    assert vm["local-share"] == {"before": None, "during": None, "after": None}


@pytest.mark.parametrize(
    ("borrow", "expected"),
    [
        ({}, [0] * 8),
        ({1: 1.0}, [1] * 8),
        ({2: 0.25}, [0, 0, 2, 0, 0, 0, 2, 0]),
        ({2: 0.5}, [0, 2] * 4),
    ],
)
def test_regions_are_dealt_out_in_turn(borrow: dict[int, float], expected: list[int]) -> None:
    vm = VmSpec(memory_bytes=8 * PAGE, vcpus=1, source=0, targets=(1,), borrow=borrow)
    assert list(vm.locations()) == expected


@given(parts=st.lists(st.integers(1, 40), min_size=1, max_size=3), regions=st.integers(1, 300))
def test_every_stretch_of_memory_has_the_fractions_that_were_asked_for(
    parts: Sequence[int], regions: int
) -> None:
    borrow = {node: part / 120 for node, part in enumerate(parts, start=1)}
    vm = VmSpec(memory_bytes=regions * PAGE, vcpus=1, source=0, targets=(1,), borrow=borrow)
    weights = {**borrow, 0: 1 - sum(borrow.values())}
    dealt = vm.locations()
    assert len(dealt) == regions
    for stretch in (regions, regions // 2, regions // 3):
        for node, weight in weights.items():
            # Smooth round robin is never as much as the number of nodes off.
            assert abs(dealt[:stretch].count(node) - weight * stretch) < len(weights)


@pytest.mark.parametrize(
    ("regions", "borrow", "found"),
    [
        (2, {2: 0.25, 3: 0.25}, "borrow 2:0.25,3:0.25: in whole regions this is 2:0.5,3:0, as "),
        (1, {2: 0.5}, "borrow 2:0.5: in whole regions this is 2:0, as the VM has 1 of 2MiB; "),
        (2, {2: 0.4}, "this is 2:0.5, as the VM has 2 of 2MiB; give multiples of 0.5, a smaller"),
        (32, {2: 0.0001}, "this is 2:0, as the VM has 32 of 2MiB; give multiples of 0.0312, a sm"),
        (4, {1: 0.3, 2: 0.3, 3: 0.3}, "this is 1:0.25,2:0.25,3:0.25, as"),  # and 0.25 stay
        (10, {1: 0.25, 2: 0.25}, ""),  # 0.3 and 0.2
        (20, {1: 0.25, 2: 0.33}, ""),
    ],
)
def test_whole_regions_have_to_be_near_what_is_to_be_borrowed(
    regions: int, borrow: dict[int, float], found: str
) -> None:
    size = 2 * MIB
    vm = VmSpec(memory_bytes=regions * size, vcpus=1, source=0, borrow=borrow, region_bytes=size)
    if not found:
        vm.check(load_machine("quad"))
        return
    with pytest.raises(InputError, match=re.escape(found)):
        vm.check(load_machine("quad"))


def test_fractions_that_add_up_to_1_but_for_rounding_can_be_borrowed() -> None:
    borrow = dict.fromkeys(range(1, 10), 1 / 9)
    assert sum(borrow.values()) > 1
    VmSpec(memory_bytes=9 * PAGE, vcpus=1, source=0, borrow=borrow).check(load_machine("rack64"))


def test_vms_with_regions_of_different_sizes_are_told() -> None:
    specs = [
        VmSpec(memory_bytes=MIB, vcpus=1, source=0, region_bytes=size) for size in (PAGE, 2 * PAGE)
    ]
    with pytest.raises(InputError, match="all VMs of a machine must have the same size of regions"):
        check_together(specs, load_machine("quad"))


def test_of_many_lenders_a_few_are_told() -> None:
    borrow = dict.fromkeys(range(1, 6), 0.1)
    vm = VmSpec(memory_bytes=4 * PAGE, vcpus=1, source=0, borrow=borrow)
    with pytest.raises(InputError, match=r"borrow 1:0\.1,2:0\.1,3:0\.1 and 2 more: in whole"):
        vm.check(load_machine("octo"))


def test_a_vm_that_does_not_fit_is_told_with_all_its_faults() -> None:
    machine = machine_of("tiny")
    vm = VmSpec(
        memory_bytes=PAGE + 1, vcpus=3, source=0, targets=(0,), borrow={0: 0.5, 1: 0.7, 7: -0.1}
    )
    with pytest.raises(InputError) as error:
        vm.check(machine)
    assert [fault.partition(":")[0] for fault in error.value.faults] == [
        *("target = 0", "vcpus = 3", "borrow 0", "borrow 7", "borrow 7", "borrow"),
        "vm-memory = 4097B",
    ]
    big = VmSpec(memory_bytes=2 * MIB, vcpus=1, source=0, targets=(1,))
    with pytest.raises(
        InputError, match=r"vm-memory = 2MiB: needs 2\.01 MiB on node 0, which has 1\.00"
    ):
        big.check(machine)
    replace(big, borrow={1: 0.51}, memory_bytes=MIB).check(machine)  # fits, and raises nothing
    full = replace(big, memory_bytes=MIB - 2 * PAGE)  # and a page of state, and one of its table
    full.check(machine)
    told = (
        r"needs 1\.00 MiB on node 0, which has 1\.00 MiB, 4\.00 KiB too little with the vCPUs' st"
    )
    with pytest.raises(InputError, match=rf"vm-memory = 1016KiB: {told}"):
        replace(full, vcpus=2).check(machine)


def test_a_target_without_room_for_the_copy_is_an_input_error() -> None:
    with pytest.raises(InputError, match=r"node 1 has 252 KiB .* copying pages needs 1\.00 MiB"):
        run(machine_of("tiny"), "stop-and-copy", memory_bytes=MIB, borrow={1: 0.75})


def test_frames_are_handed_out_in_whole_regions_of_a_node() -> None:
    allocator = FrameAllocator(machine_of("tiny"), 2 * PAGE)
    assert allocator.allocate(1, 1, purpose="a byte") == MIB
    assert allocator.allocate(1, PAGE, purpose="a page") == MIB + 2 * PAGE
    assert allocator.allocate(0, PAGE, purpose="a page") == 0
    assert allocator.allocate(1, MIB - 4 * PAGE, purpose="the rest") == MIB + 4 * PAGE
    with pytest.raises(InputError, match=r"node 1 has 0 B"):
        allocator.allocate(1, 1, purpose="more")
    assert state_bytes(machine_of("tiny")) == PAGE  # 1 KiB in whole pages


# ---- energy ------------------------------------------------------------------------------------


def test_the_energy_of_a_copy_is_that_of_its_reads_writes_links_and_look_ups() -> None:
    machine = machine_of("quad")
    lines = 64 * KIB // LINE + state_lines(machine)
    by_hand = Counts(
        dram_reads=lines,
        dram_writes=lines,
        link_bytes=2 * lines * COPY,  # to the hub and on
        directory_accesses=2 * lines,
    )
    summary = run(machine, "stop-and-copy", IDLE).summary
    assert summary["energy"] == energy_of(by_hand, load_constants()).to_dict()


def test_the_energy_of_an_idle_transfer_is_that_of_its_headers_and_the_state() -> None:
    machine = machine_of("quad")
    lines = state_lines(machine)
    by_hand = Counts(
        dram_reads=lines,
        dram_writes=lines,
        link_bytes=2 * (16 * REGION + lines * COPY),
        directory_accesses=2 * lines,
    )
    summary = run(machine, "ownership", IDLE).summary
    assert summary["energy"] == energy_of(by_hand, load_constants()).to_dict()


def counted(stats: Sequence[Stat]) -> Counts:
    """Return what stats.txt says that the migration did; the windows around it add nothing."""
    values = {
        stat.name: sum(stat.subs.values()) if stat.subs else stat.value or 0 for stat in stats
    }

    def home(event: str, *states: str) -> int:
        """Times that homes took an event, in these states or in any."""
        prefix = "system.ruby.Directory_Controller."
        named = [name.split(".")[3:] for name in values if name.startswith(prefix)]
        taken = [s for s, e in named if e == event and (not states or s in states)]
        return int(sum(values[f"{prefix}{state}.{event}"] for state in taken))

    links = [
        value
        for name, value in values.items()
        if ".int_links" in name and name.endswith(("Persistent_Control", "ResponseLocal_Data"))
    ]
    requests = home("DmaRead") + home("DmaRead_Hit") + home("DmaWrite")
    departed = home("Depart", "I", "S", "EM")
    arrived = home("XferEntry") + home("XferEntry_Last")
    return Counts(
        dram_reads=home("DmaRead", "I", "S"),
        dram_writes=home("DmaWrite") + home("DepartDirty"),
        link_bytes=int(sum(links)),
        slc_accesses=home("DmaRead_Hit") + home("DepartDirty"),
        directory_accesses=requests + departed + home("DepartDirty") + arrived,
    )


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("name", ["tiny", "quad"])
def test_the_energy_of_a_busy_vms_migration_is_that_of_its_statistics(
    name: str, strategy: str
) -> None:
    result = run(machine_of(name), strategy, "uniform:write_ratio=0.5,think=0")
    energy = energy_of(counted(result.statistics), load_constants())
    # The last transfer's fin may cross its links after the end of the migration.
    assert result.summary["energy"] == pytest.approx(energy.to_dict(), rel=5e-4)


# ---- what follows from other numbers -----------------------------------------------------------


def test_rates_of_a_copy_are_its_bytes_and_pages_over_its_time() -> None:
    summary = run(machine_of("quad"), "stop-and-copy").summary
    ram, seconds = summary["ram"], summary["total-time"]
    assert ram["mbps"] == pytest.approx(8 * ram["transferred"] / seconds / 1e6)
    assert ram["pages-per-second"] == pytest.approx(16 / seconds)
    assert ram["remaining"] == 0


def test_what_is_lost_is_what_the_vm_would_have_done_at_the_speed_it_had_before() -> None:
    summary = run(machine_of("quad"), "stop-and-copy", horizon=60 * MICROSECOND).summary
    before, window = summary["vm"]["accesses-per-microsecond"]["before"], summary["window"]
    assert before > 0
    assert window["accesses-lost"] == pytest.approx(60 * before - window["accesses"])


def test_the_vms_bytes_are_those_that_its_messages_leave_on_two_links_each() -> None:
    """Everything is local before the migration, so all of them are of the window."""
    busy = "uniform:write_ratio=0.5,think=20,footprint=1"
    result = run(machine_of("quad"), "ownership", busy, window=50 * MICROSECOND)
    window = result.summary["window"]
    assert result.summary["vm"]["local-share"]["before"] == 1.0
    found = {stat.name: stat.value or 0 for stat in result.statistics}
    served = [found[f"system.ruby.home_table{node}.servedRemotely"] for node in range(4)]
    assert sum(served) == window["remote-accesses"] > 0
    for core in range(16):
        cache = f"system.ruby.l1_cntrl{core}.cache"
        hits, misses, all_ = (
            found[f"{cache}.m_demand_{what}"] for what in ("hits", "misses", "accesses")
        )
        assert hits + misses == all_
    on_links = {"Control": 0.0, "Data": 0.0}
    for stat in result.statistics:
        link, _, kind = stat.name.partition(".msg_byte.")
        if ".int_links" in link and kind and kind not in MIGRATION_TYPES:
            on_links[kind.rpartition("_")[2]] += stat.value or 0
    # The last ones are on their way.
    assert window["control-bytes"] == pytest.approx(on_links["Control"] / 2, rel=0.01)
    assert window["data-bytes"] == pytest.approx(on_links["Data"] / 2, rel=0.01)


def test_an_access_that_joins_another_is_none_of_its_caches_and_the_statistic_says_so() -> None:
    result = run(machine_of("quad"), "ownership", "zipf:think=0")
    found = {stat.name: stat for stat in result.statistics}
    done = sum(
        stat.value or 0
        for name, stat in found.items()
        if name.endswith((".numLoads", ".numStores"))
    )
    asked = [found[f"system.ruby.l1_cntrl{core}.cache.m_demand_accesses"] for core in range(16)]
    assert 0 < sum(stat.value or 0 for stat in asked) < done
    told = "Number of cache demand accesses, without those that joined one under way"
    assert {stat.desc for stat in asked} == {told}


def test_a_link_is_busy_for_as_long_as_what_crosses_it_takes() -> None:
    """A copy sends lines with their data one way, and acks the other."""
    bandwidth = 2e9
    result = run(slow_links(bandwidth), "stop-and-copy", IDLE, memory_bytes=MIB, vcpus=1)
    summary = result.summary
    lines = MIB // LINE + state_lines(slow_links(bandwidth), 1, MIB)
    ways = [(link["source"], link["target"]) for link in summary["links"]]
    busy = dict(zip(ways, summary["progress"][-1]["links-busy"], strict=True))
    hub = 4
    assert busy[0, hub] == busy[hub, 1] == pytest.approx(lines * DATA / bandwidth)
    assert busy[1, hub] == busy[hub, 0] == pytest.approx(lines * CONTROL / bandwidth)
    assert busy[2, hub] == 0
    found = {stat.name: stat.value or 0 for stat in result.statistics}
    for number, way in enumerate(ways):
        share = found[f"system.ruby.network.int_links{number:02d}.utilization"]
        assert share * found["simSeconds"] == pytest.approx(busy[way], rel=1e-3)


def test_memory_is_busy_for_as_long_as_its_lines_take() -> None:
    bandwidth = 2e9
    machine = slow_memory(bandwidth)
    result = run(machine, "stop-and-copy", IDLE, memory_bytes=MIB, vcpus=1)
    found = {stat.name: stat.value or 0 for stat in result.statistics}
    assert found["simTicks"] == result.final_tick - 5 * MICROSECOND  # without the warm-up
    lines = MIB // LINE + state_lines(machine, 1, MIB)
    for node, name in ((0, "numReads"), (1, "numWrites")):
        memory = f"system.mem_ctrls{node}"
        assert found[f"{memory}.{name}"] == lines
        busy = found[f"{memory}.busUtil"] * found["simSeconds"]
        assert busy == pytest.approx(lines * LINE / bandwidth, rel=1e-3)


def test_the_mean_latency_of_a_vm_that_does_nothing_else_is_the_time_over_its_accesses() -> None:
    machine = machine_of("quad")
    one = replace(machine, cores=replace(machine.cores, max_outstanding=1))
    result = run(one, "ownership", "uniform:think=0", window=50 * MICROSECOND, vcpus=1)
    [vm] = result.summary["vms"]
    found = {stat.name: stat.value or 0 for stat in result.statistics}
    assert found["system.vm.vcpu0.totalLatency"] == pytest.approx(found["simTicks"], rel=0.05)
    for when in ("before", "after"):
        speed = vm["accesses-per-microsecond"][when]
        assert vm["mean-latency"][when] == pytest.approx(1e-6 / speed, rel=0.02)


# ---- determinism -------------------------------------------------------------------------------


def test_one_seed_gives_one_result_and_another_seed_another() -> None:
    machine = machine_of("tiny")
    one, same, other = (run(machine, "ownership", seed=seed) for seed in (1, 1, 2))
    assert one.summary == same.summary
    assert one.statistics == same.statistics
    assert one.statistics != other.statistics


@pytest.mark.parametrize("horizon", [None, 100 * MICROSECOND])  # 64 points are no whole cycles
def test_the_course_reaches_to_the_end_of_the_measurement(horizon: int | None) -> None:
    summary = run(machine_of("tiny"), "ownership", horizon=horizon).summary
    last, window = summary["progress"][-1], summary["window"]
    assert last["time"] == window["time"]
    assert sum(last["accesses"]) == window["accesses"]
    assert last["remote-accesses"] == [window["remote-accesses"]]
    assert last["energy"] == window["energy"]
    times = [point["time"] for point in summary["progress"]]
    assert times == sorted(set(times))


def test_what_is_lost_is_not_known_if_nothing_was_watched_before() -> None:
    summary = run(machine_of("tiny"), "ownership", window=0).summary
    assert summary["window"]["accesses-lost"] is None
    assert summary["vm"]["accesses-per-microsecond"]["before"] is None
