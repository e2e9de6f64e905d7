"""The row file."""

from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path
from typing import Any

import pytest

from contracts.store_samples import new_store, put
from framedex.errors import StoreError
from framedex.index import Row, Source


@pytest.fixture
def row(tmp_path: Path) -> Row:
    return put(new_store(tmp_path / "S"))


def test_a_row_comes_back_from_its_file(row: Row) -> None:
    assert Row.from_json("x", row.to_json()) == row
    folder = dataclasses.replace(row, source=Source(path="/frames", nbytes=5, folder_fps="30000/1001"))
    assert Row.from_json("x", folder.to_json()) == folder


def test_a_path_that_is_no_utf8_comes_back(row: Row) -> None:
    odd = dataclasses.replace(row, source=Source(path="/v/\udcff é\n.mp4", nbytes=5))
    assert Row.from_json("x", odd.to_json()) == odd


def test_times_count_from_the_first_frame(row: Row) -> None:
    assert row.time_origin_us == row.first_pts_us == 40_000


MISSING = object()


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("version", 2, "format version 2, this framedex reads version 1"),
        ("version", True, "version: expected an integer"),
        ("video_key", "0" * 31, "video_key: expected 32 lower-case hex digits"),
        ("encoder_key", "G" * 32, "encoder_key: expected 32"),
        ("grid", "fps=1/../..", "grid: expected a name such as fps=1"),
        ("grid", None, "grid: expected a string, got None"),
        ("dtype", "i8", "dtype: expected one of f16, f32, got 'i8'"),
        ("source", [], "source: expected a JSON object"),
        ("source.path", "clip.mp4", "source.path: expected an absolute path"),
        ("source.nbytes", 0, "source.nbytes: expected 1 or more"),
        ("source.folder_fps", 3, "folder_fps: expected a string, got 3"),
        ("checksum", "0" * 63, "checksum: expected 64 hex digits"),
        ("nbytes", 1, "nbytes: 5 vectors of dimension 12 in f16 take 286, got 1"),
        ("count", 0, "count: expected 1"),
        ("count", 6, "nbytes: 6 vectors"),
        ("count", 5.0, "count: expected an integer"),
        ("dim", -1, "dim: expected 1"),
        ("dim", 2**70, "dim: expected an integer of at most 63 bits"),
        ("last_pts_us", 39_999, "last_pts_us: expected first_pts_us 40000 or later, got 39999"),
        ("timing", "guessed", "timing: expected one of container, reconstructed, got 'guessed'"),
        ("video.width", 0, "video.width: expected 1 or more"),
        ("video.rotation_deg", 45, "video.rotation_deg: expected 0, 90, 180 or 270, got 45"),
        ("decode.damaged_frames", -1, "decode.damaged_frames: expected 0 or more"),
        ("decode.damaged_frames", 151, "151 damaged_frames of 150 decoded_frames"),
        ("decode.grid_points", 8, r"grid_points 8 - collapsed_points 2 = 6, but count is 5"),
        ("reused_frames", 6, "reused_frames: expected 0 to 5"),
        ("provenance", {"a": 1}, "provenance: expected an object of strings"),
        ("checksum", MISSING, "expected the keys version, video_key, .*; got checksum missing"),
        ("decode.grid_points", MISSING, "x: decode: expected the keys .*; got grid_points missing"),
        ("colour", "red", "got unknown 'colour'"),
    ],
)
def test_each_way_to_be_wrong_has_its_sentence(row: Row, path: str, value: Any, sentence: str) -> None:
    values = json.loads(row.to_json())
    *parents, name = path.split(".")
    at = values
    for parent in parents:
        at = at[parent]
    if value is MISSING:
        del at[name]
    else:
        at[name] = value
    with pytest.raises(StoreError, match=sentence) as caught:
        Row.from_json("x", json.dumps(values).encode())
    assert str(caught.value).startswith("x: ")


def test_random_damage_is_refused_or_a_valid_row(row: Row) -> None:
    chance = random.Random(3)
    whole = row.to_json()
    refused = 0
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            data[chance.randrange(len(data))] = chance.choice([*b'"{}[],:0-9.eE\\ nt', *range(256)])
        try:
            assert isinstance(Row.from_json("x", bytes(data)), Row)
        except StoreError:
            refused += 1
    assert refused > 200
