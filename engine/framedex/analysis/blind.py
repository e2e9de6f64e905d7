"""The blind arm: accuracy without the video, against chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framedex.analysis.interval import Estimate, Resampling, estimate
from framedex.analysis.outcomes import accuracy_outcomes, chance_outcomes
from framedex.analysis.records import Records
from framedex.analysis.setting import Context

#: Within so much of chance counts as at chance.
MARGIN = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindRow:
    """Answers without video.

    Attributes:
        accuracy: share right, option orders averaged within each question first.
        chance: mean of 1 / C.
        minus_chance: paired difference, 95 % interval.
        verdict: "exactly chance" (for every question: under all orders, a model that goes by the option's place),
            "at chance" (two one-sided tests at 5 % put it within ±3 points, that is, the 90 % interval lies inside),
            "above", "below" (the 95 % interval leaves chance out), or "open": not seeing a difference is no proof that there
            is none.
    """

    context: Context
    questions: int
    videos: int
    accuracy: Estimate
    chance: float
    minus_chance: Estimate
    verdict: str


def blind_rows(records: Records, resampling: Resampling) -> tuple[BlindRow, ...]:
    """A row per model and scoring with a no-video arm.

    No video at all is out of distribution for a video model: this says how far language alone gets *this* model, not
    how far language alone could get.
    """
    rows = []
    for context in sorted({setting.context for setting in records.arm("no-video")}):
        answered = records.rows(*(setting for setting in records.arm("no-video") if setting.context == context))
        outcomes, chance = accuracy_outcomes(records, answered), chance_outcomes(records, answered)
        difference = outcomes.minus(chance)
        accuracy, minus_chance = estimate(outcomes, resampling), estimate(difference, resampling)
        narrow = estimate(difference, resampling, level=0.9)
        if accuracy is None or minus_chance is None or narrow is None:
            continue
        rows.append(
            BlindRow(
                context=context,
                questions=accuracy.questions,
                videos=accuracy.videos,
                accuracy=accuracy,
                chance=float(chance.value.mean()),
                minus_chance=minus_chance,
                verdict=_verdict(minus_chance, narrow, exact=bool(np.allclose(difference.value, 0.0))),
            )
        )
    return tuple(rows)


def _verdict(wide: Estimate, narrow: Estimate, *, exact: bool) -> str:
    if exact:
        return "exactly chance"
    if narrow.low is not None and narrow.high is not None and narrow.low > -MARGIN and narrow.high < MARGIN:
        return "at chance"
    if wide.above or wide.below:
        return "above" if wide.above else "below"
    return "open"
