# SPDX-License-Identifier: BSD-3-Clause
"""Take the steps of a counterexample again: what replay.py, beside a counterexample, calls.

Twice: in the checker's machine, and in the timed engine, which is given its messages in the same
order. The engine has to do the same in every step, and to end in the same fault.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from homeshift.check.build import Model, compiled, load_model
from homeshift.check.run import CRASH, Options, Trace, replay, replay_in_engine
from homeshift.check.trace import entries, key, message_key, text
from homeshift.errors import HomeshiftError


def main(
    *,
    protocol: Path,
    scenario: Path,
    nodes: int,
    lines: int,
    options: Options,
    steps: Sequence[str],
) -> None:
    """Print what the steps do now, and exit.

    1 if they still end in a fault, or if the engine does something else than the checker's machine;
    0 if not.
    """
    try:
        model = load_model(protocol, scenario, nodes=nodes, lines=lines)
        checker, engine = compiled(model), compiled(model, runtime="replay")
        told = replay(checker, options, steps)
        taken = replay_in_engine(engine, options, engine_steps(told, steps))
    except HomeshiftError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_status)
    for line in text(model, told):
        print(line)
    print()
    differences = list(compare(model, told, taken))
    for line in differences or [f"engine: the same, step by step{_ending(taken)}"]:
        print(line)
    sys.exit(0 if told.fault is None and not differences else 1)


def engine_steps(told: Trace, steps: Sequence[str]) -> list[str]:
    """Return what the engine is told to take: also what was taken in the step of another.

    Args:
        told: what the steps did in the checker's machine.
        steps: by name, all that were to be taken.
    """
    names: list[str] = []
    for step in told.steps:
        names.append(key(step))
        names += [f"+{message_key(e['takes'])}" for e in step["log"] if "takes" in e]
    return names + list(steps[len(told.steps) : len(told.steps) + 1])


def compare(model: Model, told: Trace, taken: Trace) -> Iterator[str]:
    """Yield lines about what the engine does otherwise: none if it does the same.

    In a step that ends in an error, the engine may do more before it sees it, see another one, or
    crash: it does not look at all that the checker looks at.
    """
    for number, (one, other) in enumerate(zip(told.steps, taken.steps, strict=False), 1):
        done, does = one["log"], other["log"]
        if one["error"] and other["error"]:
            does = does[: len(done)]
        if done != does:
            yield f"engine: something else in step {number}:"
            for line in entries(model, other):
                yield f"       {line}"
            return
    stops = bool(told.steps) and bool(told.steps[-1]["error"])
    crash = stops and taken.fault == CRASH and len(taken.steps) == len(told.steps) - 1
    if crash:
        return
    if len(told.steps) != len(taken.steps) or told.not_taken != taken.not_taken:
        yield f"engine: {len(taken.steps)} steps, not {len(told.steps)}{_ending(taken)}"
    elif told.fault != taken.fault and not (stops and taken.steps[-1]["error"]):
        yield f"engine: the same steps, but another end{_ending(taken)}"


def _ending(trace: Trace) -> str:
    if trace.not_taken is not None:
        return f"; it cannot take '{trace.not_taken}'"
    return f"; ends in: {trace.fault}" if trace.fault else "; ends well"
