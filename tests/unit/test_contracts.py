"""The values between the stages refuse what is wrong when they are built, and cannot be changed after."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from framedex.contracts import EmbeddingBlock, FrameBatch, ScoreMatrix, Selection, TowerBatch

PTS = np.array([0, 40_000, 80_000], np.int64)
PIXELS = np.zeros((3, 4, 6, 3), np.uint8)
UNIT = np.eye(3, 5, dtype=np.float32)


@pytest.mark.parametrize("kind", [FrameBatch, TowerBatch])
def test_batches(kind: Any) -> None:
    field = "frames" if kind is FrameBatch else "pixels"
    batch = kind(pts_us=PTS.copy(), **{field: PIXELS.copy()})
    assert len(batch) == 3
    with pytest.raises(ValueError, match="read-only"):
        getattr(batch, field)[0] = 1
    for wrong, message in (
        ({"pts_us": PTS.astype(np.int32)}, "expected pts_us int64"),
        ({"pts_us": PTS[::-1].copy()}, "increase strictly"),
        ({"pts_us": np.zeros(3, np.int64)}, "increase strictly"),
        ({field: PIXELS.astype(np.float32)}, r"expected uint8 \(n, H, W, 3\)"),
        ({field: PIXELS[..., :2]}, r"expected uint8 \(n, H, W, 3\)"),
        ({field: PIXELS[:2]}, "2 pictures against 3 timestamps"),
    ):
        with pytest.raises(ValueError, match=message):
            kind(**{"pts_us": PTS, field: PIXELS, **wrong})


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (UNIT * 1.01, "unit vectors"),
        (UNIT * np.nan, "unit vectors"),
        (UNIT.astype(np.float64), "expected vectors float32"),
        (UNIT[:2], "2 vectors against 3 timestamps"),
    ],
)
def test_embedding_block(vectors: Any, message: str) -> None:
    assert len(EmbeddingBlock(pts_us=PTS, vectors=UNIT)) == 3
    with pytest.raises(ValueError, match=message):
        EmbeddingBlock(pts_us=PTS, vectors=vectors)


def test_score_matrix() -> None:
    ScoreMatrix(prompts=("a", "b"), pts_us=PTS, scores=np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match=r"expected scores float32 \(1, 3\)"):
        ScoreMatrix(prompts=("a",), pts_us=PTS, scores=np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match="NaN or infinity"):
        ScoreMatrix(prompts=("a",), pts_us=PTS, scores=np.full((1, 3), np.nan, np.float32))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([2, 1, 0], "unique, sorted"),
        ([0, 0, 1], "unique, sorted"),
        ([-1, 0, 1], "unique, sorted"),
        ([0, 1], "expected rows int64"),
    ],
)
def test_selection(rows: list[int], message: str) -> None:
    assert len(Selection(sampler="s", rows=np.arange(3), pts_us=PTS)) == 3
    with pytest.raises(ValueError, match=message):
        Selection(sampler="s", rows=np.array(rows, np.int64), pts_us=PTS)
