# SPDX-License-Identifier: BSD-3-Clause
"""From what an engine has counted to `Counters`: the same in both engines.

Everything about homes is in the counts of their transitions, so neither engine needs counters of
its own for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from homeshift.engines.base import Counters
from homeshift.engines.messages import all_bytes, migration_bytes, vm_bytes

Transitions = Iterable[tuple[str, int, str, str, int]]
"""(machine, number of the controller, state, event, count)"""

# Served requests of caches, each a look-up and an update of the directory. One that has to wait, or
# to be sent on, is counted where it is served.
_VM_REQUESTS = (
    *("GetS", "GetS_Hit", "GetS_HitDirty", "GetM", "GetM_Hit", "Upgrade"),
    *("PutS", "PutS_Last", "PutE", "PutM", "PutM_Through", "Put_Stale"),
)
# Lines that are read from a slice, or written to it; so are those that memory sends (MemData).
_SLC_ACCESSES = (
    *("GetS_Hit", "GetS_HitDirty", "GetM_Hit", "DmaRead_Hit", "SlcWriteBack"),
    *("PutM", "WbDirty"),
)


def counters(
    transitions: Transitions,
    *,
    between_nodes: Mapping[str, int],
    on_links: Mapping[str, int],
) -> Counters:
    """Return the counters.

    Args:
        transitions: taken by all controllers.
        between_nodes: messages that left their node, by MessageSizeType.
        on_links: messages on links between nodes, once for each link.
    """
    taken: Counter[tuple[str, str]] = Counter()
    memory: Counter[str] = Counter()
    for machine, _, state, event, count in transitions:
        if machine == "Directory":
            taken[state, event] += count
        elif machine == "Memory":
            memory[event] += count

    def home(event: str, *states: str) -> int:
        """Times that homes took an event, in these states or in any."""
        return sum(n for (s, e), n in taken.items() if e == event and (not states or s in states))

    entries = home("XferEntry") + home("XferEntry_Last")
    dirty = home("DepartDirty")
    departing = home("Depart", "I", "S", "EM") + dirty
    fenced = home("Recall", "I", "S", "EM") + home("RecallOwner")
    fenced += home("RecallSharers") + home("RecallSharers_All")
    recalled = home("WbDirty", "F_D")
    requests = home("DmaRead") + home("DmaRead_Hit") + home("DmaWrite")
    of_vms = sum(map(home, _VM_REQUESTS))
    slc = sum(map(home, _SLC_ACCESSES)) + home("MemData", "IE_M", "SS_M") + dirty
    slc -= home("WbDirty", "DE_D")  # the DMA writes over it
    return Counters(
        migration_bytes=migration_bytes(between_nodes),
        control_bytes=vm_bytes(between_nodes, data=False),
        data_bytes=vm_bytes(between_nodes, data=True),
        link_bytes=all_bytes(on_links),
        migration_link_bytes=migration_bytes(on_links),
        forwarded_requests=home("Away"),
        access_faults=home("Refused") + home("Refused_Region"),
        entries_moved=entries,
        dram_reads=memory["Read"],
        dram_writes=memory["Write"],
        slc_accesses=slc,
        directory_accesses=of_vms + requests + departing + entries + fenced,
        migration_dram_reads=home("DmaRead", "I", "S"),
        migration_dram_writes=home("DmaWrite") + dirty + home("WbThrough", "F_D"),
        migration_slc_accesses=home("DmaRead_Hit") + dirty + recalled,
        migration_directory_accesses=requests + departing + entries + fenced,
    )
