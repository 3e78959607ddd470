# SPDX-License-Identifier: BSD-3-Clause
"""Run a command that ends with its parent: `python -I -S launch.py PARENT COMMAND...`.

A sweep that is killed (`kill -9`) can no longer end its runs. Linux can: it sends this process a
signal when the thread that started it ends. Elsewhere the run goes on to its end, which costs time
but no result. A file by itself, because a thread must not run Python between fork and exec.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h; kept across exec

if __name__ == "__main__":
    parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() != int(parent):  # it ended before the signal was asked for
            sys.exit(1)
    os.execvp(command[0], command)
