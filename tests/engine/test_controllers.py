# SPDX-License-Identifier: BSD-3-Clause
"""One controller at a time: what a situation makes of it is exactly these transitions.

Transitions are named machine.state.event. Core 0 and 1 are on node 0, 2 and 3 on node 1; node n's
memory begins at n * MEMORY, and is homed there unless a test says otherwise.
"""

from __future__ import annotations

import pytest
from machines import LINE, MEMORY, PAGE, Taken
from watched import Watched

SETS = 2  # of a cache of `small()`: lines 2 apart are rivals
RIVAL = SETS * LINE


MEMORY_READ = {"Memory.READY.Read": 1, "Memory.READ.MemoryData": 1}
MEMORY_WRITE = {"Memory.READY.Write": 1, "Memory.WRITE.MemoryAck": 1}


@pytest.mark.parametrize("home", [0, 1], ids=["local", "remote"])
def test_a_load_miss_is_granted_exclusively_from_memory(home: int) -> None:
    w = Watched()
    with w.watch():
        w.load(0, home * MEMORY)
    assert w.taken == {
        "L1Cache.I.Load": 1,
        "Directory.I.GetS": 1,
        **MEMORY_READ,
        "Directory.IE_M.MemData": 1,
        "L1Cache.IS_D.DataE": 1,
        "Directory.EM_U.Unblock": 1,
    }
    with w.watch():
        w.load(0, home * MEMORY + LINE - 1)
    assert w.taken == {"L1Cache.E.Load": 1}


@pytest.mark.parametrize("home", [0, 1], ids=["local", "remote"])
def test_a_store_miss_is_granted_from_memory_without_acks(home: int) -> None:
    w = Watched()
    with w.watch():
        w.store(0, home * MEMORY)
    assert w.taken == {
        "L1Cache.I.Store": 1,
        "Directory.I.GetM": 1,
        **MEMORY_READ,
        "Directory.IM_M.MemData": 1,
        "L1Cache.IM_AD.DataM_Done": 1,
        "Directory.EM_U.Unblock": 1,
    }
    with w.watch():
        w.load(0, home * MEMORY)
        w.store(0, home * MEMORY)
    assert w.taken == {"L1Cache.M.Load": 1, "L1Cache.M.Store": 1}


def test_a_store_to_an_exclusive_copy_is_silent() -> None:
    w = Watched()
    w.load(0, 0)
    with w.watch():
        w.store(0, 0)
    assert w.taken == {"L1Cache.E.Store": 1}


def test_a_load_of_a_modified_line_makes_the_owner_share_and_write_back() -> None:
    w = Watched()
    w.store(0, 0)
    with w.watch():
        w.load(2, 0)
    unblock_first = {"Directory.S_DU.Unblock": 1, "Directory.S_D.WbDirty": 1}
    data_first = {"Directory.S_DU.WbDirty": 1, "Directory.S_U.Unblock": 1}
    common = {
        "L1Cache.I.Load": 1,
        "Directory.EM.GetS": 1,
        "L1Cache.M.FwdGetS": 1,
        "L1Cache.IS_D.DataS": 1,
    }
    # The owner is beside the home, the requestor is far: its unblock comes last.
    assert w.taken == {**common, **data_first} != {**common, **unblock_first}


def test_the_unblock_comes_first_when_the_owner_is_farther_than_the_requestor() -> None:
    w = Watched(nodes=8, topology="mesh", columns=8)  # a row
    w.store(14, 0)  # node 7
    with w.watch():
        w.load(8, 0)  # node 4: the data has 3 + 4 links to the home, the write-back 7 as well
    assert w.taken["Directory.EM.GetS"] == 1
    assert w.taken["Directory.S_DU.WbDirty"] + w.taken["Directory.S_D.WbDirty"] == 1


