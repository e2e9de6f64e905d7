"""Frames of one video that the embedder has seen already, or as good as."""

from __future__ import annotations

import hashlib

import numpy as np

from framedex.contracts import Pixels

#: Most grey levels that a tolerance may be.
TOLERANCE_MAX = 32

_DIGEST_NBYTES = 16


class Repeats:
    """Tells which frames of one pass repeat an earlier one.

    Args:
        tolerance: 0 for equal pixels only; else a frame is also a repeat where no number of its pixels differs by more grey
            levels from the last frame that was none.
    """

    def __init__(self, *, tolerance: int) -> None:
        self._tolerance = tolerance
        self._rows: dict[bytes, int] = {}
        self._seen = 0
        self._last: Pixels | None = None
        self._last_row = 0

    def row_of(self, frame: Pixels) -> int | None:
        """Take the next frame, uint8 (H, W, 3): the number of the earlier frame that it repeats, or None where it is new."""
        row, self._seen = self._seen, self._seen + 1
        digest = hashlib.blake2b(np.ascontiguousarray(frame).data, digest_size=_DIGEST_NBYTES).digest()
        earlier = self._rows.get(digest)
        if earlier is None and self._last is not None and _spread(frame, self._last) <= self._tolerance:
            earlier = self._last_row
        if earlier is not None:
            return earlier
        self._rows[digest] = row
        if self._tolerance:
            self._last, self._last_row = frame.copy(), row
        return None


def _spread(one: Pixels, other: Pixels) -> int:
    return int((np.maximum(one, other) - np.minimum(one, other)).max())
