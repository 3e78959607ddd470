# SPDX-License-Identifier: BSD-3-Clause
"""A reduced search tries fewer orders, and sees what the full one sees.

docs/checker.md says why; here the two are held against each other on machines that both finish, and
what the argument takes from the protocol is looked up in its transitions.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from homeshift.check.build import Checker, compiled, default_protocol, load_model, scenario_of
from homeshift.check.run import Options, replay, run
from homeshift.check.trace import key
from homeshift.slicc import load

PROTOCOL = default_protocol()

MACHINES = {
    "nobody moves the region": (2, 1, {"transfer": 0}),
    "three nodes, nobody moves the region": (3, 1, {"transfer": 0}),
    "anyone moves the region": (2, 1, {"transfer": 1}),
    "two transfers, nothing is evicted": (2, 1, {"transfer": 2, "evict": 0}),
    "a DMA copies": (2, 1, {"transfer": 0, "copy": 1}),
    "transfers are cancelled, cores only read": (
        2,
        1,
        {"transfer": 0, "hand_over": 1, "cancel": 1, "store": 0, "evict": 0},
    ),
    "rights are lost": (2, 1, {"transfer": 0, "hand_over": 1, "fence": 1}),
    "two lines, cores only write": (2, 2, {"hand_over": 0, "load": 0, "evict": 255}),
}


def made(nodes: int, lines: int, scenario: Path | None = None) -> Checker:
    return compiled(load_model(PROTOCOL, scenario, nodes=nodes, lines=lines))


@pytest.mark.parametrize("name", MACHINES)
def test_a_reduced_search_sees_the_same_quiet_states(name: str) -> None:
    nodes, lines, limits = MACHINES[name]
    checker = made(nodes, lines)
    full = run(checker, Options(limits=limits, waiting=False, reduced=False))
    reduced = run(checker, Options(limits=limits, reduced=True))
    assert full.complete
    assert reduced.complete
    assert (full.fault, reduced.fault) == (None, None)
    assert (reduced.quiet, reduced.quiet_print) == (full.quiet, full.quiet_print)
    assert full.quiet_print != 0
    assert reduced.always_ends == full.always_ends
    assert reduced.states * 2 < full.states


def test_taking_at_once_what_has_to_wait_is_a_fault(tmp_path: Path) -> None:
    """Requests are taken at once, too."""
    text = scenario_of(PROTOCOL).read_text("utf-8")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text + '\n[[at_once]]\nmessage = "RequestMsg"\n', "utf-8")
    checker = made(2, 1, wrong)
    result = run(checker, Options(limits={"transfer": 1}, reduced=True))
    assert result.fault == "a message that is to be taken at once has to wait"


# A line's transaction at a home ends with answers alone; all else that concerns the line waits.
ANSWERS = re.compile(r"Unblock|Wb\w+|InvAck\w*|MemData|MemAck")
WAITS = {"z_hold", "zt_walkWaits"}


def test_a_home_holds_all_but_answers_while_a_line_has_a_transaction() -> None:
    home = load(PROTOCOL).machines["Directory"]
    busy = {name for name, state in home.states.items() if state.permission == "Busy"}
    assert len(busy) == 20
    for transition in home.transitions:
        if transition.state in busy and not ANSWERS.fullmatch(transition.event):
            assert set(transition.actions) <= WAITS, transition
        if transition.state not in busy:
            assert not ANSWERS.fullmatch(transition.event), transition


def test_a_cache_counts_acks_in_any_order_and_expects_nothing_else_of_a_line_it_put_back() -> None:
    cache = load(PROTOCOL).machines["L1Cache"]
    by_event: dict[str, set[str]] = {}
    for transition in cache.transitions:
        by_event.setdefault(transition.event, set()).add(transition.state)
    assert by_event["InvAck"] == {"IM_AD", "SM_AD", "IM_A", "SM_A"}
    assert by_event["PutAck"] == {"SI_A", "EI_A", "MI_A", "II_A"}
    for transition in cache.transitions:
        if transition.state == "I":  # a forward that came after the PutAck would be a fault
            assert transition.event in {"Load", "Store"}


def test_memory_has_one_operation_of_a_line_at_a_time() -> None:
    memory = load(PROTOCOL).machines["Memory"]
    assert {(t.state, t.event, t.next_state) for t in memory.transitions} == {
        ("READY", "Read", "READ"),
        ("READY", "Write", "WRITE"),
        ("READ", "MemoryData", "READY"),
        ("WRITE", "MemoryAck", "READY"),
    }


def test_a_fault_that_a_reduced_search_finds_is_told_and_can_be_taken_again(tmp_path: Path) -> None:
    for file in PROTOCOL.parent.iterdir():
        text = file.read_text("utf-8")
        (tmp_path / file.name).write_text(
            text.replace("    directory.setHome(address, false);\n", ""), "utf-8"
        )
    checker = compiled(
        load_model(tmp_path / PROTOCOL.name, scenario_of(PROTOCOL), nodes=2, lines=1)
    )
    options = Options(reduced=True)
    result = run(checker, options)
    assert result.fault == "at most one home orders the region"
    again = replay(checker, options, [key(step) for step in result.steps])
    assert again.fault == result.fault
