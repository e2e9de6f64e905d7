"""Keyframe choice as a quadratic programme, by greedy search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Vectors
from framedex.errors import UsageError
from framedex.select.base import Input, Request, Rows, Scores
from framedex.select.fill import centres
from framedex.select.together import by_budget, by_group

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kfc:
    """Frames whose pairs are relevant and unlike: a greedy search over a matrix of pairs, and a look at the neighbours.

    A pair i < j weighs q_i + exp(-cos(i, j)): only the earlier frame's score counts, so of two frames of equal score the one
    with more frames after it weighs more. The matrix, with scores on its diagonal, is added to its transpose and replaced by
    its best approximation of rank ⌊n / 4⌋. Candidates are the centres of min(128, ⌊n / 4⌋) equal segments. The search begins
    with the candidate of the largest diagonal, adds the one with the largest summed weight to those taken, and at the end
    moves each frame, in order of time, to a neighbour that weighs more. Ties go to the earlier frame.

    Where we deviate: there are at least as many candidates as the budget; the factorisation takes n³ steps, so of videos of
    more than `most` frames the centres of that many equal segments are read (never fewer than four times the budget).

    Args:
        candidates: most candidates.
        most: most frames that are read.

    Source: arXiv 2505.24158 (keyframe capturing of Nar-KFC) and its published code; `most` is ours.
    """

    name: ClassVar[str] = "kfc"
    kind: ClassVar[Literal["keyframe"]] = "keyframe"
    needs: ClassVar[tuple[Input, ...]] = ("scores", "embeddings")
    wants: ClassVar[tuple[Input, ...]] = ()
    cost: ClassVar[str] = "m³ + m²·d, m = min(n, max(most, 4·k))"

    candidates: int = 128
    most: int = 1024

    def __post_init__(self) -> None:
        for name, value in (("candidates", self.candidates), ("most", self.most)):
            if value < 1:
                raise UsageError(f"sampler 'kfc', {name}: expected 1 or more, got {value}")

    def rows(self, request: Request) -> Rows:
        """Exactly min(budget, n) rows."""
        return self.rows_of_video([request])[0]

    def rows_of_video(self, requests: Sequence[Request]) -> list[Rows]:
        """As `rows`; pairs are compared once, and factorised once for each prompt, where as many frames are read."""
        embeddings = requests[0].need_embeddings(self.name)

        def of_read(same: Sequence[Request]) -> list[Rows]:
            n = same[0].n
            if n <= same[0].budget:
                return [np.arange(n, dtype=np.int64)] * len(same)
            read = centres(self._reads(same[0]), n)
            unlike = unlikeness(embeddings[read])
            return by_group(same, lambda request: id(request.scores), lambda of: self._of_prompt(read, unlike, of))

        return by_group(requests, self._reads, of_read)

    def _reads(self, request: Request) -> int:
        """How many frames are read; 0 where all are taken."""
        request.need_scores(self.name)
        return min(request.n, max(self.most, 4 * request.budget)) if request.budget < request.n else 0

    def _of_prompt(self, read: Rows, unlike: Matrix, requests: Sequence[Request]) -> list[Rows]:
        weights = smoothed(pair_weights(requests[0].need_scores(self.name)[read], unlike))

        def count(request: Request) -> int:
            return min(max(min(self.candidates, len(read) // 4), request.budget), len(read))

        def of_candidates(same: Sequence[Request]) -> list[Rows]:
            found = _search(weights, centres(count(same[0]), len(read)), max(request.budget for request in same))
            return by_budget(same, lambda request: read[_moved(weights, np.sort(found[: request.budget]))])

        return by_group(requests, count, of_candidates)


def unlikeness(embeddings: Vectors) -> Matrix:
    """exp(-cosine) of every pair, float64 (n, n)."""
    return np.asarray(np.exp(-np.round((embeddings @ embeddings.T).astype(np.float64), 5)))


def pair_weights(scores: Scores, unlike: Matrix) -> Matrix:
    """W + Wᵀ of the rule, float64 (n, n): off the diagonal q_i + exp(-cos(i, j)) with i the earlier, on it 2·q_i."""
    upper = np.triu(scores[:, None] + unlike, 1) + np.diag(scores)
    return np.asarray(upper + upper.T)


def smoothed(weights: Matrix) -> Matrix:
    """The nearest matrix of rank ⌊n / 4⌋, at least 1, rounded to nine digits of its largest entry so that equal frames tie."""
    scale = np.abs(weights).max()
    if scale == 0:
        return weights
    values, vectors = np.linalg.eigh(weights / scale)
    kept = np.argsort(-np.abs(values), kind="stable")[: max(len(values) // 4, 1)]
    return np.asarray(np.round((vectors[:, kept] * values[kept]) @ vectors[:, kept].T, 9))


def _search(weights: Matrix, candidates: Rows, k: int) -> Rows:
    """Rows of the k candidates that the search comes to, in that order."""
    among = weights[np.ix_(candidates, candidates)]
    columns = np.ascontiguousarray(among.T)
    chosen = [int(np.argmax(np.diagonal(among)))]
    summed = np.zeros(len(candidates))
    while len(chosen) < k:
        summed += columns[chosen[-1]]
        summed[chosen[-1]] = -np.inf
        chosen.append(int(summed.argmax()))
    return candidates[chosen]


def _moved(weights: Matrix, chosen: Rows) -> Rows:
    """Each frame, in order of time, at the heaviest of its own place and the two beside it that no other frame has."""
    rows = chosen.tolist()
    held = set(rows)
    summed = weights[:, chosen].sum(axis=1)
    for at, row in enumerate(rows):
        places = [row, *(place for place in (row - 1, row + 1) if 0 <= place < len(weights) and place not in held)]
        if len(places) == 1:
            continue
        gain = summed[places] - weights[places, row]  # to the others
        rows[at] = places[int(np.argmax(np.round(gain, 9)))]
        if rows[at] != row:
            held.symmetric_difference_update((row, rows[at]))
            summed += weights[:, rows[at]] - weights[:, row]
    return np.sort(np.array(rows, dtype=np.int64))
