# SPDX-License-Identifier: BSD-3-Clause
"""A counterexample of the checker is taken by the timed engine's controllers, step by step.

Its steps are those of mutants, whose faults differ in kind. The engine has to take the same
transitions in the same order, to send the same messages, and to end in the same fault.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from homeshift.check.build import Checker, compiled, default_protocol, load_model, scenario_of
from homeshift.check.replay import compare, engine_steps
from homeshift.check.run import CRASH, Options, Trace, replay, replay_in_engine, run
from homeshift.check.trace import key, message_key
from homeshift.errors import RunError
from homeshift.slicc import load
from homeshift.slicc.mutants import mutants_of

PROTOCOL = default_protocol()
MUTANTS = mutants_of(load(PROTOCOL))

NO_TRANSFER = Options(limits={"transfer": 0})
HAND_OVER = Options(limits={"transfer": 0, "hand_over": 1}, waiting=False)
FENCE = Options(limits={"transfer": 0, "hand_over": 1, "fence": 1}, waiting=False)
SURRENDER = Options(limits={"transfer": 0, "surrender": 1}, waiting=False)
CANCEL = Options(limits={"transfer": 0, "hand_over": 1, "cancel": 1}, waiting=False)
COPY = Options(limits={"transfer": 0, "copy": 1}, waiting=False)
REDUCED = Options(reduced=True)

# mutant, options, (nodes, lines), how the engine ends
FAULTS = {
    "a transition is missing": (
        "L1Cache: M, FwdGetM: without o_popForward",
        NO_TRANSFER,
        (2, 1),
        "cache.sm:.* event 'FwdGetM' has no transition from state 'I'",
    ),
    "a transition is missing while the home moves": (
        "Directory: EM, Depart: without qg_popTrigger",
        HAND_OVER,
        (2, 1),
        "event 'DepartDone' has no transition from state 'R_SENT'",
    ),
    "a load returns an old value": (
        "L1Cache: IS_D, DataS: without wr_writeData",
        NO_TRANSFER,
        (2, 1),
        "data value: a load of line 0 returns a value that is not the last one",
    ),
    "a store finds an old value": (
        "L1Cache: IM_AD, DataM: without wr_writeData",
        NO_TRANSFER,
        (2, 1),
        "data value: a store to line 0",
    ),
    "a DMA writes an old value": (
        "Directory: I, DmaWrite: without dw_keepDmaData",
        COPY,
        (2, 1),
        "data value: a DMA's write",
    ),
    "a DMA's write has reached memory": (
        "DMA: WRITE, WriteAck: without n_popResponse",
        COPY,
        (2, 1),
        "event 'WriteAck' has no transition",
    ),
    "a slice has an old value": (
        "Directory: S_D, WbDirty: without sw_writeSlc",
        NO_TRANSFER,
        (2, 1),
        "memory or a slice has the value",
    ),
    "what nobody reads is forgotten": (
        "Directory: S_U, Held: goes to EM_U",
        NO_TRANSFER,
        (2, 1),
        CRASH,
    ),
    "there is a deadlock": (
        "L1Cache: MI_A, PutAck: without k_wakeUp",
        NO_TRANSFER,
        (2, 1),
        "deadlock",
    ),
    "there is a deadlock, in a reduced search of three nodes": (
        "Directory: S, Depart: without tw_walk",
        REDUCED,
        (3, 1),
        "deadlock",
    ),
    "there are two writers": (
        "Directory: S, GetM_Hit: without iv_invalidateOthers",
        NO_TRANSFER,
        (2, 1),
        "single writer or many readers",
    ),
    "a transfer loses an entry": (
        "Directory: S, Depart: without te_sendEntry",
        HAND_OVER,
        (2, 1),
        "no entry is lost",
    ),
    "a home is left that its transfer is taken back from": (
        "Directory: NH, XferCancel: goes to R_RECALL",
        CANCEL,
        (2, 1),
        "no transition from state 'R_RECALL'",
    ),
    "a right is lost": (
        "Directory: NH, XferDone_Last: without tg_noteRights",
        SURRENDER,
        (2, 1),
        "a right that was lost comes back with the region only",
    ),
    "a core gets an access fault": (
        "L1Cache: SM_AD, Fault: stays in SM_AD",
        FENCE,
        (2, 1),
        "every line of a cache is in a stable state",
    ),
    "two lines meet in a slice": (
        "Directory: I, SlcEvict: without sx_dropSlc",
        Options(limits={"hand_over": 0, "evict": 255}),
        (2, 2),
        "again and again",
    ),
    "an entry is not there": (
        "L1Cache: M, FwdGetM: without h_deallocateEntry",
        NO_TRANSFER,
        (2, 1),
        CRASH,
    ),
    "a TBE is allocated twice": (
        "L1Cache: SM_A, InvAck_Last: without w_deallocateTBE",
        NO_TRANSFER,
        (2, 1),
        "a TBE is allocated twice",
    ),
}


@cache
def programs(size: tuple[int, int], name: str | None) -> tuple[Checker, Checker]:
    """The checker and the engine, with one mutant or with all of them."""
    nodes, lines = size
    mutants = [m for m in MUTANTS if name is None or m.name == name]
    model = load_model(PROTOCOL, nodes=nodes, lines=lines)
    return compiled(model, mutants), compiled(model, mutants, runtime="replay")


def made_with(name: str, size: tuple[int, int]) -> tuple[Checker, Checker, int]:
    """The checker, the engine, and the number of a mutant."""
    (mutant,) = (m for m in MUTANTS if m.name == name)
    return *programs(size, None if size == (2, 1) else name), mutant.number


def in_both(
    checker: Checker, engine: Checker, options: Options, steps: list[str]
) -> tuple[Trace, Trace]:
    """Take steps in the checker's machine, and what was taken there in the engine."""
    told = replay(checker, options, steps)
    return told, replay_in_engine(engine, options, engine_steps(told, steps))


