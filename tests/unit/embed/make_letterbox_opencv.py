"""Writes letterbox_opencv.npz: what CRIS's own preprocessing gives, by OpenCV 4.10, which the tests do not need.

python -m pip install --target /tmp/opencv opencv-python-headless==4.10.0.84
PYTHONPATH=/tmp/opencv python tests/unit/embed/make_letterbox_opencv.py
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

SIZE = (24, 24)
FRAMES = [(7, 5), (24, 24), (45, 80), (1, 1), (90, 31), (360, 640)]
MEAN = (0.48145466, 0.4578275, 0.40821073)


def frame(height: int, width: int) -> np.ndarray:
    """The seeded noise of this size: the hardest picture for an interpolation."""
    return np.random.default_rng(height * 1000 + width).integers(0, 256, (height, width, 3), np.uint8)


def letterboxed(picture: np.ndarray) -> np.ndarray:
    """The published rule: three corners to their places, then an affine warp with cubic interpolation."""
    height, width = picture.shape[:2]
    scale = min(SIZE[0] / height, SIZE[1] / width)
    left, top = (SIZE[1] - width * scale) / 2, (SIZE[0] - height * scale) / 2
    here = np.array([[0, 0], [width, 0], [0, height]], np.float32)
    there = np.array([[left, top], [width * scale + left, top], [left, height * scale + top]], np.float32)
    return cv2.warpAffine(
        picture,
        cv2.getAffineTransform(here, there),
        SIZE[::-1],
        flags=cv2.INTER_CUBIC,
        borderValue=[255 * mean for mean in MEAN],
    )


if __name__ == "__main__":
    arrays = {f"{height}x{width}": letterboxed(frame(height, width)) for height, width in FRAMES}
    np.savez_compressed(Path(__file__).with_name("letterbox_opencv.npz"), **arrays)
