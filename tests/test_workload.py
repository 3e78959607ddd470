# SPDX-License-Identifier: BSD-3-Clause
"""Workloads: specifications, trace files, and the scalars handed to the C++ streams."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from calls import ROOT

from homeshift.errors import InputError
from homeshift.workload import (
    KINDS,
    TRACE_DTYPE,
    Workload,
    check_traces,
    parse_workload,
    trace_workload,
)

MIB = 1 << 20
TRACES = ROOT / "traces"


def records(count: int = 100, **columns: object) -> np.ndarray:
    made = np.zeros(count, dtype=np.dtype(TRACE_DTYPE))
    made["address"] = np.arange(count) * 64
    made["size"] = 8
    for name, value in columns.items():
        made[name] = value
    return made


def saved(folder: Path, name: str, array: np.ndarray) -> Path:
    np.save(folder / name, array)
    return folder / name


def fault_of(path: Path) -> str:
    with pytest.raises(InputError) as error:
        trace_workload([path])
    [fault] = error.value.faults
    return fault.removeprefix(f"{path}: ")


def test_a_specification_sets_some_parameters_and_leaves_the_rest_at_their_default() -> None:
    workload = parse_workload("zipf:write_ratio=0.3,shared=0.25,think=0")
    assert workload.kind == "zipf"
    assert workload.to_dict() == {
        "kind": "zipf",
        "write_ratio": 0.3,
        "shared": 0.25,
        "footprint": 0.5,
        "think": 0,
        "exponent": 0.99,
    }


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("zipf", "zipf"),
        ("zipf:exponent=0.99,think=4", "zipf"),
        ("zipf: exponent=.9, write_ratio = 0.10", "zipf:write_ratio=0.1,exponent=0.9"),
        ("uniform:footprint=1,shared=0", "uniform:shared=0,footprint=1"),
        ("uniform:shared=0.1234567890123", "uniform:shared=0.1234567890123"),
        ("stream:stride=2048B", "stream:stride=2KiB"),
        ("phased:phase_accesses=1000000000", "phased:phase_accesses=1000000000"),
        (
            f"trace:cycles_per_instruction=0.50,{TRACES}/xz.npy,{TRACES}/../traces/sort.npy",
            f"trace:{TRACES}/xz.npy,{TRACES}/../traces/sort.npy,cycles_per_instruction=0.5",
        ),
    ],
)
def test_all_specifications_of_a_workload_have_one_text(given: str, text: str) -> None:
    workload = parse_workload(given)
    assert workload.text == text
    assert parse_workload(text) == workload


def test_sizes_in_a_specification_have_units() -> None:
    assert parse_workload("stream:stride=128B").parameters["stride"] == 128
    with pytest.raises(InputError, match="stride = 128: a bare number"):
        parse_workload("stream:stride=128")


def test_all_faults_of_a_specification_are_told_at_once() -> None:
    with pytest.raises(InputError) as error:
        parse_workload("zipf:write_ration=2,shared=1.5,exponent=steep,hot,think=1.5,think=3")
    assert (
        str(error.value)
        == """\
