"""The worker: videos in, their records out, one video after another. Nothing is written here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import framedex
from framedex.errors import StoreError, VideoError
from framedex.keys import Json, canonical_json
from framedex.mllm.base import Runner
from framedex.mllm.work import Work
from framedex.sweep.answer_cache import Kept
from framedex.sweep.answer_key import Asked
from framedex.sweep.answers import Answers, answer_all, shown_frames
from framedex.sweep.asks import Order, ask_key, distinct_asks, orders_of
from framedex.sweep.choose import Choice, choose_each
from framedex.sweep.cost import work_of
from framedex.sweep.counts import Counts, count
from framedex.sweep.known import Keeper, KnownAnswers
from framedex.sweep.opened import OpenSweep
from framedex.sweep.plan import PlannedVideo
from framedex.sweep.record import Record

T = TypeVar("T")

#: Of an index row's provenance: what vectors of one encoder may differ by.
_MADE_BY = ("decoder", "runtime", "precision")


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """A video whose questions are answered, how much that was, and what it cost the models."""

    video: PlannedVideo
    records: tuple[Record, ...]
    counts: Counts
    work: Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A video that could not be swept, and why; it is tried again by the next run."""

    video: PlannedVideo
    reason: str


Outcome = Swept | Failed
#: Called with (video, answers so far, answers to come in all) inside a video.
AnswersDone = Callable[[PlannedVideo, int, int], None]


def sweep(
    videos: Iterable[PlannedVideo], opened: OpenSweep, *, answers_done: AnswersDone | None = None
) -> Iterator[Outcome]:
    """Answer all questions of each video.

    Each distinct (frame set, question, option order, scoring, MLLM) is asked once, and not at all where the answer cache holds
    it; every record that needs it carries that answer and its times, so times are summed over distinct asks, not over records,
    and are 0 where nothing was asked. The model always sees the question with its
    options listed, whatever variant chose the frames.

    Args:
        videos: of the plan.
        opened: the plan, store and models.
        answers_done: progress inside a video.

    Raises:
        DeviceError: a model's runtime failed.
    """
    for chosen in choose_each(opened.plan, videos, opened.sources, threads=opened.threads):
        if chosen.failed is not None:
            yield Failed(video=chosen.video, reason=str(chosen.failed))
            continue
        try:
            yield _swept(chosen.video, chosen.choices, opened, answers_done)
        except (VideoError, StoreError) as error:
            yield Failed(video=chosen.video, reason=str(error))


def _swept(
    video: PlannedVideo, choices: Sequence[Choice], opened: OpenSweep, answers_done: AnswersDone | None
) -> Swept:
    plan, config = opened.plan, opened.plan.config
    known = KnownAnswers.of(video, distinct_asks(choices, config.option_orders), opened)
    counts = replace(count(plan, video, choices), cached=len(known.kept))
    frames = shown_frames(
        video.rows[0], known.left, opened.runners, scorings=config.scoring, but=known.kept, threads=opened.threads
    )
    before = work_of(opened.runners)
    with Keeper(known, opened) as keeper:

        def answered(part: Answers) -> None:
            keeper.add(part)
            if answers_done is not None:
                answers_done(video, counts.cached + keeper.added, counts.asks)

        answers = answer_all(
            known.left, frames, opened.runners, scorings=config.scoring, but=known.kept, answered=answered
        )
    return Swept(
        video=video,
        records=tuple(_records(video, opened, choices, known.keys, keeper.all(answers))),
        counts=counts,
        work=work_of(opened.runners) - before,
    )


def _records(
    video: PlannedVideo,
    opened: OpenSweep,
    choices: Sequence[Choice],
    keys: Mapping[Asked, str],
    answers: Mapping[Asked, Kept],
) -> Iterator[Record]:
    config = opened.plan.config
    provenance = _Provenance(video, opened)
    for choice in choices:
        for runner in opened.runners:
            for scoring in config.scoring:
                for order in orders_of(choice, config.option_orders):
                    asked = (runner.key, scoring, ask_key(choice, order))
                    made_by = provenance.of(choice.encoder_key, answers[asked].made_by)
                    yield _record(video, choice, runner, asked, keys[asked], answers[asked], made_by)


class _Provenance:
    """Versions and devices as JSON, of one video's records.

    The encoder's is that of the prompts; a store may hold vectors that were made otherwise, video by video. The model's is that
    of the run in which it answered.
    """

    def __init__(self, video: PlannedVideo, opened: OpenSweep) -> None:
        self._by_encoder: dict[str, dict[str, Json]] = {"": {"encoder": None, "vectors": None}}
        for row, source in zip(video.rows, opened.sources, strict=True):
            made_by = {name: row.provenance[name] for name in _MADE_BY if name in row.provenance}
            vectors = made_by if source.has_vectors else None
            self._by_encoder[source.key] = {"encoder": source.provenance, "vectors": vectors}
        self._written: dict[tuple[str, str], str] = {}

    def of(self, encoder_key: str, mllm: str) -> str:
        """By encoder key, "" where no frame was chosen, and the MLLM's provenance as JSON."""
        if (encoder_key, mllm) not in self._written:
            used: dict[str, Any] = {**self._by_encoder[encoder_key], "mllm": json.loads(mllm)}
            self._written[encoder_key, mllm] = canonical_json({"framedex": framedex.__version__, **used})
        return self._written[encoder_key, mllm]


def _record(
    video: PlannedVideo,
    choice: Choice,
    runner: Runner,
    asked_for: Asked,
    key: str,
    kept: Kept,
    provenance: str,
) -> Record:
    asked, gold = choice.question.asked, choice.question.gold
    _, scoring, ask = asked_for
    order, answer = ask.order, kept.answer
    chosen = None if answer.choice is None else order[answer.choice]
    return Record(
        video_key=video.key,
        question_id=asked.id,
        dataset=asked.dataset,
        category=asked.category,
        arm=choice.arm,
        variant=choice.variant,
        encoder_key=choice.encoder_key,
        grid=choice.grid,
        transform=choice.transform,
        sampler=choice.sampler,
        params=choice.params,
        budget=choice.budget,
        seed=choice.seed,
        rows=choice.rows,
        pts_us=choice.pts_us,
        scores=choice.scores,
        frame_set_id=choice.frame_set_id,
        window_id=choice.window_id,
        mllm=runner.name,
        mllm_key=runner.key,
        scoring=scoring,
        option_order=order,
        answer_key=key,
        answer=chosen,
        gold=gold,
        correct=None if answer.status == "invalid" else chosen == gold,
        status=answer.status,
        status_detail=answer.status_detail,
        written=answer.written,
        option_logprobs=_as_in_manifest(answer.option_logprobs, order),
        option_tokens=_as_in_manifest(answer.option_tokens, order),
        prompt_tokens=answer.prompt_tokens,
        tower_time_s=answer.tower_time_s,
        prefill_time_s=answer.prefill_time_s,
        answer_time_s=answer.answer_time_s,
        provenance=provenance,
    )


def _as_in_manifest(listed: Sequence[T], order: Order) -> tuple[T, ...]:
    """Values of the options as listed, in the manifest's order; empty where the question was not answered."""
    if not listed:
        return ()
    by_index = dict(zip(order, listed, strict=True))
    return tuple(by_index[index] for index in range(len(order)))
