"""Samplers that look at no score: uniform and random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from framedex.select.base import Request, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniform:
    """Centres of `budget` equal segments of the index: row ⌊(2i + 1)·n / 2k⌋, k = min(budget, n).

    Source: the usual baseline of video MLLM loaders, in its segment-centre form (others take both ends by linspace).
    """

    name: ClassVar[str] = "uniform"
    kind: ClassVar[Literal["keyframe"]] = "keyframe"

    def rows(self, request: Request) -> Rows:
        """Exactly min(budget, n) rows."""
        centres = 2 * np.arange(request.take, dtype=np.int64) + 1
        return centres * request.n // (2 * request.take)


@dataclass(frozen=True, slots=True, kw_only=True)
class Random:
    """Frames drawn without replacement: the k rows with the smallest of n uniforms of the request's draw key."""

    name: ClassVar[str] = "random"
    kind: ClassVar[Literal["keyframe"]] = "keyframe"

    def rows(self, request: Request) -> Rows:
        """Exactly min(budget, n) rows; the same for the same seed, video, question and variant."""
        order = np.argsort(request.draw.uniforms(request.n), kind="stable")
        return np.sort(order[: request.take])
