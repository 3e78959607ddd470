# SPDX-License-Identifier: BSD-3-Clause

from m5.objects.GuestCpu import GuestCpu
from m5.params import *
from m5.proxy import *


class VirtualCpu(GuestCpu):
    """Replays a request stream in a closed loop, on the core where its virtual machine runs.

    The stream's parameters are those of `homeshift.workload`, with the same names and meanings.
    """

    type = "VirtualCpu"
    cxx_class = "gem5::VirtualCpu"
    cxx_header = "homeshift/virtual_cpu.hh"

    system = Param.System(Parent.any, "system that the requests are made in")
    max_outstanding = Param.Unsigned(
        "accesses under way at a time, at most; those to one line are one to the core"
    )

    kind = Param.String("uniform, zipf, stream, pointer-chase, phased, producer-consumer or trace")
    vcpu = Param.UInt32("number of this virtual CPU")
    vcpus = Param.UInt32("virtual CPUs of the virtual machine")
    vm_bytes = Param.UInt64("memory of the virtual machine in bytes")
    seed = Param.UInt64("of the chances drawn")
    write_ratio = Param.Float("share of accesses that write")
    shared = Param.Float("share of the footprint and of the accesses that all have in common")
    footprint = Param.Float("share of the memory that is touched")
    think = Param.UInt32("cycles between two accesses")
    exponent = Param.Float("zipf: skew")
    stride = Param.UInt64("stream: bytes from one access to the next")
    phase_accesses = Param.UInt64("phased: accesses until the hot set moves")
    hot = Param.Float("phased: share of the footprint that is hot")
    hot_ratio = Param.Float("phased: share of accesses that go to the hot set")
    ring = Param.UInt64("producer-consumer: bytes of the ring between two virtual CPUs")
    exchange = Param.Float("producer-consumer: share of accesses that go to the ring")
    cycles_per_instruction = Param.Float("trace: cycles from one instruction to the next")
    trace_path = Param.String("trace: the .npy file")
    trace_base = Param.UInt64("trace: guest address of the trace's page 0")