def test_a_load_of_an_exclusive_clean_line_makes_the_owner_share() -> None:
    w = Watched()
    w.load(0, 0)
    with w.watch():
        w.load(2, 0)
    assert w.taken == {
        "L1Cache.I.Load": 1,
        "Directory.EM.GetS": 1,
        "L1Cache.E.FwdGetS": 1,
        "L1Cache.IS_D.DataS": 1,
        "Directory.S_DU.WbClean": 1,
        "Directory.S_U.Unblock": 1,
    }
    with w.watch():
        w.load(3, 0)  # the slice was filled by the first load
    assert w.taken == {
        "L1Cache.I.Load": 1,
        "Directory.S.GetS_Hit": 1,
        "L1Cache.IS_D.DataS": 1,
        "Directory.S_U.Unblock": 1,
    }


@pytest.mark.parametrize("owned", ["E", "M"])
def test_a_store_takes_the_line_from_its_owner(owned: str) -> None:
    w = Watched()
    (w.store if owned == "M" else w.load)(0, 0)
    with w.watch():
        w.store(2, 0)
    assert w.taken == {
        "L1Cache.I.Store": 1,
        "Directory.EM.GetM": 1,
        f"L1Cache.{owned}.FwdGetM": 1,
        "L1Cache.IM_AD.DataM_Done": 1,
        "Directory.EM_U.Unblock": 1,
    }


def test_an_upgrade_invalidates_the_other_sharers_and_collects_their_acks() -> None:
    w = Watched()
    for core in (0, 1, 2):
        w.load(core, 0)
    with w.watch():
        w.store(2, 0)
    assert w.taken == {
        "L1Cache.S.Store": 1,
        "Directory.S.Upgrade": 1,
        "L1Cache.S.Inv": 2,
        "L1Cache.SM_AD.UpgradeAck": 1,
        "L1Cache.SM_A.InvAck": 1,
        "L1Cache.SM_A.InvAck_Last": 1,
        "Directory.EM_U.Unblock": 1,
    }


def test_an_upgrade_of_the_only_sharer_is_done_with_the_homes_ack() -> None:
    w = Watched()
    w.load(0, 0)
    w.load(2, 0)
    w.load(0, RIVAL)
    w.load(0, 2 * RIVAL)  # core 0 has no room for the line any more
    with w.watch():
        w.store(2, 0)
    assert w.taken == {
        "L1Cache.S.Store": 1,
        "Directory.S.Upgrade": 1,
        "L1Cache.SM_AD.UpgradeAck_Done": 1,
        "Directory.EM_U.Unblock": 1,
    }


def test_a_store_of_a_node_without_a_copy_gets_data_from_the_slice_and_acks() -> None:
    w = Watched()
    w.load(0, 0)
    w.load(1, 0)
    with w.watch():
        w.store(2, 0)
    assert w.of("Directory") == {"S.GetM_Hit": 1, "EM_U.Unblock": 1}
    assert w.taken["L1Cache.S.Inv"] == 2
    assert w.taken["L1Cache.IM_AD.DataM_Done"] + w.taken["L1Cache.IM_A.InvAck_Last"] == 1


def evicting(w: Watched, core: int = 0) -> dict[str, int]:
    """Let a core miss in the set of line 0 until it evicts it; return what was not the misses'."""
    with w.watch():
        w.load(core, RIVAL)
        w.load(core, 2 * RIVAL)
    misses = Taken(
        {
            "L1Cache.I.Load": 2,
            "Directory.I.GetS": 2,
            "Memory.READY.Read": 2,
            "Memory.READ.MemoryData": 2,
            "Directory.IE_M.MemData": 2,
            "L1Cache.IS_D.DataE": 2,
            "Directory.EM_U.Unblock": 2,
        }
    )
    assert all(w.taken[name] == count for name, count in misses.items())
    return dict(w.taken - misses)


def test_an_exclusive_clean_copy_is_evicted_without_data() -> None:
    w = Watched()
    w.load(0, 0)
    assert evicting(w) == {
        "L1Cache.E.Replacement": 1,
        "Directory.EM.PutE": 1,
        "L1Cache.EI_A.PutAck": 1,
    }


