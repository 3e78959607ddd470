# SPDX-License-Identifier: BSD-3-Clause
"""Pulling: after a migration that leaves the data where it was, the hot pages come to the target.

Accesses that need another node are sampled, from the start of the migration on, and the pages that
they name are pulled under the running VM, until few accesses need another node. Cold pages never
move.

Two policies say which pages are hot. `sampled` takes those with the most samples of a period.
`majority` is that of PIPM (page migration between hosts that share CXL memory), after Boyer and
Moore's majority vote: each page has a candidate node and a count; a sample of the candidate adds
one, a sample of another node takes one away, and at 0 the other becomes the candidate. A page is
pulled when the target is its candidate by enough votes, so what both ends use stays. With the
policy `all` every page comes, hot or not: a post-copy that reads each page where it lies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from homeshift.strategies.base import Operation, Pull, Return, Strategy, Vm, Watch
from homeshift.strategies.parameters import choice, count, share, time

Sample = tuple[int, int]
"""(page, node that accessed it)"""


class Votes:
    """Boyer and Moore's vote on each page."""

    def __init__(self) -> None:
        self._candidates: dict[int, tuple[int, int]] = {}

    def add(self, samples: Sequence[Sample]) -> None:
        """Count samples in their order."""
        for page, node in samples:
            candidate, votes = self._candidates.get(page, (node, 0))
            if candidate == node:
                self._candidates[page] = (node, votes + 1)
            else:
                self._candidates[page] = (candidate, votes - 1) if votes > 1 else (node, 1 - votes)

    def won_by(self, node: int, *, votes: int) -> list[int]:
        """Return the pages of a node with so many votes, those with the most first."""
        won = [
            (-count, page)
            for page, (candidate, count) in self._candidates.items()
            if candidate == node and count >= votes
        ]
        return [page for _, page in sorted(won)]


@dataclass(frozen=True, kw_only=True)
class Pulling(Strategy):
    """Migrate as another strategy does, then pull hot pages until remote accesses are rare."""

    first: ClassVar[type[Strategy]]

    remote_share: float = share(0.01, "of accesses that may need another node in the end")
    policy: str = choice("sampled", ("sampled", "majority", "all"), "which pages move")
    sample_every: int = count(8, "accesses to other nodes for one that is noted", least=1)
    votes: int = count(2, "samples ahead of other nodes' that make a page hot (majority)", least=1)
    period: int = time("50us", "between two looks at the samples")
    pages_per_period: int = count(256, "pulled at most", least=1)
    max_periods: int = count(200, "after which the rest stays where it is", least=1)

    def migrate(self, vm: Vm, target: int) -> Iterator[Operation]:
        """Yield the operations that bring `vm` to the node `target`."""
        if self.policy != "all":
            vm.sample(self.sample_every)
        yield from self.first().migrate(vm, target)
        if self.policy == "all":
            yield Pull(vm.pages_off(target), to=target)
        else:
            yield from self.pull_hot(vm, target)
        yield Return(vm)

    def pull_hot(self, vm: Vm, target: int) -> Iterator[Operation]:
        """Pull what is hot, until remote accesses are rare."""
        vm.remote_share()  # counts from here on
        votes = Votes()
        for _ in range(self.max_periods):
            yield Watch(self.period)
            if vm.remote_share() <= self.remote_share:
                break
            votes.add(samples := vm.take_samples())
            if self.policy == "majority":
                hot = votes.won_by(target, votes=self.votes)
            else:
                hot = [page for page, _ in Counter(page for page, _ in samples).most_common()]
            away = vm.pages_off(target, among=hot)
            yield Pull(away[: self.pages_per_period], to=target)
        vm.sample(0)
