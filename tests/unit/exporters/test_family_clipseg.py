"""CLIPSeg in parts: the vision transformer once per picture, the decoder per pair, and the map of transformers' own model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from framedex.errors import ArtefactError
from framedex_export.families.clipseg import ClipSeg, read
from pair_checkpoints import make_clipseg, pair_checkpoint

TEXTS = ["a red dog", "two cats run on the beach", "the kitchen knife " * 60]


@pytest.fixture(scope="module")
def family() -> ClipSeg:
    return read(pair_checkpoint("clipseg"))


def _maps(family: ClipSeg, pixels: np.ndarray) -> torch.Tensor:
    """The parts in torch: (m, n, h, w)."""
    text = family.text_part()
    with torch.no_grad():
        features = family.frame_part()(torch.from_numpy(pixels))
        words = text(torch.tensor(family.text.ids(TEXTS)))
        return torch.stack([family.pair_part()(features[row : row + 1], words) for row in range(len(pixels))], dim=1)


def _pixels(family: ClipSeg, n: int = 3) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (n, *family.image.size, 3), np.uint8)


def test_the_parts_give_the_map_of_the_whole_model(family: ClipSeg) -> None:
    """On pictures of 64 with positions for pictures of 32: they are resized as the model does it itself."""
    pixels = _pixels(family)
    expected = torch.from_numpy(family.outputs(pixels, TEXTS))
    assert expected.shape == (3, 3, 64, 64)
    assert expected.std(dim=1).mean() > 1e-3
    assert expected.std(dim=0).mean() > 1e-3
    assert (_maps(family, pixels) - expected).abs().max() < 1e-5


@pytest.mark.parametrize("layer", [1, 2])
@pytest.mark.parametrize("complex_map", [False, True])
def test_later_conditions_and_the_refined_decoder(tmp_path: Path, layer: int, complex_map: bool) -> None:
    make_clipseg(
        tmp_path / "c",
        extract_layers=[0, 2, 3],
        reduce_dim=16,
        decoder_intermediate_size=24,
        projection_dim=20,
        decoder_num_attention_heads=2,
        conditional_layer=layer,
        use_complex_transposed_convolution=complex_map,
        vision={
            "hidden_size": 32,
            "intermediate_size": 40,
            "num_attention_heads": 2,
            "num_hidden_layers": 4,
            "image_size": 64,
            "patch_size": 16,
        },
    )
    family = read(tmp_path / "c")
    pixels = _pixels(family)
    expected = torch.from_numpy(family.outputs(pixels, TEXTS))
    assert (_maps(family, pixels) - expected).abs().max() < 2e-5 * expected.abs().max()


def test_the_end_of_text_may_be_named_and_must_be_the_tokenizers(tmp_path: Path) -> None:
    """As config.json of later checkpoints has it; the first ones name 2, which stands for the highest id."""
    named = Path(shutil.copytree(pair_checkpoint("clipseg"), tmp_path / "checkpoint"))
    config = json.loads((named / "config.json").read_text())
    legacy = read(named)
    pixels = _pixels(legacy, 1)
    config["text_config"]["eos_token_id"] = legacy.checkpoint.tokenizer.eos_token_id
    (named / "config.json").write_text(json.dumps(config))
    family = read(named)
    assert np.array_equal(family.outputs(pixels, TEXTS), legacy.outputs(pixels, TEXTS))
    assert (_maps(family, pixels) - torch.from_numpy(family.outputs(pixels, TEXTS))).abs().max() < 1e-5
    config["text_config"]["eos_token_id"] = 7
    (named / "config.json").write_text(json.dumps(config))
    with pytest.raises(ArtefactError, match="pools a text at id 7 and the tokenizer ends it with"):
        read(named)


def test_the_rules_are_the_checkpoints(family: ClipSeg) -> None:
    assert family.image.interpolation == "bilinear"
    assert (family.image.resize, family.image.size) == ("squash", (64, 64))
    assert family.image.mean == (0.485, 0.456, 0.406)
    assert family.text.max_length == 77
    assert family.score.threshold == 0.5


@pytest.mark.parametrize(
    ("file", "changes", "message"),
    [
        ("config.json", {"model_type": "clip"}, "expected a checkpoint of model_type 'clipseg', got 'clip'"),
        ("config.json", {"extract_layers": [0, 1, 9]}, "expected extract_layers among 4 layers"),
        ("config.json", {"conditional_layer": 3}, "expected a conditional_layer below 3, got 3"),
        (
            "preprocessor_config.json",
            {"size": {"height": 64, "width": 48}},
            "expected a square that patches of 16 fill",
        ),
        (
            "preprocessor_config.json",
            {"size": {"height": 72, "width": 72}},
            "expected a square that patches of 16 fill",
        ),
        ("preprocessor_config.json", {"image_processor_type": "CLIPImageProcessor"}, "expected image_processor_type"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path: Path, file: str, changes: dict[str, Any], message: str) -> None:
    folder = Path(shutil.copytree(pair_checkpoint("clipseg"), tmp_path / "checkpoint"))
    value = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(value | changes))
    with pytest.raises(ArtefactError, match=message):
        read(folder)


def test_unknown_and_missing_weights_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(pair_checkpoint("clipseg"), tmp_path / "checkpoint"))
    state = load_file(folder / "model.safetensors")
    film = state.pop("decoder.film_mul.weight")
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ArtefactError, match=r"1 missing keys.*decoder.film_mul.weight"):
        read(folder)
    save_file(
        state | {"decoder.film_mul.weight": film, "decoder.extra": film.clone()},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )
    with pytest.raises(ArtefactError, match=r"1 unexpected keys.*decoder.extra"):
        read(folder)
