# SPDX-License-Identifier: BSD-3-Clause
"""Write a file so that it is either complete or not there.

    require_writable(path, (".csv", ".md"))
    with output_file(path) as partial:
        partial.write_text(text)

Whoever is interrupted meanwhile leaves what was there before.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from homeshift.errors import InputError, unwritten


def require_writable(path: Path, kinds: Sequence[str], faults: Sequence[str] = ()) -> None:
    """Refuse what cannot be written, before any work is done.

    Args:
        path: of the file.
        kinds: suffixes that it may have.
        faults: that are known already.

    Raises:
        InputError: with all faults.
    """
    found = [*faults, *write_faults(path, kinds)]
    if found:
        raise InputError(_subject(path), found)


def write_faults(path: Path, kinds: Sequence[str]) -> list[str]:
    """Return why a file cannot be written, as `require_writable` tells."""
    found = []
    if path.suffix not in kinds:
        *others, last = kinds
        found.append(f"must end in {', '.join(others)}{' or ' if others else ''}{last}")
    if not path.parent.is_dir():
        found.append(f"there is no directory '{path.parent}'")
    if path.is_dir():
        found.append("is a directory")
    return found


@contextmanager
def output_file(path: Path) -> Iterator[Path]:
    """Yield a temporary name; what is written there becomes `path` in the end.

    Raises:
        InputError: it cannot be written.
        RunError: the disk is full.
    """
    # Processes of several machines can write the same file in a directory that they share.
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}-{uuid.uuid4().hex[:8]}")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise unwritten(_subject(path), error) from error
    finally:
        with suppress(OSError):  # of a file system that only reads; it would hide the first error
            partial.unlink(missing_ok=True)


@contextmanager
def output_folder(path: Path) -> Iterator[None]:
    """Make a directory, if it is not there, in which files are to be written.

    Raises:
        InputError: it cannot be made, or a file in it cannot be written.
        RunError: the disk is full.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise unwritten(f"output directory '{path}'", error) from error


def _subject(path: Path) -> str:
    return f"output file '{path}'"
