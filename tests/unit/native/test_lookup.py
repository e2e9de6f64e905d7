"""Look-ups of many videos against NumPy in float64, on every level that this processor runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from framedex._native import look_up, simd_level
from framedex.select.windows import window_scores, window_starts

EVERY_LEVEL = ["portable", "avx2", "avx512"]
LEVELS = EVERY_LEVEL[: EVERY_LEVEL.index(simd_level()) + 1]

Video = tuple[NDArray[np.float32], NDArray[Any]]


def unit_rows(rng: np.random.Generator, n: int, d: int) -> NDArray[np.float32]:
    rows = rng.standard_normal((n, d)) + 1e-3
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def at(rows: NDArray[Any], dtype: str, shift: int) -> NDArray[Any]:
    """The rows read-only, `shift` bytes into a buffer."""
    return np.ndarray(rows.shape, dtype, buffer=b"\0" * shift + rows.astype(dtype).tobytes(), offset=shift)


@st.composite
def videos(draw: st.DrawFn) -> list[Video]:
    """Ragged videos; few distinct frames now and then, so that scores tie."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    made = []
    for _ in range(draw(st.integers(0, 6))):
        m, n, d = draw(st.integers(0, 35)), draw(st.integers(0, 45)), draw(st.integers(1, 300))
        frames = unit_rows(rng, n, d)
        if n and draw(st.booleans()):
            frames = frames[rng.integers(0, min(n, 3), n)]
        dtype = draw(st.sampled_from(["<f2", "<f4"]))
        made.append((unit_rows(rng, m, d), at(frames, dtype, draw(st.integers(0, 5)))))
    return made


def exact(video: Video) -> NDArray[np.float64]:
    prompts, frames = video
    return prompts.astype(np.float64) @ frames.astype(np.float64).T


def split(flat: NDArray[Any] | None, shapes: list[tuple[int, int]]) -> list[NDArray[Any]]:
    assert flat is not None
    assert flat.ndim == 1
    ends = np.cumsum([m * n for m, n in shapes], dtype=int)
    assert flat.size == (ends[-1] if len(ends) else 0)
    return [part.reshape(shape) for part, shape in zip(np.split(flat, ends[:-1]), shapes, strict=False)]


def run(given: list[Video], **options: Any) -> tuple[Any, ...]:
    return look_up([prompts for prompts, _ in given], [frames for _, frames in given], **options)


@pytest.mark.parametrize("level", LEVELS)
@given(given=videos(), threads=st.integers(1, 4))
def test_scores_are_inner_products(level: str, given: list[Video], threads: int) -> None:
    flat, *others, wrong = run(given, threads=threads, level=level)
    assert others == [None] * 5
    assert wrong == -1
    for video, scores in zip(given, split(flat, [(len(p), len(f)) for p, f in given]), strict=True):
        np.testing.assert_allclose(scores, exact(video), rtol=0, atol=1e-5)


@pytest.mark.parametrize("level", LEVELS)
@given(given=videos(), k=st.integers(1, 80), threads=st.integers(1, 3))
def test_the_best_are_in_order_and_ties_go_to_the_earlier_frame(
    level: str, given: list[Video], k: int, threads: int
) -> None:
    flat, top, rows, *_ = run(given, threads=threads, level=level, k=k)
    unkept = run(given, threads=threads, level=level, k=k, scores=False)
    assert unkept[0] is None
    np.testing.assert_array_equal(unkept[1], top)
    np.testing.assert_array_equal(unkept[2], rows)
    shapes = [(len(p), min(k, len(f))) for p, f in given]
    every = split(flat, [(len(p), len(f)) for p, f in given])
    for scores, best, best_rows in zip(every, split(top, shapes), split(rows, shapes), strict=True):
        expected = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        np.testing.assert_array_equal(best_rows, expected)
        np.testing.assert_array_equal(best, np.take_along_axis(scores, expected, axis=1))


@pytest.mark.parametrize("level", LEVELS)
@given(given=videos(), length=st.integers(1, 50), stride=st.integers(1, 12))
def test_statistics_are_those_of_the_scores(level: str, given: list[Video], length: int, stride: int) -> None:
    given = [(prompts, frames) for prompts, frames in given if len(frames)]
    flat, _, _, maxima, means, window_maxima, _ = run(
        given, threads=2, level=level, statistics=True, window_length=length, window_stride=stride
    )
    every = split(flat, [(len(p), len(f)) for p, f in given])
    starts = [window_starts(len(frames), length, stride) for _, frames in given]
    counts = [(len(prompts), 1) for prompts, _ in given]
    windows = [(len(prompts), len(each)) for (prompts, _), each in zip(given, starts, strict=True)]
    for number, scores in enumerate(every):
        np.testing.assert_array_equal(split(maxima, counts)[number][:, 0], scores.max(axis=1))
        np.testing.assert_allclose(
            split(means, counts)[number][:, 0], scores.astype(np.float64).mean(axis=1), rtol=1e-7, atol=1e-9
        )
        for curve, best in zip(scores, split(window_maxima, windows)[number], strict=True):
            np.testing.assert_array_equal(best, window_scores(curve, starts[number], length, "max"))


