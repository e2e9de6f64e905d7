"""Look-ups by Python: each video's part of what the native call gives, and errors in words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.scorer_suite import DIM, odd_halves, unit_rows
from framedex.errors import InvalidData, UsageError
from framedex.score.base import View
from framedex.score.lookup import Wanted, Windows, look_up
from framedex.select.windows import window_scores, window_starts


@given(
    shapes=st.lists(st.tuples(st.integers(0, 20), st.integers(1, 30)), max_size=6),
    top=st.integers(1, 40),
    length=st.integers(1, 35),
    stride=st.integers(1, 9),
)
def test_each_video_has_its_own_part(shapes: list[tuple[int, int]], top: int, length: int, stride: int) -> None:
    views: list[View] = [odd_halves(unit_rows(n, seed=number)) for number, (_, n) in enumerate(shapes)]
    prompts = [unit_rows(m, seed=99 + number) for number, (m, _) in enumerate(shapes)]
    wanted = Wanted(top=top, statistics=True, windows=Windows(length=length, stride=stride))
    found = look_up(views, prompts, wanted, threads=2)
    assert len(found) == len(shapes)
    for video, (view, asked) in enumerate(zip(views, prompts, strict=True)):
        scores = found.scores(video)
        exact = asked.astype(np.float64) @ view.astype(np.float64).T
        np.testing.assert_allclose(scores, exact, rtol=0, atol=1e-5)
        best, rows = found.top(video)
        expected = np.argsort(-scores, axis=1, kind="stable")[:, :top]
        np.testing.assert_array_equal(rows, expected)
        np.testing.assert_array_equal(best, np.take_along_axis(scores, expected, axis=1))
        np.testing.assert_array_equal(found.maxima(video), scores.max(axis=1))
        np.testing.assert_allclose(found.means(video), scores.mean(axis=1), rtol=0, atol=1e-6)
        starts = window_starts(len(view), length, stride)
        assert found.window_maxima(video).shape == (len(asked), len(starts))
        for curve, maxima in zip(scores, found.window_maxima(video), strict=True):
            np.testing.assert_array_equal(maxima, window_scores(curve, starts, length, "max"))


def test_what_was_not_wanted_is_not_there() -> None:
    found = look_up([unit_rows(3)], [unit_rows(1)], Wanted(scores=False, top=2))
    assert found.top(0)[1].shape == (1, 2)
    for name in ("scores", "maxima", "means", "window_maxima"):
        with pytest.raises(ValueError, match="were not wanted"):
            getattr(found, name)(0)


def test_a_video_without_frames_has_no_statistics() -> None:
    views: list[View] = [unit_rows(2), unit_rows(0)]
    prompts = [unit_rows(1), unit_rows(1)]
    found = look_up(views, prompts, Wanted(top=3))
    assert found.scores(1).shape == (1, 0)
    assert found.top(1)[0].shape == (1, 0)
    for wanted in (Wanted(statistics=True), Wanted(windows=Windows(length=2))):
        with pytest.raises(UsageError, match="view 1: expected a frame or more"):
            look_up(views, prompts, wanted)


def test_the_view_that_holds_no_numbers_is_named() -> None:
    broken = unit_rows(3)
    broken[1, 4] = np.nan
    with pytest.raises(InvalidData, match="view 1: holds vectors that are no numbers"):
        look_up([unit_rows(2), broken], [unit_rows(1)] * 2, Wanted(scores=False, top=1))


def test_bad_arguments_are_sentences() -> None:
    with pytest.raises(UsageError, match="got 2 prompts and 1 videos"):
        look_up([unit_rows(2)], [unit_rows(1)] * 2)
    with pytest.raises(UsageError, match=f"prompts 0 have d={DIM + 1}, frames have d={DIM}"):
        look_up([unit_rows(2)], [unit_rows(1, DIM + 1)])
    with pytest.raises(UsageError, match="frames 0: expected dtype float16 or float32"):
        look_up([unit_rows(2).astype(np.float64)], [unit_rows(1)])  # type: ignore[list-item]
    with pytest.raises(UsageError, match="threads: expected 1 or more"):
        look_up([unit_rows(2)], [unit_rows(1)], threads=0)
    with pytest.raises(UsageError, match="top: expected 0 frames or more, got -1"):
        Wanted(top=-1)
    with pytest.raises(UsageError, match="windows: expected length and stride of 1 or more, got 0 and 1"):
        Windows(length=0)
