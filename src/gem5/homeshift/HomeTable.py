# SPDX-License-Identifier: BSD-3-Clause

from m5.params import *
from m5.proxy import *
from m5.SimObject import SimObject
from m5.util.pybind import PyBindMethod


class HomeTable(SimObject):
    """Which node a node believes to be the home of each region. Only requests consult it."""

    type = "HomeTable"
    cxx_class = "gem5::ruby::HomeTable"
    cxx_header = "homeshift/home_table.hh"

    ruby_system = Param.RubySystem(Parent.any, "the RubySystem that it belongs to")
    node = Param.Unsigned("the node that this is the table of")
    cores_per_node = Param.Unsigned("private caches of a node: tells where a data supplier is")
    memory_size = Param.MemorySize("memory of all nodes together, from address 0 on")
    node_size = Param.MemorySize("memory of one node; node n has that from n * node_size on")
    region_size = Param.MemorySize("4KiB", "unit in which homes move, a power of two")

    cxx_exports = [PyBindMethod("place")]
