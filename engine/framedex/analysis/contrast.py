"""Contrasts: paired differences between two ways to choose the frames, everything else equal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framedex.analysis.interval import Estimate, Resampling, estimate
from framedex.analysis.outcomes import Outcomes, accuracy_outcomes
from framedex.analysis.records import Records
from framedex.analysis.setting import Context

TOP, BOTTOM, QUESTION = "top", "bottom", "question"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastRow:
    """One paired difference in accuracy.

    Attributes:
        contrast: "top - bottom", or "<variant> - question" for frames that `top` chose by each variant.
        budget: of both sides.
        variant: of both sides; for a contrast of variants, the first of them.
        difference: mean over the questions that both sides have. For top - bottom this is the *net frame selection
            sensitivity*, our definition: correct(top-k) - correct(bottom-k).
        better: share of questions where the first side is right more often.
        worse: share of questions where it is right less often. Even where the choice of frames changes nothing, both
            shares are above zero, because answers vary: only their difference tells.
    """

    context: Context
    contrast: str
    budget: int
    variant: str
    questions: int
    videos: int
    difference: Estimate
    better: float
    worse: float


def contrast_rows(records: Records, resampling: Resampling) -> tuple[ContrastRow, ...]:
    """top - bottom for every variant and budget, and each variant - question for `top`; only where both were run."""
    cells = sorted({(s.context, s.budget, s.variant) for s in records.arm("select") if s.sampler == TOP})
    found = []
    for context, budget, variant in cells:
        top = accuracy_outcomes(records, records.selected(context, TOP, budget, variant))
        bottom = accuracy_outcomes(records, records.selected(context, BOTTOM, budget, variant))
        found.append((context, f"{TOP} - {BOTTOM}", budget, variant, top.minus(bottom)))
        if variant != QUESTION:
            by_question = accuracy_outcomes(records, records.selected(context, TOP, budget, QUESTION))
            found.append((context, f"{variant} - {QUESTION}", budget, variant, top.minus(by_question)))
    rows = (_row(*each, resampling) for each in found)
    return tuple(row for row in rows if row is not None)


def _row(
    context: Context, contrast: str, budget: int, variant: str, differences: Outcomes, resampling: Resampling
) -> ContrastRow | None:
    difference = estimate(differences, resampling)
    if difference is None:
        return None
    return ContrastRow(
        context=context,
        contrast=contrast,
        budget=budget,
        variant=variant,
        questions=difference.questions,
        videos=difference.videos,
        difference=difference,
        better=float(np.mean(differences.value > 0)),
        worse=float(np.mean(differences.value < 0)),
    )
