# SPDX-License-Identifier: BSD-3-Clause
"""Is a sweep's page complete, true, and able to stand alone?"""

from __future__ import annotations

import itertools
import json
import math
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest
from calls import ROOT, called
from conftest import WriteRun, write_note

from homeshift.analysis import machine_drawing
from homeshift.analysis.report import _of_link, _parameters, _pool
from homeshift.analysis.selection import shown_value
from homeshift.machine import load_machine

FILE = 'strategy = ["ownership", "stop-and-copy"]\nseed = [1, 2]  # <two> seeds\n'


def point(us: float, accesses: int) -> dict[str, Any]:
    return {
        "time": us * 1e-6,
        "accesses": [accesses],
        "remote-accesses": [accesses // 2],
        "migration-bytes": 0,
        "energy": dict.fromkeys(("total", "total-low", "total-high"), us * 1e-06),
        "links-busy": [us * 5e-7],
    }


@pytest.fixture
def sweep(write_run: WriteRun, tmp_path: Path) -> Path:
    """A sweep of two strategies and two seeds, of which a third seed failed."""
    machine = load_machine("quad").to_dict()
    runs: list[str | dict[str, Any]] = []
    for strategy, time in (("ownership", 1e-4), ("stop-and-copy", 8e-4)):
        for seed in (1, 2):
            name = f"{strategy}-{seed}"
            write_run(
                f"sweep/runs/{name}",
                migration={
                    "strategy": strategy,
                    "total-time": time,
                    "progress": [point(0, 0), point(10, 900), point(50, 4800)],
                    "links": [{"source": 0, "target": 4}],
                },
                config={
                    "machine": machine,
                    "vm": {"source": 0, "targets": [1], "borrow": {"2": 0.5}},
                    "arguments": {"seed": seed, "vm-memory": 16 << 20, "horizon": 50_000_000},
                },
            )
            runs.append({"run": name, "engine": "embedded", "options": {"seed": seed}})
    runs.append({"run": "lost", "engine": "embedded", "options": {"seed": 3}})
    write_note(tmp_path / "sweep", runs, file=FILE)
    (tmp_path / "sweep" / "failed").mkdir()
    failure = {"format": 5, "error": "migrate.py: error: <memory> & more"}
    (tmp_path / "sweep" / "failed" / "lost.json").write_text(json.dumps(failure), encoding="utf-8")
    return tmp_path / "sweep"


def report(runs: Path, output: Path, *others: str) -> subprocess.CompletedProcess[str]:
    return called("scripts/report.py", runs, *others, "-o", output)


class Page(HTMLParser):
    """Collects texts, what is loaded, and whether tags are closed."""

    VOID = frozenset({"meta", "img", "rect", "circle", "line"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def test_the_page_stands_alone_and_says_what_the_runs_say(sweep: Path, tmp_path: Path) -> None:
    result = report(sweep, tmp_path / "page.html")
    assert result.returncode == 0
    assert result.stderr == (
        "report.py: warning: 1 of 5 runs are missing, 1 of them failed (its folder failed/ says "
        "why)\n"
        "report.py: warning: 4 of 4 runs differ in their seed and in no result: nothing in them is "
        "by chance, as with a trace, and intervals over seeds say nothing about them\n"
    )
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert len(page.loaded) == 4  # costs, progress, crossover, links; nothing varies but seeds
    assert all(name.startswith("data:image/svg+xml;base64,") for name in page.loaded)
    assert not re.search(r"@import|url\(", text)
    row = page.texts.index("total time [us]")
    assert [t for t in page.texts[row + 1 : row + 6] if t][:2] == ["100 ± 0", "800 ± 0"]
    assert "8.00x [8.00, 8.00]" in page.texts
    assert "the share of its accesses that needed another node (none is drawn" in text
    assert "4 migrations of a virtual machine, over 2 seeds;" in text
    assert "node 2 (lender)" in page.texts
    assert "quad: 4 nodes, crossbar; links of 32.0 GB/s and 27.5 ns. Blue:" in text
    row = page.texts.index("vm-memory")
    assert page.texts[row + 1] == "16MiB"
    assert any(FILE.strip() in data for data in page.texts)
    assert "python scripts/sweep.py mine.toml --outdir results/mine" in text


def test_the_page_has_what_is_needed_to_repeat_the_sweep(sweep: Path, tmp_path: Path) -> None:
    note = json.loads((sweep / "sweep.json").read_text(encoding="utf-8"))
    note["files"] = {"my/pool.toml": 'clock = "2GHz"  # <fast>\n'}
    (sweep / "sweep.json").write_text(json.dumps(note), encoding="utf-8")
    assert report(sweep, tmp_path / "page.html").returncode == 0
    texts = Page((tmp_path / "page.html").read_text(encoding="utf-8")).texts
    machine = load_machine("quad")
    for name, value in (
        ("machine.network.link_latency", f"{machine.network.link_latency_cycles} cycles"),
        ("machine.network.link_bandwidth", "32GB/s"),
        ("machine.slc.size", "4MiB"),
        ("workload.kind", "zipf"),
    ):
        assert texts[texts.index(name) + 1] == value
    assert texts[texts.index("my/pool.toml") + 3] == 'clock = "2GHz"  # <fast>'


def test_parameters_that_vary_stand_before_those_that_do_not() -> None:
    columns = {"arguments.vcpus": [4, 4], "arguments.seed": [1, 2], "workload.kind": ["zipf"] * 2}
    assert _parameters(pd.DataFrame(columns)) == [
        *(("seed", "1; 2"), ("vcpus", "4"), ("workload.kind", "zipf"))
    ]


def test_an_option_that_some_runs_are_not_given_varies() -> None:
    table = pd.DataFrame({"arguments.horizon": [None, 10**9], "workload.ring": [None, 4096]})
    assert _parameters(table) == [("horizon", "none; 1ms"), ("workload.ring", "4096")]


def test_the_memory_of_a_pool_is_told_with_its_units() -> None:
    pool = load_machine("pool").to_dict()
    period = pool["clock_period_ps"]
    assert f"and {pool['pool']['latency_cycles'] * period / 1e3:.4g} ns, links of" in _pool(pool)


def test_links_of_ones_own_are_as_those_of_the_pool_where_they_are_at_it() -> None:
    machine = load_machine("pool").to_dict()
    key = "bandwidth_bytes_per_second"
    among, at_pool = {"between": [0, 3], key: None}, {"between": [1, 4], key: None}
    speeds = [_of_link(machine, link, key) / 1e9 for link in ({}, among, at_pool)]
    assert speeds == [32, 32, 64]
    assert _of_link(machine, {**at_pool, key: 8e9}, key) == 8e9


@pytest.mark.parametrize(
    ("pages", "horizon", "drawn"),
    [(16, 50_000_000, True), (4096, 50_000_000, False), (16, None, False)],
)
def test_whether_data_is_better_left_is_drawn_if_it_is_missed_and_all_have_one_horizon(
    sweep: Path, tmp_path: Path, pages: int, horizon: int | None, drawn: bool
) -> None:
    for path in (sweep / "runs").iterdir():
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
        config["arguments"]["horizon"] = horizon
        (path / "config.json").write_text(json.dumps(config), encoding="utf-8")
        migration = json.loads((path / "migration.json").read_text(encoding="utf-8"))
        migration |= {"total-time": 1e-6}
        migration["ram"]["total"] = pages * 4096
        (path / "migration.json").write_text(json.dumps(migration), encoding="utf-8")
    assert report(sweep, tmp_path / "page.html").returncode == 0
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert ("stop-and-copy pays, instead of ownership, not up to" in text) == drawn
    costs = horizon is not None  # whether costs over time are drawn
    assert len(Page(text).loaded) == 3 + costs + drawn


def test_failed_runs_are_shown_with_their_error_and_nothing_is_taken_for_markup(
    sweep: Path, tmp_path: Path
) -> None:
    assert report(sweep, tmp_path / "page.html").returncode == 0
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "1 of 5 runs are missing, 1 of them failed" in text
    assert "runs failed" not in text  # which would say it twice
    assert "migrate.py: error: &lt;memory&gt; &amp; more" in text
    assert "configs/migrate.py --seed 3" in text
    assert "&lt;two&gt; seeds" in text


def test_a_sweep_that_was_not_run_to_its_end_is_not_shown_as_if(
    sweep: Path, tmp_path: Path
) -> None:
    shutil.rmtree(sweep / "runs" / "ownership-2")
    result = report(sweep, tmp_path / "page.html")
    assert result.returncode == 0
    missing = (
        "2 of 5 runs are missing, 1 of them failed (its folder failed/ says why); the same call of "
        "scripts/sweep.py makes the others"
    )
    left_out = "1 of 3 runs are left out, as not every group has one of each of their "
    assert missing in result.stderr
    assert left_out in result.stderr
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<title>mine: 3 migrations</title>" in text
    page = Page(text)
    assert f"{missing}." in page.texts
    assert any(data.startswith(left_out) for data in page.texts)
    assert page.texts[page.texts.index("total time [us]") + 2] == "100"  # one seed, no interval


def test_a_record_of_a_failed_run_that_cannot_be_read_is_named(sweep: Path, tmp_path: Path) -> None:
    path = sweep / "failed" / "lost.json"
    path.write_text("", encoding="utf-8")
    result = report(sweep, tmp_path / "page.html")
    assert result.returncode == 2
    assert f"failed run '{path}' has a fault:\n  lost.json: not valid JSON" in result.stderr
    assert "remove the file, and the same call of scripts/sweep.py" in result.stderr


def test_a_sweep_of_which_no_migration_completed_has_a_page(sweep: Path, tmp_path: Path) -> None:
    for path in sweep.glob("runs/*/migration.json"):
        path.write_text(path.read_text().replace('"completed"', '"failed"'), encoding="utf-8")
    result = report(sweep, tmp_path / "page.html")
    assert result.returncode == 0, result.stderr
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "migrations are not completed (failed:" in page
    assert "Cost by strategy" not in page


def test_a_sweep_of_which_nothing_is_done_has_no_page(sweep: Path, tmp_path: Path) -> None:
    shutil.rmtree(sweep / "runs")
    result = report(sweep, tmp_path / "page.html")
    assert result.returncode == 2
    assert "no run is done" in result.stderr
    assert not (tmp_path / "page.html").exists()


def test_a_sweep_of_one_run_of_several_vms_is_told_as_such(sweep: Path, tmp_path: Path) -> None:
    for name in ("ownership-2", "stop-and-copy-1", "stop-and-copy-2"):
        shutil.rmtree(sweep / "runs" / name)
    path = sweep / "runs" / "ownership-1" / "migration.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["vms"] = [{}, {}]
    for seen in content["progress"]:
        seen["accesses"] *= 2
        seen["remote-accesses"] *= 2
    path.write_text(json.dumps(content), encoding="utf-8")
    result = report(sweep, tmp_path / "page.html")
    said = "1 of 1 runs have several VMs: times, pages and accesses are those of the first one"
    assert f"report.py: warning: {said}" in result.stderr
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert f"{said}, bytes, energy and entries moved those of all.</p>" in text
    assert ">1 migration of a virtual machine;" in text
    assert "<summary>the run</summary>" in text
    assert "ratios" not in text  # to which there is nothing


def test_runs_without_a_window_have_a_page_without_what_needs_it(
    sweep: Path, tmp_path: Path
) -> None:
    for path in (sweep / "runs").glob("*/migration.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        content["vm"]["accesses-per-microsecond"]["before"] = None
        path.write_text(json.dumps(content), encoding="utf-8")
    result = report(sweep, tmp_path / "page.html")
    assert result.returncode == 0, result.stderr
    page = Page((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert len(page.loaded) == 2  # costs and links


def test_equal_sweeps_give_equal_pages(sweep: Path, tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        assert report(sweep, tmp_path / name).returncode == 0
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_runs_of_no_sweep_have_a_page_as_well(sweep: Path, tmp_path: Path) -> None:
    folder = (sweep / "runs").rename(tmp_path / "folder")
    result = report(folder / "ownership-1", tmp_path / "two.html", str(folder / "stop-and-copy-1"))
    assert (result.returncode, result.stderr) == (0, "")
    text = (tmp_path / "two.html").read_text(encoding="utf-8")
    assert "<title>ownership-1, stop-and-copy-1: 2 migrations</title>" in text
    assert "8.00x" in Page(text).texts
    assert "The options of a run of no sweep are in its" in text
    assert "scripts/sweep.py" not in text
    assert report(folder, tmp_path / "some.html", "--where", "seed=2").returncode == 0
    text = (tmp_path / "some.html").read_text(encoding="utf-8")
    assert "<title>folder: 2 migrations</title>" in text
    assert "Only runs with seed=2." in text


def test_sweeps_beside_each_other_are_told_apart(sweep: Path, tmp_path: Path) -> None:
    shutil.copytree(sweep, tmp_path / "other")
    note = json.loads((tmp_path / "other/sweep.json").read_text(encoding="utf-8"))
    (tmp_path / "other/sweep.json").write_text(json.dumps(note | {"name": "yours"}), "utf-8")
    for path in tmp_path.glob("other/runs/*/config.json"):
        path.write_text(re.sub('"seed": ', '"seed": 1', path.read_text("utf-8")), "utf-8")
    result = report(sweep, tmp_path / "page.html", str(tmp_path / "other"))
    assert result.returncode == 0
    assert f"warning: sweep '{tmp_path / 'other'}': 1 of 5 runs are missing" in result.stderr
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<title>mine, yours: 8 migrations</title>" in text
    assert "python scripts/report.py results/mine results/yours -o report.html" in text
    assert '<summary class="bad">2 failed</summary>' in text
    assert "sweep.py mine.toml" in text
    assert "sweep.py yours.toml" in text
    (tmp_path / "other/sweep.json").write_text(json.dumps(note), "utf-8")  # of the same name
    assert report(sweep, tmp_path / "page.html", str(tmp_path / "other")).returncode == 0
    assert "<title>sweep, other: 8 migrations</title>" in (tmp_path / "page.html").read_text(
        "utf-8"
    )


def test_a_file_that_would_not_be_html_is_refused_first(tmp_path: Path) -> None:
    result = report(tmp_path / "none", tmp_path / "folder" / "page.pdf")
    assert result.returncode == 2
    assert "page.pdf' has 2 faults:\n  must end in .html\n  there is no directory" in result.stderr


@pytest.mark.parametrize(
    ("machine", "links"),
    [
        ("quad", 4),
        ("quad:network.topology=ring", 4),
        ("quad:network.topology=fully-connected", 6),
        ("quad:nodes=64,cores.per_node=1", 64),
    ],
)
def test_a_machine_is_drawn_with_its_nodes_and_links(machine: str, links: int) -> None:
    described = load_machine(machine).to_dict()
    last = described["nodes"] - 1
    svg = machine_drawing.draw(
        described, {"source": last, "targets": [1], "borrow": {"1": 0.1, "2": 0.5}}
    )
    tree = ElementTree.fromstring(svg)
    kinds = [element.tag.rpartition("}")[2] for element in tree]
    assert kinds.count("rect") == described["nodes"]
    assert kinds.count("line") == links
    titles = [element[0].text for element in tree if element.tag.endswith("rect")]
    assert titles[:3] == ["node 0", "node 1 (target, lender)", "node 2 (lender)"]
    assert titles[last] == f"node {last} (source)"
    few = [element.text for element in tree if element.get("font-weight") == "bold"]
    assert few == (titles if last < 8 else [])
    assert ("in each: 1 core, 256 KiB each; home, SLC" in svg) == (last > 8)
    assert float(tree.get("width") or 0) < 1056  # what a page has, so that text keeps its size
    left, top, width, height = (float(part) for part in (tree.get("viewBox") or "").split())
    for box in (element for element in tree if element.tag.endswith("rect")):
        assert left <= float(box.get("x") or -1)
        assert float(box.get("x") or 0) + float(box.get("width") or 0) <= width
        assert top <= float(box.get("y") or -1)
        assert float(box.get("y") or 0) + float(box.get("height") or 0) <= height


def test_a_pool_is_drawn_without_cores() -> None:
    pool = load_machine("pool").to_dict()
    tree = ElementTree.fromstring(machine_drawing.draw(pool, {"source": 0, "targets": [1]}))
    cores = [e.text for e in tree if (e.text or "").endswith("cores") or "cores," in (e.text or "")]
    assert cores == ["4 cores, 256 KiB each"] * 4 + ["no cores"]
    assert "pool, node 4" in [e.text for e in tree]


def test_boxes_of_many_nodes_are_not_on_each_other() -> None:
    for machine in ("rack64", "quad:nodes=16,cores.per_node=1", "quad:nodes=9"):
        tree = ElementTree.fromstring(
            machine_drawing.draw(load_machine(machine).to_dict(), {"source": 0, "targets": [1]})
        )
        boxes = [e for e in tree if e.tag.endswith("rect")]
        corners = [(float(e.get("x") or 0), float(e.get("y") or 0)) for e in boxes]
        for (x, y), (other_x, other_y) in itertools.combinations(corners, 2):
            assert abs(x - other_x) > 30 or abs(y - other_y) > 22


@pytest.mark.parametrize(
    "pairs",
    [
        [(node, 4 + node) for node in range(4)] + [(4 + node, 8) for node in range(4)],
        [(0, 6), (1, 4), (2, 5), (3, 4), (4, 5), (5, 6)],
        [(0, 1), (1, 2), (2, 3), *((0, 4 + spine) for spine in range(12))],
        [(node, router) for node in range(4) for router in range(4, 16)],
    ],
)
def test_no_router_is_on_a_node_or_another_or_outside(pairs: list[tuple[int, int]]) -> None:
    machine = load_machine("quad").to_dict()
    machine["network"] |= {"topology": "links", "links": [{"between": pair} for pair in pairs]}
    tree = ElementTree.fromstring(machine_drawing.draw(machine, {"source": 0, "targets": [3]}))
    circles = [
        tuple(float(e.get(key) or -1) for key in ("cx", "cy", "r"))
        for e in tree
        if e.tag.endswith("circle")
    ]
    assert len(circles) == len({router for pair in pairs for router in pair if router > 3})
    _, _, width, height = (float(part) for part in (tree.get("viewBox") or "").split())
    boxes = [
        tuple(float(e.get(key) or -1) for key in ("x", "y", "width", "height"))
        for e in tree
        if e.tag.endswith("rect")
    ]
    for x, y, r in circles:
        assert r <= x <= width - r
        assert r <= y <= height - r
        for left, top, wide, high in boxes:
            nearest = min(max(x, left), left + wide), min(max(y, top), top + high)
            assert math.dist((x, y), nearest) > r
    for (x, y, r), (other_x, other_y, _) in itertools.combinations(circles, 2):
        assert math.dist((x, y), (other_x, other_y)) > 2 * r


def test_routers_without_a_node_are_drawn_between_their_nodes() -> None:
    file = ROOT / "tests" / "gem5" / "chassis.toml"
    chassis = load_machine(str(file)).to_dict()
    tree = ElementTree.fromstring(machine_drawing.draw(chassis, {"source": 0, "targets": [3]}))
    circles = [e for e in tree if e.tag.endswith("circle")]
    assert len({(e.get("cx"), e.get("cy")) for e in circles}) == len(circles) == 2
    assert sum(e.tag.endswith("line") for e in tree) == 8
    assert {"4", "5"} <= {e.text for e in tree}


def test_a_mesh_is_drawn_as_a_grid() -> None:
    mesh = load_machine("quad:network.topology=mesh,network.columns=2").to_dict()
    tree = ElementTree.fromstring(machine_drawing.draw(mesh, {"source": 0, "targets": [3]}))
    boxes = [e for e in tree if e.tag.endswith("rect")]
    assert len({e.get("x") for e in boxes}) == len({e.get("y") for e in boxes}) == 2
    assert sum(e.tag.endswith("line") for e in tree) == 4


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("arguments.vm-memory", 64 << 20, "64MiB"),
        ("vm.memory_bytes", 64 << 20, "64MiB"),
        ("machine.network.link_bandwidth_bytes_per_second", 25.6e9, "25.6GB/s"),
        ("horizon", 10**9, "1ms"),
        ("horizon", None, "None"),
        ("arguments.fail-target-at", 2 * 10**6, "2us"),
        ("arguments.stage2-entry", 8, "8B"),
        ("strategy.cpu-throttle-slice_ticks", 4 * 10**7, "40us"),
        ("seed", 3, "3"),
        ("workload", "zipf", "zipf"),
    ],
)
def test_options_are_shown_as_a_user_gives_them(name: str, value: object, text: str) -> None:
    assert shown_value(name, value) == text
