"""No video against chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from framedex.analysis.blind import BlindRow, blind_rows
from framedex.analysis.interval import Resampling
from record_tables import blind, columns


def row_of(folder: Path, right: np.ndarray) -> BlindRow:
    """Answers (videos, questions, orders) to questions with four options."""
    asked = [
        blind(video, f"q{question}", bool(right[video, question, first]), first=first)
        for video, question, first in np.ndindex(right.shape)
    ]
    (row,) = blind_rows(columns(folder, asked), Resampling(draws=500))
    return row


def test_always_the_first_place_is_exactly_chance_under_all_orders(tmp_path: Path) -> None:
    right = np.zeros((5, 2, 4), bool)
    right[:, :, 0] = True  # the gold option stands first in one order of four
    row = row_of(tmp_path, right)
    assert (row.accuracy.value, row.chance, row.minus_chance.value) == (0.25, 0.25, 0.0)
    assert row.verdict == "exactly chance"


def test_many_guesses_are_at_chance(tmp_path: Path) -> None:
    # 500 questions × 4 orders, p = 1/4: standard error √(3/16 / 2000) = 0.0097, 1.64 of them 0.016 < 0.03.
    row = row_of(tmp_path, np.random.default_rng(0).random((100, 5, 4)) < 0.25)
    assert row.verdict == "at chance"
    assert (row.questions, row.videos) == (500, 100)


def test_few_guesses_leave_it_open(tmp_path: Path) -> None:
    right = np.random.default_rng(2).random((10, 2, 1)) < 0.25
    row = row_of(tmp_path, right)
    assert row.verdict == "open"
    assert row.minus_chance.value == pytest.approx(right.mean() - 0.25)


def test_what_the_text_gives_away_is_above_chance(tmp_path: Path) -> None:
    assert row_of(tmp_path, np.random.default_rng(1).random((20, 4, 4)) < 0.6).verdict == "above"


def test_a_text_that_misleads_is_below(tmp_path: Path) -> None:
    assert row_of(tmp_path, np.random.default_rng(1).random((40, 4, 4)) < 0.05).verdict == "below"
