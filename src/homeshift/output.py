# SPDX-License-Identifier: BSD-3-Clause
"""Write a run's output directory so that it is either complete or not there.

    output = OutputDirectory("m5out/ownership")
    output.require_writable()
    ...  # the run
    with output as directory:
        write_stats(directory / "stats.txt", stats)
        ...

The files are written into a temporary sibling, `.ownership.partial-PID-...`, that takes the final
name at the end. An exception removes it; a process that is killed while it writes leaves only the
hidden sibling, which nothing reads. A run that is killed, or aborted by gem5, leaves nothing.
`write_stats` writes gem5's text format, so that gem5 users' scripts read our runs.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from homeshift.errors import InputError, RunError
from homeshift.run_format import RUN_FILES, TERMINAL, TIMELINE


class OutputDirectory:
    """Context manager: yields a temporary directory that becomes `path` on success.

    An existing run at `path` is replaced. POSIX has no portable call that swaps two directories, so
    the old run is first renamed away; a kill between the two renames leaves no `path`, and both
    runs complete under hidden names beside it.

    Raises:
        InputError: when `path` is something that a run must not replace, or cannot be made.
        RunError: at the end, when the files cannot be written, as on a full disk.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._given = os.fspath(path)
        # A symbolic link stays: the directory that it names is the one to replace.
        self.path = Path(os.path.realpath(path))
        self._partial: Path | None = None
        self._created: list[Path] = []

    def require_writable(self) -> None:
        """Raise what entering would raise, before any work is done; nothing is left there."""
        try:
            self._refuse_foreign()
            # Parents are not made yet: of several runs one would remove what another has found.
            self._hidden("partial", next(x for x in self.path.parents if x.exists())).rmdir()
        except OSError as error:
            raise self._not_made(error) from error

    def __enter__(self) -> Path:
        try:
            self._refuse_foreign()
            missing = [parent for parent in self.path.parents if not parent.exists()]
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._created = missing
            self._partial = self._hidden("partial", self.path.parent)
        except OSError as error:
            self._remove_created()
            raise self._not_made(error) from error
        return self._partial

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._partial is not None, "left without being entered"
        partial, self._partial = self._partial, None
        try:
            if kind is None:
                self._refuse_foreign()  # Somebody may have put files there during the run.
                self._replace(partial)
                self._created = []
        except OSError as fault:
            error = fault
        finally:
            # After a success there is nothing left to remove under this name.
            shutil.rmtree(partial, ignore_errors=True)
            self._remove_created()
        if isinstance(error, OSError):
            raise run_unwritten(self._given, error) from error

    def _replace(self, partial: Path) -> None:
        """Give `partial` the final name, whatever run is there."""
        if not self.path.exists():
            partial.rename(self.path)
            return
        old = self._hidden("old", self.path.parent)
        self.path.rename(old)  # Onto an empty directory: allowed, and atomic.
        try:
            partial.rename(self.path)
        except BaseException:
            old.rename(self.path)
            raise
        shutil.rmtree(old, ignore_errors=True)

    def _hidden(self, role: str, parent: Path) -> Path:
        """Create a hidden directory, usually beside the final one, in the same file system."""
        prefix = f".{self.path.name}.{role}-{os.getpid()}-"
        hidden = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        # mkdtemp makes private directories; a result is as readable as any other file of the user.
        mask = os.umask(0)
        os.umask(mask)
        hidden.chmod(0o777 & ~mask)
        return hidden

    def _not_made(self, error: OSError) -> InputError:
        made = "created"
        with suppress(OSError):  # of a path that nothing can be at
            made = "replaced" if self.path.exists() else made
        fault = f"cannot be {made} in '{self.path.parent}': {error.strerror}"
        return InputError(f"output directory '{self._given}'", [fault])

    def _remove_created(self) -> None:
        """Remove the parent directories that this run created and did not need."""
        for parent in self._created:
            with suppress(OSError):
                parent.rmdir()
        self._created = []

    def _refuse_foreign(self) -> None:
        """Raise unless the final directory is absent, empty, or a run and nothing else."""
        fault = self._foreign()
        if fault:
            raise InputError(f"output directory '{self._given}'", [fault])

    def _foreign(self) -> str:
        if not self.path.exists():
            return ""
        if not self.path.is_dir():
            return "is a file; name a directory that does not exist yet"
        if self.path in (Path.cwd(), *Path.cwd().parents):
            return "is the working directory or holds it; name a directory inside it"
        if self.path.is_mount():
            return "is a mount point, which nothing can take the place of; name a directory in it"
        names = {entry.name for entry in self.path.iterdir()}
        if not names:
            return ""
        if not _is_run(self.path):
            return "is not empty and is not a run of homeshift; name another or empty it"
        extra = sorted(names - {*RUN_FILES, TIMELINE, TERMINAL})
        if extra:
            files = ", ".join(f"'{name}'" for name in extra)
            return f"holds {files} beside a run, which would be lost; move them or name another"
        return ""


