# SPDX-License-Identifier: BSD-3-Clause
"""What all scripts do when they are told to end: tidy up, say so, and end.

    if __name__ == "__main__":
        sys.exit(call(main))

Without it SIGTERM and SIGHUP end Python at once, and what is half written stays.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupt_on_signals() -> None:
    """Let what asks a process to end (a terminal that closes, Slurm's scancel) do as Ctrl-C does.

    What is ignored stays so (`nohup`), and so are further signals while the process ends.
    """
    heard = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]

    def interrupt(*_: object) -> None:
        for number in heard:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in heard:
        signal.signal(number, interrupt)


def call(main: Callable[[None], int]) -> int:
    """Call a script's main and return its exit status; it is 1 if the script was told to end."""
    interrupt_on_signals()
    try:
        return main(None)
    except KeyboardInterrupt:
        print(f"{Path(sys.argv[0]).name}: interrupted", file=sys.stderr)
        return 1


def run_child(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command and return what it printed; if this process is told to end, so is that one."""
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
