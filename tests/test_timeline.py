# SPDX-License-Identifier: BSD-3-Clause
"""Does the trace for Perfetto say what migration.json says, in the form that viewers accept?"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from calls import called

from homeshift.experiment.message_window import MessageWindow, parse_message_window

TINY = ("--machine", "tiny", "--vm-memory", "256KiB", "--warmup", "5us", "--window", "20us")

Event = dict[str, Any]


def run(folder: Path, strategy: str, *more: str) -> tuple[list[Event], dict[str, Any]]:
    """Return the events and the content of migration.json of a run."""
    options = (*TINY, "--strategy", strategy, "--timeline", "--outdir", str(folder / "run"), *more)
    assert called("configs/migrate.py", *options).returncode == 0
    trace = json.loads((folder / "run" / "timeline.json").read_text(encoding="utf-8"))
    summary = json.loads((folder / "run" / "migration.json").read_text(encoding="utf-8"))
    return trace["traceEvents"], summary


@pytest.fixture(scope="module")
def pre_copy(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Event], dict[str, Any]]:
    return run(tmp_path_factory.mktemp("timeline"), "pre-copy", "--horizon", "300us")


def slices(events: list[Event], track: int) -> list[Event]:
    """Return the slices of a track, in order of their begin, each with its duration."""
    found: list[Event] = []
    under_way: list[Event] = []
    for event in events:
        if event.get("tid") == track and event["ph"] == "B":
            found.append(dict(event))
            under_way.append(found[-1])
        elif event.get("tid") == track and event["ph"] == "E":
            begun = under_way.pop()
            begun["dur"] = event["ts"] - begun["ts"]
            assert begun["dur"] >= 0
    assert under_way == []
    return found


def test_every_event_has_what_its_kind_needs(
    pre_copy: tuple[list[Event], dict[str, Any]],
) -> None:
    needed = {
        "B": {"name", "tid"},
        "E": {"tid"},
        "C": {"name", "args"},
        "M": {"name", "args"},
        "i": {"name", "s", "tid"},
    }
    for event in pre_copy[0]:
        assert {"pid"} | needed[event["ph"]] <= event.keys()
        if event["ph"] != "M":
            assert event["ts"] >= 0
        if event["ph"] == "C":
            assert all(isinstance(value, (int, float)) for value in event["args"].values())


def test_phases_follow_each_other_inside_the_migration_and_copies_are_numbered(
    pre_copy: tuple[list[Event], dict[str, Any]],
) -> None:
    events, summary = pre_copy
    whole, *phases = slices(events, 1)
    assert whole["name"] == "pre-copy, node 0 to node 1"
    assert whole["dur"] == pytest.approx(summary["total-time"] * 1e6)
    assert phases[0]["ts"] == whole["ts"]
    for one, other in itertools.pairwise(phases):
        assert one["ts"] + one["dur"] == pytest.approx(other["ts"])
    copies = [phase["name"] for phase in phases if phase["name"].startswith("copy")]
    assert copies[:2] == ["copy 1", "copy 2"]
    assert len(copies) == len(set(copies))


def test_the_slices_of_a_track_are_in_order_so_that_rounding_drops_none(
    pre_copy: tuple[list[Event], dict[str, Any]],
) -> None:
    for track in (1, 2):
        times = [e["ts"] for e in pre_copy[0] if e["ph"] in "BE" and e["tid"] == track]
        assert len(times) >= 4
        assert times == sorted(times)


def test_the_vcpus_are_paused_for_the_downtime(
    pre_copy: tuple[list[Event], dict[str, Any]],
) -> None:
    events, summary = pre_copy
    pausing, paused = slices(events, 2)
    assert (pausing["name"], paused["name"]) == ("pausing", "paused")
    assert pausing["dur"] + paused["dur"] == pytest.approx(summary["downtime"] * 1e6)


@pytest.mark.parametrize("what", ["--cancel-at", "--fail-target-at"])
def test_a_vm_that_was_paused_goes_on_when_its_migration_is_called_off(
    tmp_path: Path, what: str
) -> None:
    events, summary = run(tmp_path, "stop-and-copy", what, "2us")
    pausing, paused = slices(events, 2)
    assert paused["dur"] > 0
    assert pausing["dur"] + paused["dur"] == pytest.approx(summary["downtime"] * 1e6)
    assert [e["name"] for e in events if e["ph"] == "i"] == ["runs on node 0"]


def test_a_lost_vm_stands_still_to_the_end(tmp_path: Path) -> None:
    events, summary = run(tmp_path, "post-copy", "--fail-target-at", "3us")
    *pauses, lost = slices(events, 2)
    assert [event["name"] for event in pauses] == ["pausing", "paused"]
    assert lost["name"] == "lost"
    still = sum(event["dur"] for event in (*pauses, lost))
    assert still == pytest.approx(summary["downtime"] * 1e6)


def test_counters_add_up_to_what_was_counted(
    pre_copy: tuple[list[Event], dict[str, Any]],
) -> None:
    events, summary = pre_copy
    lengths = {
        later["time"]: later["time"] - earlier["time"]
        for earlier, later in itertools.pairwise(summary["progress"])
    }

    def total(name: str) -> float:
        values = [e["args"]["value"] for e in events if e["ph"] == "C" and e["name"] == name]
        return float(sum(v * s for v, s in zip(values, lengths.values(), strict=True)))

    last = summary["progress"][-1]
    assert total("VM speed (accesses/us)") * 1e6 == pytest.approx(last["accesses"][0])
    assert total("migration between nodes (GB/s)") * 1e9 == pytest.approx(last["migration-bytes"])
    for link, busy in zip(summary["links"], last["links-busy"], strict=True):
        name = f"link {link['source']} to {link['target']} (% busy)"
        assert total(name) / 100 == pytest.approx(busy)
    assert sum(last["links-busy"]) > 0


def test_remote_accesses_are_in_percent_of_each_vms(tmp_path: Path) -> None:
    others = tmp_path / "others.toml"
    others.write_text('[[vm]]\nvm-memory = "64KiB"\n', encoding="utf-8")  # beside its memory
    events, summary = run(tmp_path, "ownership", "--vcpus", "1", "--more-vms", str(others))
    points = summary["progress"]
    for vm in (0, 1):
        shares = [
            event["args"]["value"]
            for event in events
            if event.get("name") == "remote accesses (%)" and event["pid"] == vm + 1
        ]
        done = [
            later["accesses"][vm] - earlier["accesses"][vm]
            for earlier, later in itertools.pairwise(points)
        ]
        remote = sum(
            share / 100 * accesses
            for share, accesses in zip(shares, filter(None, done), strict=True)
        )
        assert remote == pytest.approx(points[-1]["remote-accesses"][vm])
        assert (remote > 0) == (vm == 0)


def test_counters_begin_with_the_migration_and_its_times_are_in_microseconds(
    pre_copy: tuple[list[Event], dict[str, Any]],
) -> None:
    events, summary = pre_copy
    begin = summary["migrations"][0]["start"] / 1e6
    assert min(e["ts"] for e in events if e["ph"] == "C") == begin
    whole = slices(events, 1)[0]
    assert whole["args"]["total time (us)"] == pytest.approx(whole["dur"])
    assert whole["args"]["downtime (us)"] == pytest.approx(summary["downtime"] * 1e6)


def test_every_vm_has_its_own_tracks_in_order_and_the_machine_comes_last(tmp_path: Path) -> None:
    (tmp_path / "vms.toml").write_text(
        '[[vm]]\nvm-memory = "64KiB"\nsource = 1\ntarget = [0]\nstart = "3us"\n'
    )
    more = ("--vcpus", "1", "--more-vms", str(tmp_path / "vms.toml"))
    events, summary = run(tmp_path, "stop-and-copy", *more)
    ways = {pid: slices([e for e in events if e["pid"] == pid], 1)[0]["name"] for pid in (1, 2)}
    assert ways == {1: "stop-and-copy, node 0 to node 1", 2: "ownership, node 1 to node 0"}
    names, orders = (
        {e["pid"]: e["args"][arg] for e in events if e.get("name") == f"process_{what}"}
        for what, arg in (("name", "name"), ("sort_index", "sort_index"))
    )
    assert [names[pid] for pid in sorted(orders, key=orders.__getitem__)] == [
        *("VM 0", "VM 1", "machine")
    ]
    counters = [e for e in events if e["ph"] == "C"]
    assert min(e["ts"] for e in counters) == summary["migrations"][0]["start"] / 1e6
    times = [point["time"] for point in summary["progress"]]
    for number, done in enumerate(summary["progress"][-1]["accesses"]):
        speeds = [
            e["args"]["value"]
            for e in counters
            if e["pid"] == number + 1 and e["name"] == "VM speed (accesses/us)"
        ]
        spans = [later - earlier for earlier, later in itertools.pairwise(times)]
        counted = sum(v * s * 1e6 for v, s in zip(speeds, spans, strict=True))
        assert counted == pytest.approx(done)


def test_several_migrations_have_slices_one_after_the_other(tmp_path: Path) -> None:
    events, summary = run(tmp_path, "ownership", "--target", "1,0")
    assert [e["name"] for e in slices(events, 1) if "node" in e["name"]] == [
        "ownership, node 0 to node 1",
        "ownership, node 1 to node 0",
    ]
    assert [e["name"] for e in events if e["ph"] == "i"] == ["runs on node 1", "runs on node 0"]
    assert len(summary["migrations"]) == 2


def test_a_run_without_timeline_has_none_and_is_otherwise_the_same(tmp_path: Path) -> None:
    run(tmp_path, "ownership")
    before = (tmp_path / "run" / "stats.txt").read_bytes()
    plain = (*TINY, "--strategy", "ownership", "--outdir", str(tmp_path / "run"))
    assert called("configs/migrate.py", *plain).returncode == 0
    assert not (tmp_path / "run" / "timeline.json").exists()
    assert (tmp_path / "run" / "stats.txt").read_bytes() == before


@pytest.fixture(scope="module")
def with_messages(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Event], dict[str, Any]]:
    folder = tmp_path_factory.mktemp("messages")
    return run(folder, "ownership", "--timeline-messages", "500ns,2us,2000")


def test_every_message_is_a_flow_from_its_sender_to_its_receiver(
    with_messages: tuple[list[Event], dict[str, Any]],
) -> None:
    events, summary = with_messages
    start = summary["migrations"][0]["start"]
    ends: dict[str, list[Event]] = {}
    for event in events:
        if event["ph"] == "X":
            ends.setdefault(event["bind_id"], []).append(event)
    assert 500 < len(ends) <= 2000
    for out, into in ends.values():
        assert out["flow_out"]
        assert into["flow_in"]
        assert out["args"] == into["args"]
        assert out["name"] == into["name"]
        sent, arrived = out["args"]["sent (tick)"], out["args"]["arrived (tick)"]
        assert start + 500_000 <= sent <= start + 2_000_000
        assert sent < arrived
        assert out["ts"] == pytest.approx(sent / 1e6, abs=0.001)
        assert into["ts"] == pytest.approx(arrived / 1e6, abs=0.001)
        assert out["args"]["address"].startswith("0x")
        assert out["args"]["bytes"] == (72 if "Data" in out["name"] else out["args"]["bytes"])
    assert {out["args"]["bytes"] for out, _ in ends.values()} == {8, 72}
    names = {event["name"] for (event, _) in ends.values()}
    assert {"Transfer", "Done", "GetS", "DataE", "Unblock"} <= names


def test_messages_are_on_the_tracks_of_their_controllers(
    with_messages: tuple[list[Event], dict[str, Any]],
) -> None:
    events = [event for event in with_messages[0] if "name" in event]
    named = [(e["pid"], e["args"]["name"]) for e in events if e["name"] == "process_name"]
    processes = dict(named)
    assert len(processes) == len(named)  # no node is shown among the tracks of a VM
    threads = {
        (e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"
    }
    crossed = 0
    for event in events:
        if event["ph"] == "X":
            ends = [event["args"][end].split(" of ") for end in ("from", "to")]
            controller, node = ends[0 if "flow_out" in event else 1]
            assert threads[event["pid"], event["tid"]] == controller
            assert processes[event["pid"]] == f"messages of {node}"
            crossed += ends[0][1] != ends[1][1]
    assert crossed > 100


def test_slices_of_a_track_are_apart_or_inside_each_other_so_that_none_is_dropped(
    with_messages: tuple[list[Event], dict[str, Any]],
) -> None:
    tracks: dict[tuple[int, int], list[int]] = {}
    for event in with_messages[0]:
        if event["ph"] == "X":
            assert event["dur"] == 0.001
            nanoseconds = round(event["ts"] * 1000)
            assert event["ts"] * 1000 == pytest.approx(nanoseconds)
            tracks.setdefault((event["pid"], event["tid"]), []).append(nanoseconds)
    assert any(len(set(starts)) < len(starts) for starts in tracks.values())  # some are inside


def test_noting_messages_leaves_the_run_as_it_is(tmp_path: Path) -> None:
    run(tmp_path, "ownership+pull", "--timeline-messages", "0us,10us")
    before = [(tmp_path / "run" / n).read_bytes() for n in ("stats.txt", "migration.json")]
    run(tmp_path, "ownership+pull")
    assert [(tmp_path / "run" / n).read_bytes() for n in ("stats.txt", "migration.json")] == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("5us", "not START,END or START,END,MOST"),
        ("5us,2us", "ends before it has begun"),
        ("0us,2us,0", "0 messages at most"),
        ("0us,2us,many", "not START,END or START,END,MOST"),
        ("0us,2parsec", "2parsec"),
    ],
)
def test_a_window_that_cannot_be_is_refused_with_the_reason(
    text: str, said: str, tmp_path: Path
) -> None:
    options = (*TINY, "--timeline-messages", text, "--outdir", tmp_path / "run")
    done = called("configs/migrate.py", *options)
    assert done.returncode == 2
    assert "option --timeline-messages" in done.stderr
    assert said in done.stderr
    assert not (tmp_path / "run").exists()


def test_no_more_accesses_are_remote_than_there_are(tmp_path: Path) -> None:
    """Data comes before an access is done, so that a short time may have more of the one."""
    few = ("--workload", "uniform:write_ratio=0.5,shared=1,think=0,footprint=0.1")
    more = ("--machine", "quad", "--borrow", "2:1", "--warmup", "0us", "--window", "150ns")
    options = ("--vm-memory", "64KiB", "--seed", "3", *few, *more)
    events, summary = run(tmp_path, "ignore-shared", *options)
    shares = [e["args"]["value"] for e in events if e.get("name") == "remote accesses (%)"]
    assert max(shares) == 100
    assert summary["vm"]["local-share"]["after"] == 0


def test_the_messages_of_a_window_may_be_very_many() -> None:
    assert parse_message_window("0us,2us").most == 10_000
    assert parse_message_window("1us,2us,20000") == MessageWindow(
        start_ticks=10**6, end_ticks=2 * 10**6, most=20_000
    )
    with pytest.raises(ValueError, match="more than 1,000,000,000 messages"):
        parse_message_window("0us,2us,1000000001")
