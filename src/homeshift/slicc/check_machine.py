# SPDX-License-Identifier: BSD-3-Clause
"""Checks one machine, declaration by declaration from top to bottom, and builds its model."""

from __future__ import annotations

from dataclasses import dataclass, field

from homeshift.errors import near
from homeshift.slicc import ast, declare
from homeshift.slicc.check_buffers import check_buffers
from homeshift.slicc.check_functions import check_function, check_structure
from homeshift.slicc.check_statements import Place, check_block
from homeshift.slicc.model import (
    Action,
    EnumerationItem,
    Function,
    InPort,
    Machine,
    State,
    Transition,
    Type,
    Variable,
)
from homeshift.slicc.scope import Scope

_REFUSED_PORT = ("rsc_stall_handler", "prot_stall_handler")


@dataclass(slots=True)
class MachineChecker:
    """Holds what has been declared so far; `check()` gives the model, or None if it lacks parts."""

    scope: Scope
    declaration: ast.MachineDeclaration
    variables: list[Variable] = field(default_factory=list)
    structures: list[Type] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    in_ports: list[InPort] = field(default_factory=list)
    states: dict[str, State] = field(default_factory=dict)
    events: dict[str, EnumerationItem] = field(default_factory=dict)
    actions: dict[str, Action] = field(default_factory=dict)
    shorts: dict[str, Action] = field(default_factory=dict)
    transitions: dict[tuple[str, str], Transition] = field(default_factory=dict)
    tbe: Type | None = None
    entry: Type | None = None

    def check(self) -> Machine | None:
        """Check everything in the machine."""
        given = declare.attributes(self.scope, self.declaration.attributes)
        parameters = [
            new
            for parameter in self.declaration.parameters
            if (new := declare.variable(self.scope, parameter, "machine parameter"))
        ]
        check_buffers(self.scope, parameters)
        for declaration in self.declaration.declarations:
            self._declaration(declaration)
        state_type, event_type = self.scope.types.get("State"), self.scope.types.get("Event")
        where, name = self.declaration.position, self.declaration.machine_type.value.name
        if state_type is None and "State" not in self.scope.broken:
            self._error(where, f"machine '{name}' has no state_declaration(State)")
        if event_type is None:
            self._error(where, f"machine '{name}' has no enumeration(Event)")
        if state_type is None or event_type is None:
            return None
        return Machine(
            name=name,
            description=given.get("desc", given.get("short", "")),
            parameters=tuple(parameters),
            variables=tuple(self.variables),
            state_type=state_type,
            event_type=event_type,
            states=self.states,
            events=self.events,
            structures=tuple(self.structures),
            tbe=self.tbe,
            entry=self.entry,
            functions=tuple(self.functions),
            in_ports=tuple(self.in_ports),
            actions=self.actions,
            transitions=tuple(self.transitions.values()),
            position=where,
        )

    def _error(self, position: ast.Position, message: str) -> None:
        self.scope.diagnostics.error(position, message)

    def _declaration(self, d: ast.Declaration) -> None:
        match d:
            case ast.StructureDeclaration():
                self._structure(d)
            case ast.StateDeclaration():
                self._states(d)
            case ast.EnumerationDeclaration():
                self._enumeration(d)
            case ast.ObjectDeclaration():
                if new := declare.variable(self.scope, d, "object"):
                    self.variables.append(new)
            case ast.FunctionDeclaration():
                if function := check_function(self.scope, d):
                    self.functions.append(function)
            case ast.InPortDeclaration():
                self._in_port(d)
            case ast.OutPortDeclaration():
                self._port(d, False)
            case ast.ActionDeclaration():
                self._action(d)
            case ast.TransitionDeclaration():
                self._transition(d)
            case _:
                self._error(d.position, "this cannot be declared in a machine")

    def _structure(self, d: ast.StructureDeclaration) -> None:
        new = check_structure(self.scope, d)
        if self.scope.types.get(new.name) is not new:
            return  # declared twice
        self.structures.append(new)
        if new.name == "TBE":
            self.tbe = new
        elif new.interface == "AbstractCacheEntry" and new.attributes.get("main") != "false":
            if self.entry is not None:
                self._error(
                    d.position,
                    f"a second type of cache_entry, beside '{self.entry}' at "
                    f'{self.entry.position}: give one of them main="false"',
                )
            else:
                self.entry = new

    def _states(self, d: ast.StateDeclaration) -> None:
        new = declare.enumeration(self.scope, d)
        if new.name != "State":
            self._error(d.position, "the states of a machine are declared as 'State'")
            self.scope.broken |= {"State", f"{self.scope.machine}_State_to_permission"}
        permissions = self.scope.find_type("AccessPermission")
        for item in d.items:
            value = item.permission.value
            if permissions is not None and value.name not in permissions.items:
                hint = near(value.name, permissions.items)
                self._error(value.position, f"no access permission '{value}'{hint}")
            made = new.items[item.name.name]
            state = State(
                name=made.name,
                permission=value.name,
                description=made.description,
                position=made.position,
            )
            self.states.setdefault(made.name, state)

    def _enumeration(self, d: ast.EnumerationDeclaration) -> None:
        new = declare.enumeration(self.scope, d)
        if new.name == "Event" and not self.events:
            self.events = new.items

    def _port(
        self, d: ast.InPortDeclaration | ast.OutPortDeclaration, inward: bool
    ) -> tuple[Type, Variable, dict[str, str]] | None:
        message = self.scope.type(d.message_type)
        buffer = self.scope.variable(d.buffer)
        type_name = "InPort" if inward else "OutPort"
        port_type = self.scope.find_type(type_name)
        if port_type is None:
            self._error(d.position, f"type '{type_name}' is not declared")
        if message is None or buffer is None or port_type is None:
            self.scope.broken.add(d.name.name)
            return None
        if buffer.type.attributes.get(type_name.lower()) != "yes":
            self._error(d.buffer.position, f"'{buffer.type}' cannot be the buffer of a port")
        if inward and buffer.network == "To":
            self._error(
                d.buffer.position,
                f"'{buffer.name}' sends to the network: it cannot be the buffer of an in_port",
            )
        given = declare.attributes(self.scope, d.attributes)
        self.scope.declare_variable(
            Variable(
                name=d.name.name,
                kind="in port" if inward else "out port",
                type=port_type,
                attributes=given,
                message_type=message,
                buffer=buffer,
                position=d.position,
            )
        )
        return message, buffer, given

    def _in_port(self, d: ast.InPortDeclaration) -> None:
        made = self._port(d, True)
        event, addr = self.scope.find_type("Event"), self.scope.find_type("Addr")
        wanted = [event, addr, self.entry, self.tbe]
        if event is None or addr is None:
            self._error(d.position, "an in_port needs enumeration(Event) before it")
            return
        trigger = tuple(t for t in wanted if t is not None)
        place = Place(kind="in_port", scope=self.scope.inner(), trigger=trigger)
        check_block(d.body, place)
        if made is None:
            return
        message, buffer, given = made
        for name in _REFUSED_PORT:
            if name in given:
                self.scope.refuse(d.position, f"'{name}'", "use stall_and_wait() in the transition")
        rank = given.get("rank")
        if rank is not None and not rank.isdigit():
            self._error(d.position, f"the rank '{rank}' is not a number")
            rank = None
        for other in self.in_ports:
            if rank is not None and other.rank == int(rank):
                self._error(d.position, f"in_port '{other.name}' has rank {rank} too")
        self.in_ports.append(
            InPort(
                name=d.name.name,
                message_type=message,
                buffer=buffer,
                rank=None if rank is None else int(rank),
                body=d.body,
                position=d.position,
            )
        )

    def _action(self, d: ast.ActionDeclaration) -> None:
        name = d.name.name
        if name == "z_stall" and d.body.statements:
            self._error(d.position, "'z_stall' leaves the message where it is: its body is empty")
        scope = self.scope.inner()
        implicit = {"address": self.scope.find_type("Addr"), "tbe": self.tbe}
        implicit["cache_entry"] = self.entry
        for variable, found in implicit.items():
            if found is not None:
                scope.declare_variable(
                    Variable(name=variable, kind="implicit", type=found, position=d.position)
                )
        check_block(d.body, Place(kind="action", scope=scope))
        if name in self.actions:
            first = self.actions[name].position
            self._error(d.position, f"action '{name}' is declared twice, first at {first}")
            return
        given = declare.attributes(self.scope, d.attributes)
        action = Action(
            name=name,
            short=given.get("short", name),
            description=given.get("desc", ""),
            body=d.body,
            position=d.position,
        )
        self.actions[name] = action
        other = self.shorts.setdefault(action.short, action)
        if other is not action:
            self._error(
                d.position, f"action '{other.name}' has the short name '{action.short}' too"
            )

    def _named(self, what: str, name: ast.Identifier, known: dict[str, object]) -> bool:
        if name.name in known:
            return True
        if what == "action":
            self.scope.unknown(name.position, what, name.name, set(known))
        else:
            hint = near(name.name, known)
            self._error(name.position, f"{what} '{name}' is not declared{hint}")
        return False

    def _transition(self, d: ast.TransitionDeclaration) -> None:
        if d.request_types:
            why = "accesses to tags and data are not counted; leave the first braces out"
            self.scope.refuse(d.request_types[0].position, "a set of request types", why)
        states = [s for s in d.states if self._named("state", s, {**self.states})]
        events = [e for e in d.events if self._named("event", e, {**self.events})]
        actions = tuple(a.name for a in d.actions if self._named("action", a, {**self.actions}))
        if d.next_state is not None and d.next_state.name == "*":
            self.scope.refuse(
                d.next_state.position, "'*' as next state", "name the state, or leave it out"
            )
            return
        if d.next_state and not self._named("state", d.next_state, {**self.states}):
            return
        for state in states:
            for event in events:
                other = self.transitions.get((state.name, event.name))
                if other is not None:
                    self._error(
                        state.position if len(states) > 1 else event.position,
                        f"transition ({state}, {event}) is declared twice, "
                        f"first at {other.position}",
                    )
                    continue
                self.transitions[state.name, event.name] = Transition(
                    state=state.name,
                    event=event.name,
                    next_state=d.next_state.name if d.next_state else state.name,
                    actions=actions,
                    position=d.position,
                )
