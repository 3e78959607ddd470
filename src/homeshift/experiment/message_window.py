# SPDX-License-Identifier: BSD-3-Clause
"""Single messages of a run: those of a span of time, and at most so many, since a run has millions.

    window = MessageWindow(start_ticks=0, end_ticks=20_000_000)
    Experiment(..., messages=window).run().messages

Noting them changes nothing about the run.
"""

from __future__ import annotations

from dataclasses import dataclass

from homeshift.engines.base import Engine
from homeshift.experiment.schedule import Steps, sleep
from homeshift.units import parse_time

MOST = 10_000
"""Messages that a window notes unless told otherwise: about 6 MB of timeline."""
MOST_EVER = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageWindow:
    """Which messages to note: those sent in a span of time.

    Args:
        start_ticks: of the span, from the start of the migration on.
        end_ticks: of the span.
        most: the first so many of them.

    Raises:
        ValueError: no message can be in it.
    """

    start_ticks: int
    end_ticks: int
    most: int = MOST

    def __post_init__(self) -> None:
        if self.end_ticks <= self.start_ticks:
            raise ValueError("ends before it has begun; give a later end, as in 0us,20us")
        if self.most < 1:
            raise ValueError("0 messages at most; give at least 1, or leave the number out")

    def steps(self, engine: Engine, start_tick: int) -> Steps:
        """Note messages while the time has come; a coroutine for `run_together`."""
        yield from sleep(engine, start_tick + self.start_ticks)
        engine.open_message_log(self.most)
        yield from sleep(engine, start_tick + self.end_ticks)
        engine.close_message_log()


def parse_message_window(text: str) -> MessageWindow:
    """Read "START,END" or "START,END,MOST", as in "0us,20us,5000".

    Raises:
        ValueError: it is not that, or an empty window.
    """
    start, _, rest = text.partition(",")
    end, _, most = rest.partition(",")
    if not end or (most and not most.isdecimal()) or text.endswith(","):
        raise ValueError("not START,END or START,END,MOST, as in 0us,20us,5000")
    if most and int(most) > MOST_EVER:
        raise ValueError(f"more than {MOST_EVER:,} messages")
    return MessageWindow(
        start_ticks=parse_time(start),
        end_ticks=parse_time(end),
        most=int(most) if most else MOST,
    )
