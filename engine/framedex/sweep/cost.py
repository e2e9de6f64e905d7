"""What a video's asks cost the models, as they are put, and as a loop would pay that puts each by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from framedex.mllm.base import Runner, Scoring
from framedex.mllm.work import Work
from framedex.sweep.asks import AskKey
from framedex.sweep.choose import Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one video or several.

    Attributes:
        planned: each frame, set of frames and ask once per model. Two forwards per set, one for its frames and one for all that
            is asked about them; short sets share forwards, and what is asked may need several.
        naive: every ask alone: all its frames, its whole prompt, and with "option" scoring a forward for each option.
    """

    planned: Work = field(default_factory=Work)
    naive: Work = field(default_factory=Work)

    def __add__(self, other: Cost) -> Cost:
        return Cost(planned=self.planned + other.planned, naive=self.naive + other.naive)


def cost(asks: Mapping[AskKey, Choice], scorings: Sequence[Scoring], *, models: int) -> Cost:
    """Count, without asking anything; tokens are not known before the prompts are written, and stay 0.

    Args:
        asks: of one video.
        scorings: ways of scoring.
        models: how many are asked.
    """
    sets = {key.frame_set_id: choice.rows for key, choice in asks.items()}
    shown = [rows for rows in sets.values() if rows]
    planned = Work(
        tower_frames=models * len({row for rows in shown for row in rows}),
        prefills=models * len(shown),
        forwards=models * (len(shown) + len(sets)),
    )
    naive = Work()
    for key, choice in asks.items():
        for scoring in scorings:
            naive += Work(
                tower_frames=models * len(choice.rows),
                prefills=models * bool(choice.rows),
                forwards=models * (len(key.order) if scoring == "option" else 1),
            )
    return Cost(planned=planned, naive=naive)


def work_of(runners: Sequence[Runner]) -> Work:
    """What these models have done so far."""
    return sum((runner.work for runner in runners), Work())
