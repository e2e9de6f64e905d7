"""Samplers that compare frames, on vectors whose angles are known."""

from __future__ import annotations

import numpy as np
import pytest

import framedex
from framedex.errors import UsageError
from framedex.select.kmeans import _seeds
from framedex.select.likeness import Cosines
from framedex.select.scene import scene_starts


def at(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_mmr_weighs_relevance_against_likeness() -> None:
    scores, embeddings = np.array([0.9, 0.8, 0.1, 0.5]), at(0, 0, 90, 60)
    # first 0; then 0.5·s - 0.5·cos: row 1 0.4 - 0.5, row 2 0.05 - 0, row 3 0.25 - 0.25
    assert framedex.select("mmr", scores, budget=2, embeddings=embeddings).rows.tolist() == [0, 2]
    # share 0.9: row 1 0.72 - 0.1 = 0.62, row 3 0.45 - 0.05 = 0.4
    assert framedex.select("mmr", scores, budget=2, embeddings=embeddings, share=0.9).rows.tolist() == [0, 1]
    assert framedex.select("mmr", scores, budget=3, embeddings=embeddings, share=1).rows.tolist() == [0, 1, 3]


def test_mmr_counts_the_nearest_frame_taken() -> None:
    # 0 first; then 180 (cosine -1); then 90 (0 to both) before 30 (0.87 to the first)
    scores, embeddings = np.zeros(4), at(0, 30, 90, 180)
    assert framedex.select("mmr", scores, budget=3, embeddings=embeddings).rows.tolist() == [0, 2, 3]


def test_kcentre_goes_to_the_farthest() -> None:
    embeddings = at(0, 10, 80, 90, 40)
    scores = np.array([0.1, 0.9, 0.2, 0.3, 0.1])
    # best is 10 degrees; farthest 90; then 40 (30 from the nearest) before 0 and 80 (10)
    assert framedex.select("kcentre", scores, budget=1, embeddings=embeddings).rows.tolist() == [1]
    assert framedex.select("kcentre", scores, budget=2, embeddings=embeddings).rows.tolist() == [1, 3]
    assert framedex.select("kcentre", scores, budget=3, embeddings=embeddings).rows.tolist() == [1, 3, 4]
    assert framedex.select("kcentre", scores, budget=4, embeddings=embeddings).rows.tolist() == [0, 1, 3, 4]


@pytest.mark.parametrize("seed", range(5))
def test_kmeans_takes_the_middle_of_every_cluster(seed: int) -> None:
    embeddings = at(0, 2, 4, 120, 121, 122, 240, 250, 260)
    got = framedex.select("kmeans", budget=3, pts_us=np.arange(9), embeddings=embeddings, seed=seed)
    assert got.rows.tolist() == [1, 4, 7]


def test_kmeans_fills_up_where_there_are_fewer_pictures_than_frames_wanted() -> None:
    embeddings = at(0, 0, 0, 90, 90, 90)
    got = framedex.select("kmeans", budget=4, pts_us=np.arange(6), embeddings=embeddings)
    assert {0, 3} <= set(got.rows.tolist())
    assert got.rows.tolist() == [0, 1, 2, 3]  # all others are equally like: the earlier


def test_kmeans_seeds_by_the_inverse_of_the_cumulative_squared_distance() -> None:
    cosines = Cosines(at(0, 90, 180, 270), wanted=2)
    # from row 0 the squared distances are 0, 2, 4, 2: cumulative 0, 2, 6, 8
    assert _seeds(cosines, 4, np.array([0.0, 0.0])) == [0, 1]
    assert _seeds(cosines, 4, np.array([0.0, 0.25])) == [0, 2]
    assert _seeds(cosines, 4, np.array([0.0, 0.75])) == [0, 3]
    assert _seeds(cosines, 4, np.array([0.0, np.nextafter(1, 0)])) == [0, 3]
    assert _seeds(Cosines(at(5, 5, 5), wanted=2), 3, np.array([0.5, 0.5])) == [1]


def test_scenes_begin_at_a_change() -> None:
    embeddings = at(*[0] * 10, *[90] * 4, *[0] * 6)
    assert scene_starts(embeddings, 2.0).tolist() == [0, 10, 14]
    assert scene_starts(at(0, 1, 2, 3, 4), 2.0).tolist() == [0]  # every step is the same
    assert scene_starts(at(0), 2.0).tolist() == [0]


def test_scenes_longest_first() -> None:
    embeddings, times = at(*[0] * 10, *[90] * 4, *[0] * 6), np.arange(20) * 1_000_000
    middles = {0: 5, 1: 12, 2: 17}

    def take(budget: int) -> list[int]:
        return framedex.select("scene", budget=budget, pts_us=times, embeddings=embeddings).rows.tolist()

    assert take(1) == [middles[0]]
    assert take(2) == [middles[0], middles[2]]
    assert take(3) == [middles[0], middles[1], middles[2]]
    # 10 s / 2 = 5 comes before 6 s / 2 = 3: the first scene gets a second frame, at the centres of halves of it
    assert take(4) == [2, 7, 12, 17]
    # 10 / 3 = 3.3 before 3 and 2
    assert take(5) == [1, 5, 8, 12, 17]
    assert take(20) == list(range(20))


def test_scenes_last_in_time_not_in_frames() -> None:
    embeddings = at(*[0] * 10, *[90] * 4, *[0] * 6)
    times = np.concatenate([np.arange(10), 100 + 100 * np.arange(4), 500 + np.arange(6)]) * 1_000
    assert framedex.select("scene", budget=1, pts_us=times, embeddings=embeddings).rows.tolist() == [12]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (("mmr", {"share": 1.5}), "share: expected 0 to 1"),
        (("kmeans", {"rounds": 0}), "rounds: expected 1 or more"),
        (("scene", {"sigmas": -1}), "sigmas: expected 0 or more"),
    ],
)
def test_parameters_out_of_range(spec: tuple[str, dict[str, float]], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        framedex.select(spec[0], np.ones(3), budget=1, embeddings=at(0, 1, 2), **spec[1])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"embeddings": at(0, 1)}, r"embeddings: expected shape \(3, d\), got \(2, 2\)"),
        ({"embeddings": np.full((3, 2), np.nan)}, "embeddings: expected finite numbers"),
        ({"embeddings": at(0, 1, 2), "prompt": np.ones(3)}, r"prompt: expected one vector, shape \(2,\), got \(3,\)"),
        ({"prompt": [np.nan]}, "prompt: expected finite"),
        ({"evidence_us": [[3, 2]]}, "evidence_us: expected integer microseconds"),
        ({"evidence_us": [3, 2]}, "evidence_us: expected integer microseconds"),
        ({"evidence_us": [[0.5, 2.0]]}, "evidence_us: expected integer microseconds"),
    ],
)
def test_what_is_given_must_fit(given: dict[str, np.ndarray], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        framedex.select("mmr", np.ones(3), budget=1, **given)
