# SPDX-License-Identifier: BSD-3-Clause
"""The simulated machine: a TOML file in, frozen dataclasses out.

    machine = load_machine("quad")            # configs/machines/quad.toml
    machine = load_machine("./my.toml")       # any file
    machine.memory.latency_cycles             # times are in cycles of machine.clock_period_ps
    machine.to_dict()                         # plain data, for config.json

`model` holds the dataclasses, whose annotations are the one tree of fields (key, unit, bound and a
sentence); `fields` reads one value; `rules` joins several; `loader` reads a file and reports all of
its faults at once. `topology` makes a list of links of it.
Standard library only: this package also runs in gem5's Python.
"""

from homeshift.machine.loader import load_machine, machine_directory, machine_names
from homeshift.machine.model import Machine

__all__ = [
    "Machine",
    "load_machine",
    "machine_directory",
    "machine_names",
]
