"""Scenes of the score curve by wavelets, the budget shared by importance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import pywt
from numpy.typing import NDArray
from scipy.signal import find_peaks

from framedex.errors import UsageError
from framedex.scores.transform import minmax
from framedex.select.base import Input, Request, Rows, Scores
from framedex.select.fill import best_rows, centres, largest_remainder, softmax, top_up
from framedex.select.likeness import Cosines, marginal_relevance
from framedex.select.together import by_budget, by_group

_WAVELET = "db4"
_NOTHING = 1e-9  # of a curve in [0, 1], what is left of a flat one by rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Wfs:
    """Boundaries where the coarse course of the curve bends, a share of the budget for every part between them.

    1. Boundaries: the curve's coarsest db4 detail (symmetric, level ⌊log2 n - 3⌋, at least 1), alone, is transformed back;
       peaks of its magnitude above mean + 0.5 standard deviations, with prominence of 5 % of its range and max(5, 0.02·n)
       frames apart.
    2. Importance of a part: 0.4·share of the frames + 0.2·mean + 0.3·maximum + 0.1·variance over the whole curve's (at most 1).
       Of more than three parts those below max(0.05, mean - 1.2 standard deviations) are left out.
    3. The budget is shared by softmax of importance at temperature 1, by largest remainder.
    4. Within a part: the best-scored frame, then by marginal relevance 0.5·(2s - 1) - 0.5·(largest likeness to one taken).
       Likeness is the cosine of embeddings; exp(-|Δt| / 10 s) where there are none. Frames missing to the budget (a part may
       be shorter than its share) are taken likewise from the whole video.

    Without a boundary, half of the budget, rounded down, is uniform and the rest the best-scored others. Curves shorter than
    the wavelet twice over (14 frames) have none, nor do flat ones. Ties go to the earlier part or frame.

    Args:
        scale: s is the curve min-max scaled; "given" for scores in [0, 1] as the paper's, which are BLIP's probabilities.

    Source: arXiv 2603.00512 (WFS-SB) and its published code, whose numbers these are.
    """

    name: ClassVar[str] = "wfs"
    kind: ClassVar[Literal["keyframe"]] = "keyframe"
    needs: ClassVar[tuple[Input, ...]] = ("scores",)
    wants: ClassVar[tuple[Input, ...]] = ("embeddings",)
    cost: ClassVar[str] = "n log n + n·d, and n·k·d for what is missing"

    scale: Literal["minmax", "given"] = "minmax"

    def rows(self, request: Request) -> Rows:
        """Exactly min(budget, n) rows."""
        return self.rows_of_video([request])[0]

    def rows_of_video(self, requests: Sequence[Request]) -> list[Rows]:
        """As `rows`; parts are those of a prompt, and of their frames' order every budget takes as many as it wants."""
        alike = Alike(requests[0], wanted=sum(request.budget for request in requests if request.budget < request.n))
        return by_group(requests, lambda request: id(request.scores), lambda same: self._of_prompt(alike, same))

    def _of_prompt(self, alike: Alike, requests: Sequence[Request]) -> list[Rows]:
        raw = requests[0].need_scores(self.name)
        if self.scale == "given" and not (raw.min() >= 0 and raw.max() <= 1):
            raise UsageError(
                f"sampler 'wfs', scale=given: expected scores in [0, 1], got {raw.min():.3g} to {raw.max():.3g}; "
                "use scale=minmax, or --transform prob"
            )
        n = len(raw)
        most = max((request.budget for request in requests if request.budget < n), default=0)
        if not most:
            return [np.arange(n, dtype=np.int64)] * len(requests)
        parts = Parts(minmax(raw) if self.scale == "minmax" else raw, alike)
        return by_budget(requests, lambda request: parts.rows(request.take))


