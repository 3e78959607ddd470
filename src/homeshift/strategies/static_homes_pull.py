# SPDX-License-Identifier: BSD-3-Clause
"""Static homes and pull: only the vCPUs move, then the VM's hot pages come to the target.

What can be done where no homes move: as NUMA balancing on a ccNUMA machine, but with samples that
are exact and free, or as page migration between hosts that share CXL memory (PIPM). A page that is
pulled gets a frame of the target, whose home is there. The yardstick of `ownership+pull`.
"""

from __future__ import annotations

from homeshift.strategies.pulling import Pulling
from homeshift.strategies.static_homes import StaticHomes


class StaticHomesPull(Pulling):
    """Move the vCPUs, then pull hot pages until remote accesses are rare; homes never move."""

    name = "static-homes+pull"
    begins_lent = False
    first = StaticHomes
