# SPDX-License-Identifier: BSD-3-Clause
"""Tables in Markdown, the same from whoever writes one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = True
) -> str:
    """Return a table, without a newline at its end.

    Args:
        header: one text a column.
        rows: of as many texts; a | in one must be escaped.
        numbers: all columns but the first are numbers, and stand to the right.
    """
    rule = ["---", *["---:" if numbers else "---"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, rule, *rows))
