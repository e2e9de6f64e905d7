"""A cache of arrays with a bound in bytes: what was used least recently makes room."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

#: What a graph gives of one frame or one text, one array for each of its outputs.
Arrays = tuple[NDArray[Any], ...]

K = TypeVar("K", bound=Hashable)


class ArrayCache(Generic[K]):
    """Arrays by key, `capacity_nbytes` in all at any time.

    Args:
        capacity_nbytes: >= 0; with 0 nothing is kept.
    """

    def __init__(self, capacity_nbytes: int) -> None:
        self.capacity_nbytes = capacity_nbytes
        self._entries: OrderedDict[K, Arrays] = OrderedDict()
        self._nbytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def nbytes(self) -> int:
        """Of all arrays that are kept."""
        return self._nbytes

    def get(self, key: K) -> Arrays | None:
        """The arrays of `key`, which are the most recently used from now on; None where they are not kept."""
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
        return found

    def put(self, key: K, arrays: Arrays) -> None:
        """Keep arrays, and drop what was used least recently until the bound holds; too large for the bound, they are not kept.

        The arrays have to own their memory: a view would keep the whole of it, uncounted.
        """
        assert all(array.base is None for array in arrays), "views are not kept"
        nbytes = _nbytes(arrays)
        if nbytes > self.capacity_nbytes:
            return
        self._nbytes -= _nbytes(self._entries.pop(key, ()))
        while self._nbytes + nbytes > self.capacity_nbytes:
            self._nbytes -= _nbytes(self._entries.popitem(last=False)[1])
        for array in arrays:
            array.setflags(write=False)
        self._entries[key] = arrays
        self._nbytes += nbytes

    def clear(self) -> None:
        """Drop everything."""
        self._entries.clear()
        self._nbytes = 0


def own(array: NDArray[Any]) -> NDArray[Any]:
    """A contiguous copy that owns its memory."""
    return np.array(array, order="C", copy=True)


def _nbytes(arrays: Arrays) -> int:
    return sum(array.nbytes for array in arrays)
