"""Rank statistics against hand derivations and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from framedex.analysis.ranks import auroc, ranks, spearman, spearman_cap


def test_equal_values_share_their_mean_rank() -> None:
    assert ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1.0, 3.5, 2.0]


def test_auroc_counts_pairs() -> None:
    # right: 0.9, 0.4; wrong: 0.4, 0.1, 0.5. Pairs won: 0.9 wins 3; 0.4 ties one, wins one, loses one: (3 + 1.5) / 6.
    score_ranks = ranks(np.array([0.9, 0.4, 0.4, 0.1, 0.5]))
    assert auroc(score_ranks, np.array([True, True, False, False, False])) == 0.75


def test_spearman_of_a_binary_outcome_is_auroc_under_its_cap() -> None:
    # Of n untied scores: cov(rank, right) = n p(1-p)(2A-1)/2, var(rank) = (n²-1)/12, var(right) = p(1-p), hence
    # rho = √(3p(1-p)) (2A-1) n/√(n²-1): the cap times (2A-1), but for the last factor, which goes to 1.
    rng = np.random.default_rng(0)
    scores, right = rng.random(60), rng.random(60) < 0.8
    p, a = right.mean(), auroc(ranks(scores), right)
    expected = spearman_cap(p) * (2 * a - 1) * 60 / math.sqrt(60**2 - 1)
    assert spearman(scores, right.astype(float)) == pytest.approx(expected)


def test_the_cap_at_ninety_percent_right() -> None:
    assert spearman_cap(0.9) == pytest.approx(math.sqrt(0.27))  # 0.52, as the facts of the study have it
    best = np.arange(1000.0)
    assert spearman(best, (best >= 100).astype(float)) == pytest.approx(spearman_cap(0.9), rel=1e-5)


def test_agrees_with_scipy_where_there_are_ties() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 5, 80).astype(float), rng.integers(0, 3, 80).astype(float)
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)
    right = y > 0
    u = stats.mannwhitneyu(x[right], x[~right]).statistic
    assert auroc(ranks(x), right) == pytest.approx(u / (right.sum() * (~right).sum()))


def test_what_does_not_vary_has_no_correlation() -> None:
    assert spearman(np.ones(5), np.arange(5.0)) is None
    assert spearman(np.ones(1), np.ones(1)) is None
