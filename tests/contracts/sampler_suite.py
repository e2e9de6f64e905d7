"""What every sampler must hold; a sampler's tests inherit this and name the sampler."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import framedex
from framedex.contracts import Selection
from framedex.errors import UsageError
from framedex.select import make_sampler

SCORES = st.integers(1, 60).flatmap(
    lambda n: arrays(np.float64, n, elements=st.sampled_from([-1.0, -0.25, 0.0, 0.1, 0.1000001, 0.5, 0.5, 1.0]))
)


FEW = settings(max_examples=30)


def unit_rows(n: int, *, kinds: int = 7, seed: int = 0) -> np.ndarray:
    """n unit vectors, some of them equal: frames of a video of few pictures."""
    random = np.random.default_rng([n, seed])
    pictures = random.normal(size=(kinds, 16)).astype(np.float32)
    rows = pictures[np.sort(random.integers(0, kinds, n))]
    rows[::3] += random.normal(scale=0.1, size=rows[::3].shape).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class SamplerSuite:
    """Inherit, set `name` (and `parameters`), and pytest runs every test below for that sampler."""

    name: ClassVar[str]
    parameters: ClassVar[dict[str, Any]] = {}
    uses_scores: ClassVar[bool] = True

    def inputs(self, n: int, pts_us: np.ndarray) -> dict[str, Any]:
        """What the sampler reads beside scores."""
        kind = type(make_sampler(self.name, **self.parameters))
        reads = {*kind.needs, *kind.wants}
        made = {
            "embeddings": lambda: unit_rows(n),
            "prompt": lambda: unit_rows(1, seed=1)[0],
            "evidence": lambda: np.array([[pts_us[n // 3], pts_us[n // 2]], [pts_us[-1], pts_us[-1] + 5]]),
        }
        return {{"evidence": "evidence_us"}.get(name, name): make() for name, make in made.items() if name in reads}

    def take(self, scores: np.ndarray, budget: int, **extra: Any) -> Selection:
        pts_us = extra.pop("pts_us", np.arange(len(scores), dtype=np.int64) * 1_000_000 + 7)
        passed = {**self.inputs(len(scores), pts_us), **self.parameters, **extra}
        return framedex.select(self.name, scores, budget=budget, pts_us=pts_us, **passed)

    @FEW
    @given(scores=SCORES, budget=st.integers(1, 70))
    def test_rows_are_unique_sorted_and_inside(self, scores: np.ndarray, budget: int) -> None:
        rows = self.take(scores, budget).rows
        assert (np.diff(rows) > 0).all()
        assert 0 <= rows.min() <= rows.max() < len(scores)

    @FEW
    @given(scores=SCORES, budget=st.integers(1, 70))
    def test_keyframe_samplers_give_exactly_what_is_asked(self, scores: np.ndarray, budget: int) -> None:
        sampler = make_sampler(self.name, **self.parameters)
        taken = len(self.take(scores, budget))
        assert taken == min(budget, len(scores)) or sampler.kind == "set"
        assert 1 <= taken <= len(scores)

    @FEW
    @given(scores=SCORES, budget=st.integers(1, 70))
    def test_same_request_same_rows(self, scores: np.ndarray, budget: int) -> None:
        first, again = self.take(scores, budget), self.take(scores.copy(), budget)
        assert first.rows.tolist() == again.rows.tolist()

    @pytest.mark.parametrize("n", [1, 2, 31, 300])
    @pytest.mark.parametrize("value", [0.3, 0.0, -7e4])
    def test_flat_curve(self, n: int, value: float) -> None:
        sampler = make_sampler(self.name, **self.parameters)
        taken = len(self.take(np.full(n, value), budget=4))
        assert taken == min(4, n) or (sampler.kind == "set" and taken >= 1)

    @pytest.mark.parametrize("budget", [1, 2, 7, 31, 32, 64, 250, 400])
    def test_a_long_noisy_curve(self, budget: int) -> None:
        scores = np.random.default_rng(budget).normal(size=300)
        sampler = make_sampler(self.name, **self.parameters)
        rows = self.take(scores, budget).rows
        assert len(rows) == min(budget, 300) or sampler.kind == "set"

    def test_a_whole_curve_in_units_of_any_size(self) -> None:
        scores = np.array([1e30, -1e30, 0.0, 5e-324, 1e-300, 0.0, 3.0, 3.0, -2.0])
        assert len(self.take(scores, 3)) >= 1

    @pytest.mark.parametrize("n", [1, 2, 40])
    def test_frames_that_are_all_the_same(self, n: int) -> None:
        passed = {"embeddings": np.tile(unit_rows(1), (n, 1))} if "embeddings" in self.inputs(n, np.arange(n)) else {}
        sampler = make_sampler(self.name, **self.parameters)
        assert len(self.take(np.linspace(0, 1, n), 5, **passed)) == min(5, n) or sampler.kind == "set"

    def test_what_is_given_is_left_as_it_is(self) -> None:
        scores = np.random.default_rng(0).normal(size=40)
        given = self.inputs(40, np.arange(40) * 1_000_000 + 7)
        kept = {name: array.copy() for name, array in given.items()}
        before = scores.copy()
        self.take(scores, 6, **given)
        assert (scores == before).all()
        assert all((given[name] == kept[name]).all() for name in given)

    def test_what_it_needs_and_is_not_given_is_asked_for(self) -> None:
        kind = type(make_sampler(self.name, **self.parameters))
        scores, times = np.linspace(0, 1, 9), np.arange(9)
        given = self.inputs(9, times)
        for need in {"embeddings", "prompt", "evidence"} & {*kind.needs}:
            without = {name: value for name, value in given.items() if not name.startswith(need)}
            with pytest.raises(UsageError, match=f"sampler '{self.name}' needs .*: give "):
                framedex.select(self.name, scores, budget=2, pts_us=times, **without, **self.parameters)

    def test_it_describes_itself(self) -> None:
        kind = type(make_sampler(self.name, **self.parameters))
        assert kind.name == self.name
        assert kind.cost
        assert "Source:" in (kind.__doc__ or "")

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
        given = self.inputs(6, times)
        if self.uses_scores:
            with pytest.raises(UsageError, match="needs scores"):
                framedex.select(self.name, budget=2, pts_us=times, **given, **self.parameters)
        else:
            selection = framedex.select(self.name, budget=2, pts_us=times, **given, **self.parameters)
            assert len(selection) == 2
            assert selection.scores is None
