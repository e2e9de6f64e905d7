"""Squash: the whole frame at the tower's height and width, whatever its own shape."""

from __future__ import annotations

from collections.abc import Callable

from framedex.contracts import Fit, Pixels
from framedex.embed.preprocess.pillow import interpolation, resize
from framedex.embed.preprocess.rules import PictureRules


def resizer(height: int, width: int, rules: PictureRules) -> Callable[[Pixels], Pixels]:
    """For frames of any size."""
    whole = fit(height, width, rules)
    return lambda frame: resize(frame, *whole.resized, rules)


def fit(_height: int, _width: int, rules: PictureRules) -> Fit:
    """For frames of any size.

    Source: `SiglipImageProcessorPil` of transformers 5.23; this is the same call of Pillow.
    """
    return Fit(resized=rules.size, offset=(0, 0), size=rules.size, interpolation=interpolation(rules))
