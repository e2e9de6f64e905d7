"""The plan: every choice of a sweep resolved to content, with a key that says whether two sweeps are the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from framedex.errors import UsageError, did_you_mean
from framedex.index import Row, Store
from framedex.index.video_names import VideoNames
from framedex.keys import json_key
from framedex.scores.curves import FrameSource
from framedex.select import Sampler
from framedex.select.batch import video_names
from framedex.sweep.config import SweepConfig
from framedex.sweep.given import GivenByPrompt, given_key
from framedex.sweep.questions import SweptQuestion

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """An encoder, set of scores or MLLM: what people call it, and its key."""

    name: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedVideo:
    """One video and what is asked of it.

    Attributes:
        rows: of the store, one per encoder of the plan; all hold the same frames.
        questions: in the order of the manifests.
    """

    rows: tuple[Row, ...]
    questions: tuple[SweptQuestion, ...]

    @property
    def key(self) -> str:
        """Video key."""
        return self.rows[0].video_key

    @property
    def path(self) -> str:
        """Where the video was when it was indexed."""
        return self.rows[0].source.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A sweep, resolved.

    Attributes:
        config: as written.
        grid: name.
        encoders: whose vectors, or sets whose scores, choose the frames.
        mllms: that answer.
        videos: in the order in which the manifests first name them.
        given: frames that were chosen elsewhere.
        truncated_prompts: (variant, question, encoder) prompts longer than the encoder reads: their ends count for nothing.
    """

    config: SweepConfig
    grid: str
    encoders: tuple[Model, ...]
    mllms: tuple[Model, ...]
    videos: tuple[PlannedVideo, ...]
    truncated_prompts: int
    given: GivenByPrompt = field(default_factory=dict)

    def identity(self) -> dict[str, Any]:
        """All that the records depend on, names and paths aside: plain values, compared field by field."""
        config = self.config
        return {
            "grid": self.grid,
            "encoders": [model.key for model in self.encoders],
            "mllms": [model.key for model in self.mllms],
            "questions": {video.key: json_key([_content(each) for each in video.questions]) for video in self.videos},
            "variants": list(config.variants),
            "transforms": list(config.transforms),
            "samplers": [_named(sampler) for sampler in config.samplers],
            "budgets": list(config.budgets),
            "windows": [dataclasses.asdict(rule) for rule in config.windows],
            "drop": [_named(sampler) for sampler in config.drop],
            "no_video": config.no_video,
            "scoring": list(config.scoring),
            "option_orders": config.option_orders,
            "seeds": list(config.seeds),
            **({"selections": given_key(self.given)} if self.given else {}),
        }

    @property
    def key(self) -> str:
        """Key of the identity."""
        return json_key(self.identity())


def first_difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """The first field in which two identities differ, as a phrase; None where they are equal."""
    for name in dict.fromkeys((*now, *before)):
        was, value = before.get(name), now.get(name)
        if was == value:
            continue
        if name == "questions":
            return f"questions: it asks {len(was or {})} videos, this sweep {len(value or {})}, or other things of them"
        return f"{name}: it has {was}, this sweep {value}"
    return None


def plan_grid(store: Store, grid: str | None, sources: Sequence[FrameSource]) -> str:
    """The grid to read: the one given, or the only one that the store holds for every source.

    Raises:
        UsageError: not there, or several and none given.
    """
    shared = set.intersection(*(set(source.grids()) for source in sources))
    names = ", ".join(source.name for source in sources)
    if grid is not None and grid not in shared:
        raise UsageError(f"{store.path}: no grid {grid!r} of encoder {names}; {did_you_mean(grid, shared)}")
    if grid is None and len(shared) != 1:
        held = f"several grids, {', '.join(sorted(shared))}" if shared else f"no grid of encoder {names} in common"
        raise UsageError(f"{store.path}: holds {held}; name one as grid: in sweep.yaml")
    return grid or shared.pop()


def plan_videos(
    store: Store, questions: Sequence[SweptQuestion], *, sources: Sequence[FrameSource], grid: str
) -> tuple[PlannedVideo, ...]:
    """The questions by video, each video with its rows.

    Raises:
        UsageError: videos that the store does not hold for every source, with the questions that ask about them.
    """
    names = VideoNames(sources[0].rows(), subject=str(store.path))
    rows_by_key = [{row.video_key: row for row in source.rows(grid)} for source in sources]
    by_video: dict[str, list[SweptQuestion]] = {}
    missing: list[str] = []
    for question in questions:
        subject = f"question {question.asked.id!r}"
        try:
            key = names.find(*video_names(question.asked))[0].video_key
        except UsageError as error:
            # The first message lists what the store holds; once is enough.
            missing.append(f"{subject}: no video {question.asked.video!r}" if missing else f"{subject}: {error}")
            continue
        for source, rows in zip(sources, rows_by_key, strict=True):
            if key not in rows:
                missing.append(f"{subject}: {question.asked.video} is not indexed by {source.name} at {grid}")
        by_video.setdefault(key, []).append(question)
    if missing:
        more = f"; and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        raise UsageError("; ".join(missing[:_SHOWN]) + more)
    return tuple(
        PlannedVideo(rows=tuple(rows[key] for rows in rows_by_key), questions=tuple(asked))
        for key, asked in by_video.items()
    )


def _named(sampler: Sampler) -> dict[str, Any]:
    return {"name": sampler.name, **dataclasses.asdict(sampler)}  # type: ignore[call-overload]


def _content(question: SweptQuestion) -> list[Any]:
    asked = question.asked
    return [
        asked.id,
        asked.dataset,
        asked.category,
        asked.question,
        list(asked.options),
        question.gold,
        [prompt if isinstance(prompt, str) else prompt.content() for prompt in question.prompts],
    ]
