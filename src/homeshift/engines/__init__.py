# SPDX-License-Identifier: BSD-3-Clause
"""Engines: `make_engine(...)` returns the one that this Python can run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from homeshift.engines.base import Counters, Engine
from homeshift.machine import Machine

__all__ = ["Counters", "Engine", "make_engine"]


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
    from homeshift.engines.embedded import EmbeddedEngine  # needs the C++ module

    return EmbeddedEngine(
        machine=machine,
        frames=frames,
        homes=homes,
        streams=streams,
        source=source,
        region_bytes=region_bytes,
        check=check,
    )
