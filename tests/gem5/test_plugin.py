# SPDX-License-Identifier: BSD-3-Clause
"""The plugin inside gem5: script, debug flags, other models, gem5's own parts and random tester."""

from __future__ import annotations

import json
import re
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from gem5_binary import BARE, COMPILERS, GEM5, REPOSITORY, compiled, gem5, needs_gem5

pytestmark = needs_gem5

TINY = ("--machine", "tiny", "--vm-memory", "64KiB", "--warmup", "5us", "--window", "20us")


def migrate(tmp_path: Path, *options: str) -> dict[str, Any]:
    result = gem5(tmp_path / "m5out", "configs/migrate.py", *options, "--check")
    assert result.returncode == 0, result.stdout + result.stderr
    summary = json.loads((tmp_path / "m5out" / "migration.json").read_text(encoding="utf-8"))
    assert isinstance(summary, dict)
    return summary


def test_help_builds_no_machine(tmp_path: Path) -> None:
    result = gem5(tmp_path, "configs/migrate.py", "--help")
    assert "--strategy" in result.stdout
    assert not (tmp_path / "config.ini").exists()


def test_a_checkout_that_it_was_not_built_from_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    for part in ("src", "configs"):
        shutil.copytree(REPOSITORY / part, tmp_path / part)
    with (tmp_path / "src/common/random.hh").open("a") as header:
        header.write("// Changed since.\n")
    result = gem5(tmp_path / "m5out", str(tmp_path / "configs/migrate.py"), *TINY)
    assert result.returncode == 0, result.stderr
    assert "this gem5 was built from other sources" in result.stderr


def test_last_line_says_at_which_tick_and_why(tmp_path: Path) -> None:
    result = gem5(tmp_path, "configs/migrate.py", *TINY)
    assert re.fullmatch(
        r"Exiting @ tick \d+ because the migration is completed", result.stdout.splitlines()[-1]
    )
    assert {path.name for path in tmp_path.iterdir()} >= {
        "stats.txt",
        "config.json",
        "migration.json",
    }


