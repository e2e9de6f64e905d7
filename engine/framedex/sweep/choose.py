"""Which frames each arm of the sweep shows for each question of a video: look-ups only, nothing is decoded."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from framedex.keys import canonical_json, json_key
from framedex.scores.curves import Curve, CurveSource, Prompt
from framedex.scores.transform import transformed
from framedex.select import DrawKey, Sampler, run
from framedex.select.base import Rows
from framedex.select.material import Material, evidence_us, vectors_read
from framedex.select.windows import window_starts
from framedex.sweep.config import SweepConfig
from framedex.sweep.plan import Plan, PlannedVideo
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
class _Scored:
    """One question's prompt under one variant, and what one source has of it under one transform."""

    question: SweptQuestion
    variant: str
    source_key: str
    transform: str
    material: Material

    @property
    def curve(self) -> Curve:
        """Whose frames are chosen from."""
        return self.material.curve

    def choice(self, arm: Arm, positions: Rows, **chosen_by: Any) -> Choice:
        """The choice of some of the curve's frames."""
        curve, row = self.curve, self.curve.row
        pts_us = tuple(curve.pts_us[positions].tolist())
        return Choice(
            question=self.question,
            arm=arm,
            variant=self.variant,
            encoder_key=self.source_key,
            grid=row.grid,
            transform=self.transform,
            rows=tuple(curve.rows[positions].tolist()),
            pts_us=pts_us,
            scores=tuple(self.material.scores[positions].tolist()),
            frame_set_id=frame_set_id(row.video_key, pts_us),
            **chosen_by,
        )


def frame_set_id(video_key: str, pts_us: Sequence[int]) -> str:
    """Key of a set of frames of one video; "" of none, so that it is asked as the arm without video is, and once for both."""
    return json_key([video_key, list(pts_us)]) if pts_us else ""


def choose(plan: Plan, video: PlannedVideo, sources: Sequence[CurveSource]) -> tuple[Choice, ...]:
    """Every choice of a video, by question.

    A window is chosen by nothing, but its scores are those of a variant: it stands once for each.

    Args:
        plan: the sweep.
        video: one of its videos.
        sources: of the scores, one per encoder of the plan.

    Raises:
        StoreError: an index file or stored curve does not hold.
    """
    config = plan.config
    choices: list[Choice] = []
    scored = _scored(config, video, sources)
    for position, question in enumerate(video.questions):
        for each in scored[position]:
            choices += _selected(each, "select", config.samplers, config)
            choices += _windows(each, config)
            choices += _selected(each, "drop", config.drop, config)
        if config.no_video:
            choices.append(Choice(question=question, arm="no-video"))
    return tuple(choices)


def prompts_of(video: PlannedVideo, config: SweepConfig) -> list[Prompt]:
    """What the frames of a video are scored for: by question, one prompt per variant."""
    return [
        Prompt(text=text, question_id=question.asked.id, variant=variant)
        for question in video.questions
        for variant, text in zip(config.variants, question.prompts, strict=True)
    ]


def _scored(config: SweepConfig, video: PlannedVideo, sources: Sequence[CurveSource]) -> list[list[_Scored]]:
    """By question: one curve per source, transform and variant."""
    scored: list[list[_Scored]] = [[] for _ in video.questions]
    prompts = prompts_of(video, config)
    for row, source in zip(video.rows, sources, strict=True):
        curves = source.curves(row, prompts)
        vectors = vectors_read([*config.samplers, *config.drop], source, row, prompts)
        for position, question in enumerate(video.questions):
            first = position * len(config.variants)
            scored[position] += [
                _Scored(
                    question=question,
                    variant=variant,
                    source_key=source.key,
                    transform=source.measure if transform == "cosine" else transform,
                    material=Material(
                        curve=curves[first + which],
                        scores=transformed(curves[first + which].scores, transform, source.logit),
                        embeddings=None if vectors is None else vectors[0],
                        prompt=None if vectors is None else vectors[1][first + which],
                        evidence_us=evidence_us(question.asked, row),
                    ),
                )
                for transform in config.transforms
                for which, variant in enumerate(config.variants)
            ]
    return scored


def _selected(scored: _Scored, arm: Arm, samplers: Sequence[Sampler], config: SweepConfig) -> Iterator[Choice]:
    curve = scored.curve
    for sampler in samplers:
        params = canonical_json(dataclasses.asdict(sampler))  # type: ignore[call-overload]
        for budget in config.budgets:
            for seed in config.seeds:
                draw = DrawKey(
                    seed=seed,
                    video=curve.row.video_key,
                    question=scored.question.asked.id,
                    variant=scored.variant,
                    sampler=sampler.name,
                )
                positions = run(sampler, scored.material.request(budget, draw)).rows
                yield scored.choice(arm, positions, sampler=sampler.name, params=params, budget=budget, seed=seed)


def _windows(scored: _Scored, config: SweepConfig) -> Iterator[Choice]:
    n = len(scored.curve.rows)  # all of the index: the plan refuses windows over partial curves
    for rule in config.windows:
        params = canonical_json(dataclasses.asdict(rule))
        for start in window_starts(n, rule.length, rule.stride).tolist():
            rows = np.arange(start, min(start + rule.length, n), dtype=np.int64)
            window_id = f"{start}+{rule.length}"
            yield scored.choice("window", rows, params=params, budget=rule.length, window_id=window_id)
