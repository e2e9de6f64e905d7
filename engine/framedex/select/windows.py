"""Samplers that take one contiguous window of frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from framedex.select.base import Input, Request, Rows, Scores
from framedex.select.checked import ROWS_MAX, check_whole

Statistic = Literal["mean", "max"]


def window_starts(n: int, length: int, stride: int) -> Rows:
    """First rows of the windows of `length` frames, `stride` apart; the last one is moved back to end with the video.

    Where the video is no longer than a window there is one window, the whole video.
    """
    last = max(n - length, 0)
    starts = np.arange(0, last + 1, min(stride, last + 1), dtype=np.int64)
    return starts if starts[-1] == last else np.append(starts, last)


def window_scores(scores: Scores, starts: Rows, length: int, statistic: Statistic) -> Scores:
    """One score per window: the mean or the maximum of its frames' scores."""
    length = min(length, len(scores))
    if statistic == "mean":
        return window_totals(scores, starts, length) / length
    return np.asarray(sliding_window_view(scores, length)[starts].max(axis=1))


def window_totals(scores: Scores, starts: Rows, length: int) -> Scores:
    """The sum of each window's scores, from the first on: equal windows have equal sums."""
    return np.asarray(np.cumsum(sliding_window_view(scores, length)[starts], axis=1)[:, -1])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    length: int | None = None
    stride: int = 1
    statistic: Statistic = "mean"

    def __post_init__(self) -> None:
        for field, value in (("length", self.length), ("stride", self.stride)):
            if value is not None:
                check_whole(f"window {field}", value, first=1, last=ROWS_MAX)

    def _rows(self, request: Request, sampler: str, *, sign: int) -> Rows:
        length = min(request.budget if self.length is None else self.length, request.n)
        starts = window_starts(request.n, length, self.stride)
        scores = request.need_scores(sampler)
        # All windows are equally long: the largest sum is the largest mean.
        values = (
            window_totals(scores, starts, length)
            if self.statistic == "mean"
            else window_scores(scores, starts, length, "max")
        )
        first = starts[np.argmax(sign * values)]
        return np.arange(first, first + length, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowTop(_Window):
    """The window with the highest score; ties go to the earlier window.

    Args:
        length: frames in a window; the budget where not given.
        stride: frames between the starts of neighbouring windows.
        statistic: a window's score is the "mean" or the "max" of its frames' scores.

    Source: sliding windows of arXiv 2509.01167, whose length and stride are not published; the defaults are ours.
    """

    name: ClassVar[str] = "window-top"
    kind: ClassVar[Literal["set"]] = "set"
    needs: ClassVar[tuple[Input, ...]] = ("scores",)
    wants: ClassVar[tuple[Input, ...]] = ()
    cost: ClassVar[str] = "n times length over stride"

    def rows(self, request: Request) -> Rows:
        """min(length, n) contiguous rows."""
        return self._rows(request, self.name, sign=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowBottom(_Window):
    """The window whose mean (or maximum) score is the lowest; ties go to the earlier window.

    Args:
        length: frames in a window; the budget where not given.
        stride: frames between the starts of neighbouring windows.
        statistic: a window's score is the "mean" or the "max" of its frames' scores.

    Source: as `WindowTop`.
    """

    name: ClassVar[str] = "window-bottom"
    kind: ClassVar[Literal["set"]] = "set"
    needs: ClassVar[tuple[Input, ...]] = ("scores",)
    wants: ClassVar[tuple[Input, ...]] = ()
    cost: ClassVar[str] = "n times length over stride"

    def rows(self, request: Request) -> Rows:
        """min(length, n) contiguous rows."""
        return self._rows(request, self.name, sign=-1)
