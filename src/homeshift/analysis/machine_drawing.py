# SPDX-License-Identifier: BSD-3-Clause
"""A machine as a drawing: nodes, what is in them, and the links between their routers.

    svg = draw(run.config["machine"], run.config["vm"])

The SVG takes its colours from the page around it: `currentColor`, and the classes `source`,
`target` and `lender` of the nodes' boxes. Of many nodes each is a number in a box, and what is in
all of them stands below.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any
from xml.sax.saxutils import escape

from homeshift.interconnect import links
from homeshift.units import format_bytes

_LARGE, _SMALL = (175, 92), (30, 22)
_ROUTER = 19  # radius of one without a node
_MANY = 8  # more nodes than that have small boxes


def draw(machine: Mapping[str, Any], vm: Mapping[str, Any]) -> str:
    """Return an SVG of a machine, and of where a VM is on it.

    Args:
        machine: as in config.json.
        vm: as in config.json; says which nodes are its source and targets, and which lend memory.
    """
    nodes = machine["nodes"]
    many = nodes > _MANY
    box = _SMALL if many else _LARGE
    topology = machine["network"]["topology"]
    if topology == "mesh":
        places = _grid(nodes, machine["network"]["columns"], box)
    else:
        places = _circle(nodes, 5.2 * nodes if many else max(110.0, 32.0 * nodes))
    joined = _joined(machine["network"], nodes)
    places, routers = _with_routers(places, box, joined)
    radius = _ROUTER if routers else 0
    right = max([x + box[0] for x, _ in places] + [x + radius for x, _ in routers.values()])
    bottom = max([y + box[1] for _, y in places] + [y + radius for _, y in routers.values()])
    width = max(right + 10, 460 if many else 0)
    height = bottom + (30 if many else 10)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" class="machine" role="img" '
        f'aria-label="{escape(machine["name"])}: {nodes} nodes">'
    ]
    at = {number: (x + box[0] / 2, y + box[1] / 2) for number, (x, y) in enumerate(places)}
    at |= routers
    parts += [_line(at[a], at[b]) for a, b in joined]
    for number, (x, y) in routers.items():
        name = "hub" if topology == "crossbar" else str(number)
        parts.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{_ROUTER}" class="hub"/>')
        parts.append(_text(x, y + 4, name, anchor="middle"))
    for number, place in enumerate(places):
        parts += _node(number, place, box, machine, vm)
    if many:
        parts.append(_text(6, height - 6, f"in each: {'; '.join(_inside(machine))}"))
    return "".join([*parts, "</svg>"])


def _circle(count: int, radius: float) -> list[tuple[float, float]]:
    """Return corners of boxes around an ellipse, the first at the top left."""
    across, down = radius * 1.5, radius
    angles = [2 * math.pi * n / count - 3 * math.pi / 4 for n in range(count)]
    if count == 2:
        return [(5.0, 5.0), (5.0 + 2 * across, 5.0)]
    corners = [(across * math.cos(angle), down * math.sin(angle)) for angle in angles]
    left, top = min(x for x, _ in corners), min(y for _, y in corners)
    return [(x - left + 5, y - top + 5) for x, y in corners]


def _grid(count: int, columns: int, box: tuple[int, int]) -> list[tuple[float, float]]:
    apart = 40 if box == _LARGE else 16
    return [
        (5.0 + (n % columns) * (box[0] + apart), 5.0 + (n // columns) * (box[1] + apart))
        for n in range(count)
    ]


def _with_routers(
    places: Sequence[tuple[float, float]], box: tuple[int, int], joined: Sequence[tuple[int, int]]
) -> tuple[list[tuple[float, float]], dict[int, tuple[float, float]]]:
    """Return the places of nodes, moved if need be, and those of routers without a node.

    Such a router is between the nodes that it is joined to and the middle of all, where one is that
    is joined to none; or as near to that as there is room.
    """
    centres = [(x + box[0] / 2, y + box[1] / 2) for x, y in places]
    found: dict[int, tuple[float, float]] = {}
    for router in sorted({n for pair in joined for n in pair if n >= len(centres)}):
        ends = [sum(pair) - router for pair in joined if router in pair]
        around = [centres[end] for end in ends if end < len(centres)] or centres
        amid, middle = _middle(around), _middle(centres)
        x, y = ((2 * own + all_nodes) / 3 for own, all_nodes in zip(amid, middle, strict=True))
        spiral = (
            (x + 4 * step**0.5 * math.cos(2.4 * step), y + 4 * step**0.5 * math.sin(2.4 * step))
            for step in count()
        )
        found[router] = next(at for at in spiral if _is_free(at, places, box, found.values()))
    left = max([0.0, *(_ROUTER + 5 - x for x, _ in found.values())])
    top = max([0.0, *(_ROUTER + 5 - y for _, y in found.values())])
    moved = {router: (x + left, y + top) for router, (x, y) in found.items()}
    return [(x + left, y + top) for x, y in places], moved


def _is_free(
    at: tuple[float, float],
    places: Iterable[tuple[float, float]],
    box: tuple[int, int],
    others: Iterable[tuple[float, float]],
) -> bool:
    """Whether a router has room at a place, beside boxes and other routers."""
    away = [
        math.hypot(max(x - at[0], 0, at[0] - x - box[0]), max(y - at[1], 0, at[1] - y - box[1]))
        for x, y in places
    ]
    apart = [math.dist(at, other) for other in others]
    return min(away) > _ROUTER + 3 and all(distance > 2 * _ROUTER + 3 for distance in apart)


def _middle(places: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return sum(x for x, _ in places) / len(places), sum(y for _, y in places) / len(places)


def _joined(network: Mapping[str, Any], nodes: int) -> list[tuple[int, int]]:
    """Return the pairs of routers that links join, each once."""
    if network["topology"] == "links":
        return [(one, other) for one, other in (pair["between"] for pair in network["links"])]
    both = links(network["topology"], nodes, network["columns"])
    return list(dict.fromkeys((min(link[:2]), max(link[:2])) for link in both))


def _inside(machine: Mapping[str, Any]) -> list[str]:
    """Return what is in a node with cores."""
    cores, cache, slc = machine["cores"]["per_node"], machine["cache"], machine["slc"]
    return [
        f"{cores} core{'s' * (cores > 1)}, {format_bytes(cache['size_bytes'])} each",
        f"home, SLC {format_bytes(slc['size_bytes'])}",
        f"memory {format_bytes(machine['memory']['size_bytes'])}",
    ]


def _node(
    number: int,
    place: tuple[float, float],
    box: tuple[int, int],
    machine: Mapping[str, Any],
    vm: Mapping[str, Any],
) -> list[str]:
    x, y = place
    pool = number >= machine["nodes"] - machine.get("pool", {}).get("nodes", 0)
    roles = [
        role
        for role, has in (
            ("source", number == vm["source"]),
            ("target", number in vm.get("targets", ())),
            ("lender", str(number) in vm.get("borrow", {})),
        )
        if has
    ]
    title = f"{'pool, ' if pool else ''}node {number}" + (f" ({', '.join(roles)})" if roles else "")
    parts = [
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{box[0]}" height="{box[1]}" rx="6" '
        f'class="node {" ".join(roles)}"><title>{title}</title></rect>'
    ]
    if box == _SMALL:
        middle = x + box[0] / 2
        return [*parts, _text(middle, y + 15.5, f"{'P' if pool else ''}{number}", anchor="middle")]
    lines = _inside(machine)
    lines[:1] = ["no cores"] if pool else lines[:1]
    parts.append(_text(x + 9, y + 19, title, weight="bold"))
    return parts + [_text(x + 9, y + 40 + 18 * n, line) for n, line in enumerate(lines)]


def _line(one: tuple[float, float], other: tuple[float, float]) -> str:
    return (
        f'<line x1="{one[0]:.0f}" y1="{one[1]:.0f}" x2="{other[0]:.0f}" y2="{other[1]:.0f}" '
        'class="link"/>'
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-weight="{weight}">'
        f"{escape(text)}</text>"
    )
