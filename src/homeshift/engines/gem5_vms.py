# SPDX-License-Identifier: BSD-3-Clause
"""The VMs of a machine in gem5: vCPUs that replay accesses, or CPUs of gem5 that run something.

    vm = add_vm(system, controllers, 0, setup.vms[0], setup)    # before m5.instantiate()

Runs inside gem5 only.
"""

from __future__ import annotations

import shlex
from typing import Any, NamedTuple

import m5
import m5.objects as gem5

from homeshift.engines.base import Setup, VmSetup
from homeshift.engines.gem5_ruby import Controllers
from homeshift.errors import InputError, RunError
from homeshift.machine import Machine
from homeshift.units import PAGE_BYTES
from homeshift.workload import FullSystem, Program
from homeshift.workload.full_system import MEMORY_START

CPU_CLASSES = {"simple": "TimingSimpleCPU", "minor": "MinorCPU", "o3": "O3CPU"}
"""Without the ISA, which gem5's names begin with."""
PREFIXES = {"RISC-V": "Riscv", "Arm": "Arm", "x86": "X86"}
"""By ISA; in capitals, gem5's name of it."""


def boots(setup: Setup) -> bool:
    """Whether the first VM is a full system."""
    return setup.vms[0].streams[0]["kind"] == FullSystem.kind


def add_vm(system: Any, controllers: Controllers, number: int, spec: VmSetup, setup: Setup) -> Any:
    """Add a VM to the system, each vCPU with a way to one core of every node.

    Raises:
        InputError: gem5's system-call emulation cannot run a program.
        RunError: this gem5 does not have the ISA that a program or a full system needs.
    """
    kind = spec.streams[0]["kind"]
    if kind in (Program.kind, FullSystem.kind):
        if not m5.defines.buildEnv.get(f"USE_{_prefix(spec).upper()}_ISA", False):
            option = "program" if kind == Program.kind else "bios"
            isa = spec.streams[0].get("isa", "RISC-V")
            raise RunError(f"--{option}: this gem5 was built without {isa} (see docs/gem5.md)")
        vm = gem5.VirtualMachine(frames=list(spec.frames))
    else:
        vm = gem5.VirtualMachine(check=setup.check)
    setattr(system, f"vm{number or ''}", vm)
    if kind == Program.kind:
        _add_program(system, vm, controllers, spec, setup)
    elif kind == FullSystem.kind:
        _add_full_system(system, vm, controllers, spec, setup)
    else:
        _add_replaying_vcpus(system, vm, controllers, spec, setup.machine)
    return vm


def _prefix(spec: VmSetup) -> str:
    """Return how names of CPUs of a VM's ISA begin: a full system's is RISC-V."""
    return PREFIXES[str(spec.streams[0].get("isa", "RISC-V"))]


def cpus_of(vm: Any, spec: VmSetup) -> list[Any]:
    """Return the CPUs that run something in a VM and wait for what they access, if it has such."""
    if spec.streams[0]["kind"] not in (Program.kind, FullSystem.kind):
        return []
    return [getattr(vm, f"cpu{number}") for number in range(len(spec.streams))]


def end_fast_forward(system: Any, vm: Any, cpus: list[Any]) -> None:
    """Let a VM's CPUs take over that wait for what they access."""
    m5.simulate(0)  # gem5 starts up all CPUs when it first simulates, before one can take over
    fast = [getattr(vm, f"fast_cpu{number}") for number in range(len(cpus))]
    m5.switchCpus(system, list(zip(fast, cpus, strict=True)), verbose=False)


def _add_replaying_vcpus(
    system: Any, vm: Any, controllers: Controllers, spec: VmSetup, machine: Machine
) -> None:
    for vcpu_number, stream in enumerate(spec.streams):
        vcpu = gem5.VirtualCpu(
            vm=vm,
            system=system,
            home_tables=controllers.home_tables,
            core=spec.first_core + vcpu_number,
            max_outstanding=machine.cores.max_outstanding,
            **stream,
        )
        setattr(vm, f"vcpu{vcpu_number}", vcpu)
        for node in range(machine.hosts):
            core = node * machine.cores.per_node + spec.first_core + vcpu_number
            vcpu.cores = controllers.sequencers[core].in_ports


