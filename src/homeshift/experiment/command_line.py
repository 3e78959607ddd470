# SPDX-License-Identifier: BSD-3-Clause
"""What the options of configs/migrate.py ask for all together, and what is wrong with them.

    experiment = experiment_of(options, [], print)      # or an InputError that tells all faults
    experiment.run().write(directory, recorded(options, experiment))

`homeshift.migrate` shares what comes after its own reading: `vms_of`, `assembled`, `recorded`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from homeshift.errors import InputError
from homeshift.experiment.options import Unreadable, default_outdir, make_parser

if TYPE_CHECKING:  # imported in functions, so that --help is quick
    from homeshift.energy import Constants
    from homeshift.engines import Models
    from homeshift.experiment.planned_vms import PlannedVm
    from homeshift.experiment.run import Experiment
    from homeshift.experiment.vm import VmSpec
    from homeshift.machine import Machine
    from homeshift.strategies import Strategy
    from homeshift.workload import Booted, Workload

T = TypeVar("T")


class Asked(NamedTuple):
    """What is asked for; None is what is asked for wrongly."""

    machine: Machine | None
    strategy: Strategy | None
    workload: Workload | Booted | None
    constants: Constants | None


def experiment_of(
    options: argparse.Namespace, unknown: Sequence[str], report: Callable[[str], None]
) -> Experiment:
    """Return the experiment that a command line asks for.

    Args:
        options: as the parser returns them.
        unknown: faults of words that are no options.
        report: is told, in a line, what begins.

    Raises:
        InputError: with everything that is wrong.
    """
    from homeshift.engines import check_models, check_workload

    faults = _Faults()
    if unknown:
        faults.errors.append(InputError("the list of options", unknown))
    asked = _read(options, faults)
    if _unreadable(options):
        faults.raise_all()
    machine, _, workload, _ = asked
    if machine:
        faults.collect(lambda: check_models(_models(options), machine, workload))
    if workload:
        faults.collect(lambda: check_workload(workload))
    vm, others = _check_together(options, asked, faults)
    faults.raise_all()
    return assembled(options, asked, vm, others, report)


def faults_in(arguments: list[str], *, together: bool) -> list[str]:
    """Return what is wrong with options, without running anything: a sweep checks its own first.

    Which models an engine has is not looked at.

    Args:
        arguments: of configs/migrate.py.
        together: also whether the options suit each other, and those that are not given.
    """
    parser = make_parser()
    parser.exit_on_error = False
    try:
        options, rest = parser.parse_known_args(arguments)
    except argparse.ArgumentError as error:
        return [f"{error.argument_name}: {error.message}" if together else error.message]
    if rest:
        return ["takes no value, it is true or false"]
    faults = _Faults()
    asked = _read(options, faults)
    if together and not faults.errors:
        _check_together(options, asked, faults)
    return [
        f"{error.subject}: {fault}" if together else fault
        for error in faults.errors
        for fault in error.faults
    ]


def vms_of(
    options: argparse.Namespace,
    asked: Asked,
    collect: Callable[[str, Callable[[], Any]], Any],
) -> tuple[VmSpec, list[PlannedVm] | None]:
    """Return the VM that the summary is about, and the others; look whether all fits together.

    Args:
        options: that can be read.
        asked: what has faults, which are told already, is None.
        collect: calls a function, and notes what it finds wrong with "more_vms", "vm" or
            "workload"; it returns None then.
    """
    from homeshift.experiment.planned_vms import load_vms
    from homeshift.experiment.vm import VmSpec, check_together, default_memory_bytes

    machine, strategy, workload, _ = asked
    memory_bytes, vcpus = options.vm_memory, options.vcpus
    if memory_bytes is None:
        memory_bytes = default_memory_bytes(machine)
    if vcpus is None:
        vcpus = machine.cores.per_node if machine else 1
    sizes = {"region_bytes": options.region, "stage2_entry_bytes": options.stage2_entry}
    vm = VmSpec(
        memory_bytes=memory_bytes,
        vcpus=vcpus,
        source=options.source,
        targets=() if strategy and strategy.stays else options.target,
        borrow=options.borrow,
        **sizes,
    )
    others: list[PlannedVm] | None = []
    if options.more_vms:
        others = collect("more_vms", lambda: load_vms(options.more_vms, **sizes, machine=machine))
    if machine:
        specs = [vm, *(other.spec for other in others or ())]  # None: their faults are told
        collect("vm", lambda: check_together(specs, machine))
    if workload and memory_bytes > 0 and vcpus > 0:
        seed = options.seed
        collect("workload", lambda: workload.streams(vcpus=vcpus, vm_bytes=memory_bytes, seed=seed))
    return vm, others


def assembled(
    options: argparse.Namespace,
    asked: Asked,
    vm: VmSpec,
    others: list[PlannedVm] | None,
    report: Callable[[str], None],
) -> Experiment:
    """Return the experiment of options and of what they ask for, when nothing is wrong."""
    from homeshift.engines import FastForward
    from homeshift.experiment.interruption import interruption_at
    from homeshift.experiment.run import Experiment

    assert asked.machine is not None
    assert asked.strategy is not None
    assert asked.workload is not None
    assert asked.constants is not None
    assert others is not None
    return Experiment(
        machine=asked.machine,
        vm=vm,
        workload=asked.workload,
        strategy=asked.strategy,
        seed=options.seed,
        fast_forward=FastForward(
            ticks=options.fast_forward,
            restore=options.restore,
            take_checkpoint=options.take_checkpoint,
        ),
        warmup_ticks=options.warmup,
        window_ticks=options.window,
        horizon_ticks=options.horizon,
        others=others,
        keep_borrowed=options.keep_borrowed,
        interruption=interruption_at(options.cancel_at, options.fail_target_at),
        fence=options.fence,
        check=options.check,
        constants=asked.constants,
        models=_models(options),
        messages=options.timeline_messages,
        report=report,
    )


def recorded(options: argparse.Namespace, experiment: Experiment) -> dict[str, object]:
    """Return what config.json says of the command line."""
    from dataclasses import asdict

    from homeshift.workload import Workload

    plain = {name.replace("_", "-"): value for name, value in vars(options).items()}
    if options.timeline_messages:
        plain["timeline-messages"] = asdict(options.timeline_messages)
    if not options.trace and isinstance(experiment.workload, Workload):
        plain["workload"] = experiment.workload.text
    plain["vm-memory"] = experiment.vm.memory_bytes
    plain["target"] = list(options.target)
    plain["borrow"] = {str(node): part for node, part in options.borrow.items()}
    return plain


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


def _read(options: argparse.Namespace, faults: _Faults) -> Asked:
    """Read each option by itself."""
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
    faults.errors += _unreadable(options)
    return Asked(machine, strategy, workload, constants)


def _unreadable(options: argparse.Namespace) -> list[InputError]:
    return [value.error for value in vars(options).values() if isinstance(value, Unreadable)]


def _models(options: argparse.Namespace) -> Models:
    from homeshift.engines import Models

    return Models(memory=options.memory_model, network=options.network_model, cpu=options.cpu_model)


def _check_together(
    options: argparse.Namespace, asked: Asked, faults: _Faults
) -> tuple[VmSpec, list[PlannedVm] | None]:
    """Return the VM and the others, and note what does not fit."""
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
    return vms_of(options, asked, lambda _, make: faults.collect(make))


def _checkpoint_fault(options: argparse.Namespace) -> str:
    if not options.fast_forward:
        return "needs --fast-forward"
    if not options.take_checkpoint:
        return "names no directory"
    run, taken = Path(options.outdir).resolve(), Path(options.take_checkpoint).resolve()
    if run != Path(default_outdir()).resolve() and run in (taken, *taken.parents):
        return f"{options.take_checkpoint}: is in --outdir, which has files of the run only"
    return ""
