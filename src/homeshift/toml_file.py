# SPDX-License-Identifier: BSD-3-Clause
"""TOML files that a user gives: machines, VMs, sweeps, scenarios, constants."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from homeshift.errors import InputError


def read_toml(path: str | os.PathLike[str], subject: str) -> dict[str, Any]:
    """Return what is in a TOML file; `subject` is what it is called in a message.

    Raises:
        InputError: it cannot be read, or is no TOML.
    """
    return parse_toml(read_text(path, subject), subject)


def read_text(path: str | os.PathLike[str], subject: str) -> str:
    """Return the text of a file, or raise InputError."""
    try:
        return Path(path).read_bytes().decode()
    except UnicodeDecodeError as error:
        raise InputError(subject, [f"not UTF-8 at byte {error.start}"]) from error
    except (OSError, ValueError) as error:  # ValueError: no file can be called so
        reason = getattr(error, "strerror", None) or error
        raise InputError(subject, [f"cannot read {path}: {reason}"]) from error


def parse_toml(text: str, subject: str) -> dict[str, Any]:
    """Return what a text in TOML says, or raise InputError."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(subject, [f"not TOML: {error}"]) from error
