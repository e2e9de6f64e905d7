"""The window oracle: hand cases, a guesser, and observers of known strength."""

from __future__ import annotations

from math import comb
from pathlib import Path

import numpy as np
import pytest

from framedex.analysis.interval import Resampling
from framedex.analysis.oracle import OracleRow, cross_fitted_oracle, oracle_rows
from framedex.errors import StoreError
from framedex.sweep.record import Record
from record_tables import asked_windows, columns, record

RESAMPLING = Resampling(draws=300)
OPTIONS = 4


def study(folder: Path, right: np.ndarray, uniform: np.ndarray) -> OracleRow:
    """`right` (videos, W, K) windows under K orders, and `uniform` (videos, K), one question per video."""
    asked: list[Record] = []
    for video, (windows, baseline) in enumerate(zip(right, uniform, strict=True)):
        asked += asked_windows(video, "q", windows)
        asked += [record(video, "q", was, first=first, budget=2) for first, was in enumerate(baseline.tolist())]
    (row,) = oracle_rows(columns(folder, asked), RESAMPLING)
    return row


def guesses(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.random(shape) < 1 / OPTIONS


def test_the_window_is_scored_on_the_order_that_did_not_choose_it() -> None:
    right = np.array([[1, 1, 0], [0, 1, 1], [0, 0, 0]], bool)
    # Order 0 held out: on orders 1, 2 the windows have 1, 2, 0: the second, wrong on order 0: 0.
    # Order 1 held out: on orders 0, 2: 1, 1, 0: the first two tie, both right: 1.
    # Order 2 held out: on orders 0, 1: 2, 1, 0: the first, wrong: 0.
    assert cross_fitted_oracle(right) == pytest.approx(1 / 3)


def test_a_tie_counts_with_the_mean_of_the_tied() -> None:
    # Order 0 held out: on order 1 neither is right: tie of one right and one wrong, 1/2. Order 1: the first leads, wrong: 0.
    assert cross_fitted_oracle(np.array([[1, 0], [0, 0]], bool)) == 0.25


def test_a_window_that_is_always_right_is_found() -> None:
    assert cross_fitted_oracle(np.array([[0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 0, 1]], bool)) == 1.0


def test_a_guesser_gains_raw_and_nothing_cross_fitted(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    row = study(tmp_path, guesses(rng, 400, 6, OPTIONS), guesses(rng, 400, OPTIONS))
    assert row.guesser == pytest.approx(1 - 0.75**6)  # 0.822
    assert row.raw.value == pytest.approx(row.guesser, abs=0.02)
    assert row.gap_raw is not None
    assert row.gap_raw.value > 0.5
    assert row.gap_cross_fitted is not None
    # Standard error of either side √(3/16 / 1600) ≈ 0.011, the oracle's a little more: three of their difference are 0.05.
    assert row.gap_cross_fitted.value == pytest.approx(0, abs=0.05)
    assert not row.gap_cross_fitted.above
    assert row.correction == "cross-fitted"


def test_a_known_effect_is_recovered(tmp_path: Path) -> None:
    # One window of six shows the evidence and is always right; elsewhere, and under uniform, the model guesses. A guessed
    # window ties with it on three orders with (1/4)³; with t ties the held-out mean is (1 + t/4) / (1 + t).
    tie = (1 / OPTIONS) ** (OPTIONS - 1)
    expected = sum(comb(5, t) * tie**t * (1 - tie) ** (5 - t) * (1 + t / OPTIONS) / (1 + t) for t in range(6))
    assert expected == pytest.approx(0.972, abs=0.001)
    rng = np.random.default_rng(1)
    right = guesses(rng, 300, 6, OPTIONS)
    right[np.arange(300), rng.integers(6, size=300)] = True
    row = study(tmp_path, right, guesses(rng, 300, OPTIONS))
    assert row.cross_fitted is not None
    assert row.cross_fitted.value == pytest.approx(expected, abs=0.015)
    assert row.gap_cross_fitted is not None
    assert row.gap_cross_fitted.low is not None
    assert row.gap_cross_fitted.high is not None
    assert row.gap_cross_fitted.low < expected - 0.25 < row.gap_cross_fitted.high


def test_an_observer_that_is_right_or_not_whatever_the_window_has_no_gap(tmp_path: Path) -> None:
    solved = np.random.default_rng(2).random(200) < 0.7
    right = np.broadcast_to(solved[:, None, None], (200, 5, OPTIONS)).copy()
    right[0, 0, 0] = ~right[0, 0, 0]  # one answer that changes with the order, so that correcting makes sense
    row = study(tmp_path, right, np.broadcast_to(solved[:, None], (200, OPTIONS)))
    assert row.gap_cross_fitted is not None
    assert row.gap_cross_fitted.value == pytest.approx(0, abs=0.005)


def test_with_one_order_guessing_cannot_be_corrected(tmp_path: Path) -> None:
    row = study(tmp_path, np.array([[[True], [False]]]), np.array([[False]]))
    assert (row.raw.value, row.cross_fitted, row.gap_cross_fitted, row.order_changes) == (1.0, None, None, None)
    assert row.correction == "cannot correct: one option order"


def test_where_no_answer_changes_with_the_order_it_cannot_be_corrected_either(tmp_path: Path) -> None:
    right = np.repeat(guesses(np.random.default_rng(3), 20, 4, 1), OPTIONS, axis=2)
    row = study(tmp_path, right, right[:, 0])
    assert row.correction == "cannot correct: no answer changes with the order of options"
    assert (row.cross_fitted, row.order_changes) == (None, 0.0)


def test_questions_without_all_their_answers_are_left_out_and_counted(tmp_path: Path) -> None:
    whole = np.ones((2, 2), bool)
    asked = [
        *asked_windows(0, "a", whole),
        *list(asked_windows(0, "b", whole))[:-1],
        *list(asked_windows(0, "c", whole))[2:],
    ]
    (row,) = oracle_rows(columns(tmp_path, asked), RESAMPLING)
    assert (row.questions, row.incomplete, row.uniform_budget, row.uniform) == (1, 2, None, None)


def test_variants_share_their_windows(tmp_path: Path) -> None:
    right = np.array([[True, False], [False, True]])
    variants = ("question", "answer")
    asked = [each for variant in variants for each in asked_windows(0, "a", right, variant=variant)]
    (row,) = oracle_rows(columns(tmp_path / "same", asked), RESAMPLING)
    assert (row.questions, row.windows, row.raw.value) == (1, 2.0, 1.0)
    asked = [
        each for variant in variants for each in asked_windows(0, "a", right ^ (variant == "answer"), variant=variant)
    ]
    with pytest.raises(StoreError, match="different answers under two prompt variants"):
        oracle_rows(columns(tmp_path / "other", asked), RESAMPLING)
