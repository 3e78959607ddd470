# SPDX-License-Identifier: BSD-3-Clause
"""Cores that run ahead through their hits change nothing: it is the same run to the tick."""

from __future__ import annotations

import random

import pytest
from random_runs import ACTS, Act, machine


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_running_ahead_changes_nothing(act: Act, seed: int) -> None:
    seen = []
    for run_ahead in (False, True):
        chance = random.Random(seed)
        jitter = chance.choice([0, 0, 7])
        seen.append(act(chance, machine(chance, jitter=jitter, run_ahead=run_ahead)))
    assert seen[0] == seen[1]
