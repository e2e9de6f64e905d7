"""NaFlex: the frame nearly in its own shape, cut into at most N patches, on a sheet of one size for every video.

A sheet is uint8 ((N + 1) * P, P, 3): patch k of the grid, in reading order, fills lines k * P to (k + 1) * P; unused patches are
0. The last P lines say the grid: the first pixel holds its height and the second its width, each as (high byte, low byte, 0).
So every sheet of an encoder has one size, videos of any shape share a batch, and the graph needs no second input.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from framedex.contracts import Pixels
from framedex.embed.preprocess.pillow import resize
from framedex.embed.preprocess.rules import PictureRules

_SCALE_MAX = 100.0
_SCALE_STEP = 1e-5


def resizer(height: int, width: int, rules: PictureRules) -> Callable[[Pixels], Pixels]:
    """For frames of `height` by `width`, which all have one grid.

    Source: `Siglip2ImageProcessorPil` of transformers 5.23 (resize, `convert_image_to_patches`); the sheet is ours.
    """
    patch, max_patches = rules.patch, rules.max_patches
    assert patch is not None, "the rules were checked"
    assert max_patches is not None, "the rules were checked"
    rows, columns = grid(height, width, patch=patch, max_patches=max_patches)

    def sheet(frame: Pixels) -> Pixels:
        picture = resize(frame, rows * patch, columns * patch, rules)
        patches = picture.reshape(rows, patch, columns, patch, 3).transpose(0, 2, 1, 3, 4)
        filled = np.zeros((max_patches + 1, patch, patch, 3), np.uint8)
        filled[: rows * columns] = patches.reshape(rows * columns, patch, patch, 3)
        filled[-1, 0, 0, :2] = divmod(rows, 256)
        filled[-1, 0, 1, :2] = divmod(columns, 256)
        return filled.reshape(*rules.size, 3)

    return sheet


def grid(height: int, width: int, *, patch: int, max_patches: int) -> tuple[int, int]:
    """Rows and columns of patches for a frame: as many as fit, sizes rounded up to whole patches.

    Source: `get_image_size_for_max_num_patches` of transformers 5.23: bisection for the largest scale, to 1e-5.
    """

    def at(scale: float) -> tuple[int, int]:
        return max(1, math.ceil(height * scale / patch)), max(1, math.ceil(width * scale / patch))

    low, high = _SCALE_STEP / 10, _SCALE_MAX
    while high - low >= _SCALE_STEP:
        middle = (low + high) / 2
        rows, columns = at(middle)
        if rows * columns <= max_patches:
            low = middle
        else:
            high = middle
    return at(low)
