# SPDX-License-Identifier: BSD-3-Clause
"""What a full system needs besides CPUs and memory: devices, and what lies in memory at first.

The devices are those of SiFive's boards: interrupt controllers, a clock, and a serial port. What
the guest prints there is in `system.platform.terminal` in gem5's output directory, and what it
boots from in `boot.elf` and `boot.dtb`. A disk is virtio's, as on gem5's own RISC-V board.

Runs inside gem5 only.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import m5
import m5.objects as gem5
from m5.util import fdthelper

from homeshift.errors import RunError
from homeshift.workload import FullSystem
from homeshift.workload.boot_image import Piece
from homeshift.workload.full_system import APPEND_BYTES, MEMORY_START, TREE_BYTES

CLOCK_HZ = 10_000_000
"""Of the guest's own clock, by which it counts time."""


def add_board(system: Any, booted: FullSystem, *, vcpus: int, memory_bytes: int) -> list[Any]:
    """Add devices to a system, and say what is in its memory when it is switched on.

    Args:
        system: gem5's, in full-system mode.
        booted: what it is to boot.
        vcpus: how many there are.
        memory_bytes: of the VM.

    Returns:
        The addresses of devices, which no CPU may cache.

    Raises:
        RunError: there are too many CPUs.
    """
    platform = system.platform = gem5.HiFive()
    platform.rtc = gem5.RiscvRTC(frequency=f"{CLOCK_HZ}Hz")
    platform.clint.int_pin = platform.rtc.int_pin
    if booted.disk is not None:
        platform.disk = _disk(booted.disk)
    system.iobus = gem5.IOXBar()
    platform.pci_host.pio = system.iobus.mem_side_ports
    platform.attachOnChipIO(system.iobus)
    platform.attachOffChipIO(system.iobus)
    platform.attachPlic()
    platform.setNumCores(vcpus)
    layout = booted.layout(memory_bytes)
    image, tree = (Path(m5.options.outdir, name) for name in ("boot.elf", "boot.dtb"))
    image.write_bytes(layout.image.elf())
    described = _tree(platform, vcpus, memory_bytes, layout.initrd)
    if len(described) + APPEND_BYTES > TREE_BYTES:
        raise RunError(f"the device tree of {vcpus} CPUs does not fit into its 64 KiB")
    tree.write_bytes(described)
    system.workload = gem5.RiscvLinux(
        object_file=str(image),
        addr_check=False,  # it is the VM's stage-2 table that knows where its memory is
        dtb_filename=str(tree),
        dtb_addr=layout.tree,
        command_line=booted.append or "",
    )
    return [*platform._on_chip_ranges(), *platform._off_chip_ranges()]


def _disk(path: str) -> Any:
    """Return a disk; what is written to it is kept in gem5's memory, and in checkpoints."""
    content = gem5.CowDiskImage(
        child=gem5.RawDiskImage(read_only=True, image_file=path), read_only=False
    )
    return gem5.RiscvMmioVirtIO(
        vio=gem5.VirtIOBlock(image=content), interrupt_id=8, pio_addr=0x10008000, pio_size=4096
    )


def _tree(platform: Any, cpu_count: int, memory_bytes: int, initrd: Piece | None) -> bytes:
    """Return the device tree (see devicetree.org's specification)."""
    cpus = range(cpu_count)
    clint, plic, uart = platform.clint, platform.plic, platform.uart
    interrupts, plic_handle = [1 + cpu for cpu in cpus], 1 + cpu_count
    chosen: dict[str, Any] = {"stdout-path": "/soc/serial"}  # gem5 adds the command line
    if initrd:
        chosen["linux,initrd-start"] = _cells(initrd.address)
        chosen["linux,initrd-end"] = _cells(initrd.end)
    disks = {}
    if hasattr(platform, "disk"):
        disks["disk"] = {
            "compatible": "virtio,mmio",
            "reg": _registers(platform.disk),
            "interrupts": [int(platform.disk.interrupt_id)],
            "interrupt-parent": [plic_handle],
        }
    nodes = {
        "#address-cells": [2],
        "#size-cells": [2],
        "compatible": "riscv-virtio",
        "chosen": chosen,
        "memory": {
            "device_type": "memory",
            "reg": _cells(MEMORY_START, memory_bytes),
        },
        "cpus": {
            "#address-cells": [1],
            "#size-cells": [0],
            "timebase-frequency": [CLOCK_HZ],
            **{
                f"cpu@{cpu}": {
                    "device_type": "cpu",
                    "reg": [cpu],
                    "status": "okay",
                    "compatible": "riscv",
                    "riscv,isa": "rv64imafdc",
                    "mmu-type": "riscv,sv39",
                    "interrupt-controller": {
                        "#interrupt-cells": [1],
                        "interrupt-controller": None,
                        "compatible": "riscv,cpu-intc",
                        "phandle": [interrupts[cpu]],
                    },
                }
                for cpu in cpus
            },
        },
        "soc": {
            "#address-cells": [2],
            "#size-cells": [2],
            "compatible": "simple-bus",
            "ranges": None,
            "clint": {
                "compatible": "riscv,clint0",
                "reg": _registers(clint),
                # of software and of the timer
                "interrupts-extended": [x for cpu in interrupts for x in (cpu, 3, cpu, 7)],
            },
            "plic": {
                "compatible": "riscv,plic0",
                "reg": _registers(plic),
                "#address-cells": [0],
                "#interrupt-cells": [1],
                "interrupt-controller": None,
                "phandle": [plic_handle],
                "riscv,ndev": [int(plic.n_src) - 1],
                # of devices, to machine and to supervisor mode
                "interrupts-extended": [x for cpu in interrupts for x in (cpu, 11, cpu, 9)],
            },
            "serial": {
                "compatible": "ns16550a",
                "reg": _registers(uart),
                "interrupts": [int(platform.uart_int_id)],
                "interrupt-parent": [plic_handle],
                "clock-frequency": [3686400],
            },
            **disks,
        },
    }
    tree = fdthelper.Fdt()
    tree.add_rootnode(_node("/", nodes))
    return bytes(tree.to_dtb())


def _registers(device: Any) -> list[int]:
    return _cells(int(device.pio_addr), int(device.pio_size))


def _cells(*values: int) -> list[int]:
    """Return each value as two cells of 32 bits."""
    return [part for value in values for part in (value >> 32, value & 0xFFFFFFFF)]


def _node(name: str, content: dict[str, Any]) -> Any:
    """Return a node with properties, which are texts, cells or nothing, and nodes below it."""
    node = fdthelper.FdtNode(name)
    for key, value in content.items():
        if isinstance(value, dict):
            node.append(_node(key, value))
        elif isinstance(value, str):
            node.append(fdthelper.FdtPropertyStrings(key, [value]))
        elif value is None:
            node.append(fdthelper.FdtProperty(key))
        else:
            node.append(fdthelper.FdtPropertyWords(key, value))
    return node
