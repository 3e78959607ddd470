# SPDX-License-Identifier: BSD-3-Clause
"""docs/strategies.md says what is there, and its example of a new strategy works."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from calls import ROOT
from experiments import KIB, MICROSECOND, machine_of, run

from homeshift.strategies import (
    LENDING,
    STRATEGIES,
    Strategy,
    base,
    parameters,
    strategy_named,
)
from homeshift.strategies.base import Operation
from homeshift.strategies.parameters import parameters_of

TEXT = (ROOT / "docs" / "strategies.md").read_text(encoding="utf-8")


EXAMPLE, DECLARATION, REGIONS_OF = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)


def example() -> type[Strategy]:
    """Return the class that the page shows."""
    assert len([line for line in EXAMPLE.splitlines() if line.strip()]) <= 20
    names: dict[str, type[Strategy]] = {}
    exec(compile(EXAMPLE, "docs/strategies.md", "exec"), names)
    return names["Evacuate"]


@pytest.mark.parametrize("name", ["tiny", "quad"])
def test_the_strategy_of_the_example_moves_a_vm_with_all_its_data(name: str) -> None:
    borrow = {1: 0.25} if name == "tiny" else {1: 0.25, 2: 0.25}
    summary = run(
        machine_of(name), example()(), "zipf:write_ratio=0.5,think=0", borrow=borrow
    ).summary
    borrowed = 16 * sum(borrow.values())
    assert summary["home"]["regions-transferred"] == borrowed
    assert summary["copied-pages"] == 16 - borrowed
    assert summary["strategy"] == "evacuate"


def test_the_parameters_of_the_example_can_be_given() -> None:
    names: dict[str, Any] = {"__name__": __name__}  # where dataclass looks
    exec(compile(DECLARATION, "docs/strategies.md", "exec"), names)
    [given] = re.findall(r"--strategy rounds.py:(.*)", DECLARATION)
    values = {"rounds": 5, "period": 20 * MICROSECOND, "rest": True}
    assert parameters.read_parameters(names["Rounds"], given) == (values, [])
    kinds = {"count", "time", "bandwidth", "share", "switch", "choice"}
    assert set(re.findall(r"= parameters\.(\w+)", DECLARATION)) == kinds


def test_the_homes_of_sampled_pages_can_be_moved_as_shown() -> None:
    lines = ("def moved(vm, target):", *REGIONS_OF.splitlines(), "yield from rest(vm, target)")
    names: dict[str, Any] = {"base": base, "rest": strategy_named("stop-and-copy").migrate}
    exec("\n    ".join(lines), names)

    class Sampled(base.Strategy):
        name = "sampled"

        def migrate(self, vm: base.Vm, target: int) -> Iterator[Operation]:
            yield from names["moved"](vm, target)

    vm: dict[str, Any] = {"memory_bytes": 256 * KIB, "borrow": {1: 0.5}}
    summary = run(machine_of("tiny"), Sampled(), "zipf:think=0", window=MICROSECOND, **vm).summary
    assert 0 < summary["home"]["regions-transferred"] < 64


def test_every_strategy_and_parameter_is_described() -> None:
    for name, strategy in (STRATEGIES | LENDING).items():
        assert f"`{name}`" in TEXT
        for parameter in parameters_of(strategy):
            stem = parameter.replace("cpu-throttle-increment", "-increment")
            assert f"`{stem}" in TEXT, f"{name}: {parameter}"


def test_every_operation_is_described() -> None:
    for operation in Operation.__args__:
        assert f"`{operation.__name__}(" in TEXT
