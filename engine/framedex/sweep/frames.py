"""The frames that a video's asks show: decoded once on the index's grid, preprocessed for each model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from framedex.contracts import Pts
from framedex.decode import FramesGrid, identify, open_video, passes
from framedex.errors import VideoError
from framedex.index import Row
from framedex.mllm.base import PreparedFrames, Runner


def prepared_frames(row: Row, pts_us: Pts, runners: Sequence[Runner], *, threads: int) -> tuple[PreparedFrames, ...]:
    """Decode the video of a row and keep some of its frames, as each runner wants them.

    Args:
        row: of the store.
        pts_us: int64 (k,), k >= 1, timestamps of the frames in the index, strictly increasing.
        runners: the models.
        threads: decoding threads.

    Returns:
        One per runner, the frames in the order of `pts_us`.

    Raises:
        VideoError: the file is gone, is another one than was indexed, cannot be decoded, or decodes to other timestamps.
    """
    source = identify(Path(row.source.path), folder_fps=row.source.folder_fps)
    if source.key != row.video_key:
        raise VideoError(
            f"{source.path}: expected the bytes that were indexed (key {row.video_key}), got others (key {source.key}); "
            "put the file back, or index it again"
        )
    parts: list[list[PreparedFrames]] = [[] for _ in runners]
    timing = None
    with open_video(source, threads=threads) as reader:
        for item in passes(reader, FramesGrid.of(pts_us.tolist())):
            if isinstance(item, str):
                timing, parts = item, [[] for _ in runners]
                continue
            for runner, prepared in zip(runners, parts, strict=True):
                prepared.append(runner.prepare(item, origin_us=row.time_origin_us, last_us=row.last_pts_us))
    prepared_by_runner = tuple(_joined(prepared) for prepared in parts if prepared)
    same = all(np.array_equal(each.pts_us, pts_us) for each in prepared_by_runner)
    if timing != row.timing or len(prepared_by_runner) != len(runners) or not same:
        raise VideoError(
            f"{source.path}: expected the frames that were indexed at {row.grid}, decoded others; the decoder has changed: "
            "index it again"
        )
    return prepared_by_runner


def _joined(parts: Sequence[PreparedFrames]) -> PreparedFrames:
    return PreparedFrames(
        pts_us=np.concatenate([part.pts_us for part in parts]),
        times_s=np.concatenate([part.times_s for part in parts]),
        duration_s=parts[0].duration_s,
        pixels=np.concatenate([part.pixels for part in parts]),
    )
