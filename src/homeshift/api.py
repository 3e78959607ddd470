# SPDX-License-Identifier: BSD-3-Clause
"""Homeshift from Python: one function that migrates a VM, and its result as tables.

    import homeshift as hs

    vm = hs.Vm(memory="16MiB", borrow={2: 0.25, 3: 0.25})
    for strategy in ("stop-and-copy", "ownership"):
        run = hs.migrate(machine="quad", vm=vm, strategy=strategy, horizon="1ms")
        print(strategy, run.measures["downtime"])
        run.save(f"results/{strategy}")     # as configs/migrate.py writes it

Quantities are texts with their units, as on the command line.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from homeshift.analysis.runs import measures, read_run
from homeshift.analysis.stats import read_stats, stat
from homeshift.analysis.time_series import phases, progress
from homeshift.energy import load_constants
from homeshift.errors import InputError
from homeshift.experiment.command_line import Asked, assembled, recorded, vms_of
from homeshift.experiment.options import make_parser
from homeshift.experiment.result import Result as Simulated
from homeshift.machine import Machine, load_machine
from homeshift.output import OutputDirectory, write_stats
from homeshift.strategies import Strategy, faults_of, strategy_named
from homeshift.units import (
    format_bytes,
    format_seconds,
    parse_size,
    parse_time,
)
from homeshift.workload import Workload, parse_workload

__all__ = ["Result", "Vm", "migrate", "read_run", "read_stats", "stat"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vm:
    """A VM and where it goes.

    Args:
        memory: guest memory, as in "64MiB"; None: that, or a quarter of a node's if it is less.
        vcpus: virtual CPUs, a core each; None: all of a node.
        source: node that it runs on.
        target: node that it moves to, or those that it moves to one after the other.
        borrow: node -> fraction of its memory that lies there.
        region: unit in which homes move.
        stage2_entry: size of the VM's page table, per page; "0B": the target uses the table where
            it lies.
    """

    memory: str | None = None
    vcpus: int | None = None
    source: int = 0
    target: int | Sequence[int] = 1
    borrow: Mapping[int, float] = field(default_factory=dict)
    region: str = "4KiB"
    stage2_entry: str = "8B"


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """A migration that was simulated; the tables are made when they are asked for."""

    simulated: Simulated
    arguments: Mapping[str, Any]
    """As config.json has them."""

    @property
    def summary(self) -> Mapping[str, Any]:
        """What migration.json holds."""
        return self.simulated.summary

    @property
    def config(self) -> Mapping[str, Any]:
        """What config.json holds."""
        return self.simulated.config(self.arguments)

    def __repr__(self) -> str:
        return f"<Result: {', '.join(f'{name} {value}' for name, value in self._short().items())}>"

    def _repr_html_(self) -> str:
        rows = (
            f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in self._short().items()
        )
        return f"<table>{''.join(rows)}</table>"

    def _short(self) -> dict[str, str]:
        """Return what a notebook shows."""
        vm = self.summary["vm"]
        return {
            "strategy": self.summary["strategy"],
            "status": self.summary["status"],
            "total time": format_seconds(self.summary["total-time"]),
            "downtime": format_seconds(self.summary["downtime"]),
            "between nodes": format_bytes(self.summary["interconnect"]["migration-bytes"]),
            **({} if vm.get("steady", True) else {"steady before": "no"}),
            **({} if vm.get("speed-known", True) else {"speed before": "not known"}),
        }

    @cached_property
    def measures(self) -> pd.Series[Any]:
        """All values of the summary by their dotted names: "downtime" in s, "energy.total" in J."""
        return pd.Series(measures(self.summary))

    @cached_property
    def stats(self) -> pd.DataFrame:
        """All statistics, as `read_stats` returns them."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "stats.txt"
            write_stats(path, self.simulated.statistics)
            return read_stats(path).assign(run=str(self.summary["strategy"]))

    @cached_property
    def phases(self) -> pd.DataFrame:
        """The phases of the migrations, as `time_series.phases` returns them."""
        return phases(self.summary)

    @cached_property
    def progress(self) -> pd.DataFrame:
        """What the first VM got done over time, as `time_series.progress` returns it."""
        return progress(self.summary)

    def save(self, directory: str | os.PathLike[str], *, timeline: bool = False) -> Path:
        """Write stats.txt, config.json and migration.json as configs/migrate.py does.

        Args:
            directory: that is made, or replaced if a run is in it.
            timeline: also timeline.json, for ui.perfetto.dev.

        Raises:
            InputError: the directory is something that a run must not replace.
        """
        with OutputDirectory(directory) as partial:
            arguments = {**self.arguments, "timeline": timeline}
            self.simulated.write(partial, arguments, timeline=timeline)
        return Path(directory)


