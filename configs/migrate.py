#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Migrate a virtual machine between the nodes of a shared-memory machine, and measure it.

Example:
    python configs/migrate.py --machine quad --strategy ownership --outdir m5out/ownership
    gem5.opt configs/migrate.py --machine quad --strategy ownership --outdir m5out/ownership
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, TypeVar

try:
    import homeshift.errors  # noqa: F401
except ModuleNotFoundError:  # not installed, as inside gem5: the sources are beside this folder
    sys.modules.pop("homeshift", None)  # a folder of gem5's build has the plugin's name
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from homeshift.errors import HomeshiftError, InputError, RunError, near
from homeshift.front_end import HelpFormatter, interrupt_on_signals, interrupted_status
from homeshift.units import parse_size, parse_time

if TYPE_CHECKING:
    from homeshift.energy import Constants
    from homeshift.experiment.guests import Guest
    from homeshift.experiment.vm import VmSpec
    from homeshift.machine import Machine
    from homeshift.strategies import Strategy
    from homeshift.workload import Booted, Workload

T = TypeVar("T")


def main(arguments: list[str] | None = None) -> int:
    """Run the script.

    Returns 0, 1 for a failed run, 2 for bad input, 128 + N if signal N has ended it.
    """
    parser = _parser()
    options, unknown = parser.parse_known_args(arguments)
    try:
        _run(options, _unknown(parser, unknown))
    except HomeshiftError as error:
        print(f"migrate.py: error: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt as interrupt:
        print("migrate.py: interrupted; nothing was written", file=sys.stderr)
        return interrupted_status(interrupt)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="migrate.py",
        description=(__doc__ or "").split("\n\n")[0],
        formatter_class=HelpFormatter,
        allow_abbrev=False,
    )
    # "-1MiB" is a value, to be told as negative, and no option: so does Python from 3.14 on.
    parser._negative_number_matcher = re.compile(r"-\.?\d")
    add = parser.add_argument

    def read(name: str, parse: Callable[[str], object], **more: Any) -> None:
        add(name, type=_reader(name, parse), **more)

    add(
        "--machine",
        default="quad",
        metavar="NAME|FILE[:KEY=VALUE,...]",
        help="tiny, quad, octo, pool, rack64, or a TOML file of your own; changes as in "
        "quad:network.link_bandwidth=64GB/s",
    )
    add(
        "--strategy",
        default="ownership",
        metavar="NAME|FILE.py[:KEY=VALUE,...]",
        help="how the VM moves: stop-and-copy, pre-copy, post-copy, hybrid, ignore-shared, "
        "static-homes, static-homes+pull, ownership, ownership+copy, ownership+pull; or, where it "
        "stays, borrow, return; or a file of your own that defines a strategy",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--workload",
        default="zipf",
        metavar="NAME[:KEY=VALUE,...]",
        help="what the vCPUs do: uniform, zipf, stream, pointer-chase, phased, producer-consumer",
    )
    what.add_argument(
        "--program",
        metavar="COMMAND",
        help="a program for RISC-V or Arm, with its arguments in one word; in gem5 only",
    )
    what.add_argument(
        "--bios",
        metavar="FILE",
        help="RISC-V firmware to boot, as OpenSBI's fw_jump, or a program that needs no operating "
        "system; in gem5 only",
    )
    what.add_argument("--trace", nargs="+", metavar="FILE", help="traces to replay, one a vCPU")
    add("--kernel", metavar="FILE", help="Linux that --bios starts, as an Image or a vmlinux")
    add("--initrd", metavar="FILE", help="the kernel's first file system")
    add("--append", metavar="TEXT", help="the kernel's command line")
    add("--disk", metavar="FILE", help="a disk's content; what the guest writes does not change it")
    read(
        "--vm-memory",
        parse_size,
        metavar="SIZE",
        help="memory of the VM (default: 64MiB, or a quarter of a node's where that is less)",
    )
    read("--vcpus", _count, metavar="N", help="vCPUs, a core each (default: all of a node)")
    read("--source", int, default=0, metavar="N", help="node that the VM runs on")
    read(
        "--target",
        _nodes,
        default="1",
        metavar="N[,N...]",
        help="node that it moves to, and those that it moves on to from there",
    )
    read(
        "--borrow",
        _borrow,
        default="",
        metavar="NODE[-NODE]:FRACTION,...",
        help="parts of the VM's memory that lie on other nodes, in whole regions, as in "
        "2:0.25,3:0.25; or as in 1-63:0.9, spread over all of these",
    )
    read(
        "--region",
        parse_size,
        default="4KiB",
        metavar="SIZE",
        help="unit in which homes move, a power of two from 4KiB to 2MiB",
    )
    read(
        "--fast-forward",
        parse_time,
        default="0ns",
        metavar="TIME",
        help="time before the warm-up for which a full system runs without caches and network, as "
        "to boot, or up to its m5_work_begin; in gem5 only",
    )
    read(
        "--take-checkpoint",
        _none_or(str),
        metavar="DIR",
        help="directory to write a checkpoint into when --fast-forward is over",
    )
    read(
        "--restore",
        _none_or(str),
        metavar="DIR",
        help="checkpoint to begin with; strategy, caches, interconnect, models and other VMs may "
        "differ from those of the run that took it",
    )
    read(
        "--warmup",
        parse_time,
        default="100us",
        metavar="TIME",
        help="time before measuring, to fill caches; in gem5 a program can end it earlier, by "
        "m5_work_begin",
    )
    read("--window", parse_time, default="100us", metavar="TIME", help="measured before and after")
    read(
        "--horizon",
        _none_or(parse_time),
        metavar="TIME",
        help="measured from the start of the migration (default: to its end, and --window more)",
    )
    read(
        "--stage2-entry",
        parse_size,
        default="8B",
        metavar="SIZE",
        help="of the VM's page table, per page; 0B: the target uses the table where it lies",
    )
    add(
        "--keep-borrowed",
        action="store_true",
        help="borrowed memory that the VM does not use any more is not given back",
    )
    add(
        "--memory-model",
        default="simple",
        metavar="NAME",
        help="simple, or inside gem5 ddr4: gem5's DRAM controller, a channel of DDR4-2400 a node",
    )
    add(
        "--network-model",
        default="simple",
        metavar="NAME",
        help="simple, or inside gem5 garnet: flits, virtual channels and finite buffers",
    )
    add(
        "--cpu-model",
        default="simple",
        metavar="NAME",
        help="of what runs a program or a full system: simple, one access at a time; or minor, in "
        "order, or o3, out of order, with gem5's pipelines",
    )
    add(
        "--fence",
        action="store_true",
        help="when the VM has moved, the source loses its right to access the VM's memory",
    )
    ends = parser.add_mutually_exclusive_group()
    for name, what_happens in (
        ("--cancel-at", "the migration is cancelled; counted from its start"),
        ("--fail-target-at", "the target fails; counted from the start of the migration"),
    ):
        ends.add_argument(
            name, type=_reader(name, _none_or(parse_time)), metavar="TIME", help=what_happens
        )
    add("--more-vms", metavar="FILE", help="TOML file of other VMs, which stay or move as well")
    add(
        "--energy",
        metavar="FILE",
        help="TOML file of energy constants in place of some of homeshift/energy.toml",
    )
    read("--seed", int, default=1, metavar="N", help="of the workload")
    add("--timeline", action="store_true", help="also write timeline.json, for ui.perfetto.dev")
    read(
        "--timeline-messages",
        _message_window,
        metavar="START,END[,MOST]",
        help="the same, with the first MOST (10,000) single messages of a span of time, counted "
        "from the start of the migration",
    )
    add("--check", action="store_true", help="verify every load and, at the end, the directories")
    add("--outdir", default=_outdir(), metavar="DIR", help="where stats.txt and the rest go")
    return parser


