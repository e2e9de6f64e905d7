"""Threshold, suppression, draws, even ends and the oracle, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

import framedex
from framedex.errors import UsageError
from framedex.select.qframe import gumbel

SCORES = np.array([0.2, 0.9, 0.5, 0.9, 0.1, 0.5])


@pytest.mark.parametrize(
    ("n", "budget", "rows"),
    [
        (9, 3, [0, 4, 8]),
        (10, 4, [0, 3, 6, 9]),
        (10, 3, [0, 4, 9]),  # 4.5 is cut
        (10, 1, [0]),
        (3, 8, [0, 1, 2]),
        (1, 1, [0]),
    ],
)
def test_uniform_with_both_ends(n: int, budget: int, rows: list[int]) -> None:
    assert framedex.select("uniform-ends", budget=budget, pts_us=np.arange(n)).rows.tolist() == rows


def test_threshold_is_strict_and_cut_to_the_budget() -> None:
    assert framedex.select("threshold", SCORES, budget=6, tau=0.5).rows.tolist() == [1, 3]
    assert framedex.select("threshold", SCORES, budget=3, tau=0.1).rows.tolist() == [1, 2, 3]
    assert framedex.select("threshold", SCORES, budget=1, tau=0.1).rows.tolist() == [1]


def test_threshold_takes_the_best_where_none_is_above() -> None:
    assert framedex.select("threshold", SCORES, budget=4, tau=0.9).rows.tolist() == [1]


def test_threshold_is_the_mean_by_default() -> None:
    # 3.1 / 6 = 0.517
    assert framedex.select("threshold", SCORES, budget=6).rows.tolist() == [1, 3]
    assert framedex.select("threshold", np.full(10, 0.1), budget=6).rows.tolist() == [0]


def test_nms_keeps_a_gap() -> None:
    # 10 frames, a second apart: D = 9 s, budget 2: the gap is 9 / 4 = 2.25 s
    scores = np.array([0.0, 0.1, 0.8, 1.0, 0.9, 0.7, 0.3, 0.2, 0.1, 0.0])
    times = np.arange(10) * 1_000_000
    assert framedex.select("nms", scores, budget=2, pts_us=times).rows.tolist() == [3, 6]
    # budget 3: the gap is 1.5 s; after 3 neither 2 nor 4, but 5; then 1 and 7 are free: 7
    assert framedex.select("nms", scores, budget=3, pts_us=times).rows.tolist() == [3, 5, 7]


def test_nms_gap_is_at_most_ten_seconds_and_a_frame_that_far_is_free() -> None:
    scores, times = np.array([1.0, 0.9, 0.8, 0.7]), np.array([0, 9_999_999, 10_000_000, 1_000_000_000])
    assert framedex.select("nms", scores, budget=2, pts_us=times).rows.tolist() == [0, 2]
    assert framedex.select("nms", scores, budget=2, pts_us=times, most_s=5).rows.tolist() == [0, 1]


def test_nms_halves_the_gap_until_the_budget_is_full() -> None:
    # one of two shots is far away: gap min(100 / 8, 10) = 10 s; 0 and 4 are taken, 5 s add none, at 2.5 s row 3 is free
    scores, times = np.array([1.0, 0.9, 0.8, 0.1, 0.5]), np.array([0, 1, 2, 3, 100]) * 1_000_000
    assert framedex.select("nms", scores, budget=3, pts_us=times).rows.tolist() == [0, 3, 4]
    # 1.25 s: row 2 is 1 s from row 3 and stays out, row 1 is 1 s from row 0; 0.625 s: both are free, row 1 scores more
    assert framedex.select("nms", scores, budget=4, pts_us=times).rows.tolist() == [0, 1, 3, 4]
    assert framedex.select("nms", scores, budget=5, pts_us=times).rows.tolist() == [0, 1, 2, 3, 4]


def test_qframe_is_top_of_scores_over_tau_plus_gumbel() -> None:
    from framedex.select import DrawKey

    uniforms = DrawKey(seed=3, video="v", question="q", sampler="qframe").uniforms(6)
    noisy = [score / 0.5 - np.log(-np.log(u)) for score, u in zip(SCORES, uniforms, strict=True)]
    expected = sorted(sorted(range(6), key=lambda row: -noisy[row])[:2])
    got = framedex.select("qframe", SCORES, budget=2, tau=0.5, seed=3, video="v", question="q")
    assert got.rows.tolist() == expected


def test_qframe_draws_with_the_softmax() -> None:
    # two frames, logits 0 and ln 3 at tau 1: the second with probability 3/4
    scores = np.array([0.0, np.log(3)])
    second = sum(framedex.select("qframe", scores, budget=1, tau=1, seed=seed).rows[0] for seed in range(1000))
    assert abs(second - 750) < 5 * np.sqrt(1000 * 3 / 16)


def test_qframe_at_a_small_tau_is_top() -> None:
    scores = np.random.default_rng(0).permutation(50) / 50
    top = framedex.select("top", scores, budget=7).rows.tolist()
    assert framedex.select("qframe", scores, budget=7, tau=1e-4).rows.tolist() == top


def test_gumbel_of_nothing_is_a_number() -> None:
    assert np.isfinite(gumbel(np.array([0.0, 2.0**-53, np.nextafter(1, 0)]))).all()


def oracle(budget: int, evidence: list[list[int]], n: int = 20) -> list[int]:
    times = np.arange(n) * 10 + 1000
    return framedex.select("oracle-evidence", budget=budget, pts_us=times, evidence_us=evidence).rows.tolist()


def test_the_oracle_is_inside_both_ends_included() -> None:
    assert oracle(3, [[1030, 1050]]) == [3, 4, 5]
    assert oracle(3, [[1030, 1049], [1100, 1100]]) == [3, 4, 10]


def test_the_oracle_spreads_over_what_is_inside() -> None:
    # inside 2 … 11: ten frames, centres of two fives: the third and the eighth
    assert oracle(2, [[1020, 1110]]) == [4, 9]
    assert oracle(2, [[1020, 1060], [1050, 1110]]) == [4, 9]  # overlaps count once


def test_the_oracle_fills_up_with_what_is_near() -> None:
    # distances from 1030 … 1041: rows 3, 4 inside, row 5 is 9 away, row 2 is 10 away
    assert oracle(3, [[1030, 1041]]) == [3, 4, 5]
    assert oracle(4, [[1030, 1041]]) == [2, 3, 4, 5]
    assert oracle(1, [[1035, 1036]]) == [4]  # between frames: row 4 is 4 away, row 3 is 5
    assert oracle(2, [[0, 5]]) == [0, 1]  # before the video


@pytest.mark.parametrize("spec", [("nms", {"most_s": 0}), ("nms", {"most_s": -1})])
def test_parameters_out_of_range(spec: tuple[str, dict[str, float]]) -> None:
    with pytest.raises(UsageError, match=r"expected .* above 0"):
        framedex.select(spec[0], SCORES, budget=2, **spec[1])


@pytest.mark.parametrize("tau", [0.0, -1.0, 1e-320])
def test_a_temperature_at_which_nothing_is_drawn_is_refused(tau: float) -> None:
    with pytest.raises(UsageError, match=r"sampler 'qframe', tau: expected a temperature of 1e-06 or more, got"):
        framedex.select("qframe", SCORES, budget=1, tau=tau)
