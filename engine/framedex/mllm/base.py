"""The runner contract: frames and a multiple-choice question in, an answer with option log-probabilities out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import FrameBatch, Pts

Scoring = Literal["option", "letter"]
AnswerStatus = Literal["ok", "truncated-prompt", "invalid"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedFrames:
    """Frames of one video, preprocessed for one MLLM's tower.

    Attributes:
        pts_us: int64 (n,), strictly increasing, microseconds.
        times_s: float64 (n,), seconds from the video's first frame: what the prompt says.
        duration_s: of the video, seconds from its first frame to its last.
        pixels: float32 (n, 3, H, W), resized and normalised as the checkpoint's own processor does.
    """

    pts_us: Pts
    times_s: NDArray[np.float64]
    duration_s: float
    pixels: NDArray[np.float32]

    def __post_init__(self) -> None:
        n = len(self.pts_us)
        if self.times_s.shape != (n,) or self.pixels.shape[:2] != (n, 3) or self.pixels.ndim != 4:
            raise ValueError(
                f"[PreparedFrames] expected times ({n},) and pixels ({n}, 3, H, W), got {self.times_s.shape}, {self.pixels.shape}"
            )
        if not (np.diff(self.pts_us) > 0).all():
            raise ValueError("[PreparedFrames] pts_us must increase strictly")

    def __len__(self) -> int:
        return len(self.pts_us)

    def take(self, rows: NDArray[np.int64]) -> PreparedFrames:
        """The frames of these rows, sorted and unique."""
        return PreparedFrames(
            pts_us=self.pts_us[rows], times_s=self.times_s[rows], duration_s=self.duration_s, pixels=self.pixels[rows]
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ask:
    """One question as it is put to the model.

    Attributes:
        frames: what the model sees; None for the arm without video.
        question: the text.
        options: two or more different texts, in the order in which they are listed.
    """

    frames: PreparedFrames | None
    question: str
    options: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.question.strip() or len(self.options) < 2 or len(set(self.options)) != len(self.options):
            raise ValueError(
                f"[Ask] expected a question and two or more different options, got {self.question!r}, {self.options}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; positions are those of the options as listed.

    Attributes:
        choice: position of the most likely option, ties to the earlier; None unless status is "ok".
        option_logprobs: natural log of each option's probability given the prompt. With "option" scoring the sum over the
            option's tokens; with "letter" scoring of its letter, all spellings of it added.
        option_tokens: tokens of each option; 1 with "letter" scoring.
        prompt_tokens: tokens before the option.
        status: "ok", "truncated-prompt" (longer than the model's context: not answered), or "invalid" and why.
        status_detail: a sentence where status is not "ok".
        tower_time_s: this answer's share of its batch's time in the vision tower.
        prefill_time_s: likewise, of reading the prompt.
        answer_time_s: likewise, of scoring the options.
    """

    choice: int | None
    option_logprobs: tuple[float, ...]
    option_tokens: tuple[int, ...]
    prompt_tokens: int
    status: AnswerStatus = "ok"
    status_detail: str = ""
    tower_time_s: float = 0.0
    prefill_time_s: float = 0.0
    answer_time_s: float = 0.0

    @property
    def mean_logprobs(self) -> tuple[float, ...]:
        """Log-probability per token: length-normalised option likelihood."""
        return tuple(total / count for total, count in zip(self.option_logprobs, self.option_tokens, strict=True))


class Runner(Protocol):
    """A loaded MLLM; holds the model until closed."""

    @property
    def name(self) -> str:
        """What people call it: a bundled name, or the checkpoint's folder."""
        ...

    @property
    def key(self) -> str:
        """MLLM key: 32 hex digits over weights, processor, template, dtype, attention and transformers version."""
        ...

    @property
    def provenance(self) -> dict[str, str]:
        """Runtime, versions, device, dtype, threads."""
        ...

    def prepare(self, batch: FrameBatch, *, origin_us: int, last_us: int) -> PreparedFrames:
        """Preprocess n >= 1 frames as the checkpoint's own processor does; times count from `origin_us`."""
        ...

    def answer(self, asks: Sequence[Ask], *, scoring: Scoring) -> list[Answer]:
        """Answer in order; cut into batches inside, and the same as one by one within 1e-4 of a log-probability."""
        ...

    def close(self) -> None:
        """Free the model; safe to call twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...
