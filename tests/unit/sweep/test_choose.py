"""The choices of a sweep are those of each rule run by itself on each curve, in the order of the plan."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.store_samples import new_store, put, sample_pts
from framedex.datasets import Question
from framedex.datasets.combined import CombinedPrompt, PromptTexts, combination_of, texts_of
from framedex.errors import StoreError
from framedex.index import Row, Store
from framedex.keys import canonical_json, json_key
from framedex.scores.curves import CurveSource, Prompt
from framedex.scores.stored_curves import StoredCurves
from framedex.scores.transform import Combination, Transform, transformed
from framedex.select import DrawKey, Request, Sampler, make_sampler, run
from framedex.select.material import evidence_us
from framedex.select.windows import window_starts
from framedex.sweep import choose as choosing
from framedex.sweep.choose import Choice, choose, choose_each, frame_set_id
from framedex.sweep.config import SweepConfig, WindowRule
from framedex.sweep.plan import Model, Plan, PlannedVideo, plan_videos
from framedex.sweep.questions import SweptQuestion
from framedex.sweep.record import Arm
from indexed_samples import indexed
from score_samples import new_scores, pair_set, prompt, score_file, scores_of

SAMPLERS = ("uniform", "random", "top", "aks", "bolt", "qframe", "mmr", "oracle-evidence", "threshold")


def questions(videos: int, each: int = 2) -> list[SweptQuestion]:
    """Questions about videos that take turns."""
    return [
        SweptQuestion(
            asked=Question(
                id=f"{video}-{number}",
                video=f"clip{video}.mp4",
                question=f"a red thing {number}",
                options=("a", "b"),
                answer=1,
                evidence=((1.0, 2.5),),
            ),
            gold=1,
            prompts=(
                f"a red thing {number}",
                CombinedPrompt(texts=("a ball", f"a cube {number}"), combination=Combination(how="max")),
            ),
        )
        for number in range(each)
        for video in range(videos)
    ]


def plan_of(store: Store, source: CurveSource, asked: list[SweptQuestion], **changed: Any) -> Plan:
    config = SweepConfig(
        folder=Path(),
        store=store.path,
        questions=(Path("q.jsonl"),),
        mllms=("m",),
        variants=("question", "parts"),
        samplers=tuple(map(make_sampler, SAMPLERS)),
        budgets=(1, 3),
        transforms=("cosine", "minmax"),
        windows=(WindowRule(length=2, stride=1), WindowRule(length=4, stride=3)),
        drop=(make_sampler("drop", base="uniform", rate=0.5, by="lowest"),),
        no_video=True,
        seeds=(0, 7),
    )
    return Plan(
        config=replace(config, **changed),
        grid="fps=1",
        encoders=(Model(name="e", key=source.key),),
        mllms=(Model(name="m", key="0" * 32),),
        videos=plan_videos(store, asked, sources=[source], grid="fps=1"),
        truncated_prompts=0,
    )


@dataclasses.dataclass(frozen=True)
class OneCurve:
    """One question's prompt under one variant and transform, and what is chosen for it: every selection a call of its own."""

    question: SweptQuestion
    variant: str
    transform: str
    row: Row
    source: CurveSource
    rows: np.ndarray
    request: Request

    def choice(self, arm: Arm, at: np.ndarray, **chosen_by: Any) -> Choice:
        pts_us = tuple(self.request.pts_us[at].tolist())
        return Choice(
            question=self.question,
            arm=arm,
            variant=self.variant,
            encoder_key=self.source.key,
            grid=self.row.grid,
            transform=self.transform,
            rows=tuple(self.rows[at].tolist()),
            pts_us=pts_us,
            scores=tuple(self.request.need_scores("")[at].tolist()),
            frame_set_id=frame_set_id(self.row.video_key, pts_us),
            **chosen_by,
        )

    def selected(self, arm: Arm, samplers: Sequence[Sampler], config: SweepConfig) -> Iterator[Choice]:
        for sampler, budget, seed in product(samplers, config.budgets, config.seeds):
            draw = DrawKey(
                seed=seed,
                video=self.row.video_key,
                question=self.question.asked.id,
                variant=self.variant,
                sampler=sampler.name,
            )
            at = run(sampler, replace(self.request, budget=budget, draw=draw)).rows
            params = canonical_json(dataclasses.asdict(sampler))  # type: ignore[call-overload]
            yield self.choice(arm, at, sampler=sampler.name, params=params, budget=budget, seed=seed)

    def windows(self, config: SweepConfig) -> Iterator[Choice]:
        n = len(self.rows)
        for rule in config.windows:
            params = canonical_json(dataclasses.asdict(rule))
            for start in window_starts(n, rule.length, rule.stride).tolist():
                at = np.arange(start, min(start + rule.length, n))
                window_id = f"{start}+{rule.length}"
                yield self.choice("window", at, params=params, budget=rule.length, window_id=window_id)


