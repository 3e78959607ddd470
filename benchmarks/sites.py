# SPDX-License-Identifier: BSD-3-Clause
"""Builds of Homeshift to be measured side by side, and processes that run them.

A site is a folder that Python imports a build from. That of another commit is built once, in a
temporary worktree, and kept in build/against/<commit>.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import homeshift
from homeshift.errors import InputError, RunError

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A build, and the configs that belong to it.

    Args:
        name: for people.
        packages: folder that holds `homeshift`.
        configs: folder that holds migrate.py.
    """

    name: str
    packages: Path
    configs: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a process has taken."""

    cpu_seconds: float
    peak_bytes: int


def this_site() -> Site:
    """Return the build that runs this."""
    packages = Path(str(homeshift.__file__)).resolve().parent.parent
    return Site(name="this", packages=packages, configs=ROOT / "configs")


def site_of(text: str) -> Site:
    """Return the build in a folder, or that of a commit.

    Raises:
        InputError: neither a folder with homeshift in it, nor a commit.
        RunError: the commit cannot be built.
    """
    if (Path(text) / "homeshift").is_dir():
        return Site(name=text, packages=Path(text).resolve(), configs=ROOT / "configs")
    git = ["git", "-C", str(ROOT)]
    found = _quietly([*git, "rev-parse", "--verify", "--quiet", f"{text}^{{commit}}"])
    if found.returncode != 0:
        raise InputError("--against", [f"{text}: neither a commit nor a folder with homeshift"])
    commit = found.stdout.strip()
    kept = ROOT / "build" / "against" / commit[:12]
    if not kept.is_dir():
        print(f"building {text} ({commit[:12]})", file=sys.stderr)
        with tempfile.TemporaryDirectory() as folder:
            tree, site = Path(folder) / "tree", Path(folder) / "site"
            _must([*git, "worktree", "add", "--detach", str(tree), commit])
            try:
                pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
                _must([*pip, "--no-build-isolation", "--target", str(site), str(tree)])
                shutil.copytree(tree / "configs", site / "configs")
            finally:
                _must([*git, "worktree", "remove", "--force", str(tree)])
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(site, kept)
    return Site(name=text, packages=kept, configs=kept / "configs")


def run(site: Site, script: Path, *options: str) -> Spent:
    """Run a script on a build.

    Raises:
        RunError: it fails.
    """
    return run_command([sys.executable, str(script), *options], packages=site.packages)


def run_command(command: Sequence[str], *, packages: Path | None = None) -> Spent:
    """Run a program, with Python's packages from a folder; see `run`."""
    env = dict(os.environ) if packages is None else {**os.environ, "PYTHONPATH": str(packages)}
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=env)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            output.seek(0)
            said = output.read().decode(errors="replace").strip().splitlines()[-3:]
            raise RunError("\n  ".join([f"this failed: {' '.join(command)}", *said]))
    # ru_maxrss is in KiB on Linux.
    return Spent(cpu_seconds=used.ru_utime + used.ru_stime, peak_bytes=used.ru_maxrss << 10)


def _quietly(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _must(command: Sequence[str]) -> None:
    result = _quietly(command)
    if result.returncode != 0:
        said = result.stderr.strip().splitlines()[-5:]
        raise RunError("\n  ".join([f"this failed: {' '.join(command)}", *said]))
