# SPDX-License-Identifier: BSD-3-Clause
"""Devices alone, on an ordered network and with messages that block: a small protocol of our own.

MESI_HomeShift has none of these; gem5's protocols do.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from homeshift.check.build import Checker, compiled, load_model
from homeshift.check.run import Options, run
from homeshift.slicc.mutants import Mutant, mutants_of

FOLDER = Path(__file__).parent


@pytest.fixture(scope="module")
def devices() -> tuple[Checker, dict[str, Mutant]]:
    model = load_model(FOLDER / "Device.slicc", FOLDER / "Device.toml", nodes=2, lines=1)
    mutants = mutants_of(model.protocol)
    return compiled(model, mutants), {mutant.name: mutant for mutant in mutants}


def test_two_devices_hold_on_an_ordered_network(
    devices: tuple[Checker, dict[str, Mutant]],
) -> None:
    checker, _ = devices
    result = run(checker, Options())
    assert result.holds, result.fault or result.uncovered
    assert result.always_ends
    assert result.taken["Directory", "READ", "Other"] == 2
    # As they were when the checker was tested with mutants of itself: with states that are missed
    # or taken for others, or orders that there are not, it still "holds".
    assert (result.states, result.transitions, result.depth) == (52, 106, 12)


WRONG = {
    "Directory: READ, MemData: without keepRead": "a DMA reads a value of line 0 that was old",
    "Directory: COMES, Data: without keepData": "a DMA's write ends before memory has the value",
    "Directory: READ, Other: without z_stall": "tries a message again and again",
    "DMA: READY, Store: without askWrite": "event 'Data' has no transition from state 'IDLE'",
}


@pytest.mark.parametrize("name", WRONG)
def test_what_a_home_of_devices_does_wrong_is_told(
    devices: tuple[Checker, dict[str, Mutant]], name: str
) -> None:
    checker, mutants = devices
    fault = run(checker, Options(mutant=mutants[name].number)).fault
    assert fault is not None
    assert WRONG[name] in fault


def test_a_cover_counts_where_it_can_be_reached(
    devices: tuple[Checker, dict[str, Mutant]],
) -> None:
    checker, _ = devices
    result = run(checker, Options(reduced=True))
    assert result.holds
    assert "the search is not reduced" not in result.covered


def test_the_first_state_is_looked_at_too(devices: tuple[Checker, dict[str, Mutant]]) -> None:
    checker, _ = devices
    result = run(checker, Options(limits={"dma_read": 99}))
    assert (result.fault, result.states, result.steps) == ("there is a state", 1, ())
