"""Pillow's resize, which is the reference processors' own: antialiased, on uint8."""

from __future__ import annotations

import numpy as np
from PIL import Image

from framedex.contracts import Pixels
from framedex.embed.preprocess.rules import PictureRules

_RESAMPLING = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


def resize(frame: Pixels, height: int, width: int, rules: PictureRules) -> Pixels:
    """A frame, uint8 (h, w, 3), at another size."""
    resized: Pixels = np.asarray(Image.fromarray(frame).resize((width, height), _RESAMPLING[rules.interpolation]))
    return resized
