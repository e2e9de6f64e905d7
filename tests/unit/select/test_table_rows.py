"""A Parquet file's rows are frames of the index, each once, or the file is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from framedex.errors import UsageError
from framedex.index import Store
from framedex.select.formats import read_selections
from framedex.select.records import SCHEMA
from indexed_samples import indexed


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Videos of 5, 9 and 3 frames."""
    with indexed(tmp_path_factory.mktemp("rows") / "S") as (store, _):
        return store


def entry(
    rows: Any, question_id: str = "q", video_key: str = "elsewhere", grid: str = "fps=1", **more: Any
) -> dict[str, Any]:
    texts = dict.fromkeys(("variant", "encoder_key", "transform", "sampler"), "x") | {"params": "{}"}
    numbers = {"budget": 3, "seed": 0, "pts_us": rows, "scores": None}
    return {**texts, **numbers, "video_key": video_key, "grid": grid, "question_id": question_id, "rows": rows, **more}


def written(path: Path, entries: list[dict[str, Any]], **how: Any) -> Path:
    pq.write_table(pa.Table.from_pylist(entries, schema=SCHEMA), path, **how)
    return path


def nine(store: Store) -> str:
    return next(row.video_key for row in store.videos() if row.count == 9)


def test_rows_that_hold(store: Store, tmp_path: Path) -> None:
    key = nine(store)
    good = [
        entry([0, 8], video_key=key),
        entry([], video_key=key),
        entry([3]),
        entry([1, 999]),
        entry([0], video_key=key),
    ]
    path = written(tmp_path / "s.parquet", good, row_group_size=2)
    for of in (None, store):
        assert read_selections(path, of).table["rows"].to_pylist() == [each["rows"] for each in good]
    empty = written(tmp_path / "none.parquet", [])
    assert len(read_selections(empty, store).table) == 0


@pytest.mark.parametrize("rows", [[999, 5, 5], [5, 5], [5, 4], [-1, 2], [0, None], None])
@pytest.mark.parametrize("before", [0, 3])
def test_rows_that_are_none_with_a_store_or_without(store: Store, tmp_path: Path, rows: Any, before: int) -> None:
    entries = [entry([9], "good")] * before + [entry(rows, "bad", pts_us=[0, 1]), entry([0], "good")]
    path = written(tmp_path / "s.parquet", entries, row_group_size=2)
    for of in (None, store):
        with pytest.raises(UsageError, match=r"s.parquet: question 'bad': rows: expected rows from 0, each larger"):
            read_selections(path, of)


def test_rows_beyond_the_index(store: Store, tmp_path: Path) -> None:
    path = written(tmp_path / "s.parquet", [entry([8], video_key=nine(store)), entry([2, 9], "b", nine(store))])
    with pytest.raises(
        UsageError, match=r"question 'b': rows: expected rows from 0 below 9, .*, got \[2, 9\] with pts_us"
    ):
        read_selections(path, store)
    assert len(read_selections(path).table) == 2


@pytest.mark.parametrize("pts_us", [[1], [1, 2, 3], None])
def test_a_row_has_one_timestamp(tmp_path: Path, pts_us: Any) -> None:
    path = written(tmp_path / "s.parquet", [entry([1, 2], pts_us=pts_us)])
    with pytest.raises(UsageError, match="and as many pts_us, got"):
        read_selections(path)
