# SPDX-License-Identifier: BSD-3-Clause
"""A front end for SLICC, gem5's language for coherence protocols.

    from homeshift.slicc import load
    protocol = load("src/protocol/MESI_HomeShift.slicc")      # model.Protocol
    for transition in protocol.machines["L1Cache"].transitions: ...

It reads a subset, and refuses the rest by name; what it accepts means the same in gem5.
"""

from homeshift.slicc.check import Checked, load, load_checked
from homeshift.slicc.errors import Diagnostic, SliccError

__all__ = ["Checked", "Diagnostic", "SliccError", "load", "load_checked"]
