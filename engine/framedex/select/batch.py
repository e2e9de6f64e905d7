"""Many questions against a store: each video is scored once, many in a call, then every sampler and budget is a look-up."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from framedex.datasets.prompts import QUESTION
from framedex.index.video_names import VideoNames
from framedex.keys import canonical_json
from framedex.scores.curves import Curve, CurveSource, Prompt
from framedex.select import run
from framedex.select.base import DrawKey, Request, Sampler
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

    Raises:
        UsageError: a question whose video is not in the store, an empty question, or one that the source has no curve for.
    """
    names = VideoNames(source.rows(), subject=str(store.path))
    rows = [names.only(*video_names(question), grid=grid) for question in questions]
    prompts = [Prompt(text=question.question, question_id=question.id, variant=QUESTION) for question in questions]
    by_video: dict[str, list[int]] = {}
    for position, row in enumerate(rows):
        by_video.setdefault(row.video_key, []).append(position)
    asked = [(rows[positions[0]], [prompts[position] for position in positions]) for positions in by_video.values()]
    records: dict[int, list[SelectionRecord]] = {}
    for positions, curves in zip(by_video.values(), source.many(asked), strict=True):
        for position, curve in zip(positions, curves, strict=True):
            records[position] = list(_select(source, questions[position], curve, samplers, budgets, seed))
    return [record for position in range(len(questions)) for record in records[position]]


def video_names(question: Question) -> tuple[str, str]:
    """What to ask the store for, in turn: the path from the manifest's folder, and the video as it is written."""
    return str(question.folder / question.video), question.video


def _select(
    source: CurveSource,
    question: Question,
    curve: Curve,
    samplers: Sequence[Sampler],
    budgets: Sequence[int],
    seed: int,
) -> Iterator[SelectionRecord]:
    row, times_s = curve.row, curve.times_s
    for sampler in samplers:
        draw = DrawKey(seed=seed, video=row.video_key, question=question.id, variant=QUESTION, sampler=sampler.name)
        for budget in budgets:
            request = Request(pts_us=curve.pts_us, budget=budget, draw=draw, scores=curve.scores)
            selection = run(sampler, request)
            yield SelectionRecord(
                video_key=row.video_key,
                question_id=question.id,
                variant=QUESTION,
                encoder_key=source.key,
                grid=row.grid,
                transform=source.measure,
                sampler=sampler.name,
                params=canonical_json(dataclasses.asdict(sampler)),  # type: ignore[call-overload]
                budget=budget,
                seed=seed,
                rows=tuple(curve.rows[selection.rows].tolist()),
                pts_us=tuple(selection.pts_us.tolist()),
                scores=tuple(curve.scores[selection.rows].tolist()),
                times_s=tuple(times_s[selection.rows].tolist()),
                scored=len(curve.rows),
                frames=row.count,
            )
