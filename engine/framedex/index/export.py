"""Export: a store's vectors in the layouts of clip-retrieval and embedding-reader, and of BOLT.

`npy`: `img_emb/img_emb_<i>.npy` and, row for row, `metadata/metadata_<i>.parquet`. `parquet`: `embeddings_<i>.parquet` with the
same columns and the vectors as the list column `embedding`. Numbers have leading zeros, so that names sort as numbers do.
`bolt`: one `<stem>.npy` for each video.
`export.json`, written last, says what the folder holds.

Source: the folder conventions of clip-retrieval's `clip_inference` output, read by embedding-reader with
`file_format="parquet_npy"` and `"parquet"`; the columns of the metadata are ours.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from framedex.errors import StoreError, UsageError
from framedex.index.faiss_file import Dtype
from framedex.index.row import Row
from framedex.index.store import Store
from framedex.index.strict_json import json_bytes, parse_json
from framedex.index.whole_file import read_whole, storage_error

ROWS_PER_SHARD: Final = 1_000_000

_FORMAT: Final = "framedex-export"
_ROWS_PER_GROUP: Final = 8192
_NUMPY_DTYPES: Final[dict[Dtype, np.dtype[Any]]] = {"f16": np.dtype("<f2"), "f32": np.dtype("<f4")}
_METADATA: Final = pa.schema(
    [
        ("video_key", pa.string()),
        ("path", pa.string()),
        ("pts_us", pa.int64()),
        ("time_s", pa.float64()),
        ("encoder_key", pa.string()),
        ("grid", pa.string()),
    ]
)
_EMBEDDED: Final = _METADATA.append(pa.field("embedding", pa.list_(pa.float32())))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What an export wrote; also the content of its `export.json`.

    Attributes:
        kind: "npy", "parquet" or "bolt".
        encoder_key: whose vectors.
        grid: which frames.
        dtype: of the vectors as written.
        dim: of the vectors.
        n_videos: exported.
        n_frames: exported.
        n_shards: numbered files, or pairs of files.
        files: names below the folder, sorted.
    """

    kind: Literal["npy", "parquet", "bolt"]
    encoder_key: str
    grid: str
    dtype: Dtype
    dim: int
    n_videos: int
    n_frames: int
    n_shards: int
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """Consecutive frames of one video, and the columns that describe them."""

    vectors: NDArray[Any]
    metadata: pa.Table


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shard:
    """What goes into one file; the pieces are read as they are asked for."""

    number: str
    count: int
    pieces: Iterator[_Piece]


_WriteShard = Callable[[Path, _Shard], list[str]]


def export_npy(
    store: Store,
    out: Path,
    *,
    encoder: str | None = None,
    grid: str | None = None,
    dtype: Dtype | None = None,
    rows_per_shard: int = ROWS_PER_SHARD,
) -> ExportReport:
    """Write vectors as `.npy` files beside Parquet metadata in the same row order.

    Args:
        store: what to export, videos in the order of `Store.videos`.
        out: new or empty folder, or an earlier export, which is replaced.
        encoder: key or name; needed only where the store holds several.
        grid: name; needed only where the store holds several.
        dtype: of the vectors; None leaves them as stored ("f32" where the store mixes both).
        rows_per_shard: most frames in one file.

    Raises:
        UsageError: nothing to export, several encoders or grids and none chosen, or `out` holds something else.
        StoreError: a file of the store breaks docs/format.md.
        StorageError: the file system refused; `out` is as before.
    """
    rows = _rows(store, encoder, grid)
    stored: set[Dtype] = {row.dtype for row in rows}
    written: Dtype = dtype or ("f32" if len(stored) > 1 else stored.pop())
    out_dtype, dim = _NUMPY_DTYPES[written], rows[0].dim

    def write(folder: Path, shard: _Shard) -> list[str]:
        names = [f"img_emb/img_emb_{shard.number}.npy", f"metadata/metadata_{shard.number}.parquet"]
        for name in names:
            (folder / name).parent.mkdir(exist_ok=True)
        header = {"descr": out_dtype.str, "fortran_order": False, "shape": (shard.count, dim)}
        with (folder / names[0]).open("xb") as file, _GroupedWriter(folder / names[1], _METADATA) as metadata:
            np.lib.format.write_array_header_1_0(file, header)
            for piece in shard.pieces:
                file.write(piece.vectors.astype(out_dtype).tobytes())
                metadata.write(piece.metadata)
        return names

    return _export(store, rows, out, kind="npy", dtype=written, shards=_shards(rows, rows_per_shard), write=write)


