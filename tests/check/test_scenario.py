# SPDX-License-Identifier: BSD-3-Clause
"""What is wrong with a scenario is told, all at once, before anything is compiled."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeshift.check.build import load_model
from homeshift.check.scenario import load_scenario
from homeshift.errors import InputError

DEVICE = Path(__file__).parent / "Device.slicc"

NO_RECORDS = """
full_lines = true
cover = "x"
limits = {load = 256}
[[stimulus]]
name = "s"
machine = "DMA"
port = "device_in"
choose = "line"
"""
# What breaks a rule is not told of a file that is no scenario.
NO_RECORDS_TOLD = (
    "cover: write [[cover]] for each one",
    "stimulus[0].choose = 'line': has to be tuple[str, ...]",
    "stimulus[0].message: is missing",
    "full_lines = True: has to be int",
    "protocol: is missing",
    "machines: is missing",
)

NO_RULES = """
protocol = "Device.slicc"
machines = {DMA = "nod"}
limits = {loads = 1}
limits_from_2_lines = {s = 256}
[[stimulus]]
name = "s"
machine = "Disk"
port = "device_in"
message = "AskMsg"
choose = ["lines"]
limit = 256
[[property]]
name = "p"
when = "never"
holds = "true"
[[property]]
name = "q"
before = "1"
holds = "before == 1"
[[cover]]
name = "c"
reached = "true"
needs = ["load|stor"]
[[cover]]
name = "c"
reached = "true"
nodes = 5
lines = 0
"""
NO_RULES_TOLD = (
    "machines.DMA = 'nod': has to be 'node' or 'single'",
    "stimulus 's': no machine 'Disk'",
    "stimulus 's': chooses 'lines'; can be 'line', 'target' and 'node'",
    "limits: no stimulus 'loads' (did you mean 'load'?)",
    "cover 'c': no stimulus 'stor' (did you mean 'store'?)",
    "limits_from_2_lines.s = 256: has to be a number from 0 to 255",
    "stimulus 's': limit = 256: has to be a number from 0 to 255",
    "property 'p': when = 'never' has to be 'always', 'quiet' or 'step'",
    "property 'q': before = '1' is for when = 'step' only",
    "cover 'c': nodes = 5: has to be from 1 to 4",
    "cover 'c': lines = 0: has to be from 1 to 3",
    "cover 'c': is there 2 times",
)

NO_FIT = """
protocol = "Device.slicc"
machines = {DMA = "node", Home = "single"}
shared = ["HomeTable"]
[capacity]
"DMA.cache" = 1
[[stimulus]]
name = "s"
machine = "DMA"
port = "devices_in"
message = "AskMsgs"
refuses = ["ackCallback"]
[[unread]]
structure = "Directory_Tbe"
field = "Asker"
unless = "true"
[[at_once]]
message = "MemoryMesg"
"""
NO_FIT_TOLD = (
    "machines.Directory: is missing (one in each 'node', or 'single')",
    "machines.Home: no such machine",
    "capacity: no cache 'DMA.cache'",
    "shared: no type of an object 'HomeTable'",
    "stimulus 's': no in_port 'devices_in' (did you mean 'device_in'?)",
    "stimulus 's': no method among those that end it 'ackCallback'",
    "stimulus 's': no message 'AskMsgs' (did you mean 'AskMsg'?)",
    "unread: no structure 'Directory_Tbe' (did you mean 'Directory_TBE'?)",
    "at_once: no message 'MemoryMesg' (did you mean 'MemoryMsg'?)",
)


@pytest.mark.parametrize(
    ("text", "told"), [(NO_RECORDS, NO_RECORDS_TOLD), (NO_RULES, NO_RULES_TOLD)]
)
def test_what_no_scenario_says_is_told(text: str, told: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(InputError) as raised:
        load_scenario(file)
    assert tuple(raised.value.faults) == told


def test_what_is_not_in_the_protocol_is_told(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(NO_FIT, "utf-8")
    with pytest.raises(InputError) as raised:
        load_model(DEVICE, file, nodes=2, lines=1)
    assert tuple(raised.value.faults) == NO_FIT_TOLD
