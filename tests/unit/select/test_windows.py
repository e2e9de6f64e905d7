"""Windows, against sums done by hand."""

from __future__ import annotations

import numpy as np
import pytest

import framedex
from framedex.errors import UsageError
from framedex.select.windows import window_starts

SCORES = np.array([0.0, 1.0, 0.0, 0.5, 0.6, 0.7, 0.0, 0.1])


@pytest.mark.parametrize(
    ("n", "length", "stride", "starts"),
    [(8, 4, 4, [0, 4]), (10, 4, 4, [0, 4, 6]), (5, 2, 1, [0, 1, 2, 3]), (3, 8, 4, [0]), (1, 1, 1, [0])],
)
def test_the_last_window_ends_with_the_video(n: int, length: int, stride: int, starts: list[int]) -> None:
    assert window_starts(n, length, stride).tolist() == starts


def test_mean_and_max_prefer_different_windows() -> None:
    # windows of 3: means peak at rows 3-5 (0.6); the maximum first stands in the window at 0
    assert framedex.select("window-top", SCORES, budget=3).rows.tolist() == [3, 4, 5]
    assert framedex.select("window-top", SCORES, budget=3, statistic="max").rows.tolist() == [0, 1, 2]


def test_bottom_window() -> None:
    # windows of 2 with stride 2: means .5, .25, .65, .05
    assert framedex.select("window-bottom", SCORES, budget=2, stride=2).rows.tolist() == [6, 7]


def test_length_defaults_to_the_budget_and_may_differ_from_it() -> None:
    assert len(framedex.select("window-top", SCORES, budget=4)) == 4
    assert len(framedex.select("window-top", SCORES, budget=4, length=2)) == 2
    assert len(framedex.select("window-top", SCORES, budget=4, length=20)) == 8


@pytest.mark.parametrize("parameters", [{"length": 0}, {"stride": -1}, {"statistic": "median"}, {"length": "two"}])
def test_impossible_parameters_are_refused(parameters: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="expected"):
        framedex.select("window-top", SCORES, budget=2, **parameters)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["window-top", "window-bottom"])
@pytest.mark.parametrize("score", [1.7e308, -1.7e308])
def test_windows_whose_sums_no_double_holds_are_equal(name: str, score: float) -> None:
    many = framedex.select_many([name], [np.full((1, 8), score)], budgets=[5, 8])
    assert [many.rows(0, budget=budget).tolist() for budget in range(2)] == [list(range(5)), list(range(8))]
