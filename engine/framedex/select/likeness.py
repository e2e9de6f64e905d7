"""How alike frames are: cosines of their embeddings, and the greedy searches that are made of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framedex import _native
from framedex.contracts import Vectors
from framedex.select.base import Rows, Scores

# Products of float32 rows depend on where a row stands by about 1e-7: without this, frames that are equal would not tie.
_DECIMALS = 5
_AHEAD_MOST = 2048  # frames of a video whose pairs are all looked up at once: 32 MiB of doubles
_AHEAD_FROM = 8  # a product of many rows takes an eighth of the time of as many products of one


class Cosines:
    """Cosines of a video's frames and one of them, rounded to five decimals so that equal frames are equally near.

    By the look-up kernel, whose sums do not depend on what else is asked for: whether looked up one frame at a time, or all
    pairs at once where most will be asked for, they are the same.

    Args:
        embeddings: float32 (n, d) unit rows.
        wanted: about how many times a frame will be asked for.
    """

    def __init__(self, embeddings: Vectors, *, wanted: int) -> None:
        self._frames = np.ascontiguousarray(embeddings, np.float32)
        n = len(self._frames)
        self._all = self._looked_up(0, n, 0, n) if n <= _AHEAD_MOST and wanted * _AHEAD_FROM >= n else None

    def to(self, row: int, first: int = 0, last: int | None = None) -> Scores:
        """Cosines of frames first to last - 1, n where not given, and one: float64 (last - first,), to be read only."""
        last = len(self._frames) if last is None else last
        if self._all is not None:
            return np.asarray(self._all[row, first:last])
        return np.asarray(self._looked_up(row, row + 1, first, last)[0])

    def _looked_up(self, row: int, end: int, first: int, last: int) -> NDArray[np.float64]:
        cosines = _native.look_up([self._frames[row:end]], [self._frames[first:last]], threads=1)[0]
        assert cosines is not None
        found = np.asarray(np.round(cosines.astype(np.float64), _DECIMALS), dtype=np.float64)
        return found.reshape(end - row, last - first)


def farthest_first(cosines: Cosines, n: int, chosen: Rows, k: int) -> Rows:
    """Add to the rows chosen, one by one, the frame whose nearest chosen one is the farthest, until there are k; sorted.

    Ties go to the earlier frame.

    Args:
        cosines: of the frames.
        n: how many frames there are.
        chosen: one row or more, unique.
        k: wanted, len(chosen) <= k <= n.
    """
    rows = chosen.tolist()
    if len(rows) == k:
        return np.sort(chosen)
    nearest = np.full(n, -np.inf)
    for row in rows:
        np.maximum(nearest, cosines.to(row), out=nearest)
    nearest[chosen] = np.inf
    while len(rows) < k:
        row = int(np.argmin(nearest))
        rows.append(row)
        np.maximum(nearest, cosines.to(row), out=nearest)
        nearest[row] = np.inf
    return np.sort(np.array(rows, dtype=np.int64))


def marginal_relevance(
    relevance: Scores, likeness: NDArray[np.float64], taken: NDArray[np.bool_], share: float
) -> Scores:
    """share·relevance - (1 - share)·likeness, -inf where a frame is taken; the first of a greedy search has likeness 0."""
    gain = share * relevance - (1 - share) * likeness
    gain[taken] = -np.inf
    return gain
