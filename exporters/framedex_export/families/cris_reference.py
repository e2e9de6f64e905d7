"""CRIS's own preprocessing as OpenCV 4 does it, in whole numbers: what `framedex.embed.preprocess.letterbox` is compared with."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Pixels

_STEPS = 32
_UNIT = 1 << 15


def warped(picture: Pixels, side: int, border: tuple[int, int, int]) -> Pixels:
    """A picture, uint8 (h, w, 3), in the middle of a square of this edge, with OpenCV's cubic interpolation.

    The map is made of three corners, turned round, and rounded to 1/32 of a pixel; weights of the 4 x 4 pixels are whole
    numbers that add up to 32768; pixels outside have the border's colour. Equal to OpenCV 4.10 bit for bit where tried.

    Source: CRIS.pytorch, `RefDataset.getTransformMat`; OpenCV 4, `warpAffine`, `initInterTab2D`, `remapBicubic`.
    """
    height, width = picture.shape[:2]
    scale = min(side / height, side / width)
    across, down = (side - width * scale) / 2, (side - height * scale) / 2
    here = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1]], np.float64)
    there = np.array(
        [[across, down], [width * scale + across, down], [across, height * scale + down]], np.float32
    ).astype(np.float64)
    forward = np.linalg.solve(here, there)
    back_x, back_y = 1 / forward[0, 0], 1 / forward[1, 1]
    x = _positions(back_x, -back_x * forward[2, 0], side)
    y = _positions(back_y, -back_y * forward[2, 1], side)
    weights = _table()[(y % _STEPS)[:, None], (x % _STEPS)[None, :]]
    total = np.zeros((side, side, 3), np.int64)
    colour = np.array(border, np.int64)
    for row in range(4):
        for column in range(4):
            at_y, at_x = y // _STEPS - 1 + row, x // _STEPS - 1 + column
            inside = ((at_y >= 0) & (at_y < height))[:, None] & ((at_x >= 0) & (at_x < width))[None, :]
            pixels = picture[np.clip(at_y, 0, height - 1)[:, None], np.clip(at_x, 0, width - 1)[None, :]]
            total += weights[:, :, row, column, None] * np.where(inside[..., None], pixels, colour)
    result: Pixels = np.clip((total + _UNIT // 2) >> 15, 0, 255).astype(np.uint8)
    return result


def _positions(step: float, offset: float, side: int) -> NDArray[np.int64]:
    """Where each line of the result looks, in 1/32 of a pixel."""
    fine: NDArray[np.int64] = np.rint(np.arange(side) * step * 1024).astype(np.int64)
    return (fine + int(np.rint(offset * 1024)) + 16) >> 5


@functools.cache
def _table() -> NDArray[np.int64]:
    """Weights of the 4 x 4 pixels for each pair of fractions: (32, 32, 4, 4), each adding up to 32768."""
    at = (np.arange(_STEPS) / _STEPS).astype(np.float32)
    a, one = np.float32(-0.75), np.float32(1)
    first = ((a * (at + one) - 5 * a) * (at + one) + 8 * a) * (at + one) - 4 * a
    second = ((a + 2) * at - (a + 3)) * at * at + one
    third = ((a + 2) * (one - at) - (a + 3)) * (one - at) * (one - at) + one
    line = np.stack([first, second, third, one - first - second - third], axis=1).astype(np.float32)
    table: NDArray[np.int64] = np.rint(line[:, None, :, None] * line[None, :, None, :] * np.float32(_UNIT)).astype(
        np.int64
    )
    for y in range(_STEPS):
        for x in range(_STEPS):
            square = table[y, x]
            excess = int(square.sum()) - _UNIT
            middle = square[2:, 2:]
            # What rounding leaves over goes to the largest or smallest of the four pixels after the middle.
            change = middle.argmax() if excess < 0 else middle.argmin()
            middle[divmod(int(change), 2)] -= excess
    return table
