# SPDX-License-Identifier: BSD-3-Clause
"""The repository's scripts, called as people call them."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from homeshift.front_end import ENDING

ROOT = Path(__file__).resolve().parents[1]


def called(script: str, *options: object, **more: Any) -> subprocess.CompletedProcess[str]:
    """Call a script, "configs/migrate.py", and return what it says, however it ends.

    Args:
        script: below the repository.
        options: of the script.
        more: of `subprocess.run`, as the working directory.
    """
    return _run([str(ROOT / script), *map(str, options)], **more)


def shown_help(script: str) -> tuple[str, str]:
    """Return the help of a script, and what says which modules it imports for that."""
    done = _run(["-X", "importtime", str(ROOT / script), "--help"])
    assert done.returncode == 0
    return done.stdout, done.stderr


def start(*command: str, **more: Any) -> subprocess.Popen[str]:
    """Start Python so that it hears what asks it to end, which may be ignored here, as by nohup."""

    def heard() -> None:
        for number in ENDING:
            signal.signal(number, signal.SIG_DFL)

    return subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heard,
        **more,
    )


def _run(arguments: list[str], **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        **more,
    )
