"""Times in seconds that others give, and the frames of an index that they mean."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Pts

#: A time in seconds may be off by so much from a frame without neighbours: it is written with three decimals.
ROUNDING_US: Final = 1_000


def nearest(wanted_us: NDArray[np.float64], indexed_us: Pts) -> NDArray[np.int64]:
    """Rows of the nearest frames; of two equally near ones the earlier."""
    right = np.clip(np.searchsorted(indexed_us, wanted_us), 1, max(len(indexed_us) - 1, 1))
    left = right - 1
    right = np.minimum(right, len(indexed_us) - 1)
    return np.where(wanted_us - indexed_us[left] <= indexed_us[right] - wanted_us, left, right)


def reach_us(wanted_us: NDArray[np.float64], rows: NDArray[np.int64], indexed_us: Pts) -> NDArray[np.float64]:
    """How far each time may be off its nearest frame: half the distance from there to the next frame on that side.

    Before the first frame and after the last one it is the distance on the other side.
    """
    if len(indexed_us) == 1:
        return np.full(len(rows), float(ROUNDING_US))
    distances = np.diff(indexed_us)
    after = np.minimum(rows, len(distances) - 1)
    before = np.maximum(rows - 1, 0)
    return np.maximum(distances[np.where(wanted_us >= indexed_us[rows], after, before)] / 2, ROUNDING_US)
