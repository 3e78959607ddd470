# SPDX-License-Identifier: BSD-3-Clause
"""Strategies by name. To add one: write its file, and put its class into the tuple below.

One that is not added is named by its file, "mine.py".
"""

from __future__ import annotations

from homeshift.errors import InputError, near
from homeshift.named_values import partition_file
from homeshift.strategies.base import (
    Cancel,
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
from homeshift.strategies.from_file import strategy_in
from homeshift.strategies.hybrid import Hybrid
from homeshift.strategies.ignore_shared import IgnoreShared
from homeshift.strategies.lending import Borrow, GiveBack
from homeshift.strategies.ownership import Ownership
from homeshift.strategies.ownership_copy import OwnershipCopy
from homeshift.strategies.ownership_pull import OwnershipPull
from homeshift.strategies.parameters import faults_of_values, read_parameters
from homeshift.strategies.post_copy import PostCopy
from homeshift.strategies.pre_copy import PreCopy
from homeshift.strategies.recording import faults_of_attributes
from homeshift.strategies.static_homes import StaticHomes
from homeshift.strategies.static_homes_pull import StaticHomesPull
from homeshift.strategies.stop_and_copy import StopAndCopy

__all__ = [
    "LENDING",
    "STRATEGIES",
    "Cancel",
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
    "faults_of",
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
        StaticHomes,
        StaticHomesPull,
        Ownership,
        OwnershipCopy,
        OwnershipPull,
    )
}
"""The ways to move a VM."""

LENDING: dict[str, type[Strategy]] = {strategy.name: strategy for strategy in (Borrow, GiveBack)}
"""The ways to move memory under a VM that stays where it is."""


def faults_of(strategy: Strategy) -> list[str]:
    """Return what is wrong with a strategy object that somebody has made."""
    return [
        *_faults_of_name(type(strategy)),
        *faults_of_values(strategy),
        *faults_of_attributes(strategy),
    ]


def _faults_of_name(strategy: type[Strategy]) -> list[str]:
    """Return what is wrong with the name that a class of one's own has."""
    name = getattr(strategy, "name", None)
    if not isinstance(name, str) or not name:
        return [f"the class {strategy.__name__} needs a text `name`, to be known by"]
    if (STRATEGIES | LENDING).get(name, strategy) is not strategy:
        return [f"the class {strategy.__name__} has the name of another strategy, '{name}'"]
    return []


def strategy_named(text: str) -> Strategy:
    """Return the strategy that a text describes: NAME or NAME:KEY=VALUE,KEY=VALUE...

    A name that ends in ".py" is a file that defines the strategy.

    Raises:
        InputError: there is none of that name, or its parameters have faults; all are listed.
    """
    name, _, rest = partition_file(text)
    strategies = STRATEGIES | LENDING
    if name.endswith(".py"):
        strategy = strategy_in(name)
        faults = _faults_of_name(strategy)
    elif name in strategies:
        strategy, faults = strategies[name], []
    else:
        known = f"known are {', '.join(strategies)}; a file of your own ends in .py"
        raise InputError(f"strategy '{name}'", [f"not known{near(name, strategies)}; {known}"])
    values, wrong = read_parameters(strategy, rest)
    if faults + wrong:
        raise InputError(f"strategy '{text}'", faults + wrong)
    try:
        made = strategy(**values)
    except TypeError as error:  # of an own __init__
        raise InputError(f"strategy '{text}'", [f"cannot be made: {error}"]) from error
    if faults := faults_of(made):
        raise InputError(f"strategy '{text}'", faults)
    return made
