# SPDX-License-Identifier: BSD-3-Clause
"""What the machine of a scenario is made of: objects, and stimuli with their numbers.

The modules emit_*.py write it down in C++.
"""

from __future__ import annotations

from dataclasses import dataclass

from homeshift.check.scenario import Scenario, Stimulus
from homeshift.errors import InputError
from homeshift.slicc import ast
from homeshift.slicc.emit import TABLES
from homeshift.slicc.emit_body import cpp_type
from homeshift.slicc.model import Machine, Protocol, Type, Variable
from homeshift.slicc.walk import walk

REQUESTS = ("RubyRequest", "SequencerMsg")  # of cores and devices
PROVIDED = ("Sequencer", "DMASequencer", "HomeTable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """Something that a machine is made with."""

    name: str  # as a member of Node or Single
    type: str
    cpp: str
    machine: str
    parameter: str


def objects_of(machine: Machine) -> list[Variable]:
    """Return the parameters of a machine that are no buffers."""
    return [p for p in machine.parameters if p.pointer and p.type.name != "MessageBuffer"]


def port_of(machine: Machine, message: str) -> str | None:
    """Return the C++ name of a machine's in_port for messages of a type."""
    port = machine.in_port_for(message)
    return f"{machine.name}_Controller::port_{port.name}" if port else None


class Plan:
    """A protocol as a scenario sets it up, on so many nodes, with so many lines."""

    def __init__(self, scenario: Scenario, protocol: Protocol, nodes: int, lines: int) -> None:
        self.scenario = scenario
        self.protocol = protocol
        self.nodes = nodes
        self.lines = lines
        self.machines = list(protocol.machines.values())
        self.callbacks = self._callbacks()

    def asked(self) -> list[tuple[str, str]]:
        """(stimulus, machine) of cores and devices."""
        asked = []
        for machine in self.machines:
            for parameter in machine.parameters:
                if parameter.type.name == "Sequencer":
                    asked += [(name, machine.name) for name in ("load", "store", "evict")]
                elif parameter.type.name == "DMASequencer":
                    asked += [(name, machine.name) for name in ("dma_read", "dma_write")]
        return asked

    def places(self, machine: str) -> int:
        """Return how many machines of that name there are."""
        return self.nodes if self.scenario.machines[machine] == "node" else 1

    def choices(self, stimulus: Stimulus) -> int:
        """Return in how many ways a stimulus can happen at one machine."""
        count = 1
        for what in stimulus.choose:
            count *= self.nodes if what == "node" else self.lines
        return count

    def numbering(self) -> list[tuple[str, str, int, int]]:
        """(stimulus, machine, places, choices) in the order of their numbers."""
        rows = [(s, machine, self.places(machine), self.lines) for s, machine in self.asked()]
        rows += [
            (s.name, s.machine, self.places(s.machine), self.choices(s))
            for s in self.scenario.stimulus
        ]
        return rows

    def choosing(self, stimulus: Stimulus) -> list[tuple[str, str]]:
        """(what, C++ value) of each choice of a stimulus."""
        result = []
        divisor = 1
        for what in stimulus.choose:
            size = self.nodes if what == "node" else self.lines
            result.append((what, f"(c.choice / {divisor} % {size})"))
            divisor *= size
        return result

    def objects(self, machine: Machine) -> list[tuple[str, Object]]:
        """(parameter, object) of a machine; a shared object has one name for all machines."""
        result = []
        for parameter in objects_of(machine):
            type_ = parameter.type.name
            cpp = type_
            if type_ in TABLES:
                cpp = f"Holding<{type_}, {self.entry_of(machine, parameter.name)}>"
            elif type_ == "HomeTable":
                cpp = "NodeHomeTable"
            name = f"{machine.name}_{parameter.name}"
            if type_ in self.scenario.shared:
                name = f"shared_{type_}"
            result.append(
                (
                    parameter.name,
                    Object(
                        name=name,
                        type=type_,
                        cpp=cpp,
                        machine=machine.name,
                        parameter=parameter.name,
                    ),
                )
            )
        return result

    def entry_of(self, machine: Machine, table: str) -> str:
        """The type of the entries that a machine allocates in a table."""
        bodies: list[ast.Node] = [a.body for a in machine.actions.values()]
        bodies += [f.body for f in machine.functions if f.body is not None]
        for body in bodies:
            for node in walk(body):
                if (
                    isinstance(node, ast.MethodCall)
                    and node.name.name in ("allocate", "allocateVoid")
                    and isinstance(node.object, ast.Name)
                    and node.object.name == table
                ):
                    for argument in node.arguments:
                        if isinstance(argument, ast.New):
                            for type_ in machine.structures:
                                if type_.name == argument.new_type.name:
                                    return cpp_type(type_)
        raise InputError(
            f"machine {machine.name}", [f"allocates no entry in '{table}': its type is not known"]
        )

    def member(self, machine: str, name: str) -> str:
        """A member of the Node or Single that a machine is in; `place` is the node."""
        holder = "node[place]" if self.scenario.machines[machine] == "node" else "single"
        return f"{holder}.{name}"

    def sequencer(self, machine: str, kind: str) -> str:
        """Return the name of the sequencer that a machine is made with."""
        return next(
            o.name for _, o in self.objects(self.protocol.machines[machine]) if o.type == kind
        )

    def _callbacks(self) -> dict[str, Type]:
        """External objects with methods that only report: MigrationEngine."""
        found = {}
        for machine in self.machines:
            for parameter in objects_of(machine):
                if parameter.type.name not in (*TABLES, *PROVIDED):
                    found[parameter.type.name] = parameter.type
        return found
