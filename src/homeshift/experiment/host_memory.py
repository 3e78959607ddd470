# SPDX-License-Identifier: BSD-3-Clause
"""The memory that a run takes on the host, so that one that is too large says so and ends.

    check(machine, specs)             # raises RunError before anything large is made
    raise ran_out(machine, specs)     # when it has run out all the same

What is counted is there from the start; caches that fill, directories and `--check` add to it. So a
run that is refused would not have fit, and one that is not refused may still run out.
"""

from __future__ import annotations

from collections.abc import Sequence

from homeshift.available_memory import available
from homeshift.errors import RunError
from homeshift.experiment.vm import VmSpec
from homeshift.machine import Machine
from homeshift.units import LINE_BYTES, format_bytes

# Bytes, as benchmarks/all.py measures them: 8 for an address, once in each place that keeps it.
A_PAGE = 16  # its frame, for strategies and in the stage-2 table
A_REGION = 24  # its place in the record of homes, for strategies, in a job
A_CACHE_LINE = 8  # tag and time of use; entries come as it fills


def needed(machine: Machine, specs: Sequence[VmSpec]) -> dict[str, int]:
    """Return what takes how many bytes of the host's memory, at least."""
    regions = machine.nodes * machine.memory.size_bytes // specs[0].region_bytes
    slices = machine.nodes * machine.slc.size_bytes
    caches = machine.hosts * machine.cores.per_node * machine.cache.size_bytes
    return {
        "pages of VMs": sum(spec.pages for spec in specs) * A_PAGE,
        "regions of VMs": sum(spec.regions for spec in specs) * A_REGION,
        "homes of the machine's regions": regions * machine.nodes // 8 + regions * len(specs),
        "caches": (slices + caches) // LINE_BYTES * A_CACHE_LINE,
    }


def check(machine: Machine, specs: Sequence[VmSpec]) -> None:
    """Raise RunError if the host does not have the memory for a run."""
    if sum(needed(machine, specs).values()) > available()[0]:
        raise RunError(f"not enough memory: {_explanation(machine, specs)}")


def ran_out(machine: Machine, specs: Sequence[VmSpec]) -> RunError:
    """Return the error of a run that got no more memory."""
    return RunError(f"ran out of memory: {_explanation(machine, specs)}")


def _explanation(machine: Machine, specs: Sequence[VmSpec]) -> str:
    parts = needed(machine, specs)
    listed = ", ".join(f"{what} {format_bytes(size)}" for what, size in parts.items())
    left, limit = available()
    return (
        f"the run needs {format_bytes(sum(parts.values()))} at least ({listed}), and more as "
        f"caches fill; {limit} leaves {format_bytes(max(0, left))}\n"
        f"  give the VM less memory (--vm-memory) or larger regions (--region), the machine fewer "
        f"nodes, less memory or smaller caches (--machine {machine.name}:slc.size=1MiB), or this "
        f"process more"
    )