def one_by_one(plan: Plan, video: PlannedVideo, source: CurveSource) -> Iterator[Choice]:
    """The twin of `choose`."""
    config = plan.config
    for question in video.questions:
        for transform in config.transforms:
            for variant, prompt_texts in zip(config.variants, question.prompts, strict=True):
                each = one_curve(question, variant, prompt_texts, transform, video.rows[0], source)
                yield from each.selected("select", config.samplers, config)
                yield from each.windows(config)
                yield from each.selected("drop", config.drop, config)
        if config.no_video:
            yield Choice(question=question, arm="no-video")


def one_curve(
    question: SweptQuestion, variant: str, texts: PromptTexts, transform: Transform, row: Row, source: CurveSource
) -> OneCurve:
    asked = [Prompt(text=text, question_id=question.asked.id, variant=variant) for text in texts_of(texts)]
    curves, combination = source.curves(row, asked), combination_of(texts)
    named = source.measure if transform == "cosine" else transform
    return OneCurve(
        question=question,
        variant=variant,
        transform=named + combination.label(len(curves)),
        row=row,
        source=source,
        rows=curves[0].rows,
        request=Request(
            pts_us=curves[0].pts_us,
            budget=1,
            draw=DrawKey(),
            scores=combination.of([transformed(each.scores, transform, source.logit) for each in curves]),
            embeddings=source.vectors(row, asked)[0] if source.has_vectors else None,
            evidence_us=evidence_us(question.asked, row),
        ),
    )


def test_many_videos_at_once_are_as_one_by_one(tmp_path: Path) -> None:
    with indexed(tmp_path / "S", (5, 9, 1)) as (store, source):
        plan = plan_of(store, source, questions(3))
        together = choose(plan, plan.videos, [source])
        for video, choices in zip(plan.videos, together, strict=True):
            assert list(choices) == list(one_by_one(plan, video, source))
        assert [list(each) for each in together] == [
            list(each) for video in plan.videos for each in choose(plan, [video], [source])
        ]


def test_the_key_of_a_frame_set_is_that_of_its_canonical_json() -> None:
    assert frame_set_id("0" * 32, (0, 40_000, -7, 2**40)) == json_key(["0" * 32, [0, 40_000, -7, 2**40]])
    assert frame_set_id("0" * 32, ()) == ""


def test_curves_over_different_frames(tmp_path: Path) -> None:
    store, scores = new_store(tmp_path / "S"), new_scores(tmp_path / "S")
    asked = [replace(question, prompts=question.prompts[:1]) for question in questions(2)]
    for number in range(2):
        put(store, number, n=7)
        for which, question in enumerate(asked[number::2]):
            frames = [6, 3][which]
            curve = scores_of(frames, seed=10 * number + which)
            subject = prompt(question.asked.question)
            scores.put(score_file(number, subject=subject, pts_us=sample_pts(7)[-frames:], scores=curve))
    source = StoredCurves(store, pair_set())
    plain = [make_sampler(name) for name in ("uniform", "top", "aks", "random")]
    plan = plan_of(store, source, asked, variants=("question",), samplers=tuple(plain), windows=())
    chosen = {each.video.key: each.choices for each in choose_each(plan, plan.videos, [source])}
    for video in plan.videos:
        assert list(chosen[video.key]) == list(one_by_one(plan, video, source))
    assert any(row >= 4 for choices in chosen.values() for choice in choices for row in choice.rows)


@pytest.mark.parametrize("together", [1, 1 << 20])
def test_a_broken_file_costs_the_others_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, together: int) -> None:
    monkeypatch.setattr(choosing, "_CHOICES", together)
    with indexed(tmp_path / "S") as (store, source):
        plan = plan_of(store, source, questions(3))
        plan.videos[1].rows[0].place.index_path(store.path).write_bytes(b"no index")
        chosen = list(choose_each(plan, plan.videos, [source]))
        assert [each.video for each in chosen] == list(plan.videos)
        assert [isinstance(each.failed, StoreError) for each in chosen] == [False, True, False]
        for each in (chosen[0], chosen[2]):
            assert list(each.choices) == list(one_by_one(plan, each.video, source))
