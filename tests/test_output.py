# SPDX-License-Identifier: BSD-3-Clause
"""Is an output directory complete or absent, whatever happens during the run?"""

from __future__ import annotations

import errno
import os
import signal
import stat as file_modes
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
from conftest import WriteRun

from homeshift.errors import HomeshiftError, InputError, RunError
from homeshift.output import OutputDirectory, Stat, format_value, write_stats
from homeshift.output_file import output_file


def entries(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


def test_the_directory_appears_when_everything_is_written(tmp_path: Path) -> None:
    target = tmp_path / "run"
    with OutputDirectory(target) as directory:
        (directory / "stats.txt").write_text("done", encoding="utf-8")
        assert not target.exists()
        assert directory.parent == tmp_path
        assert directory.name.startswith(f".run.partial-{os.getpid()}-")
    assert entries(tmp_path) == ["run"]
    assert entries(target) == ["stats.txt"]


def test_missing_parents_are_created(tmp_path: Path) -> None:
    with OutputDirectory(tmp_path / "a" / "b" / "run"):
        pass
    assert entries(tmp_path / "a" / "b") == ["run"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_leaves_nothing_and_is_not_swallowed(
    tmp_path: Path, error: type[BaseException]
) -> None:
    def fail() -> None:
        with OutputDirectory(tmp_path / "a" / "run") as directory:
            (directory / "config.json").write_text("{}", encoding="utf-8")
            raise error

    with pytest.raises(error):
        fail()
    assert entries(tmp_path) == []


def test_a_killed_process_leaves_no_directory_of_that_name(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from homeshift.output import OutputDirectory\n"
        "with OutputDirectory(sys.argv[1]) as directory:\n"
        "    (directory / 'stats.txt').write_text('half')\n"
        "    print('written', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    target = tmp_path / "run"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.kill()
        assert process.wait() == -signal.SIGKILL
    assert not target.exists()
    assert all(name.startswith(".run.partial-") for name in entries(tmp_path))
    with OutputDirectory(target):  # What the killed process left is not in the way.
        pass
    assert target.is_dir()


def test_a_complete_run_is_replaced(write_run: WriteRun) -> None:
    target = write_run("run")
    with OutputDirectory(target) as directory:
        assert entries(target) == ["config.json", "migration.json", "stats.txt"]
        (directory / "stats.txt").write_text("new", encoding="utf-8")
    assert entries(target) == ["stats.txt"]
    assert entries(target.parent) == ["run"]


def test_a_failed_run_leaves_the_older_one_as_it_was(write_run: WriteRun) -> None:
    target = write_run("run")
    before = (target / "stats.txt").read_bytes()

    def fail() -> None:
        with OutputDirectory(target) as directory:
            (directory / "stats.txt").write_text("new", encoding="utf-8")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert (target / "stats.txt").read_bytes() == before
    assert entries(target.parent) == ["run"]


def test_the_older_run_comes_back_when_the_new_one_cannot_be_renamed(write_run: WriteRun) -> None:
    target = write_run("run")
    rename = Path.rename

    def refuse(path: Path, to: Path) -> Path:
        if ".partial-" in path.name:
            raise OSError("no")
        return rename(path, to)

    def replace() -> None:
        with OutputDirectory(target):
            pass

    with mock.patch.object(Path, "rename", refuse), pytest.raises(RunError, match="written: no"):
        replace()
    assert entries(target) == ["config.json", "migration.json", "stats.txt"]
    assert entries(target.parent) == ["run"]


def test_an_empty_directory_is_used(tmp_path: Path) -> None:
    target = tmp_path / "run"
    target.mkdir()
    with OutputDirectory(target) as directory:
        (directory / "stats.txt").write_text("new", encoding="utf-8")
    assert entries(target) == ["stats.txt"]


def refusal(path: Path) -> str:
    """Return why `path` is refused as an output directory, before a run; it is after it too."""
    with pytest.raises(InputError) as caught:
        OutputDirectory(path).require_writable()
    with pytest.raises(InputError), OutputDirectory(path):
        pytest.fail("was not refused")
    return str(caught.value)


def test_nothing_is_left_of_a_run_that_ends_before_it_writes(tmp_path: Path) -> None:
    OutputDirectory(tmp_path / "a" / "b" / "run").require_writable()
    assert entries(tmp_path) == []


def test_a_mount_point_is_refused_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "is_mount", lambda _: True)
    assert "is a mount point" in refusal(tmp_path)


def test_a_directory_of_something_else_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "config.json").write_text('{"theme": "dark"}', encoding="utf-8")
    assert "is not empty and is not a run" in refusal(tmp_path / "thesis")
    assert entries(tmp_path) == ["thesis"]
    assert entries(tmp_path / "thesis") == ["config.json"]


def test_a_run_with_other_files_in_it_is_refused_and_they_are_named(write_run: WriteRun) -> None:
    target = write_run("run")
    (target / "notes.txt").write_text("mine", encoding="utf-8")
    assert "holds 'notes.txt' beside a run" in refusal(target)
    assert "notes.txt" in entries(target)


def test_files_that_appear_during_the_run_are_not_deleted(tmp_path: Path) -> None:
    target = tmp_path / "run"

    def run() -> None:
        with OutputDirectory(target):
            target.mkdir()
            (target / "notes.txt").write_text("mine", encoding="utf-8")

    with pytest.raises(InputError, match="not a run"):
        run()
    assert entries(target) == ["notes.txt"]
    assert entries(tmp_path) == ["run"]


def test_a_file_and_a_path_below_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    assert "is a file" in refusal(tmp_path / "file")
    assert "cannot be created" in refusal(tmp_path / "file" / "run")


@pytest.mark.parametrize("path", ["x" * 250, "x" * 300, "x" * 300 + "/run", "run/" + "x" * 300])
def test_a_name_that_is_too_long_is_refused(tmp_path: Path, path: str) -> None:
    assert "File name too long" in refusal(tmp_path / path)
    assert entries(tmp_path) == []


def test_the_working_directory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path / "run")
    assert "working directory" in refusal(Path())


