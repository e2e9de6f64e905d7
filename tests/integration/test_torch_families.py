"""Artefacts of every family run on torch as on ONNX Runtime, and bring the reference that proves it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from checkpoints import tiny_artefact
from contracts.embedder_suite import TEXTS, random_tower
from family_checkpoints import MAKERS, family_artefact
from framedex.embed.artefact import Artefact
from framedex.embed.onnxruntime import OnnxRuntimeEmbedder
from framedex.embed.reference import read_reference
from framedex.embed.torch import TorchEmbedder


@pytest.fixture(scope="module", params=["siglip", *MAKERS])
def folder(request: pytest.FixtureRequest) -> Path:
    return tiny_artefact() if request.param == "siglip" else family_artefact(request.param)


@pytest.mark.parametrize("precision", ["fp32", "fp16-mixed"])
def test_torch_gives_what_onnx_runtime_gives(folder: Path, precision: str) -> None:
    artefact = Artefact.open(folder)
    with (
        OnnxRuntimeEmbedder(artefact, threads=1) as whole,
        TorchEmbedder(artefact, threads=1, precision=precision) as other,
    ):
        # Random towers make all pictures nearly alike, so that half precision may change their order: no gate for it here.
        other._gated = precision == "fp32"
        batch = random_tower(whole, 3)
        images = (whole.embed_images(batch).vectors * other.embed_images(batch).vectors).sum(axis=1)
        texts = (whole.embed_texts(TEXTS) * other.embed_texts(TEXTS)).sum(axis=1)
    assert min(images.min(), texts.min()) > (0.999999 if precision == "fp32" else 0.999)


def test_the_reference_is_what_the_graphs_give(folder: Path) -> None:
    artefact = Artefact.open(folder)
    reference = read_reference(artefact)
    with OnnxRuntimeEmbedder(artefact, threads=1) as embedder:
        assert np.abs(embedder.embed_texts(reference.texts) - reference.text_vectors).max() < 1e-4
