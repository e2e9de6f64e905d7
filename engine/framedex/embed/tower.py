"""Full-size frames to the pixels that an image tower takes: the canonical preprocessing, equal to the reference's."""

from __future__ import annotations

import numpy as np
from PIL import Image

from framedex.contracts import FrameBatch, TowerBatch
from framedex.embed.manifest import ImageRules

_RESAMPLING = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


def to_tower(batch: FrameBatch, image: ImageRules) -> TowerBatch:
    """Squash every frame to the tower's height and width, antialiased.

    Args:
        batch: uint8 (n, h, w, 3), n >= 0.
        image: the artefact's rules.

    Returns:
        TowerBatch uint8 (n, H, W, 3) with the same timestamps; the caller's frames stay as they are.

    Source: `SiglipImageProcessorPil` of transformers, which resizes with Pillow on uint8; this is the same call.
    """
    height, width = image.size
    pixels = np.empty((len(batch), height, width, 3), np.uint8)
    resampling = _RESAMPLING[image.interpolation]
    for row, frame in enumerate(batch.frames):
        pixels[row] = np.asarray(Image.fromarray(frame).resize((width, height), resampling))
    return TowerBatch(pts_us=batch.pts_us, pixels=pixels)
