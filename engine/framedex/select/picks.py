"""Picks: the rows of many selections as two arrays, and what is read from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from framedex.select.base import Sampler

T = TypeVar("T", bound=np.generic)

#: What counts selections, the slowest first: a selection's number is its place in this order.
AXES = ("video", "prompt", "sampler", "budget", "seed")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picks:
    """Every video × prompt × sampler × budget × seed, in this order, the last varying fastest.

    Selection i is `values[offsets[i]:offsets[i + 1]]`. Those of a video, of a prompt, and of a prompt and sampler are each in a
    row. `values` and `offsets` are what Arrow makes a list column of without a copy: `pyarrow.LargeListArray.from_arrays(
    picks.offsets, picks.values)`.

    Attributes:
        values: int32 (sum of all selections' lengths,), rows of the selection's video, strictly increasing within a selection.
        offsets: int64 (selections + 1,), from 0.
        shapes: int64 (videos, 2), the number of prompts and of frames of each video.
        samplers: in order.
        budgets: in order.
        seeds: in order.
    """

    values: NDArray[np.int32]
    offsets: NDArray[np.int64]
    shapes: NDArray[np.int64]
    samplers: tuple[Sampler, ...]
    budgets: tuple[int, ...]
    seeds: tuple[int, ...]
    _firsts: NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        firsts = np.concatenate([np.zeros(1, np.int64), np.cumsum(self.shapes[:, 0] * self.per_prompt)])
        object.__setattr__(self, "_firsts", firsts)
        if len(self.offsets) != firsts[-1] + 1 or self.offsets[-1] != len(self.values):
            raise ValueError(
                f"[Picks] expected {firsts[-1] + 1} offsets that end with {len(self.values)}, got {len(self.offsets)} "
                f"that end with {self.offsets[-1:]}"
            )
        for array in (self.values, self.offsets, self.shapes):
            array.setflags(write=False)

    def __len__(self) -> int:
        """Number of selections."""
        return len(self.offsets) - 1

    @property
    def per_prompt(self) -> int:
        """Selections of one prompt: samplers × budgets × seeds."""
        return len(self.samplers) * len(self.budgets) * len(self.seeds)

    def number(self, video: int, prompt: int = 0, sampler: int = 0, budget: int = 0, seed: int = 0) -> int:
        """A selection's number; all five are positions.

        Raises:
            IndexError: a position that there is not.
        """
        prompts = int(self.shapes[video, 0]) if 0 <= video < len(self.shapes) else 0
        extents = (len(self.shapes), prompts, len(self.samplers), len(self.budgets), len(self.seeds))
        for name, at, extent in zip(AXES, (video, prompt, sampler, budget, seed), extents, strict=True):
            if not 0 <= at < extent:
                raise IndexError(f"[Picks] {name} {at}: expected 0 to {extent - 1}")
        within = ((prompt * extents[2] + sampler) * extents[3] + budget) * extents[4] + seed
        return int(self._firsts[video]) + within

    def rows(self, video: int, prompt: int = 0, sampler: int = 0, budget: int = 0, seed: int = 0) -> NDArray[np.int32]:
        """The rows of one selection, a view; all five are positions.

        Raises:
            IndexError: a position that there is not.
        """
        number = self.number(video, prompt, sampler, budget, seed)
        return self.values[self.offsets[number] : self.offsets[number + 1]]

    def counts(self) -> NDArray[np.int64]:
        """How many rows each selection has: int64 (selections,)."""
        return np.diff(self.offsets)

    def positions(self) -> dict[str, NDArray[np.int32]]:
        """Of every selection its position on each of `AXES`: int32 (selections,) each, as an Arrow dictionary's indices are."""
        prompts = self.shapes[:, 0]
        curves = int(prompts.sum())
        first = np.repeat(np.cumsum(prompts) - prompts, prompts)
        by_prompt = {"video": np.repeat(np.arange(len(prompts)), prompts), "prompt": np.arange(curves) - first}
        found = {name: np.repeat(each, self.per_prompt).astype(np.int32) for name, each in by_prompt.items()}
        extents = (len(self.samplers), len(self.budgets), len(self.seeds))
        for name, each in zip(AXES[2:], np.indices(extents, np.int32), strict=True):
            found[name] = np.tile(each.ravel(), curves)
        return found

    def video(self, video: int) -> Picks:
        """Those of one video; `values` is a view.

        Raises:
            IndexError: there is no such video.
        """
        if not 0 <= video < len(self.shapes):
            raise IndexError(f"[Picks] video {video}: expected 0 to {len(self.shapes) - 1}")
        offsets = self.offsets[self._firsts[video] : self._firsts[video + 1] + 1]
        return Picks(
            values=self.values[offsets[0] : offsets[-1]],
            offsets=offsets - offsets[0],
            shapes=self.shapes[video : video + 1],
            samplers=self.samplers,
            budgets=self.budgets,
            seeds=self.seeds,
        )

    def of_frames(self, frames: Sequence[NDArray[T]]) -> NDArray[T]:
        """What every row taken has of something that frames have, such as `pts_us`: one number for each of `values`.

        Args:
            frames: of each video, (n,), of one dtype.
        """
        ends = self.offsets[self._firsts]
        parts = [
            np.asarray(each)[self.values[first:last]]
            for each, first, last in zip(frames, ends[:-1].tolist(), ends[1:].tolist(), strict=True)
        ]
        return np.concatenate(parts) if parts else cast(NDArray[T], np.zeros(0))

    def of_scores(self, scores: Sequence[NDArray[T]]) -> NDArray[T]:
        """What every row taken has of something that prompts have of frames, such as scores: one for each of `values`.

        Args:
            scores: of each video, (m, n), of one dtype.
        """
        parts = []
        for video, (each, (m, n)) in enumerate(zip(scores, self.shapes.tolist(), strict=True)):
            ends = self.offsets[self._firsts[video] : self._firsts[video + 1] + 1 : self.per_prompt]
            prompts = np.repeat(np.arange(m), np.diff(ends))
            parts.append(np.asarray(each).reshape(m * n)[prompts * n + self.values[ends[0] : ends[-1]]])
        return np.concatenate(parts) if parts else cast(NDArray[T], np.zeros(0))


def beside_each_other(parts: Sequence[tuple[Sequence[int], Picks]], samplers: tuple[Sampler, ...]) -> Picks:
    """The picks of some samplers and of others over the same videos, budgets and seeds as those of all.

    Args:
        parts: picks with the positions of their samplers among all.
        samplers: all.
    """
    first = parts[0][1]
    per_sampler = len(first.budgets) * len(first.seeds)
    curves = int(first.shapes[:, 0].sum())
    counts = np.zeros((curves, len(samplers), per_sampler), np.int64)
    for positions, picks in parts:
        counts[:, positions] = picks.counts().reshape(curves, len(positions), per_sampler)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    values = np.empty(offsets[-1], np.int32)
    starts = offsets[:-1].reshape(counts.shape)
    for positions, picks in parts:
        moved = starts[:, positions].ravel() - picks.offsets[:-1]
        values[np.arange(len(picks.values)) + np.repeat(moved, picks.counts())] = picks.values
    return Picks(
        values=values,
        offsets=offsets,
        shapes=first.shapes,
        samplers=samplers,
        budgets=first.budgets,
        seeds=first.seeds,
    )