def run_unwritten(path: str, error: OSError) -> RunError:
    """Return what to tell when the files of a run cannot be written."""
    reason = error.strerror or error
    return RunError(f"output directory '{path}' cannot be written: {reason}; nothing was written")


@dataclass(frozen=True, slots=True)
class Stat:
    """One statistic.

    Args:
        name: path of the object and the statistic, "system.ruby.dir_cntrl0.directory.entries".
        value: number; for a vector, its total (None: the sum of `subs`).
        unit: gem5's name of the unit: "Tick", "Byte", "Count", "Ratio", "Joule", "(Count/Second)".
        desc: one line that says what is counted.
        subs: for a vector, the value of each part, in the order in which they are written.
    """

    name: str
    value: float | None
    unit: str
    desc: str
    subs: Mapping[str, float] | None = None


def write_stats(path: Path, stats: Iterable[Stat]) -> None:
    """Write one dump of statistics in gem5's text format.

    Args:
        path: the file, usually `directory / "stats.txt"`.
        stats: written in the order given; a duplicate, an empty description or a name that gem5's
            readers cannot parse raises ValueError.
    """
    lines = ["", "---------- Begin Simulation Statistics ----------"]
    seen: set[str] = set()
    for stat in stats:
        _check(stat, seen)
        lines += _lines(stat)
    lines += ["", "---------- End Simulation Statistics   ----------", ""]
    path.write_text("\n".join(lines), encoding="utf-8", newline="\n")


def format_value(value: float) -> str:
    """Return `value` as gem5 does: whole numbers without decimals, others with six."""
    if isinstance(value, int):
        return str(value)
    if math.isnan(value):
        return "nan"
    return f"{value:.0f}" if math.isinf(value) or value.is_integer() else f"{value:.6f}"


def _lines(stat: Stat) -> Iterator[str]:
    """Yield the lines of a scalar, or of a vector with shares, cumulated shares and total."""
    if stat.subs is None:
        assert stat.value is not None
        yield _line(stat, stat.name, stat.value)
        return
    total = sum(stat.subs.values())
    cumulated = 0.0
    for sub, value in stat.subs.items():
        share = value / total if total else math.nan
        cumulated += share
        yield _line(stat, f"{stat.name}::{sub}", value, _percent(share), _percent(cumulated))
    yield _line(stat, f"{stat.name}::total", total if stat.value is None else stat.value)


def _line(stat: Stat, name: str, value: float, share: str = "", cumulated: str = "") -> str:
    number = format_value(value)
    return f"{name:<40} {number:>12} {share:>10} {cumulated:>10} # {stat.desc} ({stat.unit})"


def _percent(share: float) -> str:
    return "" if math.isnan(share) else f"{100 * share:.2f}%"


def _check(stat: Stat, seen: set[str]) -> None:
    """Raise ValueError for a statistic that could not be read back."""
    for name in (stat.name, *(stat.subs or ())):
        if not name or any(character.isspace() or character in "#|" for character in name):
            raise ValueError(f"statistic {stat.name!r}: unreadable name {name!r}")
    if "::" in stat.name or "total" in (stat.subs or ()):
        raise ValueError(f"statistic {stat.name!r}: '::' and the part 'total' are for vectors")
    if stat.name in seen:
        raise ValueError(f"statistic {stat.name!r}: written twice")
    if not stat.desc.strip() or not stat.unit.strip() or "\n" in stat.desc + stat.unit:
        raise ValueError(f"statistic {stat.name!r}: needs a unit and a description of one line")
    if stat.value is None and not stat.subs:
        raise ValueError(f"statistic {stat.name!r}: has no value")
    seen.add(stat.name)


def _is_run(path: Path) -> bool:
    """Return whether the directory holds a run that this package wrote."""
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and "homeshift" in config
