# SPDX-License-Identifier: BSD-3-Clause
"""Strategies by name. To add one: write its file, and put its class into the tuple below."""

from __future__ import annotations

from homeshift.errors import InputError, near
from homeshift.strategies.base import (
    Copy,
    MoveCpuState,
    Operation,
    Pause,
    Resume,
    Strategy,
    Transfer,
    Vm,
)
from homeshift.strategies.ownership import Ownership
from homeshift.strategies.stop_and_copy import StopAndCopy

__all__ = [
    "STRATEGIES",
    "Copy",
    "MoveCpuState",
    "Operation",
    "Pause",
    "Resume",
    "Strategy",
    "Transfer",
    "Vm",
    "strategy_named",
]

STRATEGIES: dict[str, type[Strategy]] = {
    strategy.name: strategy for strategy in (Ownership, StopAndCopy)
}


def strategy_named(name: str) -> Strategy:
    """Return a strategy.

    Raises:
        InputError: there is none of that name.
    """
    if name not in STRATEGIES:
        known = f"known are {', '.join(STRATEGIES)}"
        raise InputError(f"strategy '{name}'", [f"not known{near(name, STRATEGIES)}; {known}"])
    return STRATEGIES[name]()