def test_a_modified_copy_is_evicted_into_the_slice() -> None:
    w = Watched()
    w.store(0, 0)
    assert evicting(w) == {
        "L1Cache.M.Replacement": 1,
        "Directory.EM.PutM": 1,
        "L1Cache.MI_A.PutAck": 1,
    }
    with w.watch():
        w.load(0, 0)  # newer than memory: granted as M
    assert w.of("Directory")["I.GetS_HitDirty"] == 1
    assert w.of("L1Cache")["IS_D.DataM_Done"] == 1


def test_a_shared_copy_is_evicted_and_other_sharers_stay() -> None:
    w = Watched()
    w.load(0, 0)
    w.load(2, 0)
    assert evicting(w) == {
        "L1Cache.S.Replacement": 1,
        "Directory.S.PutS": 1,
        "L1Cache.SI_A.PutAck": 1,
    }
    with w.watch():
        w.load(2, RIVAL)
        w.load(2, 2 * RIVAL)
    assert w.of("Directory")["S.PutS_Last"] == 1


def test_a_dirty_slice_line_is_written_back_when_it_has_to_make_room() -> None:
    w = Watched(slc_bytes=128, slc_associativity=1)  # two sets of one line
    for line in (0, RIVAL, 2 * RIVAL):  # stores do not fill the slice, the evicted line 0 does
        w.store(0, line)
    with w.watch():
        w.load(2, 3 * RIVAL)  # fills the slice
    assert w.of("Directory") == {
        "I.GetS": 1,
        "I.SlcWriteBack": 1,
        "I_W.MemAck": 1,
        "IE_M.MemData": 1,
        "EM_U.Unblock": 1,
    }
    assert w.of("Memory") == {
        "READY.Read": 1,
        "READ.MemoryData": 1,
        "READY.Write": 1,
        "WRITE.MemoryAck": 1,
    }


# ---- DMA ------------------------------------------------------------------------------------

COMMAND = {"READY.Copy": 1, "READY.Write": 1, "WRITE.WriteAck": 1}
WRITTEN = {"I.DmaWrite": 1, "D_W.MemAck": 1}  # to a line that nobody holds
TARGET = 4 * PAGE


def test_a_copy_of_an_uncached_line_reads_and_writes_memory() -> None:
    w = Watched()
    with w.watch():
        w.copy(0, TARGET)
    assert w.of("DMA") == {**COMMAND, "READ.Data": 1}
    assert w.of("Directory") == {"I.DmaRead": 1, "ID_M.MemData": 1, **WRITTEN}
    assert w.of("Memory") == {
        "READY.Read": 1,
        "READ.MemoryData": 1,
        "READY.Write": 1,
        "WRITE.MemoryAck": 1,
    }
    assert w.of("L1Cache") == {}


def test_a_copy_of_a_shared_line_reads_the_slice() -> None:
    w = Watched()
    w.load(0, 0)
    w.load(2, 0)
    with w.watch():
        w.copy(0, TARGET)
    assert w.of("DMA") == {**COMMAND, "READ.Data": 1}
    assert w.of("Directory") == {"S.DmaRead_Hit": 1, **WRITTEN}
    assert w.of("L1Cache") == {}


def test_a_copy_of_a_shared_line_that_the_slice_has_lost_reads_memory() -> None:
    w = Watched(slc_bytes=128, slc_associativity=1)
    w.load(0, 0)
    w.load(2, 0)
    w.load(1, RIVAL)  # takes the line's place in the slice
    with w.watch():
        w.copy(0, TARGET)
    assert w.of("Directory") == {"S.DmaRead": 1, "SD_M.MemData": 1, **WRITTEN}


@pytest.mark.parametrize("owned", ["E", "M"])
def test_a_copy_of_an_owned_line_asks_the_owner_who_keeps_it(owned: str) -> None:
    w = Watched()
    (w.store if owned == "M" else w.load)(0, 0)
    with w.watch():
        w.copy(0, TARGET)
    assert w.of("DMA") == {**COMMAND, "READ.DataOwner": 1}
    assert w.of("Directory") == {"EM.DmaRead": 1, "EM_U.Unblock": 1, **WRITTEN}
    assert w.of("L1Cache") == {f"{owned}.FwdRead": 1}
    with w.watch():
        w.load(0, 0)
    assert w.taken == {f"L1Cache.{owned}.Load": 1}


