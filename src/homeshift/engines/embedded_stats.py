# SPDX-License-Identifier: BSD-3-Clause
"""Statistics of the embedded engine under gem5's names.

Totals over the controllers of a kind are named as Ruby names them
(`system.ruby.L1Cache_Controller.I.Load::total`), the rest after the object that counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from homeshift import _engine
from homeshift.engines.messages import message_bytes
from homeshift.output import Stat
from homeshift.units import TICKS_PER_SECOND

RATIO = "Ratio"


def statistics(
    system: _engine.System, *, clock_period_ps: int, cycles: int, vms: int
) -> Iterator[Stat]:
    """Yield all statistics of `cycles` cycles up to now."""
    ticks = cycles * clock_period_ps
    yield Stat("simSeconds", ticks / TICKS_PER_SECOND, "Second", "Number of seconds simulated")
    yield Stat("simTicks", ticks, "Tick", "Number of ticks simulated")
    final_tick = system.now * clock_period_ps
    yield Stat("finalTick", final_tick, "Tick", "Number of ticks from beginning of simulation")
    yield Stat(
        "simFreq", TICKS_PER_SECOND, "(Tick/Second)", "The number of ticks per simulated second"
    )
    yield Stat("system.clk_domain.clock", clock_period_ps, "Tick", "Clock period in ticks")
    for vm in range(vms):
        yield from _vm(system, vm, clock_period_ps)
    yield from _caches(system)
    yield from _nodes(system, ticks)
    yield from _network(system, cycles)
    yield from _transitions(system)


def _vm(system: _engine.System, vm: int, clock_period_ps: int) -> Iterator[Stat]:
    vm_name = f"system.vm{vm or ''}"  # the first VM has no number
    for number, counts in enumerate(system.vcpu_counts(vm)):
        name = f"{vm_name}.vcpu{number}"
        yield Stat(f"{name}.numLoads", counts["loads"], "Count", "Loads done")
        yield Stat(f"{name}.numStores", counts["stores"], "Count", "Stores done")
        yield Stat(
            f"{name}.numRemote",
            counts["remote"],
            "Count",
            "Loads and stores that needed another node, as home or for the data",
        )
        yield Stat(f"{name}.numFaults", counts["faults"], "Count", "Accesses that were refused")
        yield Stat(
            f"{name}.totalLatency",
            counts["latency_cycles"] * clock_period_ps,
            "Tick",
            "Time from issue to answer, summed over loads, stores and faults",
        )
        yield Stat(
            f"{name}.blockedTime",
            counts["blocked_cycles"] * clock_period_ps,
            "Tick",
            "Time spent waiting for pages that had not arrived",
        )
    yield Stat(
        f"{vm_name}.allBlockedTime",
        system.all_blocked(vm) * clock_period_ps,
        "Tick",
        "Time in which all vCPUs waited for pages that had not arrived",
    )


def _caches(system: _engine.System) -> Iterator[Stat]:
    for number, counts in enumerate(system.core_counts()):
        yield from _hits_and_misses(
            f"system.ruby.l1_cntrl{number}.cache",
            counts["hits"],
            counts["misses"],
            "cache",
            but=", without those that joined one under way",
        )


def _hits_and_misses(
    name: str, hits: int, misses: int, what: str, *, but: str = ""
) -> Iterator[Stat]:
    yield Stat(f"{name}.m_demand_hits", hits, "Count", f"Number of {what} demand hits")
    yield Stat(f"{name}.m_demand_misses", misses, "Count", f"Number of {what} demand misses")
    yield Stat(
        f"{name}.m_demand_accesses",
        hits + misses,
        "Count",
        f"Number of {what} demand accesses{but}",
    )


def _nodes(system: _engine.System, ticks: int) -> Iterator[Stat]:
    for number, node in enumerate(system.node_counts()):
        yield from _hits_and_misses(
            f"system.ruby.dir_cntrl{number}.slc", node["slc_hits"], node["slc_misses"], "slice"
        )
        yield Stat(
            f"system.ruby.dir_cntrl{number}.directory.entries",
            node["directory_entries"],
            "Count",
            "Lines with a record at this home, at the end",
        )
        table = f"system.ruby.home_table{number}"
        yield Stat(
            f"{table}.servedLocally",
            node["served_locally"],
            "Count",
            "Misses of this node with home and data supplier in the node",
        )
        yield Stat(
            f"{table}.servedRemotely",
            node["served_remotely"],
            "Count",
            "Misses of this node with home or data supplier in another node",
        )
        engine = f"system.ruby.migration_engine{number}"
        for name, key, what in (
            ("linesCopied", "lines_copied", "Lines copied"),
            ("linesRefused", "lines_refused", "Lines that were not to be copied"),
            ("regionsMoved", "regions_moved", "Transfers of homes done"),
            ("regionsKept", "regions_kept", "Transfers of homes cancelled in time"),
            ("regionsFenced", "regions_fenced", "Rights to regions taken"),
            ("regionsRefused", "regions_refused", "Transfers and fences refused"),
        ):
            yield Stat(f"{engine}.{name}", node[key], "Count", what)
        memory = f"system.mem_ctrls{number}"
        yield Stat(f"{memory}.numReads", node["dram_reads"], "Count", "Lines read")
        yield Stat(f"{memory}.numWrites", node["dram_writes"], "Count", "Lines written")
        yield Stat(
            f"{memory}.busUtil",
            node["dram_busy_ps"] / ticks if ticks else 0.0,
            RATIO,
            "Share of the time that the memory's bus was in use",
        )


def _network(system: _engine.System, cycles: int) -> Iterator[Stat]:
    name = "system.ruby.network"
    for scope, messages, where in (
        # Not gem5's own `network.msg_count`, which counts a message at every router.
        (".all", system.all_messages(), "all messages"),
        (".between_nodes", system.between_nodes(), "messages that left their node"),
    ):
        for size_type in _engine.message_size_types:
            count = messages.get(size_type, 0)
            if count:
                size = count * message_bytes(size_type)
                prefix = f"{name}{scope}"
                yield Stat(f"{prefix}.msg_count.{size_type}", count, "Count", f"Number of {where}")
                yield Stat(f"{prefix}.msg_byte.{size_type}", size, "Byte", f"Bytes of {where}")
    for number, link in enumerate(system.link_counts()):
        prefix = f"{name}.int_links{number:02d}"
        total = sum(n * message_bytes(t) for t, n in link["messages"].items())
        yield Stat(
            f"{prefix}.total_msg_bytes",
            total,
            "Byte",
            f"Bytes on the link from router {link['from']} to router {link['to']}",
        )
        for size_type in _engine.message_size_types:
            count = link["messages"].get(size_type, 0)
            if count:
                yield Stat(
                    f"{prefix}.msg_byte.{size_type}",
                    count * message_bytes(size_type),
                    "Byte",
                    "Bytes on this link",
                )
        yield Stat(
            f"{prefix}.utilization",
            link["busy_cycles"] / cycles if cycles else 0.0,
            RATIO,
            "Share of the time that this link was in use",
        )


def _transitions(system: _engine.System) -> Iterator[Stat]:
    taken: dict[tuple[str, str, str], dict[str, int]] = {}
    for machine, number, state, event, count in system.transitions():
        taken.setdefault((machine, state, event), {})[str(number)] = count
    for (machine, state, event), counts in sorted(taken.items()):
        yield Stat(
            f"system.ruby.{machine}_Controller.{state}.{event}",
            None,
            "Count",
            "Times that each controller took this transition",
            counts,
        )
