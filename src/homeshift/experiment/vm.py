# SPDX-License-Identifier: BSD-3-Clause
"""A virtual machine as the experiment sees it: its size, where its memory is, and its frames.

A VM on a source node borrows memory of other nodes. Its guest regions are dealt out to the nodes in
turn, by weight, so that every stretch of guest memory has the same mix of near and far frames. All
of them are homed at the source before a migration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

from homeshift.errors import InputError
from homeshift.machine import Machine
from homeshift.units import LINE_BYTES, PAGE_BYTES, format_bytes, size_text

STAGE2_ENTRY_BYTES = 8  # a descriptor of Armv8-A and of x86-64's EPT
_SHOWN = 3  # lenders, in a sentence
MOST_ROUNDED = 0.05  # of a VM's memory, by which a borrowed part may differ from what was asked for


def default_memory_bytes(machine: Machine | None) -> int:
    """Return the memory of a VM that nobody has given a size: 64 MiB, or what is easy to place."""
    usual = 64 << 20
    return min(usual, machine.memory.size_bytes // 4) if machine else usual


@dataclass(frozen=True, slots=True, kw_only=True)
class VmSpec:
    """A VM and its migration.

    Args:
        memory_bytes: guest memory, a whole number of regions.
        vcpus: virtual CPUs, at most one a core of a node.
        source: node that it runs on.
        targets: nodes that it moves to, one after the other; none: it stays.
        borrow: node -> fraction of the memory that lies there, in whole regions: rounded by up to
            MOST_ROUNDED of all; the rest lies on the source.
        region_bytes: unit in which homes move, a power of two of at least a page.
        stage2_entry_bytes: of the table from guest pages to frames, one entry a page; 0: the target
            uses the table where it lies.
    """

    memory_bytes: int
    vcpus: int
    source: int
    targets: tuple[int, ...] = ()
    borrow: Mapping[int, float] = field(default_factory=dict)
    region_bytes: int = PAGE_BYTES
    stage2_entry_bytes: int = STAGE2_ENTRY_BYTES

    @property
    def stage2_bytes(self) -> int:
        """Bytes of the last level of the stage-2 table, in whole lines."""
        return -(-self.pages * self.stage2_entry_bytes // LINE_BYTES) * LINE_BYTES

    @property
    def pages(self) -> int:
        """Guest pages."""
        return self.memory_bytes // PAGE_BYTES

    @property
    def regions(self) -> int:
        """Regions of guest memory."""
        return self.memory_bytes // self.region_bytes

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that JSON can hold."""
        return {
            **asdict(self),
            "targets": list(self.targets),
            "borrow": {str(node): part for node, part in self.borrow.items()},
        }

    def check(self, machine: Machine) -> None:
        """Raise InputError, with all faults, if this VM cannot run on a machine."""
        faults = self._faults(machine)
        if faults:
            raise InputError("the VM", faults)

    def _faults(self, machine: Machine) -> list[str]:
        wrong = self._misplaced_memory(machine) + self._uneven(machine)
        return self._misplaced_vcpus(machine) + (wrong or self._misfits(machine))

    def misplaced(self, machine: Machine) -> list[str]:
        """Return what is wrong with its nodes and the number of its vCPUs, whatever its size."""
        return self._misplaced_vcpus(machine) + self._misplaced_memory(machine)

    def _misplaced_vcpus(self, machine: Machine) -> list[str]:
        faults = []
        last = machine.nodes - 1
        node = self.source
        for number, target in enumerate(self.targets):
            if not 0 <= target <= last:
                faults.append(f"target = {target}: '{machine.name}' has the nodes 0 to {last}")
            elif target >= machine.hosts:
                faults.append(f"target = {target}: {_coreless(machine)}")
            elif target == node:
                where = "the source" if number == 0 else "where it is by then"
                faults.append(f"target = {target}: is {where}; give another node")
            node = target
        if not 1 <= self.vcpus <= machine.cores.per_node:
            faults.append(
                f"vcpus = {self.vcpus}: a node of '{machine.name}' has "
                f"{machine.cores.per_node} cores; give 1 to {machine.cores.per_node}"
            )
        return faults

    def _misplaced_memory(self, machine: Machine) -> list[str]:
        faults = []
        last = machine.nodes - 1
        if not 0 <= self.source <= last:
            faults.append(f"source = {self.source}: '{machine.name}' has the nodes 0 to {last}")
        elif self.source >= machine.hosts:
            faults.append(f"source = {self.source}: {_coreless(machine)}")
        for node, part in self.borrow.items():
            if not 0 <= node <= last:
                faults.append(f"borrow {node}: '{machine.name}' has the nodes 0 to {last}")
            elif node == self.source:
                faults.append(f"borrow {node}: is the source, which lends nothing to itself")
            if not 0 < part <= 1:
                faults.append(f"borrow {node}:{part:g}: a fraction is above 0, up to 1")
        total = sum(self.borrow.values())
        if total > 1 + 1e-9:
            faults.append(f"borrow: the fractions add up to {total:g}; at most 1 can be borrowed")
        return faults

    def _uneven(self, machine: Machine) -> list[str]:
        """Return why its memory, or a node's, cannot be divided into regions."""
        region = self.region_bytes
        if region < PAGE_BYTES or region > 2 << 20 or region & (region - 1):
            return [f"region = {size_text(region)}: not a power of two from 4KiB to 2MiB"]
        if self.memory_bytes <= 0 or self.memory_bytes % region:
            return [
                f"vm-memory = {size_text(self.memory_bytes)}: not a whole number of regions of "
                f"{size_text(region)}"
            ]
        if machine.memory.size_bytes % region:
            return [
                f"region = {size_text(region)}: does not divide a node's memory of "
                f"{size_text(machine.memory.size_bytes)}"
            ]
        return []

    def _misfits(self, machine: Machine) -> list[str]:
        everything = machine.nodes * machine.memory.size_bytes
        if self.memory_bytes > everything:  # and so many regions would take long to deal out
            return [
                f"vm-memory = {size_text(self.memory_bytes)}: '{machine.name}' has "
                f"{format_bytes(everything)} in all"
            ]
        needed = self.bytes_on()
        rounded = self._rounded(needed)
        state = sum(
            -(-size // self.region_bytes) * self.region_bytes  # each begins a region
            for size in (self.vcpus * state_bytes(machine), self.stage2_bytes)
        )
        if state > machine.memory.size_bytes:
            vcpu, entry = (
                size_text(size)
                for size in (machine.migration.cpu_state_bytes, self.stage2_entry_bytes)
            )
            return [
                *rounded,
                f"the state of {self.vcpus} vCPUs, {vcpu} each (migration.cpu_state), and the "
                f"page table, {format_bytes(self.stage2_bytes)} (--stage2-entry {entry} a page), "
                f"do not fit into a node's {format_bytes(machine.memory.size_bytes)}",
            ]
        needed[self.source] = needed.get(self.source, 0) + state
        there = machine.memory.size_bytes
        return rounded + [
            f"vm-memory = {size_text(self.memory_bytes)}: needs {format_bytes(size)} on node "
            f"{node}, which has {format_bytes(there)}, {format_bytes(size - there)} too little"
            + (" with the vCPUs' state and the page table" if node == self.source else "")
            for node, size in sorted(needed.items())
            if size > there
        ]

    def _rounded(self, lying: Mapping[int, int]) -> list[str]:
        """Return what whole regions make of what is to be borrowed, if it is something else."""
        weights = self._weights()
        parts = {node: lying.get(node, 0) / self.memory_bytes for node in weights}
        if all(parts[node] for node in self.borrow) and all(
            abs(parts[node] - weight) <= MOST_ROUNDED + 1e-9 for node, weight in weights.items()
        ):
            return []
        shown = list(self.borrow)[:_SHOWN]
        asked = ",".join(f"{node}:{self.borrow[node]:.3g}" for node in shown)
        found = ",".join(f"{node}:{parts[node]:.3g}" for node in shown)
        more = f" and {len(self.borrow) - _SHOWN} more" if len(self.borrow) > _SHOWN else ""
        smaller = ", a smaller region" if self.region_bytes > PAGE_BYTES else ""
        return [
            f"borrow {asked}{more}: in whole regions this is {found}, as the VM has {self.regions} "
            f"of {size_text(self.region_bytes)}; give multiples of {1 / self.regions:.3g}{smaller} "
            "or more vm-memory"
        ]

    def locations(self) -> bytes:
        """Return the node of each guest region, dealt out by weight (smooth round robin)."""
        turn = self._turn()
        return (turn * -(-self.regions // len(turn)))[: self.regions] if turn else b""

    def bytes_on(self) -> dict[int, int]:
        """Return node -> bytes of the VM's memory that lie there."""
        turn = self._turn()
        whole, rest = divmod(self.regions, len(turn)) if turn else (0, 0)
        regions = {node: whole * turn.count(node) + turn[:rest].count(node) for node in set(turn)}
        return {node: count * self.region_bytes for node, count in regions.items() if count}

    def _turn(self) -> bytes:
        return _turn(self.regions, tuple(self._weights().items()))

    def _weights(self) -> dict[int, float]:
        return {self.source: max(0.0, 1.0 - sum(self.borrow.values())), **self.borrow}


def _coreless(machine: Machine) -> str:
    return f"has no cores; '{machine.name}' has them on the nodes 0 to {machine.hosts - 1}"


@lru_cache(maxsize=1)  # a VM is checked before it is placed, and each asks
def _turn(regions: int, weights: tuple[tuple[int, float], ...]) -> bytes:
    """Return the nodes of so many regions, or of fewer after which it goes on in the same way."""
    credit = dict.fromkeys((node for node, _ in weights), 0.0)
    dealt = bytearray()
    while len(dealt) < regions:
        for node, weight in weights:
            credit[node] += weight
        node = max(credit, key=lambda n: (round(credit[n], 9), -n))
        credit[node] -= 1.0
        dealt.append(node)
        if not any(round(left, 9) for left in credit.values()):  # as it was at first
            break
    return bytes(dealt)


def check_together(specs: Sequence[VmSpec], machine: Machine) -> None:
    """Raise InputError, with all faults, if VMs cannot run on a machine at the same time.

    Each VM has cores of its own, the same of every node, so that it finds them free wherever it
    goes.
    """
    faults = []
    for number, spec in enumerate(specs):
        try:
            spec.check(machine)
        except InputError as error:
            where = f"VM {number}: " if len(specs) > 1 else ""
            faults += [where + fault for fault in error.faults]
    vcpus = sum(spec.vcpus for spec in specs)
    if len(specs) > 1 and vcpus > machine.cores.per_node and not faults:
        faults.append(
            f"the VMs have {vcpus} vCPUs; a node of '{machine.name}' has {machine.cores.per_node} "
            f"cores, and each vCPU needs one that is free on every node; give fewer (--vcpus, and "
            f"vcpus in the file)"
        )
    if len({spec.region_bytes for spec in specs}) > 1:
        faults.append("region: all VMs of a machine must have the same size of regions")
    if faults:
        raise InputError("the VM" if len(specs) == 1 else "the group of VMs", faults)


def state_bytes(machine: Machine) -> int:
    """Return the memory that a vCPU's state takes: whole pages."""
    return -(-machine.migration.cpu_state_bytes // PAGE_BYTES) * PAGE_BYTES
