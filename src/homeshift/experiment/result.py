# SPDX-License-Identifier: BSD-3-Clause
"""What is left of a run: its description, its summary, its statistics, and their files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import homeshift
from homeshift.energy import Constants
from homeshift.engines.base import Message
from homeshift.experiment.planned_vms import PlannedVm
from homeshift.experiment.timeline import trace
from homeshift.machine import Machine
from homeshift.output import Stat, write_stats
from homeshift.run_format import FORMAT


@dataclass(frozen=True, slots=True)
class Result:
    """A run."""

    machine: Machine
    constants: Constants
    vms: Sequence[PlannedVm]
    """The VMs, that of the summary first."""
    summary: dict[str, Any]
    """What migration.json holds."""
    statistics: tuple[Stat, ...]
    """None inside gem5, which writes its own."""
    final_tick: int
    messages: tuple[Message, ...] = ()
    """Single messages, if they were asked for."""

    def config(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return what config.json holds of a run with these arguments."""
        return config_of(arguments, self.machine, self.vms, self.constants)

    def write(
        self, directory: Path, arguments: Mapping[str, Any], *, timeline: bool = False
    ) -> None:
        """Write the run's files into its directory, timeline.json only if asked for."""
        if self.statistics:
            write_stats(directory / "stats.txt", self.statistics)
        contents = {"config": self.config(arguments), "migration": self.summary}
        if timeline:
            contents["timeline"] = trace(self.summary, self.messages)
        for name, content in contents.items():
            text = json.dumps(content, indent=2, allow_nan=False) + "\n"
            (directory / f"{name}.json").write_text(text, encoding="utf-8")


def config_of(
    arguments: Mapping[str, Any],
    machine: Machine,
    vms: Sequence[PlannedVm],
    constants: Constants,
) -> dict[str, Any]:
    """Return what config.json holds of an experiment."""
    first, *others = vms
    assert first.strategy is not None
    return {
        "format": FORMAT,
        "homeshift": homeshift.__version__,
        "arguments": arguments,
        "machine": machine.to_dict(),
        "workload": first.workload.to_dict(),
        "vm": first.spec.to_dict(),
        "strategy": first.strategy.to_dict(),
        "other_vms": [other.to_dict() for other in others],
        "energy-constants": constants.to_dict(),
    }
