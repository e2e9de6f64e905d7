"""How a stored picture is turned to be shown: one of the eight ways to turn and mirror a rectangle.

Source: ISO/IEC 14496-12, 6.2.2: a display matrix takes a stored point (x, y), y downwards, to (a·x + c·y, b·x + d·y).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Pixels

_ROTATION_DEG = {
    (False, False, False): 0,
    (True, False, True): 90,
    (False, True, True): 180,
    (True, True, False): 270,
    # Mirrored left to right first, then rotated.
    (False, True, False): 0,
    (True, False, False): 90,
    (False, False, True): 180,
    (True, True, True): 270,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Orientation:
    """A transposition, then flips.

    Attributes:
        transposed: rows become columns.
        flipped_x: then left and right change places.
        flipped_y: then top and bottom change places.
    """

    transposed: bool = False
    flipped_x: bool = False
    flipped_y: bool = False

    @classmethod
    def from_display_matrix(cls, matrix: NDArray[np.int32]) -> Orientation | None:
        """Read a display matrix, int32 (9,): a, b, u, c, d, v, x, y, w; None where it is no multiple of a quarter turn.

        Scale is not applied: frames keep their stored size. An all-zero matrix, which some writers leave, says nothing.
        """
        a, b, c, d = (int(matrix[i]) for i in (0, 1, 3, 4))
        straight, crossed = max(abs(a), abs(d)), max(abs(b), abs(c))
        if straight == crossed == 0:
            return cls()
        if min(straight, crossed) * 100 > max(straight, crossed):
            return None
        if straight > crossed:
            return cls(flipped_x=a < 0, flipped_y=d < 0)
        return cls(transposed=True, flipped_x=c < 0, flipped_y=b < 0)

    @property
    def rotation_deg(self) -> int:
        """Counter-clockwise rotation, 0, 90, 180 or 270; of a mirrored picture, the rotation after mirroring left to right."""
        return _ROTATION_DEG[self.transposed, self.flipped_x, self.flipped_y]

    def apply(self, picture: Pixels) -> Pixels:
        """Turn a picture, (H, W, 3); a view of it."""
        shown = picture.swapaxes(0, 1) if self.transposed else picture
        return shown[:: -1 if self.flipped_y else 1, :: -1 if self.flipped_x else 1]
