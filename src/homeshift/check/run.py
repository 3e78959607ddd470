# SPDX-License-Identifier: BSD-3-Clause
"""Run a compiled checker and read what it finds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from homeshift.check.build import Checker, CheckerError, Model
from homeshift.errors import RunError

Json = Mapping[str, Any]

CRASH = "crash: an action uses a TBE or an entry that is not there, or makes one twice"
OUT_OF_MEMORY = 3  # exit status, as src/checker/report.hh has it


class CrashError(RunError):
    """The protocol makes the checker crash: a fault of the protocol, without a trace."""

    def __init__(self) -> None:
        super().__init__(CRASH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How far, and what may happen.

    limits: stimulus -> how many may be under way; what is not named is as the scenario says.
    capacity: "Machine.cache" -> how many lines it has room for; else as the scenario says.
    mutant: number of one, if the checker was compiled with mutants.
    waiting: a core may ask for a line whose transaction is under way. None: if it is not reduced.
    reduced: fewer orders of the messages, the same quiet states (src/checker/reduction.hh).
        None: as the scenario says.
    """

    limits: Mapping[str, int] = field(default_factory=dict)
    capacity: Mapping[str, int] = field(default_factory=dict)
    waiting: bool | None = None
    wake_later: bool = False
    reduced: bool | None = None
    completion: bool = True
    states: int | None = None
    memory_bytes: int | None = None
    seconds: float | None = None
    mutant: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Steps that were taken, and how they end.

    fault: the property that does not hold, or None.
    not_taken: the name of the step at which they end because it cannot be taken, or None.
    steps: what was done, as src/checker/report.hh prints it.
    last: the state in which they end.
    """

    fault: str | None
    not_taken: str | None = None
    steps: tuple[Json, ...]
    last: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Result(Trace):
    """What a search found: the way to a fault, if there is one.

    taken: (machine, state, event) -> how often.
    uncovered: names of the covers that were not reached; if the search is complete, they should be.
    complete: every reachable state was seen.
    quiet, quiet_print: how many quiet states there are, and a fingerprint of all of them.
    always_ends: from every state, messages are used up, whichever is taken first.
    """

    taken: Mapping[tuple[str, str, str], int]
    covered: tuple[str, ...]
    uncovered: tuple[str, ...]
    complete: bool
    always_ends: bool
    states: int
    quiet: int
    quiet_print: int
    transitions: int
    depth: int
    seconds: float
    cpu_seconds: float
    memory_bytes: int

    @property
    def holds(self) -> bool:
        """Whether everything was proved."""
        return self.fault is None and self.complete and not self.uncovered


def settled(model: Model, options: Options) -> Options:
    """Return options with what they leave open as the scenario has it for the model's size."""
    scenario = model.scenario
    limits = {s.name: s.limit for s in scenario.stimulus} | dict(scenario.limits)
    if model.lines >= 2:
        limits |= scenario.limits_from_2_lines
    reduced = options.reduced
    if reduced is None:
        reduced = model.nodes > scenario.full_nodes or model.lines > scenario.full_lines
    waiting = not reduced if options.waiting is None else options.waiting
    limits |= options.limits
    return replace(options, limits=limits, waiting=waiting, reduced=reduced)


def run(
    checker: Checker, options: Options, progress: Callable[[Json], None] | None = None
) -> Result:
    """Search, and return what was found.

    Raises:
        CrashError: the protocol makes the search crash.
        CheckerError: the search itself failed.
    """
    model = checker.model
    options = settled(model, options)
    command = [str(checker.program), *_happenings(options), *_bounds(options)]
    found, trace, ending = _execute(command, options, progress=progress)
    if ending < 0:
        raise CrashError
    covered: list[str] = []
    uncovered: list[str] = []
    for cover, reached in zip(model.scenario.cover, found["covered"], strict=True):
        if reached:
            covered.append(cover.name)
        elif (
            (cover.reduced or not options.reduced)
            and model.nodes >= cover.nodes
            and model.lines >= cover.lines
            and all(
                any(options.limits.get(one, 1) != 0 for one in need.split("|"))
                for need in cover.needs
            )
        ):
            uncovered.append(cover.name)
    return Result(
        fault=found["fault"],
        steps=tuple(trace),
        last=found["last"],
        taken={(m, s, e): count for m, s, e, count in found["taken"]},
        covered=tuple(covered),
        uncovered=tuple(uncovered),
        complete=found["complete"],
        always_ends=found["always_ends"],
        states=found["states"],
        quiet=found["quiet"],
        quiet_print=found["quiet_print"],
        transitions=found["steps"],
        depth=found["depth"],
        seconds=found["seconds"],
        cpu_seconds=found["cpu_seconds"],
        memory_bytes=found["bytes"],
    )


