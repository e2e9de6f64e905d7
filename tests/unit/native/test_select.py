"""The native core's selections against the samplers that are written in Python, on every level that this processor runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from framedex._native import select_many, simd_level
from framedex.select import make_sampler, parse_spec
from framedex.select.base import DrawKey, Request, Sampler
from framedex.select.native import NativeRules

EVERY_LEVEL = ["portable", "avx2", "avx512"]
LEVELS = EVERY_LEVEL[: EVERY_LEVEL.index(simd_level()) + 1]
BUDGETS = [1, 2, 3, 7, 8, 31, 32, 33, 64, 100, 1000]

#: Every rule, each with parameters that take another way through it.
SPECS = [
    "uniform",
    "uniform-ends",
    "random",
    "top",
    "bottom",
    "threshold",
    "threshold:tau=0.1",
    "window-top",
    "window-top:length=5,stride=3",
    "window-top:stride=4,statistic=max",
    "window-bottom",
    "window-bottom:length=7",
    "window-bottom:statistic=max",
    "drop",
    "drop:base=top,rate=0.29",
    "drop:base=bottom,by=highest,rate=0.7",
    "drop:base=random,by=random,rate=0.1",
    "drop:by=random,rate=0",
    "aks",
    "aks:strict=paper",
    "aks:t1=0.3",
    "aks:t1=0.1,t2=0.2",
    "aks:t1=-0.1,depth=2",
    "aks:t1=0,depth=30",
    "bolt",
    "bolt:strict=paper",
    "bolt:power=2.5",
    "bolt:power=40,strict=paper",
    "qframe",
    "qframe:tau=0.01",
]
WITH_VECTORS = ["mmr", "mmr:share=0.9", "mmr:share=0", "mmr:share=1", "kcentre"]

Curve = NDArray[np.float64]


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    """Noise, events, plateaus, ties, and numbers of any size."""
    n = draw(st.one_of(st.integers(1, 40), st.integers(41, 300)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    at = np.arange(n)
    kinds = {
        "noise": lambda: rng.normal(size=n),
        "tied": lambda: rng.integers(0, 3, n) / 10,
        "flat": lambda: np.full(n, rng.choice([0.0, 0.1, -7e4, 1e-320, 1.7e308, -1.7e308])),
        "event": lambda: (
            0.1 + 0.2 * np.exp(-(((at - rng.integers(n)) / (1 + n / 20)) ** 2)) + 0.005 * rng.normal(size=n)
        ),
        "decimals": lambda: np.round(rng.normal(size=n), 1),
        "any size": lambda: rng.choice([1e30, -1e30, 0, 5e-324, 1e-300, -0.0, 3, 1e-310], n),
        "largest": lambda: rng.choice([1.7e308, -1.7e308, 1e308, 2e307, 0, 3], n),
        "magnitudes": lambda: np.exp(rng.uniform(-300, 300, n)) * rng.choice([-1, 1], n),
        "on and off": lambda: (rng.random(n) < rng.choice([0.02, 0.5, 0.97])) * 0.1,
        "slope": lambda: np.sort(rng.normal(size=n)) * rng.choice([-1, 1]),
    }
    return np.asarray(kinds[draw(st.sampled_from(sorted(kinds)))](), np.float64)


def make(specs: list[str]) -> list[Sampler]:
    return [make_sampler(name, **parameters) for name, parameters in map(parse_spec, specs)]


def natively(samplers: list[Sampler], curve: Curve, seeds: list[int], level: str, **more: Any) -> list[list[int]]:
    """Rows of sampler × budget × seed."""
    known = NativeRules(samplers)
    assert known.positions == list(range(len(samplers)))
    values, offsets, wrong_curve, wrong_video = select_many(
        samplers=known.rules,
        budgets=BUDGETS,
        shapes=np.array([[1, len(curve)]]),
        pts_us=None,
        scores=[curve[None, :]],
        embeddings=more.get("embeddings"),
        videos=["v\n"],
        questions=[['q "1" é']],
        variants=None,
        seeds=[str(seed) for seed in seeds],
        draws=known.draws,
        threads=1,
        level=level,
    )
    assert (wrong_curve, wrong_video) == (-1, -1)
    return [part.tolist() for part in np.split(values, offsets[1:-1])]


def by_python(samplers: list[Sampler], curve: Curve, seeds: list[int], **more: Any) -> list[list[int]]:
    request = Request(
        pts_us=np.arange(len(curve)), budget=1, draw=DrawKey(video="v\n", question='q "1" é'), scores=curve, **more
    )
    with np.errstate(all="ignore"):
        return [
            sampler.rows(
                replace(request, budget=budget, draw=replace(request.draw, seed=seed, sampler=sampler.name))
            ).tolist()
            for sampler in samplers
            for budget in BUDGETS
            for seed in seeds
        ]


@pytest.mark.parametrize("spec", SPECS)
@settings(max_examples=25, deadline=None)
@example(curve=np.zeros(1), seed=0)
@example(curve=np.linspace(0, 1, 120), seed=0)
@example(curve=np.full(120, 0.1), seed=0)
@example(curve=np.full(8, 1.7e308), seed=0)  # the sums of which are no numbers
@example(curve=np.tile([1.7e308, -1.7e308], 30), seed=0)
@given(curve=curves(), seed=st.integers(0, 3))
def test_rows_are_those_of_the_sampler(spec: str, curve: Curve, seed: int) -> None:
    samplers = make([spec])
    expected = by_python(samplers, curve, [seed, 7])
    for level in LEVELS:
        assert natively(samplers, curve, [seed, 7], level) == expected


@pytest.mark.slow
@settings(max_examples=1000, deadline=None)
@given(curve=curves(), seed=st.integers(0, 3))
def test_rows_are_those_of_every_sampler(curve: Curve, seed: int) -> None:
    """As above, 330,000 selections."""
    samplers = make(SPECS)
    assert natively(samplers, curve, [seed], "") == by_python(samplers, curve, [seed])


@pytest.mark.parametrize("spec", WITH_VECTORS)
@settings(max_examples=25, deadline=None)
@given(
    curve=curves(),
    d=st.sampled_from([1, 7, 16, 64, 130]),
    kinds=st.integers(1, 300),
    dtype=st.sampled_from([np.float16, np.float32]),
)
def test_searches_are_those_of_the_sampler(spec: str, curve: Curve, d: int, kinds: int, dtype: type) -> None:
    """At the level that look-ups take: the sampler's cosines are theirs."""
    rng = np.random.default_rng([len(curve), kinds])
    pictures = rng.normal(size=(kinds, d))
    rows = pictures[np.sort(rng.integers(0, kinds, len(curve)))]
    frames = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(dtype)
    samplers = make([spec])
    expected = by_python(samplers, curve, [0], embeddings=frames.astype(np.float32))
    assert natively(samplers, curve, [0], "", embeddings=[frames]) == expected


