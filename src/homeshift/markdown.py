# SPDX-License-Identifier: BSD-3-Clause
"""Tables in Markdown, the same from whoever writes one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, texts: int = 1) -> str:
    """Return a table, without a newline at its end.

    Args:
        header: one text a column.
        rows: of as many texts; a | in one must be escaped.
        texts: so many columns from the left are texts; the others, numbers, stand to the right.
    """
    rule = ["---"] * texts + ["---:"] * (len(header) - texts)
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, rule, *rows))
