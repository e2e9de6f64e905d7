"""The frames that a video's asks show: decoded once on the index's grid, preprocessed for each model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import version
from itertools import chain
from pathlib import Path

import numpy as np

from framedex.contracts import Pts
from framedex.index import Row
from framedex.index.frames import frames_again
from framedex.keys import json_key
from framedex.mllm.base import PreparedFrames, Runner, frame_key


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
    source = frames_key(row)
    parts: list[list[PreparedFrames]] = [[] for _ in runners]
    for item in frames_again(row, pts_us, threads=threads):
        if isinstance(item, str):
            parts = [[] for _ in runners]
            continue
        for runner, prepared in zip(runners, parts, strict=True):
            prepared.append(runner.prepare(item, origin_us=row.time_origin_us, last_us=row.last_pts_us, source=source))
    return tuple(_joined(prepared) for prepared in parts)


def frames_key(row: Row) -> str:
    """Key of a video and of what decodes it here, by which a model knows its frames again."""
    decoder = "pyav" if row.source.folder_fps is None else "folder"
    return json_key([row.video_key, row.timing, decoder, version("av"), version("pillow")])


def rows_in_files(
    row: Row, shown: Mapping[int, int], mllm_keys: Collection[str], *, folder: Path
) -> dict[str, set[int]]:
    """By MLLM key the rows whose visual tokens are in files; none is opened.

    Args:
        row: of the store.
        shown: index row → timestamp in microseconds.
        mllm_keys: of the models.
        folder: of visual tokens.
    """
    from framedex.mllm.token_files import TokenFiles  # brings torch

    keys = {number: frame_key(frames_key(row), pts) for number, pts in shown.items()}
    return {
        mllm_key: {number for number, key in keys.items() if files.path(key).exists()}
        for mllm_key, files in ((mllm_key, TokenFiles(folder, mllm_key)) for mllm_key in mllm_keys)
    }


def _joined(parts: Sequence[PreparedFrames]) -> PreparedFrames:
    return PreparedFrames(
        pts_us=np.concatenate([part.pts_us for part in parts]),
        times_s=np.concatenate([part.times_s for part in parts]),
        duration_s=parts[0].duration_s,
        pixels=tuple(chain.from_iterable(part.pixels for part in parts)),
        source=parts[0].source,
    )
