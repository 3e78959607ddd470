# SPDX-License-Identifier: BSD-3-Clause

from m5.objects.SimpleNetwork import WeightBased
from m5.params import VectorParam
from m5.util.pybind import PyBindMethod


class CountingRouting(WeightBased):
    """WeightBased, and a count of messages by size: all, those that leave the node, and by link.

    Links between routers are told by their `dst_inport`, which must not be empty.
    """

    type = "CountingRouting"
    cxx_class = "gem5::ruby::CountingRouting"
    cxx_header = "homeshift/counting_routing.hh"

    entries = VectorParam.MessageBuffer(
        "of the router's controllers: a message at the head of one enters the network here"
    )

    cxx_exports = [
        PyBindMethod("sizeTypes"),
        PyBindMethod("betweenNodes"),
        PyBindMethod("linkMessages"),
    ]
