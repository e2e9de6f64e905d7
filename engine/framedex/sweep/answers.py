"""A video's distinct asks, put to every model in every way of scoring."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from framedex.index import Row
from framedex.mllm.base import Answer, Answered, Ask, PreparedFrames, Runner, Scoring
from framedex.sweep.asks import AskKey
from framedex.sweep.choose import Choice
from framedex.sweep.frames import prepared_frames

#: (MLLM key, scoring, what was asked) → answer, options in the order in which they were listed.
Answers = dict[tuple[str, Scoring, AskKey], Answer]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShownFrames:
    """All frames of a video that some ask shows.

    Attributes:
        rows: int64 (k,), sorted unique index rows.
        prepared: the frames of those rows for each runner; None where it is shown none.
    """

    rows: NDArray[np.int64]
    prepared: tuple[PreparedFrames | None, ...]


def shown_frames(
    row: Row,
    asks: Mapping[AskKey, Choice],
    runners: Sequence[Runner],
    *,
    scorings: Sequence[Scoring],
    threads: int,
    but: Collection[tuple[str, Scoring, AskKey]] = (),
) -> ShownFrames:
    """Decode a video once and preprocess every frame that is asked about, for each runner that is asked about some.

    Args:
        row: of the video.
        asks: of that video.
        runners: the models.
        scorings: ways of scoring.
        threads: decoding threads.
        but: what is not put to them.

    Raises:
        VideoError: the video cannot be decoded any more as it was when it was indexed.
    """
    shown = {at: pts for choice in asks.values() for at, pts in zip(choice.rows, choice.pts_us, strict=True)}
    rows = np.array(sorted(shown), dtype=np.int64)
    sees = [any(asks[key].rows for key, _ in _left(runner, asks, scorings, but)) for runner in runners]
    if not any(sees):
        return ShownFrames(rows=rows, prepared=(None,) * len(runners))
    pts_us = np.array([shown[at] for at in rows.tolist()], dtype=np.int64)
    prepared = iter(prepared_frames(row, pts_us, list(compress(runners, sees)), threads=threads))
    return ShownFrames(rows=rows, prepared=tuple(next(prepared) if each else None for each in sees))


def answer_all(
    asks: Mapping[AskKey, Choice],
    frames: ShownFrames,
    runners: Sequence[Runner],
    *,
    scorings: Sequence[Scoring],
    but: Collection[tuple[str, Scoring, AskKey]] = (),
    answered: Callable[[Answers], None] | None = None,
) -> Answers:
    """Put every ask to every model in every way of scoring.

    Args:
        asks: of one video, in the order in which they are put to the models.
        frames: of that video, for these runners; all that the asks show.
        runners: the models.
        scorings: ways of scoring.
        but: what is not put to them.
        answered: called with answers as they are found; each comes once.

    Raises:
        DeviceError: a model's runtime failed.
    """
    answers: Answers = {}
    for runner, prepared in zip(runners, frames.prepared, strict=True):
        # In one call, all ways of scoring side by side: what an ask shares with the next is worked out once.
        keys = list(_left(runner, asks, scorings, but))
        given = runner.answer(
            list(_asks(keys, asks, prepared, frames.rows)),
            answered=None if answered is None else _named(runner.key, keys, answered),
        )
        answers.update(((runner.key, scoring, key), answer) for (key, scoring), answer in zip(keys, given, strict=True))
    return answers


def _left(
    runner: Runner,
    asks: Mapping[AskKey, Choice],
    scorings: Sequence[Scoring],
    but: Collection[tuple[str, Scoring, AskKey]],
) -> Iterator[tuple[AskKey, Scoring]]:
    """What is put to a model."""
    return ((key, scoring) for key in asks for scoring in scorings if (runner.key, scoring, key) not in but)


def _named(mllm_key: str, keys: Sequence[tuple[AskKey, Scoring]], answered: Callable[[Answers], None]) -> Answered:
    """Tell a model's answers by what was asked."""
    return lambda part: answered({(mllm_key, keys[row][1], keys[row][0]): answer for row, answer in part.items()})


def _asks(
    keys: Sequence[tuple[AskKey, Scoring]],
    asks: Mapping[AskKey, Choice],
    prepared: PreparedFrames | None,
    rows: NDArray[np.int64],
) -> Iterator[Ask]:
    taken: dict[str, PreparedFrames | None] = {"": None}
    for key, scoring in keys:
        choice = asks[key]
        if key.frame_set_id not in taken:
            assert prepared is not None
            taken[key.frame_set_id] = prepared.take(np.searchsorted(rows, np.array(choice.rows)))
        asked = choice.question.asked
        yield Ask(
            frames=taken[key.frame_set_id],
            question=asked.question,
            options=tuple(asked.options[index] for index in key.order),
            scoring=scoring,
        )
