# SPDX-License-Identifier: BSD-3-Clause
"""Where a run inside gem5 puts its files, and what gem5 says meanwhile.

gem5 has its own output directory (`gem5.opt --outdir=DIR`), which it makes before any script runs
and fills with its configuration and statistics. By default a run's files go there too; another
directory is made as on the embedded engine, and gets a copy of the statistics.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import m5

from homeshift.errors import InputError, RunError
from homeshift.output import OutputDirectory, run_unwritten
from homeshift.run_format import RUN_FILES, TERMINAL, TIMELINE

GEM5_CONFIG = "gem5-config.json"
"""gem5's own configuration; its usual name, config.json, is that of ours."""

BEGIN = b"---------- Begin Simulation Statistics ----------"
END = b"---------- End Simulation Statistics   ----------"

PANIC = b"Kernel panic - "


def say_less() -> None:
    """Leave out what gem5 says each time that it enters its loop, unless it is to be verbose."""
    import _m5.core  # has it in 24.0 to 25.1, m5 itself in none

    if m5.options.verbose <= 0:
        _m5.core.setLogLevel(_m5.core.LogLevel.WARN)


def default_directory() -> str:
    """Return gem5's output directory."""
    return str(m5.options.outdir)


def is_option_of_gem5(name: str) -> bool:
    """Return whether gem5 has an option: "--debug-flags", "-d"."""
    return bool(m5.options._optparse.has_option(name))


def output_directory(path: str) -> AbstractContextManager[Path]:
    """Return what yields a directory to write into, which in the end has gem5's statistics too.

    Raises:
        InputError: at once: gem5 was told to write its statistics elsewhere, another run uses
            gem5's directory, or the other one cannot be written.
    """
    given = m5.options.stats_file
    files = [given] if isinstance(given, str) else list(given)  # since gem5 25.0 there can be more
    if files != ["stats.txt"]:
        fault = "a run's statistics are in stats.txt; leave the option out"
        raise InputError(f"gem5's option --stats-file={','.join(files)}", [fault])
    own = Path(m5.options.outdir)
    _keep_others_out(own)
    if m5.options.json_config == "config.json":  # gem5's default
        m5.options.json_config = GEM5_CONFIG
    if m5.options.dot_config == "config.dot":  # likewise; a picture of all buffers helps nobody
        m5.options.dot_config = None
    for name in {*RUN_FILES, TIMELINE, TERMINAL} - {"stats.txt"}:  # gem5 has emptied that already
        (own / name).unlink(missing_ok=True)
    if own.resolve() == Path(path).resolve():
        return _gem5s_own(own, path)
    output = OutputDirectory(path)
    output.require_writable()
    return _elsewhere(own, output)


def _keep_others_out(own: Path) -> None:
    """Lock gem5's directory until the process ends, however it does.

    It is the file that is locked, since file systems of several machines let only files that are
    open for writing be locked for all of them.

    Raises:
        InputError: another run has.
    """
    stats = os.open(own / "stats.txt", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(stats, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        fault = "another run is at work in it; give each one its own: gem5.opt --outdir=DIR"
        raise InputError(f"gem5's directory '{own}'", [fault]) from error
    except OSError:  # a file system without locks
        pass


def _require_whole(stats: Path) -> None:
    """Raise RunError for statistics that are cut off, of which gem5 says nothing."""
    text = stats.read_bytes().strip()
    if not (text.startswith(BEGIN) and text.endswith(END)):
        raise RunError(
            f"gem5's '{stats}' is cut off: the disk is full, or another gem5 has begun in the same "
            "directory; nothing was written"
        )


@contextmanager
def _gem5s_own(own: Path, path: str) -> Iterator[Path]:
    try:
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=own) as partial:
            yield Path(partial)
            _require_whole(own / "stats.txt")
            for file in Path(partial).iterdir():
                file.replace(own / file.name)
    except OSError as error:
        raise run_unwritten(path, error) from error


@contextmanager
def _elsewhere(own: Path, output: OutputDirectory) -> Iterator[Path]:
    with output as directory:
        yield directory
        _require_whole(own / "stats.txt")
        for name in ("stats.txt", TERMINAL):
            if (own / name).exists():
                shutil.copyfile(own / name, directory / name)


class Terminal:
    """What a full system prints."""

    def __init__(self) -> None:
        self._path = Path(m5.options.outdir, TERMINAL)
        self._read_bytes = 0

    def check(self) -> None:
        """Raise RunError if Linux has said that it cannot go on."""
        if self._path.stat().st_size == self._read_bytes:
            return
        with self._path.open("rb") as file:
            file.seek(self._read_bytes)
            lines = file.read().splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):
            del lines[-1]  # until it is whole
        self._read_bytes += sum(map(len, lines))
        for line in lines:
            if PANIC in line:
                text = line.decode(errors="replace").strip()
                raise RunError(f"the guest has stopped: {text}")