@pytest.mark.parametrize("level", LEVELS)
@settings(max_examples=30)
@given(given=videos())
def test_a_score_has_the_same_bits_in_any_company(level: str, given: list[Video]) -> None:
    together = split(run(given, threads=3, level=level)[0], [(len(p), len(f)) for p, f in given])
    for (prompts, frames), scores in zip(given, together, strict=True):
        for i in range(len(prompts)):
            alone = look_up([prompts[i : i + 1]], [frames], threads=1, level=level)[0]
            np.testing.assert_array_equal(alone, scores[i])
        some = look_up([prompts], [frames[3:20]], threads=1, level=level)[0]
        np.testing.assert_array_equal(some, scores[:, 3:20].ravel())


@pytest.mark.skipif(simd_level() != "avx512", reason="the processor has no AVX-512")
@given(given=videos())
def test_avx2_and_avx512_have_the_same_bits(given: list[Video]) -> None:
    np.testing.assert_array_equal(run(given, threads=1, level="avx2")[0], run(given, threads=1, level="avx512")[0])


@pytest.mark.parametrize("level", LEVELS)
def test_equal_numbers_do_not_drift(level: str) -> None:
    """All products are the same number, so that every rounding goes the same way: the worst case of a long sum."""
    for d in (768, 1152, 4096):
        row = np.full((1, d), 1 / np.sqrt(d), np.float32)
        halves = row.astype(np.float16)
        scores = look_up([row], [halves], threads=1, level=level)[0]
        assert scores is not None
        assert abs(float(scores[0]) - float(exact((row, halves))[0, 0])) < 1e-5


@pytest.mark.parametrize("level", LEVELS)
def test_the_first_video_with_a_vector_that_is_no_number_is_named(level: str) -> None:
    rng = np.random.default_rng(0)
    given = [(unit_rows(rng, 2, 30), unit_rows(rng, 14, 30).astype("<f2")) for _ in range(5)]
    assert run(given, threads=2, level=level)[-1] == -1
    for number, value in ((3, np.nan), (1, np.inf)):
        given[number][1][13, 29] = value
        assert run(given, threads=2, level=level, k=3)[-1] == number


PROMPTS, FRAMES = np.ones((2, 16), np.float32), np.ones((5, 16), np.float16)


@pytest.mark.parametrize(
    ("prompts", "frames", "error", "sentence"),
    [
        ([PROMPTS], [FRAMES, FRAMES], ValueError, "expected prompts for each video, got 1 prompts and 2 videos"),
        ([PROMPTS, PROMPTS[:, :8].copy()], [FRAMES, FRAMES], ValueError, "prompts 1 have d=8, frames have d=16"),
        ([PROMPTS, PROMPTS[0]], [FRAMES, FRAMES], ValueError, r"prompts 1: expected two dimensions .* shape \(16\)"),
        ([PROMPTS, PROMPTS], [FRAMES, FRAMES[::2]], ValueError, "frames 1: expected a C-contiguous array"),
        ([PROMPTS.astype(np.float64)], [FRAMES], TypeError, "prompts 0: expected dtype float32"),
        ([PROMPTS], [FRAMES.astype(np.float64)], TypeError, "frames 0: expected dtype float16 or float32"),
        ([PROMPTS], [[1.0]], TypeError, "frames 0: expected an array"),
    ],
)
def test_wrong_arrays_are_named(prompts: Any, frames: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        look_up(prompts, frames, threads=1)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"threads": 0}, "threads: expected 1 or more, got 0"),
        ({"k": -1}, "k: expected 0 or more, got -1"),
        ({"window_length": -1}, "windows: expected a length of 0"),
        ({"window_length": 4, "window_stride": 0}, "a stride of 1 or more, got 4 and 0"),
        ({"level": "sse9"}, "level: expected portable, avx2 or avx512, got 'sse9'"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        look_up([PROMPTS], [FRAMES], **({"threads": 1} | options))
