# SPDX-License-Identifier: BSD-3-Clause
"""A program is taken from the cache only if it is what a compiler would make now, and here."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from homeshift.check import build
from homeshift.check.build import (
    compiled,
    default_protocol,
    load_model,
    source_directory,
)

PROTOCOL = default_protocol()


@pytest.mark.parametrize("runtime", ["checker", "replay"])
def test_all_files_that_a_program_is_made_from_are_in_its_key(
    runtime: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the compiler reports them."""
    read: list[Path] = []

    def hash_of(command: Sequence[str], folders: Sequence[Path]) -> str:
        generated = folders[0]
        files = [source_directory() / runtime / "main.cc"]
        if runtime == "replay":
            files += sorted((source_directory() / "engine").glob("network.cc"))
        where = ["-I", str(generated), "-I", str(source_directory())]
        made = subprocess.run(
            [*command, *where, "-MM", *map(str, files)], capture_output=True, text=True, check=True
        )
        names = made.stdout.replace("\\\n", " ").split()
        read.extend(Path(name).resolve() for name in names if not name.endswith(":"))
        for file in read:
            assert file.parent in [folder.resolve() for folder in folders], file
        (tmp_path / "program").touch()
        return "program"

    monkeypatch.setattr(build, "_hash", hash_of)
    monkeypatch.setattr(build, "_cache", lambda: tmp_path)
    model = load_model(PROTOCOL, nodes=2, lines=1)
    compiled(model, runtime=runtime)
    assert source_directory().resolve() / "engine" / "request_messages.hh" in read


def test_a_program_for_another_cpu_is_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = tmp_path / "c++"
    compiler.write_text('#!/bin/sh\ncase "$*" in *-dM*) echo "#define $CPU 1";; esac\n', "utf-8")
    compiler.chmod(0o755)
    keys = []
    for cpu in ("__AVX2__", "__AVX512F__", "__AVX2__"):
        monkeypatch.setenv("CPU", cpu)
        keys.append(build._hash([str(compiler), "-march=native"], []))
    assert keys[0] == keys[2]
    assert keys[0] != keys[1]
