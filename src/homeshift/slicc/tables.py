# SPDX-License-Identifier: BSD-3-Clause
"""Transition tables of a protocol as Markdown, one page a machine.

A cell holds the short names of the actions, then the next state if it is another one. An empty cell
claims that the event cannot happen in that state: both engines stop if it does.
"""

from __future__ import annotations

from pathlib import Path

from homeshift.markdown import markdown_table
from homeshift.output_file import output_folder
from homeshift.slicc.model import Machine, Protocol, Transition


def write_tables(protocol: Protocol, directory: Path | str) -> list[Path]:
    """Write PROTOCOL-MACHINE.md for each machine into the directory, and return the paths.

    Raises:
        InputError: they cannot be written.
    """
    directory = Path(directory)
    written = []
    with output_folder(directory):
        for machine in protocol.machines.values():
            path = directory / f"{protocol.name}-{machine.name}.md"
            path.write_text(machine_page(protocol, machine), "utf-8")
            written.append(path)
    return written


def machine_page(protocol: Protocol, machine: Machine) -> str:
    """The whole page of a machine."""
    source = machine.position.file
    actions = [
        (f"`{_cell(a.short)}`", a.name, _cell(a.description)) for a in machine.actions.values()
    ]
    states = [(s.name, s.permission, _cell(s.description)) for s in machine.states.values()]
    events = [(e.name, _cell(e.description)) for e in machine.events.values()]
    title = f"{protocol.name}: {machine.name}"
    parts = [
        f"<!-- Generated from {source} by `python -m homeshift.slicc tables`: do not edit. -->",
        f"# {title}\n\n{machine.description}".rstrip(),
        "## Transitions\n\n"
        "Each cell: actions by short name, then the next state if it changes. "
        "Empty: cannot happen.",
        transition_table(machine),
        "## States",
        markdown_table(("state", "permission", "meaning"), states, texts=3),
        "## Events",
        markdown_table(("event", "meaning"), events, texts=2),
        "## Actions",
        markdown_table(("short", "action", "does"), actions, texts=3),
        "## Pairs without a transition",
        missing_pairs(machine),
    ]
    return "\n\n".join(parts) + "\n"


def transition_table(machine: Machine) -> str:
    """States down, events across."""
    by_pair = {(t.state, t.event): t for t in machine.transitions}
    rows = [
        (f"**{state}**", *(_entry(machine, by_pair.get((state, e))) for e in machine.events))
        for state in machine.states
    ]
    return markdown_table(("", *machine.events), rows, texts=1 + len(machine.events))


def missing_pairs(machine: Machine) -> str:
    """One line a state: the events that must not happen in it."""
    missing: dict[str, list[str]] = {}
    for state, event in machine.missing:
        missing.setdefault(state, []).append(event)
    if not missing:
        return "None."
    return "\n".join(f"- **{state}**: {', '.join(events)}" for state, events in missing.items())


def _entry(machine: Machine, transition: Transition | None) -> str:
    if transition is None:
        return ""
    shorts = " ".join(f"`{_cell(machine.actions[a].short)}`" for a in transition.actions)
    if transition.next_state == transition.state:
        return shorts or "-"
    return f"{shorts} → {transition.next_state}".strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