def transitions(trace: Trace) -> list[tuple[str, int, int]]:
    return [
        (entry["machine"], entry["state"], entry["event"])
        for step in trace.steps
        for entry in step["log"]
        if "state" in entry
    ]


@pytest.mark.parametrize("name", FAULTS)
def test_the_engine_takes_a_counter_example_when(name: str) -> None:
    mutant, options, size, end = FAULTS[name]
    checker, engine, number = made_with(mutant, size)
    options = replace(options, mutant=number)
    result = run(checker, options)
    assert result.fault is not None
    steps = [key(step) for step in result.steps]
    told, taken = in_both(checker, engine, options, steps)
    assert told.fault == result.fault
    assert any(name.startswith("+") for name in engine_steps(told, steps)) == (size != (2, 1))
    assert transitions(told) == transitions(result)
    assert list(compare(checker.model, told, taken)) == []
    assert taken.fault is not None
    assert re.search(end, taken.fault), taken.fault
    if taken.fault != CRASH:
        assert transitions(taken) == transitions(told)


def test_a_failed_assert_fails_in_the_engine(tmp_path: Path) -> None:
    for file in PROTOCOL.parent.iterdir():
        text = file.read_text("utf-8")
        sent = "        out_msg.Type := ResponseType:InvAck;\n"
        text = text.replace(sent, f"{sent}        assert(in_msg.Requestor == machineID);\n")
        (tmp_path / file.name).write_text(text, "utf-8")
    protocol = tmp_path / PROTOCOL.name
    model = load_model(protocol, scenario_of(PROTOCOL), nodes=2, lines=1)
    checker, engine = compiled(model), compiled(model, runtime="replay")
    result = run(checker, NO_TRANSFER)
    told, taken = in_both(checker, engine, NO_TRANSFER, [key(step) for step in result.steps])
    assert list(compare(model, told, taken)) == []
    assert transitions(taken) == transitions(result)
    assert taken.fault is not None
    assert re.fullmatch(
        r"L1Cache \d at cycle \d+: MESI_HomeShift-cache.sm:.*: assertion failed", taken.fault
    )


