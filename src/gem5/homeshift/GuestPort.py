# SPDX-License-Identifier: BSD-3-Clause

from m5.objects.ClockedObject import ClockedObject
from m5.params import *
from m5.proxy import *


class GuestPort(ClockedObject):
    """Between one of gem5's CPUs, as a vCPU of a virtual machine, and the cores that it may run on.

    What the CPU takes for physical addresses are guest addresses: the virtual machine's stage-2
    table says where they are. A CPU whose virtual machine is paused, or that needs a page that is
    missing, waits for its next access.
    """

    type = "GuestPort"
    cxx_class = "gem5::GuestPort"
    cxx_header = "homeshift/guest_port.hh"

    vm = Param.VirtualMachine(Parent.any, "the virtual machine that it belongs to")
    cpu_side = VectorResponsePort("the CPU's ports, for instructions and for data")
    cores = VectorRequestPort("one a node: the sequencer of the core that it would run on there")
    core = Param.Unsigned("number of these cores within their nodes")
    home_tables = VectorParam.HomeTable("one a node: they know which answers are access faults")
