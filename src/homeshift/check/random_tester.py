# SPDX-License-Identifier: BSD-3-Clause
"""What random traffic says of a mutant: the random tests of tests/engine, one process each.

It needs a checkout, and an engine built with mutants (docs/checker.md says how).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from homeshift.check.build import source_directory

PROGRAM = """
import test_random_traffic as traffic
for seed in range(2):
    traffic.test_data_stays_right_when_a_few_lines_fight_for_a_slice_of_two(seed)
    traffic.test_lines_that_a_dma_writes_while_they_are_used_leave_directories_right(seed)
traffic.test_commands_of_one_dma_for_one_line_wait_for_each_other(0)
"""
PATIENCE_SECONDS = 60


class RandomTester:
    """Runs random traffic on the engine in a folder `site`, which holds the package `homeshift`."""

    def __init__(self, site: Path) -> None:
        tests = source_directory().parent / "tests"
        self.path = os.pathsep.join(map(str, (site.resolve(), tests, tests / "engine")))

    def verdict(self, mutant: int) -> str:
        """Return "passes", "hangs", "crashes", or the error that it finds."""
        environment = os.environ | {"PYTHONPATH": self.path, "HOMESHIFT_MUTANT": str(mutant)}
        try:
            run = subprocess.run(
                [sys.executable, "-c", PROGRAM],
                env=environment,
                capture_output=True,
                text=True,
                timeout=PATIENCE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return "hangs"
        if run.returncode == 0:
            return "passes"
        if run.returncode < 0:
            return "crashes"
        return run.stderr.strip().splitlines()[-1][:200]
