"""Procedural backgrounds: a periodic low-contrast field that the camera pans over."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_BLOB_SPACINGS = (0.35, 0.8, 2.0)
_GRAIN_SPACING = 0.06
_BLOB_CELLS = (8, 16)
_GRAIN_CELLS = (48, 96)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Background:
    """A field over the world, repeating in both directions.

    Attributes:
        blobs: (rows, columns, 3) float32 grey levels at the knots of the wide structure.
        blob_spacing: distance between two knots in frame heights.
        grain: (rows, columns) float32 grey levels added to all channels, knots 0.06 frame heights apart.
    """

    blobs: NDArray[np.float32]
    blob_spacing: float
    grain: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.blobs.ndim != 3 or self.blobs.shape[2] != 3:
            raise ValueError(f"blobs: got shape {self.blobs.shape}, expected (rows, columns, 3)")
        if self.grain.ndim != 2:
            raise ValueError(f"grain: got shape {self.grain.shape}, expected (rows, columns)")


def draw_background(rng: np.random.Generator) -> Background:
    """Draw a desaturated background of random brightness, structure and grain."""
    base_level = 50.0 + 155.0 * rng.random()
    tint = 10.0 * (rng.random(3) - 0.5)
    contrast = 20.0 + 40.0 * rng.random()
    spacing = _BLOB_SPACINGS[rng.integers(len(_BLOB_SPACINGS))]
    luma = contrast * (rng.random((*_BLOB_CELLS, 1)) - 0.5)
    chroma = 14.0 * (rng.random((*_BLOB_CELLS, 3)) - 0.5)
    grain = 24.0 * rng.random() * (rng.random(_GRAIN_CELLS) - 0.5)
    return Background(
        blobs=(base_level + tint + luma + chroma).astype(np.float32),
        blob_spacing=spacing,
        grain=grain.astype(np.float32),
    )


def paint_background(
    background: Background, *, width: int, height: int, camera_x: float, camera_y: float
) -> NDArray[np.float32]:
    """Return the (height, width, 3) float32 grey levels seen from the camera (top left corner, in frame heights)."""
    rows = (np.arange(height) + 0.5) / height + camera_y
    columns = (np.arange(width) + 0.5) / height + camera_x
    blobs = _interpolate(background.blobs, rows / background.blob_spacing, columns / background.blob_spacing)
    grain = _interpolate(background.grain[:, :, None], rows / _GRAIN_SPACING, columns / _GRAIN_SPACING)
    return blobs + grain


def _interpolate(
    knots: NDArray[np.float32], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Interpolate periodic (r, c, k) knots at the outer product of rows and columns, both in knot units."""
    return _blend(_blend(knots, rows, axis=0), columns, axis=1)


def _blend(knots: NDArray[np.float32], positions: NDArray[np.float64], *, axis: int) -> NDArray[np.float32]:
    """Interpolate periodic knots along one axis, eased so that blobs look round.

    Written with gathers, not as a matrix product: no thread pool, and the same bytes whatever the BLAS.
    """
    before = np.floor(positions)
    share = positions - before
    share = (share * share * (3.0 - 2.0 * share)).astype(np.float32)
    share = np.expand_dims(share, axis=(1, 2) if axis == 0 else (0, 2))
    index = before.astype(np.int64)
    first = np.take(knots, index % knots.shape[axis], axis=axis)
    second = np.take(knots, (index + 1) % knots.shape[axis], axis=axis)
    blended: NDArray[np.float32] = first + share * (second - first)
    return blended
