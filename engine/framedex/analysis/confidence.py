"""Window confidence against correctness: does the encoder's score say on which window the model is right?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from framedex.analysis.interval import Estimate, Resampling, estimate
from framedex.analysis.outcomes import Outcomes, mean_by_question
from framedex.analysis.ranks import auroc, ranks, spearman, spearman_cap
from framedex.analysis.records import Codes, Records, Values
from framedex.analysis.setting import Context, Setting

Statistic = Literal["max", "mean"]
_FIFTHS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceRow:
    """One window rule, variant and statistic.

    Attributes:
        statistic: a window's confidence is the "max" or the "mean" of its frames' scores.
        answers: windows × option orders over all questions.
        right: share of them that is right, p.
        rho: pooled Spearman correlation of confidence and correctness, as the study reports it; None where either is
            constant. It mixes easy and hard questions, and neighbouring windows overlap: no p-value is given for it.
        cap: √(3p(1 - p)), the most that rho can reach.
        auroc: *within-question AUROC*: chance that of two windows of one question, one answered right and one wrong, the
            right one has the higher confidence; 0.5 is none. Mean over the questions with both outcomes under some option
            order, the orders averaged within the question first.
        p_value: of auroc against 0.5, two-sided: each video's confidences are shifted in time, all its questions alike and
            the end joined to the beginning, which keeps both sides' own course.
        between: Spearman correlation over questions of mean confidence and share right: the part of rho that is about
            questions, not windows.
        mixed: number of questions behind auroc; `questions` is that behind rho and between.
    """

    context: Context
    length: int
    stride: int
    variant: str
    statistic: Statistic
    questions: int
    videos: int
    answers: int
    right: float
    rho: float | None
    cap: float
    mixed: int
    auroc: Estimate | None
    p_value: float | None
    between: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FifthRow:
    """Share right among the windows of one fifth of the confidences, pooled over all questions.

    Attributes:
        fifth: 1 (lowest confidence) to 5; equal confidences are kept together, so fifths may differ in size or be empty.
        low: lowest confidence in it.
        high: highest.
        answers: windows × option orders.
        right: share of them.
    """

    context: Context
    length: int
    stride: int
    variant: str
    statistic: Statistic
    fifth: int
    low: float
    high: float
    answers: int
    right: float


def confidence_rows(records: Records, resampling: Resampling) -> tuple[ConfidenceRow, ...]:
    """A row per window rule, variant and statistic that has scores."""
    return tuple(
        _row(records, setting, statistic, rows, confidence, resampling)
        for setting, statistic, rows, confidence in _scored(records)
    )


def fifth_rows(records: Records) -> tuple[FifthRow, ...]:
    """Five rows, or fewer where confidences are equal, per window rule, variant and statistic."""
    found = []
    for setting, statistic, rows, confidence in _scored(records):
        fifth = np.minimum(np.ceil(ranks(confidence) / len(confidence) * _FIFTHS).astype(np.int64), _FIFTHS)
        for number in np.unique(fifth).tolist():
            own = fifth == number
            found.append(
                FifthRow(
                    context=setting.context,
                    length=setting.whole_number("length"),
                    stride=setting.whole_number("stride"),
                    variant=setting.variant,
                    statistic=statistic,
                    fifth=number,
                    low=float(confidence[own].min()),
                    high=float(confidence[own].max()),
                    answers=int(own.sum()),
                    right=float(records.correct[rows[own]].mean()),
                )
            )
    return tuple(found)


def _scored(records: Records) -> Iterator[tuple[Setting, Statistic, Codes, Values]]:
    statistics: tuple[tuple[Statistic, Values], ...] = (("max", records.highest), ("mean", records.mean))
    for setting in records.arm("window"):
        for statistic, values in statistics:
            rows = records.rows(setting)
            rows = rows[np.isfinite(values[rows])]
            if len(rows):
                yield setting, statistic, rows, values[rows]


def _row(
    records: Records, setting: Setting, statistic: Statistic, rows: Codes, confidence: Values, resampling: Resampling
) -> ConfidenceRow:
    correct = records.correct[rows].astype(np.float64)
    by_question = mean_by_question(records, rows, correct)
    p = float(correct.mean())
    shifted = _shifted_aurocs(records, rows, confidence)
    observed = Outcomes(
        question=np.array([one.question for one in shifted], np.int64),
        video=np.array([one.video for one in shifted], np.int64),
        value=np.array([one.by_shift[0] for one in shifted], np.float64),
    )
    return ConfidenceRow(
        context=setting.context,
        length=setting.whole_number("length"),
        stride=setting.whole_number("stride"),
        variant=setting.variant,
        statistic=statistic,
        questions=len(by_question),
        videos=by_question.videos,
        answers=len(rows),
        right=p,
        rho=spearman(confidence, correct),
        cap=spearman_cap(p),
        mixed=len(observed),
        auroc=estimate(observed, resampling),
        p_value=shift_p_value(shifted, resampling),
        between=spearman(mean_by_question(records, rows, confidence).value, by_question.value),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShiftedAuroc:
    """The AUROC of one question's W windows for every circular shift of its confidences; the first is unshifted.

    Attributes:
        by_shift: (W,).
    """

    question: int
    video: int
    by_shift: Values


def shift_p_value(shifted: Sequence[ShiftedAuroc], resampling: Resampling) -> float | None:
    """Two-sided p-value of the mean unshifted AUROC; None for no questions.

    Every draw shifts each video by its own share of its length. p is twice the smaller tail, the unshifted one counted
    in, at most 1. Small numbers of windows bound it from below: a video of W windows has W shifts.
    """
    if not shifted:
        return None
    _, place = np.unique([one.video for one in shifted], return_inverse=True)
    share = resampling.generator().random((resampling.draws, int(place.max()) + 1))
    drawn = np.zeros(resampling.draws)
    for one, video in zip(shifted, place, strict=True):
        drawn += one.by_shift[(share[:, video] * len(one.by_shift)).astype(np.int64)]
    drawn /= len(shifted)
    observed = float(np.mean([one.by_shift[0] for one in shifted]))
    rounding = 1e-9
    tails = [int((drawn >= observed - rounding).sum()), int((drawn <= observed + rounding).sum())]
    return min(1.0, 2 * (1 + min(tails)) / (1 + resampling.draws))


def _shifted_aurocs(records: Records, rows: Codes, confidence: Values) -> list[ShiftedAuroc]:
    """For each question with right and wrong windows under some option order; windows in order of time."""
    question, order, window = records.question[rows], records.order[rows], records.window[rows]
    sequence = np.lexsort((window, order, question))
    edges = np.flatnonzero(np.diff(question[sequence]) | np.diff(order[sequence])) + 1
    by_question: dict[int, list[Values]] = {}
    video: dict[int, int] = {}
    for own in np.split(sequence, edges):
        right = records.correct[rows[own]]
        if not 0 < right.sum() < len(right):
            continue
        score_ranks = ranks(confidence[own])
        curve = np.array([auroc(np.roll(score_ranks, shift), right) for shift in range(len(own))])
        by_question.setdefault(int(question[own[0]]), []).append(curve)
        video[int(question[own[0]])] = int(records.video[rows[own[0]]])
    return [
        ShiftedAuroc(question=one, video=video[one], by_shift=_mean_curve(curves))
        for one, curves in sorted(by_question.items())
    ]


def _mean_curve(curves: Sequence[Values]) -> Values:
    """Mean over option orders; where an invalid answer left one shorter, each is read at the same share of its length."""
    length = len(curves[0])
    picks = [np.arange(length) * len(curve) // length for curve in curves]
    return np.asarray(np.mean([curve[pick] for curve, pick in zip(curves, picks, strict=True)], axis=0))
