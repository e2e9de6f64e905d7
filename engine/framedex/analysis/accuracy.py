"""Accuracy of every cell of a sweep, and its paired difference to uniform sampling."""

from __future__ import annotations

from dataclasses import dataclass, replace

from framedex.analysis.interval import Estimate, Resampling, estimate
from framedex.analysis.outcomes import accuracy_outcomes, chance_outcomes
from framedex.analysis.records import UNIFORM, Records
from framedex.analysis.setting import Context, Setting


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyRow:
    """One cell.

    Attributes:
        context: model, scoring and index.
        arm: "select", "window" (the mean over all windows, not the best), "drop" or "no-video".
        sampler: the rule with its parameters.
        budget: frames asked for.
        variant: prompt variant; "" where the frames do not depend on it.
        questions: answered.
        videos: that they belong to.
        accuracy: share right; option orders, seeds and windows are averaged within each question first.
        chance: mean of 1 / C over these questions.
        minus_uniform: paired difference to uniform sampling at the same budget over the questions that both have, or None
            where uniform was not run at that budget. Not corrected for the number of comparisons.
    """

    context: Context
    arm: str
    sampler: str
    budget: int
    variant: str
    questions: int
    videos: int
    accuracy: Estimate
    chance: float
    minus_uniform: Estimate | None


def accuracy_rows(records: Records, resampling: Resampling) -> tuple[AccuracyRow, ...]:
    """A row per cell that has answers; windows are answered once for all variants and make one row."""
    groups: dict[Setting, list[Setting]] = {}
    for setting in records.settings:
        cell = replace(setting, variant="") if setting.arm == "window" else setting
        groups.setdefault(cell, []).append(setting)
    rows = (_row(records, cell, members, resampling) for cell, members in groups.items())
    return tuple(row for row in rows if row is not None)


def _row(records: Records, cell: Setting, members: list[Setting], resampling: Resampling) -> AccuracyRow | None:
    rows = records.rows(*members)
    outcomes = accuracy_outcomes(records, rows)
    accuracy = estimate(outcomes, resampling)
    if accuracy is None:
        return None
    uniform = accuracy_outcomes(records, records.selected(cell.context, UNIFORM, cell.budget, cell.variant))
    is_uniform = cell.sampler == UNIFORM and cell.arm == "select"
    return AccuracyRow(
        context=cell.context,
        arm=cell.arm,
        sampler=cell.label,
        budget=cell.budget,
        variant=cell.variant,
        questions=accuracy.questions,
        videos=accuracy.videos,
        accuracy=accuracy,
        chance=float(chance_outcomes(records, rows).value.mean()),
        minus_uniform=None if is_uniform else estimate(outcomes.minus(uniform), resampling),
    )