def export_parquet(
    store: Store,
    out: Path,
    *,
    encoder: str | None = None,
    grid: str | None = None,
    rows_per_shard: int = ROWS_PER_SHARD,
) -> ExportReport:
    """Write Parquet files that hold vectors, as float32 lists, and metadata; arguments and errors are those of `export_npy`."""

    def write(folder: Path, shard: _Shard) -> list[str]:
        name = f"embeddings_{shard.number}.parquet"
        with _GroupedWriter(folder / name, _EMBEDDED) as table:
            for piece in shard.pieces:
                flat = pa.array(piece.vectors.astype(np.float32).reshape(-1))
                offsets = pa.array(np.arange(len(piece.vectors) + 1, dtype=np.int32) * piece.vectors.shape[1])
                table.write(piece.metadata.append_column("embedding", pa.ListArray.from_arrays(offsets, flat)))
        return [name]

    rows = _rows(store, encoder, grid)
    return _export(store, rows, out, kind="parquet", dtype="f32", shards=_shards(rows, rows_per_shard), write=write)


def export_bolt(store: Store, out: Path, *, encoder: str | None = None, grid: str | None = None) -> ExportReport:
    """Write a `<stem>.npy` for each video, as BOLT's features are: [T, C], of grid `fps=k` the frame at i / k seconds in row i.

    Where several points of the grid have one frame, its vector stands as often. Arguments and errors are those of `export_npy`.

    Raises:
        UsageError: also another grid, or two videos of one stem.

    Source: sming256/BOLT, `extract_feature.py`. Its rows are of the frames nearest to i / k seconds, up to the last whole second;
    ours of the last frame at or before, up to the last frame. Its features are no unit vectors.
    """
    rows = _rows(store, encoder, grid)
    stems = [Path(row.source.path).stem for row in rows]
    if not rows[0].grid.startswith("fps="):
        raise UsageError(
            f"{store.path}: BOLT's features are so many a second, and {rows[0].grid} is not; export a grid fps=…"
        )
    stem, times = Counter(stems).most_common(1)[0]
    if times > 1:
        raise UsageError(f"{store.path}: BOLT knows videos by their stem, and {times} are called {stem!r}; use npy")

    def write(folder: Path, shard: _Shard) -> list[str]:
        row, name = rows[int(shard.number)], f"{stems[int(shard.number)]}.npy"
        (piece,) = shard.pieces
        at = _frames_of_points(row, piece.metadata["pts_us"].to_numpy())
        np.save(folder / name, piece.vectors[at].astype(_NUMPY_DTYPES[row.dtype]))
        return [name]

    dtype: Dtype = "f32" if any(row.dtype == "f32" for row in rows) else "f16"
    return _export(
        store, rows, out, kind="bolt", dtype=dtype, shards=[[(row, 0, row.count)] for row in rows], write=write
    )


