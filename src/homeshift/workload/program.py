# SPDX-License-Identifier: BSD-3-Clause
"""A program that the vCPUs run: inside gem5, on its CPUs."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from homeshift.errors import InputError
from homeshift.workload.boot_image import MAGIC, RISCV
from homeshift.workload.spec import Scalar

ISAS = {RISCV: "RISC-V", 183: "Arm", 62: "x86"}
"""By the number that an ELF file has for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program of several threads, one a vCPU at most. Make one with `program_workload`."""

    kind: ClassVar[str] = "program"

    command: tuple[str, ...]
    """Path of a static executable, and its arguments."""
    isa: str
    """That it is for, as one of `ISAS`."""

    @property
    def subject(self) -> str:
        """What an error is about."""
        return f"program '{self.command[0]}'"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that JSON can hold."""
        return {"kind": self.kind, "command": shlex.join(self.command)}

    def streams(self, *, vcpus: int, vm_bytes: int, seed: int) -> list[dict[str, Scalar]]:
        """Return the command for each vCPU; the program takes as much memory as it needs."""
        del vm_bytes, seed
        stream = {"kind": self.kind, "command": shlex.join(self.command), "isa": self.isa}
        return [dict(stream) for _ in range(vcpus)]


def program_workload(text: str) -> Program:
    """Return the program that a command line names, as a shell would read it.

    Raises:
        InputError: there is no such file, it is no program for an ISA that we know, or a quote is
            not closed.
    """
    subject = f"program '{text}'"
    try:
        command = tuple(shlex.split(text))
    except ValueError as error:
        raise InputError(subject, [f"{str(error)[:1].lower()}{str(error)[1:]}"]) from error
    if not command:
        raise InputError(subject, ["names no file"])
    if not Path(command[0]).is_file():
        raise InputError(subject, [f"{command[0]}: no such file"])
    isa = _isa_of(Path(command[0]), subject)
    return Program(command=command, isa=isa)


def _isa_of(path: Path, subject: str) -> str:
    try:
        with path.open("rb") as file:
            header = file.read(20)
    except OSError as error:
        raise InputError(subject, [f"{path}: cannot be read: {error.strerror}"]) from error
    little_endian_of_64_bits = header[:6] == MAGIC + b"\x02\x01"
    isa = ISAS.get(int.from_bytes(header[18:20], "little")) if little_endian_of_64_bits else None
    if isa is None:
        *others, last = ISAS.values()
        known = f"{', '.join(others)} or {last}"
        raise InputError(subject, [f"{path}: not an executable of 64 bits for {known}"])
    return isa
