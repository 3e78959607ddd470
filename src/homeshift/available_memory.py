# SPDX-License-Identifier: BSD-3-Clause
"""How much more of the host's memory a process may take."""

from __future__ import annotations

import resource
from pathlib import Path


def available() -> tuple[int, str]:
    """Return the bytes that this process may still take, and what sets the limit."""
    limits = []
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limits.append((soft - pages * resource.getpagesize(), "the limit of ulimit -v"))
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        kib = {line.partition(":")[0]: int(line.split()[1]) for line in lines}
        limits.append(((kib["MemAvailable"] + kib["SwapFree"]) << 10, "the host's memory"))
    except (OSError, KeyError):
        pass
    try:
        group = Path("/sys/fs/cgroup")
        most, used = (int((group / name).read_text()) for name in ("memory.max", "memory.current"))
        limits.append((most - used, "the limit of the container"))
    except (OSError, ValueError):  # no control groups, or "max"
        pass
    return min(limits, default=(1 << 62, "nothing"))
