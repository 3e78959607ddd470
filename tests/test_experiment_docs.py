# SPDX-License-Identifier: BSD-3-Clause
"""docs/experiments.md says what a machine file and a workload can hold, as the code has it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from calls import ROOT

from homeshift._engine import System
from homeshift.engines.embedded import system_spec
from homeshift.machine import Machine, load_machine, machine_directory
from homeshift.machine.fields import (
    Bandwidth,
    Choice,
    Clock,
    Count,
    Field,
    Latency,
    Pair,
    Size,
    Table,
    Text,
)
from homeshift.units import frequency_text, size_text, time_text
from homeshift.workload.kinds import COMMON, KINDS, Parameter
from homeshift.workload.trace import check_traces

TEXT = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")

EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(
        "| " + " | ".join(row) + " |" for row in (header, ["---"] * len(header), *rows)
    )


def keys(model: type, prefix: str = "") -> Iterator[tuple[str, Field]]:
    """Yield each key of a machine file, as an override names it."""
    for hint in get_type_hints(model, include_extras=True).values():
        for description in getattr(hint, "__metadata__", ()):
            if isinstance(description, Table):
                nested = get_args(hint)[0]
                while inner := get_args(nested):  # of "X | None", of "tuple[X, ...]"
                    nested = inner[0]
                yield from keys(nested, f"{prefix}{description.key}.")
            else:
                yield prefix + description.key, description


def bounds(field: Any) -> str:
    match field:
        case Count():
            return f"{field.least} to {field.most}"
        case Size():
            return f"{size_text(field.least)} to {size_text(field.most)}"
        case Latency():
            return f"a cycle to {time_text(field.most_ticks)}"
        case Bandwidth():
            return "1MB/s to 100TB/s"
        case Choice():
            return ", ".join(field.choices)
        case Clock():
            return (
                f"{frequency_text(field.least)} to {frequency_text(field.most)}, "
                "a whole number of ps a cycle"
            )
        case Text():
            return "a text"
        case Pair():
            return f"two of 0 to {field.most}"
    raise AssertionError(field)


def parameter_rows(parameters: Sequence[Parameter]) -> list[list[str]]:
    return [
        [
            f"`{p.name}`",
            p.text(p.default),
            f"{p.text(p.least)} to {p.text(p.most)}",
            p.sentence + (f", in {p.unit}" if p.unit not in ("", "B") else ""),
        ]
        for p in parameters
    ]


def kinds_with(parameter: Parameter) -> str:
    """Return which kinds have a parameter of this name."""
    lacking = [
        k.name for k in KINDS.values() if parameter.name not in {p.name for p in k.parameters}
    ]
    return "all but " + ", ".join(f"`{name}`" for name in reversed(lacking))


def machine_table() -> str:
    rows = [[f"`{key}`", bounds(field), field.sentence] for key, field in keys(Machine)]
    return table(["key", "values", "what"], rows)


def workload_table() -> str:
    rows = [[kinds_with(p), *row] for p, row in zip(COMMON, parameter_rows(COMMON), strict=True)]
    for kind in KINDS.values():
        own = [p for p in kind.parameters if p not in COMMON]
        rows += [[f"`{kind.name}`", *row] for row in parameter_rows(own)]
    return table(["kind", "parameter", "default", "values", "what"], rows)


def kind_table() -> str:
    return table(["kind", "accesses"], [[f"`{k.name}`", k.sentence] for k in KINDS.values()])


def test_every_key_of_a_machine_file_is_described() -> None:
    assert machine_table() in TEXT


def test_every_kind_of_workload_and_its_parameters_are_described() -> None:
    assert kind_table() in TEXT
    assert workload_table() in TEXT


@pytest.fixture
def chassis(tmp_path: Path) -> Path:
    """Return the machine with links of its own that the page shows: quad.toml with its network."""
    [network] = re.findall(r"```toml\n(\[network\].*?)```", TEXT, flags=re.DOTALL)
    quad = (machine_directory() / "quad.toml").read_text(encoding="utf-8")
    file = tmp_path / "chassis.toml"
    file.write_text(re.sub(r"\[network\].*?(?=\n\[)", network, quad, flags=re.DOTALL))
    return file


def test_a_machine_with_links_of_its_own_can_be_used(chassis: Path) -> None:
    machine = load_machine(f"{chassis}:memory.size=4MiB")
    network = machine.network
    system = System(system_spec(machine, region_bytes=4096, check=True))
    frame = machine.memory.size_bytes
    own, *others = (system.probe(0, node * frame, False) for node in range(4))
    # There and back: by one switch inside a chassis, by two and the slow link to the other.
    hop = network.router_latency_cycles + network.link_latency_cycles
    slow = network.router_latency_cycles + 180  # 90 ns
    assert [it - own for it in others[:2]] == [2 * 2 * hop, 2 * (2 * hop + slow)]


if __name__ == "__main__":
    print(machine_table(), kind_table(), workload_table(), sep="\n\n")


def test_a_trace_made_as_the_page_shows_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _ = EXAMPLES
    exec(compile(code, "docs/experiments.md", "exec"), {})
    [trace] = check_traces(["mine.npy"])
    assert trace.records == 1000
    assert (trace.pages, trace.writes) == (16, 250)


def test_a_trace_of_another_tool_can_be_used_as_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "accesses.txt").write_text("W 7f2a10fc 8\nR 10 4\nR 7f2a1000 8\n", "utf-8")
    _, code = EXAMPLES
    exec(compile(code, "docs/experiments.md", "exec"), {})
    [trace] = check_traces(["theirs.npy"])
    assert (trace.records, trace.pages, trace.writes) == (4, 2, 2)
