# SPDX-License-Identifier: BSD-3-Clause
"""gem5's MI_example, read from the gem5 tree that GEM5_ROOT names: checked, and simulated."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from homeshift.check.build import compiled, load_model, scenario_of
from homeshift.check.replay import compare, engine_steps
from homeshift.check.run import Options, replay, replay_in_engine, run
from homeshift.check.simulate import simulate
from homeshift.check.trace import key

pytestmark = pytest.mark.skipif(not os.environ.get("GEM5_ROOT"), reason="needs GEM5_ROOT")


@pytest.fixture
def mi_example() -> Path:
    return Path(os.environ["GEM5_ROOT"]) / "src/mem/ruby/protocol/MI_example.slicc"


def test_mi_example_holds_on_ordered_networks(mi_example: Path) -> None:
    made = compiled(load_model(mi_example, nodes=2, lines=1))
    result = run(made, Options())
    assert result.holds
    assert result.always_ends


def test_mi_example_does_not_hold_without_order(mi_example: Path, tmp_path: Path) -> None:
    text = scenario_of(mi_example).read_text("utf-8")
    unordered = tmp_path / "unordered.toml"
    unordered.write_text(re.sub(r"(?m)^ordered = .*$", "ordered = []", text), "utf-8")
    model = load_model(mi_example, unordered, nodes=2, lines=1)
    checker = compiled(model)
    result = run(checker, Options())
    assert result.fault is not None
    assert "event 'Inv' has no transition from state 'II'" in result.fault
    steps = [key(step) for step in result.steps]
    told = replay(checker, Options(), steps)
    engine = compiled(model, runtime="replay")
    taken = replay_in_engine(engine, Options(), engine_steps(told, steps))
    assert list(compare(model, told, taken)) == []
    assert taken.fault is not None
    assert "event 'Inv' has no transition from state 'II'" in taken.fault


def test_mi_example_runs_on_the_engine_with_right_values(mi_example: Path) -> None:
    well, text = simulate(
        mi_example,
        scenario_of(mi_example),
        nodes=3,
        accesses=20_000,
        lines=16,
        write_ratio=0.4,
        seed=1,
    )
    assert well, text
    assert re.search(r"^L1Cache \d IS Fwd_GETX [1-9]", text, re.MULTILINE)  # z_stall
