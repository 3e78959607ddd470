# SPDX-License-Identifier: BSD-3-Clause
"""What the page of the study can say: numbers in their units, and tables, from `data.Study`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from homeshift.analysis.display import format_number
from homeshift.analysis.traits import BUILT_IN
from homeshift.markdown import markdown_table
from homeshift.study.data import BASE, ENERGY_RATIOS, LEFT, STRATEGIES, SYNTHETIC, Study, listed

MIB = float(2**20)
OTHERS = [name for name in STRATEGIES if name != LEFT]
COPYING = [name for name in STRATEGIES if not BUILT_IN[name].leaves_data]


@dataclass(frozen=True, slots=True)
class Axis:
    """What varies: the heading of a table's first column, and changes to the base case."""

    heading: str
    cases: Sequence[dict[str, Any]]
    shown: Callable[[dict[str, Any]], str] = lambda changes: f"{next(iter(changes.values())):g}"
    """Text of a case in the first column; by default the only value that it changes."""
    repeats: bool = False
    """Whether its cases are none of their own, but the base case again."""


def _each(name: str, *values: float, **always: Any) -> list[dict[str, Any]]:
    """Return the changes that give each of some values to a parameter."""
    return [{**always, name: value} for value in values]


AXES = {
    "speed": Axis("cycles per instruction", _each("cpi", 0.25, 1.0, 4.0, 16.0)),
    "size": Axis("VM [MiB]", _each("memory_mib", 12.0, 20.0, 40.0)),
    "borrowed": Axis(
        "borrowed [%]",
        [{"on_target": v / 2, "on_third": v / 2} for v in (0.0, 0.25, 0.5, 0.75)],
        shown=lambda changes: f"{100 * (changes['on_target'] + changes['on_third']):g}",
    ),
    "bandwidth": Axis("links [GB/s]", _each("link_gbs", 6.0, 8.0, 16.0, 32.0, 64.0)),
    "latency": Axis("a link's latency [ns]", _each("latency_ns", 10.0, 27.5, 60.0)),
    "engine": Axis("lines under way", _each("lines", 16.0, 32.0, 128.0)),
    "slice": Axis("slice [KiB]", _each("slice_kib", 128.0, 512.0, 1024.0, 2048.0, 4096.0)),
    "start": Axis(
        "begun after [ms]", _each("warmup_ms", 1.0, 2.0, 3.0, 6.0, 9.0, 12.0), repeats=True
    ),
    "pool": Axis(
        "the pool's memory [ns]",
        _each("pool_ns", 63.5, 150.0, 300.0, on_target=0.0, on_third=1.0),
        shown=lambda changes: f"{changes['pool_ns']:g}",
    ),
    "writes": Axis(
        "writes, Zipf's law [%]",
        _each("write_ratio", 0.0, 0.1, 0.3, 0.6, workload="zipf"),
        shown=lambda changes: f"{100 * changes['write_ratio']:g}",
    ),
    "pattern": Axis(
        "accesses",
        [
            {"workload": "zipf", "write_ratio": 0.3},
            *({"workload": name} for name in ("uniform", "phased", "stream")),
        ],
        shown=lambda changes: f"`{changes['workload']}`",
    ),
}
PROGRAMS = ("sqlite3", "xz", "sort", "perl")
_SAME_WORK = "energy for the same work (constants low, high)"
_MIGRATION = ("copied pages", "bytes between nodes [MiB]", "total time [us]", "downtime [us]")
PULLED_LESS = "remote-share=0.05"
VARIANTS = (
    *(("stop-and-copy", ""), ("stop-and-copy", "keep-held=on")),
    *(("post-copy", ""), ("post-copy", "keep-held=on")),
    *(("ownership+pull", variant) for variant in ("policy=all", "", PULLED_LESS)),
    *(("static-homes+pull", variant) for variant in ("policy=all", "", PULLED_LESS)),
)
"""Strategies that copy, and the parameters with which they spare some of the way."""
LIMITS: dict[str, dict[str, Any]] = {
    "300us": {"variant": "downtime-limit=300us"},
    "1ms": {},
    "3ms": {"variant": "downtime-limit=3ms"},
}
STATIC: dict[str, dict[str, Any]] = {
    "base case": {},
    "slices of 128 KiB": {"slice_kib": 128.0},
    "slices of 1 MiB": {"slice_kib": 1024.0},
    "slices of 2 MiB": {"slice_kib": 2048.0},
    "slices of 4 MiB": {"slice_kib": 4096.0},
    "links of 10 ns": {"latency_ns": 10.0},
    "links of 60 ns": {"latency_ns": 60.0},
    "nothing borrowed": {"on_target": 0.0, "on_third": 0.0},
    "75 % borrowed": {"on_target": 0.375, "on_third": 0.375},
    "all in a pool": {"on_target": 0.0, "on_third": 1.0, "pool_ns": 63.5},
    "16 cycles an instruction": {"cpi": 16.0},
    "hot pages that change": {"workload": "phased"},
}
"""Cases in which homes that stay where the memory is are compared with homes that move."""
_AS_GOOD = 0.01


