# SPDX-License-Identifier: BSD-3-Clause
"""What Homeshift's own strategies do, as far as figures and tables tell them apart.

They are told by their names, since what reads results knows no strategy.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a strategy does.

    Args:
        moves_homes: the right to memory.
        leaves_data: what a VM borrows stays where it is, and the VM pays for it as long as it runs.
        copies: memory is copied.
    """

    moves_homes: bool = False
    leaves_data: bool = False
    copies: bool = True


BUILT_IN = {
    "stop-and-copy": Traits(),
    "pre-copy": Traits(),
    "post-copy": Traits(),
    "hybrid": Traits(),
    "ignore-shared": Traits(leaves_data=True),
    "static-homes": Traits(leaves_data=True, copies=False),
    "static-homes+pull": Traits(),
    "ownership": Traits(moves_homes=True, leaves_data=True, copies=False),
    "ownership+copy": Traits(moves_homes=True),
    "ownership+pull": Traits(moves_homes=True),
    "borrow": Traits(moves_homes=True, copies=False),
    "return": Traits(moves_homes=True),
}
"""In the order in which they are shown."""
