"""A video's asks put to a model whose memory for tokens is short of the video."""

from __future__ import annotations

import numpy as np
import pytest

from framedex.contracts import FrameBatch
from framedex.datasets import Question
from framedex.mllm import load_runner
from framedex.mllm.options import RunnerOptions
from framedex.sweep.answers import Answers, ShownFrames, answer_all
from framedex.sweep.asks import distinct_asks
from framedex.sweep.choose import Choice, frame_set_id
from framedex.sweep.questions import SweptQuestion
from smolvlm_checkpoints import tiny_smolvlm

FRAMES = 20
PTS_US = np.arange(FRAMES, dtype=np.int64) * 1_000_000
FRAME_NBYTES = 2 * 2 * 32 * 4  # visual tokens of 32 float32


def window(start: int, length: int) -> Choice:
    pts_us = tuple(PTS_US[start : start + length].tolist())
    asked = Question(id="q", video="v", question="Which?", options=("red", "blue"), answer=1)
    return Choice(
        question=SweptQuestion(asked=asked, gold=1, prompts=("Which?",)),
        arm="window",
        rows=tuple(range(start, start + length)),
        pts_us=pts_us,
        frame_set_id=frame_set_id("v", pts_us),
    )


def answered(cache_nbytes: int) -> tuple[int, Answers]:
    """Frames that passed the tower, and the answers about all windows of one to four frames."""
    windows = [window(start, length) for length in range(1, 5) for start in range(FRAMES - length + 1)]
    pictures = np.random.default_rng(0).integers(0, 256, (FRAMES, 32, 32, 3), dtype=np.uint8)
    options = RunnerOptions(device="cpu", cache_nbytes=cache_nbytes)
    with load_runner(tiny_smolvlm(), threads=1, options=options) as runner:
        batch = FrameBatch(frames=pictures, pts_us=PTS_US)
        prepared = runner.prepare(batch, origin_us=0, last_us=int(PTS_US[-1]), source="v")
        shown = ShownFrames(rows=np.arange(FRAMES), prepared=(prepared,))
        answers = answer_all(distinct_asks(windows, "given"), shown, [runner], scorings=["letter"])
        return runner.work.tower_frames, answers


def test_windows_of_all_lengths_pass_over_the_video_once() -> None:
    whole, answers = answered(1 << 30)
    little, others = answered(8 * FRAME_NBYTES)
    assert (whole, little) == (FRAMES, FRAMES)
    assert answered(0)[0] > FRAMES
    assert list(others) == list(answers)
    for key, answer in answers.items():
        assert others[key].choice == answer.choice
        assert others[key].option_logprobs == pytest.approx(answer.option_logprobs, abs=1e-4)