def _add_program(
    system: Any, vm: Any, controllers: Controllers, spec: VmSetup, setup: Setup
) -> None:
    """Let CPUs run a program, in system-call emulation."""
    command = shlex.split(str(spec.streams[0]["command"]))
    try:
        system.workload = gem5.SEWorkload.init_compatible(command[0])
    except ValueError as error:
        fault = "nothing that gem5's system-call emulation can run"
        raise InputError(f"program '{command[0]}'", [fault]) from error
    vm.process = gem5.Process(executable=command[0], cmd=command)
    for vcpu in _add_vcpus(system, vm, controllers, spec, setup):
        [cpu] = vcpu.cpus
        if _prefix(spec) == "X86":
            _connect_interrupts(cpu)
        cpu.workload = [vm.process]
        cpu.createThreads()


def _connect_interrupts(cpu: Any) -> None:
    """Connect what x86's interrupt controller must be connected to, though no program needs it."""
    bus = cpu.interrupt_bus = gem5.IOXBar()
    [apic] = cpu.interrupts
    apic.pio = bus.mem_side_ports
    apic.int_requestor = bus.cpu_side_ports
    apic.int_responder = bus.mem_side_ports


def _add_full_system(
    system: Any, vm: Any, controllers: Controllers, spec: VmSetup, setup: Setup
) -> None:
    """Let CPUs boot. Devices are not on any node: an access takes what the I/O bus takes."""
    from homeshift.engines.gem5_board import add_board  # needs more of gem5 than all others do

    given = {name: str(value) for name, value in spec.streams[0].items() if name != "kind"}
    vcpus = _add_vcpus(system, vm, controllers, spec, setup)
    uncacheable = add_board(
        system,
        FullSystem(**given),
        vcpus=len(vcpus),
        memory_bytes=len(spec.frames) * PAGE_BYTES,
    )
    for vcpu in vcpus:
        vcpu.port.devices = system.iobus.cpu_side_ports
        for cpu in vcpu.cpus:
            cpu.mmu.pma_checker = gem5.PMAChecker(uncacheable=uncacheable)
            cpu.createThreads()
    if setup.models.cpu != "simple":
        _answer_anywhere(system, setup.machine)
    vm.start = MEMORY_START
    system.system_port = vm.port0.cpu_side


def _answer_anywhere(system: Any, machine: Machine) -> None:
    """Let CPUs access what they will not have accessed, on a path that is not taken in the end.

    An out-of-order CPU fetches from nowhere but where there is memory by `System.memories`, though
    guest addresses are others than the machine's.
    """
    system.nowhere = gem5.BadAddr()
    system.iobus.default = system.nowhere.pio
    others = gem5.AddrRange(start=machine.nodes * machine.memory.size_bytes, end=2**64 - 1)
    system.other_addresses = gem5.SimpleMemory(range=others, null=True)


class _Vcpu(NamedTuple):
    """What makes a vCPU of gem5's CPUs."""

    port: Any
    cpus: list[Any]
    """One, and before it the one that is fast-forwarded if there is to be one."""


def _add_vcpus(
    system: Any, vm: Any, controllers: Controllers, spec: VmSetup, setup: Setup
) -> list[_Vcpu]:
    """Add vCPUs, still without threads."""
    machine = setup.machine
    vcpus = []
    for number in range(len(spec.streams)):
        port = gem5.GuestPort(
            vm=vm,
            home_tables=controllers.home_tables,
            core=spec.first_core + number,
            speculates=setup.models.cpu != "simple",
        )
        setattr(vm, f"port{number}", port)
        for node in range(machine.hosts):
            core = node * machine.cores.per_node + spec.first_core + number
            port.cores = controllers.sequencers[core].in_ports
            controllers.tell_of_evictions(core)
        cpus = [getattr(gem5, _prefix(spec) + CPU_CLASSES[setup.models.cpu])(cpu_id=number)]
        setattr(vm, f"cpu{number}", cpus[0])
        if setup.fast_forward:
            system.mem_mode = "atomic"
            cpus[0].switched_out = True
            cpus.insert(0, getattr(gem5, f"{_prefix(spec)}AtomicSimpleCPU")(cpu_id=number))
            setattr(vm, f"fast_cpu{number}", cpus[0])
        first = cpus[0]
        first.createInterruptController()
        first.icache_port = port.cpu_side
        first.dcache_port = port.cpu_side
        first.mmu.connectWalkerPorts(port.cpu_side, port.cpu_side)
        vcpus.append(_Vcpu(port, cpus))
    return vcpus
