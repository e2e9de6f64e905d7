"""What a sweep will cost: measured on a few asks of the first video that is not done, scaled by the counts."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from framedex.errors import VideoError
from framedex.sweep.answers import answer_all, shown_frames
from framedex.sweep.asks import AskKey, distinct_asks
from framedex.sweep.choose import Choice, choose_each
from framedex.sweep.counts import Counts, count
from framedex.sweep.opened import OpenSweep
from framedex.sweep.plan import PlannedVideo

#: Asks that are measured, per MLLM and way of scoring.
_SAMPLE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Counts of the videos that are not done, and the time that they will take.

    Attributes:
        counts: exact.
        seconds: decoding, preprocessing and answering, or None where nothing is left or no video could be measured.
        measured_asks: how many asks the estimate rests on.
        measured_video: the path of the video that they are of, or None.
    """

    counts: Counts
    seconds: float | None
    measured_asks: int
    measured_video: str | None


def estimate(videos: Sequence[PlannedVideo], opened: OpenSweep) -> Estimate:
    """Count all choices and time a sample.

    The sample is the first video that can be decoded, and up to 8 of its asks, spread evenly from the fewest frames to the most
    and answered twice: the first time warms up. The estimate is the time to decode that video times the number of videos, and
    the time per ask times the number of asks. Other videos may be longer, and the sample's batches are not the sweep's: take it
    for an order of magnitude.

    Args:
        videos: those that are not done.
        opened: the plan, store and models.

    Raises:
        StoreError: an index file does not hold.
        DeviceError: a model's runtime failed.
    """
    counts = Counts()
    measured: _Measured | None = None
    for chosen in choose_each(opened.plan, videos, opened.sources, threads=opened.threads):
        if chosen.failed is not None:
            raise chosen.failed
        video, choices = chosen.video, chosen.choices
        counts += count(opened.plan, video, choices)
        if measured is None:
            try:
                measured = _measure(video, distinct_asks(choices, opened.plan.config.option_orders), opened)
            except VideoError:  # the sweep itself will report it
                continue
    if measured is None:
        return Estimate(counts=counts, seconds=None, measured_asks=0, measured_video=None)
    return Estimate(
        counts=counts,
        seconds=measured.decode_s * counts.videos + measured.ask_s * counts.asks,
        measured_asks=measured.asks,
        measured_video=measured.path,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """Seconds to decode and preprocess a video, seconds per ask, and what they were measured on."""

    decode_s: float
    ask_s: float
    asks: int
    path: str


def _measure(video: PlannedVideo, asks: Mapping[AskKey, Choice], opened: OpenSweep) -> _Measured:
    started = time.perf_counter()
    frames = shown_frames(video.rows[0], asks, opened.runners, threads=opened.threads)
    decode_s = time.perf_counter() - started
    sample = _spread(asks)
    for _ in range(2):
        started = time.perf_counter()
        answers = answer_all(sample, frames, opened.runners, scorings=opened.plan.config.scoring)
        answer_s = time.perf_counter() - started
    return _Measured(decode_s=decode_s, ask_s=answer_s / len(answers), asks=len(answers), path=video.path)


def _spread(asks: Mapping[AskKey, Choice]) -> dict[AskKey, Choice]:
    """Up to `_SAMPLE` of the asks, which come with the fewest frames first."""
    keys = list(asks)
    positions = np.unique(np.linspace(0, len(keys) - 1, min(_SAMPLE, len(keys))).astype(np.int64))
    return {keys[position]: asks[keys[position]] for position in positions.tolist()}
