"""From a frame to a tower's pixels: one module for each way of `ImageRules.resize`."""

from __future__ import annotations

from collections.abc import Callable

from framedex.contracts import Fit, Pixels
from framedex.embed.preprocess import letterbox, naflex, shortest_edge, squash
from framedex.embed.preprocess.rules import PictureRules
from framedex.errors import UsageError

#: uint8 (h, w, 3) in, uint8 (H, W, 3) out.
Resizer = Callable[[Pixels], Pixels]

_WAYS: dict[str, Callable[[int, int, PictureRules], Resizer]] = {
    "squash": squash.resizer,
    "shortest-edge-crop": shortest_edge.resizer,
    "letterbox": letterbox.resizer,
    "naflex": naflex.resizer,
}
#: Ways that are one resize and one crop, which any antialiasing resizer can do.
_FITS: dict[str, Callable[[int, int, PictureRules], Fit]] = {
    "squash": squash.fit,
    "shortest-edge-crop": shortest_edge.fit,
}


def resizer(height: int, width: int, rules: PictureRules) -> Resizer:
    """What turns each frame of this height and width into the tower's pixels; what depends on the size alone is done here."""
    return _WAYS[rules.resize](height, width, rules)


def fit(height: int, width: int, rules: PictureRules) -> Fit:
    """The same as one resize and one crop, for a decoder that resizes by itself.

    Raises:
        UsageError: `require_fit`.
    """
    require_fit(rules, needed_by="this decoder")
    return _FITS[rules.resize](height, width, rules)


def require_fit(rules: PictureRules, *, needed_by: str) -> None:
    """Refuse rules that are more than one resize and one crop.

    Raises:
        UsageError: they letterbox, or cut into patches.
    """
    if rules.resize not in _FITS:
        raise UsageError(
            f"{needed_by}: resizes frames by itself, and can do so for encoders that {' or '.join(_FITS)}; this encoder's "
            f"pictures are made by {rules.resize}: decode with pyav"
        )
