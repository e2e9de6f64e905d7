"""Full-size frames to the pixels that an image tower takes: the canonical preprocessing, equal to the reference's."""

from __future__ import annotations

import numpy as np

from framedex.contracts import FrameBatch, TowerBatch
from framedex.embed.preprocess import resizer
from framedex.embed.preprocess.rules import PictureRules


def to_tower(batch: FrameBatch, image: PictureRules) -> TowerBatch:
    """Resize every frame to what the tower takes, in the way that the artefact's rules name.

    Args:
        batch: uint8 (n, h, w, 3), n >= 0.
        image: the artefact's rules.

    Returns:
        TowerBatch uint8 (n, H, W, 3) with the same timestamps; the caller's frames stay as they are.
    """
    pixels = np.empty((len(batch), *image.size, 3), np.uint8)
    if len(batch):
        _, height, width, _ = batch.frames.shape
        resize = resizer(height, width, image)
        for row, frame in enumerate(batch.frames):
            pixels[row] = resize(frame)
    return TowerBatch(pts_us=batch.pts_us, pixels=pixels)