def _unknown(parser: argparse.ArgumentParser, words: Sequence[str]) -> list[str]:
    """Return the faults of words that are no options, nor what follows one of these."""
    return [
        f"{word}: no such option{near(word.partition('=')[0], parser._option_string_actions)}"
        if word.startswith("-")
        else f"{word}: belongs to no option"
        for before, word in pairwise(["", *words])
        if word.startswith("-") or not before.startswith("-")
    ]


def _outdir() -> str:
    if "_m5" not in sys.modules:
        return "m5out"
    from homeshift.engines.gem5_output import default_directory  # exists inside gem5 only

    return default_directory()


class _Parser(argparse.ArgumentParser):
    """Tells what is wrong without all of the options before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}; --help tells all options\n")


def option_names() -> list[str]:
    """Return the names of all options, without dashes: a sweep can vary whatever there is."""
    return [name.removeprefix("--") for name in _parser()._option_string_actions]


def faults_in(arguments: list[str], *, together: bool) -> list[str]:
    """Return what is wrong with options, without running anything: a sweep checks its own first.

    Which models an engine has is not looked at.

    Args:
        arguments: of this script.
        together: also whether the options suit each other, and those that are not given.
    """
    parser = _parser()
    parser.exit_on_error = False
    try:
        options, rest = parser.parse_known_args(arguments)
    except argparse.ArgumentError as error:
        return [f"{error.argument_name}: {error.message}" if together else error.message]
    if rest:
        return ["takes no value, it is true or false"]
    faults = _Faults()
    experiment = _read(options, faults)
    if together and not faults.errors:
        _check_together(options, experiment, faults)
    return [fault for error in faults.errors for fault in error.faults]


class _Experiment(NamedTuple):
    """What the options ask for; None is what they ask for wrongly."""

    machine: Machine | None
    strategy: Strategy | None
    workload: Workload | Booted | None
    constants: Constants | None


def _read(options: argparse.Namespace, faults: _Faults) -> _Experiment:
    """Read each option by itself."""
    # Imported here, as in all that follows, so that --help is quick.
    from homeshift.energy import load_constants
    from homeshift.machine import load_machine
    from homeshift.strategies import strategy_named
    from homeshift.workload import FullSystem, parse_workload, program_workload, trace_workload

    machine = faults.collect(lambda: load_machine(options.machine))
    strategy = faults.collect(lambda: strategy_named(options.strategy))

    def workload_of() -> Workload | Booted:
        if options.trace:
            return trace_workload(options.trace)
        if options.program is not None:
            return program_workload(options.program)
        if options.bios is not None:
            return FullSystem(
                bios=options.bios,
                kernel=options.kernel,
                initrd=options.initrd,
                append=options.append,
                disk=options.disk,
            )
        return parse_workload(options.workload)

    workload = faults.collect(workload_of)
    constants = faults.collect(lambda: load_constants(options.energy))
    faults.errors += [
        value.error for value in vars(options).values() if isinstance(value, _Unreadable)
    ]
    return _Experiment(machine, strategy, workload, constants)


def _check_together(
    options: argparse.Namespace, experiment: _Experiment, faults: _Faults
) -> tuple[VmSpec, list[Guest] | None]:
    """Return the VM and the others, and note what does not fit."""
    from homeshift.experiment.guests import first_vm, others_beside

    machine, strategy, workload, _ = experiment
    booting = (
        *("kernel", "initrd", "append", "disk"),
        *("fast_forward", "take_checkpoint", "restore"),
    )
    unused = [name.replace("_", "-") for name in booting if getattr(options, name) not in (None, 0)]
    if unused and options.bios is None:
        reason = "needs --bios, the firmware of a full system"
        faults.errors.append(InputError("the boot", [f"--{name}: {reason}" for name in unused]))
    if options.take_checkpoint is not None:
        fault = _checkpoint_fault(options)
        faults.errors += [InputError("option --take-checkpoint", [fault])] if fault else []
    vm = first_vm(
        machine=machine,
        strategy=strategy,
        memory_bytes=options.vm_memory,
        vcpus=options.vcpus,
        source=options.source,
        targets=options.target,
        borrow=options.borrow,
        region_bytes=options.region,
        stage2_entry_bytes=options.stage2_entry,
    )
    others = others_beside(
        vm,
        options.more_vms,
        machine=machine,
        workload=workload,
        seed=options.seed,
        collect=lambda _, make: faults.collect(make),
    )
    return vm, others


def _checkpoint_fault(options: argparse.Namespace) -> str:
    if not options.fast_forward:
        return "needs --fast-forward"
    if not options.take_checkpoint:
        return "names no directory"
    run, taken = Path(options.outdir).resolve(), Path(options.take_checkpoint).resolve()
    if run != Path(_outdir()).resolve() and run in (taken, *taken.parents):
        return f"{options.take_checkpoint}: is in --outdir, which has files of the run only"
    return ""


def _run(options: argparse.Namespace, unknown: Sequence[str]) -> None:
    from homeshift.engines import (
        FastForward,
        Models,
        check_models,
        check_workload,
        output_directory,
    )
    from homeshift.experiment.interruption import interruption_at
    from homeshift.experiment.migration import Experiment

    interrupt_on_signals()
    faults = _Faults()
    if unknown:
        faults.errors.append(InputError("the list of options", unknown))
    experiment = _read(options, faults)
    if any(isinstance(value, _Unreadable) for value in vars(options).values()):
        faults.raise_all()
    machine, strategy, workload, constants = experiment
    fast_forward = FastForward(
        ticks=options.fast_forward,
        restore=options.restore,
        take_checkpoint=options.take_checkpoint,
    )
    models = Models(
        memory=options.memory_model, network=options.network_model, cpu=options.cpu_model
    )
    if machine:
        faults.collect(lambda: check_models(models, machine, workload))
    if workload:
        faults.collect(lambda: check_workload(workload))
    vm, others = _check_together(options, experiment, faults)
    faults.raise_all()
    assert machine is not None
    assert strategy is not None
    assert workload is not None
    assert constants is not None
    assert others is not None
    with output_directory(options.outdir) as directory:
        result = Experiment(
            machine=machine,
            vm=vm,
            workload=workload,
            strategy=strategy,
            seed=options.seed,
            fast_forward=fast_forward,
            warmup_ticks=options.warmup,
            window_ticks=options.window,
            horizon_ticks=options.horizon,
            others=others,
            keep_borrowed=options.keep_borrowed,
            interruption=interruption_at(options.cancel_at, options.fail_target_at),
            fence=options.fence,
            check=options.check,
            constants=constants,
            models=models,
            messages=options.timeline_messages,
            report=lambda line: _say(f"migrate.py: {line}"),
        ).run()
        timeline = bool(options.timeline or options.timeline_messages)
        result.write(directory, _arguments(options, vm), timeline=timeline)
    files = "stats.txt, config.json, timeline.json" if timeline else "stats.txt, config.json"
    _say(f"migrate.py: wrote {options.outdir}/{files} and migration.json")
    status = {"cancelled": "was cancelled", "failed": "has failed"}.get(
        result.summary["status"], "is completed"
    )
    _say(f"Exiting @ tick {result.final_tick} because the migration {status}")


def _say(line: str) -> None:
    """Print a line at once; a full disk or a closed pipe ends the run."""
    try:
        print(line, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for Python's last flush
        raise RunError(f"standard output cannot be written: {error.strerror}") from error


class _Faults:
    """Collects what is wrong with the command line, so that all of it is told at once."""

    def __init__(self) -> None:
        self.errors: list[InputError] = []

    def collect(self, make: Callable[[], T]) -> T | None:
        """Return what `make` makes, or note its InputError."""
        try:
            return make()
        except InputError as error:
            self.errors.append(error)
            return None

    def raise_all(self) -> None:
        """Raise one InputError if there was any."""
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            texts = [str(error).replace("\n", "\n  ") for error in self.errors]
            raise InputError("the command line", texts)


def _arguments(options: argparse.Namespace, vm: VmSpec) -> dict[str, object]:
    """Return what config.json says of the command line."""
    plain = {name.replace("_", "-"): value for name, value in vars(options).items()}
    if options.timeline_messages:
        window = options.timeline_messages
        plain["timeline-messages"] = {
            "start_ticks": window.start_ticks,
            "end_ticks": window.end_ticks,
            "most": window.most,
        }
    plain["vm-memory"] = vm.memory_bytes
    plain["target"] = list(options.target)
    plain["borrow"] = {str(node): part for node, part in options.borrow.items()}
    return plain


class _Unreadable(NamedTuple):  # a dataclass would look for this module, which gem5 hides
    """An option's value that could not be read; told together with all other faults."""

    error: InputError


