"""The export of each family at a real base shape, with random weights; SigLIP's own is in test_export_base.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from base_shapes import CRIS, exported, found_in_a_store
from family_checkpoints import make_clip, make_cris, make_naflex, make_siglip2
from framedex.contracts import FrameBatch
from framedex.embed import load_embedder
from framedex.embed.tower import to_tower
from framedex_export.export import export_encoder

GEMMA = {"vocab_size": 256_000, "max_position_embeddings": 64}


@dataclass(frozen=True)
class Base:
    """A family at its base shape: millions of parameters of both towers, dimensions, and ids per text."""

    family: str
    make: Callable[[Path], Path]
    image_m: int
    text_m: int
    dim: int
    length: int


BASES = {
    "clip-b16": Base(
        "clip",
        lambda folder: make_clip(
            folder, vision={"image_size": 224, "patch_size": 16}, text={"vocab_size": 49408}, dim=512
        ),
        *(86, 64, 512, 77),
    ),
    "siglip2-b16-224": Base(
        "siglip2",
        lambda folder: make_siglip2(folder, vision={"image_size": 224, "patch_size": 16}, text=GEMMA),
        *(93, 282, 768, 64),
    ),
    "siglip2-b16-naflex": Base(
        "siglip2",
        lambda folder: make_naflex(
            folder, vision={"patch_size": 16, "num_patches": 256}, patch=16, max_patches=256, text=GEMMA
        ),
        *(93, 282, 768, 64),
    ),
    "cris-r50": Base(
        "cris",
        lambda folder: make_cris(folder, width=64, blocks=(3, 4, 6, 3), dim=1024, **CRIS),
        *(40, 64, 1024, 17),
    ),
    "cris-r101": Base(
        "cris",
        lambda folder: make_cris(folder, width=64, blocks=(3, 4, 23, 3), dim=512, **CRIS),
        *(57, 64, 512, 17),
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("name", BASES)
def test_a_base_shape_reaches_parity_and_runs_from_disk(name: str, tmp_path: Path) -> None:
    base = BASES[name]
    export = partial(export_encoder, base.family, report=print)
    manifest = exported(name, base.make, export, tmp_path).artefact.manifest
    print(manifest.parity)
    assert manifest.parity is not None
    assert manifest.parity.image_min_cosine >= 0.9999
    assert manifest.parity.text_min_cosine >= 0.9999
    assert (manifest.dim, manifest.text.max_length) == (base.dim, base.length)
    for tower, millions in (("image", base.image_m), ("text", base.text_m)):
        nbytes = sum(entry.nbytes for file, entry in manifest.files.items() if file.startswith(f"{tower}.onnx"))
        assert abs(nbytes / 4e6 - millions) <= 1, tower
    frames = np.random.default_rng(0).integers(0, 256, (3, 180, 320, 3), np.uint8)
    batch = FrameBatch(pts_us=np.arange(3, dtype=np.int64), frames=frames)
    with load_embedder(tmp_path / "artefact") as embedder:
        block = embedder.embed_images(to_tower(batch, manifest.image))
        texts = embedder.embed_texts(["a dog jumps over the fence"])
    assert block.vectors.shape == (3, base.dim)
    assert texts.shape == (1, base.dim)
    found_in_a_store(tmp_path)
