"""Scenes of the score curve by wavelets, the budget shared by importance."""

from __future__ import annotations

import math
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
from framedex.select.likeness import marginal_relevance

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
        raw = request.need_scores(self.name)
        if self.scale == "given" and not (raw.min() >= 0 and raw.max() <= 1):
            raise UsageError(
                f"sampler 'wfs', scale=given: expected scores in [0, 1], got {raw.min():.3g} to {raw.max():.3g}; "
                "use scale=minmax, or --transform prob"
            )
        if request.n <= request.budget:
            return np.arange(request.n, dtype=np.int64)
        scores = minmax(raw) if self.scale == "minmax" else raw
        found = boundaries(scores)
        if not len(found):
            return top_up(centres(request.budget // 2, request.n), scores, request.budget)
        starts = np.concatenate([[0], found])
        sizes = np.diff(starts, append=request.n)
        weights = importance(scores, starts, sizes)
        kept = important(weights)
        counts = np.zeros(len(starts), dtype=np.int64)
        counts[kept] = largest_remainder(softmax(weights[kept], 1.0), request.budget)
        taken: list[int] = []
        for start, size, count in zip(starts.tolist(), sizes.tolist(), np.minimum(counts, sizes).tolist(), strict=True):
            taken += _spread(request, scores, start, start + size, [], count)
        taken += _spread(request, scores, 0, request.n, taken, request.budget - len(taken))
        return np.sort(np.array(taken, dtype=np.int64))


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


def _spread(request: Request, scores: Scores, first: int, last: int, beside: list[int], count: int) -> list[int]:
    """Rows first to last - 1 by marginal relevance, `count` of them, beside those of them that were taken before."""
    relevance = 2 * scores[first:last] - 1
    taken = np.zeros(last - first, dtype=np.bool_)
    nearest = np.full(last - first, -np.inf)
    rows: list[int] = []

    def take(row: int) -> None:
        taken[row - first] = True
        np.maximum(nearest, _likeness(request, first, last, row), out=nearest)

    if count:
        for row in beside:
            take(row)
    for _ in range(count):
        alone = not beside and not rows
        gain = relevance if alone else marginal_relevance(relevance, nearest, taken, 0.5)
        rows.append(first + int(np.argmax(gain)))
        take(rows[-1])
    return rows


def _likeness(request: Request, first: int, last: int, row: int) -> Scores:
    if request.embeddings is None:
        apart_s = np.abs(request.pts_us[first:last] - request.pts_us[row]) / 1e6
        return np.asarray(np.exp(-apart_s / 10))
    return np.asarray(np.round((request.embeddings[first:last] @ request.embeddings[row]).astype(np.float64), 5))
