# SPDX-License-Identifier: BSD-3-Clause
"""The same work in gem5 and in the embedded engine: accesses per second of CPU time.

Both run configs/migrate.py with the same options, and a VM that stays where it is, for a short and
for a long time. The difference of the two is what counts, so start-up drops out, which takes gem5
seconds.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sites import Site, run_command

from homeshift.errors import RunError

_TRACES = Path(__file__).resolve().parent.parent / "traces"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a VM does, for a short and for a long time."""

    options: tuple[str, ...]
    windows_us: tuple[int, int] = (50, 250)


WORK = {
    "zipf": Work(options=("--workload", "zipf:think=0")),
    "all miss": Work(options=("--workload", "uniform:footprint=1,shared=0,think=0")),
    "traces": Work(
        options=(
            "--trace",
            *(str(_TRACES / f"{name}.npy") for name in ("sqlite3", "xz", "sort", "perl")),
        ),
        windows_us=(500, 4000),
    ),
}
_OPTIONS = (
    *("--machine", "quad:memory.size=16MiB", "--vm-memory", "8MiB", "--cancel-at", "0us"),
    *("--warmup", "50us"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Accesses per second of CPU time."""

    gem5: float
    embedded: float


def gem5() -> str | None:
    """Return the gem5 on PATH, if there is one."""
    return shutil.which("gem5.opt")


def rates(site: Site, name: str) -> Rates:
    """Return how fast both do a work of `WORK`.

    Raises:
        RunError: one of them fails, or they did not do the same work.
    """
    binary = gem5()
    assert binary is not None
    fast = _measure([sys.executable], site, WORK[name])
    slow = _measure([binary], site, WORK[name])
    if abs(fast.accesses / slow.accesses - 1) > 0.001:
        raise RunError(f"{name}: {fast.accesses} accesses here, {slow.accesses} in gem5")
    return Rates(gem5=slow.accesses / slow.cpu_seconds, embedded=fast.accesses / fast.cpu_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    accesses: float
    cpu_seconds: float


def _measure(interpreter: list[str], site: Site, work: Work) -> _Done:
    done = []
    for window in work.windows_us:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "run"
            own = [] if interpreter[0] == sys.executable else [f"--outdir={folder}/gem5"]
            spent = run_command(
                [
                    *(*interpreter, *own, str(site.configs / "migrate.py"), *_OPTIONS),
                    *(*work.options, "--window", f"{window}us", "--outdir", str(out)),
                ],
                # gem5 has Python of its own: it takes the sources beside the configs.
                packages=None if own else site.packages,
            )
            run = json.loads((out / "migration.json").read_text(encoding="utf-8"))
        before = run["vm"]["accesses-per-microsecond"]["before"] * window
        done.append((before + run["window"]["accesses"], spent.cpu_seconds))
    (few, short), (many, long) = done
    return _Done(accesses=many - few, cpu_seconds=long - short)
