"""Vectors of one video as they come."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Vectors

_CHUNK = 1024


class Stack:
    """Numbered vectors, written in any order, in chunks: growing copies nothing.

    They are kept in single precision: FAISS rounds a tie between two halves otherwise than NumPy does.

    Args:
        dim: of the vectors.
    """

    def __init__(self, *, dim: int) -> None:
        self._dim = dim
        self._chunks: list[Vectors | None] = []

    def put(self, number: int, vector: NDArray[np.floating]) -> None:
        """Keep the vector with a number: 0, 1, 2 and so on."""
        chunk, row = divmod(number, _CHUNK)
        while chunk >= len(self._chunks):
            self._chunks.append(np.empty((_CHUNK, self._dim), np.float32))
        kept = self._chunks[chunk]
        assert kept is not None, "put after the last take"
        kept[row] = vector

    def take(self, numbers: Sequence[int] | NDArray[np.int64], *, last: bool = False) -> Vectors:
        """The vectors of these numbers, float32 (n, dim); the last take frees what it has copied as it goes."""
        chunks, rows = np.divmod(np.asarray(numbers, dtype=np.int64), _CHUNK)
        taken = np.empty((len(rows), self._dim), np.float32)
        for number, chunk in enumerate(self._chunks):
            assert chunk is not None, "take after the last take"
            places = np.flatnonzero(chunks == number)
            taken[places] = chunk[rows[places]]
            if last:
                self._chunks[number] = None
        return taken
