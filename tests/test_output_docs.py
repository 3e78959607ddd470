# SPDX-License-Identifier: BSD-3-Clause
"""docs/output.md names every key that a run writes, and no other; docs/options.md every option.

Runs of several kinds on the tiny machine say which keys there are.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from calls import ROOT
from experiments import trace_of

import homeshift as hs
from homeshift.energy import Constants
from homeshift.experiment.options import make_parser, option_names
from homeshift.run_format import RUN_FILES, TERMINAL, TIMELINE, leaves
from homeshift.strategies import LENDING, STRATEGIES, Operation
from homeshift.strategies.parameters import parameters_of
from homeshift.workload import FullSystem, Program
from homeshift.workload.kinds import KINDS

OUTPUT = (ROOT / "docs" / "output.md").read_text(encoding="utf-8")
OPTIONS = (ROOT / "docs" / "options.md").read_text(encoding="utf-8")
EXPERIMENTS = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")

SPEEDS = tuple(
    f"{of}.instructions-per-microsecond.{when}"
    for of in ("vm", "vms[]")
    for when in ("before", "during", "after")
)
GEM5_ONLY = {
    "migration.json": set(SPEEDS),
    "config.json": {
        "workload.command",
        *(f"workload.{name}" for name in ("bios", "kernel", "initrd", "append", "disk")),
    },
}
"""Keys of runs in which gem5's CPUs run something."""


# ---- the keys of the page -------------------------------------------------------------------


def rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of each row of all tables, their headers left out."""
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        for line in table.splitlines()[2:]:
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def spelt_out(key: str) -> Iterator[str]:
    """Yield the keys that one with {a,b} stands for."""
    parts = re.split(r"\{(.*?)\}", key)
    yield from map("".join, itertools.product(*(part.split(",") for part in parts)))


def section(name: str) -> str:
    """Return the part of the page under a heading."""
    [found] = re.findall(rf"^## {re.escape(name)}\n(.*?)(?=^## |\Z)", OUTPUT, re.DOTALL | re.M)
    return str(found)


def documented(name: str) -> list[str]:
    return [
        spelt
        for cells in rows(section(name))
        for key in re.findall(r"`(.*?)`", cells[0])
        for spelt in spelt_out(key)
    ]


# ---- the keys of runs -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[hs.Result]:
    folder = tmp_path_factory.mktemp("runs")
    moving, staying = folder / "moving.toml", folder / "staying.toml"
    moving.write_text(
        '[[vm]]\nvm-memory = "64KiB"\nsource = 1\ntarget = [0]\nborrow = { 0 = 0.25 }\n', "utf-8"
    )
    staying.write_text('[[vm]]\nvm-memory = "64KiB"\nsource = 1\nworkload = "uniform"\n', "utf-8")
    trace_of(folder / "trace.npy", np.arange(1000) * 64)

    def run(strategy: str, *, machine: str = "tiny", vcpus: int = 2, **more: Any) -> hs.Result:
        vm = hs.Vm(memory="256KiB", vcpus=vcpus, borrow={1: 0.25})
        asked = {"warmup": "2us", "window": "5us", **more}
        return hs.migrate(machine=machine, vm=vm, strategy=strategy, **asked)

    return [
        run("ownership"),
        run("post-copy", vcpus=1, more_vms=moving),
        run("ownership+pull", vcpus=1, more_vms=staying, workload=f"trace:{folder / 'trace.npy'}"),
        run("pre-copy", cancel_at="5us"),
        run("post-copy", fail_target_at="30us"),
        run("pre-copy:downtime-limit=1us,max-rounds=2", horizon="1ms", fence=True),
        run("return", workload="uniform:think=1000000"),  # hardly an access
        run("ownership", machine="tiny:cache.size=64KiB", warmup="0us", window="20us"),
    ]


def constant(name: str) -> str:
    assert name.replace("-", "_") in {field.name for field in fields(Constants)}
    return "CONSTANT"


def strategy_parameter(name: str) -> str:
    known = itertools.chain.from_iterable(map(parameters_of, (STRATEGIES | LENDING).values()))
    assert re.sub("_.*", "", name) in set(known)
    return "PARAMETER"


def workload_parameter(name: str) -> str:
    assert name in {p.name for kind in KINDS.values() for p in kind.parameters}
    return "PARAMETER"


def option(name: str) -> str:
    assert name in option_names()
    return "OPTION"


def machine_key(name: str) -> str:
    key = re.sub("_(bytes_per_second|bytes|cycles|period_ps)$", "", name)
    assert f"\n| `{key}` |" in EXPERIMENTS
    return "KEY"


def key_of_first_vm(name: str) -> str:
    assert f"`vm.{re.sub(r'^borrow[.].*', 'borrow.NODE', name)}`" in OUTPUT
    return "KEY"


NAMED = (
    (r"(window\.energy-sensitivity\.|energy-constants\.)([^.]+)(\..*)", constant),
    (r"((?:migrations\[\]\.)?strategy\.)(?!name$)(.*)()", strategy_parameter),
    (r"(workload\.)(?!kind$|traces)(.*)()", workload_parameter),
    (r"(arguments\.)([^.[]+)(?:\[\]|\.\d+)?()", option),
    (r"(machine\.)(.*)()", machine_key),
    (r"(vm\.borrow\.)(\d+)()", lambda _: "NODE"),
    (r"(other_vms\[\]\.)(workload|strategy)(?:\..*)?()", str),
    (r"(other_vms\[\]\.)(?!workload|strategy|start_ticks)(.*)()", key_of_first_vm),
)
"""Keys that have a name of something in them, and what the page has in its place."""


def general(key: str) -> str:
    """Return a key of a run as the page has it."""
    key = re.sub(r"\[\d+\]", "[]", key)
    for pattern, named in NAMED:
        if part := re.fullmatch(pattern, key):
            return part[1] + named(part[2]) + part[3]
    return key


def occurring(contents: Iterable[Any]) -> set[str]:
    """Return the keys in what a file of each run holds; a list of none has no elements."""
    return {
        general(key)
        for content in contents
        for key, _ in leaves(json.loads(json.dumps(content)), lists=True)
    }


# ---- tests ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "content"), [("migration.json", "summary"), ("config.json", "config")]
)
def test_every_key_of_a_file_is_described(file: str, content: str, runs: list[hs.Result]) -> None:
    keys = documented(file)
    assert len(keys) == len(set(keys))
    found = occurring(getattr(run, content) for run in runs)
    assert found.isdisjoint(GEM5_ONLY[file])
    assert set(keys) == found | GEM5_ONLY[file]


def test_the_keys_of_what_gem5_runs_are_those_of_config_json() -> None:
    booted = (FullSystem(bios="fw_jump.elf"), Program(command=("threads",), isa="riscv"))
    written = {f"workload.{name}" for it in booted for name in it.to_dict().keys() - {"kind"}}
    assert written == GEM5_ONLY["config.json"]


def test_every_phase_is_described(runs: list[hs.Result]) -> None:
    operations = {
        re.sub("(?<!^)([A-Z])", r"-\1", kind.__name__).lower() for kind in Operation.__args__
    }
    occur = {phase["name"] for run in runs for phase in run.summary["phases"]}
    text = OUTPUT[OUTPUT.index("A phase has the name") : OUTPUT.index("### vms")]
    assert {name for name in re.findall(r"`([a-z0-9-]+)`", text) if name[0] != "-"} == (
        operations | occur
    )


def test_every_file_of_a_run_is_described() -> None:
    files = [cells[0].strip("`") for cells in rows(OUTPUT[: OUTPUT.index("## migration.json")])]
    assert sorted(files) == sorted([*RUN_FILES, TIMELINE, TERMINAL])


# ---- options --------------------------------------------------------------------------------


def default_of(action: argparse.Action) -> str:
    """Return the default as the table has it; some options tell theirs in a sentence."""
    told = re.search(r"\(default: (.*)\)", action.help or "")
    if action.nargs == 0:
        return "off"
    if action.default in (None, ""):
        return re.sub(r"(--\w+)", r"`\1`", told[1]) if told else "none"
    return f"`{action.default}`"


def test_every_option_is_described_with_its_default() -> None:
    actions = [
        action for action in make_parser()._actions if not isinstance(action, argparse._HelpAction)
    ]
    found = {cells[0]: cells[1:] for cells in rows(OPTIONS)}
    assert len(found) == len(list(rows(OPTIONS)))
    expected = {}
    for action in actions:
        [name] = action.option_strings
        value = str(action.metavar or "").replace("|", " or ")
        value += f" [{value} ...]" if action.nargs == "+" else ""
        expected[f"`{name} {value}`" if value else f"`{name}`"] = action
    assert found.keys() == expected.keys()
    for option, (default, meaning) in found.items():
        action = expected[option]
        assert default == default_of(action), option
        sentence = re.sub(r" \(default: .*\)", "", action.help or "")
        assert sentence in meaning.replace("`", ""), option
