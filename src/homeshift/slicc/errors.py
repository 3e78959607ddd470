# SPDX-License-Identifier: BSD-3-Clause
"""Diagnostics that point at the source, all of a protocol at once.

MESI_HomeShift-home.sm:212:17: error: event 'Ack_All' is not declared (did you mean 'Ack_Last'?)
    transition(OT_A, Ack_All, M) {
                     ^^^^^^^
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from homeshift.errors import HomeshiftError
from homeshift.slicc.ast import Position

Severity = Literal["error", "warning"]
_INDENT = "    "


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One fault. Of a warning the checker is sure as well, but code can be made in spite of it."""

    severity: Severity
    position: Position
    message: str

    def render(self, sources: Mapping[str, str]) -> str:
        """Return the message, the source line and a caret under the fault.

        Args:
            sources: the text of each file, by the name used in positions.
        """
        at = self.position
        head = f"{at}: {self.severity}: {self.message}"
        lines = sources.get(at.file, "").splitlines()
        if not 1 <= at.line <= len(lines):
            return head
        line = lines[at.line - 1]
        end = at.end_column if at.end_line == at.line else len(line) + 1
        # Tabs stay tabs in the caret's line, so that it lines up however wide they are shown.
        lead = "".join("\t" if c == "\t" else " " for c in line[: at.column - 1])
        return f"{head}\n{_INDENT}{line}\n{_INDENT}{lead}{'^' * max(1, end - at.column)}"


@dataclass(slots=True)
class Diagnostics:
    """Collects the faults of a protocol while it is read."""

    sources: dict[str, str] = field(default_factory=dict)
    found: list[Diagnostic] = field(default_factory=list)

    def error(self, position: Position, message: str) -> None:
        """Note a fault that prevents code from being made."""
        self._add(Diagnostic("error", position, message))

    def warning(self, position: Position, message: str) -> None:
        """Note a fault in spite of which code can be made."""
        self._add(Diagnostic("warning", position, message))

    def _add(self, diagnostic: Diagnostic) -> None:
        if diagnostic not in self.found:
            self.found.append(diagnostic)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The errors, in the order found."""
        return tuple(d for d in self.found if d.severity == "error")

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The warnings, in the order found."""
        return tuple(d for d in self.found if d.severity == "warning")


class SliccError(HomeshiftError):
    """A protocol that cannot be compiled; `str()` shows every diagnostic with its source line."""

    exit_status = 2

    def __init__(self, diagnostics: Sequence[Diagnostic], sources: Mapping[str, str]) -> None:
        self.diagnostics = tuple(diagnostics)
        self.sources = dict(sources)
        super().__init__("\n".join(d.render(self.sources) for d in self.diagnostics))
