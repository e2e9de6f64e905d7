"""The prompt is, character for character, what SmolVLM's own processor and chat template write."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import SmolVLMProcessor
from transformers.models.smolvlm.processing_smolvlm import DEFAULT_CHAT_TEMPLATE
from transformers.utils.chat_template_utils import render_jinja_template
from transformers.video_utils import VideoMetadata

from framedex.mllm import smolvlm
from framedex.mllm.prompt import letter_spellings, question_text
from framedex.mllm.smolvlm import prompt_text, video_text

SEQ_LEN = 4
OPTIONS = ("red", "striped blue")


def processor() -> SmolVLMProcessor:
    """The processor's text half: its constructor also wants torchvision's video processor."""
    half = object.__new__(SmolVLMProcessor)
    half.image_seq_len = SEQ_LEN
    half.fake_image_token, half.image_token, half.global_image_token = (
        smolvlm.FRAME_EDGE,
        smolvlm.IMAGE,
        smolvlm.WHOLE_FRAME,
    )
    return half


def reference_video(indices: list[int], fps: float, duration_s: float) -> str:
    frames = {
        "pixel_values": np.zeros((1, len(indices), 3, 2, 2)),
        "video_metadata": [VideoMetadata(total_num_frames=10**9, fps=fps, duration=duration_s, frames_indices=indices)],
    }
    return str(processor().replace_video_token(frames, 0))


def reference_turn(text: str, *, video: bool) -> str:
    content = [*([{"type": "video"}] if video else []), {"type": "text", "text": text}]
    (turn,), _ = render_jinja_template(
        [[{"role": "user", "content": content}]], chat_template=DEFAULT_CHAT_TEMPLATE, add_generation_prompt=True
    )
    return str(turn)


@given(
    indices=st.lists(st.integers(0, 200_000), min_size=1, max_size=40, unique=True).map(sorted),
    fps=st.sampled_from([1.0, 2.0, 24000 / 1001, 30.0]),
    duration_s=st.floats(0, 200_000),
)
def test_video_as_the_processor_writes_it(indices: list[int], fps: float, duration_s: float) -> None:
    times_s = [index / fps for index in indices]
    assert video_text(times_s, duration_s, seq_len=SEQ_LEN) == reference_video(indices, fps, duration_s)


@pytest.mark.parametrize("n", [1, 21, 100, 128, 1005])
def test_the_number_of_frames_in_words(n: int) -> None:
    assert video_text(range(n), 9.0, seq_len=SEQ_LEN) == reference_video(list(range(n)), 1.0, 9.0)


def test_the_turn_as_the_chat_template_writes_it() -> None:
    question = question_text("Which?", OPTIONS, "option")
    blind = prompt_text("Which?", OPTIONS, scoring="option", seq_len=SEQ_LEN)
    assert blind == reference_turn(question, video=False)
    seen = prompt_text("Which?", OPTIONS, scoring="option", seq_len=SEQ_LEN, times_s=[0.0, 2.0], duration_s=7.9)
    assert seen == reference_turn(question, video=True).replace("<video>", reference_video([0, 2], 1.0, 7.9))


def test_the_whole_text() -> None:
    text = prompt_text("Which?", OPTIONS, scoring="letter", seq_len=2, times_s=[61.9, 3600.0], duration_s=3661.5)
    frame = "<fake_token_around_image><global-img><image><image><fake_token_around_image>"
    assert text == (
        "<|im_start|>User: You are provided the following series of two frames from a 1:01:01 [H:MM:SS] video.\n"
        f"\nFrame from 01:01:{frame}\nFrame from 60:00:{frame}\n\n"
        "Which?\nA. red\nB. striped blue\nAnswer with the option's letter.<end_of_utterance>\nAssistant:"
    )


def test_the_arms_differ_in_the_media_and_the_scorings_in_the_instruction() -> None:
    seen = prompt_text("Which?", OPTIONS, scoring="option", seq_len=2, times_s=[0.0], duration_s=3.0)
    blind = prompt_text("Which?", OPTIONS, scoring="option", seq_len=2)
    assert seen.replace(video_text([0.0], 3.0, seq_len=2), "") == blind
    assert question_text("Which?", OPTIONS, "option").endswith("\nAnswer with the option's text.")


def test_more_options_than_letters_are_refused() -> None:
    assert "\nZ. 25\n" in question_text("Which?", [str(n) for n in range(26)], "option")
    with pytest.raises(ValueError, match="27 options"):
        question_text("Which?", [str(n) for n in range(27)], "option")


def test_letters_are_spelt_three_ways() -> None:
    assert letter_spellings("C") == ("C", " C", "(C")
