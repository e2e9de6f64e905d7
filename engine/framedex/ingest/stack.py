"""Vectors as they come, kept as they will be stored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Vectors
from framedex.index.faiss_file import Dtype

_CHUNK = 1024


class Stack:
    """Numbered vectors of one video, written in any order, in chunks: growing copies nothing.

    Args:
        dim: of the vectors.
        dtype: "f16" rounds each number to the nearest half, as the store would.
    """

    def __init__(self, *, dim: int, dtype: Dtype) -> None:
        self._dim = dim
        self._dtype: type[np.float16 | np.float32] = np.float16 if dtype == "f16" else np.float32
        self._chunks: list[NDArray[np.floating]] = []

    def put(self, number: int, vector: NDArray[np.floating]) -> None:
        """Keep the vector with a number: 0, 1, 2 and so on."""
        chunk, row = divmod(number, _CHUNK)
        while chunk >= len(self._chunks):
            self._chunks.append(np.empty((_CHUNK, self._dim), self._dtype))
        self._chunks[chunk][row] = vector

    def take(self, numbers: Sequence[int] | NDArray[np.int64]) -> Vectors:
        """The vectors of these numbers: float32 (n, dim)."""
        chunks, rows = np.divmod(np.asarray(numbers, dtype=np.int64), _CHUNK)
        taken = np.empty((len(rows), self._dim), np.float32)
        for number in np.unique(chunks).tolist():
            of_chunk = chunks == number
            taken[of_chunk] = self._chunks[number][rows[of_chunk]]
        return taken
