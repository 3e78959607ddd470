# SPDX-License-Identifier: BSD-3-Clause

from m5.params import *
from m5.SimObject import SimObject
from m5.util.pybind import PyBindMethod


class VirtualMachine(SimObject):
    """Virtual CPUs, and the stage-2 table by which they find their memory.

    It starts paused. After `pause()`, `m5.simulate()` returns with "a virtual machine is paused"
    when the accesses under way are done. It also returns with "a page is missing" when an access
    has to wait for one, and with "a page is quiet" when the last access to such a page is done.
    """

    type = "VirtualMachine"
    cxx_class = "gem5::VirtualMachine"
    cxx_header = "homeshift/virtual_machine.hh"

    check = Param.Bool(False, "verify that every load returns the last value written")

    cxx_exports = [
        PyBindMethod("setFrames"),
        PyBindMethod("pause"),
        PyBindMethod("paused"),
        PyBindMethod("throttle"),
        PyBindMethod("resume"),
        PyBindMethod("accesses"),
        PyBindMethod("fault"),
        PyBindMethod("startDirtyLog"),
        PyBindMethod("takeDirtyLog"),
        PyBindMethod("stopDirtyLog"),
        PyBindMethod("mapPages"),
        PyBindMethod("awaitPages"),
        PyBindMethod("quiet"),
        PyBindMethod("takeFaults"),
        PyBindMethod("latencyTicks"),
        PyBindMethod("blockedTicks"),
        PyBindMethod("allBlockedTicks"),
        PyBindMethod("sample"),
        PyBindMethod("takeSamples"),
    ]