def replay(checker: Checker, options: Options, steps: Sequence[str]) -> Trace:
    """Take the steps of a trace again, by name, in the checker's machine.

    A trace that breaks completion ends well here: no single state is to blame.
    """
    options = settled(checker.model, options)
    command = [str(checker.program), *_happenings(options), "--replay"]
    return _trace(command, options, steps)


def replay_in_engine(engine: Checker, options: Options, steps: Sequence[str]) -> Trace:
    """Take steps in the timed engine, as compiled(model, runtime="replay") makes it.

    A step that begins with "+" is the taking of a message in the step before it.

    Raises:
        RunError: in the search, what wakes up was taken later: in the engine it never is.
    """
    if options.wake_later:
        raise RunError("the engine cannot take steps of a search with --wake-later")
    options = settled(engine.model, options)
    command = [str(engine.program), *_happenings(options)]
    return _trace(command, options, steps)


def _trace(command: Sequence[str], options: Options, steps: Sequence[str]) -> Trace:
    found, trace, ending = _execute(command, options, steps)
    return Trace(
        fault=CRASH if ending < 0 else found["fault"],
        not_taken=found["not_taken"],
        steps=tuple(trace),
        last=found["last"],
    )


def _happenings(options: Options) -> list[str]:
    """The options that say what may happen, from settled ones."""
    arguments: list[str] = []
    for name, limit in options.limits.items():
        arguments += ["--limit", f"{name}={limit}"]
    for name, room in options.capacity.items():
        arguments += ["--capacity", f"{name}={room}"]
    if not options.waiting:
        arguments.append("--no-waiting")
    if options.wake_later:
        arguments.append("--wake-later")
    if options.reduced:
        arguments.append("--reduced")
    return arguments


def _bounds(options: Options) -> list[str]:
    """The options that say how far to search."""
    arguments = [] if options.completion else ["--no-completion"]
    for name, value in (
        ("--states", options.states),
        ("--bytes", options.memory_bytes),
        ("--seconds", options.seconds),
    ):
        if value is not None:
            arguments += [name, str(value)]
    return arguments


def _execute(
    command: Sequence[str],
    options: Options,
    steps: Iterable[str] = (),
    progress: Callable[[Json], None] | None = None,
) -> tuple[dict[str, Any], list[Json], int]:
    """Return what a program prints, the steps apart, and its exit status."""
    found: dict[str, Any] = {
        "last": {"last": (), "under_way": ()},
        "fault": None,
        "not_taken": None,
    }
    trace: list[Json] = []
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"HOMESHIFT_MUTANT": str(options.mutant)},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        with suppress(BrokenPipeError):  # it has ended, and says why
            process.stdin.write("".join(f"{step}\n" for step in steps))
            process.stdin.close()
        try:
            for text in process.stdout:
                line: Json = json.loads(text)
                if "progress" in line:
                    if progress is not None:
                        progress(line)
                elif "step" in line:
                    trace.append(line)
                elif "last" in line:
                    found["last"] = line
                else:
                    found |= line
        except BaseException:  # we are told to end: so is the program
            process.kill()
            raise
        errors = process.stderr.read().strip()
    if process.returncode not in (0, 1) and not _crashes(process.returncode, errors):
        raise CheckerError(_failure(process.returncode, errors))
    return found, trace, process.returncode


def _crashes(status: int, errors: str) -> bool:
    """Whether the protocol has made a program crash, or break an assertion of the library."""
    if status == -signal.SIGABRT:
        return "terminate called" not in errors  # which is an exception
    return status in (-signal.SIGSEGV, -signal.SIGBUS)


def _failure(status: int, errors: str) -> str:
    """Say why a program has not come to an end, and what to do."""
    if status == OUT_OF_MEMORY or status == -signal.SIGKILL:
        how = "ran out of memory" if status == OUT_OF_MEMORY else "was killed (out of memory?)"
        return (
            f"the checker {how}, nothing is known of the protocol: bound the search with a "
            "smaller --memory, take half with --no-completion, or check a smaller machine"
        )
    if status < 0:
        return f"the checker was ended by {signal.Signals(-status).name}"
    return f"the checker stopped with status {status}: {errors}"
