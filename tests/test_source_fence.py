# SPDX-License-Identifier: BSD-3-Clause
"""`migrate.py --fence`: when a VM has moved, its source has no right to its memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from experiments import KIB, machine_of, run

from homeshift.engines.embedded import EmbeddedEngine
from homeshift.errors import InputError
from homeshift.strategies import STRATEGIES

VM: dict[str, Any] = {"memory_bytes": 48 * KIB, "borrow": {2: 0.25, 3: 0.25}}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_vm_runs_on_at_the_target_without_a_fault(strategy: str) -> None:
    summary = run(machine_of("quad"), strategy, fence=True, **VM).summary
    assert summary["phases"][-1]["name"] == "fence"
    assert summary["home"]["access-faults"] == 0
    rates = summary["vm"]["accesses-per-microsecond"]
    assert rates["after"] > 0.3 * rates["before"]


def test_an_access_of_the_source_is_refused_and_one_of_another_node_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engines = []
    make = EmbeddedEngine.__init__

    def made(engine: EmbeddedEngine, setup: object) -> None:
        make(engine, setup)  # type: ignore[arg-type]
        engines.append(engine)

    monkeypatch.setattr(EmbeddedEngine, "__init__", made)
    machine = machine_of("quad")
    for fence in (False, True):
        run(machine, "ownership", fence=fence, **VM)
        system = engines[-1].system
        outcomes = []
        for node in (0, 2):
            try:
                system.probe(node * machine.cores.per_node + 3, 0, False)
                outcomes.append("data")
            except RuntimeError as error:
                outcomes.append(str(error).split(":")[0])
        assert outcomes == ["access fault" if fence else "data", "data"]


def test_a_fence_is_refused_where_it_would_hit_others() -> None:
    with pytest.raises(InputError, match="is for one VM that moves once"):
        run(machine_of("quad"), "ownership", fence=True, targets=(1, 2), **VM)


def test_the_node_where_the_vm_is_takes_the_right_from_its_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []
    fence = EmbeddedEngine.fence

    def note(
        engine: EmbeddedEngine, regions: Sequence[int], fenced: int, *, node: int, owner: int
    ) -> int:
        asked.append((len(regions), fenced, node))
        return fence(engine, regions, fenced, node=node, owner=owner)

    monkeypatch.setattr(EmbeddedEngine, "fence", note)
    run(machine_of("quad"), "ownership", fence=True, **VM)
    assert asked == [(12, 0, 1)]
