# SPDX-License-Identifier: BSD-3-Clause
"""What random traffic says of a mutant: the random tests of tests/engine, one process each.

It needs a checkout, and an engine built with mutants (docs/checker.md says how).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from homeshift.check.build import source_directory

PROGRAM = """
import resource
resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE))
import test_random_traffic as traffic
for scenario, seeds in sorted(traffic.STEERED.items(), key=lambda both: both[1]):
    for seed in range(seeds):
        scenario(seed)
for answer in ("Data", "WriteAck", "Moved"):
    traffic.test_an_answer_to_a_dma_that_comes_late_misleads_no_table(answer)
"""
PATIENCE_SECONDS = 30  # of CPU time: ten times what the protocol as it is takes


class RandomTester:
    """Runs random traffic on the engine in a folder `site`, which holds the package `homeshift`."""

    def __init__(self, site: Path) -> None:
        tests = source_directory().parent / "tests"
        self.path = os.pathsep.join(map(str, (site.resolve(), tests, tests / "engine")))

    def verdict(self, mutant: int) -> str:
        """Return "passes", "hangs", "crashes", or the kind of error that it finds."""
        environment = os.environ | {"PYTHONPATH": self.path, "HOMESHIFT_MUTANT": str(mutant)}
        program = PROGRAM.replace("PATIENCE", str(PATIENCE_SECONDS))
        run = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode == 0:
            return "passes"
        if run.returncode == -signal.SIGXCPU or run.returncode == -signal.SIGKILL:
            return "hangs"
        if run.returncode < 0:
            return "crashes"
        return run.stderr.strip().splitlines()[-1].partition(":")[0].rpartition(".")[2]
