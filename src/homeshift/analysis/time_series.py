# SPDX-License-Identifier: BSD-3-Clause
"""What happened when: the lists in migration.json as tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from homeshift.units import TICKS_PER_SECOND


def phases(migration: Mapping[str, Any]) -> pd.DataFrame:
    """Return the phases of all migrations: a row each.

    Columns: vm, target of the migration, name, start and end in s from the start of the run (warmup
    included), accesses, and migration-bytes (None if several VMs migrate).
    """
    rows = [
        {"vm": leg["vm"], "target": leg["target"], **phase}
        for leg in migration["migrations"]
        for phase in leg["phases"]
    ]
    table = pd.DataFrame(rows)
    return table.assign(**table[["start", "end"]] / TICKS_PER_SECOND)


def progress(migration: Mapping[str, Any], vm: int = 0) -> pd.DataFrame:
    """Return what a VM got done over time: a row a span.

    Columns: start and end in s from the start of the migration; speed in accesses/s; remote-share,
    of its accesses that needed another node; migration-bytes that moved between nodes; joules that
    the whole machine has spent.
    """
    points = pd.DataFrame(
        {
            "time": point["time"],
            "accesses": point["accesses"][vm],
            "remote": point["remote-accesses"][vm],
            "bytes": point["migration-bytes"],
            "joules": point["energy"]["total"],
        }
        for point in migration["progress"]
    )
    steps = points.diff().iloc[1:].reset_index(drop=True)
    return pd.DataFrame(
        {
            "start": points["time"].iloc[:-1].to_numpy(),
            "end": points["time"].iloc[1:].to_numpy(),
            "speed": steps["accesses"] / steps["time"],
            "remote-share": steps["remote"] / steps["accesses"].replace(0, math.nan),
            "migration-bytes": steps["bytes"],
            "joules": steps["joules"],
        }
    )
