# SPDX-License-Identifier: BSD-3-Clause
"""For gem5: what the component refuses, printed.

gem5.opt tests/gem5/refusals.py
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from homeshift.engines.gem5_component import HomeShiftCacheHierarchy
from homeshift.errors import InputError

RING = "quad:nodes=8,network.topology=ring"
CASES: list[tuple[str, dict[str, Any]]] = [
    (RING, {"network": "garnet"}),
    ("tiny", {"network": "foo"}),
    ("tiny", {"region_bytes": 0}),
    ("tiny", {"region_bytes": 64}),
    ("tiny", {"region_bytes": 5000}),
]
for machine, options in CASES:
    try:
        HomeShiftCacheHierarchy(machine, **options)
    except InputError as error:
        print(error)
try:
    HomeShiftCacheHierarchy("tiny").home_of(0)
except InputError as error:
    print(error)
