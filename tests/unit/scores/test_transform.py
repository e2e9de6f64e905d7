"""Transforms and combinations of scores, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framedex.errors import UsageError
from framedex.scores.transform import Combination, Logit, minmax, transformed

LOGIT = Logit(scale=100.0, bias=-10.0)
COSINES = np.array([0.1, 0.2, -0.1, 0.15])


def test_cosine_is_what_was_given() -> None:
    assert transformed(COSINES, "cosine", None) is COSINES


def test_logit_is_the_encoders_scale_and_bias() -> None:
    np.testing.assert_allclose(transformed(COSINES, "logit", LOGIT), [0, 10, -20, 5])


def test_prob_is_the_sigmoid_in_float64() -> None:
    probs = transformed(COSINES, "prob", LOGIT)
    assert probs.dtype == np.float64
    # 1 / (1 + e^-10) and e^-20 / (1 + e^-20); float32 would call the first 0.9999546
    np.testing.assert_allclose(probs, [0.5, 0.9999546021312976, 2.0611536181902037e-09, 0.9933071490757153], rtol=1e-12)


def test_minmax_is_per_video_and_flat_curves_are_nothing() -> None:
    np.testing.assert_allclose(transformed(COSINES, "minmax", None), [2 / 3, 1, 0, 5 / 6])
    assert minmax(np.full(3, 0.7)).tolist() == [0, 0, 0]
    assert minmax(np.array([0.7])).tolist() == [0]
    assert minmax(np.array([-1.7e308, 0.0, 1.7e308])).tolist() == [0, 0.5, 1]


@pytest.mark.parametrize("transform", ["logit", "prob"])
def test_stored_scores_have_no_logit(transform: str) -> None:
    with pytest.raises(UsageError, match=f"transform {transform}: expected an encoder's cosines, got stored scores"):
        transformed(COSINES, transform, None)  # type: ignore[arg-type]


@settings(max_examples=40)
@given(st.lists(st.floats(-1, 1), min_size=2, max_size=30))
def test_order_is_kept(values: list[float]) -> None:
    scores = np.array(values)
    order = np.argsort(scores, kind="stable")
    for transform in ("logit", "prob", "minmax"):
        assert (np.diff(transformed(scores, transform, LOGIT)[order]) >= 0).all()  # type: ignore[arg-type]


ONE, OTHER = np.array([0.2, 0.8, 0.5]), np.array([0.6, 0.1, 0.5])


@pytest.mark.parametrize(
    ("how", "weights", "expected"),
    [
        ("mean", None, [0.4, 0.45, 0.5]),
        ("mean", (3.0, 1.0), [0.3, 0.625, 0.5]),
        ("max", None, [0.6, 0.8, 0.5]),
        ("min", None, [0.2, 0.1, 0.5]),
        ("product", None, [0.12, 0.08, 0.25]),
        ("product", (2.0, 1.0), [0.024, 0.064, 0.125]),
    ],
)
def test_two_prompts(how: str, weights: tuple[float, ...] | None, expected: list[float]) -> None:
    combination = Combination(how=how, weights=weights)  # type: ignore[arg-type]
    np.testing.assert_allclose(combination.of([ONE, OTHER]), expected)


def test_one_prompt_is_as_it_is() -> None:
    assert Combination(how="product").of([COSINES]) is COSINES
    assert Combination(how="max").label(1) == ""
    assert Combination(how="max").label(2) == "+max"
    assert Combination(weights=(2.0, 0.5)).label(2) == "+mean(2,0.5)"


def test_what_cannot_be_combined() -> None:
    with pytest.raises(UsageError, match="weights: expected with mean or product, got max"):
        Combination(how="max", weights=(1.0, 1.0))
    for weight in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="weights: expected numbers above 0"):
            Combination(weights=(1.0, weight))
    with pytest.raises(UsageError, match="weights: expected one per prompt, 2, got 3"):
        Combination(weights=(1.0, 1.0, 1.0)).of([ONE, OTHER])
    with pytest.raises(UsageError, match=r"product: expected scores of 0 or more, got -0\.1; transform them"):
        Combination(how="product").of([COSINES, COSINES])
