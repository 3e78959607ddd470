# SPDX-License-Identifier: BSD-3-Clause
"""What nobody should miss who looks at what runs measured: sentences, of whichever are true.

    for sentence in remarks(runs):
        print(sentence)

What makes runs no fair comparison is told where they are compared (`comparison`, `comparable`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from homeshift.analysis.runs import Run


def not_completed(runs: Sequence[Run]) -> str:
    """Return a sentence on the migrations that did not complete, or nothing."""
    ended: dict[str, set[str]] = {}
    for run in runs:
        if run.migration["status"] != "completed":
            ended.setdefault(run.migration["status"], set()).add(run.strategy)
    count = sum(run.migration["status"] in ended for run in runs)
    which = "; ".join(f"{status}: {', '.join(sorted(names))}" for status, names in ended.items())
    return f"{count} of {len(runs)} migrations are not completed ({which})" if count else ""


def with_status(label: str, run: Run) -> str:
    """Return the name of a run, which says so if the migration did not complete."""
    status = run.migration["status"]
    return label if status == "completed" else f"{label} ({status})"


def several_vms(runs: Sequence[Run]) -> str:
    """Return a sentence on whose the measures of several VMs are, or nothing."""
    return _sentence(runs, _SEVERAL_VMS)


def remarks(runs: Sequence[Run]) -> list[str]:
    """Return the sentences that nobody should miss who looks at what these runs measured."""
    incomplete = not_completed(runs)
    if any(run.migration["status"] == "completed" for run in runs):
        incomplete += "; means are without them" if incomplete else ""
    said = (
        *(_sentence(runs, doubt) for doubt in (_NOT_CONVERGED, _NOT_STEADY, _SPEED_UNKNOWN)),
        incomplete,
        *(_sentence(runs, doubt) for doubt in (_OTHERS_CANCELLED, _SEVERAL_VMS)),
        _same_for_all_seeds(runs),
    )
    return [sentence for sentence in said if sentence]


_Applies = Callable[[Mapping[str, Any]], bool]


def _same_for_all_seeds(runs: Sequence[Run]) -> str:
    seeds: dict[str, list[int | None]] = {}
    for run in runs:
        seeds.setdefault(json.dumps(run.migration), []).append(run.seed)
    count = sum(len(own) for own in seeds.values() if len(set(own)) > 1)
    return (
        f"{count} of {len(runs)} runs differ in their seed and in no result: nothing in them is "
        "by chance, as with a trace, and intervals over seeds say nothing about them"
        if count
        else ""
    )


class _Doubt(NamedTuple):
    """What may be so of a run, by its migration.json, and the sentence on how many it is so of."""

    applies: _Applies
    sentence: str


def _any_in(part: str, applies: Callable[[Mapping[str, Any]], Any]) -> _Applies:
    """Return whether something is so of any of a run's `vms` or `migrations`."""
    return lambda migration: any(map(applies, migration.get(part, ())))


_NOT_CONVERGED = _Doubt(
    _any_in("migrations", lambda leg: not leg.get("converged", True)),
    "{} runs paused a VM before its copies had converged: rounds ran out, and the rest took longer "
    "than the downtime-limit",
)
_NOT_STEADY = _Doubt(
    _any_in("vms", lambda vm: not vm.get("steady", True)),
    "in {} runs a VM was not steady before the migration: its caches still filled (a longer "
    "warmup helps), or its work changed",
)
_SPEED_UNKNOWN = _Doubt(
    _any_in("vms", lambda vm: not vm.get("speed-known", True)),
    "in {} runs a VM did too few accesses before the migration for its speed to be known (a longer "
    "window helps)",
)
_OTHERS_CANCELLED = _Doubt(
    _any_in("migrations", lambda leg: leg.get("vm") and "status" in leg),
    "in {} runs another VM's migration is cancelled",
)
_SEVERAL_VMS = _Doubt(
    lambda migration: len(migration.get("vms", ())) > 1,
    "{} runs have several VMs: times, pages and accesses are those of the first one, bytes, energy "
    "and entries moved those of all",
)


def _sentence(runs: Sequence[Run], doubt: _Doubt) -> str:
    count = sum(doubt.applies(run.migration) for run in runs)
    return doubt.sentence.format(f"{count} of {len(runs)}") if count else ""