def migrate(
    *,
    machine: str | os.PathLike[str] | Machine = "quad",
    vm: Vm | None = None,
    strategy: str | Strategy = "ownership",
    workload: str | Workload = "zipf",
    more_vms: str | os.PathLike[str] | None = None,
    warmup: str = "100us",
    window: str = "100us",
    horizon: str | None = None,
    cancel_at: str | None = None,
    fail_target_at: str | None = None,
    fence: bool = False,
    keep_borrowed: bool = False,
    seed: int = 1,
    check: bool = False,
    energy: str | os.PathLike[str] | None = None,
    report: Callable[[str], None] | None = None,
) -> Result:
    """Simulate the migration of a VM on the embedded engine.

    Args:
        machine: name or file, "quad:network.link_bandwidth=64GB/s", or one that was loaded.
        vm: the VM; default: from node 0 to node 1.
        strategy: how it moves, "ownership" or "pre-copy:max-rounds=5", or an own Strategy object.
        workload: what its vCPUs do, "zipf:write_ratio=0.5" or "trace:FILE,FILE".
        more_vms: TOML file with more VMs, as --more-vms takes it.
        warmup: time before anything is measured; long enough to fill the caches, or what the VM
            loses by the migration is underestimated.
        window: time that is measured before and, without a horizon, after the migration.
        horizon: time from the start of the migration to the end of the measurement.
        cancel_at: time from the start of the migration at which it is cancelled.
        fail_target_at: time from the start of the migration at which the target fails.
        fence: when the VM has moved, the source loses its right to access the VM's memory.
        keep_borrowed: borrowed memory that the VM does not use any more is not given back.
        seed: of the workload.
        check: verify every load, and the directories at the end.
        energy: TOML file of energy constants, as --energy takes it.
        report: is told, in a line each, what configs/migrate.py prints of such a run: that the VM
            was not steady before it moved, that copies do not converge; as in `report=print`.

    Raises:
        InputError: with everything that is wrong about the arguments.
        RunError: the simulation failed.
    """
    of_vm = _mistaken({"vm": vm})
    vm = vm if isinstance(vm, Vm) else Vm()
    of_vm += _mistaken(
        {f"vm.{name}": getattr(vm, name) for name in ("vcpus", "source", "target", "borrow")}
    )
    memory = None if vm.memory is None else _read(of_vm, "vm.memory", vm.memory, parse_size)
    region = _read(of_vm, "vm.region", vm.region, parse_size)
    stage2_entry = _read(of_vm, "vm.stage2_entry", vm.stage2_entry, parse_size)
    faults = of_vm + _mistaken(
        {
            "more_vms": more_vms,
            "fence": fence,
            "keep_borrowed": keep_borrowed,
            "seed": seed,
            "check": check,
            "energy": energy,
            "report": report,
        }
    )
    constants = _read(faults, "energy", _path(energy), load_constants)
    if isinstance(machine, os.PathLike):
        machine = os.fspath(machine)
    the_machine = _read(faults, "machine", machine, load_machine, Machine)
    the_strategy = _read(faults, "strategy", strategy, strategy_named, Strategy)
    if isinstance(strategy, Strategy):
        faults += [f"strategy: {fault}" for fault in faults_of(strategy)]
    the_workload = _read(faults, "workload", workload, parse_workload, Workload)
    needed = {"warmup": warmup, "window": window}
    optional = {"horizon": horizon, "cancel_at": cancel_at, "fail_target_at": fail_target_at}
    times = {
        name: None if name in optional and text is None else _read(faults, name, text, parse_time)
        for name, text in {**needed, **optional}.items()
    }
    if cancel_at is not None and fail_target_at is not None:
        faults.append("fail_target_at: not together with cancel_at")
    if of_vm:
        raise InputError("the call of migrate()", faults)
    options = make_parser().parse_args([])
    vars(options).update(
        vm_memory=memory,
        vcpus=vm.vcpus,
        source=vm.source,
        target=(vm.target,) if isinstance(vm.target, int) else tuple(vm.target),
        borrow=vm.borrow,
        region=region,
        stage2_entry=stage2_entry,
        keep_borrowed=keep_borrowed,
        fence=fence,
        more_vms=_path(more_vms),
        seed=seed,
        check=check,
        energy=_path(energy),
        outdir=None,
        **times,
    )
    usable = the_workload if _whole(seed) else None
    asked = Asked(the_machine, the_strategy, usable, constants)
    spec, others = vms_of(
        options, asked, lambda name, make: _read(faults, name, make, lambda make: make())
    )
    if faults:
        raise InputError("the call of migrate()", faults)
    experiment = assembled(options, asked, spec, others, report or (lambda _: None))
    names = {
        "machine": machine if isinstance(machine, str) else machine.name,
        "strategy": strategy if isinstance(strategy, str) else strategy.name,
    }
    return Result(simulated=experiment.run(), arguments=recorded(options, experiment) | names)


