"""Bandits over clips: a few looks at each, more at the promising ones, the budget by what was seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Pts
from framedex.errors import UsageError
from framedex.select.base import Input, Request, Rows, Scores
from framedex.select.fill import best_rows, largest_remainder, softmax, top_up
from framedex.select.nms import take_apart
from framedex.select.together import by_budget, by_group

_SECOND_US = 1_000_000
_LEAST = 1e-6  # of the parameters: a microsecond, and what no two means need to be told apart


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arms:
    """How a video's time is cut.

    Attributes:
        starts: int64 (arms,), first rows of the arms.
        sizes: int64 (arms,), frames of each.
        begins: bool (n,), the first frames of every second of an arm.
    """

    starts: Rows
    sizes: NDArray[np.int64]
    begins: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """What was looked at.

    Attributes:
        starts: int64 (arms,), first rows of the arms.
        frames: bool (n,), the frames whose score was asked for.
        mean: float64 (arms,), of an arm's scores that were seen.
        zoomed: how many arms were looked at closely.
    """

    starts: Rows
    frames: NDArray[np.bool_]
    mean: Scores
    zoomed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Focus:
    """Frames of the clips that promise most, judged by few scores.

    1. The time from first frame to last is cut into equal clips of at most `clip_s` seconds, at least 8, the arms; arms without
       a frame are none. Of each arm the middle frame and two drawn others are looked at.
    2. Arms are ranked by mean + sqrt(2·ln N·variance / m) + 3·ln N / m, m their looks and N all. Of the first quarter, at
       least 4, one frame of every second is looked at, too.
    3. ⌊k / 5⌋ frames are the best of those seen, min(1 s, D / 4k) apart. The others are shared over as many arms as were
       looked at closely (4 to 32), those with the highest means, by softmax of the means at temperature `temperature` and
       largest remainder; within an arm the best, as far apart. Frames not seen count as the nearest one seen. What is missing
       then is the best whatever the distance.

    Scores of all frames are there anyhow: no other one than those looked at is used, and `lookups` says how many that were,
    which is what the method would have asked a network for. Ties go to the earlier arm or frame. The term 3·ln N / m is meant
    for scores in [0, 1]; beside cosines it outweighs them, so that arms with fewer looks come first.

    Args:
        clip_s: longest clip, seconds, 1e-6 or more.
        temperature: of the shares, 1e-6 or more.

    Source: arXiv 2510.27280 and its published code, whose numbers these are; nearest-neighbour interpolation is one of its
    choices.
    """

    name: ClassVar[str] = "focus"
    kind: ClassVar[Literal["keyframe"]] = "keyframe"
    needs: ClassVar[tuple[Input, ...]] = ("scores", "seed")
    wants: ClassVar[tuple[Input, ...]] = ()
    cost: ClassVar[str] = "n log n + n·k / arms"

    clip_s: float = 16.0
    temperature: float = 0.06

    def __post_init__(self) -> None:
        for name, value in (("clip_s", self.clip_s), ("temperature", self.temperature)):
            if not value >= _LEAST:
                raise UsageError(f"sampler 'focus', {name}: expected {_LEAST:g} or more, got {value}")

    def rows(self, request: Request) -> Rows:
        """Exactly min(budget, n) rows; the same for the same seed, video, question and variant."""
        return self.rows_of_video([request])[0]

    def rows_of_video(self, requests: Sequence[Request]) -> list[Rows]:
        """As `rows`; arms are those of the video, and what is looked at that of a prompt and draw, whatever the budget."""
        times = requests[0].pts_us.tolist()
        arms = self.arms(requests[0].pts_us)

        def of_draw(same: Sequence[Request]) -> list[Rows]:
            scores, n = same[0].need_scores(self.name), same[0].n
            if all(n <= request.budget for request in same):
                return [np.arange(n, dtype=np.int64)] * len(same)
            seen = self.look(same[0], arms)
            guessed = scores[_nearest(same[0].pts_us, np.flatnonzero(seen.frames))]
            return by_budget(same, lambda request: self._shared(seen, guessed, times, request.take))

        return by_group(requests, lambda request: (id(request.scores), request.draw), of_draw)

    def _shared(self, seen: Seen, guessed: Scores, times: Sequence[int], k: int) -> Rows:
        n = len(times)
        if n == k:
            return np.arange(n, dtype=np.int64)
        gap_us = min(_SECOND_US, (times[-1] - times[0]) / (4 * k))
        rows = take_apart(np.where(seen.frames, guessed, -np.inf), times, gap_us, k // 5)
        free = guessed.copy()
        take_apart(free, times, gap_us, 0, beside=rows)
        arms = best_rows(seen.mean, min(max(seen.zoomed, 4), 32))
        counts = largest_remainder(softmax(seen.mean[arms], self.temperature), k - len(rows))
        ends = [*seen.starts.tolist(), n]
        for arm, count in zip(arms.tolist(), counts.tolist(), strict=True):
            if count:
                rows += take_apart(free, times, gap_us, count, first=ends[arm], last=ends[arm + 1])
        return top_up(np.array(rows, dtype=np.int64), guessed, k)

    def lookups(self, request: Request) -> int:
        """How many scores it asks for."""
        return request.n if request.n <= request.budget else int(self.look(request).frames.sum())

    def arms(self, times: Pts) -> Arms:
        """The equal clips that have a frame."""
        span_us = int(times[-1] - times[0])
        count = min(max(8, math.ceil(span_us / (self.clip_s * 1e6))), len(times))
        arm = ((times - times[0]) / (span_us + 1) * count).astype(np.int64)
        starts = np.flatnonzero(np.diff(arm, prepend=-1)).astype(np.int64)
        sizes = np.diff(starts, append=len(times))
        second = (times - np.repeat(times[starts], sizes)) // _SECOND_US
        begins = np.diff(second, prepend=-1) != 0
        begins[starts] = True
        return Arms(starts=starts, sizes=sizes, begins=begins)

    def look(self, request: Request, arms: Arms | None = None) -> Seen:
        """Steps one and two: which frames are looked at, and what they say of their arms, which are found where not given."""
        scores = request.need_scores(self.name)
        arms = self.arms(request.pts_us) if arms is None else arms
        starts = arms.starts
        frames = _coarse(starts, arms.sizes, request)
        mean, index = _ranked(scores, frames, starts)
        zoomed = best_rows(index, max(4, math.ceil(len(starts) / 4)))
        close = np.zeros(len(starts), dtype=np.bool_)
        close[zoomed] = True
        frames |= arms.begins & np.repeat(close, arms.sizes)
        mean, _ = _ranked(scores, frames, starts)
        return Seen(starts=starts, frames=frames, mean=mean, zoomed=len(zoomed))


def _coarse(starts: Rows, sizes: NDArray[np.int64], request: Request) -> NDArray[np.bool_]:
    """The middle of every arm, and two others, the second unlike the first, as far as the arm has any."""
    uniforms = request.draw.uniforms(2 * len(starts)).reshape(-1, 2)
    middle = sizes // 2
    one = (uniforms[:, 0] * (sizes - 1)).astype(np.int64)
    one += one >= middle
    two = (uniforms[:, 1] * np.maximum(sizes - 2, 0)).astype(np.int64)
    for passed in np.sort(np.stack([middle, one]), axis=0):
        two += two >= passed
    frames = np.zeros(request.n, dtype=np.bool_)
    frames[starts + middle] = True
    frames[(starts + one)[sizes > 1]] = True
    frames[(starts + two)[sizes > 2]] = True
    return frames


def _ranked(scores: Scores, frames: NDArray[np.bool_], starts: Rows) -> tuple[Scores, Scores]:
    """Means of what was seen, and means with their upper confidence: float64 (arms,) each."""
    looks = np.add.reduceat(frames.astype(np.float64), starts)
    mean = np.add.reduceat(np.where(frames, scores, 0), starts) / looks
    arm = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(scores)))
    variance = np.add.reduceat(np.where(frames, (scores - mean[arm]) ** 2, 0), starts) / looks
    log_n = math.log(looks.sum())
    return mean, mean + np.sqrt(2 * log_n * variance / looks) + 3 * log_n / looks


def _nearest(times: NDArray[np.int64], seen: Rows) -> Rows:
    """For every frame the seen one that is nearest in time; ties go to the earlier."""
    after = np.minimum(np.searchsorted(times[seen], times), len(seen) - 1)
    before = np.maximum(after - 1, 0)
    earlier = np.abs(times - times[seen[before]]) <= np.abs(times[seen[after]] - times)
    return np.asarray(seen[np.where(earlier, before, after)])
