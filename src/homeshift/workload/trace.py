# SPDX-License-Identifier: BSD-3-Clause
"""Trace files: check them without numpy, know their length and footprint, and make their records.

A trace is a .npy file, version 1.0: a one-dimensional array, in C order, of packed records

    address  <u8  byte address; the 4 KiB pages are numbered in order of first touch
    gap      <u2  instructions since the previous data access, with that of this one; it may be the
                  same, so 0 (saturates at 65535)
    size     |u1  bytes accessed, 1..64, never across a 64 B line
    write    |u1  0 or 1

of 12 bytes, so that numpy.load reads it, and so does a little C++ (src/common/trace_reader.hh).
"""

from __future__ import annotations

import ast
import hashlib
import operator
import os
import struct
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from homeshift.errors import InputError
from homeshift.units import LINE_BYTES, PAGE_BYTES

TRACE_DTYPE = [("address", "<u8"), ("gap", "<u2"), ("size", "|u1"), ("write", "|u1")]
RECORD_BYTES = 12
MOST_GAP = 65535

Record = tuple[int, int, int, int]
"""Address, gap, size, write, as another tool has noted them."""

_MAGIC = b"\x93NUMPY"
_CHUNK_BYTES = RECORD_BYTES << 16
_OFFSET_IN_LINE = bytes(byte % LINE_BYTES for byte in range(256))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A checked trace file."""

    path: Path
    records: int
    pages: int
    writes: int
    sha256: str
    """Of the file, as `sha256sum` prints it."""

    @property
    def footprint_bytes(self) -> int:
        """The memory that a replay needs: all pages, from address 0."""
        return self.pages * PAGE_BYTES

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that JSON can hold."""
        return {**asdict(self), "path": str(self.path)}


def split_at_lines(accesses: Iterable[Record]) -> Iterator[Record]:
    """Make one record a line of an access across lines; saturate gaps."""
    for address, gap, size, write in accesses:
        at, end = address, address + size
        while at < end:
            piece = min(end, (at // LINE_BYTES + 1) * LINE_BYTES) - at
            yield at, min(gap, MOST_GAP), piece, write
            at += piece
            gap = 0


def number_pages(records: Iterable[Record]) -> Iterator[Record]:
    """Move each record's page to a dense space, in which pages are numbered by first touch."""
    numbers: dict[int, int] = {}
    for address, gap, size, write in records:
        page, offset = divmod(address, PAGE_BYTES)
        number = numbers.setdefault(page, len(numbers))
        yield number * PAGE_BYTES + offset, gap, size, write


def check_traces(paths: Sequence[str | os.PathLike[str]]) -> tuple[Trace, ...]:
    """Return the traces, each file read once.

    Raises:
        InputError: no path at all, or faults; each file's first fault is listed, of every file.
    """
    faults: list[str] = []
    checked: dict[Path, Trace | None] = {}
    for path in map(Path, paths):
        if path not in checked:
            checked[path] = None
            try:
                checked[path] = _check(path)
            except OSError as error:
                hint = "; put spaces between files, not commas" if "," in str(path) else ""
                faults.append(f"{path}: cannot read: {error.strerror or error}{hint}")
            except ValueError as error:
                faults.append(f"{path}: {error}")
    if not paths:
        faults.append("no trace file given")
    if faults:
        raise InputError("workload 'trace'", faults)
    return tuple(trace for path in map(Path, paths) if (trace := checked[path]) is not None)


def _check(path: Path) -> Trace:
    with path.open("rb") as file:
        records = _read_header(file)
        expected = file.tell() + records * RECORD_BYTES
        found = os.fstat(file.fileno()).st_size
        if found != expected:
            what = "truncated" if found < expected else "too long"
            raise ValueError(f"{what}: {records} records need {expected} bytes, it has {found}")
        if records == 0:
            raise ValueError("empty: no record in it")
        return _read_records(file, path, records)


def _begin_digest(file: BinaryIO) -> hashlib._Hash:
    """Return the digest of what has been read."""
    end = file.tell()
    file.seek(0)
    return hashlib.sha256(file.read(end))


def _read_header(file: BinaryIO) -> int:
    """Return the number of records; leave the file at the first one."""
    magic = file.read(len(_MAGIC))
    if not magic:
        raise ValueError("empty file")
    if magic != _MAGIC:
        raise ValueError("not a .npy file (its first bytes are not \\x93NUMPY)")
    version = tuple(file.read(2))
    if version != (1, 0):
        raise ValueError(f"version {'.'.join(map(str, version))} of .npy, not 1.0")
    length = file.read(2)
    header = file.read(struct.unpack("<H", length)[0]) if len(length) == 2 else b""
    if not header.endswith(b"\n"):
        raise ValueError("truncated in its header")
    try:
        fields = ast.literal_eval(header.decode("latin-1").strip())
        descr, order, shape = fields["descr"], fields["fortran_order"], fields["shape"]
    except (ValueError, SyntaxError, KeyError, TypeError):
        raise ValueError("its header is not one that numpy writes") from None
    if descr != TRACE_DTYPE:
        raise ValueError(f"records of {descr}, not of {TRACE_DTYPE}")
    if not isinstance(shape, tuple) or len(shape) != 1 or not isinstance(shape[0], int):
        raise ValueError(f"an array of shape {shape}, not of one dimension")
    if order is not False or shape[0] < 0:
        raise ValueError("its header is not one that numpy writes")
    return shape[0]


def _read_records(file: BinaryIO, path: Path, records: int) -> Trace:
    """Check all records, a chunk at a time and a column at a time, so that C does the work."""
    highest = writes = done = 0
    digest = _begin_digest(file)
    while chunk := file.read(_CHUNK_BYTES):
        sizes, flags = chunk[10::RECORD_BYTES], chunk[11::RECORD_BYTES]
        writes += flags.count(1)
        digest.update(chunk)
        offsets = chunk[0::RECORD_BYTES].translate(_OFFSET_IN_LINE)
        ends = list(map(operator.add, offsets, sizes))
        if flags.count(0) + flags.count(1) != len(flags):
            record = next(i for i, flag in enumerate(flags) if flag > 1)
            raise ValueError(f"record {done + record}: write is {flags[record]}, not 0 or 1")
        if min(sizes) == 0:
            raise ValueError(f"record {done + sizes.index(0)}: an access of no byte")
        if max(ends) > LINE_BYTES:
            record = next(i for i, end in enumerate(ends) if end > LINE_BYTES)
            raise ValueError(f"record {done + record}: an access across a line of {LINE_BYTES} B")
        highest = max(highest, _highest_address(chunk))
        done += len(flags)
    pages = highest // PAGE_BYTES + 1
    if pages > records:
        raise ValueError(
            f"address {highest:#x} is in page {pages - 1}, but {records} records touch at most "
            f"{records} pages; number the pages in order of first touch, as "
            f"homeshift.workload.trace.number_pages does"
        )
    return Trace(path=path, records=records, pages=pages, writes=writes, sha256=digest.hexdigest())


def _highest_address(chunk: bytes) -> int:
    """Return the highest address of some records, which are three words of 32 bits each."""
    words = array("I", chunk)
    if sys.byteorder == "big":
        words.byteswap()
    low, high = words[0::3], words[1::3]
    top = max(high)
    if top == 0:
        return max(low)
    return top << 32 | max(word for word, upper in zip(low, high, strict=True) if upper == top)
