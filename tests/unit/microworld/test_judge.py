"""Judging: the exact chance, by counting."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from framedex.microworld.judge import chance_of_evidence


@pytest.mark.parametrize(("n", "evidence", "budget"), [(6, 2, 3), (5, 0, 2), (5, 5, 2), (4, 1, 4), (4, 1, 9)])
def test_chance_is_the_share_of_draws_that_hold_evidence(n: int, evidence: int, budget: int) -> None:
    frames = np.arange(n) < evidence
    draws = list(combinations(range(n), min(budget, n)))
    expected = np.mean([any(frames[row] for row in draw) for draw in draws])
    assert chance_of_evidence(frames, budget) == pytest.approx(expected)
