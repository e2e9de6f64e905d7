"""The logistic function, which makes probabilities of logits."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

AnyFloat = TypeVar("AnyFloat", np.float32, np.float64)


def sigmoid(logits: NDArray[AnyFloat]) -> NDArray[AnyFloat]:
    """1 / (1 + exp(-x)) in the type that is given: it overflows nowhere, and keeps its last digits for strongly negative x."""
    small = np.exp(-np.abs(logits))
    values: NDArray[AnyFloat] = np.where(logits >= 0, 1, small) / (1 + small)
    return values
