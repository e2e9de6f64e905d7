"""From what a pair network gives to one number per frame. The rules over masks are framedex's own: none was ever published.

CRIS and CLIPSeg were trained to say where a sentence's thing is, pixel by pixel. No published rule makes of such a map how well
the whole frame fits; these do, each in its way, and which one was used is part of a scorer's key.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from framedex.contracts import Vectors
from framedex.embed.preprocess.rules import PictureRules
from framedex.sigmoid import sigmoid

MaskRule = Literal["max", "mean", "top1%", "area"]
MatchRule = Literal["prob", "logit"]
MASK_RULES: Final[tuple[MaskRule, ...]] = get_args(MaskRule)
MATCH_RULES: Final[tuple[MatchRule, ...]] = get_args(MatchRule)

_TOP_SHARE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Where in a map the frame itself lies; what is around it is a letterbox's border.

    Attributes:
        rows: first and one past the last.
        columns: likewise.
    """

    rows: tuple[int, int]
    columns: tuple[int, int]

    @classmethod
    def of(cls, height: int, width: int, rules: PictureRules, map_size: tuple[int, int]) -> Content:
        """The part of a map that is of a frame of `height` by `width`: cells whose centre lies in the picture, one at least.

        Without a letterbox there is no border, and the whole map is of the frame.
        """
        if rules.resize != "letterbox":
            return cls(rows=(0, map_size[0]), columns=(0, map_size[1]))
        scale = min(rules.size[0] / height, rules.size[1] / width)
        return cls(
            rows=_cells(height * scale, rules.size[0], map_size[0]),
            columns=_cells(width * scale, rules.size[1], map_size[1]),
        )


def frame_scores(
    outputs: NDArray[np.float32],
    *,
    rule: MaskRule | MatchRule,
    threshold: float | None,
    image: PictureRules,
    size: tuple[int, int],
) -> NDArray[np.float32]:
    """One score for each thing that a network gives of one frame.

    Args:
        outputs: float32 (k, h, w) logits of maps, or (k,) of matches.
        rule: one that fits them.
        threshold: for maps.
        image: how the frame became what the network takes.
        size: height and width of the frame before.

    Returns:
        float32 (k,).
    """
    if rule == "prob" or rule == "logit":
        return match_scores(outputs, rule=rule)
    assert threshold is not None, "the manifest was checked"
    content = Content.of(*size, image, (outputs.shape[1], outputs.shape[2]))
    return mask_scores(outputs, rule=rule, content=content, threshold=threshold)


def mask_scores(
    logits: NDArray[np.float32], *, rule: MaskRule, content: Content, threshold: float
) -> NDArray[np.float32]:
    """One score per map, from its content alone, on the map's sigmoid.

    Args:
        logits: float32 (k, h, w).
        rule: `max`, the highest probability; `mean`, of all; `top1%`, the mean of the highest hundredth (at least one cell,
            rounded up); `area`, the share of cells above `threshold`.
        content: of the frame in the map.
        threshold: a probability; only `area` looks at it.

    Returns:
        float32 (k,), 0 to 1.
    """
    (top, bottom), (left, right) = content.rows, content.columns
    cells = sigmoid(logits[:, top:bottom, left:right].reshape(len(logits), -1))
    scores: NDArray[np.float32] = _MASKS[rule](cells, threshold).astype(np.float32)
    return scores


def match_scores(logits: NDArray[np.float32], *, rule: MatchRule) -> Vectors:
    """One score per pair of an image-text matching head.

    Args:
        logits: float32 (k,), how much the logit of "match" is above that of "no match".
        rule: `prob`, softmax's probability of "match", which is the sigmoid of the difference; `logit`, the difference itself.
            Both rank alike, but beyond a difference of some 17 `prob` is 1 in float32, and equal for all.

    Returns:
        float32 (k,).
    """
    return sigmoid(logits) if rule == "prob" else logits.astype(np.float32)


def _cells(length: float, size: int, cells: int) -> tuple[int, int]:
    """Cells of an axis whose centre lies in the middle `length` of its `size` pixels; if none does, the one in the middle."""
    step = size / cells
    start = (size - length) / 2
    first, last = math.ceil(start / step - 0.5), math.ceil((start + length) / step - 0.5)
    if first < last:
        return max(0, first), min(cells, last)
    middle = min(cells - 1, cells // 2)
    return middle, middle + 1


def _top(cells: NDArray[np.float32], _threshold: float) -> NDArray[np.float64]:
    count = math.ceil(cells.shape[1] / _TOP_SHARE)
    highest = np.partition(cells, cells.shape[1] - count, axis=1)[:, -count:]
    means: NDArray[np.float64] = highest.mean(axis=1, dtype=np.float64)
    return means


_MASKS: Final[dict[MaskRule, Callable[[NDArray[np.float32], float], NDArray[np.floating]]]] = {
    "max": lambda cells, _threshold: cells.max(axis=1),
    "mean": lambda cells, _threshold: cells.mean(axis=1, dtype=np.float64),
    "top1%": _top,
    "area": lambda cells, threshold: (cells > threshold).mean(axis=1, dtype=np.float64),
}
