# SPDX-License-Identifier: BSD-3-Clause
"""Engines: `make_engine(...)` returns the one that this Python can run."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from pathlib import Path

from homeshift.engines.base import Counters, Engine, Setup, VmCounters, VmSetup
from homeshift.output import OutputDirectory

__all__ = [
    "Counters",
    "Engine",
    "Setup",
    "VmCounters",
    "VmSetup",
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


def make_engine(setup: Setup) -> Engine:
    """Return an engine with a machine and paused VMs on it: gem5's if gem5 runs this."""
    if inside_gem5():
        from homeshift.engines import gem5  # needs m5

        return gem5.Gem5Engine(setup)
    from homeshift.engines import embedded  # needs the C++ module

    return embedded.EmbeddedEngine(setup)
