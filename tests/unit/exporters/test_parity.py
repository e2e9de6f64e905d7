"""The gate lets through what reaches the bar and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from checkpoints import stamp, tiny_artefact, tiny_checkpoint
from framedex.embed.artefact import Artefact
from framedex.embed.manifest import Parity, Precision
from framedex.errors import ArtefactError
from framedex_export.families.siglip import Siglip, read
from framedex_export.parity import expect, measure, require


def _parity(**changes: Any) -> Parity:
    figures = {
        "images": 2,
        "image_min_cosine": 1.0,
        "image_mean_cosine": 1.0,
        "preprocessing_max_grey_levels": 0,
        "texts": 2,
        "text_min_cosine": 1.0,
        "text_mean_cosine": 1.0,
        "tokenizer_texts": 2,
        "batch_min_cosine": 1.0,
        "image_ranks": 1.0,
        "text_ranks": 1.0,
    }
    return Parity.model_construct(**{**figures, **changes})


@pytest.mark.parametrize(
    ("name", "precision", "least"),
    [
        ("image_min_cosine", "fp32", 0.9999),
        ("text_min_cosine", "fp32", 0.9999),
        ("batch_min_cosine", "fp32", 0.9999),
        ("image_ranks", "fp32", 0.999),
        ("text_min_cosine", "fp16-mixed", 0.999),
        ("text_ranks", "fp16-mixed", 0.99),
        ("batch_min_cosine", "int8", 0.9999),
        ("image_min_cosine", "int8", 0.98),
    ],
)
def test_each_figure_has_its_bar(name: str, precision: Precision, least: float) -> None:
    require(_parity(**{name: least}), precision)
    for low in (least - 1e-5, -1.0, float("nan")):
        with pytest.raises(ArtefactError, match=rf"parity: {name} is .*, expected {least} or more in {precision}"):
            require(_parity(**{name: low}), precision)


def test_one_grey_level_passes_and_two_do_not() -> None:
    require(_parity(preprocessing_max_grey_levels=1), "fp32")
    with pytest.raises(ArtefactError, match="differs by 2 grey levels"):
        require(_parity(preprocessing_max_grey_levels=2), "fp32")


@pytest.fixture
def encoder() -> Siglip:
    return read(tiny_checkpoint())


def _measure(encoder: Siglip, folder: Path, **image: Any) -> Parity:
    artefact = Artefact.open(shutil.copytree(tiny_artefact(), folder / "artefact"))
    rules = artefact.manifest.image.model_copy(update=image)
    manifest = artefact.manifest.model_copy(update={"image": rules})
    for graph in artefact.folder.glob("*.onnx"):
        stamp(graph, manifest.encoder_key)
    changed = Artefact(folder=artefact.folder, manifest=manifest, origin=artefact.origin)
    return measure(expect(encoder, changed), changed, tokenizer_texts=1)


def test_the_artefact_of_this_checkpoint_passes(encoder: Siglip, tmp_path: Path) -> None:
    parity = _measure(encoder, tmp_path)
    require(parity, "fp32")
    assert parity.preprocessing_max_grey_levels == 0


@pytest.mark.parametrize(
    ("weight", "figure"),
    [("vision_model.head.probe", "image_min_cosine"), ("text_model.head.weight", "text_min_cosine")],
)
def test_other_weights_are_seen(encoder: Siglip, tmp_path: Path, weight: str, figure: str) -> None:
    with torch.no_grad():
        encoder.checkpoint.model.get_parameter(weight)[0, 0].add_(1.0)
    parity = _measure(encoder, tmp_path)
    with pytest.raises(ArtefactError, match=f"parity: {figure} is 0"):
        require(parity, "fp32")


def test_another_interpolation_is_seen_in_the_pixels(encoder: Siglip, tmp_path: Path) -> None:
    parity = _measure(encoder, tmp_path, interpolation="bilinear")
    assert parity.preprocessing_max_grey_levels > 10
    with pytest.raises(ArtefactError, match="parity: "):
        require(parity, "fp32")


def test_another_normalisation_of_the_checkpoint_is_seen(encoder: Siglip, tmp_path: Path) -> None:
    encoder.checkpoint.processor.image_mean = [0.0, 0.0, 0.0]
    with pytest.raises(ArtefactError, match="parity: image_min_cosine is"):
        require(_measure(encoder, tmp_path), "fp32")
