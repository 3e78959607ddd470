# SPDX-License-Identifier: BSD-3-Clause
"""A workload: its kind, every parameter's value, and the traces of a replay."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homeshift.errors import InputError, near
from homeshift.named_values import no_such_parameter, read_values
from homeshift.units import PAGE_BYTES, format_bytes
from homeshift.workload.kinds import KINDS, Number
from homeshift.workload.trace import Trace, check_traces

Scalar = str | int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What the vCPUs of a VM do. Make one with `parse_workload` or `trace_workload`.

    `parameters` holds a value for every parameter of the kind; those not given take the default.
    """

    kind: str
    parameters: Mapping[str, Number]
    traces: tuple[Trace, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"workload '{self.kind}'", [_no_such_kind(self.kind)])
        known = {parameter.name: parameter for parameter in KINDS[self.kind].parameters}
        faults = []
        for name, value in self.parameters.items():
            if name not in known:
                faults.append(no_such_parameter(name, known))
                continue
            try:
                known[name].check(value)
            except ValueError as error:
                faults.append(f"{name} = {value}: {error}")
        if (self.kind == "trace") != bool(self.traces):
            faults.append("no trace file given" if self.kind == "trace" else "takes no trace file")
        if faults:
            raise InputError(f"workload '{self.kind}'", faults)
        complete = {**KINDS[self.kind].defaults, **self.parameters}
        object.__setattr__(self, "parameters", complete)

    @property
    def text(self) -> str:
        """The specification of it that leaves out what is usual: one for all that mean the same."""
        given = [
            f"{parameter.name}={parameter.text(self.parameters[parameter.name])}"
            for parameter in KINDS[self.kind].parameters
            if self.parameters[parameter.name] != parameter.default
        ]
        rest = ",".join([*(str(trace.path) for trace in self.traces), *given])
        return f"{self.kind}:{rest}" if rest else self.kind

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that JSON can hold."""
        plain: dict[str, Any] = {"kind": self.kind, **self.parameters}
        if self.traces:
            plain["traces"] = [trace.to_dict() for trace in self.traces]
        return plain

    def streams(self, *, vcpus: int, vm_bytes: int, seed: int) -> list[dict[str, Scalar]]:
        """Return, for each vCPU, the scalars that make its `StreamSpec` in C++.

        Every dict has every field, those of other kinds at their default.

        Raises:
            InputError: the workload does not fit a VM of this size or number of vCPUs, or the seed
                has more than 64 bits.
        """
        faults = self._misfits(vcpus=vcpus, vm_bytes=vm_bytes)
        if not 0 <= seed < 1 << 64:
            faults.append(f"seed = {seed}: not between 0 and 2^64 - 1")
        if faults:
            raise InputError(f"workload '{self.kind}'", faults)
        fields: dict[str, Scalar] = {}
        for kind in KINDS.values():
            fields.update(kind.defaults)
        fields.update(self.parameters)
        fields.update(kind=self.kind, vcpus=vcpus, vm_bytes=vm_bytes, seed=seed)
        streams = []
        base = 0
        for vcpu in range(vcpus):
            stream = {**fields, "vcpu": vcpu, "trace_path": "", "trace_base": base}
            if self.traces:
                trace = self.traces[vcpu % len(self.traces)]
                stream["trace_path"] = str(trace.path)
                base += trace.footprint_bytes
            streams.append(stream)
        return streams

    def _misfits(self, *, vcpus: int, vm_bytes: int) -> list[str]:
        """Return what keeps this workload from running on such a VM."""
        if self.kind == "trace":
            if len(self.traces) > vcpus:
                return [f"{len(self.traces)} traces for {vcpus} vCPUs: one a vCPU at most"]
            used = [self.traces[vcpu % len(self.traces)] for vcpu in range(vcpus)]
            needed = sum(trace.footprint_bytes for trace in used)
            if needed > vm_bytes:
                return [
                    f"the traces of {vcpus} vCPUs touch {format_bytes(needed)}, "
                    f"the VM has {format_bytes(vm_bytes)}"
                ]
            return []
        # The same arithmetic as in src/common/footprint.hh, which would refuse these as well.
        pages = _share_of(vm_bytes // PAGE_BYTES, self.parameters["footprint"])
        common = 0
        faults = []
        if self.kind == "producer-consumer":
            if vcpus % 2:
                faults.append(f"{vcpus} vCPUs do not make pairs; give an even number")
            ring_pages = -(-int(self.parameters["ring"]) // PAGE_BYTES)
            common = ring_pages * (vcpus // 2)
        elif self.parameters["shared"] > 0:
            common = _share_of(pages, self.parameters["shared"])
        private_needed = self.kind == "producer-consumer" or self.parameters["shared"] < 1
        if common > pages or (private_needed and (pages - common) // vcpus == 0):
            faults.append(
                f"a footprint of {pages} pages leaves no page for each of {vcpus} vCPUs beside "
                f"{common} common ones; give the VM more memory or a larger footprint"
            )
        return faults


def parse_workload(text: str) -> Workload:
    """Return the workload that a specification describes.

    A specification is KIND or KIND:NAME=VALUE,NAME=VALUE...; for traces, what has no "=" is a file:
    "trace:traces/sort.npy,traces/xz.npy,cycles_per_instruction=0.5".

    Raises:
        InputError: all faults of the specification, or of the trace files, at once.
    """
    name, _, rest = text.partition(":")
    subject = f"workload '{text}'"
    if name not in KINDS:
        raise InputError(subject, [_no_such_kind(name)])
    known = {parameter.name: parameter for parameter in KINDS[name].parameters}
    items = [item.strip() for item in rest.split(",")] if rest else []
    paths = [item for item in items if item and "=" not in item] if name == "trace" else []
    parameters, faults = read_values([item for item in items if item not in paths], known)
    traces: tuple[Trace, ...] = ()
    if name == "trace":
        try:
            traces = check_traces(paths)
        except InputError as error:
            faults.extend(error.faults)
    if faults:
        raise InputError(subject, faults)
    return Workload(kind=name, parameters=parameters, traces=traces)


def trace_workload(
    paths: Sequence[str | os.PathLike[str]], *, cycles_per_instruction: float = 1.0
) -> Workload:
    """Return the workload that replays these trace files, checked.

    Raises:
        InputError: the faults of all files at once.
    """
    parameters = {"cycles_per_instruction": cycles_per_instruction}
    return Workload(
        kind="trace", parameters=parameters, traces=check_traces(list(map(Path, paths)))
    )


def _share_of(pages: int, share: float) -> int:
    return max(1, int(pages * share + 1e-6))


def _no_such_kind(name: str) -> str:
    return f"no such kind{near(name, KINDS)}; known are {', '.join(KINDS)}"
