# SPDX-License-Identifier: BSD-3-Clause
"""A machine as a drawing: nodes, what is in them, and the links between their routers.

    svg = draw(run.config["machine"], run.config["vm"])

The SVG takes its colours from the page around it: `currentColor`, and the classes `source`,
`target` and `lender` of the nodes' boxes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from homeshift.units import format_bytes

_WIDTH, _HEIGHT = 150, 92
_SHOWN = 16  # more nodes than that are not drawn one by one


def draw(machine: Mapping[str, Any], vm: Mapping[str, Any]) -> str:
    """Return an SVG of a machine, and of where a VM is on it.

    Args:
        machine: as in config.json.
        vm: as in config.json; says which nodes are its source and targets, and which lend memory.
    """
    nodes = machine["nodes"]
    shown = min(nodes, _SHOWN)
    topology = machine["network"]["topology"]
    places = _grid(machine, shown) if topology == "mesh" else _circle(shown)
    width = max(x for x, _ in places) + _WIDTH + 10
    height = max(y for _, y in places) + _HEIGHT + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'class="machine" role="img" aria-label="{escape(machine["name"])}: {nodes} nodes">'
    ]
    centres = [(x + _WIDTH / 2, y + _HEIGHT / 2) for x, y in places]
    if topology == "crossbar":
        hub = (width / 2, height / 2)
        parts += [_line(centre, hub) for centre in centres]
        parts.append(f'<circle cx="{hub[0]:.0f}" cy="{hub[1]:.0f}" r="19" class="hub"/>')
        parts.append(_text(hub[0], hub[1] + 4, "hub", anchor="middle"))
    else:
        columns = machine["network"]["columns"] if topology == "mesh" else None
        parts += [_line(centres[a], centres[b]) for a, b in _joined(shown, columns, nodes)]
    parts += [_node(number, place, machine, vm) for number, place in enumerate(places)]
    if shown < nodes:
        parts.append(_text(6, height - 4, f"and {nodes - shown} nodes more"))
    return "".join([*parts, "</svg>"])


def _circle(count: int) -> list[tuple[float, float]]:
    """Return corners of boxes around an ellipse, the first at the top left."""
    radius = max(110.0, count * 32.0)
    across, down = radius * 1.5, radius
    angles = [2 * math.pi * n / count - 3 * math.pi / 4 for n in range(count)]
    if count == 2:
        return [(5.0, 5.0), (5.0 + 2 * across, 5.0)]
    corners = [(across * math.cos(angle), down * math.sin(angle)) for angle in angles]
    left, top = min(x for x, _ in corners), min(y for _, y in corners)
    return [(x - left + 5, y - top + 5) for x, y in corners]


def _grid(machine: Mapping[str, Any], count: int) -> list[tuple[float, float]]:
    columns = machine["network"]["columns"]
    return [
        (5.0 + (n % columns) * (_WIDTH + 40), 5.0 + (n // columns) * (_HEIGHT + 36))
        for n in range(count)
    ]


def _joined(shown: int, columns: int | None, nodes: int) -> list[tuple[int, int]]:
    if columns is None:
        pairs = [(n, (n + 1) % nodes) for n in range(nodes)]
    else:
        pairs = [(n, n + 1) for n in range(nodes) if (n + 1) % columns]
        pairs += [(n, n + columns) for n in range(nodes - columns)]
    return [(a, b) for a, b in pairs if a < shown and b < shown]


def _node(
    number: int, place: tuple[float, float], machine: Mapping[str, Any], vm: Mapping[str, Any]
) -> str:
    x, y = place
    roles = []
    pool = number >= machine["nodes"] - machine.get("pool", {}).get("nodes", 0)
    if number == vm["source"]:
        roles.append("source")
    if number in vm.get("targets", ()):
        roles.append("target")
    if str(number) in vm.get("borrow", {}):
        roles.append("lender")
    cores, cache, slc = machine["cores"], machine["cache"], machine["slc"]
    lines = [
        "no cores"
        if pool
        else f"{cores['per_node']} cores, {format_bytes(cache['size_bytes'])} each",
        f"home, SLC {format_bytes(slc['size_bytes'])}",
        f"memory {format_bytes(machine['memory']['size_bytes'])}",
    ]
    title = f"{'pool, ' if pool else ''}node {number}" + (f" ({', '.join(roles)})" if roles else "")
    parts = [
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{_WIDTH}" height="{_HEIGHT}" rx="6" '
        f'class="node {" ".join(roles)}"/>',
        _text(x + 9, y + 19, title, weight="bold"),
    ]
    parts += [_text(x + 9, y + 40 + 18 * n, line) for n, line in enumerate(lines)]
    return "".join(parts)


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
