# SPDX-License-Identifier: BSD-3-Clause
"""How busy each link is over time, in gem5 and in the embedded engine."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from calls import called
from gem5_binary import REPOSITORY, gem5, needs_gem5

from homeshift.run_format import leaves

pytestmark = needs_gem5

RUN = ("--vm-memory", "64KiB", "--warmup", "2us", "--window", "20us", "--strategy", "stop-and-copy")
MESSAGE_SECONDS = 72 / 1e9  # of the longest message on a link of 1 GB/s; these are faster


def summaries(tmp_path: Path, *options: str) -> list[dict[str, Any]]:
    """Return migration.json of the embedded engine and of gem5."""
    inside = gem5(tmp_path / "gem5", "configs/migrate.py", *options)
    assert inside.returncode == 0, inside.stdout + inside.stderr
    outdir = ("--outdir", tmp_path / "embedded")
    assert called("configs/migrate.py", *options, *outdir, cwd=REPOSITORY).returncode == 0
    return [
        json.loads((tmp_path / name / "migration.json").read_text(encoding="utf-8"))
        for name in ("embedded", "gem5")
    ]


@pytest.mark.parametrize("machine", ["tiny", "tests/gem5/serial-mesh.toml"])
def test_both_engines_say_the_same_of_each_link_at_each_moment(
    machine: str, tmp_path: Path
) -> None:
    ours, theirs = summaries(tmp_path, "--machine", machine, *RUN)
    assert ours["links"] == theirs["links"]
    assert len(ours["progress"]) == len(theirs["progress"]) > 30
    for point, other in zip(ours["progress"], theirs["progress"], strict=True):
        assert dict(leaves(point, lists=True)) == pytest.approx(
            dict(leaves(other, lists=True)), rel=1e-9
        )
    last = ours["progress"][-1]["links-busy"]
    assert max(last) > 20 * MESSAGE_SECONDS  # or it would not tell one link from another
    assert len({round(busy * 1e9) for busy in last}) > 1


def test_links_between_two_thousandths_of_a_byte_a_cycle_are_as_fast(tmp_path: Path) -> None:
    slow = ("--machine", "tiny:network.link_bandwidth=10.5MB/s", *RUN, "--vm-memory", "16KiB")
    ours, theirs = summaries(tmp_path, *slow, "--vcpus", "1", "--workload", "uniform:shared=0")
    assert ours["downtime"] == theirs["downtime"]
    lines = (16 + 1) * 1024 / 64 + 1  # and the vCPU's state, and the page table
    assert ours["downtime"] == pytest.approx(lines * 72 / 11e6, rel=0.02)


def test_gem5_counts_bytes_of_links_without_the_warm_up(tmp_path: Path) -> None:
    """What leaves the crossbar's hub, in both files of statistics: gem5 leaves throttles out."""
    summaries(tmp_path, "--machine", "tiny", *RUN, "--borrow", "1:0.5")
    hub = re.compile(r"system\.ruby\.network\.routers2\.throttle\d+\.total_msg_bytes +(\d+)")
    links = re.compile(r"system\.ruby\.network\.int_links\d*[13]\.total_msg_bytes +(\d+)")
    totals = [
        sum(map(int, pattern.findall((tmp_path / name / "stats.txt").read_text(encoding="utf-8"))))
        for name, pattern in (("gem5", hub), ("embedded", links))
    ]
    assert totals[0] == totals[1] > 10_000


def test_garnet_does_not_tell(tmp_path: Path) -> None:
    mesh = ("--machine", "tests/gem5/serial-mesh.toml", "--network-model", "garnet")
    run = gem5(tmp_path, "configs/migrate.py", *mesh, *RUN[:-1], "ownership")
    assert run.returncode == 0, run.stdout + run.stderr
    summary = json.loads((tmp_path / "migration.json").read_text(encoding="utf-8"))
    assert summary["links"] == []
