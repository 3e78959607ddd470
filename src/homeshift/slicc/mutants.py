# SPDX-License-Identifier: BSD-3-Clause
"""Changes one transition at a time, in every way that a slip of the pen could: for tests of tests.

A program emitted with mutants is the protocol as it is, unless the environment variable
HOMESHIFT_MUTANT names the number of one of them when it starts. So one build has them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from homeshift.slicc.model import Protocol, Transition


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A transition that does something else than the source says.

    number: from 1; 0 is the protocol as it is.
    change: what is different, as in "without pa_sendPutAck".
    """

    number: int
    machine: str
    transition: Transition
    change: str

    @property
    def name(self) -> str:
        """What is changed where: "Directory: S, PutS: without pa_sendPutAck"."""
        return f"{self.machine}: {self.transition.state}, {self.transition.event}: {self.change}"


def mutants_of(protocol: Protocol) -> list[Mutant]:
    """Every transition without one of its actions, without its change of state, or into another.

    Left out are actions that only count or report (their names contain "profile" or "Eviction").
    """
    found: list[Mutant] = []
    for machine in protocol.machines.values():
        states = list(machine.states)
        for transition in machine.transitions:
            for change, changed in _changes(transition, states):
                found.append(
                    Mutant(
                        number=len(found) + 1,
                        machine=machine.name,
                        transition=changed,
                        change=change,
                    )
                )
    return found


def _changes(t: Transition, states: list[str]) -> Iterator[tuple[str, Transition]]:
    for i, action in enumerate(t.actions):
        if "profile" not in action and "Eviction" not in action:
            yield f"without {action}", replace(t, actions=t.actions[:i] + t.actions[i + 1 :])
    if t.next_state != t.state:
        yield f"stays in {t.state}", replace(t, next_state=t.state)
    other = states[(states.index(t.next_state) + 1) % len(states)]
    if other == t.state:
        other = states[(states.index(other) + 1) % len(states)]
    yield f"goes to {other}", replace(t, next_state=other)