def _message_window(text: str) -> object:
    from homeshift.experiment.message_window import parse_message_window  # not needed for --help

    return parse_message_window(text)


def _reader(name: str, parse: Callable[[str], object]) -> Callable[[str], object]:
    def read(text: str) -> object:
        try:
            return parse(text)
        except ValueError as error:
            reason = "not a whole number" if parse is int else error
            return _Unreadable(InputError(f"option {name}", [f"{text}: {reason}"]))

    return read


def _none_or(parse: Callable[[str], object]) -> Callable[[str], object]:
    """Return a reader that takes "none" for not given, so that a sweep can have it both ways."""
    return lambda text: None if text == "none" else parse(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise ValueError("not a number from 1 on")
    return int(text)


def _nodes(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError("not whole numbers, as in 1 or 1,2,0") from None


def _borrow(text: str) -> dict[int, float]:
    borrow: dict[int, float] = {}
    if not text:
        return borrow
    from homeshift.machine.model import MOST_NODES  # not needed for --help

    for part in filter(None, text.split(",")):
        nodes, _, fraction = part.partition(":")
        first, dash, last = nodes.partition("-")
        try:
            numbers = range(int(first), int(last if dash else first) + 1)
            share = float(fraction) / len(numbers)
        except (ValueError, ZeroDivisionError):
            raise ValueError(
                f"'{part}' is not NODE:FRACTION, as in 2:0.25, nor NODE-NODE:FRACTION"
            ) from None
        if len(numbers) > MOST_NODES:
            raise ValueError(f"'{nodes}' are more nodes than a machine has; {MOST_NODES} at most")
        for number in numbers:
            if number in borrow:
                raise ValueError(f"node {number} is named twice")
            borrow[number] = share
    return borrow


if __name__ in ("__main__", "__m5_main__"):
    sys.exit(main())
