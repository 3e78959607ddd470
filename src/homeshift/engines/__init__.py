# SPDX-License-Identifier: BSD-3-Clause
"""Engines: `make_engine(...)` returns the one that this Python can run."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from homeshift.engines.base import Counters, Engine
from homeshift.machine import Machine
from homeshift.output import OutputDirectory

__all__ = [
    "Counters",
    "Engine",
    "default_directory",
    "inside_gem5",
    "make_engine",
    "output_directory",
]


def inside_gem5() -> bool:
    """Return whether gem5's embedded Python runs this."""
    return "_m5" in sys.modules


def default_directory() -> str:
    """Return where a run's files go if the user does not say."""
    if inside_gem5():
        from homeshift.engines import gem5_output  # exists inside gem5 only

        return gem5_output.default_directory()
    return "m5out"


def output_directory(path: str) -> AbstractContextManager[Path]:
    """Return a context manager that makes the output directory of a run."""
    if inside_gem5():
        from homeshift.engines import gem5_output  # exists inside gem5 only

        return gem5_output.output_directory(path)
    return OutputDirectory(path)


def make_engine(
    *,
    machine: Machine,
    frames: Sequence[int],
    homes: Mapping[int, int],
    streams: Sequence[Mapping[str, str | int | float]],
    source: int,
    region_bytes: int,
    check: bool,
) -> Engine:
    """Return an engine with a machine and a paused VM on it.

    Args:
        machine: what to simulate.
        frames: physical address of each guest page.
        homes: address in a region -> node that is its home; other regions are homed where they lie.
        streams: one request stream a vCPU (`Workload.streams`).
        source: node whose DMA does the migration's work.
        region_bytes: unit in which homes move.
        check: verify that every load returns the last value written.
    """
    engine: type[Engine]
    if inside_gem5():
        from homeshift.engines import gem5  # needs m5

        engine = gem5.Gem5Engine
    else:
        from homeshift.engines import embedded  # needs the C++ module

        engine = embedded.EmbeddedEngine
    return engine(
        machine=machine,
        frames=frames,
        homes=homes,
        streams=streams,
        source=source,
        region_bytes=region_bytes,
        check=check,
    )
