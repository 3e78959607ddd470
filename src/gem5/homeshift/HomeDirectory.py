# SPDX-License-Identifier: BSD-3-Clause

from m5.params import *
from m5.proxy import *
from m5.SimObject import SimObject
from m5.util.pybind import PyBindMethod


class HomeDirectory(SimObject):
    """The line records of a home agent, walkable by region, and which regions are its."""

    type = "HomeDirectory"
    cxx_class = "gem5::ruby::HomeDirectory"
    cxx_header = "homeshift/home_directory.hh"

    ruby_system = Param.RubySystem(Parent.any, "the RubySystem that it belongs to")
    node = Param.Unsigned("the node of the home agent: at first it has the regions that lie there")
    memory_size = Param.MemorySize("memory of all nodes together, from address 0 on")
    node_size = Param.MemorySize("memory of one node; node n has that from n * node_size on")
    region_size = Param.MemorySize("4KiB", "unit in which homes move, a power of two")

    cxx_exports = [
        PyBindMethod("isHome"),
        PyBindMethod("setHome"),
    ]