def test_a_copy_over_a_shared_line_invalidates_its_sharers_first() -> None:
    w = Watched()
    w.load(0, TARGET)
    w.load(2, TARGET)
    with w.watch():
        w.copy(0, TARGET)
    assert w.of("L1Cache") == {"S.InvHome": 2}
    assert w.of("Directory") == {
        "I.DmaRead": 1,
        "ID_M.MemData": 1,
        "S.DmaWrite": 1,
        "DS_A.InvAck": 1,
        "DS_A.InvAck_Last": 1,
        "D_W.MemAck": 1,
    }


@pytest.mark.parametrize(("owned", "answer"), [("E", "WbClean"), ("M", "WbDirty")])
def test_a_copy_over_an_owned_line_recalls_it_first(owned: str, answer: str) -> None:
    w = Watched()
    (w.store if owned == "M" else w.load)(2, TARGET)
    w.system.reset_statistics()
    with w.watch():
        w.copy(0, TARGET)
    assert set(w.system.between_nodes()) <= {"Persistent_Control", "ResponseLocal_Data"}
    assert w.of("L1Cache") == {f"{owned}.Recall": 1}
    assert w.of("Directory") == {
        "I.DmaRead": 1,
        "ID_M.MemData": 1,
        "EM.DmaWrite": 1,
        f"DE_D.{answer}": 1,
        "D_W.MemAck": 1,
    }


# ---- transfer of a region's home ---------------------------------------------------------------

MOVE = {"DMA.READY.Transfer": 1, "DMA.MOVE.Moved": 1}
DEPARTS = {
    "Directory.I.Transfer": 1,
    "Directory.R_DRAIN.DepartDone": 1,
    "Directory.R_SENT.XferAck": 1,
    "Directory.R_FIN.XferFin": 1,
}


def homes(w: Watched) -> list[int]:
    return [node["directory_entries"] for node in w.system.node_counts()]


def test_the_transfer_of_an_empty_region_is_done_ack_and_fin() -> None:
    w = Watched()
    with w.watch():
        w.transfer(0, to=1)
    assert w.taken == {**MOVE, **DEPARTS, "Directory.NH.XferDone_Last": 1}
    assert w.system.node_counts()[0]["regions_moved"] == 1


def test_a_transfer_hands_over_the_lines_that_have_copies_and_writes_dirty_ones_back() -> None:
    w = Watched()
    shared, owned, dirty = 0, LINE, 2 * LINE
    w.store(1, dirty)
    for rival in (PAGE, PAGE + RIVAL):  # of another region
        w.load(1, rival)  # in the end the dirty line is in the slice, and in no cache
    w.load(0, shared)
    w.load(2, shared)
    w.store(3, owned)
    assert homes(w) == [5, 0]
    with w.watch():
        w.transfer(0, to=1)
    arriving = {
        name: n
        for name, n in w.taken.items()
        if name.split(".")[2] in ("XferEntry", "XferEntry_Last", "XferDone", "XferDone_Last")
    }
    assert arriving == {
        "Directory.NH.XferEntry": 1,
        "Directory.R_ARR.XferEntry": 1,
        "Directory.R_ARR.XferDone_Last": 1,
    }
    rest = {name: n for name, n in w.taken.items() if name not in arriving}
    assert rest == {
        **MOVE,
        **DEPARTS,
        "Directory.S.Depart": 1,
        "Directory.EM.Depart": 1,
        "Directory.I.DepartDirty": 1,
        "Directory.I_W.Depart": 1,  # the walk waits for memory's ack
        "Directory.I_W.MemAck": 1,
        **MEMORY_WRITE,
    }
    assert homes(w) == [2, 2]


