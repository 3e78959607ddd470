#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Capture the data accesses of a real program into a trace that both engines replay.

    python scripts/capture_trace.py --output sort.npy --skip 200000 --records 65536 -- sort keys.txt

The program runs under valgrind's lackey, and is stopped as soon as the trace is full. Format of the
file: homeshift.workload.trace.

What this gets wrong: lackey sees the program, not the kernel on its behalf, and one thread at a
time; an access across lines becomes one record a line; a program that forks is followed in both
processes, mixed. Pages are numbered from the first recorded access, as if the program had started
there.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from homeshift.errors import InputError, RunError
from homeshift.front_end import HelpFormatter, call, tells_errors
from homeshift.output_file import output_file, write_faults
from homeshift.units import LINE_BYTES, format_bytes, parse_size
from homeshift.workload import TRACE_DTYPE, Trace, check_traces
from homeshift.workload.trace import MOST_GAP, Record, number_pages, split_at_lines

WAYS = 8
STOP_SECONDS = 10


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options; exit with status 2 if they make no sense."""
    parser = argparse.ArgumentParser(
        prog="capture_trace.py",
        description="Capture the data accesses of a program into a .npy trace (needs valgrind).",
        epilog="The program's own standard output is discarded.",
        formatter_class=HelpFormatter,
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="FILE",
        help="trace to write; an older one is replaced, anything else is not",
    )
    parser.add_argument(
        "--skip",
        type=_count,
        default=0,
        metavar="N",
        help="data accesses to leave out first, such as the dynamic loader's",
    )
    parser.add_argument(
        "--records",
        type=_positive,
        default=100_000,
        metavar="N",
        help="records to capture at most, of 12 bytes each",
    )
    parser.add_argument(
        "--filter",
        type=_cache_size,
        default="0B",
        metavar="SIZE",
        help="record what leaves a first-level cache of this size (8 ways), as in 32KiB: a short "
        "trace then covers a long time and a large working set; 0B records every access",
    )
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="the program, behind --")
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        parser.error(
            f"unrecognized arguments: {' '.join(unknown)}; the program and its options stand "
            "behind --, as in -- ls -R"
        )
    return options


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number")
    return int(text)


def _cache_size(text: str) -> int:
    try:
        size = parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if size % (LINE_BYTES * WAYS):
        raise argparse.ArgumentTypeError(
            f"not a multiple of {LINE_BYTES * WAYS} B, 8 ways of lines"
        )
    return size


def _positive(text: str) -> int:
    value = _count(text)
    if value == 0:
        raise argparse.ArgumentTypeError("a trace has at least one record")
    return value


def parse_lackey(lines: Iterable[bytes], *, skip: int) -> Iterator[Record]:
    """Yield the accesses in lackey's --trace-mem output, from the one after `skip` others.

    A line is "I  addr,size" for an instruction, " L", " S" or " M" for a load, a store or both.
    """
    gap = 0
    for line in lines:
        kind = line[:3]
        if kind == b"I  ":
            gap += 1
            continue
        if kind not in (b" L ", b" S ", b" M "):
            continue  # valgrind's own remarks: "==pid== ..."
        if skip > 0:
            skip -= 1
            gap = 0
            continue
        address_text, _, size_text = line[3:].partition(b",")
        address, size = int(address_text, 16), int(size_text)
        for write in (0, 1) if kind == b" M " else (int(kind == b" S "),):
            yield address, gap, size, write
            gap = 0


def filter_cache(records: Iterable[Record], *, size: int) -> Iterator[Record]:
    """Leave out the records that hit a write-back cache; their instructions go into the next gap.

    A record is kept if its line is not in the cache, and if it is the first write to a line since
    that came in: so what is behind the cache sees every line that is read, and that is written.
    """
    sets: list[dict[int, bool]] = [{} for _ in range(size // LINE_BYTES // WAYS)]
    gap = 0
    for address, instructions, length, write in records:
        gap += instructions
        line = address // LINE_BYTES
        ways = sets[line % len(sets)]
        written = ways.pop(line, None)
        if written is None and len(ways) == WAYS:
            del ways[next(iter(ways))]  # the least recently used: a dict keeps its order
        ways[line] = bool(written or write)
        if written is None or (write and not written):
            yield address, min(gap, MOST_GAP), length, write
            gap = 0


@contextlib.contextmanager
def lackey(command: list[str]) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """Run `command` under lackey; give its process and its output, and stop it in the end."""
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb", buffering=1 << 20) as log:
        try:
            process = subprocess.Popen(
                [
                    "valgrind",
                    "--tool=lackey",
                    "--trace-mem=yes",
                    "--basic-counts=no",
                    f"--log-fd={write_end}",
                    "--",
                    *command,
                ],
                stdout=subprocess.DEVNULL,
                pass_fds=[write_end],
                start_new_session=True,  # so that the program's children can be stopped as well
            )
        finally:
            os.close(write_end)
        try:
            yield process, log
        finally:
            log.close()  # or valgrind would wait for a reader, deaf to signals
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and its group, first politely."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=STOP_SECONDS)


def capture(command: list[str], *, skip: int, most: int, cache: int = 0) -> list[Record]:
    """Return up to `most` records of the command's run, behind a cache of so many bytes if any."""
    records: list[Record] = []
    with lackey(command) as (process, log):
        accesses = split_at_lines(parse_lackey(log, skip=skip))
        if cache:
            accesses = filter_cache(accesses, size=cache)
        for record in number_pages(accesses):
            records.append(record)
            if len(records) == most:
                return records
        status = process.wait()
    shown = " ".join(command)
    if status:
        how = f"was ended by signal {-status}" if status < 0 else f"exited with status {status}"
        raise RunError(f"'{shown}' {how} after {len(records)} records; nothing written")
    if not records:
        raise RunError(f"'{shown}' ended within the {skip} skipped accesses; nothing written")
    return records


