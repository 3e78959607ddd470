# SPDX-License-Identifier: BSD-3-Clause
"""The repository's scripts, called as people call them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

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


def _run(arguments: list[str], **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        **more,
    )
