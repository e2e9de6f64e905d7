"""Listing: read once, read again where a file was replaced."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from contracts.store_samples import encoder_entry, new_store, put, video_key
from framedex.errors import StoreError
from framedex.index import Store

KEY = encoder_entry().key


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return new_store(tmp_path / "S")


def test_an_open_store_sees_what_others_write_replace_and_delete(store: Store) -> None:
    put(store, 0)
    assert len(store.videos()) == 1
    other = Store.open(store.path)
    put(other, 1)
    assert [row.count for row in store.videos()] == [5, 5]
    row = put(other, 1, n=9)
    assert [row.count for row in store.videos()] == [5, 9]
    row.place.row_path(store.path).unlink()
    assert [row.count for row in store.videos()] == [5]


def test_what_is_no_row_is_passed_over(store: Store) -> None:
    row = put(store)
    folder = row.place.folder(store.path)
    for name in (".x.json.12.tmp", "notes.json", f"{video_key(1)}.json.bak", f"{'f' * 32}.txt"):
        (folder / name).write_text("{")
    (folder.parent / "zz").mkdir()
    (folder.parent / "file").touch()
    (store.path / "index" / "other").mkdir()
    (store.path / "index" / KEY / "not a grid").mkdir()
    assert store.videos() == [row]
    assert store.grids() == ["fps=1"]


def test_a_row_under_another_name_is_refused(store: Store) -> None:
    row = put(store)
    path = row.place.row_path(store.path)
    moved = path.with_name(row.video_key[:2] + "0" * 30 + ".json")
    shutil.copy(path, moved)
    with pytest.raises(StoreError, match="a file was moved or renamed"):
        store.videos()


def test_a_damaged_row_is_named(store: Store) -> None:
    row = put(store)
    row.place.row_path(store.path).write_text("{}")
    with pytest.raises(StoreError, match=rf"{row.video_key}\.json: expected the keys"):
        store.videos()
