# SPDX-License-Identifier: BSD-3-Clause
"""What the virtual CPUs do: synthetic streams, traces, or in gem5 programs and full systems.

    workload = parse_workload("zipf:write_ratio=0.3,shared=0.1")
    workload = parse_workload("trace:traces/sqlite3.npy,traces/sort.npy")
    workload = trace_workload(["traces/sqlite3.npy"])
    workload.streams(vcpus=4, vm_bytes=64 << 20, seed=1)    # one dict of scalars for each vCPU
    workload.to_dict()                                      # plain data, for config.json

`kinds` declares every kind and parameter; `trace` checks trace files; `spec` parses and makes the
dicts for the C++ stream factory. Standard library only: this package also runs in gem5's Python.
"""

from homeshift.workload.full_system import FullSystem
from homeshift.workload.kinds import KINDS
from homeshift.workload.program import Program, program_workload
from homeshift.workload.spec import Workload, parse_workload, trace_workload
from homeshift.workload.trace import TRACE_DTYPE, Trace, check_traces

Booted = Program | FullSystem
"""What runs on gem5's CPUs."""

__all__ = [
    "KINDS",
    "TRACE_DTYPE",
    "Booted",
    "FullSystem",
    "Program",
    "Trace",
    "Workload",
    "check_traces",
    "parse_workload",
    "program_workload",
    "trace_workload",
]
