"""How alike frames are: cosines of their embeddings, and the greedy searches that are made of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framedex import _native
from framedex.contracts import Vectors
from framedex.select.base import Rows, Scores

# Products of float32 rows depend on where a row stands by about 1e-7: without this, frames that are equal would not tie.
_DECIMALS = 5


def cosines_to(embeddings: Vectors, row: int) -> Scores:
    """Cosines of every frame and one of them: float64 (n,), rounded to five decimals so that equal frames are equally near.

    By the look-up kernel, whose sums do not depend on what else is asked for: in one call for many searches they are the same.
    """
    frames = np.ascontiguousarray(embeddings, np.float32)
    cosines = _native.look_up([frames[row : row + 1]], [frames], threads=1)[0]
    assert cosines is not None
    return np.asarray(np.round(cosines.astype(np.float64), _DECIMALS))


def farthest_first(embeddings: Vectors, chosen: Rows, k: int) -> Rows:
    """Add to the rows chosen, one by one, the frame whose nearest chosen one is the farthest, until there are k; sorted.

    Ties go to the earlier frame.

    Args:
        embeddings: float32 (n, d) unit rows.
        chosen: one row or more, unique.
        k: wanted, len(chosen) <= k <= n.
    """
    nearest = np.full(len(embeddings), -np.inf)
    for row in chosen.tolist():
        np.maximum(nearest, cosines_to(embeddings, row), out=nearest)
    nearest[chosen] = np.inf
    rows = chosen.tolist()
    while len(rows) < k:
        row = int(np.argmin(nearest))
        rows.append(row)
        np.maximum(nearest, cosines_to(embeddings, row), out=nearest)
        nearest[row] = np.inf
    return np.sort(np.array(rows, dtype=np.int64))


def marginal_relevance(
    relevance: Scores, likeness: NDArray[np.float64], taken: NDArray[np.bool_], share: float
) -> Scores:
    """share·relevance - (1 - share)·likeness, -inf where a frame is taken; the first of a greedy search has likeness 0."""
    gain = share * relevance - (1 - share) * likeness
    gain[taken] = -np.inf
    return gain
