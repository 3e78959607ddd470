# SPDX-License-Identifier: BSD-3-Clause
"""A migration over time as a trace that Perfetto (ui.perfetto.dev) and chrome://tracing show.

    trace(summary, messages)      # from migration.json's content to that of timeline.json

One group of tracks a VM: the phases of its migrations, with copies numbered, and
where its vCPUs were and when they were paused. Below them counters: the VMs' speed, the share of
accesses that needed another node, the migration's bandwidth, and how busy each link was. If single
messages were noted, then one group a node with a track for each controller, and every message as a
slice at its sender, one at its receiver, and a flow (an arrow) between the two.

The format is Chrome's trace event format in JSON; times in it are us, and fractions of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from homeshift.engines.base import Controller, Message
from homeshift.run_format import begin, lost_at, pauses
from homeshift.units import TICKS_PER_MICROSECOND, TICKS_PER_NANOSECOND, TICKS_PER_SECOND

_MACHINE = 0  # process number of the counters; VM n is process n + 1
_PHASES, _VCPUS = 1, 2
_CONTROLLERS = {"L1Cache": "cache", "Directory": "home", "Memory": "memory", "DMA": "DMA"}
_OF_A_KIND = 1000  # track numbers of a kind of controllers

Event = dict[str, Any]


def trace(summary: dict[str, Any], messages: Sequence[Message]) -> dict[str, Any]:
    """Return a run's trace; `summary` is the content of its migration.json."""
    return {
        "displayTimeUnit": "ns",
        "otherData": {"strategy": summary["strategy"], "engine": summary["engine"]},
        "traceEvents": [
            *_names(summary),
            *_migrations(summary),
            *_counters(summary),
            *_messages(messages, first_process=len(summary["vms"]) + 1),
        ],
    }


def _names(summary: dict[str, Any]) -> Iterator[Event]:
    """Name the groups and their tracks, and put them in order."""
    yield from _process(_MACHINE, "machine", order=len(summary["vms"]))
    for number in range(len(summary["vms"])):
        yield from _process(number + 1, f"VM {number}", order=number)
        for track, name in ((_PHASES, "migration"), (_VCPUS, "vCPUs")):
            event = {"ph": "M", "pid": number + 1, "tid": track}
            yield {**event, "name": "thread_name", "args": {"name": name}}
            yield {**event, "name": "thread_sort_index", "args": {"sort_index": track}}


def _process(number: int, name: str, *, order: int) -> Iterator[Event]:
    yield {"ph": "M", "pid": number, "name": "process_name", "args": {"name": name}}
    yield {"ph": "M", "pid": number, "name": "process_sort_index", "args": {"sort_index": order}}


def _migrations(summary: dict[str, Any]) -> Iterator[Event]:
    for leg in summary["migrations"]:
        pid = leg["vm"] + 1
        phases = leg["phases"]
        yield {
            **_begin(f"{leg['strategy']['name']}, {_way(leg)}", phases[0]["start"], pid, _PHASES),
            "args": {
                "total time (us)": leg["total-time"] * 1e6,
                "downtime (us)": leg["downtime"] * 1e6,
            },
        }
        numbers = itertools.count(1)
        copies = sum(phase["name"] == "copy" for phase in phases)
        for phase in phases:
            name = phase["name"]
            if name == "copy" and copies > 1:
                name = f"copy {next(numbers)}"
            counted = {
                key: value for key, value in phase.items() if key not in ("name", "start", "end")
            }
            yield {**_begin(name, phase["start"], pid, _PHASES), "args": counted}
            yield _end(phase["end"], pid, _PHASES)
        yield _end(phases[-1]["end"], pid, _PHASES)
        yield from _pauses(leg, pid)
    if (lost := lost_at(summary)) is not None:
        yield _begin("lost", lost, 1, _VCPUS)
        yield _end(begin(summary) + round(summary["window"]["time"] * TICKS_PER_SECOND), 1, _VCPUS)


def _way(leg: dict[str, Any]) -> str:
    return f"node {leg['source']} to node {leg['target']}"