def _frames_of_points(row: Row, pts_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """The frame of each point of a grid of so many a second, duplicates as often as they stand."""
    if not row.decode.collapsed_points:
        return np.arange(row.count)
    # "fps=0.5", or "fps=30000_1001" for a rate without a finite decimal.
    period_us = 1_000_000 / Fraction(row.grid.removeprefix("fps=").replace("_", "/"))
    # Both timestamps are rounded to microseconds, which may be one apart.
    points_us = [row.time_origin_us + int(point * period_us) + 1 for point in range(row.decode.grid_points)]
    at = np.searchsorted(pts_us, points_us, side="right") - 1
    if not np.array_equal(np.unique(at), np.arange(row.count)):
        raise StoreError(f"{row.source.path}: its frames are not those of {row.grid}; index it again")
    return at


class _GroupedWriter:
    """A Parquet file written in row groups of a useful size, however small the tables that come."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(path, schema)
        self._waiting: list[pa.Table] = []

    def write(self, table: pa.Table) -> None:
        self._waiting.append(table)
        if sum(len(each) for each in self._waiting) >= _ROWS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting).combine_chunks())
            self._waiting = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._writer:
            self._flush()


def _rows(store: Store, encoder: str | None, grid: str | None) -> list[Row]:
    rows = store.videos(encoder=encoder, grid=grid)
    if not rows:
        wanted = f" with encoder {encoder or 'any'} and grid {grid or 'any'}" if encoder or grid else ""
        raise UsageError(f"{store.path}: holds no video{wanted}; nothing to export")
    for option, values in (("encoder", {row.encoder_key for row in rows}), ("grid", {row.grid for row in rows})):
        if len(values) > 1:
            raise UsageError(
                f"{store.path}: holds several {option}s: {', '.join(sorted(values))}; choose one with --{option}"
            )
    return rows


def _export(
    store: Store,
    rows: list[Row],
    out: Path,
    *,
    kind: Literal["npy", "parquet", "bolt"],
    dtype: Dtype,
    shards: list[list[tuple[Row, int, int]]],
    write: _WriteShard,
) -> ExportReport:
    _check_replaceable(out)
    building = out.absolute().parent / f".{out.name}.{os.getpid()}.tmp"
    replaced = building.with_suffix(".old")
    files: list[str] = []
    try:
        building.mkdir(parents=True)
        for i, parts in enumerate(shards):
            number = f"{i:0{len(str(len(shards) - 1))}d}"
            count = sum(stop - start for _, start, stop in parts)
            files += write(building, _Shard(number=number, count=count, pieces=_pieces(store, parts)))
        report = ExportReport(
            kind=kind,
            encoder_key=rows[0].encoder_key,
            grid=rows[0].grid,
            dtype=dtype,
            dim=rows[0].dim,
            n_videos=len(rows),
            n_frames=sum(row.count for row in rows),
            n_shards=len(shards),
            files=tuple(sorted(files)),
        )
        (building / "export.json").write_bytes(json_bytes({"format": _FORMAT, "version": 1, **asdict(report)}))
        if out.exists():
            out.rename(replaced)
        building.rename(out)
    except OSError as error:
        if replaced.exists() and not out.exists():
            replaced.rename(out)
        raise storage_error("export", out, error) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    shutil.rmtree(replaced, ignore_errors=True)
    return report


def _shards(rows: list[Row], rows_per_shard: int) -> list[list[tuple[Row, int, int]]]:
    """Which frames (row, start, stop) go into which file: full files, then the rest."""
    if rows_per_shard < 1:
        raise UsageError(f"rows per shard: expected 1 or more, got {rows_per_shard}")
    shards: list[list[tuple[Row, int, int]]] = []
    room = 0
    for row in rows:
        start = 0
        while start < row.count:
            if room == 0:
                shards.append([])
                room = rows_per_shard
            stop = min(row.count, start + room)
            shards[-1].append((row, start, stop))
            room -= stop - start
            start = stop
    return shards


def _pieces(store: Store, parts: list[tuple[Row, int, int]]) -> Iterator[_Piece]:
    for row, start, stop in parts:
        with store.open_row(row) as index:
            part = slice(start, stop)
            count = stop - start
            # A path that is no UTF-8 cannot stand in Parquet: its odd bytes are written as \xNN.
            path = os.fsencode(row.source.path).decode("utf-8", "backslashreplace")
            columns = {
                "video_key": [row.video_key] * count,
                "path": [path] * count,
                "pts_us": index.pts_us[part],
                "time_s": index.times_s[part],
                "encoder_key": [row.encoder_key] * count,
                "grid": [row.grid] * count,
            }
            yield _Piece(vectors=index.vectors[part], metadata=pa.table(columns, schema=_METADATA))


def _check_replaceable(out: Path) -> None:
    """Refuse a folder that holds anything but an earlier export."""
    if not out.exists():
        return
    if not out.is_dir():
        raise UsageError(f"{out}: expected a folder, got a file; name a new folder")
    held = {str(path.relative_to(out)) for path in out.rglob("*") if not path.is_dir()}
    if held - _exported_files(out / "export.json"):
        raise UsageError(f"{out}: the folder holds files that no earlier export wrote; name a new or empty folder")


def _exported_files(marker: Path) -> set[str]:
    """The files that an earlier export wrote, its `export.json` included; empty where that is not one of ours."""
    try:
        described = parse_json(str(marker), read_whole(marker))
    except (FileNotFoundError, StoreError):
        return set()
    if not isinstance(described, dict) or described.get("format") != _FORMAT:
        return set()
    files = described.get("files")
    return {marker.name, *map(str, files)} if isinstance(files, list) else set()
