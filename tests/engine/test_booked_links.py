# SPDX-License-Identifier: BSD-3-Clause
"""A message that goes over an idle link without an event of the link arrives in the same tick.

While messages are noted, every message wakes up every link that it crosses.
"""

from __future__ import annotations

import random

import pytest
from random_runs import ACTS, Act, machine


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_booking_links_changes_nothing(act: Act, seed: int) -> None:
    seen = []
    for booked in (False, True):
        chance = random.Random(seed)
        system = machine(
            chance,
            topology=chance.choice(["crossbar", "ring", "mesh", "fully-connected"]),
            columns=1,
            link_latency=chance.choice([1, 5, 60]),
            bytes_per_cycle=chance.choice([0.5, 4.0, 16.0, 36.0, 144.0]),
        )
        if not booked:
            system.open_message_log(0)
        seen.append((act(chance, system), system.events))
    (told, events), (told_booked, events_booked) = seen
    assert told_booked == told
    if any(link["messages"] for link in system.link_counts()):
        assert events_booked < events
