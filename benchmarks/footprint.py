# SPDX-License-Identifier: BSD-3-Clause
"""What a run takes besides its simulation: start-up, and memory by node, page and cached line.

Every figure is the difference between two processes of configs/migrate.py that differ in one thing
only, so whatever both have in common (the interpreter, the modules) drops out.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from sites import Site, Spent, run

GIB = 1 << 30
_SHORT = ("--warmup", "1us", "--window", "1us")
# Cancelled before it begins: the set-up, and nothing else.
_SET_UP = ("--cancel-at", "0us", "--workload", "uniform:think=1000000", *_SHORT)
_ENTRIES = re.compile(r"^system\.ruby\.dir_cntrl\d+\.directory\.entries\s+(\d+)", re.MULTILINE)


def start_up(site: Site) -> dict[str, float]:
    """Return seconds of CPU time of the shortest runs that there are."""
    return {
        "--help [s]": run(site, site.configs / "migrate.py", "--help").cpu_seconds,
        "--machine tiny [s]": _migrate(
            site, "--machine", "tiny", "--vm-memory", "256KiB"
        ).cpu_seconds,
    }


def memory(site: Site) -> dict[str, float]:
    """Return bytes of the host's memory by what takes them, and the time to set up a large VM."""
    small, large = (
        _migrate(site, "--machine", _quad(nodes=nodes), "--vm-memory", "16MiB", *_SET_UP)
        for nodes in (4, 64)
    )
    found = {"a node [KiB]": (large.peak_bytes - small.peak_bytes) / 60 / 1024}
    for region in ("4KiB", "2MiB"):
        small, large = (
            _migrate(
                site,
                *("--machine", _quad(nodes=4, memory="8GiB")),
                *("--vm-memory", f"{gib}GiB", "--region", region, *_SET_UP),
            )
            for gib in (1, 5)
        )
        mapped = f"a mapped GiB, regions of {region}"
        found[f"{mapped} [MiB]"] = (large.peak_bytes - small.peak_bytes) / 4 / (1 << 20)
        found[f"{mapped} [s]"] = (large.cpu_seconds - small.cpu_seconds) / 4
    found["a cached line [B]"] = _a_cached_line(site)
    return found


def _a_cached_line(site: Site) -> float:
    machine = "quad:cores.per_node=1,cache.size=8MiB,slc.size=64KiB"
    fill = ("--workload", "uniform:footprint=1,shared=0,think=0", "--cancel-at", "0us")
    measured = []
    for window in ("1us", "8ms"):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "run"
            spent = _migrate(
                site,
                *("--machine", machine, "--vm-memory", "64MiB", "--vcpus", "1", *fill),
                *("--warmup", "1us", "--window", window),
                outdir=out,
            )
            entries = _ENTRIES.findall((out / "stats.txt").read_text(encoding="utf-8"))
        measured.append((spent.peak_bytes, sum(map(int, entries))))
    (few_bytes, few), (many_bytes, many) = measured
    return (many_bytes - few_bytes) / (many - few)


def _quad(*, nodes: int, memory: str = "64MiB") -> str:
    return f"quad:nodes={nodes},cores.per_node=1,memory.size={memory}"


def _migrate(site: Site, *options: str, outdir: Path | None = None) -> Spent:
    with tempfile.TemporaryDirectory() as folder:
        out = str(outdir or Path(folder) / "run")
        return run(site, site.configs / "migrate.py", *options, "--outdir", out)
