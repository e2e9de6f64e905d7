"""Search: the best frames for one prompt over one video or a whole store."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from framedex.contracts import Vectors
from framedex.errors import UsageError
from framedex.index.video_index import VideoIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One frame that answers a prompt.

    Attributes:
        video: video key.
        path: where the video was when it was indexed.
        pts_us: the frame's timestamp, microseconds, as decoded.
        time_s: seconds from the video's first frame.
        score: cosine with the prompt.
    """

    video: str
    path: str
    pts_us: int
    time_s: float
    score: float


def search(indexes: Iterable[VideoIndex], prompt: Vectors, *, k: int) -> list[Hit]:
    """The k best frames over all indexes, best first; ties by path, then the earlier frame. Each index is closed after its turn.

    Args:
        indexes: open indexes of one encoder.
        prompt: float32 (d,), a unit vector.
        k: frames wanted, >= 1; fewer come back where the indexes hold fewer.

    Raises:
        UsageError: k below 1, or a prompt of another dimension.
    """
    if k < 1:
        raise UsageError(f"k: expected 1 frame or more, got {k}")

    def hits() -> Iterator[Hit]:
        for index in indexes:
            with index:
                scores, pts_us = index.search(prompt, k)
                origin_us = index.row.time_origin_us
                for score, pts in zip(scores[0].tolist(), pts_us[0].tolist(), strict=True):
                    yield Hit(
                        video=index.row.video_key,
                        path=index.row.source.path,
                        pts_us=pts,
                        time_s=(pts - origin_us) / 1e6,
                        score=score,
                    )

    return heapq.nsmallest(k, hits(), key=lambda hit: (-hit.score, hit.path, hit.pts_us))
