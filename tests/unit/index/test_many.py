"""Many indexes: in order, each open while it is worked on, few at a time, and let go of whatever happens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from contracts.store_samples import new_store, put, unit_vectors
from framedex.errors import StoreError, UsageError
from framedex.index import Row, Store, VideoIndex, many
from framedex.index.many import open_many


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return new_store(tmp_path / "S")


@pytest.fixture
def rows(store: Store) -> list[Row]:
    return [put(store, number, n=2 + number) for number in range(7)]


def is_open(index: VideoIndex) -> bool:
    try:
        return len(index.vectors) == len(index)
    except UsageError:
        return False


@pytest.mark.parametrize("files", [1, 2, 3, 7, 100])
def test_groups_come_in_order_and_close_behind_one(store: Store, rows: list[Row], files: int) -> None:
    seen: list[VideoIndex] = []
    for group in open_many(store, rows, files=files):
        assert len(group) == min(files, len(rows) - len(seen))
        assert all(map(is_open, group))
        assert not any(map(is_open, seen))
        for index in group:
            number = len(seen)
            np.testing.assert_array_equal(index.vectors, unit_vectors(2 + number, seed=number).astype(np.float16))
            seen.append(index)
    assert [index.row for index in seen] == rows
    assert not any(map(is_open, seen))


def test_groups_are_bounded_in_bytes_and_a_larger_file_is_a_group(
    store: Store, rows: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = rows[0].nbytes + rows[1].nbytes
    monkeypatch.setattr(many, "GROUP_NBYTES", limit)
    assert rows[-1].nbytes < limit < rows[1].nbytes + rows[2].nbytes
    assert [len(group) for group in open_many(store, rows)] == [2, 1, 1, 1, 1, 1]
    monkeypatch.setattr(many, "GROUP_NBYTES", 1)
    assert [len(group) for group in open_many(store, rows)] == [1] * 7


def test_no_rows_are_no_groups(store: Store) -> None:
    assert list(open_many(store, [])) == []


def test_who_stops_early_leaves_nothing_open(store: Store, rows: list[Row]) -> None:
    groups = open_many(store, rows, files=2)
    first = next(groups)
    groups.close()
    assert not any(map(is_open, first))


def test_a_missing_file_is_named_when_its_group_is_due_and_nothing_stays_open(store: Store, rows: list[Row]) -> None:
    rows[5].place.index_path(store.path).unlink()
    given: list[VideoIndex] = []
    groups = open_many(store, rows, files=2)
    given += next(groups) + next(groups)
    with pytest.raises(StoreError, match="the row is there, the index file is not"):
        next(groups)
    assert [index.row for index in given] == rows[:4]
    assert not any(map(is_open, given))
