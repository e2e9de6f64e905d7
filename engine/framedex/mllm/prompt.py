"""What SmolVLM is told: its own video message and chat template, with the options listed by letter.

Source: transformers 5.23, `models/smolvlm/processing_smolvlm.py`: `replace_video_token` writes the media part and
`DEFAULT_CHAT_TEMPLATE` the turn around it. A message without video uses the same turn without the media part.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from datetime import timedelta

from num2words import num2words

from framedex.mllm.base import Scoring

#: Part of every MLLM key: a new number whenever the text of a prompt changes.
TEMPLATE_VERSION = "smolvlm-1"

TURN_START = "<|im_start|>"
TURN_END = "<end_of_utterance>"
IMAGE = "<image>"
FRAME_EDGE = "<fake_token_around_image>"
WHOLE_FRAME = "<global-img>"

#: What every prompt ends with; the answer follows.
ANSWER_CUE = "\nAssistant:"

LETTERS = string.ascii_uppercase

_INSTRUCTIONS: dict[Scoring, str] = {
    "option": "Answer with the option's text.",
    "letter": "Answer with the option's letter.",
}


def frame_text(seq_len: int) -> str:
    """The placeholders of one frame that the model sees whole, as `seq_len` visual tokens."""
    return f"{FRAME_EDGE}{WHOLE_FRAME}{IMAGE * seq_len}{FRAME_EDGE}"


def video_text(times_s: Sequence[float], duration_s: float, *, seq_len: int) -> str:
    """The media part: how many frames of how long a video, then each frame after its time.

    Args:
        times_s: n >= 1 times in seconds from the video's first frame, cut to whole seconds as the processor does.
        duration_s: of the video, likewise.
        seq_len: visual tokens of a frame.
    """
    duration = timedelta(seconds=int(duration_s))
    intro = f"You are provided the following series of {num2words(len(times_s))} frames from a {duration} [H:MM:SS] video.\n"
    frame = frame_text(seq_len)
    frames = "".join(f"\nFrame from {int(time // 60):02d}:{int(time % 60):02d}:{frame}" for time in times_s)
    return f"{intro}{frames}\n\n"


def question_text(question: str, options: Sequence[str], scoring: Scoring) -> str:
    """The question, a line per option ("A. red"), and how to answer.

    Raises:
        ValueError: more options than letters.
    """
    if len(options) > len(LETTERS):
        raise ValueError(f"{len(options)} options: a prompt can list {len(LETTERS)} by letter")
    lines = [f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False)]
    return "\n".join([question, *lines, _INSTRUCTIONS[scoring]])


def prompt_text(
    question: str,
    options: Sequence[str],
    *,
    scoring: Scoring,
    seq_len: int,
    times_s: Sequence[float] | None = None,
    duration_s: float = 0.0,
) -> str:
    """The whole prompt, up to where the answer begins.

    Args:
        question: the text.
        options: in the order in which they are listed, 26 at most.
        scoring: what the instruction asks for, the option's text or its letter.
        seq_len: visual tokens of a frame.
        times_s: n >= 1 frame times in seconds from the video's first frame; None where the model sees no video.
        duration_s: of the video; not written without video.

    Raises:
        ValueError: more options than letters.
    """
    media = "" if times_s is None else video_text(times_s, duration_s, seq_len=seq_len)
    return f"{TURN_START}User: {media}{question_text(question, options, scoring)}{TURN_END}{ANSWER_CUE}"


def answer_text(option: str) -> str:
    """An option as the model would write it after the prompt."""
    return f" {option}"


def letter_spellings(letter: str) -> tuple[str, ...]:
    """How a model may begin an answer by letter; those that are one token each are added."""
    return (letter, f" {letter}", f"({letter}")
