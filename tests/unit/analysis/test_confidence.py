"""Window confidence against correctness."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from framedex.analysis.confidence import ConfidenceRow, ShiftedAuroc, confidence_rows, fifth_rows, shift_p_value
from framedex.analysis.interval import Resampling
from framedex.sweep.record import Record
from record_tables import asked_windows, columns, window

RESAMPLING = Resampling(draws=999)


def row_of(folder: Path, asked: list[Record], statistic: str = "max") -> ConfidenceRow:
    (row,) = (row for row in confidence_rows(columns(folder, asked), RESAMPLING) if row.statistic == statistic)
    return row


def study(right: np.ndarray, scores: np.ndarray) -> list[Record]:
    """`right` (videos, W, K) and `scores` (videos, W), one question per video."""
    return [
        each
        for video, (answers, confidence) in enumerate(zip(right, scores, strict=True))
        for each in asked_windows(video, "q", answers, confidence.tolist())
    ]


def test_auroc_is_within_questions_and_rho_is_not(tmp_path: Path) -> None:
    # An easy question with high scores (3 of 4 right) and a hard one with low scores (1 of 4), and within each the window
    # with the lowest score among the right and the highest among the wrong stand the wrong way round:
    right = np.array([[[1], [1], [1], [0]], [[1], [0], [0], [0]]], bool)
    scores = np.array([[0.6, 0.7, 0.8, 0.9], [0.1, 0.2, 0.3, 0.4]])
    row = row_of(tmp_path, study(right, scores))
    assert row.auroc is not None
    assert row.auroc.value == 0.0  # every wrong window of a question has a higher score than all its right ones
    # Pooled ranks of the right: 5, 6, 7, 1. U = 19 - 10 = 9 of 16 pairs; rho = √(3/4) (9/8 - 1) 8/√63.
    assert row.rho == pytest.approx(np.sqrt(0.75) * 0.125 * 8 / np.sqrt(63))
    assert row.between == 1.0
    assert (row.right, row.answers, row.mixed, row.questions) == (0.5, 8, 2, 2)
    assert row.cap == pytest.approx(np.sqrt(0.75))


def test_orders_are_averaged_within_their_question(tmp_path: Path) -> None:
    # Order 0: right on the second window only, AUROC 1. Order 1: on the first only, 0. Order 2: all right, not mixed.
    right = np.array([[[0, 1, 1], [1, 0, 1]]], bool)
    row = row_of(tmp_path, study(right, np.array([[0.1, 0.2]])))
    assert row.auroc is not None
    assert (row.auroc.value, row.mixed, row.answers) == (0.5, 1, 6)


def test_questions_of_one_outcome_say_nothing_within(tmp_path: Path) -> None:
    row = row_of(tmp_path, study(np.ones((3, 4, 1), bool), np.random.default_rng(0).random((3, 4))))
    assert (row.auroc, row.p_value, row.mixed, row.rho, row.between) == (None, None, 0, None, None)


def test_maximum_and_mean_are_told_apart(tmp_path: Path) -> None:
    asked = [
        window(0, "a", True, start=0, scores=(0.9, 0.0)),
        window(0, "a", False, start=2, scores=(0.6, 0.6)),
    ]
    rows = {row.statistic: row for row in confidence_rows(columns(tmp_path, asked), RESAMPLING)}
    assert rows["max"].auroc is not None
    assert rows["mean"].auroc is not None
    assert (rows["max"].auroc.value, rows["mean"].auroc.value) == (1.0, 0.0)


def test_every_variant_has_its_row_and_windows_without_scores_none(tmp_path: Path) -> None:
    right = np.array([[True], [False]])
    asked = [*asked_windows(0, "a", right, [0.2, 0.1]), *asked_windows(0, "a", right, [0.1, 0.2], variant="answer")]
    asked += [window(0, "a", True, start=0, variant="unscored", scores=None)]
    rows = confidence_rows(columns(tmp_path, asked), RESAMPLING)
    assert {row.variant: row.auroc and row.auroc.value for row in rows} == {"question": 1.0, "answer": 0.0}


def test_scores_that_know_are_seen_and_scores_that_do_not_are_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    evidence = rng.random((60, 12, 1)) < 0.3
    right = evidence | (rng.random((60, 12, 1)) < 0.25)
    telling = row_of(tmp_path / "telling", study(right, 0.3 * evidence[..., 0] + 0.1 * rng.random((60, 12))))
    # P(right | evidence) = 1 and 1/4 without. Of a right window P(evidence) = 0.3 / (0.3 + 0.7/4) = 0.632, of a wrong one 0.
    # AUROC = 0.632 + 0.368 / 2 = 0.816.
    assert telling.auroc is not None
    assert telling.auroc.value == pytest.approx(0.816, abs=0.03)
    assert telling.p_value == pytest.approx(2 / 1000)
    blind = row_of(tmp_path / "blind", study(right, rng.random((60, 12))))
    assert blind.auroc is not None
    assert blind.auroc.low is not None
    assert blind.auroc.high is not None
    assert blind.auroc.low < 0.5 < blind.auroc.high
    assert blind.p_value is not None
    assert blind.p_value > 0.05


def test_where_any_shift_was_as_likely_p_is_below_a_twentieth_one_time_in_twenty() -> None:
    # Slow waves, as of scores and outcomes that both drift over time, each begun at a random place.
    rng = np.random.default_rng(7)
    wave = 0.5 + 0.3 * np.sin(np.linspace(0, 2 * np.pi, 20, endpoint=False))
    small = 0
    for _ in range(200):
        begun = rng.integers(20, size=8).tolist()
        curves = [ShiftedAuroc(question=at, video=at, by_shift=np.roll(wave, start)) for at, start in enumerate(begun)]
        p = shift_p_value(curves, Resampling(draws=199))
        assert p is not None
        small += p <= 0.05
    assert small / 200 == pytest.approx(0.05, abs=0.04)


def test_p_of_one_video_counts_its_shifts() -> None:
    # Of four shifts one is as high as the unshifted: the upper tail is 1/4, p = 2 × 1/4 but for the draws' noise.
    curve = ShiftedAuroc(question=0, video=0, by_shift=np.array([1.0, 0.5, 0.0, 0.5]))
    p = shift_p_value([curve], Resampling(draws=20_000))
    assert p == pytest.approx(0.5, abs=0.02)
    assert shift_p_value([], RESAMPLING) is None


def test_questions_of_one_video_are_shifted_together() -> None:
    # Two questions with opposite curves cancel under a common shift: the mean is 0.5 always, and p is 1.
    up, down = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    curves = [ShiftedAuroc(question=place, video=0, by_shift=each) for place, each in enumerate((up, down))]
    assert shift_p_value(curves, RESAMPLING) == 1.0
    apart = [ShiftedAuroc(question=place, video=place, by_shift=up) for place in range(2)]
    # Of two videos, each shift 1 or 0 with even chance: as high as (1, 1) in 1/4 of cases, p = 1/2.
    assert shift_p_value(apart, Resampling(draws=20_000)) == pytest.approx(0.5, abs=0.02)


def test_fifths_are_pooled_and_ordered(tmp_path: Path) -> None:
    right = (np.arange(10) >= 6).reshape(1, 10, 1)
    rows = fifth_rows(columns(tmp_path, study(right, np.arange(10.0).reshape(1, 10) / 10)))
    highest = [row for row in rows if row.statistic == "max"]
    assert [(row.fifth, row.answers, row.right) for row in highest] == [
        (1, 2, 0.0), (2, 2, 0.0), (3, 2, 0.0), (4, 2, 1.0), (5, 2, 1.0),
    ]  # fmt: skip
    assert (highest[1].low, highest[1].high) == (pytest.approx(0.2), pytest.approx(0.3))


def test_equal_confidences_stay_together(tmp_path: Path) -> None:
    rows = fifth_rows(columns(tmp_path, study(np.ones((1, 10, 1), bool), np.full((1, 10), 0.5))))
    assert [(row.fifth, row.answers) for row in rows if row.statistic == "max"] == [(3, 10)]
