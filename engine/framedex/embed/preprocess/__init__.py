"""From a frame to a tower's pixels: one module for each way of `ImageRules.resize`."""

from __future__ import annotations

from collections.abc import Callable

from framedex.contracts import Pixels
from framedex.embed.preprocess import letterbox, naflex, shortest_edge, squash
from framedex.embed.preprocess.rules import PictureRules

#: uint8 (h, w, 3) in, uint8 (H, W, 3) out.
Resizer = Callable[[Pixels], Pixels]

_WAYS: dict[str, Callable[[int, int, PictureRules], Resizer]] = {
    "squash": squash.resizer,
    "shortest-edge-crop": shortest_edge.resizer,
    "letterbox": letterbox.resizer,
    "naflex": naflex.resizer,
}


def resizer(height: int, width: int, rules: PictureRules) -> Resizer:
    """What turns each frame of this height and width into the tower's pixels; what depends on the size alone is done here."""
    return _WAYS[rules.resize](height, width, rules)