class Parts:
    """A curve's parts, each with the order in which its frames are taken, as far as anybody asked.

    Args:
        scores: float64 (n,), in [0, 1].
        alike: of the frames.
    """

    def __init__(self, scores: Scores, alike: Alike) -> None:
        self._scores, self._alike = scores, alike
        found = boundaries(scores)
        self._starts = np.concatenate([np.zeros(1, np.int64), found])
        self._sizes = np.diff(self._starts, append=len(scores))
        self._orders = [Spread(scores, alike, start, start + size) for start, size in self._spans()]
        self._kept = np.zeros(0, dtype=np.int64)
        if len(found):
            weights = importance(scores, self._starts, self._sizes)
            self._kept = important(weights)
            self._shares = softmax(weights[self._kept], 1.0)

    def rows(self, k: int) -> Rows:
        """The rows of a budget of k <= n."""
        n = len(self._scores)
        if k == n:
            return np.arange(n, dtype=np.int64)
        if not len(self._kept):
            return top_up(centres(k // 2, n), self._scores, k)
        counts = np.minimum(largest_remainder(self._shares, k), self._sizes[self._kept])
        taken: list[int] = []
        for part, count in zip(self._kept.tolist(), counts.tolist(), strict=True):
            taken += self._orders[part].first(count)
        if len(taken) < k:
            taken += Spread(self._scores, self._alike, 0, n, beside=taken).first(k - len(taken))
        return np.sort(np.array(taken, dtype=np.int64))

    def _spans(self) -> list[tuple[int, int]]:
        return list(zip(self._starts.tolist(), self._sizes.tolist(), strict=True))


class Alike:
    """How alike a frame of a video is to others: by embeddings, by time where there are none."""

    def __init__(self, request: Request, *, wanted: int) -> None:
        self._pts_us = request.pts_us
        self._cosines = None if request.embeddings is None else Cosines(request.embeddings, wanted=wanted)

    def to(self, row: int, first: int, last: int) -> Scores:
        """Likeness of rows first to last - 1 and one, float64 (last - first,)."""
        if self._cosines is not None:
            return self._cosines.to(row, first, last)
        apart_s = np.abs(self._pts_us[first:last] - self._pts_us[row]) / 1e6
        return np.asarray(np.exp(-apart_s / 10))


class Spread:
    """Rows first to last - 1 by marginal relevance, one by one, beside those of them that were taken before."""

    def __init__(self, scores: Scores, alike: Alike, first: int, last: int, beside: Sequence[int] = ()) -> None:
        self._alike, self._first, self._last = alike, first, last
        self._relevance = 2 * scores[first:last] - 1
        self._taken = np.zeros(last - first, dtype=np.bool_)
        self._nearest = np.full(last - first, -np.inf)
        self._rows: list[int] = []
        self._alone = not beside
        for row in beside:
            self._take(row)

    def first(self, count: int) -> list[int]:
        """The first `count` rows; there must be as many."""
        while len(self._rows) < count:
            gain = self._relevance
            if self._rows or not self._alone:
                gain = marginal_relevance(gain, self._nearest, self._taken, 0.5)
            self._rows.append(self._first + int(gain.argmax()))
            self._take(self._rows[-1])
        return self._rows[:count]

    def _take(self, row: int) -> None:
        self._taken[row - self._first] = True
        np.maximum(self._nearest, self._alike.to(row, self._first, self._last), out=self._nearest)


def boundaries(scores: Scores) -> Rows:
    """First rows of the parts but the first; none of a short or flat curve.

    Args:
        scores: float64 (n,), in [0, 1].
    """
    n = len(scores)
    most = pywt.dwt_max_level(n, _WAVELET)
    if most < 1:
        return np.zeros(0, dtype=np.int64)
    level = min(max(math.floor(math.log2(n) - 3), 1), most)
    coarse, detail, *finer = pywt.wavedec(scores, _WAVELET, mode="symmetric", level=level)
    alone = [np.zeros_like(coarse), detail, *(np.zeros_like(part) for part in finer)]
    magnitude = np.abs(pywt.waverec(alone, _WAVELET, mode="symmetric")[:n])
    if magnitude.max() < _NOTHING:
        return np.zeros(0, dtype=np.int64)
    peaks, _ = find_peaks(
        magnitude,
        height=magnitude.mean() + 0.5 * magnitude.std(),
        prominence=0.05 * np.ptp(magnitude),
        distance=max(5, int(0.02 * n)),
    )
    return np.asarray(peaks, dtype=np.int64)


def importance(scores: Scores, starts: Rows, sizes: NDArray[np.int64]) -> Scores:
    """Of every part: float64 (parts,)."""
    mean = np.add.reduceat(scores, starts) / sizes
    spread = np.add.reduceat((scores - np.repeat(mean, sizes)) ** 2, starts) / sizes
    whole = scores.var()
    ratio = np.minimum(spread / whole, 1) if whole > 0 else np.zeros_like(spread)
    return np.asarray(0.4 * sizes / len(scores) + 0.2 * mean + 0.3 * np.maximum.reduceat(scores, starts) + 0.1 * ratio)


def important(weights: Scores) -> Rows:
    """The parts that get a share: all of up to three; the heaviest where none is left."""
    if len(weights) <= 3:
        return np.arange(len(weights), dtype=np.int64)
    kept = np.flatnonzero(weights >= max(0.05, weights.mean() - 1.2 * weights.std()))
    return kept if len(kept) else best_rows(weights, 1)
