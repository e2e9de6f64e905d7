"""What `select_many` is given of many videos: checked once, and read as requests or as the native core takes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Pts, Vectors
from framedex.errors import UsageError
from framedex.score.base import View
from framedex.select.base import DrawKey, Input, Intervals, Request, Sampler
from framedex.select.checked import check_sequence, check_text, shown

#: Curves of one video, (m, n): look-ups give the first, transforms the second.
Curves = NDArray[np.float32] | NDArray[np.float64]


class Given:
    """What there is of the videos, by video; each None where it was not given. The arguments are those of `select_many`.

    What is in the arrays of numbers is not looked at here: whoever reads them does, and says so by `no_numbers`.

    Attributes:
        shapes: int64 (videos, 2), prompts and frames of each.
        curves: prompts of all videos.

    Raises:
        UsageError: numbers of videos, prompts or dimensions that do not agree, or texts that are none.
    """

    def __init__(
        self,
        *,
        scores: Sequence[Curves] | None,
        pts_us: Sequence[Pts] | None,
        embeddings: Sequence[View] | None,
        prompts: Sequence[Vectors] | None,
        evidence_us: Sequence[Sequence[Intervals | None]] | None,
        videos: Sequence[str] | None,
        questions: Sequence[Sequence[str]] | None,
        variants: Sequence[Sequence[str]] | None,
    ) -> None:
        for subject, each in (
            ("scores", scores),
            ("pts_us", pts_us),
            ("embeddings", embeddings),
            ("prompts", prompts),
            ("evidence_us", evidence_us),
            ("videos", videos),
            ("questions", questions),
            ("variants", variants),
        ):
            if each is not None:
                check_sequence(subject, each, "one for each video")
        self.scores = None if scores is None else [_plain("scores", video, each) for video, each in enumerate(scores)]
        self.pts_us = pts_us
        self.embeddings = embeddings
        self.prompts = prompts
        self.evidence_us = evidence_us
        self.videos = videos
        self.questions = questions
        self.variants = variants
        self._check_texts()
        self.shapes = self._shapes()
        self.curves = int(self.shapes[:, 0].sum())
        self._check_counts()

    def requests(self, video: int) -> Iterator[Request]:
        """One request per prompt of a video, budget and the rest of the draw still to be set."""
        m, n = self.shapes[video].tolist()
        pts_us = np.arange(n, dtype=np.int64) if self.pts_us is None else self.pts_us[video]
        embeddings = None if self.embeddings is None else np.asarray(self.embeddings[video], np.float32)
        for prompt in range(m):
            yield Request(
                pts_us=pts_us,
                budget=1,
                draw=DrawKey(
                    video="" if self.videos is None else self.videos[video],
                    question="" if self.questions is None else self.questions[video][prompt],
                    variant="" if self.variants is None else self.variants[video][prompt],
                ),
                scores=None if self.scores is None else np.asarray(self.scores[video][prompt], np.float64),
                embeddings=embeddings,
                prompt=None if self.prompts is None else self.prompts[video][prompt],
                evidence_us=None if self.evidence_us is None else self.evidence_us[video][prompt],
            )

    def no_numbers(self, curve: int) -> UsageError:
        """The error of a curve, counted over all videos, with a score that is no number."""
        video = int(np.searchsorted(np.cumsum(self.shapes[:, 0]), curve, side="right"))
        prompt = curve - int(self.shapes[:video, 0].sum())
        assert self.scores is not None
        row = int(np.flatnonzero(~np.isfinite(self.scores[video][prompt]))[0])
        got = self.scores[video][prompt, row]
        return UsageError(
            f"scores of video {video}: expected finite numbers, got {got} for prompt {prompt} at row {row}"
        )

    def no_vectors(self, video: int) -> UsageError:
        """The error of a video with a frame whose vector is no number."""
        assert self.embeddings is not None
        row = int(np.flatnonzero(~np.isfinite(self.embeddings[video]).all(axis=1))[0])
        return UsageError(f"embeddings of video {video}: expected finite numbers, got others at row {row}")

    def check_what_others_read(self, samplers: Sequence[Sampler]) -> None:
        """Look at the vectors and evidence that samplers read which are not run by the native core.

        Raises:
            UsageError: shapes, dtypes or numbers that are wrong.
        """
        reads: set[Input] = {each for sampler in samplers for each in (*sampler.needs, *sampler.wants)}
        for video, (m, n) in enumerate(self.shapes.tolist()):
            width = None
            if self.embeddings is not None and "embeddings" in reads:
                _check("embeddings", video, self.embeddings[video], (np.float16, np.float32), (n, None))
                width = self.embeddings[video].shape[1]
                if not np.isfinite(self.embeddings[video]).all():
                    raise self.no_vectors(video)
            if self.prompts is not None and "prompt" in reads:
                _check("prompts", video, self.prompts[video], (np.float32,), (m, width))
                if not np.isfinite(self.prompts[video]).all():
                    raise UsageError(f"prompts of video {video}: expected finite numbers, got others")
            for evidence in self.evidence_us[video] if self.evidence_us is not None and "evidence" in reads else ():
                if evidence is not None:
                    _check("evidence_us", video, evidence, (np.int64,), (None, 2))
                    if (evidence[:, 0] > evidence[:, 1]).any():
                        raise UsageError(f"evidence_us of video {video}: expected first <= last in each interval")

    def _shapes(self) -> NDArray[np.int64]:
        """Of the scores, or where there are none of the first that has as many prompts."""
        if self.scores is not None:
            return np.array([each.shape for each in self.scores], np.int64).reshape(-1, 2)
        if self.pts_us is None:
            raise UsageError("select_many: give scores, or pts_us for samplers that need none")
        given = ((name, getattr(self, name)) for name in ("prompts", "evidence_us", "questions", "variants"))
        subject, counted = next((each for each in given if each[1] is not None), ("", [("",)] * len(self.pts_us)))
        _check_count("pts_us", self.pts_us, len(counted))
        return np.stack([_lengths(subject, counted), _lengths("pts_us", self.pts_us)], axis=1)

    def _check_texts(self) -> None:
        """Names go into draws: a text in a list's place would be gone through letter by letter."""
        for number, key in enumerate(() if self.videos is None else self.videos):
            check_text(f"videos[{number}]", key)
        for subject, given in (("questions", self.questions), ("variants", self.variants)):
            for video, each in enumerate(() if given is None else given):
                check_sequence(f"{subject} of video {video}", each, "texts")
                if not all(isinstance(text, str) for text in each):
                    wrong = next(text for text in each if not isinstance(text, str))
                    check_text(f"{subject} of video {video}", wrong)

    def _check_counts(self) -> None:
        for subject in ("pts_us", "embeddings", "prompts", "evidence_us", "videos", "questions", "variants"):
            _check_count(subject, getattr(self, subject), len(self.shapes))
        for subject in ("evidence_us", "questions", "variants"):
            given = getattr(self, subject)
            if given is None:
                continue
            counts = _lengths(subject, given)
            wrong = np.flatnonzero(counts != self.shapes[:, 0])
            if len(wrong):
                m = self.shapes[wrong[0], 0]
                raise UsageError(
                    f"{subject} of video {wrong[0]}: expected one for each of {m} prompts, got {counts[wrong[0]]}"
                )


