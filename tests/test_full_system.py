# SPDX-License-Identifier: BSD-3-Clause
"""What is in memory when a full system is switched on."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from calls import ROOT

from homeshift.errors import InputError
from homeshift.experiment.command_line import faults_in
from homeshift.experiment.options import option_names
from homeshift.sweep.spec import load_sweep
from homeshift.workload import FullSystem
from homeshift.workload.boot_image import Image, Piece
from homeshift.workload.full_system import KERNEL_START, MEMORY_START, TREE_BYTES, TREE_START

MIB = 1 << 20


def elf(*pieces: Piece, entry: int) -> bytes:
    return Image(pieces=pieces, entry=entry).elf()


def written(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


@pytest.fixture
def bios(tmp_path: Path) -> str:
    return written(tmp_path / "fw.bin", b"firmware\0")


@pytest.fixture
def kernel(tmp_path: Path) -> str:
    return written(tmp_path / "Image", b"\0" * 5000)


def faults(system: FullSystem, vm_bytes: int = MIB) -> tuple[str, ...]:
    with pytest.raises(InputError) as info:
        system.layout(vm_bytes)
    return info.value.faults


def test_a_raw_file_begins_where_it_is_put() -> None:
    image = Image.of(b"a\0c", at=0x1000)
    assert image.pieces == (Piece(0x1000, b"a\0c", 3),)
    assert image.entry == 0x1000
    assert image.end == 0x1003


def test_a_kernel_takes_the_memory_that_its_header_tells() -> None:
    header = bytearray(64)
    header[56:60] = b"RSC\x05"
    header[16:24] = (9000).to_bytes(8, "little")
    assert Image.of(bytes(header), at=0x1000).end == 0x1000 + 9000
    header[16:24] = (1).to_bytes(8, "little")  # less than there is
    assert Image.of(bytes(header), at=0x1000).end == 0x1000 + 64


def test_an_elf_file_that_runs_anywhere_is_moved_with_its_entry() -> None:
    data = elf(Piece(0x40, b"code", 4), Piece(0x100, b"data", 16), entry=0x42)
    image = Image.of(data, at=0x80000000)
    assert image.pieces == (Piece(0x80000000, b"code", 4), Piece(0x800000C0, b"data", 16))
    assert image.entry == 0x80000002
    assert image.end == 0x800000D0


def test_an_elf_file_stays_where_it_is_linked_to() -> None:
    data = elf(Piece(MEMORY_START + 0x10000, b"code", 4), entry=MEMORY_START + 0x10002)
    assert Image.of(data, at=MEMORY_START).elf() == data


def test_headers_below_the_memory_are_left_out() -> None:
    note = Piece(0x10000, b"note", 4)
    code = Piece(MEMORY_START - 6, b"headercode", 20)
    image = Image.of(elf(note, code, entry=MEMORY_START), at=MEMORY_START)
    assert image.pieces == (Piece(MEMORY_START, b"code", 14),)
    assert image.entry == MEMORY_START


def test_an_elf_file_that_is_where_it_belongs_stays_as_it_is() -> None:
    data = elf(Piece(MEMORY_START, b"code", 4), entry=MEMORY_START)
    assert Image.of(data, at=MEMORY_START).elf() == data


def test_the_entry_of_a_kernel_is_a_virtual_address() -> None:
    data = bytearray(elf(Piece(0x200000, b"code", 4), entry=0xFFFFFFFF80000002))
    struct.pack_into("<Q", data, 64 + 16, 0xFFFFFFFF80000000)  # p_vaddr
    assert Image.of(bytes(data), at=0x80200000).entry == 0x80200002


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:18] + b"\x3e\x00" + data[20:], "not for RISC-V of 64 bits"),
        (lambda data: data[:4] + b"\x01" + data[5:], "not for RISC-V of 64 bits"),
        (lambda data: data[:30], "cut off"),
        (lambda data: data[:64], "cut off"),
        (lambda data: data[:70], "cut off"),
        (lambda data: data[:-1], "cut off"),
        (lambda data: data[:39] + b"\x80" + data[40:], "cut off"),  # where the table is
        (lambda data: data[:54] + b"\x40" + data[55:], "cut off"),  # the size of its entries
        (lambda data: data[:104] + b"\x03" + data[105:], "cut off"),  # less memory than bytes
        (lambda data: data[:64] + b"\x02" + data[65:], "nothing to load"),
        (lambda data: data[:24] + b"\x04" + data[25:], "begins outside"),
        (lambda data: data[:0], "empty"),
    ],
)
def test_what_cannot_be_booted_is_told(change: object, message: str) -> None:
    data = elf(Piece(0, b"code", 4), entry=0)
    assert callable(change)
    with pytest.raises(ValueError, match=message):
        Image.of(change(data), at=0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("# Größe\n".encode(), "a text; give an ELF file or machine code for RISC-V"),
        (b"\x1f\x8b\x08\0", "compressed by gzip; give"),
        (
            b"MZ" + bytes(54) + b"ARM\x64",
            "a program for EFI, and no Image of Linux for RISC-V; give",
        ),
    ],
    ids=("text", "gzip", "efi"),
)
def test_what_is_no_program_is_told_apart(tmp_path: Path, data: bytes, message: str) -> None:
    file = written(tmp_path / "file", data)
    told = faults(FullSystem(bios=file, kernel=file), 40 * MIB)
    for name, fault in zip(("bios", "kernel"), told, strict=True):
        assert fault.startswith(f"--{name} {file}: {message}")


def test_everything_has_its_place(tmp_path: Path, bios: str, kernel: str) -> None:
    initrd = written(tmp_path / "initrd", b"i" * 5000)
    layout = FullSystem(bios=bios, kernel=kernel, initrd=initrd).layout(40 * MIB)
    assert layout.tree == TREE_START
    assert layout.initrd == Piece(TREE_START + TREE_BYTES, b"i" * 5000, 5000)
    assert layout.image.entry == MEMORY_START
    places = [piece.address for piece in layout.image.pieces]
    assert places == [MEMORY_START, KERNEL_START, layout.initrd.address]


def test_a_program_without_operating_system_needs_no_kernel(bios: str) -> None:
    layout = FullSystem(bios=bios).layout(MIB)
    assert layout.initrd is None
    assert layout.tree == MEMORY_START + MIB - TREE_BYTES
    assert layout.image.pieces == (Piece(MEMORY_START, b"firmware\0", 9),)


def test_each_vcpu_is_told_what_it_boots(bios: str, kernel: str) -> None:
    system = FullSystem(bios=bios, kernel=kernel, append="console=ttyS0")
    streams = system.streams(vcpus=2, vm_bytes=40 * MIB, seed=1)
    told = {"kind": "full-system", "bios": bios, "kernel": kernel, "append": "console=ttyS0"}
    assert streams == [told, told]
    assert system.to_dict() == {**told, "initrd": None, "disk": None}


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    elf_file = written(tmp_path / "fw.elf", b"\x7fELF")
    system = FullSystem(bios=elf_file, kernel=str(tmp_path / "no"), initrd=str(tmp_path))
    told = faults(system, 40 * MIB)
    assert len(told) == 3
    assert f"--bios {elf_file}: an ELF file that is cut off" in told
    assert any("no: cannot be read: No such file" in fault for fault in told)
    assert any(f"--initrd {tmp_path}: cannot be read: Is a directory" in fault for fault in told)


def test_a_disk_has_whole_sectors(tmp_path: Path, bios: str) -> None:
    FullSystem(bios=bios, disk=written(tmp_path / "disk", b"d" * 1024)).layout(MIB)
    for content in (b"", b"d" * 1023):
        disk = written(tmp_path / "disk", content)
        [fault] = faults(FullSystem(bios=bios, disk=disk), MIB)
        assert fault == f"--disk {disk}: is not a whole number of sectors of 512 B"
    for path, why in ((tmp_path / "no", "No such file"), (tmp_path, "Is a directory")):
        [fault] = faults(FullSystem(bios=bios, disk=str(path)), MIB)
        assert fault.startswith(f"--disk {path}: cannot be read: {why}")


def test_what_only_a_kernel_uses_needs_one(bios: str) -> None:
    told = faults(FullSystem(bios=bios, initrd=bios, append="quiet"))
    assert told == tuple(
        f"--{name}: there is no --kernel to get it" for name in ("initrd", "append")
    )


def test_a_vm_with_too_little_memory_is_told_how_much_it_lacks(
    tmp_path: Path, bios: str, kernel: str
) -> None:
    initrd = written(tmp_path / "initrd", b"i" * 5000)
    booted = FullSystem(bios=bios, kernel=kernel, initrd=initrd)
    enough = (34 << 20) + TREE_BYTES + 8192
    booted.layout(enough)
    said = "--vm-memory: 904 B too little to boot in"  # 5,000 bytes in a page of 4,096
    assert faults(booted, enough - 4096) == (said,)
    FullSystem(bios=bios, kernel=kernel).layout(enough - 8192)
    [fault] = faults(FullSystem(bios=bios, kernel=kernel), enough - 8192 - 4096)
    assert fault == "--vm-memory: 4.00 KiB too little to boot in"
    FullSystem(bios=kernel).layout(TREE_BYTES + 8192)
    assert faults(FullSystem(bios=kernel), TREE_BYTES + 4096) == (said,)


def test_nothing_lies_where_something_else_belongs(tmp_path: Path, bios: str, kernel: str) -> None:
    large = written(tmp_path / "large.bin", b"\0" * (2 * MIB + 1))
    FullSystem(bios=large).layout(4 * MIB)
    [fault] = faults(FullSystem(bios=large, kernel=kernel), 40 * MIB)
    assert fault == f"--bios {large}: reaches beyond the 2MiB below the kernel"
    large = written(tmp_path / "large", b"\0" * (32 * MIB + 1))
    [fault] = faults(FullSystem(bios=bios, kernel=large), 40 * MIB)
    assert fault == f"--kernel {large}: reaches beyond the 32MiB below the device tree"


def test_a_command_line_is_no_longer_than_linux_takes(bios: str, kernel: str) -> None:
    FullSystem(bios=bios, kernel=kernel, append="x" * 1023).layout(40 * MIB)
    for text in ("x" * 1024, "\u00e4" * 512):
        [fault] = faults(FullSystem(bios=bios, kernel=kernel, append=text), 40 * MIB)
        assert fault == "--append: Linux takes 1,023 bytes at most"


@pytest.mark.parametrize("at", [KERNEL_START + 4 * MIB, MEMORY_START])
def test_a_kernel_begins_where_firmware_looks_for_it(tmp_path: Path, bios: str, at: int) -> None:
    size = KERNEL_START - MEMORY_START + 4
    linked = written(tmp_path / "vmlinux", elf(Piece(at, b"k" * size, size), entry=at))
    [fault] = faults(FullSystem(bios=bios, kernel=linked), 40 * MIB)
    assert fault.startswith(f"--kernel {linked}: ")


def test_the_sweep_over_linux_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("fw_jump.elf", "Image", "initrd"):
        written(tmp_path / name, b"code\0")
    sweep = load_sweep(
        ROOT / "examples" / "linux" / "strategies.toml",
        known=option_names(),
        check=faults_in,
    )
    assert sweep.varied == ("strategy",)
    assert [run.options["strategy"] for run in sweep.runs] == [
        *("stop-and-copy", "pre-copy:max-rounds=3", "post-copy", "hybrid"),
        *("ignore-shared:max-rounds=3", "static-homes", "static-homes+pull", "ownership"),
        *("ownership+copy:max-rounds=3", "ownership+pull"),
    ]
