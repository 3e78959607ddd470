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
from homeshift.workload import FullSystem

DESCRIPTION = "homeshift.json"
FORMAT = 1
OPTIONS = {
    "node-memory": "--machine (nodes and memory.size)",
    "frames": "--vm-memory, --source, --borrow or --region",
    "vcpus": "--vcpus",
    "files": "--bios, --kernel or --initrd",
    "append": "--append",
}
"""What of a description depends on which options."""


def check_checkpoints(setup: Setup) -> None:
    """Raise InputError unless checkpoints can be restored and taken that are asked for."""
    asked = setup.fast_forward
    if asked.restore is not None:
        faults = _differences(Path(asked.restore, DESCRIPTION), setup)
        if faults:
            raise InputError(f"checkpoint '{asked.restore}'", faults)
    if asked.take_checkpoint is not None:
        path = Path(asked.take_checkpoint)
        if path.exists():
            fault = "is there already; name a directory that does not exist yet"
        elif not path.absolute().parent.is_dir():
            fault = "the directory that it is to be in does not exist"
        else:
            return
        raise InputError(f"checkpoint '{path}'", [fault])


def take_checkpoint(setup: Setup) -> None:
    """Write the checkpoint that is asked for, if one is; nothing may be cached.

    Raises:
        RunError: it cannot be written.
    """
    if setup.fast_forward.take_checkpoint is None:
        return
    path = Path(setup.fast_forward.take_checkpoint)
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        m5.checkpoint(str(partial))
        (partial / DESCRIPTION).write_text(json.dumps(_description(setup), indent=2) + "\n")
        partial.rename(path)
    except OSError as error:
        raise RunError(f"checkpoint '{path}' cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _differences(file: Path, setup: Setup) -> list[str]:
    try:
        taken = json.loads(file.read_text())
    except FileNotFoundError:
        return [f"has no {file.name}; name a directory that --take-checkpoint has written"]
    except (OSError, ValueError) as error:
        return [f"{file.name} cannot be read: {error}"]
    if not isinstance(taken, dict) or taken.get("format") != FORMAT:
        return [f"{file.name}: not of format {FORMAT}; take the checkpoint again"]
    asked = _description(setup)
    return [
        f"was taken with another {option}"
        for name, option in OPTIONS.items()
        if taken.get(name) != asked[name]
    ]


def _description(setup: Setup) -> dict[str, Any]:
    """Return what must be the same when a checkpoint is restored."""
    vm = setup.vms[0]
    booted = vm.streams[0]
    return {
        "format": FORMAT,
        "node-memory": [setup.machine.memory.size_bytes for _ in range(setup.machine.nodes)],
        "frames": _digest(json.dumps(list(vm.frames)).encode()),
        "vcpus": len(vm.streams),
        "files": {
            name: _digest(Path(str(booted[name])).read_bytes())
            for name in FullSystem.files
            if name in booted
        },
        "append": booted.get("append"),
    }


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
