"""The key of an answer: all that it depends on, known before any frame is decoded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from framedex.index import Row
from framedex.keys import json_key
from framedex.mllm.base import Scoring
from framedex.mllm.prompt import question_text
from framedex.sweep.asks import AskKey
from framedex.sweep.choose import Choice
from framedex.sweep.frames import frames_key

#: (MLLM key, scoring, what was asked).
Asked = tuple[str, Scoring, AskKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownVideo:
    """What a timestamp stands for, and what prompts count times from.

    Attributes:
        frames: key of the video and of what decodes it.
        origin_us: its first timestamp.
        last_us: its last.
    """

    frames: str
    origin_us: int
    last_us: int

    @classmethod
    def of(cls, row: Row) -> Self:
        """The video of a row, as it is decoded here."""
        return cls(frames=frames_key(row), origin_us=row.time_origin_us, last_us=row.last_pts_us)


def answer_key(
    mllm_key: str,
    scoring: Scoring,
    *,
    video: ShownVideo,
    frame_set_id: str,
    question: str,
    options: Sequence[str],
) -> str:
    """Key of the answer to a question as it is put to a model.

    Args:
        mllm_key: weights, processor, resolution, template, dtype, attention and library version; of a served model what its
            server says of itself.
        scoring: how the answer is taken.
        video: that the frames are of.
        frame_set_id: key of the video's key and the frames' timestamps in order; "" for no frames, and then the video is none
            of the question's.
        question: the text.
        options: in the order in which they are listed.
    """
    return json_key(
        {
            "mllm": mllm_key,
            "scoring": scoring,
            "frames": [video.frames, video.origin_us, video.last_us, frame_set_id] if frame_set_id else None,
            "said": question_text(question, options, scoring),
            # Beside the text, in which an option that holds a line break could pass for two.
            "options": list(options),
        }
    )


def answer_keys(
    row: Row, asks: Mapping[AskKey, Choice], mllm_keys: Sequence[str], scorings: Sequence[Scoring]
) -> dict[Asked, str]:
    """The key of every answer that a video's asks come to, model by model.

    Args:
        row: of the video.
        asks: of it.
        mllm_keys: of the models.
        scorings: ways of scoring.
    """
    return dict(_each(ShownVideo.of(row), asks, mllm_keys, scorings))


def _each(
    video: ShownVideo, asks: Mapping[AskKey, Choice], mllm_keys: Sequence[str], scorings: Sequence[Scoring]
) -> Iterator[tuple[Asked, str]]:
    for mllm_key in mllm_keys:
        for key, choice in asks.items():
            asked = choice.question.asked
            for scoring in scorings:
                made = answer_key(
                    mllm_key,
                    scoring,
                    video=video,
                    frame_set_id=key.frame_set_id,
                    question=asked.question,
                    options=[asked.options[index] for index in key.order],
                )
                yield (mllm_key, scoring, key), made