def test_a_symbolic_link_to_a_run_stays_a_link(write_run: WriteRun, tmp_path: Path) -> None:
    target = write_run("run")
    link = tmp_path / "latest"
    link.symlink_to(target)
    with OutputDirectory(link) as directory:
        (directory / "stats.txt").write_text("new", encoding="utf-8")
    assert link.is_symlink()
    assert entries(target) == ["stats.txt"]


def test_the_directory_has_the_usual_permissions(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        with OutputDirectory(tmp_path / "run"):
            pass
    finally:
        os.umask(mask)
    assert file_modes.S_IMODE((tmp_path / "run").stat().st_mode) == 0o750


def test_statistics_are_written_as_gem5_writes_them(tmp_path: Path) -> None:
    path = tmp_path / "stats.txt"
    write_stats(
        path,
        [
            Stat("simTicks", 57467000, "Tick", "Number of ticks simulated"),
            Stat("system.bytes", None, "Byte", "By class", {"control": 1, "data": 2}),
            Stat("system.none", None, "Count", "An empty vector", {"a": 0}),
        ],
    )
    assert path.read_text(encoding="utf-8") == (
        "\n"
        "---------- Begin Simulation Statistics ----------\n"
        "simTicks                                     57467000                       "
        "# Number of ticks simulated (Tick)\n"
        "system.bytes::control                               1     33.33%     33.33% "
        "# By class (Byte)\n"
        "system.bytes::data                                  2     66.67%    100.00% "
        "# By class (Byte)\n"
        "system.bytes::total                                 3                       "
        "# By class (Byte)\n"
        "system.none::a                                      0                       "
        "# An empty vector (Count)\n"
        "system.none::total                                  0                       "
        "# An empty vector (Count)\n"
        "\n"
        "---------- End Simulation Statistics   ----------\n"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (2**60 + 1, "1152921504606846977"),
        (3.0, "3"),
        (0.5, "0.500000"),
        (1e-9, "0.000000"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
    ],
)
def test_values_have_gem5s_decimals(value: float, text: str) -> None:
    assert format_value(value) == text


@pytest.mark.parametrize(
    ("stat", "reason"),
    [
        (Stat("two words", 1, "Tick", "Time"), "unreadable name"),
        (Stat("a::b", 1, "Tick", "Time"), "for vectors"),
        (Stat("a", None, "Tick", "Time", {"total": 1}), "for vectors"),
        (Stat("a", None, "Tick", "Time", {"b c": 1}), "unreadable name"),
        (Stat("a", 1, "Tick", ""), "unit and a description"),
        (Stat("a", 1, "", "Time"), "unit and a description"),
        (Stat("a", 1, "Tick", "two\nlines"), "of one line"),
        (Stat("a", None, "Tick", "Time"), "has no value"),
        (Stat("simTicks", 1, "Tick", "Time"), "written twice"),
    ],
)
def test_a_statistic_that_cannot_be_read_back_is_refused(
    tmp_path: Path, stat: Stat, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        write_stats(tmp_path / "stats.txt", [Stat("simTicks", 1, "Tick", "Time"), stat])
    assert not (tmp_path / "stats.txt").exists()


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.ENOSPC, RunError), (errno.EFBIG, RunError), (errno.EACCES, InputError)],
)
def test_a_file_that_finds_no_room_is_no_bad_input(
    number: int, kind: type[HomeshiftError], tmp_path: Path
) -> None:
    with (
        pytest.raises(kind, match=r"(?s)a.csv.*cannot be written"),
        output_file(tmp_path / "a.csv"),
    ):
        raise OSError(number, os.strerror(number))
    assert entries(tmp_path) == []


def test_a_file_system_that_only_reads_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "unlink", refuse)
    with (
        pytest.raises(InputError, match=r"(?s)a.csv.*cannot be written: Read-only file system"),
        output_file(tmp_path / "a.csv"),
    ):
        refuse()
