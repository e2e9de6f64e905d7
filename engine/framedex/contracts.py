"""The values that pass between the stages: frozen, complete and checked when they are built.

Arrays inside are made read-only. Times are presentation timestamps in integer microseconds (`pts_us`), as decoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Pts = NDArray[np.int64]
Pixels = NDArray[np.uint8]
Vectors = NDArray[np.float32]

#: Where times come from: the container, or order × frame duration where its timestamps do not increase in output order.
Timing = Literal["container", "reconstructed"]

_UNIT_TOLERANCE = 1e-3


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def _freeze(*arrays: np.ndarray) -> None:
    for array in arrays:
        array.setflags(write=False)


def _check_pts(owner: str, pts_us: Pts) -> None:
    _require(
        pts_us.dtype == np.int64 and pts_us.ndim == 1,
        f"[{owner}] expected pts_us int64 (n,), got {pts_us.dtype} {pts_us.shape}",
    )
    _require(bool((np.diff(pts_us) > 0).all()), f"[{owner}] pts_us must increase strictly")


def _check_pictures(owner: str, pts_us: Pts, pictures: Pixels) -> None:
    _check_pts(owner, pts_us)
    _require(
        pictures.dtype == np.uint8 and pictures.ndim == 4 and pictures.shape[3] == 3,
        f"[{owner}] expected uint8 (n, H, W, 3), got {pictures.dtype} {pictures.shape}",
    )
    _require(len(pictures) == len(pts_us), f"[{owner}] {len(pictures)} pictures against {len(pts_us)} timestamps")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameBatch:
    """Frames of one video at full size, rotation applied.

    Attributes:
        pts_us: int64 (n,), strictly increasing, microseconds.
        frames: uint8 (n, H, W, 3), RGB.
    """

    pts_us: Pts
    frames: Pixels

    def __post_init__(self) -> None:
        _check_pictures("FrameBatch", self.pts_us, self.frames)
        _freeze(self.pts_us, self.frames)

    def __len__(self) -> int:
        return len(self.pts_us)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TowerBatch:
    """Frames resized and cropped for one encoder's image tower; mean and deviation are the graph's business.

    Attributes:
        pts_us: int64 (n,), strictly increasing, microseconds.
        pixels: uint8 (n, H, W, 3), RGB, H and W the tower's.
    """

    pts_us: Pts
    pixels: Pixels

    def __post_init__(self) -> None:
        _check_pictures("TowerBatch", self.pts_us, self.pixels)
        _freeze(self.pts_us, self.pixels)

    def __len__(self) -> int:
        return len(self.pts_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How a picture of one size becomes a tower's: resized as a whole, antialiased, and a rectangle of that taken.

    Attributes:
        resized: height and width of the whole.
        offset: top and left of the rectangle.
        size: height and width of the rectangle, the tower's.
        interpolation: "bicubic" or "bilinear".
    """

    resized: tuple[int, int]
    offset: tuple[int, int]
    size: tuple[int, int]
    interpolation: Literal["bicubic", "bilinear"]

    def __post_init__(self) -> None:
        inside = all(
            0 <= offset <= resized - size
            for resized, offset, size in zip(self.resized, self.offset, self.size, strict=True)
        )
        _require(inside and min(self.size) > 0, f"[Fit] {self.size} at {self.offset} does not lie in {self.resized}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EmbeddingBlock:
    """Unit vectors of frames.

    Attributes:
        pts_us: int64 (n,), strictly increasing, microseconds.
        vectors: float32 (n, d), Euclidean norm 1 within 1e-3.
    """

    pts_us: Pts
    vectors: Vectors

    def __post_init__(self) -> None:
        _check_pts("EmbeddingBlock", self.pts_us)
        _require(
            self.vectors.dtype == np.float32 and self.vectors.ndim == 2,
            f"[EmbeddingBlock] expected vectors float32 (n, d), got {self.vectors.dtype} {self.vectors.shape}",
        )
        _require(
            len(self.vectors) == len(self.pts_us),
            f"[EmbeddingBlock] {len(self.vectors)} vectors against {len(self.pts_us)} timestamps",
        )
        norms = np.sqrt(np.einsum("nd,nd->n", self.vectors, self.vectors))  # linalg.norm would square into a copy
        _require(
            bool((np.abs(norms - 1.0) <= _UNIT_TOLERANCE).all()), "[EmbeddingBlock] vectors are not finite unit vectors"
        )
        _freeze(self.pts_us, self.vectors)

    def __len__(self) -> int:
        return len(self.pts_us)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoreMatrix:
    """Scores of prompts against the frames of one video.

    Attributes:
        prompts: m texts, in the order of the rows.
        pts_us: int64 (n,), strictly increasing, microseconds.
        scores: float32 (m, n), finite.
    """

    prompts: tuple[str, ...]
    pts_us: Pts
    scores: Vectors

    def __post_init__(self) -> None:
        _check_pts("ScoreMatrix", self.pts_us)
        expected = (len(self.prompts), len(self.pts_us))
        _require(
            self.scores.dtype == np.float32 and self.scores.shape == expected,
            f"[ScoreMatrix] expected scores float32 {expected}, got {self.scores.dtype} {self.scores.shape}",
        )
        _require(bool(np.isfinite(self.scores).all()), "[ScoreMatrix] scores hold NaN or infinity")
        _freeze(self.pts_us, self.scores)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selection:
    """Frames that a sampler took from one video.

    Attributes:
        sampler: registered name.
        rows: int64 (k,), index rows, strictly increasing.
        pts_us: int64 (k,), the rows' timestamps, microseconds.
        scores: float32 (k,), the rows' scores, or None where the sampler was given none.
    """

    sampler: str
    rows: NDArray[np.int64]
    pts_us: Pts
    scores: Vectors | None = None

    def __post_init__(self) -> None:
        _check_pts("Selection", self.pts_us)
        _require(
            self.rows.dtype == np.int64 and self.rows.shape == self.pts_us.shape,
            f"[Selection] expected rows int64 {self.pts_us.shape}, got {self.rows.dtype} {self.rows.shape}",
        )
        _require(
            bool((np.diff(self.rows) > 0).all()) and bool((self.rows >= 0).all()),
            "[Selection] rows must be unique, sorted and >= 0",
        )
        _freeze(self.rows, self.pts_us)
        if self.scores is not None:
            _require(
                self.scores.shape == self.rows.shape,
                f"[Selection] {self.scores.shape} scores against {self.rows.shape} rows",
            )
            _freeze(self.scores)

    def __len__(self) -> int:
        return len(self.rows)
