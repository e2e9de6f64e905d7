"""Many questions against a store: each video is scored once, many in a call, then every sampler and budget is a look-up."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from framedex.datasets.prompts import QUESTION
from framedex.errors import UsageError
from framedex.index.video_names import VideoNames
from framedex.keys import canonical_json
from framedex.scores.curves import Curve, CurveSource, Prompt
from framedex.scores.transform import Combination, Transform, transformed
from framedex.select import run
from framedex.select.base import DrawKey, Sampler
from framedex.select.material import Material, check_reads, evidence_us, vectors_read
from framedex.select.records import SelectionRecord

if TYPE_CHECKING:
    from framedex.datasets import Question
    from framedex.index.store import Store


def select_all(
    store: Store,
    source: CurveSource,
    questions: Sequence[Question],
    *,
    samplers: Sequence[Sampler],
    budgets: Sequence[int],
    seed: int,
    grid: str | None,
    transform: Transform = "cosine",
    beside: Sequence[str] = (),
    combination: Combination | None = None,
) -> list[SelectionRecord]:
    """Every question × sampler × budget, in that order.

    Samplers see the frames that the source has scores for; the rows that they give are those of the whole index.

    Args:
        store: for messages.
        source: of the scores.
        questions: each the prompt of its own video.
        samplers: rules.
        budgets: frames wanted, each >= 1.
        seed: of whatever is drawn.
        grid: name; needed only where a video has several.
        transform: of each prompt's scores.
        beside: further prompts, whose curves are combined with each question's own.
        combination: how; the mean where None.

    Raises:
        UsageError: a question whose video is not in the store, an empty question, or one that the source has no curve for; a
            sampler or transform that needs what there is not.
    """
    check_reads(samplers, [transform], source, questions)
    _check_one_prompt(samplers, beside)
    combined = combination or Combination()
    prompted = 1 + len(beside)
    names = VideoNames(source.rows(), subject=str(store.path))
    rows = [names.only(*video_names(question), grid=grid) for question in questions]
    prompts = [
        [Prompt(text=text, question_id=question.id, variant=QUESTION) for text in (question.question, *beside)]
        for question in questions
    ]
    by_video: dict[str, list[int]] = {}
    for position, row in enumerate(rows):
        by_video.setdefault(row.video_key, []).append(position)
    asked = [
        (rows[positions[0]], [prompt for position in positions for prompt in prompts[position]])
        for positions in by_video.values()
    ]
    records: dict[int, list[SelectionRecord]] = {}
    for positions, (row, texts), curves in zip(by_video.values(), asked, source.many(asked), strict=True):
        vectors = vectors_read(samplers, source, row, texts)
        for at, position in enumerate(positions):
            own = curves[at * prompted : (at + 1) * prompted]
            scores = [transformed(curve.scores, transform, source.logit) for curve in _alike(own)]
            material = Material(
                curve=own[0],
                scores=combined.of(scores),
                embeddings=None if vectors is None else vectors[0],
                prompt=None if vectors is None else vectors[1][at * prompted],
                evidence_us=evidence_us(questions[position], row),
            )
            named = (source.measure if transform == "cosine" else transform) + combined.label(prompted)
            records[position] = list(_select(source, questions[position], material, samplers, budgets, seed, named))
    return [record for position in range(len(questions)) for record in records[position]]


def video_names(question: Question) -> tuple[str, str]:
    """What to ask the store for, in turn: the path from the manifest's folder, and the video as it is written."""
    return str(question.folder / question.video), question.video


def _check_one_prompt(samplers: Sequence[Sampler], beside: Sequence[str]) -> None:
    for sampler in samplers:
        if beside and "prompt" in sampler.needs:
            raise UsageError(
                f"sampler {sampler.name!r}: reads the vector of one prompt, got {1 + len(beside)} to combine; give one"
            )


def _alike(curves: Sequence[Curve]) -> Sequence[Curve]:
    """The curves of one question's prompts, which must be over the same frames to be combined."""
    if any(not np.array_equal(curve.rows, curves[0].rows) for curve in curves[1:]):
        raise UsageError(
            f"{curves[0].row.source.path}: its prompts are scored on different frames, "
            f"{', '.join(str(len(curve.rows)) for curve in curves)} of {curves[0].row.count}; score all of them to combine them"
        )
    return curves


def _select(
    source: CurveSource,
    question: Question,
    material: Material,
    samplers: Sequence[Sampler],
    budgets: Sequence[int],
    seed: int,
    transform: str,
) -> Iterator[SelectionRecord]:
    curve = material.curve
    row, times_s = curve.row, curve.times_s
    for sampler in samplers:
        draw = DrawKey(seed=seed, video=row.video_key, question=question.id, variant=QUESTION, sampler=sampler.name)
        for budget in budgets:
            selection = run(sampler, material.request(budget, draw))
            yield SelectionRecord(
                video_key=row.video_key,
                question_id=question.id,
                variant=QUESTION,
                encoder_key=source.key,
                grid=row.grid,
                transform=transform,
                sampler=sampler.name,
                params=canonical_json(dataclasses.asdict(sampler)),  # type: ignore[call-overload]
                budget=budget,
                seed=seed,
                rows=tuple(curve.rows[selection.rows].tolist()),
                pts_us=tuple(selection.pts_us.tolist()),
                scores=tuple(material.scores[selection.rows].tolist()),
                times_s=tuple(times_s[selection.rows].tolist()),
                scored=len(curve.rows),
                frames=row.count,
            )
