# SPDX-License-Identifier: BSD-3-Clause

from m5.objects.GarnetNetwork import GarnetNetwork
from m5.params import *
from m5.util.pybind import PyBindMethod


class CountingGarnet(GarnetNetwork):
    """Garnet, and the same counts as CountingRouting keeps in SimpleNetwork.

    Garnet sends a message to several machines once for each of them, so `linkMessages` counts it
    as often as that.
    """

    type = "CountingGarnet"
    cxx_class = "gem5::ruby::CountingGarnet"
    cxx_header = "homeshift/counting_garnet.hh"

    nodes = Param.Unsigned("nodes of the machine")
    node_of = VectorParam.Unsigned("node of each controller, in the order of the external links")
    links_between = VectorParam.Unsigned("links from node to node, row by row")
    entries = VectorParam.MessageBuffer(
        "one a controller and virtual network, where messages wait once they are counted"
    )

    cxx_exports = [
        PyBindMethod("sizeTypes"),
        PyBindMethod("betweenNodes"),
        PyBindMethod("linkMessages"),
    ]
