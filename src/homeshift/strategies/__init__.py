# SPDX-License-Identifier: BSD-3-Clause
"""Strategies by name. To add one: write its file, and put its class into the tuple below."""

from __future__ import annotations

from homeshift.errors import InputError, near
from homeshift.strategies.base import (
    Copy,
    Fetch,
    Lend,
    MoveCpuState,
    MoveStage2Table,
    Operation,
    Pause,
    Pull,
    Resume,
    Return,
    Strategy,
    Throttle,
    Transfer,
    Vm,
    Watch,
)
from homeshift.strategies.hybrid import Hybrid
from homeshift.strategies.ignore_shared import IgnoreShared
from homeshift.strategies.lending import Borrow, GiveBack
from homeshift.strategies.ownership import Ownership
from homeshift.strategies.ownership_copy import OwnershipCopy
from homeshift.strategies.ownership_pull import OwnershipPull
from homeshift.strategies.parameters import read_parameters
from homeshift.strategies.post_copy import PostCopy
from homeshift.strategies.pre_copy import PreCopy
from homeshift.strategies.stop_and_copy import StopAndCopy

__all__ = [
    "LENDING",
    "STRATEGIES",
    "Copy",
    "Fetch",
    "Lend",
    "MoveCpuState",
    "MoveStage2Table",
    "Operation",
    "Pause",
    "Pull",
    "Resume",
    "Return",
    "Strategy",
    "Throttle",
    "Transfer",
    "Vm",
    "Watch",
    "strategy_named",
]

STRATEGIES: dict[str, type[Strategy]] = {
    strategy.name: strategy
    for strategy in (
        StopAndCopy,
        PreCopy,
        PostCopy,
        Hybrid,
        IgnoreShared,
        Ownership,
        OwnershipCopy,
        OwnershipPull,
    )
}
"""The ways to move a VM."""

LENDING: dict[str, type[Strategy]] = {strategy.name: strategy for strategy in (Borrow, GiveBack)}
"""The ways to move memory under a VM that stays where it is."""


def strategy_named(text: str) -> Strategy:
    """Return the strategy that a text describes: NAME or NAME:KEY=VALUE,KEY=VALUE...

    Raises:
        InputError: there is none of that name, or its parameters have faults; all are listed.
    """
    name, _, rest = text.partition(":")
    strategies = STRATEGIES | LENDING
    if name not in strategies:
        known = f"known are {', '.join(strategies)}"
        raise InputError(f"strategy '{name}'", [f"not known{near(name, strategies)}; {known}"])
    values, faults = read_parameters(strategies[name], rest)
    if faults:
        raise InputError(f"strategy '{text}'", faults)
    return strategies[name](**values)
