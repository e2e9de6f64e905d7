"""One frame of every cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Vectors
from framedex.errors import UsageError
from framedex.select.base import Input, Request, Rows, Scores
from framedex.select.likeness import Cosines, farthest_first
from framedex.select.together import by_budget, by_group


@dataclass(frozen=True, slots=True, kw_only=True)
class KMeans:
    """Clusters of like frames by spherical k-means; of each the frame that is nearest to its centre.

    Seeds are drawn as k-means++ draws them, by the inverse of the cumulative squared distance (twice one minus cosine) at one
    uniform each, all k uniforms drawn once. Then frames go to the nearest centre, and a centre becomes its frames' mean
    direction, until nothing changes. Clusters that lose their last frame are dropped; frames missing to the budget are then
    the least like any taken. Ties go to the earlier cluster or frame.

    Args:
        rounds: most rounds, >= 1.

    Source: Dhillon and Modha 2001 (Machine Learning 42), seeded after Arthur and Vassilvitskii, SODA 2007;
    medoids in place of centres because frames are wanted.
    """

    name: ClassVar[str] = "kmeans"
    kind: ClassVar[Literal["keyframe"]] = "keyframe"
    needs: ClassVar[tuple[Input, ...]] = ("embeddings", "seed")
    wants: ClassVar[tuple[Input, ...]] = ()
    cost: ClassVar[str] = "n·k·d times rounds"

    rounds: int = 25

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise UsageError(f"sampler 'kmeans', rounds: expected 1 or more, got {self.rounds}")

    def rows(self, request: Request) -> Rows:
        """Exactly min(budget, n) rows; the same for the same seed, video, question and variant."""
        return self.rows_of_video([request])[0]

    def rows_of_video(self, requests: Sequence[Request]) -> list[Rows]:
        """As `rows`; cosines are those of the video, and a draw's seeds those of its largest budget."""
        embeddings = requests[0].need_embeddings(self.name)
        wanted = sum(request.budget for request in requests if request.budget < request.n)
        cosines = Cosines(embeddings, wanted=wanted)

        def of_draw(same: Sequence[Request]) -> list[Rows]:
            most = max((request.budget for request in same if request.budget < request.n), default=0)
            seeds = _seeds(cosines, len(embeddings), same[0].draw.uniforms(most)) if most else []
            return by_budget(same, lambda request: self._clustered(embeddings, cosines, seeds, request.take))

        return by_group(requests, lambda request: request.draw, of_draw)

    def _clustered(self, embeddings: Vectors, cosines: Cosines, seeds: list[int], k: int) -> Rows:
        n = len(embeddings)
        if n == k:
            return np.arange(n, dtype=np.int64)
        centres = embeddings[seeds[:k]]
        nearest = _nearest(embeddings, centres)
        for _ in range(self.rounds):
            centres = _centres(embeddings, nearest, len(centres))
            before, nearest = nearest, _nearest(embeddings, centres)
            if np.array_equal(before, nearest):
                break
        return farthest_first(cosines, n, _medoids(embeddings, centres, nearest), k)


def _seeds(cosines: Cosines, n: int, uniforms: Scores) -> list[int]:
    """Rows of the seeds, one for each uniform, fewer where all frames are like some; those of fewer uniforms come first."""
    rows = [int(uniforms[0] * n)]
    away = 2 - 2 * cosines.to(rows[0])
    for uniform in uniforms[1:].tolist():
        reached = np.cumsum(np.maximum(away, 0))
        if reached[-1] <= 0:  # no frame is unlike all seeds
            break
        row = int(np.searchsorted(reached, uniform * reached[-1], side="right"))
        rows.append(min(row, n - 1))  # a uniform next to 1 may round to it
        np.minimum(away, 2 - 2 * cosines.to(rows[-1]), out=away)
    return rows


def _nearest(embeddings: Vectors, centres: Vectors) -> NDArray[np.int64]:
    return np.asarray(np.argmax(np.round(embeddings @ centres.T, 5), axis=1))


def _centres(embeddings: Vectors, nearest: NDArray[np.int64], k: int) -> Vectors:
    """Mean directions of the clusters that have frames, in order of their number."""
    held = np.flatnonzero(np.bincount(nearest, minlength=k))
    members = (nearest[None, :] == held[:, None]).astype(np.float32)
    sums = members @ embeddings
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.maximum(lengths, np.finfo(np.float32).tiny), dtype=np.float32)


def _medoids(embeddings: Vectors, centres: Vectors, nearest: NDArray[np.int64]) -> Rows:
    """Of every cluster that has frames, the one that is nearest to its centre."""
    likeness = np.round(np.einsum("nd,nd->n", embeddings, centres[nearest]), 5)
    order = np.lexsort((-likeness, nearest))  # stable: ties stay in order of time
    first = np.flatnonzero(np.diff(nearest[order], prepend=-1))
    return np.sort(order[first]).astype(np.int64)
