"""Shortest edge and centre crop: the frame's shape is kept and what lies outside the middle is dropped."""

from __future__ import annotations

from collections.abc import Callable

from framedex.contracts import Fit, Pixels
from framedex.embed.preprocess.pillow import interpolation, resize
from framedex.embed.preprocess.rules import PictureRules


def resizer(height: int, width: int, rules: PictureRules) -> Callable[[Pixels], Pixels]:
    """For frames of `height` by `width`."""
    whole = fit(height, width, rules)
    top, left = whole.offset
    rows, columns = slice(top, top + whole.size[0]), slice(left, left + whole.size[1])
    return lambda frame: resize(frame, *whole.resized, rules)[rows, columns]


def fit(height: int, width: int, rules: PictureRules) -> Fit:
    """For frames of `height` by `width`: the shorter edge becomes `rules.shortest_edge`, the longer is rounded down.

    Of a 16:9 frame, a square crop of the shorter edge's size keeps 56 % of the width.

    Source: `CLIPImageProcessorPil` of transformers 5.23 (`get_resize_output_image_size`, `center_crop`).
    """
    edge = rules.shortest_edge
    assert edge is not None, "the rules were checked"
    shorter, longer = sorted((height, width))
    longer = int(edge * longer / shorter)
    new_height, new_width = (longer, edge) if height >= width else (edge, longer)
    return Fit(
        resized=(new_height, new_width),
        offset=((new_height - rules.size[0]) // 2, (new_width - rules.size[1]) // 2),
        size=rules.size,
        interpolation=interpolation(rules),
    )
