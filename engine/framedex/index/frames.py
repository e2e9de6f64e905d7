"""Frames of an indexed video, decoded again: those that its index holds, or some of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from framedex.contracts import FrameBatch, Pts, Timing
from framedex.decode import FramesGrid, identify, open_video, passes
from framedex.errors import VideoError
from framedex.index.row import Row


def frames_again(row: Row, pts_us: Pts, *, threads: int) -> Iterator[Timing | FrameBatch]:
    """Decode frames of a row's video: exactly those at `pts_us`, or an error at the end.

    As from `passes`, the name of a timing comes first; a further name means that the batches before it are void.

    Args:
        row: of the store.
        pts_us: int64 (k,), k >= 1, timestamps of frames of the index, strictly increasing.
        threads: decoding threads.

    Raises:
        VideoError: the file is gone, is another one than was indexed, cannot be decoded, or decodes to other timestamps.
    """
    source = identify(Path(row.source.path), folder_fps=row.source.folder_fps)
    if source.key != row.video_key:
        raise VideoError(
            f"{source.path}: expected the bytes that were indexed (key {row.video_key}), got others (key {source.key}); "
            "put the file back, or index it again"
        )
    given: list[Pts] = []
    timing = None
    with open_video(source, threads=threads) as reader:
        for item in passes(reader, FramesGrid.of(pts_us.tolist())):
            if isinstance(item, str):
                timing, given = item, []
            else:
                given.append(item.pts_us)
            yield item
    if timing != row.timing or not np.array_equal(np.concatenate([*given, pts_us[:0]]), pts_us):
        raise VideoError(
            f"{source.path}: expected the frames that were indexed at {row.grid}, decoded others; the decoder has changed: "
            "index it again"
        )
