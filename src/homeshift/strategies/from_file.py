# SPDX-License-Identifier: BSD-3-Clause
"""A strategy from a file of one's own: `--strategy mine.py`, or `--strategy mine.py:rounds=5`."""

from __future__ import annotations

import inspect
import sys
import traceback
from pathlib import Path
from types import ModuleType

from homeshift.errors import InputError
from homeshift.strategies.base import Strategy


def strategy_in(path: str) -> type[Strategy]:
    """Return the class of the strategy that a Python file defines.

    Raises:
        InputError: the file cannot be read or run, or does not define exactly one.
    """
    what = f"strategy '{path}'"
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise InputError(what, [f"cannot be read: {error.strerror}"]) from error
    module = ModuleType(f"homeshift_strategy_{Path(path).stem}")
    module.__file__ = path
    sys.modules[module.__name__] = module  # where dataclasses look
    try:
        exec(compile(text, path, "exec"), vars(module))
    except SyntaxError as error:
        raise InputError(what, [f"line {error.lineno}: {error.msg}"]) from error
    except (Exception, SystemExit) as error:
        lines = [
            at.lineno for at in traceback.extract_tb(error.__traceback__) if at.filename == path
        ]
        where = f"line {lines[-1]}: " if lines else ""
        raise InputError(what, [f"{where}{type(error).__name__}: {error}"]) from error
    own = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, Strategy)
        and value.__module__ == module.__name__
    ]
    whole = [one for one in own if not inspect.isabstract(one)]
    if own and not whole:
        lacking = [
            f"{one.__name__} has no {', '.join(sorted(one.__abstractmethods__))}()" for one in own
        ]
        raise InputError(what, lacking)
    if len(whole) != 1:
        names = ", ".join(one.__name__ for one in whole) or "none"
        raise InputError(what, [f"has to define one class of a Strategy, and defines {names}"])
    return whole[0]
