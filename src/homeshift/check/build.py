# SPDX-License-Identifier: BSD-3-Clause
"""Compile the checker of one protocol, for one number of nodes and lines, into a cache.

The C++ compiler runs when a check is asked for, not when the package is built: so an edited
protocol is checked without a build of the package, and the sizes of all arrays are constants. It
takes about ten seconds; the program is kept by a hash of all that went into it.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from homeshift.check.emit import write
from homeshift.check.fit import check_fit
from homeshift.check.scenario import Scenario, load_scenario
from homeshift.errors import InputError, RunError
from homeshift.slicc import load
from homeshift.slicc.emit import write_cpp
from homeshift.slicc.model import Protocol
from homeshift.slicc.mutants import Mutant

ENGINE = ("engine/controller.cc", "engine/link.cc", "engine/network.cc")
"""What controllers need of the timed engine."""
FLAGS = ("-std=c++20", "-O2", "-march=native", "-fno-access-control", "-w")


class CheckerError(RunError):
    """The checker could not do its work: nothing is known of the protocol."""

    exit_status = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What is to be checked: a protocol and a scenario that fit together, on a machine."""

    protocol: Protocol
    scenario: Scenario
    protocol_file: Path
    scenario_file: Path
    nodes: int
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """A compiled checker, or the engine that takes its steps, and what it was made from."""

    model: Model
    program: Path


def source_directory() -> Path:
    """Return the folder of protocol/, checker/ and engine/: src/ in a checkout, or its copy."""
    here = Path(__file__).resolve()
    for folder in here.parents:
        if (folder / "src" / "checker" / "main.cc").is_file():
            return folder / "src"
    return here.parents[1] / "data" / "src"


def default_protocol() -> Path:
    """Return the protocol that comes with Homeshift."""
    return source_directory() / "protocol" / "MESI_HomeShift.slicc"


def scenario_of(protocol_file: Path) -> Path:
    """Return the scenario that comes with Homeshift for a protocol of that name."""
    if not protocol_file.is_file():
        fault = "is a folder" if protocol_file.is_dir() else "there is no such file"
        raise InputError(f"protocol '{protocol_file}'", [fault])
    path = Path(__file__).with_name("scenarios") / f"{protocol_file.stem}.toml"
    if not path.is_file():
        raise InputError(
            f"protocol '{protocol_file.name}'",
            [f"there is no scenario for '{protocol_file.stem}': name one with --scenario"],
        )
    return path


def load_model(
    protocol_file: Path, scenario_file: Path | None = None, *, nodes: int, lines: int
) -> Model:
    """Read a protocol and a scenario, by default that of the protocol's name.

    Raises:
        SliccError, InputError: the protocol or the scenario has faults.
    """
    scenario_file = scenario_file or scenario_of(protocol_file)
    protocol = load(protocol_file)
    scenario = load_scenario(scenario_file)
    check_fit(scenario, protocol, f"scenario '{scenario_file.name}'")
    return Model(
        protocol=protocol,
        scenario=scenario,
        protocol_file=protocol_file,
        scenario_file=scenario_file,
        nodes=nodes,
        lines=lines,
    )


def compiled(model: Model, mutants: Sequence[Mutant] = (), *, runtime: str = "checker") -> Checker:
    """Return a model's checker, compiled if it was not before.

    Args:
        model: what is to be checked.
        mutants: all that the program can be told to be.
        runtime: "replay" for the timed engine as it takes the steps of a checker.

    Raises:
        CheckerError: there is no C++ compiler, or it does not take a condition of the scenario.
    """

    def emit(folder: Path) -> None:
        write_cpp(model.protocol, folder, runtime=runtime, mutants=mutants)
        scenario = write(model.scenario, model.protocol, model.nodes, model.lines)
        (folder / "scenario.hh").write_text(scenario, "utf-8")

    program = compile_cpp(
        emit,
        [f"{runtime}/main.cc", *(ENGINE if runtime == "replay" else ())],
        sources_read=["checker", "engine", "common", *(["replay"] if runtime == "replay" else ())],
        generated=[],
        flags=[
            f"-DHOMESHIFT_NODES={model.nodes}",
            f"-DHOMESHIFT_LINES={model.lines}",
            *(["-D_GLIBCXX_ASSERTIONS"] if runtime == "replay" else ()),  # so that it stops there
        ],
    )
    return Checker(model=model, program=program)


def compile_cpp(
    emit: Callable[[Path], None],
    sources: Sequence[str],
    *,
    sources_read: Sequence[str],
    generated: Sequence[str],
    flags: Sequence[str],
) -> Path:
    """Return a program, compiled if it is not in the cache.

    Args:
        emit: writes the generated files into a folder.
        sources: to compile, in the source folder.
        sources_read: folders in the source folder that the program is made from.
        generated: to compile, of what `emit` writes.
        flags: of the compiler, besides those that all programs have.
    """
    compiler = shlex.split(os.environ.get("CXX", "c++"))
    if shutil.which(compiler[0]) is None:
        raise CheckerError(
            f"no C++ compiler '{compiler[0]}': the checker compiles the protocol; "
            "install g++ or set CXX"
        )
    with tempfile.TemporaryDirectory(prefix="homeshift-check-") as name:
        folder = Path(name)
        emit(folder)
        command = [*compiler, *FLAGS, *flags]
        read = [source_directory() / name for name in sources_read]
        program = _cache() / _hash(command, [folder, *read])
        if not program.is_file():
            program.parent.mkdir(parents=True, exist_ok=True)
            files = [str(source_directory() / source) for source in sources]
            files += [str(folder / file) for file in generated]
            made = folder / "program"
            where = ["-I", str(folder), "-I", str(source_directory())]
            run = subprocess.run(
                [*command, *where, *files, "-o", str(made)],
                capture_output=True,
                text=True,
                check=False,
            )
            if run.returncode != 0:
                raise CheckerError(
                    f"the C++ compiler does not take it:\n{run.stderr.strip()[:4000]}"
                )
            temporary = program.with_suffix(f".{os.getpid()}")
            shutil.copy2(made, temporary)
            temporary.replace(program)
    return program


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "homeshift" / "checkers"


def _hash(command: Sequence[str], read: Sequence[Path]) -> str:
    digest = hashlib.sha256("\0".join(command).encode())
    # The compiler's version, and what -march=native stands for here: the cache may be of a home
    # directory that machines share.
    macros = [*command, "-dM", "-E", "-x", "c++", os.devnull]
    digest.update(subprocess.run(macros, capture_output=True, check=False).stdout)
    for folder in read:
        for file in sorted(folder.iterdir()):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:32]
