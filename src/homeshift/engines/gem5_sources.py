# SPDX-License-Identifier: BSD-3-Clause
"""Which sources a gem5 was built from.

The plugin's SConscript runs this file by its path, with whatever Python gem5 is built with.
"""

import hashlib
from pathlib import Path

FOLDERS = ("common", "gem5", "protocol")
SUFFIXES = (".cc", ".hh", ".py", ".slicc", ".sm")


def digest_of(sources: Path) -> str:
    """Return 16 hexadecimal digits for all that a gem5 with the plugin is compiled from.

    Args:
        sources: the directory `src` of a checkout.
    """
    digest = hashlib.sha256()
    for folder in FOLDERS:
        for path in sorted((sources / folder).rglob("*")):
            if path.suffix in SUFFIXES:
                content = path.read_bytes()
                name = path.relative_to(sources).as_posix()
                digest.update(f"{name} {len(content)}\n".encode())
                digest.update(content)
    return digest.hexdigest()[:16]
