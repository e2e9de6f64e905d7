"""The towers are the model behind its own processor, normalised."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from checkpoints import tiny_checkpoint
from framedex_export.families.siglip import Siglip, read
from framedex_export.towers import Normalise


@pytest.fixture(scope="module")
def encoder() -> Siglip:
    return read(tiny_checkpoint())


def test_image_tower_takes_raw_pixels(encoder: Siglip) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    values = encoder.checkpoint.processor(images=[Image.fromarray(picture) for picture in pixels], return_tensors="pt")
    with torch.inference_mode():
        expected = encoder.checkpoint.model.get_image_features(**values).pooler_output
        got = encoder.image_tower()(torch.from_numpy(pixels))
    assert torch.allclose(got, torch.nn.functional.normalize(expected, dim=-1), atol=1e-6)


def test_channels_have_their_own_mean_and_deviation(encoder: Siglip) -> None:
    rules = encoder.image.model_copy(update={"mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6)})
    white = Normalise(rules)(torch.full((1, 1, 1, 3), 255, dtype=torch.uint8))
    assert white.flatten().tolist() == pytest.approx([(1 - 0.1) / 0.4, (1 - 0.2) / 0.5, (1 - 0.3) / 0.6], rel=1e-6)


def test_text_tower_is_normalised(encoder: Siglip) -> None:
    ids = torch.tensor([[3, 4, 1] + [1] * 13])
    with torch.inference_mode():
        expected = encoder.checkpoint.model.get_text_features(input_ids=ids).pooler_output
        got = encoder.text_tower()(ids)
    assert torch.allclose(got, torch.nn.functional.normalize(expected, dim=-1), atol=1e-6)