def _pauses(leg: dict[str, Any], pid: int) -> Iterator[Event]:
    """Show the vCPUs: pausing until their accesses are done, paused, and at the target."""
    for told, stopped, on, end in pauses(leg):
        yield _begin("pausing", told, pid, _VCPUS)
        yield _end(stopped, pid, _VCPUS)
        yield _begin("paused", stopped, pid, _VCPUS)
        yield _end(on, pid, _VCPUS)
        name = f"runs on node {leg[end]}"
        yield {"ph": "i", "s": "t", "name": name, "ts": _us(on), "pid": pid, "tid": _VCPUS}


def _counters(summary: dict[str, Any]) -> Iterator[Event]:
    start = _us(begin(summary))
    for earlier, later in itertools.pairwise(summary["progress"]):
        seconds = later["time"] - earlier["time"]
        at = start + earlier["time"] * 1e6
        for number in range(len(later["accesses"])):
            done, remote = (
                later[name][number] - earlier[name][number]
                for name in ("accesses", "remote-accesses")
            )
            pid = number + 1
            yield _counter("VM speed (accesses/us)", at, done / seconds / 1e6, pid=pid)
            if done:
                yield _counter("remote accesses (%)", at, 100 * remote / done, pid=pid)
        moved = later["migration-bytes"] - earlier["migration-bytes"]
        yield _counter("migration between nodes (GB/s)", at, moved / seconds / 1e9)
        for link, busy, before in zip(
            summary["links"], later["links-busy"], earlier["links-busy"], strict=True
        ):
            name = f"link {link['source']} to {link['target']} (% busy)"
            yield _counter(name, at, 100 * (busy - before) / seconds)


def _messages(messages: Sequence[Message], *, first_process: int) -> Iterator[Event]:
    ends = {end for message in messages for end in (message.sender, message.receiver)}
    for node in sorted({end.node for end in ends}):
        pid = first_process + node
        yield from _process(pid, f"messages of node {node}", order=pid)
        for end in sorted((e for e in ends if e.node == node), key=_track):
            event = {"ph": "M", "pid": pid, "tid": _track(end)}
            name = f"{_CONTROLLERS.get(end.machine, end.machine)} {end.number}"
            yield {**event, "name": "thread_name", "args": {"name": name}}
            yield {**event, "name": "thread_sort_index", "args": {"sort_index": _track(end)}}
    for number, message in enumerate(messages):
        sent, arrived = message.sent_tick, message.arrived_tick
        for end, tick, flow in (
            (message.sender, sent, "flow_out"),
            (message.receiver, arrived, "flow_in"),
        ):
            yield {
                # All last 1 ns and begin at a whole one: those of a track are either apart or, of
                # one ns, inside each other, and viewers, which round to ns, drop none.
                "ph": "X",
                "ts": tick // TICKS_PER_NANOSECOND / 1000,
                "dur": 0.001,
                "pid": first_process + end.node,
                "tid": _track(end),
                "name": message.type or message.kind,
                "cat": message.kind,
                "bind_id": f"0x{number + 1:x}",
                flow: True,
                "args": {
                    "address": f"0x{message.address:x}",
                    "from": _name(message.sender),
                    "to": _name(message.receiver),
                    "bytes": message.size_bytes,
                    "sent (tick)": sent,
                    "arrived (tick)": arrived,
                },
            }


def _name(end: Controller) -> str:
    return f"{_CONTROLLERS.get(end.machine, end.machine)} {end.number} of node {end.node}"


def _track(end: Controller) -> int:
    kinds = list(_CONTROLLERS)
    kind = kinds.index(end.machine) if end.machine in kinds else len(kinds)
    return (kind + 1) * _OF_A_KIND + end.number


# Begin and end, not one event with a duration: viewers round to ns, and drop what then overlaps.
def _begin(name: str, tick: int, pid: int, tid: int) -> Event:
    return {"ph": "B", "name": name, "ts": _us(tick), "pid": pid, "tid": tid}


def _end(tick: int, pid: int, tid: int) -> Event:
    return {"ph": "E", "ts": _us(tick), "pid": pid, "tid": tid}


def _counter(name: str, at: float, value: float, *, pid: int = _MACHINE) -> Event:
    return {"ph": "C", "name": name, "ts": at, "pid": pid, "args": {"value": value}}


def _us(ticks: int) -> float:
    return ticks / TICKS_PER_MICROSECOND
