# SPDX-License-Identifier: BSD-3-Clause
"""What scripts have in common, above all that they tidy up, say so and end when they are told to.

    if __name__ == "__main__":
        sys.exit(call(main))

Without it SIGTERM and SIGHUP end Python at once, and what is half written stays.
"""

from __future__ import annotations

import argparse
import functools
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

from homeshift.errors import HomeshiftError

if TYPE_CHECKING:
    import subprocess

Arguments = ParamSpec("Arguments")
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Adds defaults, but for options that have none or tell theirs themselves."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        none = action.default in (None, "", []) or isinstance(action.default, bool)
        return action.help if none else super()._get_help_string(action)


def script_parser(file: str, doc: str | None) -> argparse.ArgumentParser:
    """Return the parser of the script in a file, whose help begins with all of its docstring."""
    return argparse.ArgumentParser(
        prog=Path(file).name, description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def missing_packages(*names: str) -> list[str]:
    """Return a fault that names those packages that are not installed, if any, and what to do."""
    from importlib.util import find_spec  # most need it not

    missing = [name for name in names if find_spec(name) is None]
    install = f"{sys.executable} -m pip install {' '.join(missing)}"
    return [f"{', '.join(missing)}: missing; {install}"] if missing else []


def _interrupt_on_signals() -> None:
    """Let what asks a process to end (a terminal that closes, Slurm's scancel) do as Ctrl-C does.

    What is ignored stays so (`nohup`), and so are further signals while the process ends.
    """
    heard = [number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN]

    def hear(handler: Any) -> None:
        for number in heard:
            signal.signal(number, handler)

    def interrupt(told: int, _: object) -> None:
        hear(signal.SIG_IGN)
        raise KeyboardInterrupt(told)

    def lost(what: sys.UnraisableHookArgs) -> None:
        if not isinstance(what.exc_value, KeyboardInterrupt):
            sys.__unraisablehook__(what)
            return
        # It came while Python called back, as from its garbage collection: once more, after that.
        from threading import Timer  # slow to import

        hear(interrupt)
        Timer(0.01, os.kill, (os.getpid(), _signal_of(what.exc_value))).start()

    hear(interrupt)
    sys.unraisablehook = lost


def _signal_of(interrupt: KeyboardInterrupt) -> int:
    """Return the number of the signal that it came of: Ctrl-C's if it does not say."""
    return int(interrupt.args[0]) if interrupt.args else signal.SIGINT


def tells_errors(main: Callable[Arguments, int]) -> Callable[Arguments, int]:
    """Let a script's main() print what is wrong, and return the exit status that goes with it."""
    program = Path(main.__code__.co_filename).name

    @functools.wraps(main)
    def told(*args: Arguments.args, **kwargs: Arguments.kwargs) -> int:
        try:
            return main(*args, **kwargs)
        except HomeshiftError as error:
            print(f"{program}: error: {error}", file=sys.stderr)
            return error.exit_status
        except OSError as error:
            print(f"{program}: error: {error}", file=sys.stderr)
            return 1

    return told


@contextmanager
def undisturbed() -> Iterator[None]:
    """Put off what asks the process to end until this is done."""
    heard: list[int] = []
    before = {told: signal.signal(told, lambda number, _: heard.append(number)) for told in ENDING}
    try:
        yield
    finally:
        for told, handler in before.items():
            signal.signal(told, handler)
        for number in heard[:1]:
            signal.raise_signal(number)


def call(main: Callable[[None], int], hint: str = "") -> int:
    """Call a script's main and return its exit status; if it is told to end, say so, and `hint`.

    The status is 128 and the signal's number then, as in shells.
    """
    _interrupt_on_signals()
    try:
        return main(None)
    except KeyboardInterrupt as interrupt:
        program = sys.modules["__main__"].__package__ or Path(sys.argv[0]).name
        print(f"{program}: interrupted{hint}", file=sys.stderr)
        return 128 + _signal_of(interrupt)


def run_child(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command and return what it printed; if this process is told to end, so is that one."""
    import subprocess  # slow to import, and most need it not

    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            out, err = process.communicate()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)
