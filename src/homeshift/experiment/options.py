# SPDX-License-Identifier: BSD-3-Clause
"""The options of configs/migrate.py, each by itself: its name, what it may be, and its help.

    parser = make_parser()
    options, unknown = parser.parse_known_args(["--machine", "tiny", "--warmup", "5us"])
    options.warmup      # 5_000_000 ticks

A value that cannot be read does not end this: it is `Unreadable`, and `command_line` tells it
together with all other faults. `--help` loads nothing that it does not print.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, NoReturn

from homeshift.errors import InputError, near
from homeshift.front_end import HelpFormatter
from homeshift.units import parse_size, parse_time


def make_parser(description: str = "") -> argparse.ArgumentParser:
    """Return the parser of all options; `--help` begins with the description."""
    parser = _Parser(
        prog="migrate.py",
        description=description,
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
        help="a program for RISC-V, Arm or x86, with its arguments in one word; in gem5 only",
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
    add("--outdir", default=default_outdir(), metavar="DIR", help="where stats.txt and the rest go")
    return parser


def option_names() -> list[str]:
    """Return the names of all options, without dashes: a sweep can vary whatever there is."""
    return [name.removeprefix("--") for name in make_parser()._option_string_actions]


def unknown_options(parser: argparse.ArgumentParser, words: Sequence[str]) -> list[str]:
    """Return the faults of words that are no options, nor what follows one of these."""
    return [
        f"{word}: {_no_option(word.partition('=')[0], parser)}"
        if word.startswith("-")
        else f"{word}: belongs to no option"
        for before, word in pairwise(["", *words])
        if word.startswith("-") or not before.startswith("-")
    ]


def _no_option(name: str, parser: argparse.ArgumentParser) -> str:
    if "_m5" in sys.modules:
        from homeshift.engines.gem5_output import is_option_of_gem5  # exists inside gem5 only

        if is_option_of_gem5(name):
            return "is an option of gem5's; give it before the script"
    return f"no such option{near(name, parser._option_string_actions)}"


def default_outdir() -> str:
    """Return where a run goes that is not told where."""
    if "_m5" not in sys.modules:
        return "m5out"
    from homeshift.engines.gem5_output import default_directory  # exists inside gem5 only

    return default_directory()


class Unreadable(NamedTuple):  # a dataclass would cost --help an import
    """An option's value that could not be read; told together with all other faults."""

    error: InputError


class _Parser(argparse.ArgumentParser):
    """Tells what is wrong without all of the options before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}; --help tells all options\n")


def _message_window(text: str) -> object:
    from homeshift.experiment.message_window import parse_message_window  # not needed for --help

    return parse_message_window(text)


def _reader(name: str, parse: Callable[[str], object]) -> Callable[[str], object]:
    def read(text: str) -> object:
        try:
            return parse(text)
        except ValueError as error:
            reason = "not a whole number" if parse is int else error
            return Unreadable(InputError(f"option {name}", [f"{text}: {reason}"]))

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
