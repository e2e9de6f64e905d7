"""FOCUS: what it looks at, and that it uses nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest

from framedex.errors import UsageError
from framedex.select import DrawKey, Request
from framedex.select.focus import Focus, _coarse, _nearest, _ranked


def request(scores: np.ndarray, *, fps: float = 1.0, budget: int = 8, seed: int = 0) -> Request:
    times = (np.arange(len(scores)) * (1_000_000 / fps)).astype(np.int64)
    return Request(pts_us=times, budget=budget, draw=DrawKey(seed=seed, sampler="focus"), scores=scores)


def test_of_every_arm_the_middle_and_two_others_are_looked_at() -> None:
    starts, sizes = np.array([0, 10, 11, 13, 16]), np.array([10, 1, 2, 3, 30])
    for seed in range(20):
        frames = _coarse(starts, sizes, request(np.zeros(46), seed=seed))
        assert np.add.reduceat(frames.astype(int), starts).tolist() == [3, 1, 2, 3, 3]
        assert frames[[5, 10, 12, 14, 31]].all()


def test_the_two_others_are_any_with_the_same_chance() -> None:
    starts, sizes = np.array([0]), np.array([5])
    seen = sum(_coarse(starts, sizes, request(np.zeros(5), seed=seed)).astype(int) for seed in range(2000))
    assert seen[2] == 2000
    others = seen[[0, 1, 3, 4]]  # each expected half of the times, standard deviation 22.4
    assert (np.abs(others - 1000) < 5 * 22.4).all()


def test_arms_are_ranked_by_mean_and_confidence() -> None:
    scores = np.array([0.2, 0.4, 9.0, 0.5, 9.0, 0.9])
    frames = np.array([True, True, False, True, False, False])
    mean, index = _ranked(scores, frames, np.array([0, 3]))
    np.testing.assert_allclose(mean, [0.3, 0.5])
    log_n = math.log(3)  # variances 0.01 and 0, looks 2 and 1
    np.testing.assert_allclose(index, [0.3 + math.sqrt(2 * log_n * 0.01 / 2) + 3 * log_n / 2, 0.5 + 3 * log_n])


def test_frames_not_seen_count_as_the_nearest_that_was() -> None:
    times = np.array([0, 10, 20, 30, 41, 50])
    assert _nearest(times, np.array([1, 4])).tolist() == [1, 1, 1, 4, 4, 4]
    assert _nearest(np.array([0, 10, 20]), np.array([0, 2])).tolist() == [0, 0, 2]  # 10 from both: the earlier


def test_arms_are_clips_of_at_most_sixteen_seconds_and_at_least_eight() -> None:
    assert len(Focus().look(request(np.zeros(60))).starts) == 8
    long = Focus().look(request(np.zeros(1600)))
    assert len(long.starts) == 100  # 1,599 s in clips of 16
    assert np.diff(long.starts).max() <= 17
    assert long.zoomed == 25
    assert len(Focus(clip_s=100).look(request(np.zeros(1600))).starts) == 16


def test_a_quarter_of_the_arms_is_looked_at_every_second() -> None:
    sampler, asked = Focus(), request(np.random.default_rng(0).random(3200), fps=2)
    seen = sampler.look(asked)
    per_arm = np.add.reduceat(seen.frames.astype(int), seen.starts)
    assert len(per_arm) == 100
    assert (per_arm >= 16).sum() == 25  # one of the two frames of a second, and those of the first look
    assert sampler.lookups(asked) == seen.frames.sum() < 3200 / 4


def test_nothing_but_what_was_seen_counts() -> None:
    random = np.random.default_rng(1)
    scores = random.random(2000)
    sampler, asked = Focus(), request(scores, budget=16)
    seen = sampler.look(asked).frames
    changed = np.where(seen, scores, random.random(2000) * 50)
    assert sampler.rows(request(changed, budget=16)).tolist() == sampler.rows(asked).tolist()


def test_the_clip_that_holds_it_is_found() -> None:
    scores = np.random.default_rng(2).normal(scale=0.02, size=1600)
    scores[800:830] += 2
    rows = Focus().rows(request(scores, budget=8))
    assert ((rows >= 790) & (rows < 840)).sum() >= 6


def test_a_short_video_is_looked_at_whole() -> None:
    assert Focus().lookups(request(np.zeros(5), budget=8)) == 5


@pytest.mark.parametrize(
    "parameters", [{"clip_s": 0.0}, {"clip_s": 1e-320}, {"temperature": 0.0}, {"temperature": 1e-320}]
)
def test_parameters_out_of_range(parameters: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=r"sampler 'focus', .*: expected 1e-06 or more, got"):
        Focus(**parameters)


def test_the_least_parameters_are_no_nonsense() -> None:
    asked = request(np.random.default_rng(3).random(90), budget=12)
    assert len(Focus(clip_s=1e-6, temperature=1e-6).rows(asked)) == 12