def write_trace(path: Path, records: list[Record]) -> Trace:
    """Write the trace under a temporary name, check it, and only then give it its own."""
    import numpy as np  # here, so that --help does not wait for it

    with output_file(path) as temporary:
        with temporary.open("wb") as file:
            np.save(file, np.array(records, dtype=np.dtype(TRACE_DTYPE)))
        [trace] = check_traces([temporary])
    return trace


def check_request(options: argparse.Namespace) -> None:
    """Raise what keeps the capture from starting."""
    faults = []
    if shutil.which(options.command[0]) is None:
        faults.append(f"{options.command[0]}: no such program, or not executable")
    wrong = write_faults(options.output, (".npy",))
    if not wrong and not os.access(options.output.absolute().parent, os.W_OK):
        wrong.append("nothing can be written into its directory")
    if not wrong and options.output.exists() and not _is_trace(options.output):
        wrong.append("is there and is no trace; name another file")
    faults += [f"--output {options.output}: {fault}" for fault in wrong]
    if faults:
        raise InputError("the capture", faults)
    if shutil.which("valgrind") is None:
        raise RunError("valgrind is not installed (on Debian: apt-get install valgrind)")


def _is_trace(path: Path) -> bool:
    try:
        check_traces([path])
    except InputError:
        return False
    return True


@tells_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = parse_arguments(arguments)
    check_request(options)
    replaces = options.output.exists()
    records = capture(
        options.command, skip=options.skip, most=options.records, cache=options.filter
    )
    trace = write_trace(options.output, records)
    replaced = " (replaced)" if replaces else ""
    print(
        f"{options.output}{replaced}: {trace.records} records, {trace.pages} pages "
        f"({format_bytes(trace.footprint_bytes)}), {trace.writes / trace.records:.1%} writes"
    )
    return 0


if __name__ == "__main__":
    sys.exit(call(main))