def test_after_the_mend_the_engine_says_which_step_cannot_be_taken() -> None:
    mutant, options, size, _ = FAULTS["a transfer loses an entry"]
    checker, engine, number = made_with(mutant, size)
    steps = [key(step) for step in run(checker, replace(options, mutant=number)).steps]
    told, taken = in_both(checker, engine, options, steps)
    assert list(compare(checker.model, told, taken)) == []
    assert taken.fault is None
    assert len(taken.steps) > 5
    assert taken.not_taken == steps[len(taken.steps)]
    assert "Type Done" in taken.not_taken  # it counts one entry more


def test_an_engine_that_does_something_else_is_told_from_one_that_does_the_same() -> None:
    mutant, options, size, _ = FAULTS["there is a deadlock"]
    checker, engine, number = made_with(mutant, size)
    wrong = replace(options, mutant=number)
    steps = [key(step) for step in run(checker, wrong).steps]
    told = replay(checker, wrong, steps)
    names = engine_steps(told, steps)
    assert list(compare(checker.model, told, replay_in_engine(engine, wrong, names))) == []
    (first, *_) = compare(checker.model, told, replay_in_engine(engine, options, names))
    assert first == f"engine: something else in step {len(steps)}:"
    (first,) = compare(checker.model, told, replay_in_engine(engine, wrong, names[:-1]))
    assert first == f"engine: {len(steps) - 1} steps, not {len(steps)}; ends well"
    well = replay(checker, options, steps[:-1])
    other_end = replace(well, fault="at most one home orders the region")
    (first,) = compare(checker.model, other_end, replay_in_engine(engine, options, names[:-1]))
    assert first == "engine: the same steps, but another end; ends well"


@pytest.mark.parametrize("first", [0, 1])
def test_messages_come_to_the_engine_in_the_order_that_is_told(first: int) -> None:
    """Two cores store: whose request is taken first gets the line, whoever asked first."""
    checker, engine, _ = made_with(MUTANTS[0].name, (2, 1))
    ask = [f"L1Cache {core}: store line 0" for core in (0, 1)]
    asked = replay(checker, NO_TRANSFER, ask)
    sent = (entry.get("sent") for step in asked.steps for entry in step["log"])
    requests = [message_key(message) for message in sent if message]
    taken = replay_in_engine(
        engine, NO_TRANSFER, [*ask, requests[first], requests[1 - first], "no such step"]
    )
    assert taken.not_taken == "no such step"
    served, waits = taken.steps[2:]
    (read,) = (entry["sent"] for entry in served["log"] if "sent" in entry)
    assert read["fields"].startswith("addr 0, Type Read")
    assert f"Requestor L1Cache {first}" in served["step"]["fields"]
    assert not any("sent" in entry for entry in waits["log"])


def test_what_waits_is_looked_at_in_the_order_in_which_it_came() -> None:
    """Three cores store, and the home takes all that they ask before anything else."""
    mutant, _, size, _ = FAULTS["there is a deadlock, in a reduced search of three nodes"]
    checker, engine, _ = made_with(mutant, size)
    options = Options(limits={"transfer": 0}, reduced=False)
    steps = [f"L1Cache {core}: store line 0" for core in (0, 2, 1)]
    for _ in range(40):
        told = replay(checker, options, steps)
        messages = [m for m in told.last["under_way"] if m["place"] != "stalled"]
        if not messages:
            break
        messages.sort(key=lambda m: m["type"] != "RequestMsg")
        steps.append(message_key(messages[0]))
    asked = [s["step"]["fields"] for s in told.steps[3:] if s["step"]["type"] == "RequestMsg"]
    granted = [s["step"]["fields"] for s in told.steps[3:] if s["step"]["type"] == "ReplyMsg"]
    assert (len(asked), len(granted)) == (3, 3)
    assert list(compare(checker.model, told, replay_in_engine(engine, options, steps))) == []


def test_what_the_engine_cannot_do_is_refused() -> None:
    _, engine, _ = made_with(MUTANTS[0].name, (2, 1))
    with pytest.raises(RunError, match="wake-later"):
        replay_in_engine(engine, Options(wake_later=True), [])
    three = compiled(load_model(PROTOCOL, nodes=1, lines=3), runtime="replay")
    with pytest.raises(RunError, match="more than one of its lines"):
        replay_in_engine(three, Options(capacity={"L1Cache.cache": 2}), [])
