# SPDX-License-Identifier: BSD-3-Clause
"""An access to a line that is under way joins it, and one answer is that of all.

But a store, and what is behind it, waits for an answer of its own if a load was answered.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from machines import LINE, MEMORY, small, stop, stream, taken, wait_for

from homeshift._engine import System
from homeshift.workload import TRACE_DTYPE

VM = 0
BEGIN = 60_000  # cycles before the first access, and before the trace begins again
OVER = BEGIN + 1000

LOAD, STORE = 0, 1
Access = tuple[int, int, int]  # address, cycles after the one before (of the first: 1), what


class Replay:
    """A vCPU on node 0 with one page, and the accesses that it makes from `BEGIN` on."""

    def __init__(
        self, folder: Path, *accesses: Access, frame: int = 0, **changes: int | bool
    ) -> None:
        rows = [(address, after, 8, write) for address, after, write in accesses]
        rows[0] = (rows[0][0], BEGIN + 1, *rows[0][2:])
        path = folder / "trace.npy"
        np.save(path, np.array(rows, dtype=np.dtype(TRACE_DTYPE)))
        self.system = System(small(**changes))
        trace = {"kind": "trace", "trace_path": str(path), "cycles_per_instruction": 1.0}
        self.system.add_vm([frame], [stream(**trace)])
        self.system.start_vm(VM, [0])

    def count(self, name: str) -> int:
        return self.system.vcpu_counts(VM)[0][name]

    def asked(self) -> dict[str, int]:
        """How often the cache was asked for what."""
        return {
            event: sum(n for name, n in taken(self.system).items() if name.endswith(f".{event}"))
            for event in ("Load", "Store")
        }


@pytest.fixture
def miss(tmp_path: Path) -> int:
    """Cycles that a load takes which misses, with home and memory in its node."""
    replay = Replay(tmp_path, (0, 1, LOAD))
    replay.system.run(OVER)
    return replay.count("latency_cycles")


@pytest.mark.parametrize("run_ahead", [False, True])
def test_loads_of_a_line_that_is_under_way_are_answered_with_it(
    tmp_path: Path, miss: int, run_ahead: bool
) -> None:
    replay = Replay(tmp_path, (0, 1, LOAD), (8, 1, LOAD), (16, 2, LOAD), run_ahead=run_ahead)
    replay.system.run(OVER)
    assert replay.count("loads") == 3
    assert replay.count("latency_cycles") == miss + (miss - 1) + (miss - 3)
    assert replay.asked() == {"Load": 1, "Store": 0}


@pytest.mark.parametrize("run_ahead", [False, True])
def test_stores_and_loads_join_a_store(tmp_path: Path, miss: int, run_ahead: bool) -> None:
    behind = [(0, 1, kind) for kind in (STORE, LOAD, STORE)]
    replay = Replay(tmp_path, (0, 1, STORE), *behind, run_ahead=run_ahead)
    replay.system.run(OVER)
    assert (replay.count("loads"), replay.count("stores")) == (1, 3)
    assert replay.count("latency_cycles") == sum(miss - after for after in range(4))
    assert replay.asked() == {"Load": 0, "Store": 1}


@pytest.mark.parametrize("run_ahead", [False, True])
def test_a_store_behind_a_load_is_issued_when_that_is_done_and_holds_nobody_else_up(
    tmp_path: Path, miss: int, run_ahead: bool
) -> None:
    behind = [(0, 1, STORE), (0, 1, LOAD), (LINE, 1, LOAD)]
    replay = Replay(tmp_path, (0, 1, LOAD), *behind, run_ahead=run_ahead)
    replay.system.run(OVER)
    store_done = miss + 1  # a hit: nobody else has the line
    assert replay.count("latency_cycles") == miss + (store_done - 1) + (store_done - 2) + miss
    assert (replay.count("loads"), replay.count("stores")) == (3, 1)
    assert replay.asked() == {"Load": 2, "Store": 1}


def test_what_has_joined_takes_a_slot(tmp_path: Path, miss: int) -> None:
    accesses = [(0, 1, LOAD), (0, 1, LOAD), (LINE, 1, LOAD)]
    replay = Replay(tmp_path, *accesses, max_outstanding=2)
    replay.system.run(BEGIN + miss)
    assert replay.asked() == {"Load": 1, "Store": 0}
    replay.system.run(OVER - replay.system.now)
    assert replay.count("latency_cycles") == miss + (miss - 1) + miss


@pytest.mark.parametrize("run_ahead", [False, True])
@pytest.mark.parametrize("hit", [1, 4])
def test_one_that_comes_in_the_cycle_of_the_answer_goes_on_its_own(
    tmp_path: Path, run_ahead: bool, hit: int
) -> None:
    """So no access takes no time."""
    hits = [(0, 500, LOAD)] + [(0, 1, LOAD)] * (2 * hit - 1)
    replay = Replay(
        tmp_path, (0, 1, LOAD), *hits, cache_latency=hit, max_outstanding=8, run_ahead=run_ahead
    )
    replay.system.run(BEGIN + 400)
    replay.system.reset_statistics()
    replay.system.run(OVER - replay.system.now)
    assert replay.asked() == {"Load": 2, "Store": 0}
    assert replay.count("latency_cycles") == 2 * sum(range(1, hit + 1))


def test_the_first_alone_counts_as_remote_and_is_a_sample_if_the_answer_took_another_node(
    tmp_path: Path,
) -> None:
    replay = Replay(tmp_path, (0, 1, LOAD), (8, 1, LOAD), (0, 1, STORE), frame=MEMORY)
    replay.system.sample(VM, 1)
    replay.system.run(OVER)
    assert replay.count("remote") == 1
    assert replay.system.take_samples(VM) == [0]


def test_what_waits_for_an_answer_that_is_a_fault_is_refused(tmp_path: Path) -> None:
    behind = [(0, 1, LOAD), (0, 1, STORE), (0, 1, STORE)]
    replay = Replay(tmp_path, (0, 1, LOAD), *behind)
    wait_for(replay.system, replay.system.transfer(0, [0], 1, fenced=0))
    replay.system.run(OVER - replay.system.now)
    assert replay.count("faults") == 4
    assert taken(replay.system)["Directory.I.Refused"] == 2  # the stores ask once more


@pytest.mark.parametrize("kinds", [(LOAD, LOAD), (LOAD, STORE), (STORE, STORE)])
def test_a_pause_waits_for_all(tmp_path: Path, kinds: tuple[int, int]) -> None:
    first, second = kinds
    replay = Replay(tmp_path, (0, 1, first), (0, 1, second), (0, 1, LOAD), (0, 500, LOAD))
    replay.system.run(BEGIN + 3)
    stop(replay.system, VM)
    assert replay.count("loads") + replay.count("stores") == 3


def test_a_page_is_not_quiet_before_a_store_behind_a_load_is_done(
    tmp_path: Path, miss: int
) -> None:
    replay = Replay(tmp_path, (0, 1, LOAD), (0, 1, STORE), (LINE, 2, LOAD))
    replay.system.run(BEGIN + 2)
    replay.system.await_pages(VM, [0])
    replay.system.run(miss - 2)
    assert (replay.count("loads"), replay.count("stores")) == (1, 0)
    assert not replay.system.quiet(VM, [0])
    replay.system.run(1)
    assert (replay.count("loads"), replay.count("stores")) == (1, 1)
    assert replay.system.quiet(VM, [0])
    assert replay.system.take_faults(VM) == [0]
