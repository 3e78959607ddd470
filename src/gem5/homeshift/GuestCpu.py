# SPDX-License-Identifier: BSD-3-Clause

from m5.objects.ClockedObject import ClockedObject
from m5.params import *
from m5.proxy import *


class GuestCpu(ClockedObject):
    """A vCPU of a virtual machine: it runs on the core of the node that the machine runs on."""

    type = "GuestCpu"
    abstract = True
    cxx_class = "gem5::GuestCpu"
    cxx_header = "homeshift/guest_cpu.hh"

    vm = Param.VirtualMachine(Parent.any, "the virtual machine that it belongs to")
    cores = VectorRequestPort("one a node: the sequencer of the core that it would run on there")
    core = Param.Unsigned("number of these cores within their nodes")
    home_tables = VectorParam.HomeTable("one a node: they know of answers to the cores")
