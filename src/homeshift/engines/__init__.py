# SPDX-License-Identifier: BSD-3-Clause
"""Engines: `make_engine(...)` returns the one that this Python can run. `limits`: what it can."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from homeshift.engines.base import Engine, FastForward, Models, Setup, VmSetup
from homeshift.engines.limits import (
    check_message_log,
    check_models,
    check_workload,
    inside_gem5,
    links_too_slow,
)
from homeshift.errors import unwritten
from homeshift.output import OutputDirectory

__all__ = [
    "FastForward",
    "Models",
    "Setup",
    "VmSetup",
    "check_message_log",
    "check_models",
    "check_workload",
    "inside_gem5",
    "links_too_slow",
    "make_engine",
    "output_directory",
]


def output_directory(path: str) -> AbstractContextManager[Path]:
    """Return a context manager in which a run, once made, is written into its output directory.

    Raises:
        InputError: at once, if it cannot be.
    """
    if inside_gem5():
        from homeshift.engines import gem5_output  # exists inside gem5 only

        return gem5_output.output_directory(path)
    output = OutputDirectory(path)
    output.require_writable()
    return output


def make_engine(setup: Setup) -> Engine:
    """Return an engine with a machine and paused VMs on it: gem5's if gem5 runs this."""
    if inside_gem5():
        from homeshift.engines import gem5, gem5_output  # need m5

        try:
            return gem5.Gem5Engine(setup)
        except OSError as error:  # of the files in which gem5 says what it simulates
            raise unwritten(
                f"gem5's directory '{gem5_output.default_directory()}'", error
            ) from error
    from homeshift.engines import embedded  # needs the C++ module

    return embedded.EmbeddedEngine(setup)
