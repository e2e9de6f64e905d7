"""Top and bottom."""

from __future__ import annotations

import numpy as np

import framedex

SCORES = np.array([0.2, 0.9, 0.5, 0.9, 0.1, 0.5])


def test_top_takes_the_highest_and_breaks_ties_by_the_earlier_frame() -> None:
    assert framedex.select("top", SCORES, budget=1).rows.tolist() == [1]
    assert framedex.select("top", SCORES, budget=3).rows.tolist() == [1, 2, 3]


def test_bottom_takes_the_lowest_and_breaks_ties_by_the_earlier_frame() -> None:
    assert framedex.select("bottom", SCORES, budget=2).rows.tolist() == [0, 4]
    assert framedex.select("bottom", SCORES, budget=3).rows.tolist() == [0, 2, 4]
