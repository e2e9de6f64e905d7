"""An indexed video, opened again: the frames that its index holds, or some of them, and their numbers in the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import FrameBatch, Pts, Timing
from framedex.decode import FramesGrid, VideoSource, identify, open_video, passes
from framedex.decode.frame_numbers import frame_times
from framedex.errors import VideoError
from framedex.index.row import Row


def source_again(row: Row) -> VideoSource:
    """The file or folder that was indexed, at its place and with its bytes.

    Raises:
        VideoError: it is gone, or is another one.
    """
    source = identify(Path(row.source.path), folder_fps=row.source.folder_fps)
    if source.key != row.video_key:
        raise VideoError(
            f"{source.path}: expected the bytes that were indexed (key {row.video_key}), got others (key {source.key}); "
            "put the file back, or index it again"
        )
    return source


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
    source = source_again(row)
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


def times_again(row: Row) -> Pts:
    """When every frame of a row's video is shown, those between the index's, too: int64 (n,); a position is a frame's number.

    Raises:
        VideoError: the file is gone, is another one than was indexed, or cannot be read.
    """
    return frame_times(source_again(row))


def numbers_again(row: Row, pts_us: Pts) -> NDArray[np.int64]:
    """Numbers of the index's frames among all frames of the file, from 0 in the order in which they are shown: int64 (k,).

    Raises:
        VideoError: as `times_again`; or the file has other frames than were indexed.
    """
    times_us = times_again(row)
    numbers = np.minimum(np.searchsorted(times_us, pts_us), len(times_us) - 1)
    if not np.array_equal(times_us[numbers], pts_us):
        raise VideoError(
            f"{row.source.path}: expected the frames that were indexed at {row.grid}, found others; index it again"
        )
    return numbers
