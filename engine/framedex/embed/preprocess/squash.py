"""Squash: the whole frame at the tower's height and width, whatever its own shape."""

from __future__ import annotations

from collections.abc import Callable

from framedex.contracts import Pixels
from framedex.embed.preprocess.pillow import resize
from framedex.embed.preprocess.rules import PictureRules


def resizer(_height: int, _width: int, rules: PictureRules) -> Callable[[Pixels], Pixels]:
    """For frames of any size.

    Source: `SiglipImageProcessorPil` of transformers 5.23; this is the same call of Pillow.
    """
    height, width = rules.size
    return lambda frame: resize(frame, height, width, rules)
