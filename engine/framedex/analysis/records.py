"""Answers as columns: what every statistic reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framedex.analysis.run_file import Planned
from framedex.analysis.setting import Context, Setting

Codes = NDArray[np.int64]
Values = NDArray[np.float64]

#: The baseline of every comparison. It reads no scores, so its answers are the same under every prompt variant.
UNIFORM = "uniform"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusCount:
    """What became of the answers of one arm.

    Attributes:
        records: all of them.
        ok: answered.
        unparsable: no option could be read from the answer: counted as wrong.
        truncated: the prompt did not fit: counted as wrong.
        invalid: not answered for a technical reason: left out of every statistic.
        questions: distinct questions, the left-out ones too.
        videos: distinct videos, likewise.
    """

    context: Context
    arm: str
    records: int
    ok: int
    unparsable: int
    truncated: int
    invalid: int
    questions: int
    videos: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Records:
    """Answers that count, n of them, in columns; codes stand for names.

    Attributes:
        settings: the cells of the sweep, sorted.
        setting: (n,), position in `settings`.
        video: (n,), code of the video.
        question: (n,), code of the question; one question belongs to one video.
        order: (n,), code of the order in which the options were listed.
        window: (n,), first row of the window; -1 where the arm has none.
        options: (n,), number of options C.
        frames: (n,), frames shown.
        answer: (n,), chosen option in the manifest's order; -1 where there is none.
        correct: (n,), whether it is the right one; unparsable and truncated are wrong.
        highest: (n,), highest score of the frames shown; NaN where there are no scores.
        mean: (n,), their mean score; likewise.
        counts: by arm, invalid answers included.
        planned: of the runs that have a run.json.
        repeated: answers that stood in several runs alike and are counted once.
        provenance: the distinct provenance texts.
    """

    settings: tuple[Setting, ...]
    setting: Codes
    video: Codes
    question: Codes
    order: Codes
    window: Codes
    options: Codes
    frames: Codes
    answer: Codes
    correct: NDArray[np.bool_]
    highest: Values
    mean: Values
    counts: tuple[StatusCount, ...]
    repeated: int
    planned: tuple[Planned, ...]
    provenance: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.setting)

    def rows(self, *settings: Setting) -> Codes:
        """Rows of these settings, in order."""
        return np.flatnonzero(np.isin(self.setting, [self.settings.index(setting) for setting in settings]))

    def arm(self, name: str) -> tuple[Setting, ...]:
        """Settings of one arm."""
        return tuple(setting for setting in self.settings if setting.arm == name)

    def selected(self, context: Context, sampler: str, budget: int, variant: str) -> Codes:
        """Rows of the frames that a sampler chose; none where it was not run.

        The variant is the one asked for, or "" where the sampler reads no scores; `uniform` counts under any.
        """
        return self.rows(
            *(
                setting
                for setting in self.arm("select")
                if (setting.context, setting.sampler, setting.budget) == (context, sampler, budget)
                and (setting.variant in (variant, "") or sampler == UNIFORM)
            )
        )
