# SPDX-License-Identifier: BSD-3-Clause
"""How messages are counted, the same in both engines: gem5's MessageSizeType.

`MESI_HomeShift-msg.sm` sets two types aside for what a migration causes, so that the VM's own
traffic can be told from it on every link.
"""

from __future__ import annotations

from collections.abc import Mapping

CONTROL_BYTES = 8
DATA_BYTES = 72
MIGRATION_TYPES = frozenset({"Persistent_Control", "ResponseLocal_Data"})


def message_bytes(size_type: str) -> int:
    """Return the size of a message: 8 B, or 72 B if it carries a line."""
    return DATA_BYTES if size_type.endswith("Data") else CONTROL_BYTES


def all_bytes(messages: Mapping[str, int]) -> int:
    """Return the bytes of all messages."""
    return sum(n * message_bytes(t) for t, n in messages.items())


def migration_bytes(messages: Mapping[str, int]) -> int:
    """Return the bytes that a migration caused."""
    return sum(n * message_bytes(t) for t, n in messages.items() if t in MIGRATION_TYPES)


def vm_bytes(messages: Mapping[str, int], *, data: bool) -> int:
    """Return the VM's bytes in messages that carry a line (`data`) or do not."""
    return sum(
        n * message_bytes(t)
        for t, n in messages.items()
        if t not in MIGRATION_TYPES and t.endswith("Data") == data
    )
