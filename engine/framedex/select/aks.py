"""Adaptive keyframe sampling."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from framedex.errors import UsageError
from framedex.scores.transform import minmax
from framedex.select import arithmetic
from framedex.select.base import Input, Request, Rows, Scores
from framedex.select.fill import best_rows, top_up


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A part of the video that is not split further: rows first to last - 1, after `depth` halvings."""

    first: int
    last: int
    depth: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Aks:
    """Halve the video where its best frames do not stand out, and share the budget by depth.

    Scores are min-max scaled over the video. Beginning with the whole video, a segment whose `budget` best frames exceed its
    mean by more than t1 on average, and whose standard deviation exceeds t2, is a leaf; any other is halved (the first half
    is the shorter one) until `depth`. A leaf at depth d gives its ⌊budget / 2^d⌋ best frames. Note that the average is over
    `budget` frames at every depth: over the whole segment, and so no gap at all, where it has no more.

    Where we deviate: ⌊budget / 2^5⌋ is zero for budgets below 32, so a video that is split all the way would give no frame.
    Depth is therefore at most ⌊log2 budget⌋, and frames missing to the budget are the best of the others. With strict="paper"
    neither is done, and the selection may be smaller than the budget, or empty. Ties go to the earlier frame.

    Args:
        t1: least gap of a leaf between the mean of its best frames and its mean, in the scaled scores.
        t2: least standard deviation of a leaf; the default is no condition.
        depth: most halvings, >= 0.
        strict: "paper" for the published code's output as it is.

    Source: arXiv 2502.21271 (judge and split, "ADA") and its published code; t1, t2 and depth are that code's.
    """

    name: ClassVar[str] = "aks"
    kind: ClassVar[Literal["keyframe"]] = "keyframe"
    needs: ClassVar[tuple[Input, ...]] = ("scores",)
    wants: ClassVar[tuple[Input, ...]] = ()
    cost: ClassVar[str] = "n log n times depth"

    t1: float = 0.8
    t2: float = -100.0
    depth: int = 5
    strict: Literal["paper"] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.depth <= 30:
            raise UsageError(f"sampler 'aks', depth: expected 0 to 30 halvings, got {self.depth}")

    def rows(self, request: Request) -> Rows:
        """Exactly min(budget, n) rows; with strict="paper" as many as the leaves give."""
        raw = request.need_scores(self.name)
        if request.n < request.budget or (request.n == request.budget and not self.strict):
            return np.arange(request.n, dtype=np.int64)
        deepest = self.depth if self.strict else min(self.depth, request.budget.bit_length() - 1)
        scores = minmax(raw)
        rows = [
            leaf.first + best_rows(scores[leaf.first : leaf.last], request.budget >> leaf.depth)
            for leaf in self.leaves(scores, request.budget, deepest)
        ]
        taken = np.concatenate(rows)
        return taken if self.strict else top_up(taken, scores, request.take)

    def leaves(self, scores: Scores, budget: int, deepest: int) -> list[Leaf]:
        """The leaves, in order of time.

        Args:
            scores: float64 (n,), n >= 1, in [0, 1].
            budget: frames wanted in all.
            deepest: most halvings.
        """
        level, done = [Leaf(first=0, last=len(scores), depth=0)], []
        for _ in range(deepest):
            halves = []
            for leaf in level:
                if self._stands_out(scores[leaf.first : leaf.last], budget):
                    done.append(leaf)
                    continue
                middle, depth = leaf.first + (leaf.last - leaf.first) // 2, leaf.depth + 1
                halves.append(Leaf(first=leaf.first, last=middle, depth=depth))
                halves.append(Leaf(first=middle, last=leaf.last, depth=depth))
            level = [leaf for leaf in halves if leaf.last > leaf.first]  # half of one frame is nothing
        return sorted([*done, *level], key=lambda leaf: leaf.first)

    def _stands_out(self, segment: Scores, budget: int) -> bool:
        best = np.sort(segment)[::-1][:budget]
        mean = arithmetic.total(segment) / len(segment)
        if not arithmetic.total(best) / len(best) - mean > self.t1:
            return False
        return math.sqrt(arithmetic.total((segment - mean) ** 2) / len(segment)) > self.t2
