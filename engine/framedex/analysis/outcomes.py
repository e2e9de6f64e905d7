"""Outcomes: one value per question, with the video that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framedex.analysis.records import Codes, Records, Values


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcomes:
    """One value for each of q questions.

    Attributes:
        question: (q,), codes, strictly increasing.
        video: (q,), codes of their videos.
        value: (q,), finite.
    """

    question: Codes
    video: Codes
    value: Values

    def __post_init__(self) -> None:
        q = len(self.question)
        if self.video.shape != (q,) or self.value.shape != (q,) or not (np.diff(self.question) > 0).all():
            raise ValueError(
                f"[Outcomes] expected sorted unique questions with a video and a value each, got {q} questions, "
                f"videos {self.video.shape}, values {self.value.shape}"
            )
        if not np.isfinite(self.value).all():
            raise ValueError("[Outcomes] values must be finite")

    def __len__(self) -> int:
        return len(self.question)

    @property
    def videos(self) -> int:
        """Distinct videos."""
        return len(np.unique(self.video))

    def minus(self, other: Outcomes) -> Outcomes:
        """Differences on the questions that both have: the paired comparison."""
        shared, mine, theirs = np.intersect1d(self.question, other.question, assume_unique=True, return_indices=True)
        return Outcomes(question=shared, video=self.video[mine], value=self.value[mine] - other.value[theirs])


def accuracy_outcomes(records: Records, rows: Codes) -> Outcomes:
    """Share of right answers per question.

    Option orders, seeds and windows are averaged within the question first, so that a question weighs the same however
    often it was asked.
    """
    return mean_by_question(records, rows, records.correct[rows].astype(np.float64))


def chance_outcomes(records: Records, rows: Codes) -> Outcomes:
    """Accuracy of guessing, 1 / C, per question with C options."""
    return mean_by_question(records, rows, 1.0 / records.options[rows])


def mean_by_question(records: Records, rows: Codes, values: Values) -> Outcomes:
    """Mean of `values` (one per row of `rows`) within each question."""
    question, first, place = np.unique(records.question[rows], return_index=True, return_inverse=True)
    total = np.bincount(place, weights=values, minlength=len(question))
    count = np.bincount(place, minlength=len(question))
    return Outcomes(question=question, video=records.video[rows][first], value=total / np.maximum(count, 1))
