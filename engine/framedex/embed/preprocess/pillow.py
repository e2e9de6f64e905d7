"""Pillow's resize, which is the reference processors' own: antialiased, on uint8."""

from __future__ import annotations

from typing import Literal, cast

import numpy as np
from PIL import Image

from framedex.contracts import Pixels
from framedex.embed.preprocess.rules import PictureRules

_RESAMPLING = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


def resize(frame: Pixels, height: int, width: int, rules: PictureRules) -> Pixels:
    """A frame, uint8 (h, w, 3), at another size."""
    resized: Pixels = np.asarray(Image.fromarray(frame).resize((width, height), _RESAMPLING[rules.interpolation]))
    return resized


def interpolation(rules: PictureRules) -> Literal["bicubic", "bilinear"]:
    """The interpolation of checked rules that do not letterbox, which may be no other."""
    assert rules.interpolation in _RESAMPLING, "the rules were checked"
    return cast(Literal["bicubic", "bilinear"], rules.interpolation)
