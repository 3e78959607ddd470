# SPDX-License-Identifier: BSD-3-Clause
"""Parameters of strategies change what is asked for, as they say: without an engine."""

from __future__ import annotations

from collections.abc import Sequence

from experiments import MICROSECOND

from homeshift.strategies import Copy, Fetch, Operation, Pull, Throttle, Watch, strategy_named


class Noted:
    """A VM of 100 pages on node 0, of which a strategy hears what was noted down here."""

    node = 0
    pages = range(100)
    regions = range(100)
    copy_bandwidth = 1.0  # nothing ever fits into the downtime

    def __init__(self, *, dirty: Sequence[int] = (), samples: Sequence[int] = ()) -> None:
        """Write so many pages, from 0 on, by round; or touch these pages in every period."""
        self.dirty = iter(dirty)
        self.samples = [(page, 1) for page in samples]

    def take_dirty_log(self) -> list[int]:
        return list(range(next(self.dirty, 0)))

    def sample(self, every: int) -> None:
        """Need not do anything."""

    def take_samples(self) -> list[tuple[int, int]]:
        return self.samples

    def remote_share(self) -> float:
        return 1.0

    def pages_off(self, node: int, among: Sequence[int]) -> Sequence[int]:
        return [page for page in among if node]


def asked(strategy: str, vm: Noted) -> list[Operation]:
    return list(strategy_named(strategy).migrate(vm, 1))  # type: ignore[arg-type]


def test_auto_converge_throttles_at_every_second_round_that_wrote_too_much() -> None:
    options = "auto-converge=on,max-cpu-throttle=45,cpu-throttle-slice=7us,max-rounds=11"
    # The first call starts the log. The 4th round writes less than half of what the 3rd copied.
    vm = Noted(dirty=[0, 60, 36, 10, 9, 9, 9, 9, 9, 9, 9, 9, 9])
    operations = asked(f"pre-copy:{options}", vm)
    rounds, told = 0, []
    for operation in operations:
        rounds += isinstance(operation, Copy)
        if isinstance(operation, Throttle):
            told.append((rounds, operation.percentage, operation.slice_ticks))
    slice_ticks = 7 * MICROSECOND
    assert told == [(2, 20, slice_ticks), (5, 30, slice_ticks), (7, 40, slice_ticks)] + [
        (rounds, 45, slice_ticks) for rounds in (9, 11)
    ]


def test_a_hybrid_copies_in_so_many_rounds_and_fetches_as_it_is_told() -> None:
    vm = Noted(dirty=[0, 60, 30, 20])
    operations = asked(
        "hybrid:precopy-rounds=3,prepaging=5,max-bandwidth=1GB/s,max-postcopy-bandwidth=2GB/s", vm
    )
    copies = [operation for operation in operations if isinstance(operation, Copy)]
    assert [(len(copy.pages), copy.max_bandwidth) for copy in copies] == [
        (100, 1e9),
        (60, 1e9),
        (30, 1e9),
    ]
    assert Fetch(list(range(20)), to=1, prepaging=5, max_bandwidth=2e9) in operations


def test_the_hottest_pages_are_pulled_first_so_many_at_a_time_and_for_so_long() -> None:
    vm = Noted(samples=[5, 9, 7, 9, 7, 9])
    operations = asked("ownership+pull:pages-per-period=2,max-periods=3,period=7us", vm)
    pulls = [operation for operation in operations if isinstance(operation, Pull)]
    assert pulls == [Pull([9, 7], to=1)] * 3
    assert operations.count(Watch(7 * MICROSECOND)) == 3