def names(study: Study) -> dict[str, Any]:
    """Return what the expressions of a template can use."""
    tables = Tables(study)

    def ratio(measure: str, one: str, other: str, **changes: Any) -> float:
        """Return a ratio of two strategies; a variant is that of the first."""
        whatever = {name: value for name, value in changes.items() if name != "variant"}
        return study.value(measure, one, **changes) / study.value(measure, other, **whatever)

    def at_size(measure: str, strategy: str, mib: float) -> float:
        """Return what a measure of the base case would be with a larger VM, if it goes on so."""
        small, large = (study.value(measure, strategy, memory_mib=size) for size in (20.0, 40.0))
        return large + (large - small) / 20 * (mib - 40)

    def times(measure: str) -> str:
        """Return what pulling without the right takes, over the starts of the base case."""
        ends = tables.span(measure, "static-homes+pull", to="ownership+pull")
        return " to ".join(dict.fromkeys(f"{end:.2f}" for end in ends))

    return {
        "v": study.value,
        "times": times,
        "ratio": ratio,
        "at_size": at_size,
        "less": lambda measure, one, other, **changes: (
            f"{1 - ratio(measure, one, other, **changes):.1%}"
        ),
        "more": lambda measure, one, other, **changes: (
            f"{ratio(measure, one, other, **changes) - 1:.1%}"
        ),
        "num": format_number,
        "whole": lambda value: f"{value:,.0f}",
        "pct": lambda value: f"{100 * value:.3g} %",
        "ms": lambda seconds: f"{format_number(seconds * 1e3)} ms",
        "rough_ms": lambda seconds: f"{_rough(seconds * 1e3)} ms",
        "span": tables.span,
        "share_of": tables.share_of,
        "us": lambda seconds: f"{format_number(seconds * 1e6)} us",
        "MIB": MIB,
        "base_table": tables.base,
        "work_table": tables.work,
        "energy_table": tables.energy,
        "program_table": tables.programs,
        "engine_table": tables.engine,
        "overtakes_table": tables.overtakes,
        "rounds_table": tables.rounds,
        "region_table": tables.regions,
        "static_table": tables.static_homes,
        "variant_table": tables.variants,
        "limit_table": tables.limits,
        "winners": tables.winners,
        "pulling_wins": tables.pulling_wins,
        "PULLED_LESS": PULLED_LESS,
        "cases": tables.cases,
        "unsteady": tables.unsteady,
        "unsteady_runs": tables.unsteady_runs,
        "runs": len(study.table),
        "seeds": int(study.table["seed"].nunique()),
    }


