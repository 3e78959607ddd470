# SPDX-License-Identifier: BSD-3-Clause
"""Sweeps as tests start them: as processes, of runs that take a fraction of a second."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from calls import ROOT, called

SCRIPT = ROOT / "scripts" / "sweep.py"

QUICK = """
machine   = "tiny"
strategy  = ["stop-and-copy", "ownership"]
vm-memory = "256KiB"
warmup    = "2us"
window    = "5us"
seed      = [1, 2]
"""


def sweep(path: Path, outdir: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return called("scripts/sweep.py", path, "--outdir", outdir, *options)


def written(folder: Path, text: str, name: str = "mine.toml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def finished(outdir: Path) -> dict[str, int]:
    """Return when each finished run was written."""
    return {run.name: run.stat().st_mtime_ns for run in (outdir / "runs").glob("[!.]*")}


def processes_of(outdir: Path) -> list[int]:
    """Return the processes that name a sweep's directory in their command."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(outdir) in command:
            found.append(int(folder.name))
    return found


def start(*command: str, stderr: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    pytest.fail(f"{what}: not within a minute")


def skip_if_ignored(number: signal.Signals) -> None:
    """Below nohup SIGHUP is ignored, and in the background of a script SIGINT, by everybody."""
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip(f"{number.name} is ignored here, and stays so")
