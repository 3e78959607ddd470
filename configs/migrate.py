#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Migrate a virtual machine between the nodes of a shared-memory machine, and measure it.

Example:
    python configs/migrate.py --machine quad --strategy ownership --outdir m5out/ownership
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

try:
    import homeshift
except ModuleNotFoundError:  # not installed, as inside gem5: the sources are beside this folder
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
    import homeshift

from homeshift.errors import HomeshiftError, InputError
from homeshift.units import parse_size, parse_time


def main(arguments: list[str] | None = None) -> int:
    """Run the script; return its exit status: 2 for bad input, 1 for a failed run."""
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except HomeshiftError as error:
        print(f"migrate.py: error: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("migrate.py: interrupted; nothing was written", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="migrate.py",
        description=(__doc__ or "").split("\n\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--machine", default="quad", metavar="NAME|FILE", help="machine, or a TOML file of one")
    add("--strategy", default="ownership", metavar="NAME", help="how the VM moves")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--workload",
        default="zipf",
        metavar="NAME[:KEY=VALUE,...]",
        help="what the vCPUs do: uniform, zipf, stream, pointer-chase, phased, producer-consumer",
    )
    what.add_argument(
        "--trace", nargs="+", default=None, metavar="FILE", help="traces to replay, one a vCPU in turn"
    )
    add("--vm-memory", type=_size, default="64MiB", metavar="SIZE", help="memory of the VM")
    add("--vcpus", type=int, default=None, metavar="N", help="vCPUs; a node's cores if not given")
    add("--source", type=int, default=0, metavar="N", help="node that the VM runs on")
    add("--target", type=int, default=1, metavar="N", help="node that it moves to")
    add(
        "--borrow",
        type=_borrow,
        default="",
        metavar="NODE:FRACTION,...",
        help="parts of the VM's memory that lie on other nodes, as in 2:0.25,3:0.25",
    )
    add("--region", type=_size, default="4KiB", metavar="SIZE", help="unit in which homes move")
    add("--warmup", type=_time, default="100us", metavar="TIME", help="time before measuring")
    add("--window", type=_time, default="100us", metavar="TIME", help="time measured before and after")
    add("--seed", type=int, default=1, metavar="N", help="of the workload")
    add("--check", action="store_true", help="verify every load and, at the end, the directories")
    add("--outdir", default="m5out", metavar="DIR", help="where stats.txt and the rest go")
    return parser


def _run(options: argparse.Namespace) -> None:
    # Imported here so that --help is quick.
    from homeshift.machine import load_machine  # noqa: PLC0415
    from homeshift.migration import migrate  # noqa: PLC0415
    from homeshift.output import OutputDirectory, write_stats  # noqa: PLC0415
    from homeshift.strategies import strategy_named  # noqa: PLC0415
    from homeshift.vm import VmSpec  # noqa: PLC0415
    from homeshift.workload import parse_workload, trace_workload  # noqa: PLC0415

    faults: list[HomeshiftError] = []

    def collect(make, *given):  # type: ignore[no-untyped-def]
        try:
            return make(*given)
        except InputError as error:
            faults.append(error)

    machine = collect(load_machine, options.machine)
    strategy = collect(strategy_named, options.strategy)
    if options.trace:
        workload = collect(trace_workload, options.trace)
    else:
        workload = collect(parse_workload, options.workload)
    if faults:
        raise _together(faults)
    vm = VmSpec(
        memory_bytes=options.vm_memory,
        vcpus=machine.cores.per_node if options.vcpus is None else options.vcpus,
        source=options.source,
        target=options.target,
        borrow=options.borrow,
        region_bytes=options.region,
    )
    with OutputDirectory(options.outdir) as directory:
        result = migrate(
            machine=machine,
            vm=vm,
            workload=workload,
            strategy=strategy,
            seed=options.seed,
            warmup_ticks=options.warmup,
            window_ticks=options.window,
            check=options.check,
            report=lambda line: print(f"migrate.py: {line}", flush=True),
        )
        write_stats(directory / "stats.txt", result.statistics)
        config = {
            "format": 1,
            "homeshift": homeshift.__version__,
            "arguments": _plain(options),
            "machine": machine.to_dict(),
            "workload": workload.to_dict(),
            "vm": vm.to_dict(),
        }
        _write_json(directory / "config.json", config)
        _write_json(directory / "migration.json", result.summary)
    print(f"migrate.py: wrote {options.outdir}/stats.txt, config.json and migration.json")
    print(f"Exiting @ tick {result.final_tick} because the migration is {result.summary['status']}")


def _together(faults: list[HomeshiftError]) -> InputError:
    """Return one error that holds all faults of the command line."""
    if len(faults) == 1 and isinstance(faults[0], InputError):
        return faults[0]
    return InputError("the command line", [str(fault).replace("\n", "\n  ") for fault in faults])


def _plain(options: argparse.Namespace) -> dict[str, object]:
    plain = {name.replace("_", "-"): value for name, value in vars(options).items()}
    plain["borrow"] = {str(node): part for node, part in options.borrow.items()}
    return plain


def _write_json(path: Path, data: dict[str, object]) -> None:
    path.write_text(json.dumps(data, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _size(text: str) -> int:
    return _argument(parse_size, text)


def _time(text: str) -> int:
    return _argument(parse_time, text)


def _argument(parse, text: str) -> int:  # type: ignore[no-untyped-def]
    try:
        return int(parse(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from error


def _borrow(text: str) -> dict[int, float]:
    borrow: dict[int, float] = {}
    for part in filter(None, text.split(",")):
        node, _, fraction = part.partition(":")
        try:
            number, share = int(node), float(fraction)
        except ValueError as error:
            raise argparse.ArgumentTypeError(
                f"{part}: not NODE:FRACTION, as in 2:0.25"
            ) from error
        if number in borrow:
            raise argparse.ArgumentTypeError(f"{part}: node {number} is named twice")
        borrow[number] = share
    return borrow


if __name__ in ("__main__", "__m5_main__"):
    sys.exit(main())
