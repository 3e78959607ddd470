# SPDX-License-Identifier: BSD-3-Clause
"""Any number of things that go on at the same simulated time.

    run_together(engine, [first(), second()], background=[third()])

Each is a coroutine: it begins something on the engine, then yields until that is done. What it
yields is the tick until which it only waits for time to pass, or None; it is resumed at that tick,
and whenever something has ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from homeshift.engines.base import Engine

Steps = Iterator[int | None]


def sleep(engine: Engine, until: int) -> Steps:
    """Let time pass."""
    while engine.now < until:
        yield until


def run_together(
    engine: Engine,
    coroutines: Sequence[Steps],
    *,
    background: Sequence[Steps],
    until: int | None = None,
) -> bool:
    """Run coroutines until all have ended, and those in the background as long.

    Return whether they have: those that have not by the tick `until` are left as they are.
    """
    running = dict(enumerate([*coroutines, *background]))
    waiting: dict[int, int | None] = {}
    while True:
        for number, steps in list(running.items()):
            try:
                waiting[number] = next(steps)
            except StopIteration:
                del running[number]
                waiting.pop(number, None)
        if not any(number < len(coroutines) for number in running):
            return True
        if until is not None and engine.now >= until:
            return False
        ticks = [tick for tick in (*waiting.values(), until) if tick is not None]
        engine.wait(min(ticks, default=None))
