"""AKS, its quota by depth worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

import framedex
from framedex.errors import UsageError
from framedex.scores.transform import minmax
from framedex.select.aks import Aks, Leaf

# One frame of 16 stands out, in the first half.
SPIKE = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.1, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0, 0.3])


def leaves(scores: np.ndarray, budget: int, deepest: int) -> list[tuple[int, int, int]]:
    return [(leaf.first, leaf.last, leaf.depth) for leaf in Aks().leaves(minmax(scores), budget, deepest)]


def test_a_video_whose_best_frames_stand_out_is_one_leaf() -> None:
    # budget 1: the best frame is 1, the mean 1.6 / 16 = 0.1; the gap of 0.9 exceeds 0.8
    assert leaves(SPIKE, 1, 5) == [(0, 16, 0)]
    assert framedex.select("aks", SPIKE, budget=1, strict="paper").rows.tolist() == [3]


def test_the_quota_halves_with_depth() -> None:
    # budget 2: the two best have mean 0.65, the gap of 0.55 is too small: halves. In the first the gap is 0.5 - 0.125, in the
    # second 0.25 - 0.075. At depth 1 each half gives 2 >> 1 = 1 frame.
    assert leaves(SPIKE, 2, 1) == [(0, 8, 1), (8, 16, 1)]
    assert framedex.select("aks", SPIKE, budget=2).rows.tolist() == [3, 15]


def test_one_half_may_stop_while_the_other_goes_on() -> None:
    # budget 4 with t1 = 0.31: of all frames (1 + .3 + .2 + .1) / 4 - 0.1 = 0.3 is not above it; the first half's gap is
    # 1 / 4 - 1 / 8 = 0.125, its first half's 1 / 4 - 1 / 4 = 0.
    assert [leaf.depth for leaf in Aks(t1=0.31).leaves(SPIKE, 4, 2)] == [2, 2, 2, 2]
    # t1 = 0.1: halves at once where the first is a leaf by 0.125, the second's gap 0.6 / 4 - 0.6 / 8 = 0.075 is none
    flat = np.concatenate([SPIKE[:8], SPIKE[8:]])
    assert Aks(t1=0.1).leaves(flat, 4, 2)[0] == Leaf(first=0, last=16, depth=0)
    slow = Aks(t1=0.1, t2=0.28).leaves(flat, 4, 2)  # standard deviations: all 0.244, first half 0.331, second 0.108
    assert [(leaf.first, leaf.last, leaf.depth) for leaf in slow] == [(0, 8, 1), (8, 12, 2), (12, 16, 2)]
    # depth 1 gives 2 of the first half, depth 2 one of each quarter
    taken = framedex.select("aks", SPIKE, budget=4, t1=0.1, t2=0.28, depth=2)
    assert taken.rows.tolist() == [0, 3, 9, 15]


def test_a_small_budget_split_all_the_way_gives_nothing_on_paper() -> None:
    scores = np.random.default_rng(0).normal(size=256)
    assert framedex.select("aks", scores, budget=16, strict="paper").rows.tolist() == []  # 16 >> 5 = 0
    assert len(framedex.select("aks", scores, budget=16)) == 16  # 16 leaves at depth 4, one frame each
    whole = framedex.select("aks", scores, budget=16).rows
    assert np.unique(whole // 16).tolist() == list(range(16))


def test_from_32_frames_on_paper_and_ours_agree_where_nothing_is_missing() -> None:
    scores = np.random.default_rng(1).normal(size=640)
    paper = framedex.select("aks", scores, budget=64, strict="paper").rows
    assert len(paper) == 64
    assert paper.tolist() == framedex.select("aks", scores, budget=64).rows.tolist()


def test_what_is_missing_is_filled_up_by_score() -> None:
    scores = np.random.default_rng(2).normal(size=640)
    paper = framedex.select("aks", scores, budget=48, strict="paper").rows  # 48 >> 5 = 1 of each of 32 leaves
    ours = framedex.select("aks", scores, budget=48).rows
    assert (len(paper), len(ours)) == (32, 48)
    added = np.setdiff1d(ours, paper)
    left = np.setdiff1d(np.arange(640), ours)
    assert scores[added].min() >= scores[left].max()


def test_a_video_no_longer_than_the_budget() -> None:
    assert framedex.select("aks", SPIKE, budget=17, strict="paper").rows.tolist() == list(range(16))
    # at equality the rule runs: every segment is its own best frames, no gap, so 16 single frames at depth 4, then depth 5
    assert framedex.select("aks", SPIKE, budget=16, strict="paper").rows.tolist() == []
    assert framedex.select("aks", SPIKE, budget=16).rows.tolist() == list(range(16))


def test_parameters_out_of_range() -> None:
    with pytest.raises(UsageError, match="depth: expected 0 to 30"):
        framedex.select("aks", SPIKE, budget=2, depth=-1)
    with pytest.raises(UsageError, match="strict: expected paper, got 'code'"):
        framedex.select("aks", SPIKE, budget=2, strict="code")
