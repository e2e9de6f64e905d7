"""What every scorer owes; a back end inherits `ScorerSuite` and gives the `scorer` fixture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from framedex.contracts import Vectors
from framedex.errors import InvalidData, UsageError
from framedex.score.base import Scorer, View
from framedex.score.numpy import NumpyScorer

TOLERANCE = 1e-5
DIM = 48


def unit_rows(n: int, dim: int = DIM, *, seed: int = 0) -> Vectors:
    """Seeded unit vectors, float32 (n, dim)."""
    rows = np.random.default_rng([seed, n]).standard_normal((n, dim)).astype(np.float32)
    unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def odd_halves(rows: Vectors) -> NDArray[np.float16]:
    """The rows as read-only halves at an odd byte address, as they lie in a `.faiss` file."""
    data = np.empty(rows.size * 2 + 1, np.uint8)
    halves = data[1:].view(np.float16).reshape(rows.shape)
    halves[:] = rows
    halves.setflags(write=False)
    assert not halves.size or not halves.flags.aligned
    return halves


def farthest(scorer: Scorer, views: list[View], prompts: Vectors) -> float:
    """The largest difference from NumPy; shapes and dtypes are compared too."""
    got = scorer.scores(views, prompts)
    expected = NumpyScorer().scores(views, prompts)
    assert [(curve.shape, curve.dtype) for curve in got] == [(curve.shape, curve.dtype) for curve in expected]
    return max((float(np.abs(a - b).max(initial=0)) for a, b in zip(got, expected, strict=True)), default=0.0)


class ScorerSuite:
    """Inherit, and define a fixture `scorer` that gives an open one."""

    @pytest.mark.parametrize("m", [1, 3, 25])
    def test_ragged_views_score_as_in_numpy(self, scorer: Scorer, m: int) -> None:
        views: list[View] = [odd_halves(unit_rows(n, seed=n)) for n in (1, 7, 0, 600, 1, 64)]
        assert farthest(scorer, views, unit_rows(m, seed=9)) < TOLERANCE

    def test_views_with_prompts_of_their_own_score_as_in_numpy(self, scorer: Scorer) -> None:
        views: list[View] = [
            odd_halves(unit_rows(40)),
            unit_rows(3, 7),
            odd_halves(unit_rows(0)),
            odd_halves(unit_rows(9)),
        ]
        prompts = [unit_rows(m, view.shape[1], seed=9) for m, view in zip((3, 17, 2, 0), views, strict=True)]
        got = scorer.pair_scores(views, prompts)
        assert [curve.shape for curve in got] == [(3, 40), (17, 3), (2, 0), (0, 9)]
        for curve, view, asked in zip(got, views, prompts, strict=True):
            (expected,) = NumpyScorer().scores([view], asked)
            assert curve.dtype == np.float32
            assert np.abs(curve - expected).max(initial=0) < TOLERANCE
        assert scorer.pair_scores([], []) == []

    def test_prompts_of_their_own_that_do_not_fit_are_refused(self, scorer: Scorer) -> None:
        views: list[View] = [unit_rows(3), unit_rows(4)]
        with pytest.raises(UsageError, match="expected those of 2 views, got those of 1"):
            scorer.pair_scores(views, [unit_rows(1)])
        with pytest.raises(UsageError, match="prompts 1: expected finite"):
            scorer.pair_scores(views, [unit_rows(1), np.full((1, DIM), np.inf, np.float32)])
        with pytest.raises(UsageError, match="view 1: expected"):
            scorer.pair_scores(views, [unit_rows(1), unit_rows(1, DIM + 1)])

    def test_both_stored_types_in_one_call_keep_their_order(self, scorer: Scorer) -> None:
        views: list[View] = [unit_rows(5), odd_halves(unit_rows(6)), unit_rows(7)]
        assert farthest(scorer, views, unit_rows(2, seed=1)) < TOLERANCE

    def test_float32_at_an_odd_address(self, scorer: Scorer) -> None:
        data = np.empty(9 * DIM * 4 + 1, np.uint8)
        rows = data[1:].view(np.float32).reshape(9, DIM)
        rows[:] = unit_rows(9)
        assert farthest(scorer, [rows], unit_rows(2, seed=1)) < TOLERANCE

    @pytest.mark.parametrize("dim", [1, 7, 768, 1152])
    def test_every_width(self, scorer: Scorer, dim: int) -> None:
        assert farthest(scorer, [odd_halves(unit_rows(33, dim))], unit_rows(4, dim, seed=2)) < TOLERANCE

    def test_a_vector_against_itself_is_one(self, scorer: Scorer) -> None:
        rows = unit_rows(12)
        (scores,) = scorer.scores([rows], rows)
        assert np.abs(np.diag(scores) - 1).max() < TOLERANCE

    def test_equal_rows_score_in_their_places(self, scorer: Scorer) -> None:
        rows = np.repeat(unit_rows(3), 4, axis=0)
        assert farthest(scorer, [rows], unit_rows(2, seed=5)) < TOLERANCE

    def test_no_views_and_no_prompts(self, scorer: Scorer) -> None:
        assert scorer.scores([], unit_rows(2)) == []
        (scores,) = scorer.scores([unit_rows(4)], np.empty((0, DIM), np.float32))
        assert scores.shape == (0, 4)

    def test_what_goes_in_stays_as_it_is(self, scorer: Scorer) -> None:
        view, prompts = odd_halves(unit_rows(8)), unit_rows(2, seed=1)
        before = view.copy(), prompts.copy()
        prompts.setflags(write=False)
        scorer.scores([view], prompts)
        assert np.array_equal(view, before[0])
        assert np.array_equal(prompts, before[1])

    def test_results_do_not_share_memory(self, scorer: Scorer) -> None:
        first = scorer.scores([unit_rows(8)], unit_rows(2, seed=1))[0]
        kept = first.copy()
        scorer.scores([unit_rows(8, seed=7)], unit_rows(2, seed=3))
        assert np.array_equal(first, kept)

    @pytest.mark.parametrize(
        "prompts",
        [
            unit_rows(2).astype(np.float64),
            unit_rows(2)[0],
            unit_rows(2, DIM + 1),
            np.full((1, DIM), np.nan, np.float32),
        ],
        ids=["float64", "one dimension", "another width", "NaN"],
    )
    def test_prompts_that_do_not_fit_are_refused(self, scorer: Scorer, prompts: Vectors) -> None:
        with pytest.raises(UsageError, match="expected"):
            scorer.scores([unit_rows(3)], prompts)

    def test_views_that_do_not_fit_are_refused(self, scorer: Scorer) -> None:
        views: list[Any] = [unit_rows(4).astype(np.float64), unit_rows(8)[::2], unit_rows(4, DIM - 1), [[1.0] * DIM]]
        for view in views:
            with pytest.raises(UsageError, match="view 1: expected"):
                scorer.scores([unit_rows(3), view], unit_rows(1, seed=1))

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_stored_vectors_that_are_no_numbers_are_an_error(self, scorer: Scorer, value: float) -> None:
        rows = unit_rows(5).astype(np.float16)
        rows[3, 2] = value
        with pytest.raises(InvalidData, match="view 1: holds vectors that are no numbers"):
            scorer.scores([unit_rows(2), rows], unit_rows(2, seed=1))
        with pytest.raises(InvalidData, match="view 1: holds vectors that are no numbers"):
            scorer.pair_scores([unit_rows(2), rows], [unit_rows(2, seed=1)] * 2)

    def test_provenance_names_the_back_end(self, scorer: Scorer) -> None:
        assert {"scorer", "scorer_version", "device", "threads"} <= set(scorer.provenance)

    def test_a_closed_one_refuses(self, scorer: Scorer) -> None:
        scorer.close()
        scorer.close()
        with pytest.raises(ValueError, match="closed"):
            scorer.scores([unit_rows(2)], unit_rows(1))
        with pytest.raises(ValueError, match="closed"):
            scorer.pair_scores([unit_rows(2)], [unit_rows(1)])
