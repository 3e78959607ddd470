# SPDX-License-Identifier: BSD-3-Clause
"""How VMs get on from the start of the migration, for `progress` of migration.json."""

from __future__ import annotations

from collections.abc import Callable

from homeshift.engines.base import Engine
from homeshift.experiment.schedule import Steps, sleep
from homeshift.experiment.summary import Span

POINTS = 64  # that are kept, at most twice as many


class Progress:
    """Looks at the machine from time to time; less often, the longer it takes."""

    def __init__(self, engine: Engine, look: Callable[[], Span], *, ticks: int) -> None:
        """Look `POINTS` times in so many ticks."""
        self._engine = engine
        self._look = look
        self._every = max(1, ticks // POINTS)
        self.points: list[Span] = []

    def steps(self) -> Steps:
        """Look, for ever."""
        while True:
            if self.points:  # perhaps by an earlier call
                yield from sleep(self._engine, self.points[-1].tick + self._every)
            self.points.append(self._look())
            if len(self.points) > 2 * POINTS:
                del self.points[1::2]
                self._every *= 2

    def end(self, last: Span) -> None:
        """Note what is seen at the end, unless it has been."""
        if self.points[-1].tick < last.tick:
            self.points.append(last)
