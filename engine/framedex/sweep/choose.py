"""Which frames each arm of the sweep shows for each question of each video: look-ups only, nothing is decoded."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from framedex.errors import StoreError
from framedex.keys import KEY_LENGTH, canonical_json
from framedex.scores.curves import CurveSource, Prompt
from framedex.select.picks import Picks
from framedex.select.records import params_of
from framedex.select.scored import Asked, Scored, fetch, pick, scored
from framedex.select.windows import window_starts
from framedex.sweep.config import SweepConfig
from framedex.sweep.given import GivenByPrompt
from framedex.sweep.plan import Plan, PlannedVideo
from framedex.sweep.questions import SweptQuestion
from framedex.sweep.record import Arm

#: Videos are looked up and chosen from together until they come to so many choices or bytes of vectors.
_CHOICES = 1 << 15
_VECTOR_NBYTES = 64 << 20


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A video and all choices of its frames, by question; or why there are none: a file of the store that does not hold."""

    video: PlannedVideo
    choices: tuple[Choice, ...] = ()
    failed: StoreError | None = None


def frame_set_id(video_key: str, pts_us: Sequence[int]) -> str:
    """Key of a set of frames of one video; "" of none, so that it is asked as the arm without video is, and once for both."""
    # Canonical JSON of [video_key, pts_us], a quarter of the time: there are millions.
    text = f'["{video_key}",[{",".join(map(str, pts_us))}]]'
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH] if pts_us else ""


def choose_each(
    plan: Plan, videos: Iterable[PlannedVideo], sources: Sequence[CurveSource], *, threads: int = 1
) -> Iterator[Chosen]:
    """Every choice of every video, some videos at a time; a video whose files do not hold costs the others nothing.

    Args:
        plan: the sweep.
        videos: of it.
        sources: of the scores, one per encoder of the plan.
        threads: most threads.
    """
    for together in _groups(videos, plan.config):
        try:
            chosen = choose(plan, together, sources, threads=threads)
        except StoreError:
            for video in together:
                try:
                    (choices,) = choose(plan, [video], sources, threads=threads)
                except StoreError as error:
                    yield Chosen(video=video, failed=error)
                else:
                    yield Chosen(video=video, choices=choices)
        else:
            yield from (Chosen(video=video, choices=each) for video, each in zip(together, chosen, strict=True))


