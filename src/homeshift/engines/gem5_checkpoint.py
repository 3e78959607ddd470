# SPDX-License-Identifier: BSD-3-Clause
"""Checkpoints of a full system that has been fast-forwarded.

Nothing is cached then, so a checkpoint is memory, CPUs and devices. It can be restored for another
strategy, and into a machine with other caches and another network, but not where the VM's memory
lies elsewhere. It is a checkpoint of gem5; `homeshift.json` in it tells what of.

Runs inside gem5 only.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import m5

from homeshift.engines.base import Setup
from homeshift.errors import InputError, RunError
from homeshift.run_format import CHECKPOINT
from homeshift.workload import FullSystem

FORMAT = 2
MUST_EQUAL = {
    "gem5": "version of gem5",
    "node-memory": "--machine (nodes and memory.size)",
    "frames": "--vm-memory, --source, --borrow or --region",
    "vcpus": "--vcpus",
    "files": "--bios, --kernel, --initrd or --disk",
    "append": "--append",
}
"""What of a description has to be as it was, and which options it depends on."""


class Checkpoints:
    """The checkpoints that are to be restored and taken, if any.

    Raises:
        InputError: one cannot be.
    """

    def __init__(self, setup: Setup) -> None:
        self._asked = asked = setup.fast_forward
        self._description = _description(setup) if asked else {}
        if asked.restore is not None:
            _raise_if(asked.restore, self._differences(Path(asked.restore)))
        if asked.take_checkpoint is not None:
            _raise_if(asked.take_checkpoint, self._obstacles())

    def take(self) -> None:
        """Write one if one is to be taken; nothing may be cached.

        Raises:
            RunError: it cannot be written.
        """
        if self._asked.take_checkpoint is None:
            return
        path, partial = Path(self._asked.take_checkpoint), self._partial
        try:
            m5.checkpoint(str(partial))
            content = {"content": {file.name: _digest(file) for file in sorted(partial.iterdir())}}
            description = json.dumps({**self._description, **content}, indent=2)
            (partial / CHECKPOINT).write_text(description + "\n")
            partial.rename(path)
        except OSError as error:
            raise RunError(f"checkpoint '{path}' cannot be written: {error.strerror}") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    @property
    def _partial(self) -> Path:
        path = Path(self._asked.take_checkpoint or "")
        return path.with_name(f".{path.name}.partial-{os.getpid()}")

    def _obstacles(self) -> list[str]:
        if os.path.lexists(self._asked.take_checkpoint or ""):
            return ["is there already; name a directory that does not exist yet"]
        try:
            self._partial.mkdir()
            self._partial.rmdir()
        except OSError as error:
            return [f"cannot be written in '{self._partial.parent}': {error.strerror}"]
        return []

    def _differences(self, path: Path) -> list[str]:
        try:
            taken = json.loads((path / CHECKPOINT).read_text())
        except (FileNotFoundError, NotADirectoryError):
            what = f"has no {CHECKPOINT}" if path.is_dir() else "is no directory"
            return [f"{what}; name a directory that --take-checkpoint has written"]
        except OSError as error:
            return [f"{CHECKPOINT} cannot be read: {error.strerror}"]
        except ValueError:
            return [f"{CHECKPOINT} is damaged; take the checkpoint again"]
        if not isinstance(taken, dict) or taken.get("format") != FORMAT:
            return [f"{CHECKPOINT}: not of format {FORMAT}; take the checkpoint again"]
        differences = [
            f"was taken with another {what}"
            for name, what in MUST_EQUAL.items()
            if taken.get(name) != self._description[name]
        ]
        for name, digest in taken.get("content", {}).items():
            try:
                if _digest(path / name) != digest:
                    differences.append(f"{name} is damaged; copy the checkpoint or take it again")
            except OSError as error:
                differences.append(f"{name} cannot be read: {error.strerror}")
        return differences


def _raise_if(path: str, faults: list[str]) -> None:
    if "%" in path:
        faults = ["gem5 takes a % in a path for something else; name another"]
    if faults:
        raise InputError(f"checkpoint '{path}'", faults)


def _description(setup: Setup) -> dict[str, Any]:
    """Return what must be the same when a checkpoint is restored."""
    import _m5.core  # has gem5's version; m5 itself has not

    vm = setup.vms[0]
    booted = vm.streams[0]
    return {
        "format": FORMAT,
        "gem5": _m5.core.gem5Version,
        "node-memory": [setup.machine.memory.size_bytes for _ in range(setup.machine.nodes)],
        "frames": hashlib.sha256(json.dumps(list(vm.frames)).encode()).hexdigest(),
        "vcpus": len(vm.streams),
        "files": {
            name: _digest(Path(str(booted[name]))) for name in FullSystem.files if name in booted
        },
        "append": booted.get("append"),
    }


def _digest(path: Path) -> str:
    """Return what tells a file from others, but for the date at the beginning of a checkpoint."""
    with path.open("rb") as file:
        if path.name == "m5.cpt":
            file.readline()
        return hashlib.file_digest(file, "sha256").hexdigest()
