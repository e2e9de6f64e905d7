"""SigLIP2 NaFlex: read from its config, and the sheet tower equal to the model for grids of every shape in one batch."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from family_checkpoints import SIGLIP2_LENGTH, family_checkpoint, make_naflex
from framedex.contracts import FrameBatch, Pixels
from framedex.embed.tower import to_tower
from framedex.errors import ArtefactError
from framedex_export.families.naflex import NaFlex
from framedex_export.families.siglip2 import read


@pytest.fixture(scope="module")
def encoder() -> NaFlex:
    encoder = read(family_checkpoint("siglip2-naflex"))
    assert isinstance(encoder, NaFlex)
    return encoder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return shutil.copytree(family_checkpoint("siglip2-naflex"), tmp_path / "checkpoint")


def _edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def _pictures(*sizes: tuple[int, int]) -> list[Pixels]:
    generator = np.random.default_rng(4)
    return [generator.integers(0, 256, (height, width, 3), np.uint8) for height, width in sizes]


def _sheets(encoder: NaFlex, pictures: list[Pixels]) -> torch.Tensor:
    first = np.zeros(1, np.int64)
    batches = [to_tower(FrameBatch(pts_us=first, frames=picture[None]), encoder.image) for picture in pictures]
    return torch.from_numpy(np.concatenate([batch.pixels for batch in batches]))


def test_a_sound_checkpoint_is_read(encoder: NaFlex) -> None:
    assert (encoder.name, encoder.dim, encoder.text.max_length) == ("siglip2", 32, SIGLIP2_LENGTH)
    rules = encoder.image
    assert (rules.resize, rules.interpolation) == ("naflex", "bilinear")
    assert (rules.patch, rules.max_patches, rules.size) == (8, 24, (200, 8))
    assert not encoder.text.lower_first


SIZES = [(90, 160), (160, 90), (64, 64), (3, 640), (640, 3), (1, 1), (17, 31), (333, 127)]


def test_every_shape_in_one_batch_is_as_the_model_has_it(encoder: NaFlex) -> None:
    pictures = _pictures(*SIZES)
    processed = encoder.process(pictures)
    grids = {tuple(grid) for grid in processed["spatial_shapes"].tolist()}
    assert len(grids) >= 5
    assert processed["pixel_attention_mask"].sum(axis=1).min() < 24, "a sheet with unused patches"
    sheets = _sheets(encoder, pictures)
    assert np.abs(encoder.levels(processed) - sheets.numpy()).max() < 1e-4
    expected = torch.nn.functional.normalize(torch.from_numpy(encoder.image_vectors(processed)))
    with torch.inference_mode():
        got = encoder.image_tower()(sheets)
    assert torch.allclose(got, expected, atol=2e-6)


def test_unused_patches_change_nothing(encoder: NaFlex) -> None:
    sheets = _sheets(encoder, _pictures((64, 64))).repeat(2, 1, 1, 1)
    sheets[1, 16 * 8 : 24 * 8] = 200  # the grid is 4 x 4
    with torch.inference_mode():
        one, other = encoder.image_tower()(sheets)
    assert torch.allclose(one, other, atol=1e-6)


def test_the_shape_of_the_grid_is_seen(encoder: NaFlex) -> None:
    sheets = _sheets(encoder, _pictures((80, 120))).repeat(2, 1, 1, 1)
    assert sheets[0, -8, :2, 1].tolist() == [4, 6]
    sheets[1, -8, :2, 1] = torch.tensor([6, 4], dtype=torch.uint8)
    with torch.inference_mode():
        one, other = encoder.image_tower()(sheets)
    assert (one - other).abs().max() > 1e-3


def test_torch_is_still_wrong_for_one_column() -> None:
    """When this fails, torch has been mended, and `mend_reference` can go."""
    grid = torch.arange(4.0).repeat_interleave(4).reshape(1, 1, 4, 4)
    column = torch.nn.functional.interpolate(grid, size=(8, 1), mode="bilinear", antialias=True).flatten()
    assert column.unique().tolist() == [0.0], "the first line for every other"


@pytest.mark.parametrize("patches", [4, 40])
def test_the_processors_number_of_patches_is_taken(tmp_path: Path, patches: int) -> None:
    encoder = read(make_naflex(tmp_path, max_patches=patches))
    assert encoder.image.size == ((patches + 1) * 8, 8)
    pictures = _pictures((90, 160), (160, 90))
    assert isinstance(encoder, NaFlex)
    expected = torch.nn.functional.normalize(torch.from_numpy(encoder.image_vectors(encoder.process(pictures))))
    with torch.inference_mode():
        assert torch.allclose(encoder.image_tower()(_sheets(encoder, pictures)), expected, atol=2e-6)


def test_patches_of_another_size_are_refused(folder: Path) -> None:
    _edit(folder / "preprocessor_config.json", lambda value: value.update(patch_size=16))
    with pytest.raises(ArtefactError, match="the processor's patches are of 16 pixels and the model's of 8"):
        read(folder)


def test_a_fixed_processor_is_refused(folder: Path) -> None:
    _edit(folder / "preprocessor_config.json", lambda value: value.update(image_processor_type="SiglipImageProcessor"))
    with pytest.raises(ArtefactError, match="image_processor_type 'Siglip2ImageProcessor', got 'SiglipImageProcessor'"):
        read(folder)
