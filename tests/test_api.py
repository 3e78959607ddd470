# SPDX-License-Identifier: BSD-3-Clause
"""Does `import homeshift as hs` do what the command line does, with tables for results?"""

from __future__ import annotations

import dataclasses
import json
import re
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from calls import ROOT, called
from conftest import CONFIG, MIGRATION

import homeshift as hs
from homeshift.analysis.runs import read_run
from homeshift.errors import InputError
from homeshift.experiment.run import Experiment
from homeshift.machine import load_machine
from homeshift.run_format import leaves
from homeshift.strategies import Strategy, parameters
from homeshift.strategies.ownership import Ownership
from homeshift.strategies.pre_copy import PreCopy
from homeshift.strategies.stop_and_copy import StopAndCopy


@pytest.fixture(scope="module")
def run() -> hs.Result:
    vm = hs.Vm(memory="256KiB", borrow={1: 0.25})
    return hs.migrate(
        machine="tiny", vm=vm, strategy="pre-copy", warmup="5us", window="10us", horizon="300us"
    )


def made_by_both(run: hs.Result, folder: Path, options: str) -> None:
    """Save the run as `python`, make it by the command line as `shell`, and hold them together."""
    run.save(folder / "python")
    done = called("configs/migrate.py", *options.split(), "--outdir", folder / "shell")
    assert done.returncode == 0, done.stderr
    both = (folder / "python", folder / "shell")
    for name in ("stats.txt", "migration.json"):
        python, shell = ((made / name).read_bytes() for made in both)
        assert python == shell
    configs = [json.loads((made / "config.json").read_text()) for made in both]
    for section in configs[0].keys() - {"arguments"}:
        assert configs[0][section] == configs[1][section]
    asked, given = (config["arguments"] for config in configs)
    assert asked.keys() == given.keys()
    assert {name for name in asked if asked[name] != given[name]} == {"outdir"}


def test_python_and_the_command_line_give_the_same_run(run: hs.Result, tmp_path: Path) -> None:
    options = "--machine tiny --vm-memory 256KiB --borrow 1:0.25 --strategy pre-copy --warmup 5us"
    made_by_both(run, tmp_path, f"{options} --window 10us --horizon 300us")
    assert read_run(tmp_path / "python").strategy == "pre-copy"
    compared = called("scripts/compare.py", tmp_path / "python", tmp_path / "shell")
    assert (compared.returncode, compared.stderr) == (0, "")


def test_every_argument_reaches_the_simulation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def note(**arguments: Any) -> Experiment:
        asked.update(arguments)
        return Experiment(**arguments)

    monkeypatch.setattr("homeshift.experiment.run.Experiment", note)
    vm = hs.Vm(memory="256KiB", vcpus=2, source=3, target=[1, 2], region="16KiB")
    run = hs.migrate(vm=vm, warmup="5us", window="10us", seed=7, check=True)
    assert (asked["seed"], asked["check"]) == (7, True)
    options = "--vm-memory 256KiB --vcpus 2 --source 3 --target 1,2 --region 16KiB --warmup 5us"
    made_by_both(run, tmp_path, f"{options} --machine quad --window 10us --seed 7 --check")
    assert list(run.phases["target"].unique()) == [1, 2]


TINY: dict[str, Any] = {"machine": "tiny", "warmup": "5us", "window": "10us"}


@pytest.mark.parametrize(
    ("arguments", "vm", "options", "status"),
    [
        ({"cancel_at": "1us"}, {}, "--cancel-at 1us", "cancelled"),
        ({"fail_target_at": "1us"}, {}, "--fail-target-at 1us", "failed"),
        ({"fence": True, "strategy": "static-homes"}, {}, "--fence --strategy static-homes", ""),
        (
            {"keep_borrowed": True, "strategy": "stop-and-copy"},
            {"borrow": {1: 0.25}, "stage2_entry": "0B"},
            "--keep-borrowed --strategy stop-and-copy --borrow 1:0.25 --stage2-entry 0B",
            "",
        ),
    ],
    ids=["cancel", "failure", "fence", "kept"],
)
def test_what_ends_a_migration_and_what_comes_after_it_can_be_asked_for(
    arguments: dict[str, Any], vm: dict[str, Any], options: str, status: str, tmp_path: Path
) -> None:
    run = hs.migrate(**TINY, **arguments, vm=hs.Vm(memory="256KiB", **vm))
    usual = hs.migrate(
        **TINY, strategy=arguments.get("strategy", "ownership"), vm=hs.Vm(memory="256KiB")
    )
    assert run.summary != usual.summary
    assert run.summary["status"] == (status or "completed")
    options = f"--machine tiny --vm-memory 256KiB --warmup 5us --window 10us {options}"
    made_by_both(run, tmp_path, options)


