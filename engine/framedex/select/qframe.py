"""Frames drawn by score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from framedex.errors import UsageError
from framedex.select import arithmetic
from framedex.select.base import Input, Request, Rows, Scores
from framedex.select.fill import best_rows

_SMALLEST = 2.0**-54  # half the step of the uniforms: 0 would have no logarithm
_LEAST_TAU = 1e-6  # noise is nothing beside scores long before, and scores of 32 bits stay finite


@dataclass(frozen=True, slots=True, kw_only=True)
class QFrame:
    """Frames drawn without replacement with probability softmax(score / tau): the top of scores plus Gumbel noise.

    g = -log(-log u) for n uniforms u of the request's draw key; the k rows with the highest score / tau + g are taken, k =
    min(budget, n). The softmax's denominator is the same for all frames and is left out.

    The default tau is meant for logits, tens apart; cosines differ by hundredths, and at 0.8 their noise decides: use
    `--transform logit`, or tau=0.01.

    Args:
        tau: temperature, 1e-6 or more; small ones approach `top`.

    Source: arXiv 2506.22139 (cross-modal query retrieval, Gumbel-max trick; tau 0.8). Its ladder of resolutions
    (4 frames at half, 8 at a quarter, 32 at an eighth) is the language model's business and is not done here.
    """

    name: ClassVar[str] = "qframe"
    kind: ClassVar[Literal["keyframe"]] = "keyframe"
    needs: ClassVar[tuple[Input, ...]] = ("scores", "seed")
    wants: ClassVar[tuple[Input, ...]] = ()
    cost: ClassVar[str] = "n log n"

    tau: float = 0.8

    def __post_init__(self) -> None:
        if not self.tau >= _LEAST_TAU:
            raise UsageError(f"sampler 'qframe', tau: expected a temperature of {_LEAST_TAU:g} or more, got {self.tau}")

    def rows(self, request: Request) -> Rows:
        """Exactly min(budget, n) rows; the same for the same seed, video, question and variant."""
        scores = request.need_scores(self.name)
        return best_rows(scores / self.tau + gumbel(request.draw.uniforms(request.n)), request.take)


def gumbel(uniforms: Scores) -> Scores:
    """Standard Gumbel noise from uniforms in [0, 1) by the inverse of its distribution."""
    return -arithmetic.log(-arithmetic.log(np.maximum(uniforms, _SMALLEST)))
