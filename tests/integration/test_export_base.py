"""The export at the real base size: 93 M image and 110 M text parameters, patch 16, 224 pixels, 64 ids."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from base_shapes import found_in_a_store
from checkpoints import make_checkpoint
from framedex.contracts import TowerBatch
from framedex.embed import load_embedder
from framedex_export.export import export_encoder


@pytest.mark.slow
def test_base_size_reaches_parity_and_runs_from_disk(tmp_path: Path) -> None:
    checkpoint = make_checkpoint(
        tmp_path / "checkpoint",
        vision={"image_size": 224, "patch_size": 16},
        text={"max_position_embeddings": 64},
    )
    result = export_encoder("siglip", checkpoint, tmp_path / "artefact", report=print)
    manifest = result.artefact.manifest
    assert manifest.parity is not None
    print(manifest.parity)
    assert manifest.parity.image_min_cosine >= 0.9999
    assert manifest.parity.text_min_cosine >= 0.9999
    assert (manifest.dim, manifest.image.size, manifest.text.max_length) == (768, (224, 224), 64)
    parameters = {name: entry.nbytes / 4e6 for name, entry in manifest.files.items()}
    assert 92 < parameters["image.onnx.data"] < 94
    assert 109 < parameters["text.onnx.data"] < 112
    pixels = np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), np.uint8)
    with load_embedder(tmp_path / "artefact") as embedder:
        block = embedder.embed_images(TowerBatch(pts_us=np.arange(3, dtype=np.int64), pixels=pixels))
        texts = embedder.embed_texts(["a dog jumps over the fence"])
    assert block.vectors.shape == (3, 768)
    assert texts.shape == (1, 768)
    found_in_a_store(tmp_path)
