"""The numbers of a video's frames, in the order in which they are shown: what tools go by that open a frame by its number."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise

import numpy as np

from framedex.contracts import Pts
from framedex.decode.base import VideoSource, no_progress
from framedex.decode.frame_names import list_images
from framedex.decode.grids import pts_to_us
from framedex.decode.pyav import PyAVReader
from framedex.decode.pyav_stream import opened
from framedex.errors import DecodeFailed


def frame_times(source: VideoSource, *, threads: int = 1) -> Pts:
    """When each frame of a video is shown: int64 (n,), microseconds, increasing; a frame's position is its number.

    Of a file the packets are read, and nothing but its first frame is decoded; where its packets cannot be trusted, everything
    is. Where its timestamps do not increase, times are order × frame duration, as they are in an index.

    Args:
        source: a file or a frame folder.
        threads: decoding threads.

    Raises:
        VideoError: the video cannot be used.
    """
    if source.folder_fps is not None:
        return _times(range(len(list_images(source.path))), 1 / Fraction(source.folder_fps))
    with PyAVReader(source, threads=threads, progress=no_progress) as reader:
        table, rate = reader.table, reader.rate
    if table is not None:
        return _times(table.timeline.tolist(), table.time_base)
    with opened(source.path, threads=threads, progress=no_progress) as video:
        stamps = [frame.pts for frame in video.frames()]
        time_base = video.stream.time_base
    known = [stamp for stamp in stamps if stamp is not None]
    if time_base is not None and len(known) == len(stamps) and all(before < after for before, after in pairwise(known)):
        return _times(known, time_base)
    if not rate:
        raise DecodeFailed(
            f"{source.path}: its timestamps are not in order and it states no frame rate to rebuild them from; remux the file"
        )
    return _times(range(len(stamps)), 1 / rate)


def _times(stamps: Iterable[int], time_base: Fraction) -> Pts:
    return np.array([pts_to_us(stamp, time_base) for stamp in stamps], np.int64)
