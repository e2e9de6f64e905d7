"""Which video a name means."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from contracts.store_samples import new_store, put, video_key
from framedex.errors import UsageError
from framedex.index import Row, Source
from framedex.index.video_names import VideoNames
from framedex.keys import sha256_file


@pytest.fixture
def rows(tmp_path: Path) -> list[Row]:
    row = put(new_store(tmp_path / "S"))
    paths = ["/a/dive.mp4", "/a/dive.mkv", "/b/run.mp4", f"{Path.cwd()}/here.mp4", "/b/frames.v2"]
    return [
        dataclasses.replace(row, video_key=video_key(number), source=Source(path=path, nbytes=1))
        for number, path in enumerate(paths)
    ]


@pytest.mark.parametrize(
    ("name", "number"),
    [
        (video_key(2), 2),
        ("/a/dive.mp4", 0),
        ("a/dive.mkv", 1),
        ("dive.mkv", 1),
        ("run", 2),
        ("here.mp4", 3),
        ("./here.mp4", 3),
        (f"../{Path.cwd().name}/here.mp4", 3),
        ("frames.v2", 4),
    ],
)
def test_names(rows: list[Row], name: str, number: int) -> None:
    assert [row.video_key for row in VideoNames(rows, subject="S").find(name)] == [video_key(number)]


@pytest.mark.parametrize("name", ["", "ive.mp4", "/dive.mp4", "x/dive.mp4", "a", "mp4"])
def test_what_names_nothing(rows: list[Row], name: str) -> None:
    with pytest.raises(UsageError, match="S: no video"):
        VideoNames(rows, subject="S").find(name)


def test_an_ambiguous_stem(rows: list[Row]) -> None:
    with pytest.raises(UsageError, match=r"S: 'dive' names several videos: /a/dive\.mkv \(key .*; /a/dive\.mp4 \(key"):
        VideoNames(rows, subject="S").find("dive")


def test_one_video_with_two_grids_is_not_ambiguous(rows: list[Row]) -> None:
    twice = [rows[2], dataclasses.replace(rows[2], grid="fps=2")]
    assert VideoNames(twice, subject="S").find("run") == twice


def test_an_empty_store() -> None:
    with pytest.raises(UsageError, match="the store holds none"):
        VideoNames([], subject="S").find("x")


def test_a_replaced_file_is_meant_as_it_is_now(rows: list[Row], tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"new content")
    source = Source(path=str(clip), nbytes=11)
    old, new = (
        dataclasses.replace(rows[0], video_key=key, source=source) for key in (video_key(8), sha256_file(clip)[:32])
    )
    names = VideoNames([old, new], subject="S")
    assert names.find("clip") == names.find(str(clip)) == [new]
    assert names.find(old.video_key) == [old]
    clip.unlink()
    with pytest.raises(UsageError, match="names several videos"):
        names.find("clip")


def test_the_first_name_that_means_a_video_counts(rows: list[Row]) -> None:
    names = VideoNames(rows, subject="S")
    assert names.find("/nowhere/run", "run") == [rows[2]]
    with pytest.raises(UsageError, match=r"S: no video 'ran'; .*did you mean 'run'"):
        names.find("/nowhere/ran", "ran")


def test_only_one_grid(rows: list[Row]) -> None:
    names = VideoNames([rows[2], dataclasses.replace(rows[2], grid="fps=2")], subject="S")
    assert names.only("run", grid="fps=2").grid == "fps=2"
    with pytest.raises(UsageError, match=r"is indexed with several grids, fps=1, fps=2; choose one with --grid$"):
        names.only("run")
    with pytest.raises(UsageError, match="not indexed with grid 'fps=3'"):
        names.only("run", grid="fps=3")