def test_a_machine_can_be_named_by_a_path(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text((ROOT / "configs" / "machines" / "tiny.toml").read_text())
    settings: dict[str, Any] = {"vm": hs.Vm(memory="64KiB"), "window": "5us", "warmup": "5us"}
    by_path, by_text = (hs.migrate(machine=name, **settings) for name in (file, str(file)))
    assert by_path.config == by_text.config


def test_runs_that_tests_invent_have_the_keys_of_one(run: hs.Result) -> None:
    for invented, real in ((MIGRATION, run.summary), (CONFIG, run.config)):
        there = {name for name, _ in leaves(real)}
        assert [name for name, _ in leaves(invented) if name not in there] == []
    [invented], [real] = MIGRATION["migrations"], run.summary["migrations"]
    assert invented.keys() <= real.keys()
    assert invented["phases"][0].keys() <= real["phases"][0].keys()


def test_a_timeline_is_saved_when_asked_for(run: hs.Result, tmp_path: Path) -> None:
    assert not (run.save(tmp_path / "without") / "timeline.json").exists()
    saved = run.save(tmp_path / "with", timeline=True)
    assert json.loads((saved / "timeline.json").read_text())["traceEvents"]
    assert json.loads((saved / "config.json").read_text())["arguments"]["timeline"] is True


def test_a_migration_is_cancelled_or_its_target_fails() -> None:
    with pytest.raises(InputError, match="fail_target_at: not together with cancel_at"):
        hs.migrate(cancel_at="1us", fail_target_at="2us")


def test_energy_is_that_of_the_constants_that_are_given(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        "[link]\nlow = 1\ntypical = 20\nhigh = 300\nunit = 'pJ/bit'\nsource = 'a test'\n"
    )
    settings: dict[str, Any] = {
        "machine": "tiny",
        "vm": hs.Vm(memory="64KiB", vcpus=1),
        "workload": "uniform:think=1000000",
        "window": "5us",
        "warmup": "5us",
    }
    run, usual = hs.migrate(**settings, energy=file), hs.migrate(**settings)
    assert run.summary["energy"]["dram"] == usual.summary["energy"]["dram"]
    on_links = [each.summary["energy"]["interconnect"] for each in (run, usual)]
    typical = usual.config["energy-constants"]["link"]["typical"]
    assert on_links[0] / on_links[1] == pytest.approx(20 / typical)
    options = "--machine tiny --vm-memory 64KiB --vcpus 1 --workload uniform:think=1000000"
    made_by_both(run, tmp_path, f"{options} --window 5us --warmup 5us --energy {file}")
    assert run.config["energy-constants"]["link"] == {"low": 1, "typical": 20, "high": 300}


def test_a_machine_of_links_without_any_is_told() -> None:
    quad = load_machine("quad")
    machine = dataclasses.replace(quad, network=dataclasses.replace(quad.network, topology="links"))
    with pytest.raises(InputError, match=r"network\.links: missing"):
        hs.migrate(machine=machine, report=print)
    with pytest.raises(InputError, match="report = 3: no function of a line"):
        hs.migrate(report=3)  # type: ignore[arg-type]


def test_what_a_run_says_on_the_way_is_reported() -> None:
    said: list[str] = []
    vm = hs.Vm(memory="4MiB")
    settings = {"machine": "quad", "vm": vm, "warmup": "0ns"}
    run = hs.migrate(**settings, window="50us", report=said.append)  # type: ignore[arg-type]
    assert any("not steady" in line for line in said)
    assert "steady before no" in repr(run)
    assert "speed before" not in repr(run)
    run = hs.migrate(**settings, window="0ns")  # type: ignore[arg-type]
    assert "speed before not known" in repr(run)


def test_several_vms_are_those_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "vms.toml"
    file.write_text('[[vm]]\nsource = 1\ntarget = [0]\nworkload = "stream"\nstart = "1us"\n')
    vm = hs.Vm(memory="256KiB", vcpus=1)
    run = hs.migrate(machine="tiny", vm=vm, more_vms=file, warmup="5us", window="10us")
    assert list(run.phases["vm"].unique()) == [0, 1]
    options = f"--machine tiny --vm-memory 256KiB --vcpus 1 --more-vms {file} --warmup 5us"
    made_by_both(run, tmp_path, f"{options} --window 10us")


def test_faults_of_several_vms_are_told_beside_all_others(tmp_path: Path) -> None:
    file = tmp_path / "vms.toml"
    file.write_text("[[vm]]\nsource = 9\n")
    vm = hs.Vm(memory="256KiB", vcpus=1, target=8)
    with pytest.raises(InputError) as caught:
        hs.migrate(machine="tiny", vm=vm, more_vms=str(file), strategy="precopy")
    _, *faults = caught.value.faults
    assert [fault.partition(" = ")[0] for fault in faults] == [
        f"more_vms: file of VMs '{file}': VM 1: source",
        "vm: the VM: target",
    ]


def test_measures_are_those_of_the_summary_by_dotted_names(run: hs.Result) -> None:
    assert run.measures["downtime"] == run.summary["downtime"]
    assert run.measures["energy.total"] == run.summary["energy"]["total"]
    assert run.measures["vm.local-share.after"] == run.summary["vm"]["local-share"]["after"]


def test_progress_adds_up_to_the_summary(run: hs.Result) -> None:
    table = run.progress
    last = run.summary["progress"][-1]
    lengths = table["end"] - table["start"]
    assert lengths.sum() == pytest.approx(last["time"])
    assert (table["speed"] * lengths).sum() == pytest.approx(last["accesses"][0])
    assert table["migration-bytes"].sum() == last["migration-bytes"]
    assert table["joules"].sum() == pytest.approx(last["energy"]["total"])
    assert table["remote-share"].dropna().between(0, 1).all()


def test_phases_are_in_seconds_and_in_order(run: hs.Result) -> None:
    phases = run.phases
    assert {"pause", "copy", "resume"} <= set(phases["name"])
    assert (phases["end"] >= phases["start"]).all()
    length = phases["end"].iloc[-1] - phases["start"].iloc[0]
    assert length == pytest.approx(run.measures["total-time"])


def test_statistics_are_the_long_table_of_read_stats(run: hs.Result) -> None:
    assert isinstance(run.stats, pd.DataFrame)
    assert set(run.stats["run"]) == {"pre-copy"}
    assert hs.stat(run.stats, "simFreq") == 1e12


def test_all_wrong_arguments_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        hs.migrate(machine="quat", strategy="precopy", workload="zip", window="10")
    assert len(caught.value.faults) == 4
    assert "did you mean 'quad'?" in caught.value.faults[0]
    with pytest.raises(InputError, match="target = 9"):
        hs.migrate(machine="tiny", vm=hs.Vm(memory="256KiB", target=9))
    with pytest.raises(InputError, match=r"vm.target = \[\]: not a node, as in 1, nor several"):
        hs.migrate(machine="tiny", vm=hs.Vm(memory="256KiB", target=[]))
    with pytest.raises(InputError, match="vcpus = 0"):
        hs.migrate(machine="tiny", vm=hs.Vm(memory="256KiB", vcpus=0))


def test_faults_of_the_vm_and_its_workload_are_told_beside_all_others() -> None:
    vm = hs.Vm(memory="64KiB", target=9, borrow={0: 0.5})
    with pytest.raises(InputError) as caught:
        hs.migrate(machine="tiny", vm=vm, strategy="precopy", workload="zipf:footprint=0.1")
    told = [
        "strategy: strategy 'precopy': not known (did you mean 'pre-copy'?)",
        "vm: the VM: target = 9: 'tiny' has the nodes 0 to 1",
        "vm: the VM: borrow 0: is the source, which lends nothing to itself",
        "workload: workload 'zipf': a footprint of 1 pages leaves no page for each of 2 vCPUs",
    ]
    assert len(caught.value.faults) == len(told)
    for fault, start in zip(caught.value.faults, told, strict=True):
        assert fault.startswith(start)


def test_without_a_machine_the_rest_is_told() -> None:
    with pytest.raises(InputError) as caught:
        hs.migrate(machine="quat", workload="zipf:footprint=0.1", vm=hs.Vm(memory="16KiB", vcpus=3))
    assert len(caught.value.faults) == 2
    assert "leaves no page for each of 3 vCPUs" in caught.value.faults[1]


WRONG: list[tuple[str, Any, str]] = [
    ("machine", None, "machine = None: neither a text nor an object of Machine"),
    ("strategy", 5, "strategy = 5: neither a text nor an object of Strategy"),
    ("strategy", Ownership, "neither a text nor an object of Strategy"),
    ("workload", 5, "workload = 5: neither a text nor an object of Workload"),
    ("vm", "64MiB", "vm = '64MiB': not a Vm"),
    ("vm", [], 'vm = []: not a Vm, as in Vm(memory="1MiB"); for several there is more_vms'),
    ("more_vms", ["vms.toml"], "more_vms = ['vms.toml']: not the name of a file of VMs"),
    ("more_vms", "none.toml", "more_vms: file of VMs 'none.toml': cannot read none.toml: No such"),
    ("more_vms", "a\0", "more_vms: file of VMs 'a\0': cannot read a\0: embedded null byte"),
    ("warmup", 5, "warmup = 5: a bare number; write a time with its unit"),
    ("window", None, "window = None: not a time"),
    ("horizon", 1e-3, "horizon = 0.001: a bare number; write a time with its unit"),
    ("horizon", "-1ms", "horizon = '-1ms': negative"),
    ("seed", "x", "seed = 'x': not a whole number"),
    ("check", "yes", "check = 'yes': neither True nor False"),
    ("fence", 1, "fence = 1: neither True nor False"),
    ("keep_borrowed", None, "keep_borrowed = None: neither True nor False"),
    ("cancel_at", 5, "cancel_at = 5: a bare number; write a time with its unit"),
    ("stage2_entry", 8, "vm.stage2_entry = 8: a bare number; write a size with its unit"),
    ("vcpus", "2", "vm.vcpus = '2': not a whole number"),
    ("source", "0", "vm.source = '0': not a node"),
    ("target", "1", "vm.target = '1': not a node"),
    ("borrow", "2:0.25", "vm.borrow = '2:0.25': not fractions by node"),
    ("borrow", {"2": 0.5}, "vm.borrow = {'2': 0.5}: not fractions by node"),
    ("memory", 5, "vm.memory = 5: a bare number; write a size with its unit"),
]


@pytest.mark.parametrize(("name", "value", "told"), WRONG, ids=[f"{n}={v}" for n, v, _ in WRONG])
def test_an_argument_of_a_wrong_type_is_told(name: str, value: Any, told: str) -> None:
    of_the_vm = name in hs.Vm.__dataclass_fields__
    wrong: dict[str, Any] = {"vm": hs.Vm(**{name: value})} if of_the_vm else {name: value}
    with pytest.raises(InputError) as caught:
        hs.migrate(**wrong)
    assert len(caught.value.faults) == 1
    assert told in caught.value.faults[0]


def test_arguments_of_wrong_types_are_told_all_at_once() -> None:
    wrong: dict[str, Any] = {"seed": "x", "check": 1, "warmup": 5, "machine": None}
    with pytest.raises(InputError, match=r"the call of migrate\(\) has 5 faults"):
        hs.migrate(**wrong, vm=hs.Vm(source=True))


def test_a_result_is_shown_in_a_line_and_in_a_notebook_as_a_small_table(run: hs.Result) -> None:
    assert repr(run).startswith("<Result: strategy pre-copy, status completed, total time ")
    assert len(repr(run)) < 200
    assert run._repr_html_().startswith("<table><tr><th>strategy</th><td>pre-copy</td></tr>")


def test_the_examples_of_the_page_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    text = text.partition("\n::: ")[0] + text.partition("## Reading results")[2]
    first, several, saved, *_ = re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, flags=re.MULTILINE)
    names: dict[str, Any] = {}
    for code in (first, several, saved):
        exec(compile(textwrap.dedent(code), "docs/python.md", "exec"), names)
    assert (tmp_path / "results" / "mine" / "stats.txt").is_file()
    [saved_run] = names["runs"]
    assert names["progress"](saved_run.migration).equals(names["run"].progress)
    assert names["phases"](saved_run.migration).equals(names["run"].phases)
    before, during, after = names["latency"]
    assert during > max(before, after) > 0


