# SPDX-License-Identifier: BSD-3-Clause
"""The gem5 of this machine, if it has one: gem5.opt on PATH, or what HOMESHIFT_GEM5 names."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
GEM5 = shutil.which(os.environ.get("HOMESHIFT_GEM5", "gem5.opt"))
needs_gem5 = pytest.mark.skipif(
    GEM5 is None,
    reason="no gem5.opt on PATH (or in HOMESHIFT_GEM5); docs/gem5.md says what it must contain",
)

STRATEGIES = (
    *("stop-and-copy", "pre-copy:max-rounds=5", "post-copy", "hybrid", "ignore-shared"),
    *("static-homes", "static-homes+pull", "ownership", "ownership+copy", "ownership+pull"),
)
ON_CPUS = (
    *((strategy, "simple") for strategy in STRATEGIES),
    *itertools.product(
        ("pre-copy:max-rounds=5", "post-copy", "ownership", "ownership+pull"), ("minor", "o3")
    ),
)
"""Strategies and CPU models. On the slower ones four that move memory and homes in every way."""

BARE = (
    "-nostdlib",
    "-ffreestanding",
    "-mcmodel=medany",
    "-Wl,-n,-Ttext=0x80000000,--build-id=none",
)
"""For the compiler: a program that runs without operating system, from where RISC-V's memory is."""


def gem5(outdir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run gem5 in the repository, with its files in `outdir`."""
    assert GEM5
    return subprocess.run(
        [GEM5, f"--outdir={outdir}", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


COMPILERS = {
    "RISC-V": "riscv64-linux-gnu-gcc",
    "Arm": "aarch64-linux-gnu-gcc",
    "x86": "x86_64-linux-gnu-gcc",
}
"""By ISA."""


def compiled(tmp_path: Path, source: str, *options: str, isa: str = "RISC-V") -> Path:
    """Return a program for an ISA."""
    compiler = shutil.which(COMPILERS[isa])
    if compiler is None:
        pytest.skip(f"no {COMPILERS[isa]} on PATH")
    program = tmp_path / source.removesuffix(".c")
    command = [compiler, "-O2", "-static", *options, str(REPOSITORY / "tests/gem5" / source)]
    subprocess.run([*command, "-o", str(program)], check=True, capture_output=True)
    return program