class Tables:
    """The tables of the page."""

    def __init__(self, study: Study) -> None:
        self._study = study

    def base(self) -> str:
        """Return the base case, a row a strategy."""
        v = self._study.value

        def row(s: str) -> list[str]:
            energy = [v(f"energy{level}_j", s) * 1e3 for level in ("", "_low", "_high")]
            return [
                f"`{s}`",
                *self._migration(s),
                format_number(v("speed_after", s)),
                format_number(v("local_after", s) * 100),
                self._work_done(s),
                format_number(v("link_bytes", s) / MIB),
                f"{format_number(energy[0])} ({format_number(energy[1])} to "
                f"{format_number(energy[2])})",
                self._same_work(s),
            ]

        header = (
            *("strategy", *_MIGRATION, "speed after [accesses/us]", "local after [%]"),
            *("work done", "all bytes on links [MiB]", "all energy [mJ]"),
            "for the same work (constants low, high)",
        )
        return markdown_table(header, [row(s) for s in STRATEGIES])

    def _migration(self, strategy: str, **changes: Any) -> list[str]:
        """Return the cells of `_MIGRATION`."""
        v = self._study.value
        return [
            f"{v('copied_pages', strategy, **changes):,.0f}",
            format_number(v("migration_bytes", strategy, **changes) / MIB),
            format_number(v("total_s", strategy, **changes) * 1e6),
            format_number(v("downtime_s", strategy, **changes) * 1e6),
        ]

    def _work_done(self, strategy: str, **changes: Any) -> str:
        """Return the work of a case against that of `ownership` in the base case."""
        v = self._study.value
        return f"{v('accesses', strategy, **changes) / v('accesses', LEFT) - 1:+z.1%}"

    def _same_work(self, strategy: str, **changes: Any) -> str:
        """Return the energy for the same work, with all constants low and with all high."""
        typical, low, high = (
            f"{self._study.value(ratio, strategy, **changes) - 1:+z.0%}" for ratio in ENERGY_RATIOS
        )
        return typical if strategy == LEFT else f"{typical} ({low}, {high})"

    def work(self, axis: str) -> str:
        """Return the work done in the window, against `ownership`, with the interval if any."""
        return self._against(axis, "accesses", digits=1)

    def energy(self, axis: str) -> str:
        """Return the energy for the same work, migration and all included, against `ownership`."""
        return self._against(axis, "energy_ratio", digits=0)

    def programs(self) -> str:
        """Return the work of each program against `ownership`, and their geometric mean."""
        rows = []
        for strategy in STRATEGIES:
            ratios = self._by_program(strategy)
            mean = math.prod(ratios) ** (1 / len(ratios))
            rows.append([f"`{strategy}`", *(f"{ratio - 1:+z.1%}" for ratio in (*ratios, mean))])
        return markdown_table(("strategy", *PROGRAMS, "geometric mean"), rows)

    def _by_program(self, strategy: str) -> list[float]:
        own, left = (self._accesses(name) for name in (strategy, LEFT))
        return [one / other for one, other in zip(own, left, strict=True)]

    def _accesses(self, strategy: str) -> list[int]:
        [text] = self._study.rows(strategy)["program_accesses"]
        return listed(text)

    def share_of(self, program: str) -> list[float]:
        """Return which share of all accesses a program has, the least and the most by strategy."""
        place = PROGRAMS.index(program)
        found = [self._accesses(s) for s in STRATEGIES]
        shares = [accesses[place] / sum(accesses) for accesses in found]
        return [min(shares), max(shares)]

    def engine(self) -> str:
        """Return how long the migration takes by the lines that an engine has under way."""

        def cell(strategy: str, changes: dict[str, Any]) -> str:
            return format_number(self._study.value("total_s", strategy, **changes) * 1e6)

        return self._over("engine", cell, strategies=STRATEGIES)

    def span(self, measure: str, strategy: str, *, to: str | None = None) -> list[float]:
        """Return the least and the most of a measure, or of its ratio, over all starts."""
        value = self._study.value
        found = [
            value(measure, strategy, **changes) / (value(measure, to, **changes) if to else 1)
            for changes in AXES["start"].cases
        ]
        return [min(found), max(found)]

    def _against(self, axis: str, measure: str, *, digits: int) -> str:
        def cell(strategy: str, changes: dict[str, Any]) -> str:
            ratio, low, high = self._study.ratios(measure, strategy, LEFT, **changes)
            text = f"{ratio - 1:+z.{digits}%}"
            return text if math.isnan(low) else f"{text} ± {(high - low) / 2:.{digits}%}"

        return self._over(axis, cell)

    def overtakes(self, axis: str, measure: str = "overtakes_s") -> str:
        """Return from when on moving has paid, in ms; the length of the window if it has not."""

        def cell(strategy: str, changes: dict[str, Any]) -> str:
            return self._since(measure, strategy, **changes)

        return self._over(axis, cell, strategies=COPYING)

    def _since(self, measure: str, strategy: str, **changes: Any) -> str:
        """Return a break-even time in ms; the length of the window if there was none."""
        rows = self._study.rows(strategy, **changes)
        if bool(rows[measure].isna().any()):
            return f"> {rows['window_s'].iloc[0] * 1e3:.0f}"
        milliseconds = float(rows[measure].mean()) * 1e3
        return "at once" if milliseconds < 0.1 else _rough(milliseconds)

    def rounds(self) -> str:
        """Return the rounds of pre-copy, in pages by their bytes, beside a geometric series."""
        v = self._study.value
        rows = []
        for changes in AXES["speed"].cases:
            [text] = self._study.rows("pre-copy", **changes)["round_bytes"]
            sizes = listed(text)
            pages = v("pages", "pre-copy", **changes)
            found = [size / sizes[0] * pages for size in sizes]
            shrink = found[1] / found[0]
            series = [pages * shrink**n for n in range(len(found))]
            rows.append(
                [
                    f"{changes['cpi']:g}",
                    ", ".join(f"{value:,.0f}" for value in found),
                    ", ".join(f"{value:,.0f}" for value in series),
                    f"{shrink:.3f}",
                ]
            )
        header = (
            *("cycles per instruction", "pages by round"),
            *("geometric series", "its ratio"),
        )
        return markdown_table(header, rows)

    def regions(self) -> str:
        """Return what an ownership migration costs by the size of its regions."""
        v = self._study.value
        rows = []
        for size in (4.0, 64.0, 1024.0):
            where = {"region_kib": size}
            regions = v("memory_mib", LEFT, **where) * 1024 / size
            rows.append(
                [
                    f"{size:g}",
                    f"{regions:,.0f}",
                    format_number(v("total_s", LEFT, **where) * 1e6),
                    format_number(v("migration_bytes", LEFT, **where) / 1024),
                    f"{v('forwarded', LEFT, **where):,.0f}",
                    format_number(v("speed_before", LEFT, **where)),
                    format_number(v("speed_during", LEFT, **where)),
                    self._work_done(LEFT, **where),
                    *(format_number(regions * (nodes - 2) * 8 / 1024) for nodes in (4, 64)),
                ]
            )
        header = (
            *("region [KiB]", "regions", "total time [us]", "bytes between nodes [KiB]"),
            *("requests sent on", "speed before [accesses/us]", "during", "work done"),
            *("announced, of 4 nodes [KiB]", "of 64 nodes"),
        )
        return markdown_table(header, rows)

    def static_homes(self, then: str = "") -> str:
        """Return static homes against `ownership`, a row a case; then: what both go on with."""
        rows = []
        for case, changes in STATIC.items():
            work, links, *energies = (
                self._study.ratios(measure, f"static-homes{then}", f"{LEFT}{then}", **changes)[0]
                for measure in ("accesses", "link_bytes", *ENERGY_RATIOS)
            )
            typical, low, high = (f"{format_number(ratio)}x" for ratio in energies)
            cells = (f"{work - 1:+z.1%}", f"{format_number(links)}x", f"{typical} ({low}, {high})")
            rows.append([case, *cells])
        header = (f"`static-homes{then}`, against `{LEFT}{then}`", "work done")
        return markdown_table((*header, "all bytes on links", _SAME_WORK), rows)

    def variants(self) -> str:
        """Return the base case with copies that spare some of the way, a row each."""
        rows = []
        for strategy, variant in VARIANTS:
            where = {"variant": variant} if variant else {}
            rows.append(
                [
                    f"`{strategy}:{variant}`" if variant else f"`{strategy}`",
                    *self._migration(strategy, **where),
                    self._work_done(strategy, **where),
                    self._since("overtakes_s", strategy, **where),
                    self._same_work(strategy, **where),
                    self._since("saves_energy_s", strategy, **where),
                ]
            )
        since = ("more work than `ownership` from [ms]", "less energy than `ownership` from [ms]")
        header = ("strategy", *_MIGRATION, "work done", since[0], _SAME_WORK, since[1])
        return markdown_table(header, rows)

    def limits(self) -> str:
        """Return what the downtime-limit of a pre-copy decides."""
        rows = []
        for limit, changes in LIMITS.items():
            cells = []
            for strategy in ("pre-copy", "ownership+copy"):
                [rounds] = self._study.rows(strategy, **changes)["round_bytes"]
                copied, _, _, downtime = self._migration(strategy, **changes)
                # The last round is copied while the VM is paused.
                cells += [downtime, str(len(listed(rounds)) - 1), copied]
            rows.append([limit, *cells])
        header = ("`pre-copy`: downtime [us]", "rounds", "copied pages")
        other = ("`ownership+copy`: downtime [us]", "rounds", "copied pages")
        return markdown_table(("downtime-limit", *header, *other), rows)

    def winners(self) -> str:
        """Return in how many cases of all axes a strategy is the best, or within 1 % of it."""
        work, energy = self._near("accesses", max), self._near("energy_ratio", min)
        ordered = sorted(STRATEGIES, key=lambda name: (-work[name], -energy[name]))
        rows = [(f"`{name}`", str(work[name]), str(energy[name])) for name in ordered]
        return markdown_table(("", "most work", "least energy for the same work"), rows)

    def _near(self, measure: str, best_of: Callable[[Iterable[float]], float]) -> dict[str, int]:
        near = dict.fromkeys(STRATEGIES, 0)
        for changes in self._cases():
            values = {s: self._study.value(measure, s, **changes) for s in STRATEGIES}
            best = best_of(values.values())
            for name, value in values.items():
                near[name] += abs(value / best - 1) <= _AS_GOOD
        return near

    def pulling_wins(self, at: str = "") -> int:
        """Return in how many cases a strategy that pulls spends least energy for the same work.

        At the typical constants, or with all of them "_low" or "_high".
        """
        value = self._study.value
        best = [
            min(STRATEGIES, key=lambda s: value(f"energy_ratio{at}", s, **changes))
            for changes in self._cases()
        ]
        return sum(name.endswith("+pull") for name in best)

    def unsteady(self) -> str:
        """Return the cases whose VM was not steady before it migrated.

        All strategies begin as `ownership` does but those with static homes.
        """
        found = []
        for axis in AXES.values():
            changing = [
                axis.shown(changes)
                for changes in axis.cases
                if not self._study.rows(LEFT, **changes)["steady"].any()
            ]
            if changing:
                found.append(f"{axis.heading}: {', '.join(changing)}")
        return "; ".join(found)

    def unsteady_runs(self) -> int:
        """Return how many runs that is true of."""
        return int((~self._study.table["steady"]).sum())

    @property
    def cases(self) -> int:
        """Return how many cases there are."""
        return len(self._cases())

    def _cases(self) -> list[dict[str, Any]]:
        """Return every case once: the base case is in several axes."""
        found: dict[tuple[tuple[str, Any], ...], dict[str, Any]] = {}
        for axis in AXES.values():
            for changes in () if axis.repeats else axis.cases:
                kind = BASE if changes.get("workload", "traces") == "traces" else SYNTHETIC
                different = {k: v for k, v in changes.items() if v != kind[k]}
                found.setdefault(tuple(sorted(different.items())), changes)
        return list(found.values())

    def _over(
        self,
        axis: str,
        cell: Callable[[str, dict[str, Any]], str],
        *,
        strategies: Sequence[str] = OTHERS,
    ) -> str:
        of = AXES[axis]
        rows = [[of.shown(c), *(cell(s, c) for s in strategies)] for c in of.cases]
        return markdown_table((of.heading, *(f"`{s}`" for s in strategies)), rows)


def _rough(value: float) -> str:
    """Return a time with the two digits to which break-even times are known."""
    return f"{float(f'{value:.2g}'):g}"