@contextmanager
def warming_up(m5out: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Yield a long run that has just begun."""
    assert GEM5
    process = subprocess.Popen(
        [GEM5, f"--outdir={m5out}", "configs/migrate.py", *TINY, "--warmup", "100ms", *options],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        assert any(line == "migrate.py: warming up\n" for line in process.stdout)
        yield process


@pytest.mark.parametrize("place", ["m5out", "run"])
def test_sigterm_ends_a_run_at_once_and_leaves_nothing_hidden(place: str, tmp_path: Path) -> None:
    m5out = tmp_path / "m5out"
    m5out.mkdir()
    (m5out / "migration.json").write_text("{}")  # of the run before
    with warming_up(m5out, "--outdir", str(tmp_path / place)) as process:
        process.terminate()
        try:
            assert process.wait(timeout=30) == 128 + signal.SIGTERM
        finally:
            process.kill()
    assert [path.name for path in tmp_path.iterdir()] == ["m5out"]
    assert not list(m5out.glob(".*"))
    assert not (m5out / "migration.json").exists()  # as gem5 has emptied its stats.txt


def test_a_directory_is_one_runs_at_a_time_and_a_killed_run_leaves_nothing_hidden(
    tmp_path: Path,
) -> None:
    m5out = tmp_path / "m5out"
    with warming_up(m5out) as process:
        second = gem5(m5out, "configs/migrate.py", *TINY, "--outdir", str(tmp_path / "run"))
        process.kill()
        process.wait()
    assert second.returncode == 2
    assert "another run is at work in it; give each one its own" in second.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["m5out"]
    assert not list(m5out.glob(".*"))
    migrate(tmp_path, *TINY)


@pytest.mark.parametrize(
    ("room", "message"),
    [
        (5000, "error: gem5's directory '{m5out}' cannot be written: File too large"),
        (150000, "error: gem5's '{m5out}/stats.txt' is cut off: the disk is full, or another gem5"),
    ],
)
def test_a_full_disk_is_one_sentence_and_no_run(tmp_path: Path, room: int, message: str) -> None:
    assert GEM5
    m5out, run = tmp_path / "m5out", tmp_path / "run"
    options = (f"--outdir={m5out}", "--json-config=", "configs/migrate.py", *TINY)
    done = subprocess.run(
        [GEM5, *options, "--outdir", str(run)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
    )
    assert done.returncode == 1
    assert message.format(m5out=m5out) in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["m5out"]


@pytest.mark.parametrize("file", ["s.txt", "stats.txt.gz", "text://stats.txt?desc=False"])
def test_statistics_elsewhere_are_refused_before_the_run(file: str, tmp_path: Path) -> None:
    options = (f"--stats-file={file}", "configs/migrate.py", *TINY)
    result = gem5(tmp_path / "m5out", *options, "--outdir", str(tmp_path / "run"))
    assert result.returncode == 2
    assert f"gem5's option --stats-file={file} has a fault" in result.stderr
    assert "warming up" not in result.stdout
    assert not (tmp_path / "run").exists()


def test_gem5s_configuration_goes_where_gem5_is_told(tmp_path: Path) -> None:
    result = gem5(tmp_path, "--json-config=c.json", "configs/migrate.py", *TINY)
    assert result.returncode == 0, result.stderr
    assert "system" in json.loads((tmp_path / "c.json").read_text())
    assert not (tmp_path / "gem5-config.json").exists()


@pytest.mark.parametrize("options", [(), ("--verbose",)], ids=str)
def test_gem5_does_not_tell_each_time_that_it_goes_on(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    result = gem5(tmp_path, *options, "configs/migrate.py", *TINY, "--strategy", "post-copy")
    assert result.returncode == 0, result.stderr
    said = result.stderr.count("Entering event queue") > 3
    at_all = re.search(r"gem5 version 2[0-4]\.", result.stdout)  # later: a debug flag
    assert said == bool(options and at_all)


def test_bad_options_are_told_all_at_once_and_end_with_status_2(tmp_path: Path) -> None:
    result = gem5(tmp_path, "configs/migrate.py", "--machine", "tinny", "--strategy", "ownershp")
    assert result.returncode == 2
    assert "did you mean 'tiny'?" in result.stderr
    assert "did you mean 'ownership'?" in result.stderr


def test_options_of_gem5s_go_before_the_script(tmp_path: Path) -> None:
    options = ("-d", "out", "--debug-flags=Migration", "--debug-flag")
    result = gem5(tmp_path, "configs/migrate.py", *options)
    assert result.returncode == 2
    for option in options[0], options[2]:
        assert f"{option}: is an option of gem5's; give it before the script" in result.stderr
    assert "--debug-flag: no such option" in result.stderr


def test_debug_flags_have_descriptions(tmp_path: Path) -> None:
    told = gem5(tmp_path, "--debug-help").stdout
    assert re.search(r"HomeTransfer: \S+", told)
    assert re.search(r"Migration: \S+", told)


def test_debug_flags_show_homes_that_move_and_every_transition(tmp_path: Path) -> None:
    flags = "--debug-flags=HomeTransfer,Migration,ProtocolTrace"
    told = gem5(tmp_path, flags, "configs/migrate.py", *TINY).stdout
    assert "becomes the home of the region of" in told
    assert re.search(r"job \d+: moves the homes of 16 regions to node 1", told)
    assert re.search(r"Directory +GetS +I>", told)


@pytest.mark.parametrize("strategy", ["ownership", "pre-copy", "post-copy"])
@pytest.mark.parametrize(
    "models", [("--network-model", "garnet"), ("--memory-model", "ddr4")], ids=["garnet", "ddr4"]
)
def test_every_load_is_right_with_other_models(
    models: tuple[str, ...], strategy: str, tmp_path: Path
) -> None:
    summary = migrate(tmp_path, *TINY, *models, "--strategy", strategy)
    assert summary["status"] == "completed"
    assert summary["ram"]["transferred"] > 0


def test_garnet_counts_the_same_migration_traffic_as_simple_network(tmp_path: Path) -> None:
    traffic = []
    for model in ("simple", "garnet"):
        options = (*TINY, "--strategy", "stop-and-copy", "--network-model", model)
        summary = migrate(tmp_path / model, *options)
        traffic.append((summary["ram"]["transferred"], summary["interconnect"]["migration-bytes"]))
    assert traffic[0] == traffic[1]


def test_garnet_keeps_a_link_as_busy_as_messages_with_lines_can(tmp_path: Path) -> None:
    changes = "cores.max_outstanding=1,migration.outstanding_lines=128,memory.bandwidth=100GB/s"
    options = (
        *("--machine", f"quad:{changes}", "--vcpus", "1", "--vm-memory", "512KiB"),
        *("--workload", "uniform:think=1000000", "--warmup", "1us", "--window", "1us"),
        *("--strategy", "stop-and-copy"),
    )
    simple, garnet = (
        next(
            phase["end"] - phase["start"]
            for phase in migrate(tmp_path / model, *options, "--network-model", model)["phases"]
            if phase["name"] == "copy"
        )
        for model in ("simple", "garnet")
    )
    assert simple < garnet < 1.7 * simple


def test_a_ring_is_no_place_for_garnet(tmp_path: Path) -> None:
    ring = ("--machine", "tests/gem5/serial-ring.toml", "--network-model", "garnet")
    result = gem5(tmp_path, "configs/migrate.py", *ring)
    assert result.returncode == 2
    assert "give a machine with a crossbar or a mesh" in result.stderr


def test_garnet_has_no_links_of_different_bandwidths(tmp_path: Path) -> None:
    wide, alike = (
        gem5(tmp_path, "configs/migrate.py", "--machine", machine, "--network-model", "garnet")
        for machine in ("pool", "tiny:nodes=3,pool.nodes=1,pool.link_bandwidth=16GB/s")
    )
    assert wide.returncode == 2
    assert "give a machine without pool.link_bandwidth" in wide.stderr
    assert alike.returncode == 0, alike.stderr


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("more", [(), ("--no-transfers",), ("--machine", "octo")], ids=str)
def test_rubys_random_tester_passes(more: tuple[str, ...], seed: int, tmp_path: Path) -> None:
    result = gem5(
        tmp_path, "configs/random_test.py", "--checks", "2000", "--seed", str(seed), *more
    )
    assert result.returncode == 0, result.stdout + result.stderr
    moved = re.search(r"2000 checks passed, (\d+) regions moved", result.stdout)
    assert moved
    assert (int(moved[1]) > 100) == (more != ("--no-transfers",))


@pytest.mark.parametrize(
    "script",
    [
        ("traffic.py", "--duration", "10s", "--transfers", "1000000000"),
        ("random_test.py", "--checks", "1000000000"),
    ],
    ids=lambda script: script[0],
)
def test_ctrl_c_is_told_and_is_no_success(script: tuple[str, ...], tmp_path: Path) -> None:
    assert GEM5
    process = subprocess.Popen(
        [GEM5, f"--outdir={tmp_path}", f"configs/{script[0]}", *script[1:]],
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # it may be ignored here
    )
    assert process.stderr is not None
    with process.stderr:
        for line in process.stderr:
            if "needs a gem5 built with an ISA" in line:
                pytest.skip(line)
            if "Replacement policy updates" in line:  # Ruby has begun
                break
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.wait(timeout=30) == 128 + signal.SIGINT
    assert said.endswith(f"{script[0]}: interrupted\n")


def test_rubys_random_tester_needs_memory_to_test(tmp_path: Path) -> None:
    small = ("--machine", "tiny:memory.size=4KiB", "--region", "8192")
    result = gem5(tmp_path, "configs/random_test.py", *small)
    assert result.returncode == 2
    assert "memory.size: 2 x 4096 B, and 32768 B are tested" in result.stderr
    assert "memory.size: 4096 B are not whole regions of 8192 B" in result.stderr


def skip_without_isa(result: subprocess.CompletedProcess[str]) -> None:
    if lacks := re.search(r"built with(?:out)? (?:an ISA|RISC-V|Arm|x86)\b", result.stderr):
        pytest.skip(f"this gem5 is {lacks[0]}")


def test_gem5s_own_board_and_generators_run_on_the_component(tmp_path: Path) -> None:
    result = gem5(tmp_path, "configs/traffic.py", "--transfers", "40")
    skip_without_isa(result)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "40 regions moved" in result.stdout


@pytest.mark.parametrize("machine", ["pool", "tiny:nodes=3"])
def test_the_component_has_any_number_of_nodes(machine: str, tmp_path: Path) -> None:
    result = gem5(tmp_path, "configs/traffic.py", "--machine", machine, "--transfers", "10")
    skip_without_isa(result)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "10 regions moved" in result.stdout


def test_gem5s_simulator_goes_on_while_homes_move(tmp_path: Path) -> None:
    result = gem5(tmp_path, "tests/gem5/simulator.py")
    if "cannot import name" in result.stderr:
        pytest.skip("this gem5 is built without an ISA")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "the home is node 2, at tick 10000000" in result.stdout
    assert "because simulate() limit reached" in result.stdout


def test_the_component_refuses_what_it_cannot_be(tmp_path: Path) -> None:
    result = gem5(tmp_path, "tests/gem5/refusals.py")
    if "cannot import name" in result.stderr:
        pytest.skip("this gem5 is built without an ISA")
    assert result.returncode == 0, result.stdout + result.stderr
    for told in (
        "full buffers all round a ring would never empty",
        "--network-model foo: no such model",
        *(f"region_bytes {size}: not a power of two from 4096 on" for size in (0, 64, 5000)),
        "the address has a fault:\n  the simulation has not begun",
    ):
        assert told in result.stdout


def test_transfers_of_what_is_not_there_are_refused(tmp_path: Path) -> None:
    result = gem5(tmp_path, "tests/gem5/simulator.py")
    if "cannot import name" in result.stderr:
        pytest.skip("this gem5 is built without an ISA")
    assert "  0x300000: memory ends at 0x300000\n  0x4000000000000: memory ends" in result.stdout
    assert "  -0x1: memory ends at 0x300000\n  new_home 3: the machine has nodes" in result.stdout
    assert "the transfer has a fault:\n  new_home -1: the machine has nodes 0 to 2" in result.stdout
    assert "the address has a fault:\n  0x300000: memory ends at 0x300000" in result.stdout


def test_the_example_of_the_page_moves_a_home(tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "gem5.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    script = tmp_path / "example.py"
    script.write_text(example + 'print("at", board.get_cache_hierarchy().home_of(0x1000))\n')
    result = gem5(tmp_path, str(script))
    if "cannot import name" in result.stderr:
        pytest.skip("this gem5 is built without an ISA")
    assert result.returncode == 0, result.stderr
    assert "at 1\n" in result.stdout


def test_memory_of_a_node_is_where_its_homes_are_at_first(tmp_path: Path) -> None:
    result = gem5(tmp_path, "tests/gem5/simulator.py")
    if "cannot import name" in result.stderr:
        pytest.skip("this gem5 is built without an ISA")
    text = (tmp_path / "stats.txt").read_text()
    served = dict(re.findall(r"home_table0\.(served\w+) +(\d+)", text.split("End Sim")[0]))
    assert int(served["servedLocally"]) > 100
    assert served["servedRemotely"] == "0"


FOUR_WAYS = "tiny:cache.size=512B,cache.associativity=4"
"""What x86 needs, whose locked lines must not be replaced."""


@pytest.fixture(params=COMPILERS)
def threads(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Return a program whose threads count together."""
    return compiled(tmp_path, "threads.c", "-pthread", isa=request.param)


@pytest.mark.parametrize("cpu", ["timing", "minor", "o3"])
def test_threads_of_a_program_lose_no_increment_while_homes_move(
    tmp_path: Path, threads: Path, cpu: str
) -> None:
    result = gem5(
        tmp_path / "m5out",
        "configs/traffic.py",
        *("--machine", FOUR_WAYS, "--cores", "4", "--cpu", cpu),
        *("--footprint", str(1 << 20), "--transfers", "1000000"),
        *("--program", str(threads), "4", "100"),
    )
    skip_without_isa(result)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "400 400 400 400 of 400" in result.stdout
    moved = re.search(r"(\d+) regions moved", result.stdout)
    assert moved
    assert int(moved[1]) > 1000


def test_a_program_that_fails_or_is_for_another_isa_is_told(tmp_path: Path, threads: Path) -> None:
    options = ("--machine", FOUR_WAYS, "--program", str(threads), "0")
    result = gem5(tmp_path, "configs/traffic.py", *options)
    skip_without_isa(result)
    assert result.returncode == 1
    assert "error: the program ended with status 2" in result.stderr
    result = gem5(tmp_path, "configs/traffic.py", "--program", "README.md")
    assert result.returncode == 2
    assert "README.md: not an executable of 64 bits for RISC-V, Arm or x86" in result.stderr


def test_caches_that_would_lose_locked_lines_are_refused(tmp_path: Path) -> None:
    threads = compiled(tmp_path, "threads.c", "-pthread", isa="x86")
    result = gem5(tmp_path, "configs/traffic.py", "--program", str(threads))
    skip_without_isa(result)
    assert result.returncode == 2
    assert "cache.associativity 2: too few for x86" in result.stderr


def test_a_full_system_without_operating_system_counts_right_while_homes_move(
    tmp_path: Path,
) -> None:
    program = compiled(tmp_path, "harts.c", *BARE)
    result = gem5(tmp_path / "m5out", "tests/gem5/bare_metal.py", str(program))
    if "No module named" in result.stderr or "cannot import name" in result.stderr:
        pytest.skip("this gem5 is built without RISC-V")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "because m5_exit instruction encountered" in result.stdout
    moved = re.search(r"(\d+) regions moved", result.stdout)
    assert moved
    assert int(moved[1]) > 1000
    assert (tmp_path / "m5out" / "board.platform.terminal").read_text() == "ok\n"
