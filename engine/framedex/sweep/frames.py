"""The frames that a video's asks show: decoded once on the index's grid, preprocessed for each model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import FrameBatch, Pts
from framedex.decode import Grid, identify, open_video
from framedex.errors import VideoError
from framedex.index import Row
from framedex.mllm.base import PreparedFrames, Runner


def prepared_frames(
    row: Row, rows: NDArray[np.int64], pts_us: Pts, runners: Sequence[Runner], *, threads: int
) -> tuple[PreparedFrames, ...]:
    """Decode the video of a row and keep some of its frames, as each runner wants them.

    Args:
        row: of the store.
        rows: int64 (k,), k >= 1, sorted unique index rows.
        pts_us: int64 (k,), their timestamps in the index.
        runners: the models.
        threads: decoding threads.

    Returns:
        One per runner, the frames in the order of `rows`.

    Raises:
        VideoError: the file is gone, is another one than was indexed, cannot be decoded, or decodes to other timestamps.
    """
    source = identify(Path(row.source.path), folder_fps=row.source.folder_fps)
    if source.key != row.video_key:
        raise VideoError(
            f"{source.path}: expected the bytes that were indexed (key {row.video_key}), got others (key {source.key}); "
            "put the file back, or index it again"
        )
    wanted = np.zeros(row.count, dtype=np.bool_)
    wanted[rows] = True
    parts: list[list[PreparedFrames]] = [[] for _ in runners]
    first = 0
    with open_video(source, threads=threads) as reader:
        for batch in reader.frames(Grid.from_name(row.grid), timing=row.timing):
            kept = wanted[first : first + len(batch)]
            first += len(batch)
            if len(kept) == len(batch) and kept.any():
                shown = FrameBatch(pts_us=batch.pts_us[kept], frames=batch.frames[kept])
                for runner, prepared in zip(runners, parts, strict=True):
                    prepared.append(runner.prepare(shown, origin_us=row.time_origin_us, last_us=row.last_pts_us))
    prepared_by_runner = tuple(_joined(prepared) for prepared in parts if prepared)
    if first != row.count or any(not np.array_equal(each.pts_us, pts_us) for each in prepared_by_runner):
        raise VideoError(
            f"{source.path}: expected the {row.count} frames at {row.grid} that were indexed, decoded {first} with other "
            "timestamps; the decoder has changed: index it again"
        )
    return prepared_by_runner


def _joined(parts: Sequence[PreparedFrames]) -> PreparedFrames:
    return PreparedFrames(
        pts_us=np.concatenate([part.pts_us for part in parts]),
        times_s=np.concatenate([part.times_s for part in parts]),
        duration_s=parts[0].duration_s,
        pixels=np.concatenate([part.pixels for part in parts]),
    )
