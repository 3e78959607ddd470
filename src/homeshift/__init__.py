# SPDX-License-Identifier: BSD-3-Clause
"""Homeshift: move a virtual machine by moving who controls its memory.

    import homeshift as hs

    run = hs.migrate(machine="quad", vm=hs.Vm(memory="64MiB"), strategy="ownership")
    run.measures["downtime"]      # seconds
    run.progress                  # a DataFrame: the VM's speed over time

`homeshift.api` holds what is offered here. It is imported when it is asked for, since gem5's Python
has no pandas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = ["Result", "Vm", "migrate", "read_run", "read_stats", "stat"]

if TYPE_CHECKING:
    from homeshift.api import Result, Vm, migrate, read_run, read_stats, stat


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'homeshift' has no attribute '{name}'")
    from homeshift import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
