"""The frames of a grid, whichever encoder indexed them: what stored scores are matched with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Pts
from framedex.errors import StoreError, UsageError, did_you_mean
from framedex.index import Row, Store


def grid_rows(store: Store, grid: str) -> list[Row]:
    """One row for each video that is indexed at a grid, by path: a grid takes the same frames for every encoder.

    Where several encoders have the video, the row is that of the lowest key.

    Raises:
        StoreError: a row breaks docs/format.md.
    """
    by_video: dict[str, Row] = {}
    for row in sorted(store.videos(grid=grid), key=lambda row: row.encoder_key):
        by_video.setdefault(row.video_key, row)
    return sorted(by_video.values(), key=lambda row: (row.source.path, row.video_key))


def only_grid(store: Store, grid: str | None) -> str:
    """The grid to use over all encoders: `grid` itself, or the store's only one.

    Raises:
        UsageError: no such grid, none at all, or several and none named.
    """
    held = store.grids()
    if grid is not None and grid not in held:
        raise UsageError(f"{store.path}: no grid {grid!r}; {did_you_mean(grid, held)}")
    if grid is None and len(held) != 1:
        what = f"several grids, {', '.join(held)}; choose one with --grid" if held else "no video yet; index some first"
        raise UsageError(f"{store.path}: holds {what}")
    return held[0] if grid is None else grid


def index_rows(subject: str, scored_us: Pts, indexed_us: Pts) -> NDArray[np.int64]:
    """The index rows of scored frames: int64 (k,), strictly increasing.

    Args:
        subject: the file of the scores, for messages.
        scored_us: int64 (k,), strictly increasing.
        indexed_us: int64 (n,), n >= 1, strictly increasing, the frames of the index.

    Raises:
        StoreError: a scored frame is none of the index.
    """
    rows = np.minimum(np.searchsorted(indexed_us, scored_us), len(indexed_us) - 1)
    strange = np.flatnonzero(indexed_us[rows] != scored_us)
    if len(strange):
        raise StoreError(
            f"{subject}: scores {len(strange)} frames that the index does not hold, the first at {scored_us[strange[0]]} µs: "
            "the video was indexed again with other frames since; delete the file, then score or import again"
        )
    return rows
