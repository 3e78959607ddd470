# SPDX-License-Identifier: BSD-3-Clause
"""Ownership and pull: the rights first, the VM resumes, then its hot pages come to the target."""

from __future__ import annotations

from homeshift.strategies.ownership import Ownership
from homeshift.strategies.pulling import Pulling


class OwnershipPull(Pulling):
    """Move the homes and the vCPUs, then pull hot pages until remote accesses are rare."""

    name = "ownership+pull"
    first = Ownership
