#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Migrate a virtual machine between the nodes of a shared-memory machine, and measure it.

Example:
    python configs/migrate.py --machine quad --strategy ownership --outdir m5out/ownership
    gem5.opt configs/migrate.py --machine quad --strategy ownership --outdir m5out/ownership
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

try:
    import homeshift.errors  # noqa: F401
except ModuleNotFoundError:  # not installed, as inside gem5: the sources are beside this folder
    sys.modules.pop("homeshift", None)  # a folder of gem5's build has the plugin's name
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from homeshift.errors import RunError
from homeshift.experiment.options import make_parser, unknown_options
from homeshift.front_end import call, tells_errors


@tells_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; return its exit status: 2: bad input, 1: a failed run."""
    parser = make_parser((__doc__ or "").split("\n\n")[0])
    options, unknown = parser.parse_known_args(arguments)
    _run(options, unknown_options(parser, unknown))
    return 0


def _run(options: argparse.Namespace, unknown: Sequence[str]) -> None:
    # Imported here, so that --help is quick.
    from homeshift.engines import output_directory
    from homeshift.experiment.command_line import experiment_of, recorded

    experiment = experiment_of(options, unknown, lambda line: _say(f"migrate.py: {line}"))
    output = output_directory(options.outdir)
    result = experiment.run()
    timeline = bool(options.timeline or options.timeline_messages)
    with output as directory:
        result.write(directory, recorded(options, experiment), timeline=timeline)
    files = "stats.txt, config.json, timeline.json" if timeline else "stats.txt, config.json"
    _say(f"migrate.py: wrote {options.outdir}/{files} and migration.json")
    status = {"cancelled": "was cancelled", "failed": "has failed"}.get(
        result.summary["status"], "is completed"
    )
    _say(f"Exiting @ tick {result.final_tick} because the migration {status}")


def _say(line: str) -> None:
    """Print a line at once; a full disk or a closed pipe ends the run."""
    try:
        print(line, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for Python's last flush
        raise RunError(f"standard output cannot be written: {error.strerror}") from error


if __name__ in ("__main__", "__m5_main__"):
    sys.exit(call(main, "; nothing was written"))