def test_lines_keep_their_copies_when_the_home_moves_and_the_new_home_knows_them() -> None:
    w = Watched()
    w.load(0, 0)
    w.load(2, 0)
    w.store(3, LINE)
    with w.watch():
        w.transfer(0, to=1)
    assert w.of("L1Cache") == {}
    with w.watch():
        w.load(0, 0)
        w.load(2, 0)
        w.store(3, LINE)
    assert w.taken == {"L1Cache.S.Load": 2, "L1Cache.M.Store": 1}
    with w.watch():
        w.load(1, LINE)  # asks the former home, which sends it on; the owner answers
    assert w.of("L1Cache") == {"I.Load": 1, "M.FwdGetS": 1, "IS_D.DataS": 1}
    directory = w.of("Directory")
    assert directory["EM.GetS"] == 1
    assert "NH.Away" not in directory  # node 0's table follows its own transfers


def test_a_region_goes_back_where_it_came_from() -> None:
    w = Watched()
    w.load(0, 0)
    w.transfer(0, to=1)
    with w.watch():
        w.transfer(0, to=0)
    assert w.taken == {
        **MOVE,
        **DEPARTS,
        "Directory.EM.Depart": 1,
        "Directory.NH.XferEntry": 1,
        "Directory.R_ARR.XferDone_Last": 1,
    }
    with w.watch():
        w.load(1, 0)
    assert w.of("Directory")["EM.GetS"] == 1


def test_a_transfer_to_where_the_region_is_changes_nothing() -> None:
    w = Watched()
    w.load(0, 0)
    with w.watch():
        w.transfer(0, to=0)
    assert w.taken == {**MOVE, "Directory.I.TransferHere": 1}
    assert homes(w) == [1, 0]


def test_a_transfer_asked_for_by_a_node_with_a_stale_table_is_sent_on() -> None:
    w = Watched(nodes=3)
    w.transfer(0, to=1)
    with w.watch():
        w.transfer(0, to=0, node=2)  # node 2 still asks node 0
    assert w.taken == {
        **MOVE,
        **DEPARTS,
        "Directory.NH.Away": 1,
        "Directory.NH.XferDone_Last": 1,
    }


def test_a_request_is_sent_on_once_by_a_former_home_and_the_next_one_goes_straight() -> None:
    w = Watched(nodes=3)
    w.transfer(0, to=1)
    core = 4  # on node 2, which has not taken part
    with w.watch():
        w.load(core, 0)
    assert w.taken == {
        "L1Cache.I.Load": 1,
        "Directory.NH.Away": 1,
        "Directory.I.GetS": 1,
        **MEMORY_READ,
        "Directory.IE_M.MemData": 1,
        "L1Cache.IS_D.DataE": 1,
        "Directory.EM_U.Unblock": 1,
    }
    with w.watch():
        w.load(core, LINE)  # another line of the region
        w.load(core + 1, 2 * LINE)  # another core of the node
    assert "NH.Away" not in w.of("Directory")
    assert w.of("Directory")["I.GetS"] == 2


def test_a_request_is_sent_on_from_home_to_home_until_it_arrives() -> None:
    w = Watched(nodes=4)
    w.transfer(0, to=1)
    w.transfer(0, to=2, node=1)
    with w.watch():
        w.load(6, 0)  # node 3 asks node 0, which believes in node 1
    assert w.of("Directory")["NH.Away"] == 2


def test_a_put_does_not_teach_the_table() -> None:
    w = Watched(nodes=3)
    w.load(4, 0)  # node 2 owns
    w.transfer(0, to=1)
    with w.watch():
        w.load(4, PAGE)
        w.load(4, PAGE + RIVAL)  # evicts line 0
    assert w.of("L1Cache")["EI_A.PutAck"] == 1
    assert w.of("Directory")["NH.Away"] == 1  # the Put
    with w.watch():
        w.load(4, LINE)
    assert w.of("Directory")["NH.Away"] == 1  # the load as well
