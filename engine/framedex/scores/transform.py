"""From scores to a curve: the transform of every prompt's scores, and the combination of several prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from framedex.errors import UsageError
from framedex.sigmoid import sigmoid

Scores = NDArray[np.float64]
#: "cosine" leaves scores as they are, which of stored ones is whatever they are.
Transform = Literal["cosine", "logit", "prob", "minmax"]
How = Literal["mean", "max", "min", "product"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Logit:
    """An encoder's logit = scale·cosine + bias, as its manifest has them."""

    scale: float
    bias: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """How the curves of several prompts become one.

    Attributes:
        how: "mean", "max", "min" or "product", frame by frame.
        weights: one per prompt, > 0, or None for equal ones; a mean divides by their sum, in a product they are exponents.

    Raises:
        UsageError: weights that are not above 0, or with max or min, where they have no meaning.
    """

    how: How = "mean"
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.weights is None:
            return
        if self.how not in ("mean", "product"):
            raise UsageError(f"weights: expected with mean or product, got {self.how}, which has no use for them")
        if not all(0 < weight < np.inf for weight in self.weights):
            raise UsageError(f"weights: expected numbers above 0, got {', '.join(map(str, self.weights))}")

    def check(self, prompts: int) -> None:
        """Refuse more or fewer weights than prompts.

        Raises:
            UsageError: there are.
        """
        if self.weights is not None and len(self.weights) != prompts:
            raise UsageError(f"weights: expected one per prompt, {prompts}, got {len(self.weights)}")

    def of(self, curves: Sequence[Scores]) -> Scores:
        """One curve float64 (n,) of m >= 1 curves (n,); a single one as it is.

        Raises:
            UsageError: not as many weights as curves, or a product of negative scores.
        """
        self.check(len(curves))
        if len(curves) == 1:
            return curves[0]
        stacked = np.stack(curves)
        if self.how == "max":
            return np.asarray(stacked.max(axis=0))
        if self.how == "min":
            return np.asarray(stacked.min(axis=0))
        weights = np.ones(len(curves)) if self.weights is None else np.array(self.weights)
        if self.how == "mean":
            return np.asarray((weights / weights.sum()) @ stacked)
        if stacked.min() < 0:
            raise UsageError(
                f"product: expected scores of 0 or more, got {stacked.min():.3g}; transform them: prob or minmax"
            )
        return np.asarray(np.prod(stacked ** weights[:, None], axis=0))

    def label(self, prompts: int) -> str:
        """What a record adds to the transform's name: nothing for one prompt."""
        if prompts == 1:
            return ""
        weights = "" if self.weights is None else f"({','.join(f'{weight:g}' for weight in self.weights)})"
        return f"+{self.how}{weights}"


def transformed(scores: Scores, transform: Transform, logit: Logit | None) -> Scores:
    """One prompt's scores over one video, transformed.

    Args:
        scores: float64 (n,), cosines, or whatever was stored.
        transform: "cosine" leaves them; "logit" is scale·cosine + bias; "prob" its sigmoid in float64; "minmax" takes the video's
            lowest to 0 and highest to 1, a flat curve to 0.
        logit: of the encoder; None for scores that are no encoder's cosines.

    Raises:
        UsageError: logit or prob without an encoder.
    """
    if transform == "cosine":
        return scores
    if transform == "minmax":
        return minmax(scores)
    if logit is None:
        raise UsageError(needs_encoder(transform))
    logits = logit.scale * scores + logit.bias
    return logits if transform == "logit" else sigmoid(logits)


def needs_encoder(transform: Transform) -> str:
    """The sentence for a transform that stored scores cannot have."""
    return (
        f"transform {transform}: expected an encoder's cosines, got stored scores, which have no logit scale and bias; "
        "use minmax, or cosine to leave them as they are"
    )


def minmax(scores: Scores) -> Scores:
    """(x - min) / (max - min); zeros where the curve is flat."""
    low, high = scores.min(), scores.max()
    # Halves: the difference of two large scores may be no number.
    span = high / 2 - low / 2
    return (scores / 2 - low / 2) / span if span > 0 else np.zeros_like(scores)
