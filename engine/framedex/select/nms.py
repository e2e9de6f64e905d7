"""Non-maximum suppression in time."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from framedex.errors import UsageError
from framedex.select.base import Input, Request, Rows, Scores
from framedex.select.together import by_budget, by_group


@dataclass(frozen=True, slots=True, kw_only=True)
class Nms:
    """The best frames that are no nearer to each other than a gap; the gap is halved until the budget is full.

    The gap is min(D / 2k, `most_s`), D the time from the first frame to the last and k the budget. Frames are taken by score,
    each at least the gap away from every frame taken; when none is left, the gap is halved and the others are asked again.
    Below a microsecond it is nothing. Ties go to the earlier frame.

    Args:
        most_s: the largest gap, seconds.

    Source: temporal suppression of ToolMerge, arXiv 2605.23826 (10 s). How the gap is relaxed there depends on its tools;
    halving is ours.
    """

    name: ClassVar[str] = "nms"
    kind: ClassVar[Literal["keyframe"]] = "keyframe"
    needs: ClassVar[tuple[Input, ...]] = ("scores",)
    wants: ClassVar[tuple[Input, ...]] = ()
    cost: ClassVar[str] = "n times (k + halvings)"

    most_s: float = 10.0

    def __post_init__(self) -> None:
        if self.most_s <= 0:
            raise UsageError(f"sampler 'nms', most_s: expected seconds above 0, got {self.most_s}")

    def rows(self, request: Request) -> Rows:
        """Exactly min(budget, n) rows."""
        return self.rows_of_video([request])[0]

    def rows_of_video(self, requests: Sequence[Request]) -> list[Rows]:
        """As `rows`; each prompt and budget once, whatever the seeds."""
        times = requests[0].pts_us.tolist()
        return by_group(
            requests,
            lambda request: id(request.scores),
            lambda same: by_budget(same, lambda request: self._apart(request, times)),
        )

    def _apart(self, request: Request, times: Sequence[int]) -> Rows:
        scores = request.need_scores(self.name)
        gap_us = min((times[-1] - times[0]) / (2 * request.budget), self.most_s * 1e6)
        rows: list[int] = []
        while len(rows) < request.take:
            rows += take_apart(scores.copy(), times, gap_us, request.take - len(rows), beside=rows)
            gap_us = gap_us / 2 if gap_us > 2 else 0.0
        return np.sort(np.array(rows, dtype=np.int64))


def take_apart(
    free: Scores,
    times: Sequence[int],
    gap_us: float,
    k: int,
    *,
    first: int = 0,
    last: int | None = None,
    beside: Sequence[int] = (),
) -> list[int]:
    """Up to k rows by score, each at least a gap from the others and from those beside; ties go to the earlier frame.

    Args:
        free: float64 (n,), -inf where a frame is not to be taken; frames that are taken or too near become so, in place.
        times: of the frames, microseconds; a list, which is searched sooner than an array.
        gap_us: 0 for none.
        k: wanted.
        first: of the rows to take from.
        last: one behind the last of them; n where not given.
        beside: rows that were taken before.
    """
    for row in beside:
        _block(free, times, row, gap_us)
    part = free[first:last]
    rows: list[int] = []
    for _ in range(k):
        row = first + int(part.argmax())
        if free[row] == -np.inf:
            break
        rows.append(row)
        _block(free, times, row, gap_us)
    return rows


def _block(free: Scores, times: Sequence[int], row: int, gap_us: float) -> None:
    """Mark the frames less than a gap from a row as not to be taken, the row itself at any gap."""
    before = bisect.bisect_right(times, times[row] - gap_us, hi=row)
    behind = bisect.bisect_left(times, times[row] + gap_us, lo=row + 1)
    free[before:behind] = -np.inf
