# SPDX-License-Identifier: BSD-3-Clause
"""Changes to a machine file's values on the command line: "network.link_bandwidth=64GB/s,nodes=8".

They are made before the file is checked, so that a changed machine obeys the same rules.
"""

from __future__ import annotations

from typing import Any

from homeshift.errors import InputError
from homeshift.units import whole_number


def apply_changes(tables: dict[str, Any], text: str, *, subject: str) -> None:
    """Change values of a machine file that was read.

    Args:
        tables: the file's content; changed in place. A key that it does not have is added, for the
            check of the file to find it.
        text: KEY=VALUE, several of them with commas between; a key in a table is "table.key".
        subject: what is changed, for the message.

    Raises:
        InputError: with everything that is not KEY=VALUE, or is given twice.
    """
    faults = []
    changes: dict[str, str] = {}
    for item in text.split(","):
        key, equals, value = (part.strip() for part in item.partition("="))
        if not (key and equals and value):
            faults.append(f'"{item}": write KEY=VALUE, as in "network.link_bandwidth=64GB/s"')
        elif key in changes:
            faults.append(f"{key}: given twice")
        changes[key] = value
    if faults:
        raise InputError(subject, faults)
    for dotted, value in changes.items():
        *parents, key = dotted.split(".")
        table = tables
        for parent in parents:
            inner = table.setdefault(parent, {})
            if not isinstance(inner, dict):
                raise InputError(subject, [f"{dotted}: '{parent}' is a value, not a table"])
            table = inner
        try:
            table[key] = whole_number(value)
        except ValueError:
            table[key] = value
