"""Scored videos: what samplers read of all questions about one video, as arrays for `select_many`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Pts, Vectors
from framedex.datasets import Question
from framedex.datasets.combined import PromptTexts, combination_of, texts_of
from framedex.errors import UsageError
from framedex.index import Row
from framedex.scores.curves import Curve, CurveSource, Prompt
from framedex.scores.transform import Scores, Transform, transformed
from framedex.select.base import Input, Sampler
from framedex.select.many import select_many
from framedex.select.material import evidence_us
from framedex.select.picks import Picks


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What frames are chosen for: a question under one of its variants.

    Attributes:
        question: as the manifest has it.
        variant: "question" where the question itself is the prompt.
        prompt: what is scored, one text or several.
    """

    question: Question
    variant: str
    prompt: PromptTexts

    @property
    def prompts(self) -> list[Prompt]:
        """What a source is asked for, one for each text."""
        return [Prompt(text=text, question_id=self.question.id, variant=self.variant) for text in texts_of(self.prompt)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curves:
    """What a source has of one video: of every text asked its curve, untransformed, and vectors where a sampler reads them.

    Attributes:
        row: of the video's index.
        asked: m, one or more.
        curves: of the texts of all of them, in a row.
        embeddings: float32 (n, d), or None.
        prompts: float32 (m, d), or None; not there, either, where several texts are combined.
    """

    row: Row
    asked: tuple[Asked, ...]
    curves: tuple[Curve, ...]
    embeddings: Vectors | None
    prompts: Vectors | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scored:
    """One curve for each of a video's questions, all of them over the same frames.

    Attributes:
        row: of the video's index.
        rows: int64 (n,), index rows of the frames that are scored.
        pts_us: int64 (n,), their timestamps.
        scores: float64 (m, n), transformed and combined.
        asked: m, what each curve is for.
        positions: m, where each stands among those that were asked of the video.
        transforms: m, what the scores are, as records have it: "cosine", "prob+min".
        embeddings: float32 (n, d), or None.
        prompts: float32 (m, d), or None.
    """

    row: Row
    rows: NDArray[np.int64]
    pts_us: Pts
    scores: Scores
    asked: tuple[Asked, ...]
    positions: tuple[int, ...]
    transforms: tuple[str, ...]
    embeddings: Vectors | None
    prompts: Vectors | None

    @property
    def times_s(self) -> NDArray[np.float64]:
        """Seconds of the frames from the video's first: float64 (n,)."""
        return (self.pts_us - self.row.time_origin_us) / 1e6


def read_by(samplers: Iterable[Sampler]) -> set[Input]:
    """What any of the samplers reads, where it is there."""
    return {each for sampler in samplers for each in (*sampler.needs, *sampler.wants)}


def fetch(
    source: CurveSource, asks: Sequence[tuple[Row, Sequence[Asked]]], samplers: Sequence[Sampler]
) -> Iterator[Curves]:
    """What `samplers` may read of many videos, in order; scores of many videos are looked up at once.

    Raises:
        UsageError: an empty prompt, or one that the source has no curve for.
        StoreError: a file of the store does not hold.
    """
    reads = read_by(samplers)
    with_vectors = source.has_vectors and not reads.isdisjoint(("embeddings", "prompt"))
    prompts = [[prompt for each in asked for prompt in each.prompts] for _, asked in asks]
    found = source.many([(row, texts) for (row, _), texts in zip(asks, prompts, strict=True)])
    for (row, asked), texts, curves in zip(asks, prompts, found, strict=True):
        frames, vectors = source.vectors(row, texts) if with_vectors else (None, None)
        single = len(texts) == len(asked)
        yield Curves(
            row=row,
            asked=tuple(asked),
            curves=tuple(curves),
            embeddings=frames,
            prompts=vectors if single else None,
        )


def scored(source: CurveSource, fetched: Curves, transform: Transform) -> list[Scored]:
    """Curves transformed and combined, those over the same frames together; one for a source that scores every frame.

    Raises:
        UsageError: prompts to combine that are scored on different frames, or whose product has negative scores.
    """
    measure = source.measure if transform == "cosine" else transform
    by_frames: dict[bytes, list[tuple[int, Curve, Scores, str]]] = {}
    first = 0
    for position, asked in enumerate(fetched.asked):
        texts = len(texts_of(asked.prompt))
        own = fetched.curves[first : first + texts]
        first += texts
        combination = combination_of(asked.prompt)
        each = combination.of([transformed(curve.scores, transform, source.logit) for curve in _alike(own)])
        frames = b"" if own[0].whole else own[0].rows.tobytes()
        by_frames.setdefault(frames, []).append((position, own[0], each, measure + combination.label(texts)))
    return [_together(fetched, group) for group in by_frames.values()]


def pick(
    videos: Sequence[Scored],
    samplers: Sequence[Sampler],
    *,
    budgets: Sequence[int],
    seeds: Sequence[int] = (0,),
    threads: int = 1,
) -> Picks:
    """Every video × question × sampler × budget × seed.

    Raises:
        UsageError: a sampler without what it needs.
    """
    reads = read_by(samplers)
    return select_many(
        samplers,
        [each.scores for each in videos],
        budgets=budgets,
        pts_us=[each.pts_us for each in videos],
        embeddings=_given([each.embeddings for each in videos]),
        prompts=_given([each.prompts for each in videos]),
        evidence_us=[[evidence_us(asked.question, each.row) for asked in each.asked] for each in videos]
        if "evidence" in reads
        else None,
        seeds=seeds,
        videos=[each.row.video_key for each in videos],
        questions=[[asked.question.id for asked in each.asked] for each in videos],
        variants=[[asked.variant for asked in each.asked] for each in videos],
        threads=threads,
    )


def _given(vectors: Sequence[Vectors | None]) -> list[Vectors] | None:
    there = [each for each in vectors if each is not None]
    return there if len(there) == len(vectors) else None


def _together(fetched: Curves, group: Sequence[tuple[int, Curve, Scores, str]]) -> Scored:
    positions, curves, scores, transforms = zip(*group, strict=True)
    return Scored(
        row=fetched.row,
        rows=curves[0].rows,
        pts_us=curves[0].pts_us,
        scores=np.stack(scores),
        asked=tuple(fetched.asked[position] for position in positions),
        positions=positions,
        transforms=transforms,
        embeddings=fetched.embeddings,
        prompts=None if fetched.prompts is None else fetched.prompts[list(positions)],
    )


def _alike(curves: Sequence[Curve]) -> Sequence[Curve]:
    """The curves of one question's prompts, which must be over the same frames to be combined."""
    if any(not np.array_equal(curve.rows, curves[0].rows) for curve in curves[1:]):
        raise UsageError(
            f"{curves[0].row.source.path}: its prompts are scored on different frames, "
            f"{', '.join(str(len(curve.rows)) for curve in curves)} of {curves[0].row.count}; score all of them to combine them"
        )
    return curves
