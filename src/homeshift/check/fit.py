# SPDX-License-Identifier: BSD-3-Clause
"""Whether a scenario fits its protocol."""

from __future__ import annotations

from homeshift.check.scenario import Scenario
from homeshift.errors import InputError, near
from homeshift.slicc.model import Protocol


def check_fit(scenario: Scenario, protocol: Protocol, name: str) -> None:
    """Raise an InputError for what the scenario says of the protocol and is not so."""
    known = protocol.machines
    faults = [
        f"machines.{machine}: is missing (one in each 'node', or 'single')"
        for machine in known
        if machine not in scenario.machines
    ]
    faults += [
        f"machines.{machine}: no such machine{near(machine, known)}"
        for machine in scenario.machines
        if machine not in known
    ]
    for s in scenario.stimulus:
        if s.machine in protocol.machines:
            ports = [p.name for p in protocol.machines[s.machine].in_ports]
            if s.port not in ports:
                faults.append(f"stimulus '{s.name}': no in_port '{s.port}'{near(s.port, ports)}")
        if s.message not in protocol.types:
            faults.append(f"stimulus '{s.name}': no message '{s.message}'")
    if faults:
        raise InputError(name, faults)
