"""Small stores for tests: encoders, unit vectors and rows made from a number."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from framedex.contracts import EmbeddingBlock, Pts, Vectors
from framedex.index import DecodeCounts, EncoderEntry, Row, Source, Store, VideoFacts
from framedex.index.faiss_file import Dtype
from framedex.keys import KEY_LENGTH, json_key

DIM = 12


def encoder_entry(name: str = "sample", *, dim: int = DIM) -> EncoderEntry:
    identity: dict[str, Any] = {"name": name, "dim": dim, "mean": [0.5, 0.25]}
    return EncoderEntry(key=json_key(identity), name=name, dim=dim, artefact=f"/artefacts/{name}", identity=identity)


def new_store(path: Path, *names: str) -> Store:
    store = Store.open(path, create=True)
    for name in names or ("sample",):
        store.add_encoder(encoder_entry(name))
    return store


def video_key(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()[:KEY_LENGTH]


def unit_vectors(n: int, dim: int = DIM, *, seed: int = 0) -> Vectors:
    vectors = np.random.default_rng(seed).standard_normal((n, dim))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def sample_pts(n: int) -> Pts:
    return 40_000 + np.arange(n, dtype=np.int64) * 1_000_000


def put(
    store: Store,
    number: int = 0,
    *,
    n: int = 5,
    vectors: Vectors | None = None,
    encoder: str | EncoderEntry = "sample",
    dtype: Dtype = "f16",
    **changed: Any,
) -> Row:
    """Index the video `number`: n frames, one a second, the first at 40 ms."""
    vectors = unit_vectors(n, seed=number) if vectors is None else vectors
    pts_us = sample_pts(len(vectors))
    fields: dict[str, Any] = {
        "video_key": video_key(number),
        "grid": "fps=1",
        "source": Source(path=f"/videos/clip{number}.mp4", nbytes=1000 + number),
        "first_pts_us": 40_000,
        "last_pts_us": int(pts_us.max(initial=0)) + 500_000,
        "timing": "container",
        "video": VideoFacts(container="mov,mp4", codec="h264", width=64, height=48, rotation_deg=0),
        "decode": DecodeCounts(
            decoded_frames=30 * len(vectors), damaged_frames=0, grid_points=len(vectors) + 2, collapsed_points=2
        ),
        "reused_frames": 0,
        "provenance": {"framedex": "0.1.0", "runtime": "sample"},
    }
    block = EmbeddingBlock(pts_us=pts_us, vectors=vectors)
    entry = encoder_entry(encoder) if isinstance(encoder, str) else encoder
    return store.put(block, encoder_key=entry.key, dtype=dtype, **(fields | changed))
