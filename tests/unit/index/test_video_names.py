"""Which video a name means."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from contracts.store_samples import new_store, put, video_key
from framedex.errors import UsageError
from framedex.index import Row, Source
from framedex.index.video_names import rows_named


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
    assert [row.video_key for row in rows_named(rows, name, subject="S")] == [video_key(number)]


@pytest.mark.parametrize("name", ["", "ive.mp4", "/dive.mp4", "x/dive.mp4", "a", "mp4"])
def test_what_names_nothing(rows: list[Row], name: str) -> None:
    with pytest.raises(UsageError, match="S: no video"):
        rows_named(rows, name, subject="S")


def test_an_ambiguous_stem(rows: list[Row]) -> None:
    with pytest.raises(UsageError, match=r"S: 'dive' names several videos: /a/dive\.mkv \(key .*; /a/dive\.mp4 \(key"):
        rows_named(rows, "dive", subject="S")


def test_one_video_with_two_grids_is_not_ambiguous(rows: list[Row]) -> None:
    twice = [rows[2], dataclasses.replace(rows[2], grid="fps=2")]
    assert rows_named(twice, "run", subject="S") == twice


def test_an_empty_store() -> None:
    with pytest.raises(UsageError, match="the store holds none"):
        rows_named([], "x", subject="S")
