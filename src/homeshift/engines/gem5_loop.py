# SPDX-License-Identifier: BSD-3-Clause
"""gem5's loop, and why it is left.

    event = simulate(m5.curTick() + 10**6)      # or simulate(): until something happens
    if event.getCause() == JOB_DONE: ...

Runs inside gem5 only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import m5

REACHED = "simulate() limit reached"
JOB_DONE = "a job of a migration engine is done"
WORK_BEGINS = "workbegin"
"""A program has executed gem5's m5_work_begin."""
OF_INTEREST = frozenset(
    {
        *(REACHED, JOB_DONE, WORK_BEGINS),
        *("workend", "the virtual machine is paused", "a page is missing", "a page is quiet"),
    }
)
"""Why gem5 may leave its loop; anything else ends the run."""
_INTERRUPTED = "user interrupt received"
_SLICE_TICKS = 10**7  # Python hears no signal while gem5 is in its loop
FOREVER = 2**63 - 1  # ticks


def simulate(until: int = FOREVER, *, meanwhile: Callable[[], None] = lambda: None) -> Any:
    """Simulate up to a tick, or until gem5 leaves its loop for another reason; return its event.

    Args:
        until: a later tick.
        meanwhile: is called now and then.

    Raises:
        KeyboardInterrupt: this process is told to end.
    """
    while True:
        event = m5.simulate(min(_SLICE_TICKS, until - m5.curTick()))
        meanwhile()
        if event.getCause() == _INTERRUPTED:
            raise KeyboardInterrupt
        if event.getCause() != REACHED or m5.curTick() >= until:
            return event
