# SPDX-License-Identifier: BSD-3-Clause
"""A counterexample for people: text, a message sequence chart, and a script to take it again.

Each step names the transitions that it takes and where they are written in the .sm files.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from homeshift.check.build import Model
from homeshift.check.run import Json, Options, Result, Trace, settled
from homeshift.output_file import output_folder


def key(step: Json) -> str:
    """Name a step as src/checker/step.hh does, so that it can be taken again."""
    what = step["step"]
    return f"{step['at']}: {what}" if isinstance(what, str) else message_key(what)


def message_key(message: Json) -> str:
    """Name the taking of a message."""
    return f"{message['to']}: {message['type']} {message['fields']}"


def text(model: Model, result: Trace) -> Iterator[str]:
    """Lines that tell the way to the fault, and the state it ends in."""
    if result.fault is not None:
        shortest = ", the shortest" if isinstance(result, Result) else ""  # else a replay
        yield f"counterexample of {len(result.steps)} steps{shortest}: {result.fault}"
    elif result.not_taken is not None:
        number = len(result.steps) + 1
        yield f"no counterexample: step {number} cannot be taken: {result.not_taken}"
    else:
        yield "no counterexample: the steps end well"
    for number, step in enumerate(result.steps, 1):
        yield ""
        what = step["step"]
        if isinstance(what, str):
            yield f"{number:3}. {step['at']}: {what}"
        else:
            yield f"{number:3}. {what['to']} takes {what['type']}: {what['fields']}"
        for line in entries(model, step):
            yield f"       {line}"
        if step["error"]:
            yield f"       {step['error']}"
    yield ""
    yield "in the end:"
    for line in result.last["last"]:
        yield f"  {line}"
    for message in result.last["under_way"]:
        yield f"  {message['place']}: to {message['to']}: {message['type']}: {message['fields']}"


def entries(model: Model, step: Json) -> Iterator[str]:
    """Lines that tell what a step does: transitions, and messages."""
    for entry in _in_order(step["log"]):
        if "takes" in entry:
            taken = entry["takes"]
            yield f"{entry['machine']} takes {taken['type']}: {taken['fields']}"
        elif "sent" in entry:
            sent = entry["sent"]
            where = "" if sent["place"] == "network" else f" ({sent['place']})"
            way = f"{entry['machine']} -> {sent['to']}{where}"
            yield f"{way}: {sent['type']}: {sent['fields']}"
        else:
            yield _transition(model, entry)


def _in_order(log: list[Json]) -> list[Json]:
    """Transitions before what they send: the log has a transition after its actions."""
    ordered: list[Json] = []
    waiting: list[Json] = []
    for entry in log:
        if "sent" in entry:
            waiting.append(entry)
        elif "takes" in entry:
            ordered += [*waiting, entry]
            waiting = []
        else:
            ordered += [entry, *waiting]
            waiting = []
    return ordered + waiting


def _names(model: Model, entry: Json) -> tuple[str, str, str, str]:
    """(state, event, next state, place in the source) of a transition."""
    machine = model.protocol.machines[entry["type"]]
    state = list(machine.states)[entry["state"]]
    event = list(machine.events)[entry["event"]]
    for transition in machine.transitions:
        if (transition.state, transition.event) == (state, event):
            return state, event, transition.next_state, str(transition.position)
    return state, event, "?", "?"


def _transition(model: Model, entry: Json) -> str:
    state, event, next_state, position = _names(model, entry)
    arrow = f"{state} --{event}--> {next_state}"
    return f"{entry['machine']}: {arrow}   {position}"


def mermaid(model: Model, result: Result) -> str:
    """Return the counterexample as a Mermaid sequence diagram."""
    lines = ["sequenceDiagram", "    autonumber"]
    machines: dict[str, None] = {}
    for step in result.steps:
        what = step["step"]
        machines[step["at"] if isinstance(what, str) else what["to"]] = None
        for entry in step["log"]:
            machines[entry["machine"]] = None
    senders: dict[str, list[str]] = {}
    ordered = sorted(machines, key=lambda name: (name.split()[-1], name))
    lines += [f"    participant {_id(name)} as {name}" for name in ordered]
    for step in result.steps:
        what = step["step"]
        if isinstance(what, str):
            at = step["at"]
            lines.append(f"    Note over {_id(at)}: {what}")
        else:
            at = str(what["to"])
            lines.append(_arrow(what, senders))
        for entry in _in_order(step["log"]):
            if "takes" in entry:
                lines.append(_arrow(entry["takes"], senders))
            elif "sent" in entry:
                senders.setdefault(_message(entry["sent"]), []).append(entry["machine"])
            else:
                state, event, next_state, position = _names(model, entry)
                short = position.rsplit(":", 1)[0]
                taken = f"{state} → {next_state} ({event})<br/>{short}"
                lines.append(f"    Note over {_id(entry['machine'])}: {taken}")
        if step["error"]:
            lines.append(f"    Note over {_id(at)}: ✗ {_plain(step['error'])}")
    if result.steps and not result.steps[-1]["error"]:
        first, last = _id(next(iter(machines))), _id(list(machines)[-1])
        lines.append(f"    Note over {first},{last}: ✗ {_plain(str(result.fault))}")
    return "\n".join(lines) + "\n"


def _arrow(taken: Json, senders: dict[str, list[str]]) -> str:
    """A message that is taken, from the first who sent one like it."""
    at = str(taken["to"])
    sent_by = senders.get(_message(taken), [at])
    sender = sent_by.pop(0) if len(sent_by) > 1 else sent_by[0]
    return f"    {_id(sender)}->>{_id(at)}: {_label(taken)}"


def _id(name: str) -> str:
    return name.replace(" ", "")


def _message(message: Json) -> str:
    return f"{message['to']} {message['type']} {message['fields']}"


def _label(message: Json) -> str:
    fields = dict(f.split(" ", 1) for f in message["fields"].split(", ") if " " in f)
    label = str(fields.get("Type", message["type"]))
    if "Requestor" in fields:
        label += f" for {fields['Requestor']}"
    return _plain(label)


def _plain(text: str) -> str:
    return text.replace(";", ",").replace("#", "no. ")


def script(model: Model, options: Options, result: Result) -> str:
    """Return a Python script that takes the steps again, of a protocol changed since, too."""
    options = settled(model, options)
    changed: dict[str, Any] = {
        "limits": options.limits,
        "capacity": dict(options.capacity),
        "waiting": options.waiting,
        "wake_later": options.wake_later,
        "reduced": options.reduced,
    }
    lines = [
        "#!/usr/bin/env python3",
        f'"""Takes again the steps to: {result.fault}"""',
        "",
        "from pathlib import Path",
        "",
        "from homeshift.check.replay import main",
        "from homeshift.check.run import Options",
        "",
        "STEPS = [",
        *(f"    {key(step)!r}," for step in result.steps),
        "]",
        "",
        'if __name__ == "__main__":',
        "    main(",
        f"        protocol=Path({str(model.protocol_file.resolve())!r}),",
        f"        scenario=Path({str(model.scenario_file.resolve())!r}),",
        f"        nodes={model.nodes},",
        f"        lines={model.lines},",
        f"        options=Options({', '.join(f'{k}={v!r}' for k, v in changed.items())}),",
        "        steps=STEPS,",
        "    )",
        "",
    ]
    return "\n".join(lines)


def write(model: Model, options: Options, result: Result, folder: Path) -> list[Path]:
    """Write counterexample.txt, counterexample.md and replay.py; return their paths.

    Raises:
        InputError: they cannot be written.
    """
    chart = mermaid(model, result)
    texts = {
        "counterexample.txt": "\n".join(text(model, result)) + "\n",
        "counterexample.md": f"# {result.fault}\n\n```mermaid\n{chart}```\n",
        "replay.py": script(model, options, result),
    }
    with output_folder(folder):
        for name, content in texts.items():
            (folder / name).write_text(content, "utf-8")
    return [folder / name for name in texts]
