# SPDX-License-Identifier: BSD-3-Clause
"""A machine file's interconnect in gem5: SimpleNetwork, as on the embedded engine, or Garnet.

    network = make_network(ruby, machine, "simple")
    join(network, machine, ends)        # controllers and their nodes

Runs inside gem5 only. Link bandwidth of SimpleNetwork is in bytes in 1000 cycles, since gem5 wants
a whole number. Garnet's flits are as many bytes as a link carries in a cycle. A virtual channel
holds one packet at a time, so there are enough of them that packets with a line keep a link busy
until the first one's credit is back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import m5.objects as gem5

from homeshift.engines.messages import CONTROL_BYTES, DATA_BYTES
from homeshift.machine import Machine, topology

VIRTUAL_NETWORKS = 10
FAST = 1 << 30  # bytes in 1000 cycles
GARNET_PATIENCE_CYCLES = 10**9

End = tuple[int, Any]
"""A node, and a controller in it."""


def make_network(ruby: Any, machine: Machine, model: str) -> Any:
    """Return the network, which queues of controllers can be joined to.

    Garnet on a ring is refused by `engines.check_models`: its buffers are finite.
    """
    common = {
        "ruby_system": ruby,
        "topology": machine.network.topology,
        "number_of_virtual_networks": VIRTUAL_NETWORKS,
        "control_msg_size": CONTROL_BYTES,
        "netifs": [],
    }
    if model == "simple":
        return gem5.SimpleNetwork(endpoint_bandwidth=1, **common)
    longest = max(edge.latency for edge in topology.links(machine))
    round_trip = 2 * (longest + machine.network.router_latency_cycles)
    flit_bytes = topology.flit_bytes(machine)
    flits = -(-DATA_BYTES // flit_bytes)  # of a message with a line
    return gem5.CountingGarnet(
        ni_flit_size=flit_bytes,
        vcs_per_vnet=max(4, -(-round_trip // flits)),
        buffers_per_data_vc=flits,
        buffers_per_ctrl_vc=flits,  # which virtual networks have lines gem5 tells by their names
        garnet_deadlock_threshold=GARNET_PATIENCE_CYCLES,
        nodes=machine.nodes,
        **common,
    )


def join(network: Any, machine: Machine, ends: Sequence[End]) -> list[Any]:
    """Join controllers by the machine's routers and links; return what counts messages.

    Args:
        network: made by `make_network`.
        machine: whose topology it is.
        ends: controllers in the order of gem5's machine types.
    """
    if isinstance(network, gem5.SimpleNetwork):
        return _join_simple(network, machine, ends)
    return _join_garnet(network, machine, ends)


def _join_simple(network: Any, machine: Machine, ends: Sequence[End]) -> list[Any]:
    spec = machine.network
    entries: list[list[Any]] = [[] for _ in range(topology.router_count(machine))]
    for number, (node, controller) in enumerate(ends):
        found = [b for b in controller.descendants() if isinstance(b, gem5.MessageBuffer)]
        entries[node] += _in_order([b for b in found if b.out_port.peer is not None], number)
    routing = [gem5.CountingRouting(entries=buffers) for buffers in entries]
    network.routers = [
        gem5.Switch(
            router_id=number,
            latency=spec.router_latency_cycles,
            # These have a default of their own: not the latency given here.
            int_routing_latency=spec.router_latency_cycles,
            ext_routing_latency=spec.router_latency_cycles,
            routing_unit=unit,
        )
        for number, unit in enumerate(routing)
    ]
    network.ext_links = _ext_links(
        gem5.SimpleExtLink, network, machine, ends, bandwidth_factor=FAST
    )
    network.int_links = _int_links(gem5.SimpleIntLink, network, machine, first=len(ends))
    for made, link in zip(network.int_links, topology.links(machine), strict=True):
        # A half is rounded up, as by the embedded engine's std::round.
        made.bandwidth_factor = math.floor(link.bytes_per_cycle * 1000 + 0.5)
    network.setup_buffers()
    for link in network.int_links:
        _in_order(link.buffers, len(ends) + int(link.src_node.router_id))
    return routing


def _in_order(buffers: Sequence[Any], place: int) -> Sequence[Any]:
    """Give a switch's inputs their place: gem5 sorts them, and not by a stable sort."""
    for buffer in buffers:
        buffer.routing_priority = place
    return buffers


