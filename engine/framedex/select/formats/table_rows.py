"""The rows of frames in a table of selections: what a file says is looked at before anybody takes frames by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from framedex.errors import UsageError
from framedex.index import Store
from framedex.select.checked import ROWS_MAX, shown


def check_rows(path: Path, table: pa.Table, store: Store | None) -> None:
    """See that the frames of each selection are frames, each once.

    Args:
        path: of the file, for messages.
        table: in the columns of `records.SCHEMA`.
        store: if given, rows of its videos are below their number of frames; other videos are left aside.

    Raises:
        UsageError: a selection without rows or with others than strictly increasing ones from 0, not as many `pts_us`, or a row
            that its index does not have.
    """
    counts = {} if store is None else {(row.video_key, row.grid): row.count for row in store.videos()}
    for batch in table.select(["question_id", "video_key", "grid", "rows", "pts_us"]).to_batches():
        if not len(batch):
            continue
        frames = _frames(batch, counts)
        rows, times = batch.column("rows"), batch.column("pts_us")
        lengths = np.diff(_offsets(rows))
        wrong = ~_rising(rows, frames) | (lengths != np.diff(_offsets(times))) | (times.is_null().to_numpy(False))
        if wrong.any():
            at = int(np.argmax(wrong))
            got = f"{shown(rows[at].as_py())} with pts_us {shown(times[at].as_py())}"
            most = f" below {frames[at]}" if frames[at] <= ROWS_MAX else ""
            raise UsageError(
                f"{path}: question {batch.column('question_id')[at].as_py()!r}: rows: expected rows from 0{most}, each "
                f"larger than the one before, and as many pts_us, got {got}"
            )


def _frames(batch: pa.RecordBatch, counts: dict[tuple[str, str], int]) -> NDArray[np.int64]:
    """How many frames the index of each selection has: more than any where it is not known."""
    videos, grids = (batch.column(name).dictionary_encode("encode") for name in ("video_key", "grid"))
    known = [
        [counts.get((video, grid), ROWS_MAX + 1) for grid in grids.dictionary.to_pylist()]
        for video in videos.dictionary.to_pylist()
    ]
    found: NDArray[np.int64] = np.array(known, np.int64)[videos.indices.to_numpy(), grids.indices.to_numpy()]
    return found


def _rising(rows: pa.ListArray, frames: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the rows of each selection are there, rise, and are of its index."""
    offsets = _offsets(rows)
    values = rows.values.to_numpy(zero_copy_only=False)[offsets[0] : offsets[-1]]
    of = np.repeat(np.arange(len(rows)), np.diff(offsets))
    bad = ~((values >= 0) & (values < frames[of]))  # what is null is NaN here, and neither
    bad[1:] |= (of[1:] == of[:-1]) & ~(values[1:] > values[:-1])
    good: NDArray[np.bool_] = ~rows.is_null().to_numpy(zero_copy_only=False)
    good[of[bad]] = False
    return good


def _offsets(lists: pa.ListArray) -> NDArray[Any]:
    found: NDArray[Any] = lists.offsets.to_numpy()
    return found
