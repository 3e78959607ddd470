# SPDX-License-Identifier: BSD-3-Clause
"""The processes of the runs that are under way here, so that a sweep can end them and end itself.

Each has a session of its own: Ctrl-C in a terminal reaches the sweep alone, which then decides.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

_PATIENCE_SECONDS = 1.0

_lock = threading.Lock()
_under_way: set[subprocess.Popen[str]] = set()
_ending = threading.Event()


class EndedError(Exception):
    """The run was ended, or not begun, because its sweep ends."""


def run(command: Sequence[str], *, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return what it printed.

    Raises:
        EndedError: `end_all` has been called; the command may have done its work all the same.
    """
    with _lock:
        if _ending.is_set():
            raise EndedError
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        _under_way.add(process)
    try:
        output, errors = process.communicate()
    finally:
        with _lock:
            _under_way.remove(process)
    if _ending.is_set():
        raise EndedError
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def begin() -> None:
    """Commands can be run, also after an earlier sweep of this process."""
    _ending.clear()


def end_all() -> None:
    """End the commands under way and begin no more; one that does not end when asked is killed."""
    with _lock:
        _ending.set()
        processes = list(_under_way)
    for process in processes:
        _signal(process, signal.SIGINT)
    until = time.monotonic() + _PATIENCE_SECONDS
    for process in processes:
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal to a process and its children, unless it has ended."""
    if process.poll() is None:
        os.killpg(process.pid, number)
