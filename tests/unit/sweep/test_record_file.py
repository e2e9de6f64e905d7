"""Files of records of this version and of earlier ones."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from framedex.errors import StoreError
from framedex.sweep.record_file import read_file
from framedex.sweep.run import parquet_bytes
from record_tables import record


def test_columns_that_came_later_are_empty_in_earlier_records(tmp_path: Path) -> None:
    path = tmp_path / "v.parquet"
    path.write_bytes(parquet_bytes([record(0, "a", written="B. red"), record(0, "b", written="C")]))
    now = read_file(path)
    assert now["written"].to_pylist() == ["B. red", "C"]
    pq.write_table(now.drop_columns(["answer_key", "written"]), path)
    earlier = read_file(path)
    assert earlier.schema == now.schema
    assert earlier["written"].to_pylist() == earlier["answer_key"].to_pylist() == ["", ""]
    pq.write_table(now.drop_columns(["status_detail"]), path)
    with pytest.raises(StoreError, match="column 'status_detail': expected string, got no such column"):
        read_file(path)
