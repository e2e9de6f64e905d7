"""Inverse transform sampling of the score curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from framedex.errors import UsageError
from framedex.scores.transform import minmax
from framedex.select import arithmetic
from framedex.select.base import Input, Request, Rows, Scores
from framedex.select.fill import top_up


@dataclass(frozen=True, slots=True, kw_only=True)
class Bolt:
    """The scores as a distribution over frames, read at even quantiles.

    Scores are min-max scaled, raised to `power`, and summed up to a cumulative distribution F with F(last) = 1. With k =
    min(budget, n) the quantiles are k even steps from 1/k to 1 - 1/k, both included; for each the first frame with F >= quantile
    is taken.

    Where we deviate: several quantiles may fall on one frame; it is taken once, and frames missing to the budget are the best
    of the others, ties to the earlier. A flat curve, for which scaling divides by zero, is a uniform distribution. For a
    budget of one the steps have no room (from 1 down to 0), and the median is read. With strict="paper" nothing is filled up:
    repeats are only merged, a flat curve gives the first frame (every comparison with "no number" fails), and a budget of one
    the quantile 1.

    Args:
        power: above 1 prefers peaks; the paper reports 2.5 to 3 for some sets, its code's default is off.
        strict: "paper" for the published code's output as it is.

    Source: arXiv 2503.21483 (inverse transform sampling) and its published code.
    """

    name: ClassVar[str] = "bolt"
    kind: ClassVar[Literal["keyframe"]] = "keyframe"
    needs: ClassVar[tuple[Input, ...]] = ("scores",)
    wants: ClassVar[tuple[Input, ...]] = ()
    cost: ClassVar[str] = "n + k log n, and n log n where frames repeat"

    power: float = 1.0
    strict: Literal["paper"] | None = None

    def __post_init__(self) -> None:
        if self.power <= 0:
            raise UsageError(f"sampler 'bolt', power: expected a number above 0, got {self.power}")

    def rows(self, request: Request) -> Rows:
        """Exactly min(budget, n) rows; with strict="paper" one per frame that a quantile falls on."""
        scores = request.need_scores(self.name)
        scaled = minmax(scores)
        flat = not scaled.any()
        if self.strict:
            k = request.budget
            return (
                np.zeros(1, dtype=np.int64)
                if flat
                else np.unique(_read(arithmetic.power(scaled, self.power), _quantiles(k)))
            )
        k = request.take
        weights = np.ones_like(scaled) if flat else arithmetic.power(scaled, self.power)
        quantiles = _quantiles(k) if k > 1 else np.array([0.5])
        return top_up(_read(weights, quantiles), scores, k)


def _quantiles(k: int) -> Scores:
    return np.linspace(1 / k, 1 - 1 / k, k)


def _read(weights: Scores, quantiles: Scores) -> Rows:
    """For each quantile the first frame at which the cumulative weight reaches it."""
    rows = np.searchsorted(np.cumsum(weights / arithmetic.total(weights)), quantiles)
    return np.minimum(rows, len(weights) - 1).astype(np.int64)  # rounding may leave the sum below the last quantile
