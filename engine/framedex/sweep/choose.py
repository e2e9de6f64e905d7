"""Which frames each arm of the sweep shows for each question of a video: look-ups only, nothing is decoded."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from framedex.contracts import Pts
from framedex.index import Row, Store
from framedex.keys import canonical_json, json_key
from framedex.select import DrawKey, Request, Sampler, run
from framedex.select.base import Rows, Scores
from framedex.select.windows import window_starts
from framedex.sweep.config import SweepConfig
from framedex.sweep.plan import Plan, PlannedVideo
from framedex.sweep.prompts import PromptVectors
from framedex.sweep.questions import SweptQuestion
from framedex.sweep.record import Arm


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Frames for one question, and what chose them; the attributes are those of `Record`."""

    question: SweptQuestion
    arm: Arm
    variant: str = ""
    encoder_key: str = ""
    grid: str = ""
    transform: str = ""
    sampler: str = ""
    params: str = "{}"
    budget: int = 0
    seed: int = 0
    rows: tuple[int, ...] = ()
    pts_us: tuple[int, ...] = ()
    scores: tuple[float, ...] | None = None
    frame_set_id: str = ""
    window_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Curve:
    """The scores of one question's prompt under one variant, encoder and transform, over the frames of a video."""

    question: SweptQuestion
    variant: str
    transform: str
    row: Row
    pts_us: Pts
    scores: Scores

    def choice(self, arm: Arm, rows: Rows, **chosen_by: Any) -> Choice:
        pts_us = tuple(self.pts_us[rows].tolist())
        return Choice(
            question=self.question,
            arm=arm,
            variant=self.variant,
            encoder_key=self.row.encoder_key,
            grid=self.row.grid,
            transform=self.transform,
            rows=tuple(rows.tolist()),
            pts_us=pts_us,
            scores=tuple(self.scores[rows].tolist()),
            frame_set_id=frame_set_id(self.row.video_key, pts_us),
            **chosen_by,
        )


def frame_set_id(video_key: str, pts_us: Sequence[int]) -> str:
    """Key of a set of frames of one video."""
    return json_key([video_key, list(pts_us)])


def choose(plan: Plan, video: PlannedVideo, store: Store, prompts: Sequence[PromptVectors]) -> tuple[Choice, ...]:
    """Every choice of a video, by question.

    A window is chosen by nothing, but its scores are those of a variant: it stands once for each.

    Args:
        plan: the sweep.
        video: one of its videos.
        store: holds the vectors.
        prompts: one per encoder of the plan.

    Raises:
        StoreError: an index file does not hold.
    """
    config = plan.config
    choices: list[Choice] = []
    curves = _curves(config, video, store, prompts)
    for position, question in enumerate(video.questions):
        for curve in curves[position]:
            choices += _selected(curve, "select", config.samplers, config)
            choices += _windows(curve, config)
            choices += _selected(curve, "drop", config.drop, config)
        if config.no_video:
            choices.append(Choice(question=question, arm="no-video"))
    return tuple(choices)


def _curves(
    config: SweepConfig, video: PlannedVideo, store: Store, prompts: Sequence[PromptVectors]
) -> list[list[_Curve]]:
    """By question: one curve per encoder, transform and variant."""
    curves: list[list[_Curve]] = [[] for _ in video.questions]
    texts = [text for question in video.questions for text in question.prompts]
    for row, vectors in zip(video.rows, prompts, strict=True):
        with store.open_row(row) as index:
            pts_us = index.pts_us
            scores = index.scores(vectors.of(texts)).astype(np.float64).reshape(len(curves), len(config.variants), -1)
        for position, question in enumerate(video.questions):
            curves[position] += [
                _Curve(
                    question=question,
                    variant=variant,
                    transform=transform,
                    row=row,
                    pts_us=pts_us,
                    scores=scores[position, which],
                )
                for transform in config.transforms
                for which, variant in enumerate(config.variants)
            ]
    return curves


def _selected(curve: _Curve, arm: Arm, samplers: Sequence[Sampler], config: SweepConfig) -> Iterator[Choice]:
    for sampler in samplers:
        params = canonical_json(dataclasses.asdict(sampler))  # type: ignore[call-overload]
        for budget in config.budgets:
            for seed in config.seeds:
                draw = DrawKey(
                    seed=seed,
                    video=curve.row.video_key,
                    question=curve.question.asked.id,
                    variant=curve.variant,
                    sampler=sampler.name,
                )
                request = Request(pts_us=curve.pts_us, budget=budget, draw=draw, scores=curve.scores)
                rows = run(sampler, request).rows
                yield curve.choice(arm, rows, sampler=sampler.name, params=params, budget=budget, seed=seed)


def _windows(curve: _Curve, config: SweepConfig) -> Iterator[Choice]:
    n = len(curve.pts_us)
    for rule in config.windows:
        params = canonical_json(dataclasses.asdict(rule))
        for start in window_starts(n, rule.length, rule.stride).tolist():
            rows = np.arange(start, min(start + rule.length, n), dtype=np.int64)
            window_id = f"{start}+{rule.length}"
            yield curve.choice("window", rows, params=params, budget=rule.length, window_id=window_id)
