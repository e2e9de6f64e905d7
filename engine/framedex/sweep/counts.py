"""How much a sweep is: choices, frames, what is asked and what is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from framedex.sweep.asks import distinct_asks, orders_of
from framedex.sweep.choose import Choice
from framedex.sweep.plan import Plan, PlannedVideo


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Of one video or several.

    Attributes:
        videos: how many.
        questions: asked of them.
        selections: choices of frames, by samplers, windows and drop rules; the arm without video is none.
        frame_sets: different sets among them.
        frames: different frames in those sets: what is decoded and preprocessed.
        asks: (frame set, question, option order, scoring, MLLM), each put to a model once.
        cached: of them, that are put to none, as an earlier run's answer is kept.
        records: answered questions; those beyond `asks` reuse an answer.
    """

    videos: int = 0
    questions: int = 0
    selections: int = 0
    frame_sets: int = 0
    frames: int = 0
    asks: int = 0
    cached: int = 0
    records: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(**{field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(self)})

    @property
    def reused(self) -> int:
        """Records whose answer another record's ask gave."""
        return self.records - self.asks


def count(plan: Plan, video: PlannedVideo, choices: Sequence[Choice]) -> Counts:
    """The counts of one video's choices."""
    config = plan.config
    models = len(plan.mllms) * len(config.scoring)
    shown = [choice for choice in choices if choice.rows]
    return Counts(
        videos=1,
        questions=len(video.questions),
        selections=len(shown),
        frame_sets=len({choice.frame_set_id for choice in shown}),
        frames=len({row for choice in shown for row in choice.rows}),
        asks=models * len(distinct_asks(choices, config.option_orders)),
        records=models * sum(len(orders_of(choice, config.option_orders)) for choice in choices),
    )
