"""The drop curve: accuracy as a growing share of the frames is left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from framedex.analysis.interval import Estimate, Resampling, estimate
from framedex.analysis.outcomes import accuracy_outcomes
from framedex.analysis.records import Codes, Records
from framedex.analysis.setting import Context, Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class DropRow:
    """One point of a curve.

    Attributes:
        base: sampler whose frames are thinned out.
        budget: frames before dropping.
        variant: prompt variant whose scores say what is dropped.
        by: which frames go: "lowest" or "highest" scored, or "random"; "none" for the base itself.
        rate: share that goes, 0 to 1; 0 for the base itself.
        frames: mean number of frames shown. Not the effective number: near-duplicates count.
        accuracy: share right, averaged within each question first.
        minus_full: paired difference to rate 0; None for the base itself, or where the base was not run at this budget.
    """

    context: Context
    base: str
    budget: int
    variant: str
    by: str
    rate: float
    frames: float
    questions: int
    videos: int
    accuracy: Estimate
    minus_full: Estimate | None


def drop_rows(records: Records, resampling: Resampling) -> tuple[DropRow, ...]:
    """Every curve, sorted; the base at rate 0 comes first where it was run."""
    settings = records.arm("drop")
    curves = sorted({(s.context, s.word("base"), s.budget, s.variant) for s in settings})
    rows: list[DropRow] = []
    for context, base, budget, variant in curves:
        members = [
            s for s in settings if (s.context, s.word("base"), s.budget, s.variant) == (context, base, budget, variant)
        ]
        members.sort(key=lambda s: (s.word("by"), s.number("rate")))
        rows.extend(_curve(records, members, base, resampling))
    return tuple(rows)


def _curve(records: Records, members: list[Setting], base: str, resampling: Resampling) -> Iterator[DropRow]:
    cell = members[0]
    full = records.selected(cell.context, base, cell.budget, cell.variant)
    points: list[tuple[str, float, Codes]] = [("none", 0.0, full)]
    points += [(setting.word("by"), setting.number("rate"), records.rows(setting)) for setting in members]
    for by, rate, rows in points:
        outcomes = accuracy_outcomes(records, rows)
        accuracy = estimate(outcomes, resampling)
        if accuracy is None:
            continue
        differences = outcomes.minus(accuracy_outcomes(records, full))
        yield DropRow(
            context=cell.context,
            base=base,
            budget=cell.budget,
            variant=cell.variant,
            by=by,
            rate=rate,
            frames=float(np.mean(records.frames[rows])),
            questions=accuracy.questions,
            videos=accuracy.videos,
            accuracy=accuracy,
            minus_full=None if by == "none" else estimate(differences, resampling),
        )
