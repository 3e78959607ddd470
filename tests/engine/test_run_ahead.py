# SPDX-License-Identifier: BSD-3-Clause
"""Cores that run ahead through their hits change nothing: it is the same run to the tick."""

from __future__ import annotations

import random

import pytest
from machines import PAGE, small, stream
from random_runs import ACTS, Act, everything, machine

from homeshift._engine import System


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_running_ahead_changes_nothing(act: Act, seed: int) -> None:
    seen = []
    for run_ahead in (False, True):
        chance = random.Random(seed)
        jitter = chance.choice([0, 0, 7])
        seen.append(act(chance, machine(chance, jitter=jitter, run_ahead=run_ahead)))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("cores", [[0, 1], [0, 2]], ids=["in-one-node", "in-two-nodes"])
@pytest.mark.parametrize("writer", [0, 1])
@pytest.mark.parametrize("topology", ["crossbar", "ring"])
def test_a_core_that_always_hits_is_not_ahead_of_one_that_takes_its_lines(
    topology: str, writer: int, cores: list[int]
) -> None:
    """One core reads a page that its cache holds, the other stores to a line of it now and then."""
    seen = []
    for run_ahead in (False, True):
        ways = {"router_latency": 4, "local_latency": 6, "home_latency": 1}
        spec = small(topology=topology, cache_bytes=PAGE, run_ahead=run_ahead, **ways)
        system = System(spec)
        kinds = [{"write_ratio": 0.0, "think": 0}, {"write_ratio": 1.0, "think": 200}]
        vcpus = kinds if writer == 1 else kinds[::-1]
        system.add_vm([0], [stream(vcpu=i, vcpus=2, **vcpu) for i, vcpu in enumerate(vcpus)])
        system.start_vm(0, cores)
        system.run(50_000)
        seen.append(everything(system))
    assert seen[0] == seen[1]