def _lengths(subject: str, each: Sequence[Any]) -> NDArray[np.int64]:
    try:
        return np.fromiter(map(len, each), np.int64, len(each))
    except TypeError as error:
        raise UsageError(f"{subject}: expected an array or list for each video, got {shown(each)}") from error


def _plain(subject: str, video: int, array: Any) -> NDArray[Any]:
    """An array (m, n) with a frame or more, in C order and aligned."""
    if not isinstance(array, np.ndarray) or array.ndim != 2 or not array.shape[1]:
        raise UsageError(f"{subject} of video {video}: expected an array (m, n) with n >= 1, got {_described(array)}")
    return array if array.flags.c_contiguous and array.flags.aligned else np.require(array, requirements=["C", "A"])


def _check_count(subject: str, each: Sequence[Any] | None, count: int) -> None:
    if each is not None and len(each) != count:
        raise UsageError(f"{subject}: expected one for each of {count} videos, got {len(each)}")


def _check(
    subject: str, video: int, array: Any, dtypes: tuple[type[np.generic], ...], shape: tuple[int | None, ...]
) -> None:
    fits = isinstance(array, np.ndarray) and array.dtype in dtypes and array.ndim == len(shape)
    if not fits or any(want not in (None, got) for want, got in zip(shape, array.shape, strict=True)):
        kinds = " or ".join(np.dtype(dtype).name for dtype in dtypes)
        wanted = ", ".join("any" if want is None else str(want) for want in shape)
        raise UsageError(f"{subject} of video {video}: expected {kinds} ({wanted}), got {_described(array)}")


def _described(array: Any) -> str:
    return f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else f"a {type(array).__name__}"
