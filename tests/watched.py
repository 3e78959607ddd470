# SPDX-License-Identifier: BSD-3-Clause
"""A small machine whose transitions are watched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from machines import LINE, Taken, settle, small, taken, wait_for

from homeshift._engine import AccessFaultError, System


class Watched:
    """A system, and the transitions taken in a `with` block, once all has settled."""

    def __init__(self, **changes: Any) -> None:
        self.system = System(small(**changes))
        self.taken: Taken = Taken()

    def load(self, core: int, address: int) -> None:
        self.system.probe(core, address, False)

    def store(self, core: int, address: int) -> None:
        self.system.probe(core, address, True)

    def refuses(self, core: int, address: int, *, write: bool) -> bool:
        """Return whether an access is refused."""
        try:
            self.system.probe(core, address, write)
        except AccessFaultError:
            return True
        return False

    def copy(self, source: int, target: int, lines: int = 1, node: int = 0) -> None:
        wait_for(self.system, self.system.copy(node, [source], [target], lines * LINE))

    def transfer(self, region: int, to: int, node: int = 0, fenced: int | None = None) -> None:
        wait_for(self.system, self.system.transfer(node, [region], to, fenced=fenced))

    def fence(self, region: int, fenced: int, node: int = 0) -> None:
        wait_for(self.system, self.system.fence(node, [region], fenced))

    @contextmanager
    def watch(self) -> Iterator[None]:
        settle(self.system)
        self.system.reset_statistics()
        yield
        settle(self.system)
        self.taken = taken(self.system)

    def of(self, machine: str) -> dict[str, int]:
        """Return the transitions of one machine, without its name."""
        return {
            name.removeprefix(machine + "."): count
            for name, count in self.taken.items()
            if name.startswith(machine + ".")
        }
