# SPDX-License-Identifier: BSD-3-Clause
"""Commands do what the pages say: each block of `$` commands is run, and its output compared.

Blocks are run from an empty folder that has links to what is in the repository, in the order of the
page, so that a later command finds what an earlier one wrote. A line `...` in the expected output
stands for any lines. `make` is left out: this test is part of it. So is what needs gem5.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from calls import ROOT

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[tuple[str, str]]:
    """Return the commands of a page with the output that it shows."""
    found: list[tuple[str, str]] = []
    for block in BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.splitlines()
            command = lines.pop(0)
            while command.endswith("\\"):
                command = command[:-1].rstrip() + " " + lines.pop(0).strip()
            found.append((command, "\n".join(lines).strip()))
    return found


def matches(expected: str, actual: str) -> bool:
    """Compare line by line, blind to space at line ends; `...` stands for any lines."""
    pattern = r"\n".join(
        r"(?:.*\n?)*?" if line.strip() == "..." else re.escape(line.rstrip())
        for line in expected.splitlines()
    )
    got = "\n".join(line.rstrip() for line in actual.strip().splitlines())
    return re.fullmatch(pattern.replace(r"(?:.*\n?)*?\n", r"(?:.*\n)*?"), got) is not None


def test_the_comparison_sees_a_difference() -> None:
    assert matches("a\n...\nd", "a\nb\nc\nd\n")
    assert matches("a\nb", "a  \nb")
    assert not matches("a\n...\nd", "a\nb\nc\n")
    assert not matches("total 1.00", "total 1.01")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("configs", "scripts", "plots", "traces", "src", "benchmarks"):
        if (ROOT / name).exists():
            (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


@pytest.mark.parametrize("page", ["README.md", "docs/experiments.md"])
def test_the_commands_of_a_page_give_the_output_it_shows(place: Path, page: str) -> None:
    shown = [
        (command, output)
        for command, output in commands((ROOT / page).read_text("utf-8"))
        if not command.startswith(("make ", "gem5.opt ", "git ", "cd "))
    ]
    assert len(shown) >= 4
    folder = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    for command, expected in shown:
        done = subprocess.run(
            command,
            shell=True,
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        if expected:
            assert matches(expected, done.stdout), f"{command} gave\n{done.stdout}\nnot\n{expected}"
