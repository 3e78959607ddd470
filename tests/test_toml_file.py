# SPDX-License-Identifier: BSD-3-Clause
"""Whatever TOML file cannot be read, the message says why, in the same words."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from homeshift.check.scenario import load_scenario
from homeshift.energy import load_constants
from homeshift.errors import InputError
from homeshift.experiment.planned_vms import load_vms
from homeshift.machine import load_machine
from homeshift.sweep.spec import load_sweep

READERS: dict[str, Callable[[Path], object]] = {
    "constants": load_constants,
    "machine": lambda path: load_machine(str(path)),
    "scenario": load_scenario,
    "sweep": lambda path: load_sweep(path, known=()),
    "VMs": lambda path: load_vms(path, region_bytes=4096, stage2_entry_bytes=8),
}
FAULTS = {
    b"a = '\xe9'\n": "not UTF-8 at byte 5",
    b"a = = 3\n": "not TOML: .+",
    None: "cannot read {path}: No such file or directory",
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("content", FAULTS, ids=("no UTF-8", "no TOML", "no file"))
def test_a_file_that_is_no_toml_is_an_input_error(
    tmp_path: Path, reader: str, content: bytes | None
) -> None:
    path = tmp_path / "mine.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as raised:
        READERS[reader](path)
    [fault] = raised.value.faults
    assert re.fullmatch(FAULTS[content].format(path=re.escape(str(path))), fault)
