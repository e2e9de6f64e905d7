"""Scores a store with the colour scorer, as a process of its own: `python scoring.py STORE QUESTIONS SECONDS_PER_FRAME`."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from colour_scorer import ColourScorer
from framedex.contracts import Vectors
from framedex.datasets import read_questions
from framedex.index import Store
from framedex.pair.base import PairFrames
from framedex.scores.make import Failed, Scored, ScoreJob, make_scores
from framedex.scores.wanted import wanted_of


class SlowColourScorer(ColourScorer):
    """Takes its time, so that it can be killed at it."""

    def __init__(self, *, seconds_per_frame: float) -> None:
        super().__init__()
        self._seconds_per_frame = seconds_per_frame

    def scores(self, frames: PairFrames, texts: Sequence[str]) -> Vectors:
        time.sleep(self._seconds_per_frame * len(frames))
        return super().scores(frames, texts)


def make_all(job: ScoreJob, questions: Path, *, variants: Sequence[str] = ("question",)) -> list[Scored | Failed]:
    """Score every question of a manifest."""
    wanted = wanted_of(job.store, job.rows(None), read_questions(questions), variants=variants)
    return list(make_scores(wanted, job))


if __name__ == "__main__":
    slow = SlowColourScorer(seconds_per_frame=float(sys.argv[3]))
    for outcome in make_all(ScoreJob(store=Store.open(sys.argv[1]), scorer=slow), Path(sys.argv[2])):
        assert isinstance(outcome, Scored), outcome