def _path(value: object) -> str | None:
    return os.fspath(value) if isinstance(value, str | os.PathLike) else None


def _mistaken(given: Mapping[str, object]) -> list[str]:
    """Return a fault for each argument that is nothing of what it may be."""
    return [
        f"{name} = {value!r}: {_EXPECTED[name][1]}"
        for name, value in given.items()
        if not _EXPECTED[name][0](value)
    ]


def _switch(value: object) -> bool:
    return isinstance(value, bool)


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _nodes(value: object) -> bool:
    many = isinstance(value, Sequence) and len(value) > 0 and all(map(_whole, value))
    return _whole(value) or many


def _parts(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        _whole(node) and (_whole(part) or isinstance(part, float)) for node, part in value.items()
    )


_EXPECTED: dict[str, tuple[Callable[[object], bool], str]] = {
    "vm": (
        lambda value: value is None or isinstance(value, Vm),
        'not a Vm, as in Vm(memory="1MiB"); for several there is more_vms',
    ),
    "more_vms": (
        lambda value: value is None or (isinstance(value, str | os.PathLike) and value != ""),
        'not the name of a file of VMs, as in "vms.toml"',
    ),
    "energy": (
        lambda value: value is None or isinstance(value, str | os.PathLike),
        'not the name of a file, as in "energy.toml"',
    ),
    "report": (lambda value: value is None or callable(value), "no function of a line"),
    "seed": (_whole, "not a whole number"),
    **dict.fromkeys(("fence", "keep_borrowed", "check"), (_switch, "neither True nor False")),
    "vm.vcpus": (lambda value: value is None or _whole(value), "not a whole number"),
    "vm.source": (_whole, "not a node, as in 0"),
    "vm.target": (_nodes, "not a node, as in 1, nor several, as in [1, 2]"),
    "vm.borrow": (_parts, "not fractions by node, as in {2: 0.25}"),
}
"""What an argument may be, and what else it is; a text is told by the one who reads it."""


def _read(
    faults: list[str],
    name: str,
    value: Any,
    parse: Callable[[Any], T],
    ready: type[T] | None = None,
) -> T | None:
    """Return a value that is ready or parsed, or note what is wrong with it."""
    if ready is not None and not isinstance(value, str):
        if isinstance(value, ready):
            return value
        faults.append(f"{name} = {value!r}: neither a text nor an object of {ready.__name__}")
        return None
    try:
        return parse(value)
    except InputError as error:
        faults += [f"{name}: {error.subject}: {fault}" for fault in error.faults]
    except ValueError as error:
        faults.append(f"{name} = {value!r}: {error}")
    return None
