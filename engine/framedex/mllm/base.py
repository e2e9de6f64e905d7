"""The runner contract: frames and a multiple-choice question in, an answer with option log-probabilities out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import FrameBatch, Pixels, Pts
from framedex.errors import DeviceError, first_line
from framedex.keys import json_key, sha256_parts
from framedex.mllm.work import Work

Scoring = Literal["option", "letter", "generate"]
AnswerStatus = Literal["ok", "unparsable", "truncated-prompt", "invalid"]

_MICROSECONDS = 1_000_000


def frame_key(source: str, pts_us: int) -> str:
    """Key of a frame: that of its video and decoder, and its timestamp in microseconds."""
    return json_key([source, pts_us])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreparedFrames:
    """Frames of one video as a model wants them, but for the arithmetic that its tower begins with.

    Attributes:
        pts_us: int64 (n,), strictly increasing, microseconds.
        times_s: float64 (n,), seconds from the video's first frame: what the prompt says.
        duration_s: of the video, seconds from its first frame to its last.
        pixels: n pictures uint8 (H, W, 3) of one size, RGB; sets of frames share them.
        source: key of the video and its decoder; "" where unknown. With it a frame is told from others by its timestamp,
            without it by its pixels.
    """

    pts_us: Pts
    times_s: NDArray[np.float64]
    duration_s: float
    pixels: tuple[Pixels, ...]
    source: str = ""

    def __post_init__(self) -> None:
        n = len(self.pts_us)
        shapes = {(picture.shape, str(picture.dtype)) for picture in self.pixels}
        whole = all(len(shape) == 3 and shape[2] == 3 and dtype == "uint8" for shape, dtype in shapes)
        if self.times_s.shape != (n,) or len(self.pixels) != n or len(shapes) > 1 or not whole:
            raise ValueError(
                f"[PreparedFrames] expected times ({n},) and {n} pictures uint8 (H, W, 3) of one size, "
                f"got {self.times_s.shape}, {len(self.pixels)} of {sorted(shapes)}"
            )
        if not (np.diff(self.pts_us) > 0).all():
            raise ValueError("[PreparedFrames] pts_us must increase strictly")

    @classmethod
    def of(
        cls,
        batch: FrameBatch,
        resized: Callable[[Pixels], Iterable[Pixels]],
        *,
        origin_us: int,
        last_us: int,
        source: str,
    ) -> Self:
        """What `Runner.prepare` gives of n >= 1 frames; `resized` makes of uint8 (n, H, W, 3) the n pictures.

        Raises:
            ValueError: no frame, or frames outside origin_us to last_us.
            DeviceError: the pictures do not fit into memory.
        """
        if not len(batch) or not origin_us <= batch.pts_us[0] <= batch.pts_us[-1] <= last_us:
            span = (int(batch.pts_us[0]), int(batch.pts_us[-1])) if len(batch) else "none"
            raise ValueError(f"[prepare] expected one frame or more within {origin_us} to {last_us} us, got {span}")
        try:
            pixels = tuple(resized(batch.frames))
        except MemoryError as error:
            raise DeviceError(
                f"{len(batch)} frames are too many to be held in memory at the model's size ({first_line(error)}); "
                "show fewer frames of a video"
            ) from error
        return cls(
            pts_us=batch.pts_us,
            times_s=(batch.pts_us - origin_us) / _MICROSECONDS,
            duration_s=(last_us - origin_us) / _MICROSECONDS,
            pixels=pixels,
            source=source,
        )

    def __len__(self) -> int:
        return len(self.pts_us)

    def take(self, rows: NDArray[np.int64]) -> PreparedFrames:
        """The frames of these rows, sorted and unique; their pixels are not copied."""
        return PreparedFrames(
            pts_us=self.pts_us[rows],
            times_s=self.times_s[rows],
            duration_s=self.duration_s,
            pixels=tuple(self.pixels[row] for row in rows.tolist()),
            source=self.source,
        )

    def keys(self) -> tuple[str, ...]:
        """A key per frame: by source and timestamp, or where the source is unknown by size and pixels."""
        if self.source:
            return tuple(frame_key(self.source, pts) for pts in self.pts_us.tolist())
        return tuple(sha256_parts((str(picture.shape).encode(), picture.tobytes())) for picture in self.pixels)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ask:
    """One question as it is put to the model.

    Attributes:
        frames: what the model sees; None for the arm without video.
        question: the text.
        options: two or more different texts, in the order in which they are listed.
        scoring: how the answer is taken.
    """

    frames: PreparedFrames | None
    question: str
    options: tuple[str, ...]
    scoring: Scoring = "option"

    def __post_init__(self) -> None:
        if not self.question.strip() or len(self.options) < 2 or len(set(self.options)) != len(self.options):
            raise ValueError(
                f"[Ask] expected a question and two or more different options, got {self.question!r}, {self.options}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; positions are those of the options as listed.

    Attributes:
        choice: position of the most likely option, ties to the earlier; with "generate" scoring of the one that was written.
            None unless status is "ok".
        option_logprobs: natural log of each option's probability given the prompt. With "option" scoring the sum over the
            option's tokens; with "letter" scoring of its letter, all spellings of it added; with "generate" scoring likewise, or
            () where a letter has no token.
        option_tokens: tokens of each option; 1 for letters.
        prompt_tokens: tokens before the option.
        status: "ok", "unparsable" (what was written names no option: wrong), "truncated-prompt" (longer than the model's
            context: not answered), or "invalid" and why.
        status_detail: a sentence where status is not "ok".
        tower_time_s: this answer's share of the time in the vision tower; 0 where its frames' tokens were there already.
        prefill_time_s: its share of the time to read what comes before the question.
        answer_time_s: its share of the time to read the question and score the options.
        written: the model's own words with "generate" scoring, else "".
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
    written: str = ""

    @property
    def mean_logprobs(self) -> tuple[float, ...]:
        """Log-probability per token: length-normalised option likelihood."""
        return tuple(total / count for total, count in zip(self.option_logprobs, self.option_tokens, strict=True))


#: Called with answers as they are found, by the position of their ask; each comes once.
Answered = Callable[[Mapping[int, Answer]], None]


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

    @property
    def work(self) -> Work:
        """What all calls so far have cost."""
        ...

    @property
    def trouble(self) -> str:
        """What whoever reads the answers should know of how they came about, in a sentence; "" for nothing."""
        ...

    def prepare(self, batch: FrameBatch, *, origin_us: int, last_us: int, source: str = "") -> PreparedFrames:
        """Preprocess n >= 1 frames as the checkpoint's own processor does; times count from `origin_us`."""
        ...

    def answer(self, asks: Sequence[Ask], *, answered: Answered | None = None) -> list[Answer]:
        """Answer in the order of the asks, and the same as one by one within 1e-4 of the largest logit.

        The more asks of one video come in a call the better: what they share is worked out once.
        """
        ...

    def close(self) -> None:
        """Free the model; safe to call twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...
