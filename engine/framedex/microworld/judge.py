"""Judging a store of micro-world clips: does the search find the evidence, and does each sampler take a frame of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import ScoreMatrix, Selection
from framedex.datasets import Question
from framedex.datasets.prompts import QUESTION
from framedex.embed.base import Embedder
from framedex.errors import UsageError
from framedex.index import Store
from framedex.microworld.recall import Recall, inside, score_pair, summarise
from framedex.select.batch import video_names
from framedex.select.many import select_many

#: What is judged: the plain rules, which any installation has and which read scores alone.
JUDGED = ("uniform", "random", "top", "bottom", "window-top", "window-bottom", "drop")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """One question and what became of it.

    Attributes:
        question: the question, its evidence known.
        path: where the video was when it was indexed.
        times_s: float64 (n,), seconds from the first frame.
        scores: of the prompt, one row.
        in_evidence: bool (n,), which frames lie in the evidence.
        selections: by sampler.
    """

    question: Question
    path: str
    times_s: NDArray[np.float64]
    scores: ScoreMatrix
    in_evidence: NDArray[np.bool_]
    selections: dict[str, Selection]

    def caught(self, sampler: str) -> bool:
        """Whether a frame of the evidence is among those taken."""
        return bool(self.in_evidence[self.selections[sampler].rows].any())


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The figures over all questions.

    Attributes:
        recall: of the search.
        caught: by sampler, the share of questions with a frame of the evidence among those taken.
        chance: mean probability that as many frames drawn at random hold one of the evidence, worked out exactly.
        budget: frames taken.
        cases: one per question, in their order.
    """

    recall: Recall
    caught: dict[str, float]
    chance: float
    budget: int
    cases: tuple[Case, ...]

    def as_dict(self) -> dict[str, Any]:
        """The figures, for JSON."""
        return {
            "recall": dataclasses.asdict(self.recall),
            "caught": self.caught,
            "chance": self.chance,
            "budget": self.budget,
        }


def judge(
    store: Store, embedder: Embedder, questions: Sequence[Question], *, budget: int, seed: int, grid: str | None = None
) -> Judgement:
    """Score every question's prompt against its video and run the samplers of `JUDGED`.

    Raises:
        UsageError: a question without evidence, or about a video that the store does not hold.
    """
    for question in questions:
        if not question.evidence:
            raise UsageError(f"question {question.id!r}: has no evidence; expected the captions.jsonl of a micro-world")
    names = store.names(encoder=embedder.manifest.encoder_key)
    prompts = embedder.embed_texts([question.question for question in questions])
    rows = [names.only(*video_names(question), grid=grid) for question in questions]
    found: list[tuple[ScoreMatrix, NDArray[np.float64]]] = []
    for question, prompt, row in zip(questions, prompts, rows, strict=True):
        with store.open_row(row) as index:
            matrix = ScoreMatrix(
                prompts=(question.question,), pts_us=np.array(index.pts_us), scores=index.scores(prompt)
            )
            found.append((matrix, index.times_s))
    picks = select_many(
        JUDGED,
        [matrix.scores for matrix, _ in found],
        budgets=[budget],
        pts_us=[matrix.pts_us for matrix, _ in found],
        seeds=[seed],
        videos=[row.video_key for row in rows],
        questions=[[question.id] for question in questions],
        variants=[[QUESTION]] * len(questions),
    )
    cases = [
        Case(
            question=question,
            path=row.source.path,
            times_s=times_s,
            scores=matrix,
            in_evidence=inside(times_s, question.evidence),
            selections={
                name: _selection(name, matrix, picks.rows(number, sampler=sampler))
                for sampler, name in enumerate(JUDGED)
            },
        )
        for number, (question, row, (matrix, times_s)) in enumerate(zip(questions, rows, found, strict=True))
    ]
    return Judgement(
        recall=summarise([score_pair(case.scores.scores[0], case.times_s, case.question.evidence) for case in cases]),
        caught={name: float(np.mean([case.caught(name) for case in cases])) for name in JUDGED},
        chance=float(np.mean([chance_of_evidence(case.in_evidence, budget) for case in cases])),
        budget=budget,
        cases=tuple(cases),
    )


def _selection(name: str, matrix: ScoreMatrix, rows: NDArray[np.int32]) -> Selection:
    return Selection(
        sampler=name, rows=rows.astype(np.int64), pts_us=matrix.pts_us[rows], scores=matrix.scores[0][rows]
    )


def chance_of_evidence(in_evidence: NDArray[np.bool_], budget: int) -> float:
    """Probability that `budget` frames drawn without replacement hold one of the evidence: 1 − C(n − e, k) / C(n, k)."""
    n, outside = len(in_evidence), int((~in_evidence).sum())
    k = min(budget, n)
    return 1.0 - comb(outside, k) / comb(n, k)
