"""The store in both dtypes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contracts.store_samples import encoder_entry, new_store, put, unit_vectors, video_key
from contracts.store_suite import StoreSuite
from framedex.errors import StoreError, UsageError
from framedex.index import Source, Store


class TestHalves(StoreSuite):
    dtype = "f16"


class TestFloats(StoreSuite):
    dtype = "f32"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return new_store(tmp_path / "S", "one", "two")


def test_encoder_and_grid_are_needed_only_where_several_exist(store: Store) -> None:
    put(store, 0, encoder="one")
    assert store["clip0"].row.encoder_key == encoder_entry("one").key
    put(store, 0, encoder="two")
    one, two = sorted((encoder_entry("one").key, encoder_entry("two").key))
    with pytest.raises(UsageError, match=rf"with several encoders, {one}, {two}; choose one with --encoder$"):
        store["clip0"]
    for name in ("two", encoder_entry("two").key):
        assert store.view("clip0", encoder=name).row.encoder_key == encoder_entry("two").key
    put(store, 0, encoder="two", grid="fps=0.5")
    with pytest.raises(UsageError, match=r"with several grids, fps=0\.5, fps=1; choose one with --grid$"):
        store.view("clip0", encoder="two")
    assert store.view("clip0", encoder="two", grid="fps=0.5").row.grid == "fps=0.5"
    assert store.view("clip0", grid="fps=0.5").row.encoder_key == encoder_entry("two").key


def test_unknown_encoder_and_grid_list_what_there_is(store: Store) -> None:
    put(store, 0, encoder="one")
    with pytest.raises(UsageError, match="no encoder 'tow'; exists: one, two; did you mean 'two'"):
        store.view("clip0", encoder="tow")
    with pytest.raises(UsageError, match="not indexed with grid 'fps=2'; exists: fps=1"):
        store.view("clip0", grid="fps=2")


def test_two_encoders_of_one_name_are_told_apart_by_key(store: Store) -> None:
    other = encoder_entry("one", dim=24)
    store.add_encoder(other)
    with pytest.raises(UsageError, match=f"2 encoders are named 'one': .*{other.key}"):
        store.videos(encoder="one")
    assert store.videos(encoder=other.key) == []


def test_an_ambiguous_name_lists_paths_and_keys(store: Store) -> None:
    put(store, 1, encoder="one", source=Source(path="/a/dive.mp4", nbytes=1))
    put(store, 2, encoder="one", source=Source(path="/b/dive.mkv", nbytes=1))
    with pytest.raises(UsageError, match=rf"/a/dive\.mp4 \(key {video_key(1)}\); /b/dive\.mkv \(key {video_key(2)}\)"):
        store["dive"]
    assert store["dive.mkv"].row.video_key == video_key(2)


def test_encoders_and_grids(store: Store) -> None:
    put(store, 0, encoder="one", grid="fps=30000_1001")
    put(store, 1, encoder="two", grid="fps=1")
    assert [entry.name for entry in store.encoders()] == ["one", "two"]
    assert store.encoder(encoder_entry("two").key) == encoder_entry("two")
    assert store.grids() == ["fps=1", "fps=30000_1001"]
    assert store.grids("two") == ["fps=1"]
    assert store.keys("one", "fps=30000_1001") == {video_key(0)}
    assert store.keys("one", "fps=1") == set()
    assert [row.video_key for row in store.videos(grid="fps=1")] == [video_key(1)]


def test_a_row_of_a_missing_encoder_file_is_an_error(store: Store) -> None:
    (store.path / "encoders" / f"{encoder_entry('one').key}.json").unlink()
    with pytest.raises(StoreError, match="missing; index one video"):
        store.encoder(encoder_entry("one").key)


def test_adding_an_encoder_again_keeps_the_first_file(store: Store) -> None:
    path = store.path / "encoders" / f"{encoder_entry('one').key}.json"
    before = path.stat().st_mtime_ns, path.read_bytes()
    store.add_encoder(encoder_entry("one"))
    assert (path.stat().st_mtime_ns, path.read_bytes()) == before


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"first_pts_us": 50_000}, "expected frames within 50000 to"),
        ({"last_pts_us": 1_000_000}, "to 1000000 µs, got frames from 40000 to 4040000"),
        ({"vectors": unit_vectors(0)}, "got no frame"),
        ({"grid": "../x"}, "grid: expected a name such as fps=1"),
        ({"video_key": "../../etc"}, "video_key: expected 32"),
        ({"reused_frames": 6}, "reused_frames: expected 0 to 5, got 6"),
    ],
)
def test_arguments_that_make_no_row_write_nothing(store: Store, changed: dict[str, Any], sentence: str) -> None:
    before = sorted(store.path.rglob("*"))
    with pytest.raises(ValueError, match=sentence):
        put(store, encoder="one", **changed)
    assert sorted(store.path.rglob("*")) == before
