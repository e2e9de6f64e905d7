"""The score kernel against NumPy in float32, on every level that this processor runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from contracts.store_samples import unit_vectors
from framedex._native import scores_f16, simd_level

EVERY_LEVEL = ["portable", "avx2", "avx512"]
LEVELS = EVERY_LEVEL[: EVERY_LEVEL.index(simd_level()) + 1]


def halves(n: int, d: int, *, shift: int = 0, seed: int = 1) -> NDArray[np.float16]:
    """Unit vectors in halves, read-only, beginning `shift` bytes into their buffer."""
    data = b"\0" * shift + unit_vectors(n, d, seed=seed).astype("<f2").tobytes()
    return np.ndarray((n, d), "<f2", buffer=data, offset=shift)


def test_the_level_is_one_that_is_known() -> None:
    assert simd_level() in EVERY_LEVEL


@pytest.mark.parametrize("level", LEVELS)
@given(
    m=st.integers(0, 9), n=st.integers(0, 40), d=st.integers(1, 100), shift=st.integers(0, 3), threads=st.integers(1, 4)
)
def test_scores_are_inner_products(level: str, m: int, n: int, d: int, shift: int, threads: int) -> None:
    prompts = unit_vectors(m, d)
    matrix = halves(n, d, shift=shift)
    scores = scores_f16(prompts, matrix, threads=threads, level=level)
    assert scores.dtype == np.float32
    assert scores.shape == (m, n)
    np.testing.assert_allclose(scores, prompts @ matrix.astype(np.float32).T, rtol=0, atol=1e-6)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("d", [384, 512, 768, 1152])
def test_real_sizes_agree_within_1e_5(level: str, d: int) -> None:
    prompts, matrix = unit_vectors(20, d), halves(3000, d, shift=1)
    exact = prompts.astype(np.float64) @ matrix.astype(np.float64).T
    for threads in (1, 3):
        np.testing.assert_allclose(scores_f16(prompts, matrix, threads=threads, level=level), exact, rtol=0, atol=1e-5)


@pytest.mark.parametrize("level", LEVELS)
def test_a_score_does_not_depend_on_its_company(level: str) -> None:
    """Bit for bit: alone, in a batch, in another row, over more threads."""
    prompts, matrix = unit_vectors(7, 770), halves(3001, 770)
    together = scores_f16(prompts, matrix, threads=1, level=level)
    np.testing.assert_array_equal(scores_f16(prompts, matrix, threads=4, level=level), together)
    for i in range(7):
        np.testing.assert_array_equal(scores_f16(prompts[i : i + 1], matrix, threads=1, level=level)[0], together[i])
    np.testing.assert_array_equal(scores_f16(prompts, matrix[5:8], threads=1, level=level), together[:, 5:8])


@pytest.mark.parametrize("level", LEVELS)
def test_every_half_is_converted_right(level: str) -> None:
    """All 65536 of them, in the vector part (d = 8) and in the remainder (d = 1): denormals, infinities and NaN among them."""
    every = np.arange(65536, dtype="<u2").view("<f2")
    for d in (1, 8):
        matrix = np.zeros((65536, d), "<f2")
        matrix[:, d // 2] = every
        prompt = np.zeros((1, d), np.float32)
        prompt[0, d // 2] = 1.0
        np.testing.assert_array_equal(scores_f16(prompt, matrix, threads=1, level=level)[0], every.astype(np.float32))


@pytest.mark.parametrize("level", LEVELS)
def test_nan_in_a_prompt_is_passed_on(level: str) -> None:
    prompts = unit_vectors(2, 16)
    prompts[1, 3] = np.nan
    scores = scores_f16(prompts, halves(5, 16), threads=1, level=level)
    assert np.isfinite(scores[0]).all()
    assert np.isnan(scores[1]).all()


def test_the_result_is_ours_to_write() -> None:
    scores = scores_f16(unit_vectors(2, 16), halves(5, 16), threads=1)
    scores += 1.0
    assert scores.flags.c_contiguous


PROMPTS, MATRIX = unit_vectors(2, 16), halves(5, 16)


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ((PROMPTS[:, :8].copy(), MATRIX), ValueError, "prompts have d=8, matrix rows have d=16"),
        ((PROMPTS[0], MATRIX), ValueError, r"prompts: expected two dimensions \(rows, d\), got shape \(16\)"),
        ((PROMPTS, MATRIX[None]), ValueError, r"matrix: expected two dimensions \(rows, d\), got shape \(1, 5, 16\)"),
        ((PROMPTS[:, ::2], MATRIX[:, ::2]), ValueError, "prompts: expected a C-contiguous array"),
        ((PROMPTS, np.asfortranarray(MATRIX)), ValueError, "matrix: expected a C-contiguous array"),
        (
            (np.ndarray((2, 16), "<f4", buffer=bytes(200), offset=1), MATRIX),
            ValueError,
            "prompts: expected an address aligned",
        ),
        ((PROMPTS.astype(np.float64), MATRIX), TypeError, "prompts: expected dtype float32"),
        ((PROMPTS, MATRIX.astype(np.float32)), TypeError, "matrix: expected dtype float16"),
        ((PROMPTS, MATRIX.view(np.int16)), TypeError, "matrix: expected dtype float16"),
        (([1.0], MATRIX), TypeError, "incompatible function arguments"),
    ],
)
def test_wrong_arrays_are_named(arguments: tuple[Any, Any], error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        scores_f16(*arguments, threads=1)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"threads": 0}, "threads: expected 1 or more, got 0"),
        ({"threads": 1, "level": "sse9"}, "level: expected portable, avx2 or avx512, got 'sse9'"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        scores_f16(PROMPTS, MATRIX, **options)
