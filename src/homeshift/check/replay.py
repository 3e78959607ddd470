# SPDX-License-Identifier: BSD-3-Clause
"""Take the steps of a counter-example again: what replay.py, beside a counter-example, calls."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from homeshift.check.build import compile_checker
from homeshift.check.run import Options, replay
from homeshift.check.trace import text
from homeshift.errors import HomeshiftError


def main(
    *,
    protocol: Path,
    scenario: Path,
    nodes: int,
    lines: int,
    options: Options,
    steps: Sequence[str],
) -> None:
    """Print what the steps do now, and exit: 1 if they still end in a fault, 0 if not."""
    try:
        checker = compile_checker(protocol, scenario, nodes=nodes, lines=lines)
        result = replay(checker, options, steps)
    except HomeshiftError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_status)
    for line in text(checker, result):
        print(line)
    sys.exit(0 if result.fault is None else 1)
