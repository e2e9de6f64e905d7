"""One frame of every scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Vectors
from framedex.errors import UsageError
from framedex.select.base import Input, Request, Rows
from framedex.select.fill import by_quotient
from framedex.select.together import by_budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The middle of every scene, the longest scenes first; what is left of the budget is shared by length.

    A scene begins where a frame is unlike the one before: one minus their cosine exceeds its mean over the video by more than
    `sigmas` standard deviations. A scene lasts until the next begins; the last one a frame interval beyond its last frame.
    Each scene gets one frame, the longest first; then the scene with the largest duration / (frames + 1) gets another, as
    long as it has any. A scene's frames are the centres of as many equal segments of it. Ties go to the earlier scene.

    Args:
        sigmas: standard deviations above the mean that make a cut, >= 0.

    Source: cut detection by an adaptive threshold is folklore; the rule and its default are ours.
    """

    name: ClassVar[str] = "scene"
    kind: ClassVar[Literal["keyframe"]] = "keyframe"
    needs: ClassVar[tuple[Input, ...]] = ("embeddings",)
    wants: ClassVar[tuple[Input, ...]] = ()
    cost: ClassVar[str] = "n·d + k log k"

    sigmas: float = 2.0

    def __post_init__(self) -> None:
        if self.sigmas < 0:
            raise UsageError(f"sampler 'scene', sigmas: expected 0 or more, got {self.sigmas}")

    def rows(self, request: Request) -> Rows:
        """Exactly min(budget, n) rows."""
        return self.rows_of_video([request])[0]

    def rows_of_video(self, requests: Sequence[Request]) -> list[Rows]:
        """As `rows`; scenes are found once, and shared out once for each budget."""
        starts = scene_starts(requests[0].need_embeddings(self.name), self.sigmas)
        times = requests[0].pts_us
        sizes = np.diff(starts, append=len(times))
        end_us = 2 * times[-1] - times[-2] if len(times) > 1 else times[-1] + 1
        durations = np.diff(times[starts], append=end_us).astype(np.float64)
        return by_budget(requests, lambda request: _middles(starts, sizes, by_quotient(durations, sizes, request.take)))


def scene_starts(embeddings: Vectors, sigmas: float) -> Rows:
    """First rows of the scenes, 0 among them."""
    cosines = np.einsum("nd,nd->n", embeddings[1:], embeddings[:-1]).astype(np.float64)
    change = np.round(1 - cosines, 5)
    if not len(change):
        return np.zeros(1, dtype=np.int64)
    # Equal steps have a deviation of a rounding, which one of them might exceed.
    cuts = change > change.mean() + sigmas * change.std() + 1e-9
    return np.concatenate([[0], 1 + np.flatnonzero(cuts)]).astype(np.int64)


def _middles(starts: Rows, sizes: NDArray[np.int64], counts: NDArray[np.int64]) -> Rows:
    """Of every scene the centres of so many equal segments."""
    scene = np.repeat(np.arange(len(starts)), counts)
    within = np.arange(len(scene)) - (np.cumsum(counts) - counts)[scene]
    return np.asarray(starts[scene] + (2 * within + 1) * sizes[scene] // (2 * counts[scene]))
