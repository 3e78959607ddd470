# SPDX-License-Identifier: BSD-3-Clause
"""Machine files: what they mean, which faults are told, and that shipped ones are as they say."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from homeshift.errors import InputError
from homeshift.machine import (
    Machine,
    load_machine,
    machine_directory,
    machine_names,
    topology,
)

SOUND = (machine_directory() / "quad.toml").read_text()


def written(folder: Path, text: str, name: str = "mine.toml") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def changed(folder: Path, *changes: tuple[str, str]) -> str:
    text = SOUND
    for old, new in changes:
        assert old in text, f"{old!r} is not in quad.toml"
        text = text.replace(old, new, 1)
    return written(folder, text)


def faults_of(path: str) -> tuple[str, ...]:
    with pytest.raises(InputError) as error:
        load_machine(path)
    return error.value.faults


def hop_ns(machine: Machine, links: int) -> float:
    """Time of one message over so many links, as the comments of the machine files count it."""
    network = machine.network
    cycles = links * (network.router_latency_cycles + network.link_latency_cycles)
    cycles += network.router_latency_cycles + network.local_latency_cycles
    return cycles * machine.clock_period_ps / 1000


def miss_ns(machine: Machine, *, home_links: int, memory_links: int) -> float:
    parts = (machine.cache, machine.home, machine.memory)
    stages = 5  # of one cycle: cache's request, to DRAM, its answer, memory's answer, home's answer
    inside = sum(part.latency_cycles for part in parts) + stages
    inside_ns = inside * machine.clock_period_ps / 1000
    return inside_ns + 2 * hop_ns(machine, home_links) + 2 * hop_ns(machine, memory_links)


def test_times_become_cycles_of_the_clock_and_sizes_become_bytes() -> None:
    machine = load_machine("quad")
    assert machine.name == "quad"
    assert machine.clock_period_ps == 500
    assert machine.nodes == 4
    assert machine.memory.latency_cycles == 127  # 63.5 ns
    assert machine.network.link_latency_cycles == 55  # 27.5 ns
    assert machine.memory.size_bytes == 1 << 30
    assert machine.memory.bandwidth_bytes_per_second == 38.4e9
    assert machine.cache.sets == 512
    assert machine.network.columns is None


@pytest.mark.parametrize("name", machine_names())
def test_every_shipped_machine_loads_and_its_dict_is_json(name: str) -> None:
    machine = load_machine(name)
    plain = machine.to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["name"] == name
    assert "path" not in plain


def test_shipped_machines_are_a_small_one_a_crossbar_and_a_mesh() -> None:
    assert set(machine_names()) >= {"tiny", "quad", "octo"}
    assert load_machine("tiny").cache.size_bytes == 256
    assert load_machine("quad").network.topology == "crossbar"
    assert load_machine("octo").network.topology == "mesh"


def test_quad_has_the_latencies_that_its_comments_compute() -> None:
    quad = load_machine("quad")
    local = miss_ns(quad, home_links=0, memory_links=0)
    assert local == 100.0
    assert miss_ns(quad, home_links=0, memory_links=2) == 218.0  # to the hub and on: two links
    assert miss_ns(quad, home_links=2, memory_links=0) == 218.0
    assert 218.0 / local == 2.18


def test_a_miss_in_the_pool_takes_what_its_comments_and_the_page_say() -> None:
    pool = load_machine("pool")
    assert miss_ns(pool, home_links=0, memory_links=0) == 100.0
    assert miss_ns(pool, home_links=0, memory_links=2) == 218.0 == 63.5 + 154.5


def test_octo_has_the_latencies_that_its_comments_compute() -> None:
    octo = load_machine("octo")
    columns = octo.network.columns
    assert columns == 4
    places = [divmod(node, columns) for node in range(octo.nodes)]
    distances = [
        abs(row - other_row) + abs(column - other_column)
        for row, column in places
        for other_row, other_column in places
        if (row, column) != (other_row, other_column)
    ]
    assert sum(distances) / len(distances) == 2.0
    latencies = [miss_ns(octo, home_links=0, memory_links=links) for links in (0, 1, 2, 4)]
    assert latencies == [100.0, 159.0, 218.0, 336.0]


def test_tiny_has_the_latencies_that_its_comments_compute() -> None:
    tiny = load_machine("tiny")
    assert miss_ns(tiny, home_links=0, memory_links=0) == 26.0
    assert miss_ns(tiny, home_links=0, memory_links=2) == 50.0


RIGN = "not one of crossbar, ring, mesh, fully-connected, links (did you mean 'ring'?)"


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    path = changed(
        tmp_path,
        ('size = "256KiB"', 'size = "3KiB"'),
        ('latency = "63.5ns"', 'latency = "66.3ns"'),
        ('bandwidth = "38.4GB/s"', 'band_width = "38.4GB/s"'),
        ('topology = "crossbar"', 'topology = "rign"'),
        ('link_latency = "27.5ns"', "link_latency = 27"),
        ("outstanding_lines = 32", "outstanding_lines = 0"),
        ("nodes = 4", "nodes = 32"),
    )
    with pytest.raises(InputError) as error:
        load_machine(path)
    assert (
        str(error.value)
        == f"""\
