"""Samplers that look at no score: uniform in its two forms, and random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from framedex.select.base import Input, Request, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniform:
    """Centres of `budget` equal segments of the index: row ⌊(2i + 1)·n / 2k⌋, k = min(budget, n).

    Source: the usual baseline of video MLLM loaders, in its segment-centre form (others take both ends by linspace).
    """

    name: ClassVar[str] = "uniform"
    kind: ClassVar[Literal["keyframe"]] = "keyframe"
    needs: ClassVar[tuple[Input, ...]] = ()
    wants: ClassVar[tuple[Input, ...]] = ()
    cost: ClassVar[str] = "k"

    def rows(self, request: Request) -> Rows:
        """Exactly min(budget, n) rows."""
        centres = 2 * np.arange(request.take, dtype=np.int64) + 1
        return centres * request.n // (2 * request.take)


@dataclass(frozen=True, slots=True, kw_only=True)
class UniformEnds:
    """Even steps from the first frame to the last, both taken: row ⌊i·(n - 1) / (k - 1)⌋, k = min(budget, n).

    A budget of one frame gives the first, as linspace does. Steps are whole-number arithmetic: where floating point would
    fall just short of a whole row, the loaders below take the frame before.

    Source: `linspace(0, n - 1, k)` cut to whole numbers, as in the video loaders of LLaVA-NeXT and others.
    """

    name: ClassVar[str] = "uniform-ends"
    kind: ClassVar[Literal["keyframe"]] = "keyframe"
    needs: ClassVar[tuple[Input, ...]] = ()
    wants: ClassVar[tuple[Input, ...]] = ()
    cost: ClassVar[str] = "k"

    def rows(self, request: Request) -> Rows:
        """Exactly min(budget, n) rows."""
        steps = np.arange(request.take, dtype=np.int64)
        return steps * (request.n - 1) // max(request.take - 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Random:
    """Frames drawn without replacement: the k rows with the smallest of n uniforms of the request's draw key.

    Source: the usual baseline.
    """

    name: ClassVar[str] = "random"
    kind: ClassVar[Literal["keyframe"]] = "keyframe"
    needs: ClassVar[tuple[Input, ...]] = ("seed",)
    wants: ClassVar[tuple[Input, ...]] = ()
    cost: ClassVar[str] = "n log n"

    def rows(self, request: Request) -> Rows:
        """Exactly min(budget, n) rows; the same for the same seed, video, question and variant."""
        order = np.argsort(request.draw.uniforms(request.n), kind="stable")
        return np.sort(order[: request.take])
