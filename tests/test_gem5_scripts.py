# SPDX-License-Identifier: BSD-3-Clause
"""The scripts that only gem5 can run: what they say to bad options, and without gem5."""

from __future__ import annotations

import sys

import pytest
from calls import called


@pytest.mark.parametrize("script", ["random_test.py", "traffic.py"])
def test_without_gem5_they_say_what_runs_them(script: str) -> None:
    result = called(f"configs/{script}")
    assert result.returncode == 1
    assert result.stderr == (
        f"{script}: error: this needs gem5; run it with gem5.opt: gem5.opt configs/{script}\n"
    )


def test_numbers_out_of_bounds_are_told_all_at_once() -> None:
    result = called("configs/random_test.py", "--checks", "-1", "--pause", "0", "--region", "100")
    assert result.returncode == 2
    assert result.stderr == (
        "random_test.py: error: the command line has 3 faults:\n"
        "  --checks -1: not between 1 and 1000000000\n"
        "  --pause 0: not between 1 and 1000000000\n"
        "  --region 100: not a power of two\n"
    )
    result = called("configs/traffic.py", "--cores", "0", "--footprint", "100", "--duration", "20")
    assert result.returncode == 2
    for part in ("has 3 faults", "--cores 0", "--footprint 100", "--duration 20: a bare number"):
        assert part in result.stderr


def test_generators_without_an_end_are_refused() -> None:
    result = called("configs/traffic.py", "--duration", "0us")
    assert result.returncode == 2
    assert "--duration 0us: generators would never end" in result.stderr


@pytest.mark.parametrize("number", ["0", "-1"])
def test_no_random_case_is_not_every_fixed_case(number: str) -> None:
    result = called("scripts/validate.py", "--random", number, "--gem5", sys.executable)
    assert result.returncode == 2
    assert "--random: a number of cases, from 1 on" in result.stderr


@pytest.mark.parametrize(
    ("bandwidth", "nearest"),
    [("1.6GB/s", '(try "1GB/s" or "2GB/s")'), ("0.5GB/s", '(try "1GB/s")'), ("16.4GB/s", "")],
)
def test_links_that_flits_of_whole_bytes_would_change_are_refused(
    bandwidth: str, nearest: str
) -> None:
    machine = f"tiny:network.link_bandwidth={bandwidth}"
    result = called("configs/migrate.py", "--machine", machine, "--network-model", "garnet")
    assert result.returncode == 2
    told = f"give another network.link_bandwidth {nearest}"
    assert (told in result.stderr) == bool(nearest)
    assert ("whole bytes" in result.stderr) == bool(nearest)


def test_a_program_that_is_not_there_is_told() -> None:
    result = called("configs/traffic.py", "--cores", "0", "--program", "nowhere", "--cores", "4")
    assert result.returncode == 2
    for part in ("has 2 faults", "--cores 0", "--program nowhere: no such file"):
        assert part in result.stderr
    assert "--program: name the file" in called("configs/traffic.py", "--program").stderr