machine '{path}' has 8 faults:
  cache.size = "3KiB": not a power of two of sets of 8 lines of 64 B (try "2KiB" or "4KiB")
  memory.latency = "66.3ns": not a whole number of cycles of 500ps (try "66ns" or "66.5ns")
  memory.band_width: no such field (did you mean 'bandwidth'?)
  memory.bandwidth: missing (of all channels of a node together)
  network.topology = "rign": {RIGN}
  network.link_latency = 27: a bare number; write a time with its unit, as in "60ns"
  migration.outstanding_lines = 0: not between 1 and 4096
  cores.per_node = 4: 32 nodes make 128 cores, more than the 64 that a directory tracks"""
    )


def test_what_goes_together_is_told_with_faults_of_other_fields_of_the_tables(
    tmp_path: Path,
) -> None:
    path = changed(
        tmp_path,
        ("nodes = 4", "nodes = 32"),
        ("max_outstanding = 8", "max_outstanding = 0"),
        ('topology = "crossbar"', 'topology = "mesh"\ncolumns = 5'),
        ('router_latency = "2ns"', "router_latency = 2"),
        ('link_bandwidth = "32GB/s"', 'link_bandwidth = "1MB/s"'),
        ("[migration]", "[pool]\nnodes = 2\nlatency = 5\n\n[migration]"),
    )
    assert faults_of(path) == (
        "cores.max_outstanding = 0: not between 1 and 256",
        'network.router_latency = 2: a bare number; write a time with its unit, as in "60ns"',
        'pool.latency = 5: a bare number; write a time with its unit, as in "60ns"',
        "network.columns = 5: does not divide the 32 nodes",
        'network.link_bandwidth = "1MB/s": is 0.0005 B a cycle, and links carry from 0.001 to 1e6 '
        "B a cycle",
        "cores.per_node = 4: 30 nodes make 120 cores, more than the 64 that a directory tracks",
    )


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            'clock = "2GHz"',
            'clock = "3GHz"',
            'clock = "3GHz": a period of 333.333 ps is not a whole number of ps '
            '(try "2.5GHz" or "3.125GHz")',
        ),
        ("nodes = 4", "nodes = 1", "nodes = 1: not between 2 and 64"),
        ("nodes = 4", "nodes = true", "nodes = true: not a whole number"),
        (
            'latency = "63.5ns"',
            'latency = "0ns"',
            'memory.latency = "0ns": zero; a message takes at least one cycle',
        ),
        (
            'latency = "63.5ns"',
            'latency = "0.2ns"',
            'memory.latency = "0.2ns": not a whole number of cycles of 500ps (try "500ps")',
        ),
        (
            'size = "1GiB"',
            'size = "5000B"',
            'memory.size = "5000B": not a multiple of 4KiB (try "4KiB" or "8KiB")',
        ),
        (
            'size = "256KiB"',
            'size = "128B"',
            'cache.size = "128B": not a power of two of sets of 8 lines of 64 B (try "1KiB")',
        ),
        (
            'size = "256KiB"',
            'size = "512B"',
            'cache.size = "512B": a single set, which gem5 does not take (try "1KiB")',
        ),
        (
            'link_bandwidth = "32GB/s"',
            'link_bandwidth = "1MB/s"',
            'network.link_bandwidth = "1MB/s": is 0.0005 B a cycle, and links carry from 0.001 '
            "to 1e6 B a cycle",
        ),
        (
            'link_bandwidth = "32GB/s"',
            'link_bandwidth = "2.9MB/s"',
            'network.link_bandwidth = "2.9MB/s": is 0.00145 B a cycle, and links carry whole '
            'thousandths, as in gem5 (try "2MB/s" or "4MB/s")',
        ),
        (
            'bandwidth = "38.4GB/s"',
            'bandwidth = "700GB/s"',
            'memory.bandwidth = "700GB/s": memory takes a whole number of ps a byte, as in gem5 '
            '(try "1000GB/s" or "500GB/s")',
        ),
        (
            'bandwidth = "38.4GB/s"',
            'bandwidth = "4TB/s"',
            'memory.bandwidth = "4TB/s": memory takes a whole number of ps a byte, as in gem5 '
            '(try "1000GB/s")',
        ),
        (
            'topology = "crossbar"',
            'topology = "mesh"',
            "network.columns: missing: a mesh needs it",
        ),
        (
            'topology = "crossbar"',
            'topology = "ring"\ncolumns = 2',
            "network.columns = 2: only a mesh has columns; remove it",
        ),
        (
            'topology = "crossbar"',
            'topology = "ring"\ncolumns = 3',
            "network.columns = 3: only a mesh has columns; remove it",
        ),
        (
            'topology = "crossbar"',
            'topology = "mesh"\ncolumns = 3',
            "network.columns = 3: does not divide the 4 nodes",
        ),
        (
            'topology = "crossbar"',
            'topology = "links"',
            'network.links: missing: topology = "links" needs them, as in [[network.links]]',
        ),
        (
            'topology = "crossbar"',
            'topology = "ring"\nlinks = [{ between = [0, 1] }, { between = [1, 2] }, '
            "{ between = [2, 3] }]",
            'network.links = [{"between": [0, 1]}, {"between": [1, 2]}, {"between": [2, 3]}]: only '
            'topology = "links" has them; remove them',
        ),
        (
            'topology = "crossbar"',
            'topology = "links"\nlinks = []',
            "network.links = []: not a list of tables; write [[network.links]]",
        ),
        (
            'topology = "crossbar"',
            'topology = "links"\nlinks = [{ between = [0, 1] }, { between = [2, 5] }]',
            'network.links = [{"between": [0, 1]}, {"between": [2, 5]}]: '
            "no way from router 0 to router 2",
        ),
        (
            'topology = "crossbar"',
            'topology = "links"\nlinks = [{ between = [0, 1] }, { between = [1, 0] }]',
            'network.links = [{"between": [0, 1]}, {"between": [1, 0]}]: two links between 0 and 1',
        ),
        ("nodes = 4", 'nodes = 4\nname = ""', 'name = "": not a text'),
        ("nodes = 4", "nodes = 4\nnodse = 4", "nodse: no such field (did you mean 'nodes'?)"),
    ],
)
def test_a_fault_says_what_where_and_what_to_do(
    tmp_path: Path, old: str, new: str, fault: str
) -> None:
    assert faults_of(changed(tmp_path, (old, new))) == (fault,)


def test_all_faults_of_links_are_told(tmp_path: Path) -> None:
    links = "[{ between = [0, 0] }, { betweens = [0, 1] }, 3, { between = [0, 1], weight = 99 }]"
    network = f'topology = "links"\nlinks = {links}'
    assert faults_of(changed(tmp_path, ('topology = "crossbar"', network))) == (
        "network.links[0].between = [0, 0]: not two different numbers from 0 to 127, as in [0, 1]",
        "network.links[1].betweens: no such field (did you mean 'between'?)",
        "network.links[1].between: missing (the two routers that it joins)",
        "network.links[2] = 3: not a table; write [network.links[2]]",
        "network.links[3].weight = 99: not between 1 and 16",
    )
    links = '[{ between = [0, 1], bandwidth = "1MB/s" }]'
    network = f'topology = "links"\nlinks = {links}'
    path = changed(tmp_path, ('topology = "crossbar"', network), ("nodes = 4", "nodes = 2"))
    [fault] = faults_of(path)
    assert fault.endswith(
        "bandwidth between 0 and 1 is 0.0005 B a cycle, and links carry from 0.001 to 1e6 B a cycle"
    )


@pytest.mark.parametrize("between", ["[false, true]", "[0, 1, 2]", "[0]", "[0, -1]", '"0-1"'])
def test_a_link_is_between_two_routers(tmp_path: Path, between: str) -> None:
    network = f'topology = "links"\nlinks = [{{ between = {between} }}]'
    [fault] = faults_of(changed(tmp_path, ('topology = "crossbar"', network)))
    assert "not two different numbers from 0 to 127, as in [0, 1]" in fault


def test_links_have_what_they_are_given_or_the_networks(tmp_path: Path) -> None:
    links = (
        '[{ between = [0, 4] }, { between = [1, 4], latency = "100ns", bandwidth = "8GB/s" }, '
        "{ between = [3, 4], weight = 5 }, { between = [2, 3] }]"
    )
    network = f'topology = "links"\nlinks = {links}'
    machine = load_machine(str(changed(tmp_path, ('topology = "crossbar"', network))))
    assert topology.router_count(machine) == 5
    usual = (machine.network.link_latency_cycles, machine.link_bytes_per_cycle())
    assert topology.links(machine)[:6] == [
        (0, 4, 1, *usual),
        (4, 0, 1, *usual),
        (1, 4, 1, 200, 4.0),
        (4, 1, 1, 200, 4.0),
        (3, 4, 5, *usual),
        (4, 3, 5, *usual),
    ]
    assert machine.to_dict()["network"]["links"][1]["latency_cycles"] == 200
    assert "links" not in load_machine("quad").to_dict()["network"]


def test_a_cache_has_enough_sets_to_tell_the_lines_of_all_memory_apart() -> None:
    assert faults_of("tiny:memory.size=256GiB,slc.size=256B,slc.associativity=1") == (
        'cache.size = "256B": 2 sets cannot tell the lines of the nodes\' 512GiB apart '
        '(try "512B")',
    )
    assert faults_of("tiny:memory.size=1TiB,cache.size=8KiB,slc.size=512B,slc.associativity=2") == (
        'slc.size = "512B": 4 sets cannot tell the lines of the nodes\' 2TiB apart (try "2KiB")',
    )
    assert load_machine("tiny:memory.size=128GiB").cache.sets == 2


@pytest.mark.parametrize(
    ("pool", "fault"),
    [
        ("nodes = 3", "pool.nodes = 3: leaves 1 of 4 nodes with cores; a VM needs two to move"),
        ("nodes = 9", "pool.nodes = 9: leaves 0 of 4 nodes with cores; a VM needs two to move"),
        ("nodes = 0", "pool.nodes = 0: not between 1 and 62"),
        ("", "pool.nodes: missing (how many of the nodes have no cores)"),
        (
            'nodes = 1\nbandwidth = "700GB/s"',
            'pool.bandwidth = "700GB/s": memory takes a whole number of ps a byte, as in gem5 '
            '(try "1000GB/s" or "500GB/s")',
        ),
        (
            'nodes = 1\nlatency = "0.3ns"',
            'pool.latency = "0.3ns": not a whole number of cycles of 500ps (try "500ps")',
        ),
        (
            'nodes = 1\nlink_bandwidth = "1MB/s"',
            'pool.link_bandwidth = "1MB/s": is 0.0005 B a cycle, and links carry from 0.001 to',
        ),
        (
            'nodes = 1\nlink_bandwidth = "7MB/s"',
            'pool.link_bandwidth = "7MB/s": is 0.0035 B a cycle, and links carry whole thousandths',
        ),
    ],
)
def test_a_fault_of_a_pool_is_told(tmp_path: Path, pool: str, fault: str) -> None:
    [told] = faults_of(written(tmp_path, f"{SOUND}\n[pool]\n{pool}\n"))
    assert told.startswith(fault)


def test_nodes_of_a_pool_have_memory_and_links_of_their_own_and_no_cores() -> None:
    quad, pool = load_machine("quad"), load_machine("pool")
    assert (quad.hosts, pool.hosts, pool.nodes) == (4, 4, 5)
    assert pool.memory_of(3) == pool.memory == quad.memory
    assert pool.memory_of(4).bandwidth_bytes_per_second == 2 * 38.4e9
    assert pool.memory_of(4).latency_cycles == pool.memory.latency_cycles  # none of its own
    assert pool.to_dict()["pool"]["latency_cycles"] == 127  # so that a record tells it
    assert load_machine("quad:pool.nodes=1").link_bandwidth(3, 4) == 32e9
    hub = 5
    assert pool.link_bandwidth(3, hub) == quad.link_bandwidth(3, 4) == 32e9
    assert pool.link_bandwidth(4, hub) == pool.link_bandwidth(hub, 4) == 64e9
    far = load_machine("pool:pool.link_latency=400ns")
    assert far.link_latency(3, hub) == pool.link_latency(4, hub) == quad.link_latency(3) == 55
    assert far.link_latency(4, hub) == far.link_latency(hub, 4) == 800
    assert "pool" not in quad.to_dict()
    assert pool.to_dict()["pool"]["nodes"] == 1
    assert load_machine("pool:pool.latency=90ns").memory_of(4).latency_cycles == 180


def test_only_nodes_with_cores_count_for_the_sharers_of_a_line() -> None:
    machine = load_machine("quad:nodes=6,pool.nodes=2,cores.per_node=16")
    assert machine.hosts * machine.cores.per_node == 64


def test_a_missing_or_flat_table_is_one_fault(tmp_path: Path) -> None:
    flat = SOUND.replace('[home]\nlatency = "10ns"\n', "").replace(
        "nodes = 4", "nodes = 4\nhome = 3"
    )
    assert faults_of(written(tmp_path, flat)) == ("home = 3: not a table; write [home]",)
    absent = SOUND.replace('[home]\nlatency = "10ns"\n', "")
    assert faults_of(written(tmp_path, absent)) == (
        "home: missing table (the home agent of a node)",
    )


def test_every_key_but_name_columns_and_pool_is_required(tmp_path: Path) -> None:
    faults = faults_of(written(tmp_path, ""))
    assert [fault.partition(":")[0] for fault in faults] == [
        *("clock", "nodes", "cores", "cache", "slc", "home", "memory", "network", "migration")
    ]


def test_a_name_in_the_file_goes_before_the_name_of_the_file(tmp_path: Path) -> None:
    assert load_machine(changed(tmp_path, ("nodes = 4", "nodes = 4"))).name == "mine"
    named = changed(tmp_path, ("nodes = 4", 'nodes = 4\nname = "my machine"'))
    assert load_machine(named).name == "my machine"


def test_an_unknown_machine_is_told_with_the_known_ones() -> None:
    [fault] = faults_of("quat")
    assert fault.startswith("no such machine (did you mean 'quad'?); known are ")


def test_a_machine_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load_machine("tiny").nodes = 3  # type: ignore[misc]


@pytest.mark.parametrize("module", ["homeshift.machine", "homeshift.workload"])
def test_the_module_imports_the_standard_library_only(module: str) -> None:
    source = Path(sys.modules["homeshift.machine"].__file__ or "").parents[2]
    script = f"import sys; sys.path.insert(0, {str(source)!r}); import {module}"
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=False
    )
    assert result.stderr == ""
    assert result.returncode == 0


def test_values_of_a_machine_can_be_changed_where_it_is_named(tmp_path: Path) -> None:
    changed_machine = load_machine("quad:network.link_bandwidth=64GB/s, nodes=8")
    quad = load_machine("quad")
    assert changed_machine.nodes == 8
    assert changed_machine.network.link_bandwidth_bytes_per_second == 64e9
    back = dataclasses.replace(
        changed_machine,
        nodes=quad.nodes,
        network=dataclasses.replace(
            changed_machine.network,
            link_bandwidth_bytes_per_second=quad.network.link_bandwidth_bytes_per_second,
        ),
    )
    assert back == quad
    assert load_machine(f"{written(tmp_path, SOUND)}:nodes=2").nodes == 2


def test_a_file_may_have_colons_in_its_path(tmp_path: Path) -> None:
    (tmp_path / "at 8:30").mkdir()
    file = written(tmp_path / "at 8:30", SOUND, "a:nodes=3.toml")
    assert load_machine(file) == load_machine(written(tmp_path, SOUND, "a:nodes=3.toml"))
    assert load_machine(f"{file}:nodes=2").nodes == 2
    with pytest.raises(InputError) as caught:
        load_machine(f"{file}:")
    assert caught.value.subject == f"machine '{file}:'"


def test_changes_may_be_longer_than_the_name_of_a_file() -> None:
    changes = ",".join(["nodes=8", f"name={'long' * 100}"])
    assert load_machine(f"quad:{changes}").nodes == 8


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ("nodes", '"nodes": write KEY=VALUE, as in "network.link_bandwidth=64GB/s"'),
        ("", '"": write KEY=VALUE, as in "network.link_bandwidth=64GB/s"'),
        ("nodes=2,nodes=3", "nodes: given twice"),
        ("clock.rate=2GHz", "clock.rate: 'clock' is a value, not a table"),
        ("nodes=1", "nodes = 1: not between 2 and 64"),
        ("nodes=-1", "nodes = -1: not between 2 and 64"),
        ("nodes=two", 'nodes = "two": not a whole number'),
        ("network.link_latency=27.6ns", 'network.link_latency = "27.6ns": not a whole number of'),
        ("network.link_bandwith=1GB/s", "network.link_bandwith: no such field (did you mean"),
        (
            "link_latency=9ns",
            "link_latency: no such field (did you mean 'network.link_latency' or "
            "'pool.link_latency'?)",
        ),
        ("slcs.size=1MiB", "slcs: no such field (did you mean 'slc'?)"),
    ],
)
def test_a_wrong_change_is_told_like_a_fault_of_the_file(changes: str, fault: str) -> None:
    with pytest.raises(InputError) as error:
        load_machine(f"quad:{changes}")
    assert error.value.subject == f"machine 'quad.toml:{changes}'"
    assert any(found.startswith(fault) for found in error.value.faults), error.value.faults


def test_a_key_that_several_tables_have_is_no_hint() -> None:
    with pytest.raises(InputError) as caught:
        load_machine("quad:latency=9ns")
    assert caught.value.faults == ("latency: no such field",)


def test_a_byte_takes_the_nearest_whole_time() -> None:
    for bandwidth, ticks in (("38.4GB/s", 26), ("21.3GB/s", 47), ("2GB/s", 500)):
        assert load_machine(f"quad:memory.bandwidth={bandwidth}").memory.byte_ticks == ticks
