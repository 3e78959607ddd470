# SPDX-License-Identifier: BSD-3-Clause
"""Make a first file system for Linux, with a program as its first process and a console for it.

python examples/linux/initrd.py PROGRAM INITRD
"""

from __future__ import annotations

import sys
from pathlib import Path


def first_files(init: bytes) -> bytes:
    """Return an archive of /dev/console and /init, in the format newc (see cpio(5))."""
    files = [("dev", 0o40755, b""), ("dev/console", 0o20600, b""), ("init", 0o100755, init)]
    archive = b""
    for name, mode, data in [*files, ("TRAILER!!!", 0, b"")]:
        device = (5, 1) if name == "dev/console" else (0, 0)
        header = (0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
        archive += b"070701" + b"".join(b"%08X" % value for value in header)
        archive = _padded(archive + name.encode() + b"\0")
        archive = _padded(archive + data)
    return archive


def _padded(archive: bytes) -> bytes:
    return archive + b"\0" * (-len(archive) % 4)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit((__doc__ or "").splitlines()[-1])
    Path(sys.argv[2]).write_bytes(first_files(Path(sys.argv[1]).read_bytes()))