def test_what_homeshift_offers_is_listed_and_nothing_else_is_there() -> None:
    assert {"migrate", "Vm", "read_stats"} <= set(dir(hs))
    with pytest.raises(AttributeError, match="no attribute 'migrat'"):
        hs.migrat  # noqa: B018


class Own(StopAndCopy):
    """Keeps a number of its own."""

    name = "own"

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds
        self._notes = [rounds]


@dataclasses.dataclass(frozen=True)
class OwnFields(Ownership):
    """A field that is no declared parameter."""

    name = "own-fields"
    most_rounds: int = 3


class Kept(StopAndCopy):
    """Keeps whatever it is given."""

    name = "kept"

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


@dataclasses.dataclass(frozen=True, slots=True)
class Slots(Ownership):
    """Has no dict."""

    name = "slots"
    most_rounds: int = 3


class PlainSlots(Ownership):
    """Has slots, though it is no dataclass."""

    name = "plain-slots"
    __slots__ = ("most",)

    def __init__(self, most: int) -> None:
        self.most = most


THREE: Any = np.int64(3)


@pytest.mark.parametrize(
    ("strategy", "recorded"),
    [
        (Own(6), {"name": "own", "rounds": 6}),
        (OwnFields(), {"name": "own-fields", "most-rounds": 3}),
        (Slots(), {"name": "slots", "most-rounds": 3}),
        (PlainSlots(4), {"name": "plain-slots", "most": 4}),
        (PreCopy(max_rounds=THREE), PreCopy(max_rounds=3).to_dict()),
        (
            Kept(a=np.int64(3), b=np.float32(1.5), c=np.bool_(True), d=np.str_("x")),
            {"name": "kept", "a": 3, "b": 1.5, "c": True, "d": "x"},
        ),
        (
            Kept(a=[1, np.int8(2)], b=(0.5,), c={"x": (1, "y")}, d=None, e=np.inf, _f=len),
            {"name": "kept", "a": [1, 2], "b": [0.5], "c": {"x": [1, "y"]}, "d": None, "e": "inf"},
        ),
    ],
)
def test_what_an_own_strategy_keeps_is_recorded(
    strategy: Strategy, recorded: dict[str, Any], tmp_path: Path
) -> None:
    run = hs.migrate(machine="tiny", vm=hs.Vm(memory="64KiB"), strategy=strategy, window="5us")
    saved = json.loads((run.save(tmp_path / "run") / "config.json").read_text("utf-8"))
    assert saved["strategy"] == recorded


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (np.arange(3), "ndarray"),
        (np.zeros(2, bool), "ndarray"),
        (Ownership(), "Ownership"),
        ({1: 2}, "dict"),
        ({1, 2}, "set"),
        ([len], "list"),
    ],
)
def test_what_cannot_be_recorded_is_told(value: object, kind: str) -> None:
    told = f"strategy: the attribute weights is of type {kind} and cannot be recorded"
    with pytest.raises(InputError, match=told):
        hs.migrate(machine="tiny", vm=hs.Vm(memory="64KiB"), strategy=Kept(weights=value))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Declared(StopAndCopy):
    """Has a parameter of each kind."""

    name = "declared"
    rounds: int = parameters.count(10, "rounds", least=1)
    period: int = parameters.time("20us", "of a round")
    speed: float = parameters.bandwidth("0B/s", "of copies")
    part: float = parameters.share(0.5, "of pages")
    rest: bool = parameters.switch("off", "also the rest")
    policy: str = parameters.choice("hot", ("hot", "cold"), "which pages")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"rounds": 0}, "rounds = 0: not between 1 and 1000000000 (rounds)"),
        ({"rounds": 2.5}, "rounds = 2.5: not a whole number (rounds)"),
        ({"rounds": True}, "rounds = True: not a whole number (rounds)"),
        ({"period": "20us"}, "period = '20us': not a whole number of ticks, as units.parse_time("),
        ({"period": 0}, "period = 0: not a time above 0 (of a round)"),
        ({"speed": "1GB/s"}, "speed = '1GB/s': not a number of bytes per second"),
        ({"speed": 1e-9}, "speed = 1e-09: less than 1 B/s"),
        ({"part": 1.5}, "part = 1.5: not between 0 and 1"),
        ({"part": None}, "part = None: not a number"),
        ({"rest": "on"}, "rest = 'on': neither True nor False"),
        ({"policy": "hto"}, "policy = 'hto': not one of hot, cold (did you mean 'hot'?)"),
    ],
    ids=str,
)
def test_parameters_of_an_object_have_the_limits_of_the_command_line(
    given: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError) as caught:
        hs.migrate(machine="tiny", vm=hs.Vm(memory="64KiB"), strategy=Declared(**given))
    assert len(caught.value.faults) == 1
    assert caught.value.faults[0].startswith(f"strategy: {told}")


def test_an_own_strategy_has_a_name_of_its_own() -> None:
    class Borrowed(StopAndCopy):
        name = "pre-copy"

    class Nameless(StopAndCopy):
        name = ""

    for strategy, fault in (
        (Borrowed(), "the class Borrowed has the name of another strategy, 'pre-copy'"),
        (Nameless(), "the class Nameless needs a text `name`"),
    ):
        with pytest.raises(InputError, match=fault):
            hs.migrate(machine="tiny", strategy=strategy)
