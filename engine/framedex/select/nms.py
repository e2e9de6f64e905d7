"""Non-maximum suppression in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from framedex.errors import UsageError
from framedex.select.base import Input, Request, Rows


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
        scores, times = request.need_scores(self.name), request.pts_us
        gap_us = min((times[-1] - times[0]) / (2 * request.budget), self.most_s * 1e6)
        taken: list[int] = []
        while len(taken) < request.take:
            free = scores.copy()
            for row in taken:
                _block(free, times, row, gap_us)
            while len(taken) < request.take:
                row = int(np.argmax(free))
                if free[row] == -np.inf:
                    break
                taken.append(row)
                _block(free, times, row, gap_us)
            gap_us = gap_us / 2 if gap_us > 2 else 0.0
        return np.sort(np.array(taken, dtype=np.int64))


def _block(free: np.ndarray, times: np.ndarray, row: int, gap_us: float) -> None:
    """Mark the frames less than a gap from a row as not to be taken, the row itself at any gap."""
    first = int(np.searchsorted(times, times[row] - gap_us, side="right"))
    last = int(np.searchsorted(times, times[row] + gap_us, side="left"))
    free[min(first, row) : max(last, row + 1)] = -np.inf
