"""Means over questions and their intervals, clustered by video."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from framedex.analysis.interval import Resampling, estimate
from framedex.analysis.outcomes import Outcomes


def outcomes(*videos: list[float]) -> Outcomes:
    """Questions of videos: one list of values per video."""
    values = [value for video in videos for value in video]
    return Outcomes(
        question=np.arange(len(values)),
        video=np.repeat(np.arange(len(videos)), [len(video) for video in videos]),
        value=np.array(values, float),
    )


def by_hand(sums: list[float], sizes: list[int]) -> tuple[float, float]:
    """Mean and clustered standard error: residual sum of a video r = sum - size x mean, variance G/(G-1) Σr² / N²."""
    mean = sum(sums) / sum(sizes)
    squares = sum((s - n * mean) ** 2 for s, n in zip(sums, sizes, strict=True))
    return mean, math.sqrt(len(sums) / (len(sums) - 1) * squares) / sum(sizes)


def test_the_error_that_the_interval_is_built_on() -> None:
    # Two videos, (1, 1, 0) and (0): mean 2/4, residual sums 2 - 3/2 = 1/2 and 0 - 1/2, so 2/1 x 1/2 = 1, / 4² -> error 1/4.
    assert by_hand([2, 0], [3, 1]) == (0.5, 0.25)


def test_the_interval_is_that_of_all_possible_resamples() -> None:
    sums, sizes = [2.0, 1.0, 3.0, 0.0, 4.0, 1.0], [2, 3, 3, 2, 4, 1]
    mean, error = by_hand(sums, sizes)
    t = []
    for drawn in itertools.product(range(6), repeat=6):
        again, its_error = by_hand([sums[i] for i in drawn], [sizes[i] for i in drawn])
        without_spread = 0.0 if abs(again - mean) < 1e-12 else math.inf
        t.append(abs(again - mean) / its_error if its_error > 1e-12 else without_spread)
    quantile = sorted(t)[math.ceil(0.8 * (len(t) - 1))]
    videos = [[1.0] * int(s) + [0.0] * (n - int(s)) for s, n in zip(sums, sizes, strict=True)]
    got = estimate(outcomes(*videos), Resampling(draws=40_000), level=0.8)
    assert got is not None
    assert got.low is not None
    assert got.high is not None
    assert got.value == pytest.approx(11 / 15)
    assert got.high - got.value == pytest.approx(got.value - got.low)
    assert (got.high - got.value) / error == pytest.approx(quantile, rel=0.02)  # 40,000 draws against all 46,656


def test_the_interval_covers_the_truth_with_few_videos() -> None:
    # 12 videos of 4 questions whose accuracy is 0.6 or 1 with even chance: truth 0.8. A few samples allow no interval.
    rng = np.random.default_rng(3)
    given = covered = 0
    for _ in range(400):
        p = rng.choice([0.6, 1.0], 12)
        got = estimate(outcomes(*(rng.random((12, 4)) < p[:, None]).astype(float).tolist()), Resampling(draws=500))
        assert got is not None
        if got.low is not None and got.high is not None:
            given += 1
            covered += got.low <= 0.8 <= got.high
    assert given > 360
    assert 0.93 < covered / given < 0.99


def test_an_interval_is_not_given_where_there_is_nothing_to_draw_on() -> None:
    cases = {
        "none: one video": outcomes([1, 0, 1]),
        "none: every video has the same value": outcomes([1, 0], [0, 1], [1, 0]),
        "none: too few videos": outcomes([1], [0]),
    }
    for how, given in cases.items():
        got = estimate(given, Resampling())
        assert got is not None
        assert (got.low, got.high, got.interval) == (None, None, how)
        assert not got.above
        assert not got.below


def test_no_questions_are_no_estimate() -> None:
    assert estimate(outcomes(), Resampling()) is None


def test_the_draws_are_those_of_the_seed() -> None:
    given = outcomes([1, 0], [0, 0], [1, 1], [1, 0], [0, 0], [1, 1, 1], [0, 1])
    first, again, other = (estimate(given, Resampling(seed=seed)) for seed in (0, 0, 1))
    assert first == again
    assert first is not None
    assert other is not None
    assert first.low != other.low
    assert first.value == other.value
