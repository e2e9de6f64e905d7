"""Rank statistics of a score against a right-or-wrong outcome."""

from __future__ import annotations

import math

import numpy as np

from framedex.analysis.records import Values


def ranks(values: Values) -> Values:
    """Ranks from 1, in increasing order; equal values share the mean of their ranks."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2)[place])


def spearman(first: Values, second: Values) -> float | None:
    """Spearman's rank correlation, ties by mean rank; None where either side is constant or there are fewer than two."""
    if len(first) < 2:
        return None
    x, y = (ranks(side) - (len(side) + 1) / 2 for side in (first, second))
    scale = math.sqrt(float(x @ x) * float(y @ y))
    return float(x @ y) / scale if scale else None


def spearman_cap(p: float) -> float:
    """The largest Spearman correlation that scores can have with a binary outcome that is 1 in a share `p`.

    ρ = √(3p(1 - p)) · (2 AUROC - 1) for many untied scores, so the cap is √(3p(1 - p)): 0.87 at p = 0.5, 0.52 at p = 0.9.
    """
    return math.sqrt(3 * p * (1 - p))


def auroc(score_ranks: Values, right: np.ndarray) -> float:
    """Chance that a right case has a higher score than a wrong one, ties counting one half.

    Args:
        score_ranks: (n,), `ranks` of the scores.
        right: bool (n,), with both values present.

    Source: the Mann-Whitney U statistic over the number of pairs.
    """
    n_right = int(right.sum())
    n_wrong = len(right) - n_right
    assert 0 < n_right < len(right), "auroc needs right and wrong cases"
    u = float(score_ranks[right].sum()) - n_right * (n_right + 1) / 2
    return u / (n_right * n_wrong)