workload 'zipf:write_ration=2,shared=1.5,exponent=steep,hot,think=1.5,think=3' has 6 faults:
  write_ration: no such parameter (did you mean 'write_ratio'?); it has write_ratio, shared, footprint, think, exponent
  shared = 1.5: not between 0 and 1 (share of the footprint, and of the accesses, that all vCPUs have in common)
  exponent = steep: not a number (skew; 0.99 is that of the YCSB benchmark)
  "hot": write NAME=VALUE; it has write_ratio, shared, footprint, think, exponent
  think = 1.5: not a whole number (time that a vCPU computes between two accesses)
  think: given twice"""  # noqa: E501
    )


@pytest.mark.parametrize("text", ["shared=nan", "shared=inf", "shared=-0.1", "shared="])
def test_a_share_is_a_number_between_0_and_1(text: str) -> None:
    with pytest.raises(InputError):
        parse_workload(f"uniform:{text}")


def test_a_negative_number_is_out_of_bounds() -> None:
    with pytest.raises(InputError, match="think = -1: not between 0 and"):
        parse_workload("uniform:think=-1")


def test_an_unknown_kind_is_told_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"no such kind \(did you mean 'zipf'\?\)"):
        parse_workload("zpif")
    with pytest.raises(InputError, match="no such kind"):
        Workload(kind="", parameters={})


def test_a_workload_made_by_hand_is_checked_too() -> None:
    with pytest.raises(InputError) as error:
        Workload(kind="uniform", parameters={"shared": 2, "think": 1.5, "hto": 1})
    assert error.value.faults == (
        "shared = 2: not between 0 and 1",
        "think = 1.5: not a whole number",
        "hto: no such parameter; it has write_ratio, shared, footprint, think",
    )


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "trace"])
def test_every_kind_runs_by_its_name_alone_and_survives_json_and_pickle(kind: str) -> None:
    workload = parse_workload(kind)
    assert json.loads(json.dumps(workload.to_dict())) == workload.to_dict()
    assert pickle.loads(pickle.dumps(workload)) == workload
    assert len(workload.streams(vcpus=4, vm_bytes=16 * MIB, seed=1)) == 4


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_parameter_has_a_sentence_and_a_default_within_its_bounds(kind: object) -> None:
    for parameter in kind.parameters:  # type: ignore[attr-defined]
        assert len(parameter.sentence.split()) > 2
        parameter.check(parameter.default)


def test_each_vcpu_gets_the_fields_that_the_cpp_spec_has() -> None:
    header = (ROOT / "src" / "common" / "stream_spec.hh").read_text()
    fields = re.findall(r'visit\("(\w+)", spec\.(\w+)\);', header)
    assert all(name == member for name, member in fields)
    streams = parse_workload("phased:hot=0.2").streams(vcpus=2, vm_bytes=MIB, seed=7)
    for vcpu, stream in enumerate(streams):
        assert set(stream) == {name for name, _ in fields}
        assert all(isinstance(value, (str, int, float)) for value in stream.values())
        assert (stream["vcpu"], stream["vcpus"], stream["seed"]) == (vcpu, 2, 7)
        assert (stream["kind"], stream["hot"]) == ("phased", 0.2)


def test_every_kind_is_known_to_the_cpp_factory() -> None:
    header = (ROOT / "src" / "common" / "stream_spec.hh").read_text()
    assert set(re.findall(r'name == "([\w-]+)"', header)) == set(KINDS)


def test_a_workload_that_does_not_fit_the_vm_is_refused() -> None:
    with pytest.raises(InputError) as error:
        parse_workload("producer-consumer").streams(vcpus=3, vm_bytes=1 << 16, seed=1)
    assert error.value.faults == (
        "3 vCPUs do not make pairs; give an even number",
        "a footprint of 8 pages leaves no page for each of 3 vCPUs beside 16 common ones; "
        "give the VM more memory or a larger footprint",
    )
    odd_ring = parse_workload("producer-consumer:ring=5000B,footprint=1")  # of two pages
    assert odd_ring.streams(vcpus=2, vm_bytes=4 << 12, seed=1)
    with pytest.raises(InputError, match=r"a footprint of 3 pages .* beside 2 common ones"):
        odd_ring.streams(vcpus=2, vm_bytes=3 << 12, seed=1)
    wholly_shared = parse_workload("uniform:shared=1")
    assert wholly_shared.streams(vcpus=8, vm_bytes=1 << 14, seed=1)  # needs no private page


def test_a_seed_has_64_bits() -> None:
    workload = parse_workload("uniform")
    assert workload.streams(vcpus=1, vm_bytes=1 << 14, seed=(1 << 64) - 1)
    for seed in (-1, 1 << 64):
        with pytest.raises(InputError, match=f"seed = {seed}: not between 0 and"):
            workload.streams(vcpus=1, vm_bytes=1 << 14, seed=seed)


def test_a_trace_knows_its_records_pages_and_writes(tmp_path: Path) -> None:
    path = saved(tmp_path, "a.npy", records(100, write=[0, 0, 0, 1] * 25))
    [trace] = check_traces([path])
    assert (trace.records, trace.pages, trace.writes) == (100, 2, 25)
    assert trace.footprint_bytes == 8192
    assert trace_workload([path]).to_dict() == {
        "kind": "trace",
        "cycles_per_instruction": 1.0,
        "traces": [
            {
                "path": str(path),
                "records": 100,
                "pages": 2,
                "writes": 25,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
        ],
    }


def test_vcpus_take_turns_at_the_traces_each_at_a_base_of_its_own(tmp_path: Path) -> None:
    first = saved(tmp_path, "first.npy", records(100))  # 2 pages
    second = saved(tmp_path, "second.npy", records(60))  # 1 page
    workload = parse_workload(f"trace:{first},{second},cycles_per_instruction=0.5")
    streams = workload.streams(vcpus=3, vm_bytes=5 * 4096, seed=1)
    assert [stream["trace_path"] for stream in streams] == [str(first), str(second), str(first)]
    assert [stream["trace_base"] for stream in streams] == [0, 2 * 4096, 3 * 4096]
    more = workload.streams(vcpus=5, vm_bytes=8 * 4096, seed=1)
    assert [stream["trace_base"] for stream in more[3:]] == [5 * 4096, 6 * 4096]
    assert streams[0]["cycles_per_instruction"] == 0.5
    with pytest.raises(
        InputError, match=r"the traces of 3 vCPUs touch 20\.0 KiB, the VM has 16\.0"
    ):
        workload.streams(vcpus=3, vm_bytes=4 * 4096, seed=1)


def test_a_trace_of_several_chunks_is_read_whole(tmp_path: Path) -> None:
    count = 3 << 15  # the last third of it is in a second chunk
    made = records(count, address=0)
    made["write"][:10] = made["write"][-5:] = 1
    made["address"][100] = 7 * 4096
    [trace] = check_traces([saved(tmp_path, "long.npy", made)])
    assert (trace.records, trace.pages, trace.writes) == (count, 8, 15)
    made["address"][-3] = 62
    fault = f"record {count - 3}: an access across a line of 64 B"
    assert fault_of(saved(tmp_path, "long.npy", made)) == fault
    made["size"][-4] = 0
    assert (
        fault_of(saved(tmp_path, "long.npy", made)) == f"record {count - 4}: an access of no byte"
    )


def test_an_address_above_4_gib_is_read_whole(tmp_path: Path) -> None:
    high = records(100, address=(1 << 32) + 8)
    assert fault_of(saved(tmp_path, "high.npy", high)) == (
        "address 0x100000008 is in page 1048576, but 100 records touch at most 100 pages; "
        "number the pages in order of first touch, as homeshift.workload.trace.number_pages does"
    )


@pytest.mark.parametrize(
    ("column", "value", "fault"),
    [
        ("write", 2, "record 7: write is 2, not 0 or 1"),
        ("size", 0, "record 7: an access of no byte"),
        ("address", 62, "record 7: an access across a line of 64 B"),
    ],
)
def test_a_record_that_no_capture_writes_is_refused(
    tmp_path: Path, column: str, value: int, fault: str
) -> None:
    array = records(100)
    array[column][7] = value
    assert fault_of(saved(tmp_path, "bad.npy", array)) == fault


def test_a_truncated_trace_is_refused_wherever_it_was_cut(tmp_path: Path) -> None:
    whole = saved(tmp_path, "whole.npy", records(10)).read_bytes()
    cut = tmp_path / "cut.npy"
    for length in range(len(whole)):
        cut.write_bytes(whole[:length])
        assert re.match("empty|not a .npy|version|truncated", fault_of(cut)), length
    cut.write_bytes(whole[:-1])
    assert fault_of(cut) == "truncated: 10 records need 312 bytes, it has 311"
    cut.write_bytes(whole + b"x")
    assert fault_of(cut) == "too long: 10 records need 312 bytes, it has 313"


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    assert "records of <f8, not of [('address', '<u8')" in fault_of(
        saved(tmp_path, "floats.npy", np.zeros(12))
    )
    assert fault_of(saved(tmp_path, "flat.npy", records(100).reshape(10, 10))) == (
        "an array of shape (10, 10), not of one dimension"
    )
    assert fault_of(saved(tmp_path, "none.npy", records(0))) == "empty: no record in it"
    other = tmp_path / "other.npy"
    other.write_bytes(b"PK\x03\x04 something else")
    assert fault_of(other) == "not a .npy file (its first bytes are not \\x93NUMPY)"
    with other.open("wb") as file:
        np.lib.format.write_array(file, records(3), version=(2, 0))
    assert fault_of(other) == "version 2.0 of .npy, not 1.0"
    header = b"__import__('os').getcwd()\n"
    other.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    assert fault_of(other) == "its header is not one that numpy writes"


def test_the_faults_of_all_traces_are_told_at_once(tmp_path: Path) -> None:
    good = saved(tmp_path, "good.npy", records(10))
    floats = saved(tmp_path, "floats.npy", np.zeros(3))
    absent = tmp_path / "absent.npy"
    with pytest.raises(InputError) as error:
        parse_workload(f"trace:{floats},{good},{absent},cycles_per_instruction=fast")
    assert [fault.partition(":")[0] for fault in error.value.faults] == [
        "cycles_per_instruction = fast",
        str(floats),
        str(absent),
    ]
    with pytest.raises(InputError, match="no trace file given"):
        trace_workload([])


SHIPPED = sorted((ROOT / "traces").glob("*.npy"))


def test_shipped_traces_are_sound_and_as_their_table_says() -> None:
    table = (ROOT / "traces" / "README.md").read_text()
    assert len(SHIPPED) >= 4
    for trace in check_traces(SHIPPED):
        [row] = [line for line in table.splitlines() if line.startswith(f"| `{trace.path.name}` |")]
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        share = f"{100 * trace.writes / trace.records:.1f} %"
        assert cells[-3:] == [f"{trace.records:,}", str(trace.pages), share]
        assert trace.path.stat().st_size < MIB
