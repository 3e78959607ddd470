# SPDX-License-Identifier: BSD-3-Clause

from m5.objects.ClockedObject import ClockedObject
from m5.params import *
from m5.proxy import *
from m5.util.pybind import PyBindMethod


class MigrationEngine(ClockedObject):
    """Gives the lines and regions of its jobs to the node's DMA, a bounded number at a time.

    Jobs have numbers that the caller chooses. With `exit_when_done`, `m5.simulate()` returns with
    "a job of a migration engine is done" when one is; gem5's `Simulator` does not know this cause.
    """

    type = "MigrationEngine"
    cxx_class = "gem5::ruby::MigrationEngine"
    cxx_header = "homeshift/migration_engine.hh"

    ruby_system = Param.RubySystem(Parent.any, "the RubySystem that it belongs to")
    commands = Param.MessageBuffer("the DMA controller's queue of commands")
    outstanding_lines = Param.Unsigned(32, "line copies under way at a time, at most")
    outstanding_transfers = Param.Unsigned(32, "transfers of homes under way at a time, at most")
    exit_when_done = Param.Bool(False, "leave gem5's loop when a job is done")

    cxx_exports = [
        PyBindMethod("copy"),
        PyBindMethod("transfer"),
        PyBindMethod("fence"),
        PyBindMethod("cancel"),
        PyBindMethod("left"),
        PyBindMethod("regionsMoved"),
    ]
