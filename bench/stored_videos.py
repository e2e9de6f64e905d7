"""Stores of synthetic videos for benches: real index files and rows of random unit vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from framedex.contracts import Vectors
from framedex.index import DecodeCounts, EncoderEntry, Row, Source, Store, VideoFacts
from framedex.index.faiss_file import index_bytes
from framedex.keys import Json, json_key

GRID = "fps=1"
#: Rows that videos take their frames from.
_POOL = 1 << 14


def unit_rows(n: int, dim: int, *, seed: int) -> Vectors:
    """Random unit vectors: float32 (n, dim)."""
    rows = np.random.Generator(np.random.Philox(key=seed)).standard_normal((n, dim), dtype=np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def write_store(path: Path, counts: Sequence[int], dim: int, *, entry: EncoderEntry | None = None) -> Store:
    """A store of one video per count, of so many frames each; of an encoder called "random" where no entry is given.

    `Store.put` waits for the disk twice per video, which would take most of a bench's time and is timed elsewhere; bytes and
    places are the same.
    """
    store = Store.open(path, create=True)
    identity: dict[str, Json] = {"name": "random", "dim": dim}
    if entry is None:
        entry = EncoderEntry(key=json_key(identity), name="random", dim=dim, artefact="random", identity=identity)
    store.add_encoder(entry)
    pool = unit_rows(_POOL + max(counts), dim, seed=1)
    first = np.random.Generator(np.random.Philox(key=2)).integers(0, _POOL, len(counts))
    for number, (start, count) in enumerate(zip(first.tolist(), counts, strict=True)):
        row, data = _video(number, pool[start : start + count], entry.key)
        for place, content in (
            (row.place.index_path(path), data),
            (row.place.row_path(path), row.to_json()),
        ):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    return store


def ragged(n_videos: int, least: int, most: int) -> list[int]:
    """Numbers of frames between two bounds, seeded."""
    counts: list[int] = np.random.Generator(np.random.Philox(key=3)).integers(least, most + 1, n_videos).tolist()
    return counts


def _video(number: int, vectors: Vectors, encoder_key: str) -> tuple[Row, memoryview]:
    n = len(vectors)
    pts_us = np.arange(n, dtype=np.int64) * 1_000_000
    data = index_bytes(pts_us, vectors, "f16")
    row = Row(
        video_key=json_key(["synthetic", number]),
        encoder_key=encoder_key,
        grid=GRID,
        dtype="f16",
        source=Source(path=f"/videos/{number}.mp4", nbytes=1 + number),
        checksum=hashlib.sha256(data).hexdigest(),
        nbytes=len(data),
        count=n,
        dim=vectors.shape[1],
        first_pts_us=0,
        last_pts_us=int(pts_us[-1]),
        timing="container",
        video=VideoFacts(container="mov,mp4", codec="h264", width=1280, height=720, rotation_deg=0),
        decode=DecodeCounts(decoded_frames=n, damaged_frames=0, grid_points=n, collapsed_points=0),
        reused_frames=0,
        provenance={"made by": "bench"},
    )
    return row, data
