"""Selections as records, with all that they depend on: columns for files, objects for people and programs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from framedex.keys import canonical_json
from framedex.select.base import Sampler
from framedex.select.picks import Picks
from framedex.select.scored import Scored

_TEXTS = ("video_key", "question_id", "variant", "encoder_key", "grid", "transform", "sampler", "params")

#: The columns of a file of selections; `scores` is null where a selection comes without any.
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in _TEXTS),
        ("budget", pa.int32()),
        ("seed", pa.int64()),
        ("rows", pa.list_(pa.int32())),
        ("pts_us", pa.list_(pa.int64())),
        ("scores", pa.list_(pa.float32())),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionRecord:
    """One selection with all that it depends on.

    Attributes:
        variant: prompt variant; "question" where the question itself is the prompt.
        encoder_key: whose vectors gave the scores, or the key of the set of scores.
        transform: of the scores; "cosine" and "raw" are none.
        params: the sampler's parameters as canonical JSON.
        rows: index rows, sorted.
        pts_us: their timestamps, microseconds.
        scores: their scores.
        times_s: seconds from the video's first frame; not written to Parquet, where `pts_us` is the truth.
        scored: frames that had a score, of which these were taken; not written to Parquet.
        frames: of the index; likewise.
    """

    video_key: str
    question_id: str
    variant: str
    encoder_key: str
    grid: str
    transform: str
    sampler: str
    params: str
    budget: int
    seed: int
    rows: tuple[int, ...]
    pts_us: tuple[int, ...]
    scores: tuple[float, ...]
    times_s: tuple[float, ...]
    scored: int
    frames: int

    def as_dict(self) -> dict[str, Any]:
        """All fields, for JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selections:
    """The selections of some videos: what was picked of what.

    Attributes:
        encoder_key: of the source of the scores.
        scored: the videos, in the order of `picks`.
        picks: what was taken.
    """

    encoder_key: str
    scored: tuple[Scored, ...]
    picks: Picks

    def __len__(self) -> int:
        """Number of selections."""
        return len(self.picks)

    def table(self) -> pa.Table:
        """One row a selection, in the columns of `SCHEMA`, texts as dictionaries; no object is made for a selection."""
        at, picks = self.picks.positions(), self.picks
        first = (
            np.concatenate([[0], np.cumsum(picks.shapes[:, 0])[:-1]]) if len(picks.shapes) else np.zeros(0, np.int64)
        )
        curve = first[at["video"]] + at["prompt"]
        asked = [(each, video) for video in self.scored for each in video.asked]
        texts = {
            "video_key": _texts([video.row.video_key for _, video in asked], curve),
            "question_id": _texts([each.question.id for each, _ in asked], curve),
            "variant": _texts([each.variant for each, _ in asked], curve),
            "encoder_key": _texts([self.encoder_key], np.zeros(len(curve), np.int64)),
            "grid": _texts([video.row.grid for _, video in asked], curve),
            "transform": _texts([name for video in self.scored for name in video.transforms], curve),
            "sampler": _texts([sampler.name for sampler in picks.samplers], at["sampler"]),
            "params": _texts([params_of(sampler) for sampler in picks.samplers], at["sampler"]),
        }
        offsets = _numbers(pa.int32(), picks.offsets)
        lists = {
            "rows": _numbers(pa.int32(), picks.of_frames([video.rows for video in self.scored])),
            "pts_us": _numbers(pa.int64(), picks.of_frames([video.pts_us for video in self.scored])),
            "scores": _numbers(pa.float32(), picks.of_scores([video.scores for video in self.scored])),
        }
        return pa.table(
            {
                **texts,
                "budget": _numbers(pa.int32(), np.array(picks.budgets)[at["budget"]]),
                "seed": _numbers(pa.int64(), np.array(picks.seeds)[at["seed"]]),
                **{name: pa.ListArray.from_arrays(offsets, each) for name, each in lists.items()},
            }
        )

    def records(self) -> Iterator[SelectionRecord]:
        """One object a selection, in order."""
        params = [params_of(sampler) for sampler in self.picks.samplers]
        for number, video in enumerate(self.scored):
            times_s = video.times_s
            for (prompt, asked), (which, sampler), (by_budget, budget), (by_seed, seed) in product(
                enumerate(video.asked),
                enumerate(self.picks.samplers),
                enumerate(self.picks.budgets),
                enumerate(self.picks.seeds),
            ):
                rows = self.picks.rows(number, prompt, which, by_budget, by_seed)
                yield SelectionRecord(
                    video_key=video.row.video_key,
                    question_id=asked.question.id,
                    variant=asked.variant,
                    encoder_key=self.encoder_key,
                    grid=video.row.grid,
                    transform=video.transforms[prompt],
                    sampler=sampler.name,
                    params=params[which],
                    budget=budget,
                    seed=seed,
                    rows=tuple(video.rows[rows].tolist()),
                    pts_us=tuple(video.pts_us[rows].tolist()),
                    scores=tuple(video.scores[prompt][rows].tolist()),
                    times_s=tuple(times_s[rows].tolist()),
                    scored=len(video.rows),
                    frames=video.row.count,
                )


def params_of(sampler: Sampler) -> str:
    """A sampler's parameters as canonical JSON."""
    return canonical_json(dataclasses.asdict(sampler))  # type: ignore[call-overload]


def _texts(values: Sequence[str], indices: NDArray[Any]) -> pa.DictionaryArray:
    """`values[indices]` as a column in which every text stands once."""
    places: dict[str, int] = {}
    number = np.array([places.setdefault(value, len(places)) for value in values], np.int32)
    written = [text.encode() for text in places]
    ends = np.cumsum([0, *map(len, written)], dtype=np.int32)
    each = pa.StringArray.from_buffers(len(written), pa.py_buffer(ends), pa.py_buffer(b"".join(written)))
    return pa.DictionaryArray.from_arrays(_numbers(pa.int32(), number[indices]), each)


# Columns are made of their buffers: `pa.array` imports pandas first, where that is installed, which takes half a second.


def _numbers(kind: pa.DataType, values: NDArray[Any]) -> pa.Array:
    """Numbers as a column, without a copy where they are of its type."""
    column = np.ascontiguousarray(values, kind.to_pandas_dtype())
    return pa.Array.from_buffers(kind, len(column), [None, pa.py_buffer(column)])
