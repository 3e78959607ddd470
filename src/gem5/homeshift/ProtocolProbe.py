# SPDX-License-Identifier: BSD-3-Clause

from m5.params import *
from m5.SimObject import SimObject
from m5.util.pybind import PyBindMethod


class ProtocolProbe(SimObject):
    """Looks at the controllers of MESI_HomeShift for Python; never acts."""

    type = "ProtocolProbe"
    cxx_class = "gem5::ruby::ProtocolProbe"
    cxx_header = "homeshift/protocol_probe.hh"

    controllers = VectorParam.RubyController("all controllers, of whatever kind")
    caches = VectorParam.RubyCache("private caches, in the order of the controllers' versions")
    directories = VectorParam.HomeDirectory("directories of the home agents, by node")
    memory_size = Param.MemorySize("memory of all nodes together, from address 0 on")
    region_size = Param.MemorySize("4KiB", "unit in which homes move")

    cxx_exports = [
        PyBindMethod("transitions"),
        PyBindMethod("audit"),
    ]