def choose(
    plan: Plan, videos: Sequence[PlannedVideo], sources: Sequence[CurveSource], *, threads: int = 1
) -> list[tuple[Choice, ...]]:
    """Every choice of each video, by question.

    A window is chosen by nothing, but its scores are those of a variant: it stands once for each.

    Args:
        plan: the sweep.
        videos: of it.
        sources: of the scores, one per encoder of the plan.
        threads: most threads.

    Raises:
        StoreError: an index file or stored curve does not hold.
    """
    config = plan.config
    by_question: list[list[list[Choice]]] = [[[] for _ in video.questions] for video in videos]
    for number, source in enumerate(sources):
        asks = [(video.rows[number], asked_of(video, config)) for video in videos]
        fetched = list(fetch(source, asks, [*config.samplers, *config.drop]))
        for transform in config.transforms:
            groups = [scored(source, each, transform) for each in fetched]
            picks = pick(
                [each for group in groups for each in group],
                [*config.samplers, *config.drop],
                budgets=config.budgets,
                seeds=config.seeds,
                threads=threads,
            )
            first = 0
            for group, video, choices in zip(groups, videos, by_question, strict=True):
                chosen: dict[int, list[Choice]] = {}
                for at, each in enumerate(group, first):
                    chosen |= _of_scored(each, picks.video(at), video, source.key, plan)
                first += len(group)
                for position in sorted(chosen):
                    choices[position // len(config.variants)] += chosen[position]
    if config.no_video:
        for video, choices in zip(videos, by_question, strict=True):
            for question, own in zip(video.questions, choices, strict=True):
                own.append(Choice(question=question, arm="no-video"))
    return [tuple(choice for own in choices for choice in own) for choices in by_question]


def asked_of(video: PlannedVideo, config: SweepConfig) -> list[Asked]:
    """What the frames of a video are chosen for: by question, each variant."""
    return [
        Asked(question=question.asked, variant=variant, prompt=prompt)
        for question in video.questions
        for variant, prompt in zip(config.variants, question.prompts, strict=True)
    ]


def prompts_of(video: PlannedVideo, config: SweepConfig) -> list[Prompt]:
    """What the frames of a video are scored for."""
    return [prompt for asked in asked_of(video, config) for prompt in asked.prompts]


def _groups(videos: Iterable[PlannedVideo], config: SweepConfig) -> Iterator[list[PlannedVideo]]:
    group: list[PlannedVideo] = []
    choices = nbytes = 0
    for video in videos:
        group.append(video)
        row = video.rows[0]
        windows = sum(-(-row.count // rule.stride) for rule in config.windows)
        rules = (len(config.samplers) + len(config.drop)) * len(config.budgets) * len(config.seeds) + windows
        choices += rules * len(video.questions) * len(config.variants) * len(config.transforms) * len(video.rows)
        nbytes += sum(4 * row.count * row.dim for row in video.rows)
        if choices >= _CHOICES or nbytes >= _VECTOR_NBYTES:
            yield group
            group, choices, nbytes = [], 0, 0
    if group:
        yield group


@dataclass(frozen=True, slots=True, kw_only=True)
class _FrameSet:
    """Frames of one video, shared by all choices of them."""

    rows: tuple[int, ...]
    pts_us: tuple[int, ...]
    key: str


class _FrameSets:
    """The frame sets among frames that are scored, each made once, by the positions of its frames."""

    def __init__(self, each: Scored) -> None:
        self._video_key = each.row.video_key
        self._rows, self._pts_us = each.rows.tolist(), each.pts_us.tolist()
        self._known: dict[tuple[int, ...], _FrameSet] = {}

    def at(self, positions: tuple[int, ...]) -> _FrameSet:
        """The set of some of the frames."""
        found = self._known.get(positions)
        if found is None:
            pts_us = tuple([self._pts_us[at] for at in positions])
            found = self._known[positions] = _FrameSet(
                rows=tuple([self._rows[at] for at in positions]),
                pts_us=pts_us,
                key=frame_set_id(self._video_key, pts_us),
            )
        return found


def _of_scored(
    each: Scored, picks: Picks, video: PlannedVideo, source_key: str, plan: Plan
) -> Mapping[int, list[Choice]]:
    """By position among what was asked of the video: what every rule chooses for it."""
    config = plan.config
    sets = _FrameSets(each)
    positions = picks.values.tolist()
    scores = picks.of_scores([each.scores]).tolist()
    ends = picks.offsets.tolist()
    params = [params_of(sampler) for sampler in picks.samplers]
    rules = list(product(zip(picks.samplers, params, strict=True), picks.budgets, picks.seeds))
    selected = len(config.samplers) * len(config.budgets) * len(config.seeds)
    found: dict[int, list[Choice]] = {}
    for prompt, position in enumerate(each.positions):
        about = _about(each, prompt, video.questions[position // len(config.variants)], source_key)
        by_rule = []
        for number, ((sampler, written), budget, seed) in enumerate(rules):
            first = prompt * len(rules) + number
            part = slice(ends[first], ends[first + 1])
            frames = sets.at(tuple(positions[part]))
            by_rule.append(
                Choice(
                    **about,
                    arm="select" if number < selected else "drop",
                    sampler=sampler.name,
                    params=written,
                    budget=budget,
                    seed=seed,
                    rows=frames.rows,
                    pts_us=frames.pts_us,
                    scores=tuple(scores[part]),
                    frame_set_id=frames.key,
                )
            )
        windows = _windows(each, prompt, about, config, sets)
        given = _given(each, prompt, about, plan.given)
        found[position] = [*by_rule[:selected], *given, *windows, *by_rule[selected:]]
    return found


def _about(each: Scored, prompt: int, question: SweptQuestion, source_key: str) -> dict[str, Any]:
    """What all choices of one prompt have in common."""
    return {
        "question": question,
        "variant": each.asked[prompt].variant,
        "encoder_key": source_key,
        "grid": each.row.grid,
        "transform": each.transforms[prompt],
    }


def _given(each: Scored, prompt: int, about: Mapping[str, Any], given: GivenByPrompt) -> Iterator[Choice]:
    asked = each.asked[prompt]
    for selection in given.get((asked.question.id, asked.variant), ()):
        at = np.minimum(np.searchsorted(each.rows, selection.rows), len(each.rows) - 1)
        whole = np.array_equal(each.rows[at], selection.rows)  # a curve may leave frames out
        yield Choice(
            **about,
            arm="select",
            sampler=selection.sampler,
            params=selection.params,
            budget=selection.budget,
            seed=selection.seed,
            rows=selection.rows,
            pts_us=selection.pts_us,
            scores=tuple(each.scores[prompt, at].tolist()) if whole else None,
            frame_set_id=frame_set_id(each.row.video_key, selection.pts_us),
        )


def _windows(
    each: Scored, prompt: int, about: Mapping[str, Any], config: SweepConfig, sets: _FrameSets
) -> Iterator[Choice]:
    n = len(each.rows)  # all of the index: the plan refuses windows over partial curves
    for rule in config.windows:
        params = canonical_json(dataclasses.asdict(rule))
        for start in window_starts(n, rule.length, rule.stride).tolist():
            window = range(start, min(start + rule.length, n))
            frames = sets.at(tuple(window))
            yield Choice(
                **about,
                arm="window",
                params=params,
                budget=rule.length,
                rows=frames.rows,
                pts_us=frames.pts_us,
                scores=tuple(each.scores[prompt, window.start : window.stop].tolist()),
                frame_set_id=frames.key,
                window_id=f"{start}+{rule.length}",
            )
