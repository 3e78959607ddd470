# SPDX-License-Identifier: BSD-3-Clause
"""Small migrations for tests, and what one counts by hand about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from machines import CONTROL, DATA, LINE, PAGE

from homeshift.experiment.interruption import Interruption
from homeshift.experiment.planned_vms import PlannedVm
from homeshift.experiment.result import Result
from homeshift.experiment.run import Experiment
from homeshift.experiment.vm import VmSpec
from homeshift.machine import Machine, load_machine
from homeshift.strategies import Strategy, strategy_named
from homeshift.workload import TRACE_DTYPE, Workload, parse_workload, trace_workload

KIB, MIB = 1 << 10, 1 << 20
MICROSECOND = 10**6  # ticks
COPY = DATA + CONTROL  # of a line, to another node: the write and its ack
REGION = 3 * CONTROL  # of a transfer: done, ack, fin
ASKED = 2 * CONTROL  # of a transfer that another node than the old home asks for: request, moved
IDLE = "uniform:think=1000000"  # cycles: the first access comes after everything is over


def machine_of(name: str, **migration: int) -> Machine:
    """Return a shipped machine with less memory, so that runs start quickly."""
    machine = load_machine(name)
    size = min(machine.memory.size_bytes, 4 * MIB)
    return replace(
        machine,
        memory=replace(machine.memory, size_bytes=size),
        migration=replace(machine.migration, **migration),
    )


def run(
    machine: Machine,
    strategy: str | Strategy,
    workload: str | Workload = "uniform",
    *,
    window: int = 5 * MICROSECOND,
    seed: int = 1,
    others: Sequence[PlannedVm] = (),
    horizon: int | None = None,
    interruption: Interruption | None = None,
    fence: bool = False,
    keep_borrowed: bool = False,
    report: Callable[[str], None] = lambda _: None,
    **vm: Any,
) -> Result:
    spec = VmSpec(**{"memory_bytes": 64 * KIB, "vcpus": 2, "source": 0, "targets": (1,), **vm})
    return Experiment(
        machine=machine,
        vm=spec,
        workload=parse_workload(workload) if isinstance(workload, str) else workload,
        strategy=strategy_named(strategy) if isinstance(strategy, str) else strategy,
        seed=seed,
        warmup_ticks=window,
        window_ticks=window,
        horizon_ticks=horizon,
        others=others,
        report=report,
        interruption=interruption,
        fence=fence,
        keep_borrowed=keep_borrowed,
        check=True,
    ).run()


def trace_of(path: Path, address: npt.ArrayLike, **columns: npt.ArrayLike) -> Workload:
    """Return a workload that replays accesses of 8 bytes, a file of its own at a path."""
    records = np.zeros(np.size(address), dtype=np.dtype(TRACE_DTYPE))
    for name, values in {"address": address, "size": 8, **columns}.items():
        records[name] = values
    np.save(path, records)
    return trace_workload([path])


def state_lines(machine: Machine, vcpus: int = 2, memory: int = 64 * KIB) -> int:
    """Return the lines of the vCPUs' state and of the stage-2 table."""
    table = memory // PAGE * 8
    return vcpus * machine.migration.cpu_state_bytes // LINE + -(-table // LINE)
