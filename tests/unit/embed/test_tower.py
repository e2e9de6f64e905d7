"""The canonical preprocessing is the reference processor's, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from framedex.contracts import FrameBatch
from framedex.embed.manifest import ImageRules
from framedex.embed.tower import to_tower

SIZES = [(48, 48), (1, 1), (2, 300), (300, 2), (240, 426), (31, 17), (97, 48)]


def _rules(interpolation: str, size: tuple[int, int]) -> ImageRules:
    return ImageRules.model_validate(
        {
            "size": size,
            "resize": "squash",
            "interpolation": interpolation,
            "antialias": True,
            "channel_order": "RGB",
            "rescale": 1 / 255,
            "mean": [0.5] * 3,
            "std": [0.5] * 3,
        }
    )


def _frames(height: int, width: int, n: int = 2) -> FrameBatch:
    pictures = np.random.default_rng(height * 1000 + width).integers(0, 256, (n, height, width, 3), np.uint8)
    return FrameBatch(pts_us=np.arange(n, dtype=np.int64) * 40_000, frames=pictures)


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_equal_to_the_pil_processor(interpolation: str, height: int, width: int) -> None:
    from transformers import SiglipImageProcessorPil

    processor = SiglipImageProcessorPil(
        size={"height": 48, "width": 40},
        resample={"bilinear": 2, "bicubic": 3}[interpolation],
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
    )
    frames = _frames(height, width)
    values = processor(images=[Image.fromarray(frame) for frame in frames.frames], return_tensors="np")["pixel_values"]
    expected = np.rint((values * 0.5 + 0.5) * 255).transpose(0, 2, 3, 1)
    assert np.abs((values * 0.5 + 0.5) * 255 - np.rint((values * 0.5 + 0.5) * 255)).max() < 1e-3
    tower = to_tower(frames, _rules(interpolation, (48, 40)))
    assert np.array_equal(tower.pixels, expected)
    assert np.array_equal(tower.pts_us, frames.pts_us)


def test_the_two_interpolations_differ() -> None:
    frames = _frames(240, 426)
    bicubic = to_tower(frames, _rules("bicubic", (48, 48))).pixels.astype(int)
    bilinear = to_tower(frames, _rules("bilinear", (48, 48))).pixels.astype(int)
    assert np.abs(bicubic - bilinear).max() > 1


def test_channels_and_rows_keep_their_places() -> None:
    frames = np.zeros((2, 64, 96, 3), np.uint8)
    frames[0, :32, :, 0] = 200  # red above
    frames[1, :, 48:, 2] = 100  # blue at the right
    batch = FrameBatch(pts_us=np.array([5, 9], np.int64), frames=frames)
    pixels = to_tower(batch, _rules("bilinear", (8, 16))).pixels
    assert pixels.shape == (2, 8, 16, 3)
    assert pixels[0, 0, 0].tolist() == [200, 0, 0]
    assert pixels[0, -1, 0].tolist() == [0, 0, 0]
    assert pixels[1, 0, -1].tolist() == [0, 0, 100]
    assert pixels[1, 0, 0].tolist() == [0, 0, 0]


def test_no_frames_give_no_pixels() -> None:
    tower = to_tower(_frames(10, 10, n=0), _rules("bicubic", (8, 8)))
    assert tower.pixels.shape == (0, 8, 8, 3)
