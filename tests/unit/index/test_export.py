"""Exports, read back by the readers that they are for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from embedding_reader import EmbeddingReader

from contracts.store_samples import DIM, encoder_entry, new_store, put, unit_vectors, video_key
from framedex.errors import StorageError, UsageError
from framedex.index import Source, Store
from framedex.index.export import export_npy, export_parquet

COLUMNS = ["video_key", "path", "pts_us", "time_s", "encoder_key", "grid"]
COUNTS = [5, 1, 17]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = new_store(tmp_path / "S")
    for number, n in enumerate(COUNTS):
        put(store, number, n=n)
    return store


def expected_rows() -> list[tuple[str, str, int, float, str, str]]:
    return [
        (video_key(number), f"/videos/clip{number}.mp4", 40_000 + 1_000_000 * i, float(i), encoder_entry().key, "fps=1")
        for number, n in enumerate(COUNTS)
        for i in range(n)
    ]


def expected_vectors() -> np.ndarray:
    return np.concatenate([unit_vectors(n, seed=number).astype(np.float16) for number, n in enumerate(COUNTS)])


@pytest.mark.parametrize("rows_per_shard", [2, 7, 23, 1_000_000])
def test_embedding_reader_reads_the_npy_layout(store: Store, tmp_path: Path, rows_per_shard: int) -> None:
    out = tmp_path / "out"
    report = export_npy(store, out, rows_per_shard=rows_per_shard)
    assert (report.n_videos, report.n_frames, report.n_shards) == (3, 23, -(-23 // rows_per_shard))
    reader = EmbeddingReader(
        str(out / "img_emb"), file_format="parquet_npy", metadata_folder=str(out / "metadata"), meta_columns=COLUMNS
    )
    assert (reader.count, reader.dimension) == (23, DIM)
    ((vectors, metadata),) = reader(batch_size=100, show_progress=False)
    np.testing.assert_array_equal(vectors, expected_vectors().astype(np.float32))
    assert list(metadata[COLUMNS].itertuples(index=False, name=None)) == expected_rows()


@pytest.mark.parametrize("rows_per_shard", [7, 1_000_000])
def test_embedding_reader_reads_the_parquet_layout(store: Store, tmp_path: Path, rows_per_shard: int) -> None:
    out = tmp_path / "out"
    export_parquet(store, out, rows_per_shard=rows_per_shard)
    reader = EmbeddingReader(str(out), file_format="parquet", embedding_column="embedding", meta_columns=COLUMNS)
    assert (reader.count, reader.dimension) == (23, DIM)
    ((vectors, metadata),) = reader(batch_size=100, show_progress=False)
    np.testing.assert_array_equal(vectors, expected_vectors().astype(np.float32))
    assert list(metadata[COLUMNS].itertuples(index=False, name=None)) == expected_rows()


def test_shards_are_named_so_that_they_sort(store: Store, tmp_path: Path) -> None:
    report = export_npy(store, tmp_path / "out", rows_per_shard=2)
    names = sorted(path.name for path in (tmp_path / "out" / "img_emb").iterdir())
    assert names == [f"img_emb_{i:02}.npy" for i in range(12)]
    assert np.concatenate([np.load(tmp_path / "out" / "img_emb" / name) for name in names]).shape == (23, DIM)
    assert json.loads((tmp_path / "out" / "export.json").read_text())["files"] == list(report.files)


@pytest.mark.parametrize(("asked", "written"), [(None, np.float16), ("f16", np.float16), ("f32", np.float32)])
def test_dtype(store: Store, tmp_path: Path, asked: str | None, written: type) -> None:
    export_npy(store, tmp_path / "out", dtype=asked)  # type: ignore[arg-type]
    vectors = np.load(tmp_path / "out" / "img_emb" / "img_emb_0.npy")
    assert vectors.dtype == written
    np.testing.assert_array_equal(vectors, expected_vectors())


def test_a_mixed_store_is_written_in_float32(store: Store, tmp_path: Path) -> None:
    put(store, 3, n=2, dtype="f32")
    assert export_npy(store, tmp_path / "out").dtype == "f32"
    vectors = np.load(tmp_path / "out" / "img_emb" / "img_emb_0.npy")
    np.testing.assert_array_equal(vectors[-2:], unit_vectors(2, seed=3))


def test_an_earlier_export_is_replaced_and_anything_else_is_not(store: Store, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_npy(store, out, rows_per_shard=3)
    export_parquet(store, out)
    assert sorted(path.name for path in out.iterdir()) == ["embeddings_0.parquet", "export.json"]
    (out / "mine.txt").touch()
    with pytest.raises(UsageError, match="holds files that no earlier export wrote"):
        export_npy(store, out)
    assert (out / "embeddings_0.parquet").exists()
    with pytest.raises(UsageError, match="expected a folder, got a file"):
        export_npy(store, out / "mine.txt")
    (tmp_path / "empty").mkdir()
    export_npy(store, tmp_path / "empty")


def test_a_refused_export_leaves_nothing(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot export"):
        export_npy(store, tmp_path / "file" / "out")
    put(store, 9).place.index_path(store.path).unlink()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(Exception, match="the row is there"):
        export_npy(store, tmp_path / "out")
    assert sorted(tmp_path.iterdir()) == before


def test_one_encoder_and_grid_at_a_time(store: Store, tmp_path: Path) -> None:
    put(store, 0, grid="fps=2")
    with pytest.raises(UsageError, match="several grids: fps=1, fps=2; choose one with --grid"):
        export_npy(store, tmp_path / "out")
    assert export_npy(store, tmp_path / "out", grid="fps=2").n_frames == 5
    store.add_encoder(encoder_entry("other"))
    put(store, 0, encoder="other", grid="fps=2")
    with pytest.raises(UsageError, match="several encoders"):
        export_parquet(store, tmp_path / "out", grid="fps=2")
    assert export_parquet(store, tmp_path / "out", encoder="other").encoder_key == encoder_entry("other").key
    with pytest.raises(UsageError, match=r"with encoder any and grid fps=3; nothing to export"):
        export_npy(store, tmp_path / "out", grid="fps=3")


def test_a_path_that_is_no_utf8_is_spelled_out(tmp_path: Path) -> None:
    store = new_store(tmp_path / "S")
    put(store, 0, source=Source(path="/v/\udcff.mp4", nbytes=1))
    export_npy(store, tmp_path / "out")
    table = pq.read_table(tmp_path / "out" / "metadata" / "metadata_0.parquet")
    assert set(table["path"].to_pylist()) == {r"/v/\xff.mp4"}
