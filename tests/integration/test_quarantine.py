"""The quarantine as its users meet it: what holds, what is tried again, and what is forgotten."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cli import Ran, framedex, ok
from framedex.index import Store
from framedex.index.quarantine import QuarantineEntry
from small_world import SmallWorld

ENCODER = ("--encoder", "micro-siglip")


@pytest.fixture
def clips(world: SmallWorld, tmp_path: Path) -> Path:
    """A good clip and one that is cut short."""
    folder = tmp_path / "clips"
    folder.mkdir()
    shutil.copy(world.clips[0], folder / "good.mp4")
    (folder / "cut.mp4").write_bytes(world.clips[1].read_bytes()[:-500])
    return folder


def index(clips: Path, *options: object) -> Ran:
    folder = clips if clips.is_dir() else clips.parent
    return framedex("index", clips, "--store", folder.parent / "S", *ENCODER, *options)


def entries(clips: Path) -> list[QuarantineEntry]:
    return Store.open(clips.parent / "S").quarantine.list()


def test_a_video_that_failed_is_not_tried_again_until_something_changes(clips: Path) -> None:
    assert index(clips).code == 1
    again = index(clips, "--json")
    assert again.code == 1
    (held,) = again.json()["quarantined"]
    assert not held["tried"]
    assert held["reason"].startswith(f"as before: {clips / 'cut.mp4'}: the file is cut short")
    assert [entry.attempts for entry in entries(clips)] == [1]
    changes: list[tuple[Any, ...]] = [
        ("--retry",),
        ("--fps", 2),
        ("--time-limit", 100),
        ("--fps", 2, "--stall-limit", 9),
    ]
    for attempts, change in enumerate(changes, start=2):
        (failed,) = index(clips, *change, "--json").json()["quarantined"]
        assert failed["tried"]
        assert [entry.attempts for entry in entries(clips)] == [attempts]
    # What the decode does not depend on changes nothing.
    (held,) = index(clips, *changes[-1], "--dtype", "f32", "--threads", 1, "--json").json()["quarantined"]
    assert not held["tried"]


def test_an_input_without_content_is_always_tried(clips: Path) -> None:
    (clips / "cut.mp4").unlink()
    (clips / "none.mp4").touch()
    for attempts in (1, 2):
        assert index(clips).code == 1
        assert [entry.attempts for entry in entries(clips)] == [attempts]


def test_a_mended_file_leaves_the_quarantine(clips: Path, world: SmallWorld) -> None:
    index(clips)
    shutil.copy(clips / "cut.mp4", clips / "copy.mp4")
    index(clips, "--retry")
    shutil.copy(world.clips[1], clips / "cut.mp4")
    (clips / "copy.mp4").unlink()
    assert index(clips).code == 0
    assert [entry.paths for entry in entries(clips)] == [(str(clips / "copy.mp4"),)]
    shutil.copy(world.clips[1], clips / "copy.mp4")
    assert index(clips).code == 0
    assert entries(clips) == []


def test_a_file_that_fails_for_another_reason_has_one_entry(clips: Path) -> None:
    index(clips)
    (clips / "cut.mp4").write_text("no longer a video")
    index(clips)
    (entry,) = entries(clips)
    assert (entry.error, entry.attempts) == ("NotAVideo", 1)


def test_the_list(clips: Path) -> None:
    (clips / "text.mp4").write_text("no video")
    index(clips)
    ran = ok("quarantine", clips.parent / "S")
    assert "2 in quarantine" in ran.out
    for name, error in (("cut.mp4", "TruncatedVideo"), ("text.mp4", "NotAVideo")):
        (line,) = [line for line in ran.out.splitlines() if name in line]
        assert line.startswith(error)
    assert "incomplete: copy or download them again" in ran.out
    listed = ok("quarantine", clips.parent / "S", "--json").json()["entries"]
    assert [entry["error"] for entry in listed] == ["NotAVideo", "TruncatedVideo"]
    assert listed[0]["request"]["grids"] == "fps=1"


def test_an_empty_quarantine(world: SmallWorld) -> None:
    assert ok("quarantine", world.store).out == "0 in quarantine\n"
    assert "quarantined       0" in ok("quarantine", world.store, "--retry").out


def test_retry_runs_what_was_asked_for(clips: Path, world: SmallWorld) -> None:
    (clips.parent / "times.txt").write_text("0.5\n1/3\n")
    options = ("--fps", "30000/1001,2", "--count", 4, "--timestamps", clips.parent / "times.txt", "--dtype", "f32")
    assert index(clips, *options).code == 1
    assert framedex("quarantine", clips.parent / "S", "--retry").code == 1
    assert [entry.attempts for entry in entries(clips)] == [2]
    assert entries(clips)[0].request["times"] == "1/3 1/2"
    shutil.copy(world.clips[1], clips / "cut.mp4")
    result = ok("quarantine", clips.parent / "S", "--retry", "--json").json()
    assert [entry["grid"] for entry in result["indexed"]][:3] == ["fps=30000_1001", "fps=2", "count=4"]
    assert len(result["indexed"]) == 4
    assert entries(clips) == []
    store = Store.open(clips.parent / "S")
    assert {row.dtype for row in store.videos()} == {"f32"}
    assert {len(store.videos(grid=grid)) for grid in store.grids()} == {2}


def test_retry_with_more_time(clips: Path) -> None:
    """One that would go on for ever, and after the first attempt no longer does."""
    shutil.copy(clips / "good.mp4", clips / "bad.mp4")
    with (clips / "bad.mp4").open("ab") as file:  # another content
        file.write(bytes((0, 0, 0, 8)) + b"free")
    (clips / "cut.mp4").unlink()
    assert index(clips, "--decoder", "bad_decoders:hangs", "--stall-limit", 1).code == 1
    assert entries(clips)[0].request["stall_limit"] == "1"
    (clips / "bad.mp4").rename(clips / "fine.mp4")
    result = ok("index", clips, "--store", clips.parent / "S", *ENCODER, "--json").json()
    assert [Path(entry["path"]).name for entry in result["indexed"]] == ["fine.mp4"]
    assert entries(clips) == []


def test_entries_of_version_1_are_read_and_hold_nothing_back(clips: Path) -> None:
    index(clips)
    (path,) = (clips.parent / "S" / "quarantine").iterdir()
    value = json.loads(path.read_text())
    assert value["version"] == 2
    del value["request"]
    path.write_text(json.dumps(value | {"version": 1}))
    ok("verify", clips.parent / "S")
    ran = ok("quarantine", clips.parent / "S", "--retry")
    assert "1 entries do not say what was asked for" in ran.err
    (failed,) = index(clips, "--json").json()["quarantined"]
    assert failed["tried"]
    assert entries(clips)[0].attempts == 2


def test_a_damaged_entry_is_named_and_the_others_are_listed(clips: Path) -> None:
    (clips / "text.mp4").write_text("no video")
    index(clips)
    path = min((clips.parent / "S" / "quarantine").iterdir())
    path.write_text("{")
    ran = ok("quarantine", clips.parent / "S")
    assert str(path) in ran.err
    assert "1 in quarantine" in ran.out
    assert framedex("quarantine", clips.parent / "S", "--retry").code == 1


def test_an_encoder_that_is_gone_is_said(clips: Path) -> None:
    index(clips)
    (path,) = (clips.parent / "S" / "quarantine").iterdir()
    value = json.loads(path.read_text())
    value["request"]["encoder"] = "0" * 32
    path.write_text(json.dumps(value))
    ran = framedex("quarantine", clips.parent / "S", "--retry")
    assert ran.code == 4
    assert "encoders" in ran.err
    assert framedex("quarantine", clips.parent / "S", "--retry", *ENCODER).code == 1


def test_a_summary_of_many_failures_is_grouped(clips: Path) -> None:
    for number in range(15):
        (clips / f"text-{number:02}.mp4").write_text(f"no video {number}")
    ran = index(clips)
    assert "NotAVideo, 15: no videos, empty, or unreadable" in ran.out
    assert f"… and 5 more: framedex quarantine {clips.parent / 'S'}" in ran.out
    assert "TruncatedVideo, 1: incomplete" in ran.out
    again = index(clips)
    assert "16  (16 of them as before, and not tried" in again.out


def test_every_path_of_the_same_bytes_is_listed(clips: Path) -> None:
    shutil.copy(clips / "cut.mp4", clips / "copy.mp4")
    assert index(clips).code == 1
    (entry,) = entries(clips)
    assert [Path(path).name for path in entry.paths] == ["copy.mp4", "cut.mp4"]
    assert entry.attempts == 1
    (clips / "copy.mp4").unlink()
    again = framedex("quarantine", clips.parent / "S", "--retry", "--json").json()
    assert [Path(failed["path"]).name for failed in again["quarantined"]] == ["cut.mp4"]


def test_what_is_no_longer_there_is_dropped_by_a_retry(clips: Path) -> None:
    index(clips)
    (clips / "cut.mp4").unlink()
    ran = ok("quarantine", clips.parent / "S", "--retry")
    assert "entries of files that are no longer there, dropped: 1" in ran.err
    assert entries(clips) == []


def test_a_grid_that_fails_costs_no_other_grid(clips: Path, tmp_path: Path) -> None:
    (tmp_path / "times.txt").write_text("1\n500\n600\n")
    ran = index(clips / "good.mp4", "--fps", 1, "--timestamps", tmp_path / "times.txt", "--json")
    assert ran.code == 1
    result = ran.json()
    assert [entry["grid"] for entry in result["indexed"]] == ["fps=1"]
    (failed,) = result["quarantined"]
    assert failed["error"] == "OutsideVideo"
    assert "2 of the times asked for (500 s is the first) lie past its last frame" in failed["reason"]
    (entry,) = entries(clips)
    assert entry.error == "OutsideVideo"
