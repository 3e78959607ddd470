# SPDX-License-Identifier: BSD-3-Clause
"""What lies in a machine's memory when it is switched on, as one ELF file.

    image = Image.of(Path("fw_jump.bin").read_bytes(), at=0x80000000)
    Path("boot.elf").write_bytes(image.elf())

An ELF file may be given as well. If all of it is linked to addresses below `at`, it is moved there,
as firmware that runs anywhere and kernels need it; else it stays, without what lies below `at`.
(ELF-64, little-endian: see the System V ABI, "Object Files", or elf(5).)
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NamedTuple

MAGIC = b"\x7fELF"
RISCV = 243
LINUX_MAGIC = b"RSC\x05"
"""In the header of a raw kernel, which tells its size in memory (arch/riscv/boot-image.rst)."""
_LOAD = 1
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")


class _Segment(NamedTuple):
    kind: int
    flags: int
    offset: int
    virtual: int
    physical: int
    length: int  # in the file
    size: int  # in memory
    alignment: int


class Piece(NamedTuple):
    """Bytes, the address of the first, and how much memory they take (with zeros after them)."""

    address: int
    data: bytes
    size: int

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.address + self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What is where, and the address of the first instruction."""

    pieces: tuple[Piece, ...]
    entry: int

    @property
    def end(self) -> int:
        """The first address behind all of it."""
        return max(piece.end for piece in self.pieces)

    @classmethod
    def of(cls, data: bytes, *, at: int) -> Image:
        """Return the image that is a file's content: an ELF file's, or as it is.

        Raises:
            ValueError: it is no program, or an ELF file but not a whole one that RISC-V can run.
        """
        if not data:
            raise ValueError("empty")
        if not data.startswith(MAGIC):
            linux = data[56:60] == LINUX_MAGIC
            if wrong := "" if linux else _no_code(data):
                raise ValueError(f"{wrong}; give an ELF file or machine code for RISC-V, as it is")
            size = len(data)
            if linux:
                size = max(size, int.from_bytes(data[16:24], "little"))
            return cls(pieces=(Piece(at, data, size),), entry=at)
        try:
            _, _, machine, _, entry, table, *_, length, count, _, _, _ = _HEADER.unpack_from(data)
            if machine != RISCV or data[4:6] != b"\x02\x01":
                raise ValueError("an ELF file, but not for RISC-V of 64 bits")
            headers = data[table : table + count * length]
            segments = [_Segment(*fields) for fields in _SEGMENT.iter_unpack(headers)]
        except struct.error as error:
            raise ValueError("an ELF file that is cut off") from error
        if len(segments) != count:
            raise ValueError("an ELF file that is cut off")
        loads = [segment for segment in segments if segment.kind == _LOAD and segment.size]
        if not loads:
            raise ValueError("an ELF file with nothing to load")
        if any(x.length > x.size or x.offset + x.length > len(data) for x in loads):
            raise ValueError("an ELF file that is cut off")
        below_it = all(x.physical + x.size <= at for x in loads)
        moved = at - min(x.physical for x in loads) if below_it else 0
        begin = next(
            (x.physical + entry - x.virtual for x in loads if 0 <= entry - x.virtual < x.size),
            entry,
        )
        pieces = []
        for x in loads:
            # What lies below is no part of the program: headers, which linkers put there.
            below = max(0, at - x.physical - moved)
            if below < x.size:
                held = data[x.offset + min(below, x.length) : x.offset + x.length]
                pieces.append(Piece(x.physical + moved + below, held, x.size - below))
        if not any(piece.address <= begin + moved < piece.end for piece in pieces):
            raise ValueError("an ELF file that begins outside of what it holds")
        return cls(pieces=tuple(pieces), entry=begin + moved)

    def elf(self) -> bytes:
        """Return it as an ELF file."""
        offset = _HEADER.size + len(self.pieces) * _SEGMENT.size
        ident = MAGIC + bytes([2, 1, 1])
        header = (ident, 2, RISCV, 1, self.entry, _HEADER.size, 0, 0, _HEADER.size, _SEGMENT.size)
        parts = [_HEADER.pack(*header, len(self.pieces), 0, 0, 0)]
        for piece in self.pieces:
            length = len(piece.data)
            place = (piece.address, piece.address, length, piece.size)
            parts.append(_SEGMENT.pack(_LOAD, 7, offset, *place, 1))
            offset += length
        return b"".join([*parts, *(piece.data for piece in self.pieces)])


def _no_code(data: bytes) -> str:
    """Return what a file without ELF header is, if it is easily told and no machine code."""
    if data.startswith(b"\x1f\x8b"):
        return "compressed by gzip"
    if data.startswith(b"MZ"):  # what EFI starts; RISC-V's Linux as well, but that has its magic
        return "a program for EFI, and no Image of Linux for RISC-V"
    try:
        return "" if "\0" in data.decode() else "a text"
    except UnicodeDecodeError:
        return ""
