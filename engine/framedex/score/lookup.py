"""Look-ups: prompts against the stored vectors of many videos, each with prompts of its own, in one native call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framedex import _native
from framedex.contracts import Vectors
from framedex.errors import UsageError
from framedex.score.base import View, no_numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Windows of `length` frames, `stride` apart, the last one moved back to end with the video (`select.windows`).

    Attributes:
        length: frames, >= 1; a video that is no longer has one window, the whole of it.
        stride: frames between starts, >= 1.
    """

    length: int
    stride: int = 1

    def __post_init__(self) -> None:
        if self.length < 1 or self.stride < 1:
            raise UsageError(f"windows: expected length and stride of 1 or more, got {self.length} and {self.stride}")

    def counts(self, n: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many videos of n >= 1 frames have."""
        return np.where(n <= self.length, 1, -(-(n - self.length) // self.stride) + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a look-up gives of every video.

    Attributes:
        scores: all of them.
        top: so many best frames per prompt, cut to the video's number of frames; 0 for none.
        statistics: maximum and mean per prompt; videos then need a frame.
        windows: whose maxima are given; videos then need a frame.
    """

    scores: bool = True
    top: int = 0
    statistics: bool = False
    windows: Windows | None = None

    def __post_init__(self) -> None:
        if self.top < 0:
            raise UsageError(f"top: expected 0 frames or more, got {self.top}")


class LookUp:
    """What `look_up` found; every answer is a view of memory that all videos share.

    Asking for what was not wanted is a ValueError.
    """

    def __init__(self, shapes: NDArray[np.int64], wanted: Wanted, found: Sequence[NDArray[Any] | None]) -> None:
        self._shapes = shapes
        self._wanted = wanted
        self._scores, self._top, self._top_rows, self._maxima, self._means, self._window_maxima = found
        m, n = shapes[:, 0], shapes[:, 1]
        self._prompts_from = _starts(m)
        self._scores_from = _starts(m * n)
        self._top_from = _starts(m * np.minimum(n, wanted.top))
        self._windows = np.zeros_like(n) if wanted.windows is None else wanted.windows.counts(n)
        self._windows_from = _starts(m * self._windows)

    def __len__(self) -> int:
        """Number of videos."""
        return len(self._shapes)

    def scores(self, video: int) -> Vectors:
        """Every score: float32 (m, n), frames in order."""
        return self._part(self._scores, "scores", self._scores_from[video], self._shapes[video, 1], video)

    def top(self, video: int) -> tuple[Vectors, NDArray[np.int64]]:
        """Scores and rows of the best frames: float32 and int64 (m, min(top, n)), best first, ties by earlier frame."""
        kept = min(self._wanted.top, self._shapes[video, 1])
        start = self._top_from[video]
        return (
            self._part(self._top, "top", start, kept, video),
            self._part(self._top_rows, "top", start, kept, video),
        )

    def maxima(self, video: int) -> Vectors:
        """The best score of each prompt: float32 (m,)."""
        return self._part(self._maxima, "statistics", self._prompts_from[video], 1, video)[:, 0]

    def means(self, video: int) -> Vectors:
        """The mean score of each prompt, summed in float64: float32 (m,)."""
        return self._part(self._means, "statistics", self._prompts_from[video], 1, video)[:, 0]

    def window_maxima(self, video: int) -> Vectors:
        """The best score in each window: float32 (m, windows)."""
        start, width = self._windows_from[video], self._windows[video]
        return self._part(self._window_maxima, "windows", start, width, video)

    def _part(self, flat: NDArray[Any] | None, name: str, start: int, width: int, video: int) -> NDArray[Any]:
        if flat is None:
            raise ValueError(f"[LookUp] {name} were not wanted; say so to look_up")
        m = int(self._shapes[video, 0])
        return flat[start : start + m * int(width)].reshape(m, int(width))


def look_up(
    views: Sequence[View], prompts: Sequence[Vectors], wanted: Wanted | None = None, *, threads: int = 1
) -> LookUp:
    """Inner products of each video's prompts with its frames, straight from the stored vectors.

    A score is the same bit for bit in any company, and does not depend on `threads`.

    Args:
        views: of each video, float16 or float32 (n, d), C-contiguous, at any byte address: `VideoIndex.vectors` is one.
        prompts: of each video, float32 (m, d), C-contiguous, finite.
        wanted: all scores where None.
        threads: most threads, >= 1.

    Raises:
        UsageError: arrays that do not fit, or a video without frames where statistics or windows are wanted.
        InvalidData: a view or a prompt that holds NaN or infinity.
    """
    wanted = wanted or Wanted()
    shapes = np.array([(len(asked), len(view)) for asked, view in zip(prompts, views, strict=False)], np.int64)
    shapes = shapes.reshape(-1, 2)
    if (wanted.statistics or wanted.windows) and not shapes[:, 1].all():
        raise UsageError(f"view {int(np.argmin(shapes[:, 1]))}: expected a frame or more for statistics, got none")
    windows = wanted.windows
    try:
        *found, wrong = _native.look_up(
            prompts,
            views,
            threads=threads,
            scores=wanted.scores,
            k=wanted.top,
            statistics=wanted.statistics,
            window_length=windows.length if windows else 0,
            window_stride=windows.stride if windows else 1,
        )
    except (TypeError, ValueError) as error:
        raise UsageError(str(error)) from error
    if wrong >= 0:
        raise no_numbers(wrong)
    return LookUp(shapes, wanted, found)


def _starts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
