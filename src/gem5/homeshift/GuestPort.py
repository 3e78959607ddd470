# SPDX-License-Identifier: BSD-3-Clause

from m5.objects.GuestCpu import GuestCpu
from m5.params import *
from m5.proxy import *


class GuestPort(GuestCpu):
    """Between one of gem5's CPUs, as a vCPU of a virtual machine, and the cores that it may run on.

    What the CPU takes for physical addresses are guest addresses: the virtual machine's stage-2
    table says where its memory is; other addresses are those of devices. A CPU whose virtual
    machine is paused, or that needs a page that is missing, waits for its next access.

    A CPU that accesses memory atomically does so in no time and past all caches, in which there
    must be nothing yet: it can be followed by one that does not, but not the other way round.
    """

    type = "GuestPort"
    cxx_class = "gem5::GuestPort"
    cxx_header = "homeshift/guest_port.hh"

    cpu_side = VectorResponsePort("the CPU's ports, for instructions and for data")
    system = Param.System(Parent.any, "whose memory it is")
    speculates = Param.Bool(False, "whether the CPU fetches on paths that are not taken in the end")
    devices = RequestPort("the I/O bus of a full system, which is not on any node")
