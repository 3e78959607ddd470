# SPDX-License-Identifier: BSD-3-Clause
"""What the engine that this Python can run is able to simulate, and what it is not."""

from __future__ import annotations

import sys

from homeshift.engines.base import CPU_MODELS, MEMORY_MODELS, NETWORK_MODELS, Models
from homeshift.engines.messages import DATA_BYTES
from homeshift.errors import InputError, near
from homeshift.machine import Machine
from homeshift.machine.fields import suggest
from homeshift.machine.rules import BANDWIDTH_WITHIN
from homeshift.machine.topology import flit_bytes, links
from homeshift.units import time_text
from homeshift.workload import Booted, Workload


def inside_gem5() -> bool:
    """Return whether gem5's embedded Python runs this."""
    return "_m5" in sys.modules


def check_models(models: Models, machine: Machine, workload: Workload | Booted | None) -> None:
    """Raise InputError unless the engine that this Python can run has these models.

    workload: what the first VM does, if that is known.
    """
    faults = []
    for option, model, known in (
        ("--memory-model", models.memory, MEMORY_MODELS),
        ("--network-model", models.network, NETWORK_MODELS),
        ("--cpu-model", models.cpu, CPU_MODELS),
    ):
        if model not in known:
            faults.append(
                f"{option} {model}: no such model{near(model, known)}; known are {', '.join(known)}"
            )
        elif model != "simple" and not inside_gem5():
            faults.append(
                f"{option} {model}: gem5 has it, the embedded engine does not; run this "
                "script with gem5.opt"
            )
    if models.cpu in CPU_MODELS[1:] and isinstance(workload, Workload):
        faults.append(f"--cpu-model {models.cpu}: is of CPUs that run a --program or boot --bios")
    if models.network == "garnet":
        faults += _no_place_for_garnet(machine)
    if faults:
        raise InputError("the choice of models", faults)


def _no_place_for_garnet(machine: Machine) -> list[str]:
    """Return why Garnet, whose buffers are finite and whose links are alike, is none for it."""
    if machine.network.topology == "links":
        return [
            "--network-model garnet: full buffers all round would never empty again, and links of "
            "one's own can go round; give a machine with another topology"
        ]
    faults = []
    if machine.network.topology == "ring":
        faults.append(
            "--network-model garnet: full buffers all round a ring would never empty "
            "again; give a machine with a crossbar or a mesh, or fully connected"
        )
    if len({link.bytes_per_cycle for link in links(machine)}) > 1:
        faults.append(
            "--network-model garnet: all links have flits of one size; give a machine without "
            "pool.link_bandwidth"
        )
    return faults + _rounded_links(machine)


def _rounded_links(machine: Machine) -> list[str]:
    """Return a fault if flits of whole bytes make links much faster or slower than they are."""
    given, flits = machine.link_bandwidth(), flit_bytes(machine)
    flit_bandwidth = 1e12 / machine.clock_period_ps  # of one byte a cycle
    if abs(flits * flit_bandwidth / given - 1) <= BANDWIDTH_WITHIN:
        return []
    below, above = int(given / flit_bandwidth), int(given / flit_bandwidth) + 1
    near_values = suggest(below, above, lambda b: f"{b * flit_bandwidth / 1e9:.4g}GB/s", least=1)
    return [
        "--network-model garnet: a link carries a flit of whole bytes in a cycle; give another "
        f"network.link_bandwidth{near_values}"
    ]


def links_too_slow(models: Models, machine: Machine) -> str:
    """Return a sentence if a line takes longer to pass a link than the link's latency, or nothing.

    The simple network charges a message the latency only, whatever its length: what that leaves out
    is then the larger part.
    """
    if models.network != "simple":
        return ""
    for link in links(machine):
        latency = link.latency * machine.clock_period_ps
        passes = round(DATA_BYTES / link.bytes_per_cycle * machine.clock_period_ps)
        if passes > latency:
            return (
                f"the latency of remote accesses is too low, by {time_text(passes)} or more: a "
                f"line is handed over after the latency of a link, {time_text(latency)}, and not "
                "when all of it has passed (docs/model.md); give links more bandwidth"
            )
    return ""


def check_workload(workload: Workload | Booted) -> None:
    """Raise InputError unless the engine that this Python can run has the vCPUs that this needs."""
    if isinstance(workload, Booted) and not inside_gem5():
        fault = "gem5 has CPUs that run it, the embedded engine has none; use gem5.opt"
        raise InputError(workload.subject, [fault])


def check_message_log() -> None:
    """Raise InputError unless the engine that this Python can run notes single messages."""
    if inside_gem5():
        fault = "the embedded engine notes them; gem5 has --debug-flags=ProtocolTrace,RubyNetwork"
        raise InputError("option --timeline-messages", [fault])
