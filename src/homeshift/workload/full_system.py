# SPDX-License-Identifier: BSD-3-Clause
"""A full system that the vCPUs boot: inside gem5, on its CPUs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from os import SEEK_END
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from homeshift.errors import InputError
from homeshift.units import PAGE_BYTES, format_bytes
from homeshift.workload.boot_image import Image, Piece
from homeshift.workload.spec import Scalar

MEMORY_START = 0x80000000
"""Guest address of the memory's first byte, as on the boards that gem5's devices come from."""
KERNEL_START = MEMORY_START + (2 << 20)
"""Where OpenSBI's fw_jump looks for a kernel of 64 bits."""
TREE_START = MEMORY_START + (34 << 20)
"""Where fw_jump puts the device tree for the kernel."""
TREE_BYTES = 64 << 10
"""Kept for the device tree: at TREE_START, or at the end of memory if there is no kernel."""
SECTOR_BYTES = 512
"""A disk's content is a whole number of sectors."""
APPEND_BYTES = 1023
"""Most that a command line can have (COMMAND_LINE_SIZE in arch/riscv/include/uapi/asm/setup.h)."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The memory of a full system when it is switched on; addresses are the guest's."""

    image: Image
    tree: int
    """Where its device tree is to be."""
    initrd: Piece | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FullSystem:
    """Firmware and what it starts, by QEMU's names: paths of files, but for `append`."""

    kind: ClassVar[str] = "full-system"
    subject: ClassVar[str] = "the full system"
    files: ClassVar[tuple[str, ...]] = ("bios", "kernel", "initrd", "disk")

    bios: str
    """OpenSBI's fw_jump, or a program that needs no operating system; ELF, or raw."""
    kernel: str | None = None
    """Linux; ELF, or raw."""
    initrd: str | None = None
    """The kernel's first file system."""
    append: str | None = None
    """The kernel's command line."""
    disk: str | None = None
    """A disk's content, as it is; it stays so, whatever the guest writes."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that JSON can hold."""
        return {"kind": self.kind, **asdict(self)}

    def streams(self, *, vcpus: int, vm_bytes: int, seed: int) -> list[dict[str, Scalar]]:
        """Return what each vCPU boots.

        Raises:
            InputError: a file cannot be read, or the VM has too little memory for them.
        """
        del seed
        self.layout(vm_bytes)
        given = {name: value for name, value in self.to_dict().items() if value is not None}
        return [given for _ in range(vcpus)]

    def layout(self, vm_bytes: int) -> Layout:
        """Return where everything lies.

        Raises:
            InputError: a file cannot be read, or the VM has too little memory for them.
        """
        faults: list[str] = []
        end = MEMORY_START + vm_bytes
        bios = self._read("bios", partial(Image.of, at=MEMORY_START), faults)
        kernel = self._read("kernel", partial(Image.of, at=KERNEL_START), faults)
        initrd = self._read(
            "initrd", lambda data: Piece(TREE_START + TREE_BYTES, data, len(data)), faults
        )
        faults += self._disk_faults()
        if self.kernel is None:
            faults += [
                f"--{name}: there is no --kernel to get it"
                for name in ("initrd", "append")
                if getattr(self, name) is not None
            ]
        if self.append is not None and len(self.append.encode()) > APPEND_BYTES:
            faults.append(f"--append: Linux takes {APPEND_BYTES:,} bytes at most")
        if bios and kernel and bios.end > KERNEL_START:
            faults.append(f"--bios {self.bios}: reaches beyond the 2MiB below the kernel")
        if kernel and kernel.entry != KERNEL_START:
            faults.append(f"--kernel {self.kernel}: does not begin at {KERNEL_START:#x}")
        if kernel and kernel.end > TREE_START:
            faults.append(f"--kernel {self.kernel}: reaches beyond the 32MiB below the device tree")
        if self.kernel is None:
            tree = (end - TREE_BYTES) // PAGE_BYTES * PAGE_BYTES
            needed = (bios.end if bios else MEMORY_START) + TREE_BYTES
        else:
            tree = TREE_START
            needed = initrd.end if initrd else TREE_START + TREE_BYTES
        if needed > end:
            faults.append(f"--vm-memory: {format_bytes(needed - end)} too little to boot in")
        if faults or bios is None:
            raise InputError(self.subject, faults)
        pieces = (*bios.pieces, *(kernel.pieces if kernel else ()), *((initrd,) if initrd else ()))
        return Layout(image=replace(bios, pieces=pieces), tree=tree, initrd=initrd)

    def _disk_faults(self) -> list[str]:
        if self.disk is None:
            return []
        try:
            with Path(self.disk).open("rb") as file:
                size = file.seek(0, SEEK_END)
        except OSError as error:
            return [f"--disk {self.disk}: cannot be read: {error.strerror or error}"]
        if size == 0 or size % SECTOR_BYTES:
            return [f"--disk {self.disk}: is not a whole number of sectors of {SECTOR_BYTES} B"]
        return []

    def _read(self, option: str, make: Callable[[bytes], T], faults: list[str]) -> T | None:
        path = getattr(self, option)
        try:
            return None if path is None else make(Path(path).read_bytes())
        except OSError as error:
            faults.append(f"--{option} {path}: cannot be read: {error.strerror or error}")
        except ValueError as error:
            faults.append(f"--{option} {path}: {error}")
        return None
