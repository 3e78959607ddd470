# SPDX-License-Identifier: BSD-3-Clause
"""What runs in gem5's Python needs the standard library only, and layers know only those below."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from calls import ROOT

EXPERIMENT = ROOT / "src/homeshift/experiment"
BARE = (
    "homeshift",
    "homeshift.errors",
    "homeshift.toml_file",
    "homeshift.units",
    "homeshift.energy",
    "homeshift.run_format",
    "homeshift.output",
    "homeshift.machine",
    "homeshift.workload",
    "homeshift.strategies",
    "homeshift.engines",
    "homeshift.engines.base",
    "homeshift.engines.messages",
    *(f"homeshift.experiment.{path.stem}" for path in sorted(EXPERIMENT.glob("[!_]*.py"))),
)


def bare_python(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in an isolated Python that knows no site-packages, only src."""
    setup = f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r}); "
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", setup + code],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("module", BARE)
def test_a_module_for_gem5_imports_with_the_standard_library_alone(module: str) -> None:
    result = bare_python(f"import {module}")
    assert result.returncode == 0, result.stderr


def test_the_bare_python_has_nothing_but_the_standard_library() -> None:
    for module in ("numpy", "pandas", "homeshift.analysis.stats", "homeshift.slicc"):
        result = bare_python(f"import {module}")
        assert result.returncode == 1
        assert "ModuleNotFoundError" in result.stderr


def test_what_is_imported_for_gem5_stays_in_the_standard_library() -> None:
    result = bare_python(
        f"import {', '.join(BARE)}; "
        "print(*{name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names)"
    )
    assert set(result.stdout.split()) <= {"homeshift", "__main__"}


def lint_imports() -> str | None:
    return shutil.which("lint-imports", path=str(Path(sys.executable).parent))


@pytest.mark.skipif(lint_imports() is None, reason="import-linter comes with the extra 'dev'")
def test_the_contracts_between_the_layers_are_kept() -> None:
    command = lint_imports()
    assert command is not None
    result = subprocess.run(
        [command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert f"Contracts: {len(contracts['contracts'])} kept, 0 broken." in result.stdout
