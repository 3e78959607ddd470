# SPDX-License-Identifier: BSD-3-Clause
"""A counterexample as text, as a chart and as a script says what was done, and in which order."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from homeshift.check.build import Model, load_model
from homeshift.check.run import Json, Options, Result
from homeshift.check.trace import entries, mermaid, text, write

FOLDER = Path(__file__).parent


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(FOLDER / "Device.slicc", FOLDER / "Device.toml", nodes=2, lines=1)


def message(to: str, fields: str, place: str = "network") -> Json:
    return {"type": "AskMsg", "to": to, "place": place, "via": 0, "fields": fields}


def transition(model: Model, machine: str, state: str, event: str) -> Json:
    kind = machine.split()[0]
    made = model.protocol.machines[kind]
    numbers = (list(made.states).index(state), list(made.events).index(event))
    return {"machine": machine, "type": kind, "state": numbers[0], "event": numbers[1]}


def told(*steps: Json, **more: Any) -> Result:
    """A result of these steps; what is not told of it is invented."""
    values: dict[str, Any] = dict.fromkeys(Result.__dataclass_fields__)
    end = {"last": ["DMA 0: state BUSY"], "under_way": [message("DMA 0", "addr 0")]}
    return Result(**{**values, "fault": "no; #1", "steps": steps, "last": end, **more})


@pytest.fixture
def steps(model: Model) -> tuple[Json, Json]:
    """Two devices send the same; the home takes one message, and in the same step the other."""
    asks = message("Directory 0", "addr 0, Type Read")
    read = message("Directory 0", "addr 0, Type Read", "memory")
    log = [
        {"machine": "DMA 0", "sent": asks},
        {"machine": "DMA 1", "sent": asks},
        transition(model, "DMA 0", "READY", "Load"),
    ]
    first = {"step": "dma_read line 0", "at": "DMA 0", "log": log, "error": ""}
    log = [
        {"machine": "Directory 0", "sent": read},
        transition(model, "Directory 0", "READ", "Other"),
        {"machine": "Directory 0", "sent": read},
        {"machine": "Directory 0", "takes": asks},
        {"machine": "Directory 0", "sent": read},
    ]
    return first, {"step": asks, "at": "", "log": log, "error": "no; #1"}


def at(model: Model, machine: str, state: str, event: str) -> str:
    found = [
        t
        for t in model.protocol.machines[machine].transitions
        if (t.state, t.event) == (state, event)
    ]
    return str(found[0].position)


def test_a_step_tells_a_transition_before_what_it_sends(
    model: Model, steps: tuple[Json, Json]
) -> None:
    sent = "Directory 0 -> Directory 0 (memory): AskMsg: addr 0, Type Read"
    assert list(entries(model, steps[1])) == [
        f"Directory 0: READ --Other--> READ   {at(model, 'Directory', 'READ', 'Other')}",
        sent,
        sent,
        "Directory 0 takes AskMsg: addr 0, Type Read",
        sent,
    ]


def test_the_text_has_every_step_and_the_last_state(model: Model, steps: tuple[Json, Json]) -> None:
    lines = list(text(model, told(*steps)))
    assert lines[0] == "counterexample of 2 steps, the shortest: no; #1"
    assert lines[2] == "  1. DMA 0: dma_read line 0"
    assert lines[7] == "  2. Directory 0 takes AskMsg: addr 0, Type Read"
    assert lines[-5:] == [
        "       no; #1",
        "",
        "in the end:",
        "  DMA 0: state BUSY",
        "  network: to DMA 0: AskMsg: addr 0",
    ]
    ended = told(steps[0], fault=None, not_taken="a step")
    assert next(text(model, ended)) == "no counterexample: step 2 cannot be taken: a step"


def test_the_chart_draws_an_arrow_from_each_who_sent(
    model: Model, steps: tuple[Json, Json]
) -> None:
    load, read = (
        at(model, machine, state, event).rsplit(":", 1)[0]
        for machine, state, event in (("DMA", "READY", "Load"), ("Directory", "READ", "Other"))
    )
    assert mermaid(model, told(*steps)).splitlines() == [
        "sequenceDiagram",
        "    autonumber",
        "    participant DMA0 as DMA 0",
        "    participant Directory0 as Directory 0",
        "    participant DMA1 as DMA 1",
        "    Note over DMA0: dma_read line 0",
        f"    Note over DMA0: READY → BUSY (Load)<br/>{load}",
        "    DMA0->>Directory0: Read",
        f"    Note over Directory0: READ → READ (Other)<br/>{read}",
        "    DMA1->>Directory0: Read",
        "    Note over Directory0: ✗ no, no. 1",
    ]


def test_the_script_takes_the_steps_with_the_options_of_the_search(
    model: Model, steps: tuple[Json, Json], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr("homeshift.check.replay.main", lambda **arguments: given.update(arguments))
    options = Options(
        limits={"dma_read": 1},
        capacity={"DMA.cache": 2},
        waiting=True,
        wake_later=True,
        reduced=True,
    )
    write(model, options, told(*steps), tmp_path)
    runpy.run_path(str(tmp_path / "replay.py"), run_name="__main__")
    assert given == {
        "protocol": model.protocol_file.resolve(),
        "scenario": model.scenario_file.resolve(),
        "nodes": 2,
        "lines": 1,
        "options": options,
        "steps": ["DMA 0: dma_read line 0", "Directory 0: AskMsg addr 0, Type Read"],
    }
