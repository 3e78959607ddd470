# SPDX-License-Identifier: BSD-3-Clause
"""The VMs of a machine in gem5: vCPUs that replay accesses, or CPUs of gem5 that run something.

    vm = add_vm(system, controllers, 0, setup, machine, check=False)    # before m5.instantiate()

Runs inside gem5 only.
"""

from __future__ import annotations

import shlex
from typing import Any

import m5
import m5.objects as gem5

from homeshift.engines.base import Setup, VmSetup
from homeshift.engines.gem5_ruby import Controllers
from homeshift.errors import InputError, RunError
from homeshift.machine import Machine
from homeshift.units import PAGE_BYTES
from homeshift.workload import FullSystem, Program
from homeshift.workload.full_system import MEMORY_START


def boots(setup: Setup) -> bool:
    """Whether the first VM is a full system."""
    return setup.vms[0].streams[0]["kind"] == FullSystem.kind


def add_vm(
    system: Any,
    controllers: Controllers,
    number: int,
    setup: VmSetup,
    machine: Machine,
    *,
    check: bool,
) -> Any:
    """Add a VM to the system, each vCPU with a way to one core of every node.

    Raises:
        InputError: a program is none for RISC-V.
        RunError: this gem5 has no RISC-V, which a program or a full system needs.
    """
    kind = setup.streams[0]["kind"]
    if kind in (Program.kind, FullSystem.kind):
        if not m5.defines.buildEnv.get("USE_RISCV_ISA", False):
            option = "program" if kind == Program.kind else "bios"
            raise RunError(f"--{option}: this gem5 was built without RISC-V (see docs/gem5.md)")
        vm = gem5.VirtualMachine(frames=list(setup.frames))
    else:
        vm = gem5.VirtualMachine(check=check)
    setattr(system, f"vm{number or ''}", vm)
    if kind == Program.kind:
        _add_program(system, vm, controllers, setup, machine)
    elif kind == FullSystem.kind:
        _add_full_system(system, vm, controllers, setup, machine)
    else:
        _add_replaying_vcpus(system, vm, controllers, setup, machine)
    return vm


def _add_replaying_vcpus(
    system: Any, vm: Any, controllers: Controllers, setup: VmSetup, machine: Machine
) -> None:
    for vcpu_number, stream in enumerate(setup.streams):
        vcpu = gem5.VirtualCpu(
            vm=vm,
            system=system,
            home_tables=controllers.home_tables,
            core=setup.first_core + vcpu_number,
            max_outstanding=machine.cores.max_outstanding,
            **stream,
        )
        setattr(vm, f"vcpu{vcpu_number}", vcpu)
        for node in range(machine.hosts):
            core = node * machine.cores.per_node + setup.first_core + vcpu_number
            vcpu.cores = controllers.sequencers[core].in_ports


def _add_program(
    system: Any, vm: Any, controllers: Controllers, setup: VmSetup, machine: Machine
) -> None:
    """Let CPUs run a program, in system-call emulation."""
    command = shlex.split(str(setup.streams[0]["command"]))
    try:
        system.workload = gem5.SEWorkload.init_compatible(command[0])
    except ValueError as error:
        fault = "not an executable for RISC-V"
        raise InputError(f"program '{command[0]}'", [fault]) from error
    vm.process = gem5.Process(executable=command[0], cmd=command)
    for cpu, _ in _cpus(vm, controllers, setup, machine):
        cpu.workload = [vm.process]
        cpu.createThreads()


def _add_full_system(
    system: Any, vm: Any, controllers: Controllers, setup: VmSetup, machine: Machine
) -> None:
    """Let CPUs boot. Devices are not on any node: an access takes what the I/O bus takes."""
    from homeshift.engines.gem5_board import add_board  # needs more of gem5 than all others do

    given = {name: str(value) for name, value in setup.streams[0].items() if name != "kind"}
    cpus = _cpus(vm, controllers, setup, machine)
    add_board(
        system,
        FullSystem(**given),
        [cpu for cpu, _ in cpus],
        memory_bytes=len(setup.frames) * PAGE_BYTES,
    )
    for cpu, port in cpus:
        port.devices = system.iobus.cpu_side_ports
        cpu.createThreads()
    vm.start = MEMORY_START
    system.system_port = vm.port0.cpu_side


def _cpus(
    vm: Any, controllers: Controllers, setup: VmSetup, machine: Machine
) -> list[tuple[Any, Any]]:
    """Return CPUs that are the VM's vCPUs, and the port of each."""
    cpus = []
    for vcpu in range(len(setup.streams)):
        port = gem5.GuestPort(
            vm=vm, home_tables=controllers.home_tables, core=setup.first_core + vcpu
        )
        setattr(vm, f"port{vcpu}", port)
        for node in range(machine.hosts):
            core = node * machine.cores.per_node + setup.first_core + vcpu
            port.cores = controllers.sequencers[core].in_ports
            controllers.tell_of_evictions(core)
        cpu = gem5.RiscvTimingSimpleCPU(cpu_id=vcpu)
        setattr(vm, f"cpu{vcpu}", cpu)
        cpu.createInterruptController()
        cpu.icache_port = port.cpu_side
        cpu.dcache_port = port.cpu_side
        cpu.mmu.connectWalkerPorts(port.cpu_side, port.cpu_side)
        cpus.append((cpu, port))
    return cpus
