"""Uniform and random, against numbers worked out by hand."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

import framedex
from framedex.select import DrawKey


@pytest.mark.parametrize(
    ("n", "budget", "rows"),
    [
        (8, 4, [1, 3, 5, 7]),  # segments of 2, centre at 1.0, 3.0, 5.0, 7.0
        (10, 4, [1, 3, 6, 8]),  # segments of 2.5, centres at 1.25, 3.75, 6.25, 8.75
        (10, 1, [5]),
        (3, 8, [0, 1, 2]),
    ],
)
def test_uniform_takes_segment_centres(n: int, budget: int, rows: list[int]) -> None:
    assert framedex.select("uniform", budget=budget, pts_us=np.arange(n)).rows.tolist() == rows


def test_random_is_the_documented_draw() -> None:
    text = '[3,"v","q1","answer","random"]'
    key = int(hashlib.sha256(text.encode()).hexdigest()[:32], 16)
    draw = np.random.Generator(np.random.Philox(key=key)).random(20)
    expected = sorted(np.argsort(draw)[:5].tolist())
    got = framedex.select("random", budget=5, pts_us=np.arange(20), seed=3, video="v", question="q1", variant="answer")
    assert got.rows.tolist() == expected


@pytest.mark.parametrize("change", [{"seed": 1}, {"video": "b"}, {"question": "b"}, {"variant": "b"}, {"sampler": "b"}])
def test_every_part_of_the_key_changes_the_draw(change: dict[str, object]) -> None:
    base = {"seed": 0, "video": "a", "question": "a", "variant": "a", "sampler": "a"}
    same = DrawKey(**base).uniforms(4)  # type: ignore[arg-type]
    other = DrawKey(**{**base, **change}).uniforms(4)  # type: ignore[arg-type]
    assert same.tolist() == DrawKey(**base).uniforms(4).tolist()  # type: ignore[arg-type]
    assert same.tolist() != other.tolist()


def test_random_takes_every_row_about_equally_often() -> None:
    taken = np.zeros(10)
    for seed in range(2000):
        taken[framedex.select("random", budget=3, pts_us=np.arange(10), seed=seed).rows] += 1
    # 2,000 draws of 3 in 10: expected 600, standard deviation 20.5; five of them is 103
    assert (np.abs(taken - 600) < 103).all()
