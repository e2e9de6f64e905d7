"""Colours of a video that were converted to RGB as if they were BT.601's, put right.

Some decoders use one matrix for every video. What another one would have given is a linear function of what theirs gave, as far
as that was not clipped.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

#: Luma of red and of blue by MatrixCoefficients (ISO/IEC 23091-2 table 4); 2 is "unspecified", which FFmpeg takes for BT.601.
_LUMA: Final[dict[int, tuple[float, float]]] = {
    1: (0.2126, 0.0722),  # BT.709
    2: (0.299, 0.114),
    4: (0.30, 0.11),  # FCC
    5: (0.299, 0.114),  # BT.470 B/G
    6: (0.299, 0.114),  # BT.601
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020, not constant luminance
}
_BT601: Final = 6


def from_bt601(matrix: int) -> NDArray[np.float64] | None:
    """What turns RGB made by BT.601 into RGB made by a video's own matrix: float64 (3, 3), to be multiplied from the left.

    Args:
        matrix: the video's MatrixCoefficients.

    Returns:
        None where nothing is to be done.

    Raises:
        KeyError: a matrix that is none of luma and two differences.
    """
    if _LUMA[matrix] == _LUMA[_BT601]:
        return None
    changed: NDArray[np.float64] = np.linalg.inv(_to_ycbcr(matrix)) @ _to_ycbcr(_BT601)
    return changed


def _to_ycbcr(matrix: int) -> NDArray[np.float64]:
    """RGB to Y'CbCr (ISO/IEC 23091-2 equations 8 to 10)."""
    red, blue = _LUMA[matrix]
    luma = np.array([red, 1 - red - blue, blue])
    difference_blue = (np.array([0, 0, 1]) - luma) / (2 * (1 - blue))
    difference_red = (np.array([1, 0, 0]) - luma) / (2 * (1 - red))
    return np.stack([luma, difference_blue, difference_red])
