"""Vectors of one video as they come."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Vectors

_ROWS = 1024


class Stack:
    """Numbered vectors, written in any order, in one array that grows: the system moves a large one without copying it.

    They are kept in single precision: FAISS rounds a tie between two halves otherwise than NumPy does.

    Args:
        dim: of the vectors.
    """

    def __init__(self, *, dim: int) -> None:
        self._vectors: Vectors = np.empty((_ROWS, dim), np.float32)
        self._rows = 0

    def put(self, number: int, vector: NDArray[np.floating]) -> None:
        """Keep the vector with a number: 0, 1, 2 and so on."""
        if number >= len(self._vectors):
            # A little at a time, for new room is written with zeros. Nobody holds a view of the array before the last `take`.
            self._vectors.resize((number + _ROWS, self._vectors.shape[1]), refcheck=False)
        self._vectors[number] = vector
        self._rows = max(self._rows, number + 1)

    def take(self, numbers: Sequence[int] | NDArray[np.int64], *, last: bool = False) -> Vectors:
        """The vectors of these numbers, float32 (n, dim): a copy, but for the last take, which may give away what is kept."""
        asked = np.asarray(numbers, dtype=np.int64)
        if last:
            kept, self._vectors = self._vectors, np.empty((0, self._vectors.shape[1]), np.float32)
            return kept[: self._rows] if np.array_equal(asked, np.arange(self._rows)) else kept[asked]
        return self._vectors[asked]