def _join_garnet(network: Any, machine: Machine, ends: Sequence[End]) -> list[Any]:
    network.routers = [
        gem5.GarnetRouter(router_id=number, latency=machine.network.router_latency_cycles)
        for number in range(topology.router_count(machine))
    ]
    network.netifs = [gem5.GarnetNetworkInterface(id=number) for number in range(len(ends))]
    network.ext_links = _ext_links(gem5.GarnetExtLink, network, machine, ends)
    network.int_links = _int_links(gem5.GarnetIntLink, network, machine, first=len(ends))
    network.node_of = [node for node, _ in ends]
    network.links_between = topology.links_between(machine)
    network.entries = [
        gem5.MessageBuffer(allow_zero_latency=True) for _ in range(len(ends) * VIRTUAL_NETWORKS)
    ]
    return [network]


class Throttles:
    """What carries the messages of SimpleNetwork's links, in the order of `topology.links`.

    Garnet has none, and counts flits for the whole network only: `len` is 0.
    """

    def __init__(self, network: Any, machine: Machine, ends: Sequence[End]) -> None:
        self._found: list[tuple[Any, str]] = []
        self._routers: list[Any] = []
        if not isinstance(network, gem5.SimpleNetwork):
            return
        self._routers = list(network.routers)
        links = topology.links(machine)
        for link in links:
            # gem5 numbers a router's outputs: first its controllers, then routers, ascending.
            controllers = sum(node == link.source for node, _ in ends)
            before = sum(o.source == link.source and o.target < link.target for o in links)
            name = f"throttle{controllers + before:02}"
            self._found.append((network.routers[link.source], name))

    def __len__(self) -> int:
        return len(self._found)

    def busy_cycles(self) -> list[float]:
        """Return how many cycles' worth of its bandwidth each link has used."""
        return [float(stat.value) for stat in self._stats("acc_link_utilization")]

    def messages(self, size_type: str) -> int:
        """Return how many messages of a size type links have begun to carry, on each link."""
        return sum(int(stat.total) for stat in self._stats(f"msg_count.{size_type}"))

    def reset(self) -> None:
        """Reset their statistics: gem5's switches leave them out when all are reset."""
        for router in self._routers:
            for name, group in router.getCCObject().getStatGroups().items():
                if name.startswith("throttle"):
                    group.resetStats()

    def _stats(self, name: str) -> list[Any]:
        return [stats[name] for stats in self._by_name]

    @cached_property
    def _by_name(self) -> list[dict[str, Any]]:
        """The statistics of each; there are none before gem5 has made its objects."""
        groups = (
            router.getCCObject().getStatGroups()[throttle] for router, throttle in self._found
        )
        return [{stat.name: stat for stat in group.getStats()} for group in groups]


def _ext_links(
    kind: Any, network: Any, machine: Machine, ends: Sequence[End], **more: object
) -> list[Any]:
    return [
        kind(
            link_id=number,
            ext_node=controller,
            int_node=network.routers[node],
            latency=machine.network.local_latency_cycles,
            **more,
        )
        for number, (node, controller) in enumerate(ends)
    ]


def _int_links(kind: Any, network: Any, machine: Machine, *, first: int) -> list[Any]:
    return [
        kind(
            link_id=first + number,
            src_node=network.routers[link.source],
            dst_node=network.routers[link.target],
            dst_inport=f"from{link.source}",  # also tells CountingRouting that it leaves
            latency=link.latency,
            weight=link.weight,
        )
        for number, link in enumerate(topology.links(machine))
    ]
