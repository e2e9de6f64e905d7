"""BOLT, its quantiles worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

import framedex
from framedex.errors import UsageError

# min-max scaled: 0, 1/4, 1/2, 1, 1/4, 0; sum 2; cumulative .0, .125, .375, .875, 1., 1.
SCORES = np.array([2.0, 3.0, 4.0, 6.0, 3.0, 2.0])


def test_quantiles_run_from_one_kth_to_one_minus_it() -> None:
    # k = 4: .25, .417, .583, .75; first rows with F >= quantile: 2, 3, 3, 3
    assert framedex.select("bolt", SCORES, budget=4, strict="paper").rows.tolist() == [2, 3]
    # ours: two are missing; of 0, 1, 4, 5 the best are 1 and 4
    assert framedex.select("bolt", SCORES, budget=4).rows.tolist() == [1, 2, 3, 4]


def test_two_frames_are_both_the_median() -> None:
    # k = 2: from 1/2 to 1/2, twice the same frame
    assert framedex.select("bolt", SCORES, budget=2, strict="paper").rows.tolist() == [3]
    assert framedex.select("bolt", SCORES, budget=2).rows.tolist() == [2, 3]


def test_one_frame_is_the_median_and_on_paper_the_last_with_any_weight() -> None:
    assert framedex.select("bolt", SCORES, budget=1).rows.tolist() == [3]
    assert framedex.select("bolt", SCORES, budget=1, strict="paper").rows.tolist() == [4]  # F reaches 1 there


def test_power_draws_to_the_peak() -> None:
    # squared: 0, 1/16, 1/4, 1, 1/16, 0; sum 1.375; cumulative 0, .045, .227, .955, 1, 1; at .25 already row 3
    assert framedex.select("bolt", SCORES, budget=4, power=2, strict="paper").rows.tolist() == [3]


def test_a_flat_curve_is_uniform_and_on_paper_the_first_frame() -> None:
    flat = np.full(8, 0.3)
    # F = 1/8, …, 1; k = 4: 1/4, 5/12, 7/12, 3/4 fall on rows 1, 3, 4, 5
    assert framedex.select("bolt", flat, budget=4).rows.tolist() == [1, 3, 4, 5]
    assert framedex.select("bolt", flat, budget=4, strict="paper").rows.tolist() == [0]


def test_the_published_formula_written_out() -> None:
    scores = np.random.default_rng(3).random(200)
    for power in (1.0, 2.5):
        weights = ((scores - scores.min()) / (scores.max() - scores.min())) ** power
        total, wanted = 0.0, set()
        quantiles = [1 / 16 + step * (1 - 2 / 16) / 15 for step in range(16)]
        for row, weight in enumerate(weights / weights.sum()):
            before, total = total, total + weight
            wanted |= {row for quantile in quantiles if before < quantile <= total}
        assert framedex.select("bolt", scores, budget=16, power=power, strict="paper").rows.tolist() == sorted(wanted)


def test_a_power_out_of_range() -> None:
    with pytest.raises(UsageError, match="power: expected a number above 0"):
        framedex.select("bolt", SCORES, budget=2, power=0)
