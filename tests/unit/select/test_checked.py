"""What `framedex.select` is given: what it takes, and one sentence for each way to be wrong."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import framedex
from framedex.errors import UsageError

SCORES = [0.1, 0.9, 0.4]


def test_numbers_of_numpy_are_numbers() -> None:
    drawn = framedex.select("random", pts_us=np.arange(50), budget=np.int32(5), seed=np.int64(3))  # type: ignore[arg-type]
    assert drawn.rows.tolist() == framedex.select("random", pts_us=np.arange(50), budget=5, seed=3).rows.tolist()
    taken = framedex.select("mmr", SCORES, embeddings=np.eye(3), budget=2, share=np.float32(1))  # type: ignore[arg-type]
    assert taken.rows.tolist() == [1, 2]


@pytest.mark.parametrize("scores", [SCORES, tuple(SCORES), np.float32(SCORES), [Fraction(1, 10), 0.9, Fraction(2, 5)]])
@pytest.mark.parametrize("pts_us", [None, [0, 5, 7], np.uint32([0, 5, 7]), range(3)])
def test_lists_and_arrays_of_numbers_are_curves(scores: Any, pts_us: Any) -> None:
    assert framedex.select("top", scores, pts_us=pts_us, budget=2).rows.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"pts_us": [0.5, 1.5, 2.5]}, "pts_us: expected whole microseconds, int64, got float64 such as 0.5"),
        ({"pts_us": np.uint64([0, 1, 2**63])}, "pts_us: expected whole microseconds, int64, got uint64"),
        ({"pts_us": 5}, r"pts_us: expected one timestamp per frame, shape \(3,\) with n >= 1, got \(\)"),
        (
            {"pts_us": 5, "scores": None},
            r"pts_us: expected one timestamp per frame, shape \(n,\) with n >= 1, got \(\)",
        ),
        ({"pts_us": [1, 2], "scores": SCORES}, r"pts_us: .* shape \(3,\) with n >= 1, got \(2,\)"),
        ({"pts_us": [], "scores": None}, r"pts_us: .* with n >= 1, got \(0,\)"),
        ({"scores": []}, r"pts_us: .* shape \(0,\) with n >= 1"),
        ({"pts_us": [3, 2, 1]}, "pts_us: expected strictly increasing"),
        ({"pts_us": ["1", "2", "3"]}, r"pts_us: expected numbers, got <U1 \['1', '2', '3'\]"),
        ({"pts_us": [[1], [2, 3]]}, "pts_us: expected an array of numbers, got none: .*inhomogeneous"),
        ({"scores": ["0.1", "a", "b"]}, "scores: expected numbers, got <U3"),
        ({"scores": "abc"}, "scores: expected numbers, got <U3 'abc'"),
        ({"scores": [[0.1], [0.2, 0.3]]}, "scores: expected an array of numbers, got none: .*inhomogeneous"),
        ({"scores": [0.1, {}, 0.3]}, "scores: expected numbers, got"),
        ({"scores": 0.5}, r"scores: expected one score per frame, shape \(n,\), got \(\)"),
        ({"scores": [0.1, None, 0.3]}, "scores: expected finite numbers, got nan at row 1"),
        ({"scores": [1j, 0, 0]}, "scores: expected numbers, got complex128"),
        ({"embeddings": "abc"}, "embeddings: expected numbers, got"),
        ({"embeddings": [[1.0], [2.0, 3.0], [1.0]]}, "embeddings: expected an array of numbers"),
        ({"embeddings": np.eye(2)}, r"embeddings: expected shape \(3, d\), got \(2, 2\)"),
        ({"embeddings": np.eye(3), "prompt": ["a"]}, "prompt: expected numbers, got"),
        ({"embeddings": np.eye(3), "prompt": [1.0]}, r"prompt: expected one vector, shape \(3,\), got \(1,\)"),
        ({"evidence_us": [["a", "b"]]}, "evidence_us: expected numbers, got"),
        ({"evidence_us": [[5, 1]]}, "evidence_us: expected integer microseconds .*, first <= last"),
        ({"evidence_us": [[0.0, 1.0]]}, "evidence_us: expected integer microseconds"),
        ({"seed": 1.5}, "seed: expected a whole number from -9223372036854775808 to 9223372036854775807, got 1.5"),
        ({"seed": "3"}, "seed: expected a whole number from .*, got '3'"),
        ({"seed": 10**5000}, "seed: expected a whole number from .*, got one of 16610 bits"),
        ({"video": 3}, "video: expected a text, got 3"),
        ({"question": None}, "question: expected a text, got None"),
        ({"variant": b"x"}, "variant: expected a text, got b'x'"),
        ({"budget": "8"}, "budget: expected a whole number of frames from 1 to 2147483647, got '8'"),
        ({"budget": [8]}, r"budget: expected a whole number of frames from 1 to 2147483647, got \[8\]"),
    ],
)
def test_what_does_not_fit_is_one_sentence(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        framedex.select("top", **{"scores": SCORES, "budget": 2, **given})
    assert "\n" not in str(caught.value)
