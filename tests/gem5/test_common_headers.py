# SPDX-License-Identifier: BSD-3-Clause
"""What both engines share is C++17, as gem5 is, also where there is no gem5 to compile it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[2] / "src"


@pytest.mark.parametrize("header", sorted(SOURCES.glob("common/*.hh")), ids=lambda path: path.name)
def test_a_shared_header_is_cpp17_and_stands_alone(header: Path) -> None:
    compiler = os.environ.get("CXX", "c++")
    options = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{SOURCES}"]
    told = subprocess.run(
        [compiler, *options, "-x", "c++", "-"],
        input=f'#include "common/{header.name}"\n',
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stderr == ""
    assert told.returncode == 0
