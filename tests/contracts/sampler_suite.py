"""What every sampler must hold; a sampler's tests inherit this and name the sampler."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import framedex
from framedex.contracts import Selection
from framedex.errors import UsageError
from framedex.select import make_sampler

SCORES = st.integers(1, 60).flatmap(
    lambda n: arrays(np.float64, n, elements=st.sampled_from([-1.0, -0.25, 0.0, 0.1, 0.1000001, 0.5, 0.5, 1.0]))
)


class SamplerSuite:
    """Inherit, set `name` (and `parameters`), and pytest runs every test below for that sampler."""

    name: ClassVar[str]
    parameters: ClassVar[dict[str, Any]] = {}
    uses_scores: ClassVar[bool] = True

    def take(self, scores: np.ndarray, budget: int, **extra: Any) -> Selection:
        pts_us = extra.pop("pts_us", np.arange(len(scores), dtype=np.int64) * 1_000_000 + 7)
        return framedex.select(self.name, scores, budget=budget, pts_us=pts_us, **{**self.parameters, **extra})

    @given(scores=SCORES, budget=st.integers(1, 70))
    def test_rows_are_unique_sorted_and_inside(self, scores: np.ndarray, budget: int) -> None:
        rows = self.take(scores, budget).rows
        assert (np.diff(rows) > 0).all()
        assert 0 <= rows.min() <= rows.max() < len(scores)

    @given(scores=SCORES, budget=st.integers(1, 70))
    def test_keyframe_samplers_give_exactly_what_is_asked(self, scores: np.ndarray, budget: int) -> None:
        sampler = make_sampler(self.name, **self.parameters)
        taken = len(self.take(scores, budget))
        assert taken == min(budget, len(scores)) or sampler.kind == "set"
        assert 1 <= taken <= len(scores)

    @given(scores=SCORES, budget=st.integers(1, 70))
    def test_same_request_same_rows(self, scores: np.ndarray, budget: int) -> None:
        first, again = self.take(scores, budget), self.take(scores.copy(), budget)
        assert first.rows.tolist() == again.rows.tolist()

    @pytest.mark.parametrize("n", [1, 2, 31])
    def test_flat_curve(self, n: int) -> None:
        assert len(self.take(np.full(n, 0.3), budget=4)) >= 1

    def test_timestamps_and_scores_are_the_rows_own(self) -> None:
        scores = np.linspace(0.9, 0.1, 12)
        pts_us = np.cumsum(np.arange(1, 13)).astype(np.int64)
        selection = self.take(scores, 4, pts_us=pts_us)
        assert selection.pts_us.tolist() == pts_us[selection.rows].tolist()
        assert selection.scores is not None
        assert selection.scores.tolist() == scores[selection.rows].astype(np.float32).tolist()
        assert selection.sampler == self.name

    @pytest.mark.parametrize("budget", [0, -1, 2.5, True])
    def test_budget_below_one_is_refused(self, budget: Any) -> None:
        with pytest.raises(UsageError, match="budget: expected a whole number of frames from 1 to"):
            self.take(np.ones(5), budget)

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_scores_that_are_no_numbers_are_refused(self, bad: float) -> None:
        with pytest.raises(UsageError, match="at row 2"):
            self.take(np.array([0.1, 0.2, bad, 0.4]), 2)

    def test_unknown_parameter_names_what_exists(self) -> None:
        with pytest.raises(UsageError, match="has no parameter 'lengt'"):
            self.take(np.ones(5), 2, lengt=3)

    def test_scores_are_asked_for_where_they_are_needed(self) -> None:
        times = np.arange(6, dtype=np.int64)
        if self.uses_scores:
            with pytest.raises(UsageError, match="needs scores"):
                framedex.select(self.name, budget=2, pts_us=times, **self.parameters)
        else:
            selection = framedex.select(self.name, budget=2, pts_us=times, **self.parameters)
            assert len(selection) == 2
            assert selection.scores is None