def test_searches_over_more_frames_than_are_kept() -> None:
    """Cosines of 1,300 frames are looked up as searches come to them, and forgotten when there are too many."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(1300, 8)).astype(np.float32)
    frames = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    curve = rng.normal(size=1300) / 100
    samplers = make(["mmr", "mmr:share=0.99"])
    assert natively(samplers, curve, [0], "", embeddings=[frames]) == by_python(samplers, curve, [0], embeddings=frames)


def asked(**other: Any) -> dict[str, Any]:
    scores = np.zeros((2, 5), np.float32)
    return {
        "samplers": [{"rule": "top"}],
        "budgets": [2],
        "shapes": np.array([[2, 5]]),
        "pts_us": None,
        "scores": [scores],
        "embeddings": None,
        "videos": None,
        "questions": None,
        "variants": None,
        "seeds": ["0"],
        "draws": [],
        "threads": 1,
        **other,
    }


@pytest.mark.parametrize(
    ("other", "kind", "message"),
    [
        ({"samplers": [{"rule": "tip"}]}, ValueError, "there is no rule 'tip'"),
        ({"samplers": [{"rule": "aks", "t1": 0.8}]}, ValueError, "expected a value for t2"),
        ({"samplers": [{"rule": "random", "draw": 1}], "draws": ['"random"']}, ValueError, "draws: expected 2 or more"),
        ({"budgets": [0]}, ValueError, "budgets of 1 or more"),
        ({"shapes": np.array([[2, 0]])}, ValueError, "video 0: expected .* frames from 1"),
        ({"scores": None}, ValueError, "scores or embeddings that a sampler reads"),
        ({"scores": []}, ValueError, "scores: expected those of 1 videos, got 0"),
        ({"scores": [np.zeros((2, 4))]}, ValueError, r"scores of video 0: expected shape \(2, 5\), got \(2, 4\)"),
        ({"scores": [np.zeros((2, 5), np.int64)]}, TypeError, "scores of video 0: expected dtype float32 or float64"),
        ({"scores": [np.zeros((5, 2)).T]}, ValueError, "scores of video 0: expected a C-contiguous array"),
        ({"scores": ["no"]}, TypeError, "scores of video 0: expected an array"),
        (
            {"samplers": [{"rule": "mmr", "share": 0.5}], "embeddings": [np.zeros((4, 3), np.float32)]},
            ValueError,
            "embeddings of video 0: expected 5 rows, got 4",
        ),
        ({"draws": ['"random"'], "questions": [["a"]]}, ValueError, "questions: expected 2, got 1"),
        ({"draws": ['"random"'], "questions": [["a", 3]]}, TypeError, "questions: expected text"),
        ({"pts_us": [np.arange(5.0)]}, TypeError, "pts_us of video 0: expected dtype int64"),
        (
            {"pts_us": [np.array([0, 1, 1, 2, 3])]},
            ValueError,
            "pts_us of video 0: expected strictly increasing timestamps",
        ),
        ({"pts_us": [np.arange(9)[8:3:-1]]}, ValueError, "pts_us of video 0: expected strictly increasing timestamps"),
        ({"pts_us": [np.arange(9)[::3]]}, ValueError, r"pts_us of video 0: .* shape \(5,\), got \(3"),
        ({"threads": 0}, ValueError, "threads: expected 1 or more"),
        ({"level": "mmx"}, ValueError, "level: expected portable, avx2 or avx512"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(other: dict[str, Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        select_many(**asked(**other))
