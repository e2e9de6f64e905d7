"""What a sweep will cost: measured on a few asks of the first video that is not done, scaled by the counts."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from framedex.errors import VideoError
from framedex.sweep.answers import answer_all, shown_frames
from framedex.sweep.asks import AskKey, distinct_asks
from framedex.sweep.choose import Choice, choose_each
from framedex.sweep.cost import Cost, cost, work_of
from framedex.sweep.counts import Counts, count
from framedex.sweep.frames import rows_in_files
from framedex.sweep.known import KnownAnswers
from framedex.sweep.opened import OpenSweep
from framedex.sweep.plan import PlannedVideo

#: Asks that are measured, per MLLM and way of scoring.
_SAMPLE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Counts of the videos that are not done, and the time that they will take.

    Attributes:
        counts: exact.
        cost: likewise, where all visual tokens of a video fit into memory together and nothing is refused, but for forwards,
            which are nominal, written answers as long as those that were measured; what is planned leaves out what is cached,
            model by model.
        seconds: decoding, preprocessing and answering, but not reading visual tokens from files; 0 where every answer is
            cached, None where nothing is left or no video could be measured.
        measured_asks: how many asks the estimate rests on.
        measured_video: the path of the video that they are of, or None.
    """

    counts: Counts
    cost: Cost
    seconds: float | None
    measured_asks: int
    measured_video: str | None


def estimate(videos: Sequence[PlannedVideo], opened: OpenSweep, *, token_folder: Path | None = None) -> Estimate:
    """Count all choices and time a sample.

    The sample is the first video that can be decoded, and up to 8 of its asks, spread evenly from the fewest frames to the most
    and answered twice: the first time warms up. The estimate is the time to decode that video times the number of videos, and
    the time per frame in the tower, per set of frames read and per ask, each times its number. Other videos may be longer or lack
    answers of other models, and the sample's batches are not the sweep's: take it for an order of magnitude.

    Args:
        videos: those that are not done.
        opened: the plan, store and models.
        token_folder: of visual tokens that the sweep will read, where it finds that quicker than the tower; None for none.

    Raises:
        StoreError: an index file does not hold.
        DeviceError: a model's runtime failed.
    """
    counts, costs = Counts(), Cost()
    measured: _Measured | None = None
    asked_of = 0  # videos
    for chosen in choose_each(opened.plan, videos, opened.sources, threads=opened.threads):
        if chosen.failed is not None:
            raise chosen.failed
        video, choices = chosen.video, chosen.choices
        asks = distinct_asks(choices, opened.plan.config.option_orders)
        known = KnownAnswers.of(video, asks, opened)
        counts += replace(count(opened.plan, video, choices), cached=len(known.kept))
        in_files = _in_files(video, known, opened, token_folder)
        costs += cost(known.keys, asks, kept=known.kept, in_files=in_files, served=opened.served)
        asked_of += bool(known.left)
        if measured is None and known.left:
            try:
                measured = _measure(video, known, opened)
            except VideoError:  # the sweep itself will report it
                continue
    if measured is None:
        nothing_to_ask = bool(counts.videos) and not asked_of
        seconds = 0.0 if nothing_to_ask else None
        return Estimate(counts=counts, cost=costs, seconds=seconds, measured_asks=0, measured_video=None)
    return Estimate(
        counts=counts,
        cost=costs.shorter(measured.written_share),
        seconds=measured.decode_s * asked_of + measured.answering_s(costs, counts.asks - counts.cached),
        measured_asks=measured.asks,
        measured_video=measured.path,
    )


def _in_files(
    video: PlannedVideo, known: KnownAnswers, opened: OpenSweep, folder: Path | None
) -> dict[str, set[int]] | None:
    """By MLLM key the rows of a video's frames whose visual tokens are there."""
    if folder is None:
        return None
    shown = {at: pts for choice in known.left.values() for at, pts in zip(choice.rows, choice.pts_us, strict=True)}
    return rows_in_files(video.rows[0], shown, [runner.key for runner in opened.runners], folder=folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """Seconds to decode and preprocess a video, what its sample took the models and was, and which video it is.

    Attributes:
        written_share: of the forwards that the sample's written answers were counted with, those that they took.
    """

    decode_s: float
    tower_s: float
    prefill_s: float
    answer_s: float
    sample: Cost
    written_share: float
    asks: int
    path: str

    def answering_s(self, costs: Cost, asks: int) -> float:
        """Seconds for other work, by its counts; what servers do is in the times of their answers alone."""
        work, sample = costs.planned - costs.served, self.sample.planned - self.sample.served
        tower = self.tower_s * work.tower_frames / max(1, sample.tower_frames)
        prefill = self.prefill_s * work.prefills / max(1, sample.prefills)
        return tower + prefill + self.answer_s * asks / self.asks


def _measure(video: PlannedVideo, known: KnownAnswers, opened: OpenSweep) -> _Measured:
    scorings = opened.plan.config.scoring
    started = time.perf_counter()
    frames = shown_frames(
        video.rows[0], known.left, opened.runners, scorings=scorings, but=known.kept, threads=opened.threads
    )
    decode_s = time.perf_counter() - started
    sample = _spread(known.left)
    # The second time the tower has nothing to do; the first time everything else is cold.
    cold = answer_all(sample, frames, opened.runners, scorings=scorings, but=known.kept)
    before = work_of(opened.runners)
    warm = answer_all(sample, frames, opened.runners, scorings=scorings, but=known.kept).values()
    written = (work_of(opened.runners) - before).written_forwards
    sampled = cost(cold, sample, served=opened.served)
    return _Measured(
        decode_s=decode_s,
        tower_s=sum(answer.tower_time_s for answer in cold.values()),
        prefill_s=sum(answer.prefill_time_s for answer in warm),
        answer_s=sum(answer.answer_time_s for answer in warm),
        sample=sampled,
        written_share=written / sampled.planned.written_forwards if sampled.planned.written_forwards else 1.0,
        asks=len(cold),
        path=video.path,
    )


def _spread(asks: Mapping[AskKey, Choice]) -> dict[AskKey, Choice]:
    """Up to `_SAMPLE` of the asks, from those with the fewest frames to those with the most."""
    keys = sorted(asks, key=lambda key: len(asks[key].rows))
    positions = np.unique(np.linspace(0, len(keys) - 1, min(_SAMPLE, len(keys))).astype(np.int64))
    return {keys[position]: asks[keys[position]] for position in positions.tolist()}
