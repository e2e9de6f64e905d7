"""Many questions against a store: each video is opened and scored once, then every sampler and budget is a look-up."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from framedex.keys import canonical_json
from framedex.select import run
from framedex.select.base import DrawKey, Request, Sampler, Scores
from framedex.select.records import SelectionRecord

if TYPE_CHECKING:
    from framedex.datasets import Question
    from framedex.embed.base import Embedder
    from framedex.index.store import Store
    from framedex.index.video_index import VideoIndex
    from framedex.score.base import Scorer

VARIANT = "question"
TRANSFORM = "cosine"


def select_all(
    store: Store,
    embedder: Embedder,
    questions: Sequence[Question],
    *,
    samplers: Sequence[Sampler],
    budgets: Sequence[int],
    seed: int,
    grid: str | None,
    scorer: Scorer | None = None,
) -> list[SelectionRecord]:
    """Every question × sampler × budget, in that order.

    Frames are scored by `scorer`; by each index itself where None, which is what "native" does.

    Raises:
        UsageError: a question whose video is not in the store, or an empty question.
    """
    names = store.names(encoder=embedder.manifest.encoder_key)
    rows = [names.only(*video_names(question), grid=grid) for question in questions]
    prompts = embedder.embed_texts([question.question for question in questions])
    by_video = sorted(range(len(questions)), key=lambda position: (rows[position].video_key, position))
    records: dict[int, list[SelectionRecord]] = {}
    for _, group in groupby(by_video, key=lambda position: rows[position].video_key):
        positions = list(group)
        with store.open_row(rows[positions[0]]) as index:
            asked = prompts[positions]
            curves = index.scores(asked) if scorer is None else scorer.scores([index.vectors], asked)[0]
            scores = curves.astype(np.float64)
            for position, curve in zip(positions, scores, strict=True):
                records[position] = list(_select(index, questions[position], curve, samplers, budgets, seed))
    return [record for position in range(len(questions)) for record in records[position]]


def video_names(question: Question) -> tuple[str, str]:
    """What to ask the store for, in turn: the path from the manifest's folder, and the video as it is written."""
    return str(question.folder / question.video), question.video


def _select(
    index: VideoIndex,
    question: Question,
    scores: Scores,
    samplers: Sequence[Sampler],
    budgets: Sequence[int],
    seed: int,
) -> Iterator[SelectionRecord]:
    row = index.row
    for sampler in samplers:
        draw = DrawKey(seed=seed, video=row.video_key, question=question.id, variant=VARIANT, sampler=sampler.name)
        for budget in budgets:
            selection = run(sampler, Request(pts_us=index.pts_us, budget=budget, draw=draw, scores=scores))
            yield SelectionRecord(
                video_key=row.video_key,
                question_id=question.id,
                variant=VARIANT,
                encoder_key=row.encoder_key,
                grid=row.grid,
                transform=TRANSFORM,
                sampler=sampler.name,
                params=canonical_json(dataclasses.asdict(sampler)),  # type: ignore[call-overload]
                budget=budget,
                seed=seed,
                rows=tuple(selection.rows.tolist()),
                pts_us=tuple(selection.pts_us.tolist()),
                scores=tuple(scores[selection.rows].tolist()),
                times_s=tuple(index.times_s[selection.rows].tolist()),
            )
