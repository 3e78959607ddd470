# SPDX-License-Identifier: BSD-3-Clause

from m5.params import *
from m5.SimObject import SimObject
from m5.util.pybind import PyBindMethod


class VirtualMachine(SimObject):
    """Virtual CPUs, and the stage-2 table by which they find their memory.

    It starts paused. `m5.simulate()` returns with "the virtual machine is paused" when the accesses
    under way at a `pause()` are done, with "a page is missing" when a page is touched for which the
    machine waits (`awaitPages`), and with "a page is quiet" when an access to such a page ends.
    """

    type = "VirtualMachine"
    cxx_class = "gem5::VirtualMachine"
    cxx_header = "homeshift/virtual_machine.hh"

    frames = VectorParam.Addr([], "of each guest page, if it is known before the simulation begins")
    start = Param.Addr(0, "guest address at which its memory begins; below it are devices")
    check = Param.Bool(False, "verify that every load returns the last value written")

    cxx_exports = [
        PyBindMethod("setFrames"),
        PyBindMethod("pause"),
        PyBindMethod("resume"),
        PyBindMethod("paused"),
        PyBindMethod("throttle"),
        PyBindMethod("mapPages"),
        PyBindMethod("awaitPages"),
        PyBindMethod("quiet"),
        PyBindMethod("takeFaults", "take_faults"),
        PyBindMethod("sample"),
        PyBindMethod("takeSamples", "take_samples"),
        PyBindMethod("startDirtyLog"),
        PyBindMethod("takeDirtyLog"),
        PyBindMethod("stopDirtyLog"),
        PyBindMethod("accesses"),
        PyBindMethod("remoteAccesses"),
        PyBindMethod("latency"),
        PyBindMethod("allBlocked"),
        PyBindMethod("checkFault"),
    ]
