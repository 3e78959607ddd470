# SPDX-License-Identifier: BSD-3-Clause
"""Which page post-copy brings next: one in order, but first what lies around pages asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence


class PageQueue:
    """Pages in the order in which they are to be pushed."""

    def __init__(self, pages: Sequence[int]) -> None:
        self._in_order = iter(pages)
        self._left = set(pages)
        self._first: deque[int] = deque()

    def __bool__(self) -> bool:
        return bool(self._left)

    def take(self, page: int) -> bool:
        """Take a page out; return whether it was there."""
        if page not in self._left:
            return False
        self._left.remove(page)
        return True

    def put_first(self, pages: Sequence[int]) -> None:
        """Let these come next, if they are still there."""
        self._first.extendleft(reversed(pages))

    def next(self) -> int:
        """Take the next page out."""
        while self._first:
            page = self._first.popleft()
            if self.take(page):
                return page
        return next(page for page in self._in_order if self.take(page))


def pages_around(page: int, number: int) -> list[int]:
    """Return the pages around one, the nearest first."""
    return [page + (step // 2 + 1) * (1 - step % 2 * 2) for step in range(number)]
