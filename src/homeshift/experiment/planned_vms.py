# SPDX-License-Identifier: BSD-3-Clause
"""The VMs of an experiment: what each is, what it does, and how it moves.

More than one are described in a TOML file. Keys are options of configs/migrate.py; a VM without a
target stays where it is and measures how much the others disturb it:

    [[vm]]
    vm-memory = "16MiB"
    vcpus = 2
    source = 1
    target = [0]                    # or [0, 2, 1]: back to back
    borrow = { 2 = 0.25 }
    workload = "zipf:write_ratio=0.1"
    strategy = "pre-copy:max-rounds=3"
    start = "50us"                  # after the start of the first VM's migration
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from homeshift.errors import InputError, near
from homeshift.experiment.vm import VmSpec, default_memory_bytes
from homeshift.machine import Machine
from homeshift.strategies import Strategy, strategy_named
from homeshift.toml_file import read_toml
from homeshift.units import parse_size, parse_time
from homeshift.workload import Booted, Workload, parse_workload, trace_workload


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedVm:
    """A VM of an experiment.

    Args:
        spec: its size, where it is, and where it goes.
        workload: what its vCPUs do.
        strategy: how it moves; None if it stays.
        start_ticks: when it begins to move, counted from the start of the first migration.
    """

    spec: VmSpec
    workload: Workload | Booted
    strategy: Strategy | None = None
    start_ticks: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that JSON can hold."""
        return {
            **self.spec.to_dict(),
            "workload": self.workload.to_dict(),
            "strategy": self.strategy.to_dict() if self.strategy else None,
            "start_ticks": self.start_ticks,
        }


def load_vms(
    path: str | os.PathLike[str],
    *,
    region_bytes: int,
    stage2_entry_bytes: int,
    machine: Machine | None = None,
) -> list[PlannedVm]:
    """Return the VMs that a file describes.

    Args:
        path: of the TOML file.
        region_bytes: of all VMs of a machine.
        stage2_entry_bytes: of all VMs of a machine.
        machine: gives VMs their memory that name none; one that does not fit it is a fault.

    Raises:
        InputError: the file cannot be read, or has faults; all of them are listed.
    """
    subject = f"file of VMs '{path}'"
    tables = read_toml(path, subject)
    faults = [f"{key}: no such field{near(key, ['vm'])}" for key in tables if key != "vm"]
    listed = tables.get("vm")
    if not isinstance(listed, list) or not all(isinstance(table, dict) for table in listed):
        raise InputError(subject, [*faults, "vm: missing; begin each VM with [[vm]]"])
    vms = []
    for number, table in enumerate(listed, 1):  # VM 0 is that of the command line
        values: dict[str, Any] = {}
        faults += [
            f"VM {number}: {key}: no such field{near(key, _FIELDS)}"
            for key in table
            if key not in _FIELDS
        ]
        for key, (read, default) in _FIELDS.items():
            try:
                values[key] = read(table.get(key, default))
            except InputError as error:
                faults += [f"VM {number}: {key}: {fault}" for fault in error.faults]
            except ValueError as error:
                faults.append(f"VM {number}: {key} = {table[key]!r}: {error}")
        unread = _FIELDS.keys() - values.keys()
        values |= {key: _FIELDS[key][0](_FIELDS[key][1]) for key in unread}
        if values["vm-memory"] is None:
            values["vm-memory"] = default_memory_bytes(machine)
        planned = _planned(values, region_bytes, stage2_entry_bytes)
        vms.append(planned)
        if not unread:
            found = [*_contradictions(table, values), *_misfits(planned, machine)]
        elif machine and "source" not in unread:
            found = planned.spec.misplaced(machine)
        else:
            found = []
        faults += [f"VM {number}: {fault}" for fault in found]
    if faults:
        raise InputError(subject, faults)
    return vms


def _contradictions(table: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    """Return what a VM is told that cannot have an effect."""
    stays = values["strategy"].stays
    if values["target"]:
        return [f"target: by {values['strategy'].name} it stays where it is"] if stays else []
    without = [] if stays else [key for key in ("strategy", "start") if key in table]
    return [f"{key}: it has no target, and so does not migrate" for key in without]


def _misfits(planned: PlannedVm, machine: Machine | None) -> list[str]:
    """Return why a VM does not fit a machine, or its workload not the VM."""
    spec = planned.spec
    faults: list[str] = []
    try:
        if machine:
            spec.check(machine)
    except InputError as error:
        faults += error.faults
    try:
        if spec.vcpus and spec.memory_bytes:
            planned.workload.streams(vcpus=spec.vcpus, vm_bytes=spec.memory_bytes, seed=0)
    except InputError as error:
        faults += error.faults
    return faults


def _planned(values: Mapping[str, Any], region_bytes: int, stage2_entry_bytes: int) -> PlannedVm:
    strategy: Strategy = values["strategy"]
    return PlannedVm(
        spec=VmSpec(
            memory_bytes=values["vm-memory"],
            vcpus=values["vcpus"],
            source=values["source"],
            targets=values["target"],
            borrow=values["borrow"],
            region_bytes=region_bytes,
            stage2_entry_bytes=stage2_entry_bytes,
        ),
        workload=values["trace"] or values["workload"],
        strategy=strategy if values["target"] or strategy.stays else None,
        start_ticks=values["start"],
    )


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("not a whole number")
    return value


def _memory(value: object) -> int | None:
    return None if value is None else parse_size(value)


def _nodes(value: object) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise ValueError("not a list of nodes, as in [1] or [1, 2, 0]")
    return tuple(_number(node) for node in value)


def _borrow(value: object) -> dict[int, float]:
    if not isinstance(value, dict):
        raise ValueError("not a table of nodes and fractions, as in { 2 = 0.25 }")
    if not all(node.isdecimal() and type(part) in (int, float) for node, part in value.items()):
        raise ValueError("not nodes and fractions, as in { 2 = 0.25 }")
    return {int(node): float(part) for node, part in value.items()}


def _text(parse: Callable[[str], Any]) -> Callable[[object], Any]:
    def read(value: object) -> Any:
        if not isinstance(value, str):
            raise ValueError("not a text")
        return parse(value)

    return read


def _trace(value: object) -> Workload | None:
    if not isinstance(value, list) or not all(isinstance(path, str) for path in value):
        raise ValueError("not a list of files")
    return trace_workload(value) if value else None


_FIELDS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "vm-memory": (_memory, None),
    "vcpus": (_number, 1),
    "source": (_number, 0),
    "target": (_nodes, []),
    "borrow": (_borrow, {}),
    "workload": (_text(parse_workload), "zipf"),
    "trace": (_trace, []),
    "strategy": (_text(strategy_named), "ownership"),
    "start": (parse_time, "0s"),
}
