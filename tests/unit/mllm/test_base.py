"""The values that go in and out of a runner check themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from framedex.contracts import FrameBatch
from framedex.errors import DeviceError
from framedex.mllm.base import Answer, Ask, PreparedFrames


def frames(n: int, *, pts_step_us: int = 500_000) -> PreparedFrames:
    return PreparedFrames(
        pts_us=np.arange(n, dtype=np.int64) * pts_step_us,
        times_s=np.arange(n) / 2,
        duration_s=9.0,
        pixels=tuple(np.full((2, 2, 3), row, np.uint8) for row in range(n)),
    )


def test_rows_are_taken_with_their_times() -> None:
    taken = frames(5).take(np.array([1, 4]))
    assert len(taken) == 2
    assert taken.pts_us.tolist() == [500_000, 2_000_000]
    assert taken.times_s.tolist() == [0.5, 2.0]
    assert taken.duration_s == 9.0
    assert [int(picture[0, 0, 0]) for picture in taken.pixels] == [1, 4]


def test_frames_out_of_order_or_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="increase strictly"):
        frames(2, pts_step_us=0)
    with pytest.raises(ValueError, match="increase strictly"):
        frames(3).take(np.array([2, 1]))
    for pixels in (
        (np.zeros((4, 4, 1), np.uint8),) * 2,
        (np.zeros((4, 4, 3), np.float32),) * 2,
        (np.zeros((4, 4, 3), np.uint8),),
        (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)),
    ):
        with pytest.raises(ValueError, match=r"expected times \(2,\) and 2 pictures uint8 \(H, W, 3\) of one size"):
            PreparedFrames(pts_us=np.arange(2, dtype=np.int64), times_s=np.arange(2.0), duration_s=1.0, pixels=pixels)


def test_pictures_beyond_any_memory_are_told_in_a_sentence() -> None:
    batch = FrameBatch(pts_us=np.arange(2, dtype=np.int64), frames=np.zeros((2, 4, 4, 3), np.uint8))
    with pytest.raises(
        DeviceError, match=r"^2 frames are too many .*Unable to allocate .*; show fewer frames of a video$"
    ):
        PreparedFrames.of(
            batch, lambda shown: np.empty((1 << 50, *shown.shape), np.uint8), origin_us=0, last_us=1, source=""
        )


def test_a_frame_goes_by_source_and_time_or_else_by_its_pixels() -> None:
    unknown, known = frames(3), replace(frames(3), source="v")
    assert known.keys() == replace(known, pixels=known.pixels[::-1]).keys()
    assert unknown.keys() == replace(unknown, pts_us=unknown.pts_us + 1, times_s=unknown.times_s + 1).keys()
    everything = [
        *unknown.keys(),
        *known.keys(),
        *replace(known, source="w").keys(),
        *replace(known, pts_us=known.pts_us + 1).keys(),
        *replace(unknown, pixels=tuple(picture.reshape(1, 4, 3) for picture in unknown.pixels)).keys(),
    ]
    assert len(set(everything)) == len(everything) == 15
    assert known.take(np.array([2])).keys() == known.keys()[2:]


@pytest.mark.parametrize(("question", "options"), [(" ", ("a", "b")), ("Q?", ("a",)), ("Q?", ("a", "a"))])
def test_a_question_needs_words_and_two_different_options(question: str, options: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="expected a question and two or more different options"):
        Ask(frames=None, question=question, options=options)


def test_likelihood_per_token() -> None:
    answer = Answer(choice=1, option_logprobs=(-6.0, -3.0), option_tokens=(3, 1), prompt_tokens=9)
    assert answer.mean_logprobs == (-2.0, -3.0)
