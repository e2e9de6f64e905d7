"""The canonical preprocessing is the reference processor's, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from framedex.contracts import FrameBatch
from framedex.embed.manifest import ImageRules
from framedex.embed.tower import to_tower

SIZES = [(48, 48), (1, 1), (2, 300), (300, 2), (240, 426), (31, 17), (97, 48)]


def _rules(interpolation: str, size: tuple[int, int], **changes: Any) -> ImageRules:
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
            **changes,
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


@pytest.mark.parametrize("edge", [40, 47])
@pytest.mark.parametrize(("height", "width"), [*SIZES, (41, 40), (40, 41), (360, 640), (640, 361)])
def test_the_middle_is_what_the_clip_processor_crops(height: int, width: int, edge: int) -> None:
    from transformers import CLIPImageProcessorPil

    processor = CLIPImageProcessorPil(
        size={"shortest_edge": edge}, crop_size={"height": 40, "width": 40}, image_mean=[0.0] * 3, image_std=[1.0] * 3
    )
    frames = _frames(height, width)
    values = processor(images=[Image.fromarray(frame) for frame in frames.frames], return_tensors="np")["pixel_values"]
    rules = _rules("bicubic", (40, 40), resize="shortest-edge-crop", shortest_edge=edge)
    assert np.array_equal(to_tower(frames, rules).pixels, np.rint(values * 255).transpose(0, 2, 3, 1))


def test_the_crop_drops_what_lies_outside_the_middle() -> None:
    frames = np.zeros((1, 90, 160, 3), np.uint8)
    frames[0, :, :34] = frames[0, :, -34:] = 255  # 56 % of the width stay, and the filter reaches a pixel further
    batch = FrameBatch(pts_us=np.zeros(1, np.int64), frames=frames)
    assert not to_tower(batch, _rules("bicubic", (90, 90), resize="shortest-edge-crop", shortest_edge=90)).pixels.any()


@pytest.mark.parametrize(("patch", "max_patches"), [(16, 256), (8, 9)])
@pytest.mark.parametrize(("height", "width"), [*SIZES, (360, 640), (640, 361), (720, 1280)])
def test_a_sheet_holds_the_naflex_processors_patches(height: int, width: int, patch: int, max_patches: int) -> None:
    from transformers import Siglip2ImageProcessorPil

    processor = Siglip2ImageProcessorPil(
        patch_size=patch, max_num_patches=max_patches, image_mean=[0.0] * 3, image_std=[1.0] * 3
    )
    frames = _frames(height, width)
    expected = processor(images=[Image.fromarray(frame) for frame in frames.frames], return_tensors="np")
    sheet = ((max_patches + 1) * patch, patch)
    rules = _rules("bilinear", sheet, resize="naflex", patch=patch, max_patches=max_patches)
    pixels = to_tower(frames, rules).pixels
    patches = pixels.reshape(2, max_patches + 1, -1)
    assert np.array_equal(patches[:, :-1], np.rint(expected["pixel_values"] * 255))
    grids = [_grid(header) for header in patches[:, -1]]
    assert grids == expected["spatial_shapes"].tolist()
    assert expected["pixel_attention_mask"].sum(axis=1).tolist() == [rows * columns for rows, columns in grids]


def _grid(header: np.ndarray) -> list[int]:
    return [int(header[0]) * 256 + int(header[1]), int(header[3]) * 256 + int(header[4])]


def test_a_very_long_picture_has_a_grid_of_more_than_a_byte() -> None:
    rules = _rules("bilinear", (401 * 2, 2), resize="naflex", patch=2, max_patches=400)
    pixels = to_tower(_frames(1, 400, n=1), rules).pixels
    assert _grid(pixels.reshape(1, 401, -1)[0, -1]) == [1, 400]


MEAN = (0.48145466, 0.4578275, 0.40821073)
OPENCV = Path(__file__).with_name("letterbox_opencv.npz")


def _letterbox(size: tuple[int, int]) -> ImageRules:
    return _rules("cubic", size, resize="letterbox", antialias=False, mean=MEAN)


@pytest.mark.parametrize("name", ["7x5", "24x24", "45x80", "1x1", "90x31", "360x640"])
def test_the_letterbox_is_opencvs_within_one_grey_level(name: str) -> None:
    height, width = map(int, name.split("x"))
    with np.load(OPENCV) as golden:
        expected = golden[name].astype(int)
    pixels = to_tower(_frames(height, width, n=1), _letterbox((24, 24))).pixels[0]
    difference = np.abs(pixels - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.02
    assert len(np.unique(expected)) > 20


def test_a_frame_of_the_towers_size_stays_as_it_is_and_borders_are_the_mean() -> None:
    frames = _frames(20, 28)
    assert np.array_equal(to_tower(frames, _letterbox((20, 28))).pixels, frames.frames)
    pixels = to_tower(_frames(90, 160, n=1), _letterbox((64, 64))).pixels[0]
    assert np.unique(pixels[:12].reshape(-1, 3), axis=0).tolist() == [[123, 117, 104]]
    assert np.array_equal(pixels[:12], pixels[-12:])
