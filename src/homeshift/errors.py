# SPDX-License-Identifier: BSD-3-Clause
"""Errors for people: what is wrong, where, and what to do; all faults of an input at once.

Front ends print `str(error)` and exit with `error.exit_status`; libraries only raise.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping, Sequence


class HomeshiftError(Exception):
    """Base of every error that a front end shows without a traceback."""

    exit_status = 1


class InputError(HomeshiftError):
    """Something that the user gave is wrong.

    Args:
        subject: what was read, as in "machine 'tiny.toml'".
        faults: one line a fault, in the order of the input.
    """

    exit_status = 2

    def __init__(self, subject: str, faults: Sequence[str]) -> None:
        self.subject = subject
        self.faults = tuple(faults)
        count = "a fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__("\n  ".join([f"{subject} has {count}:", *self.faults]))


class RunError(HomeshiftError):
    """A simulation failed: a protocol error, a failed data check, a deadlock."""


def unwritten(subject: str, error: OSError) -> HomeshiftError:
    """Return what to raise when something cannot be written: only a bad place is bad input."""
    place = f" ({error.filename})" if error.filename and str(error.filename) not in subject else ""
    reason = f"cannot be written: {error.strerror or error}{place}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
        return RunError(f"{subject} {reason}")
    return InputError(subject, [reason])


def out_of_bounds(given: Mapping[str, int], bounds: Mapping[str, tuple[int, int]]) -> list[str]:
    """Return a fault for each option whose number is not between its bounds."""
    return [
        f"--{name} {given[name]}: not between {least} and {most}"
        for name, (least, most) in bounds.items()
        if not least <= given[name] <= most
    ]


def near(name: str, choices: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the choice nearest to `name`, or nothing."""
    import difflib  # only who has made a mistake waits for it

    match = difflib.get_close_matches(name, list(choices), n=1, cutoff=0.6)
    return f" (did you mean '{match[0]}'?)" if match else ""
