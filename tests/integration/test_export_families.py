"""Every family from a checkpoint to an artefact, an index and a search, with the vectors and logits that its reference gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cli import ok
from family_checkpoints import MAKERS, family_artefact, family_checkpoint
from framedex.contracts import FrameBatch
from framedex.embed import load_embedder
from framedex.embed.artefact import Artefact
from framedex.embed.tower import to_tower
from framedex_export.checkpoint import Checkpoint
from framedex_export.families import families
from small_world import SmallWorld

KINDS = sorted(MAKERS)
HUGGING_FACE = [kind for kind in KINDS if kind != "cris"]
PROMPTS = ["What is the Dog doing?", "two cats run on the beach"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_measured_is_recorded(kind: str) -> None:
    manifest = Artefact.open(family_artefact(kind)).manifest
    assert manifest.family == MAKERS[kind][0]
    assert manifest.parity is not None
    assert min(manifest.parity.image_min_cosine, manifest.parity.text_min_cosine) >= 0.9999
    assert manifest.parity.batch_min_cosine >= 0.9999
    assert manifest.parity.preprocessing_max_grey_levels <= (1 if kind == "cris" else 0)
    assert (manifest.logit_bias is None) == (manifest.family in ("clip", "cris"))


@pytest.mark.parametrize("kind", HUGGING_FACE)
@pytest.mark.parametrize(("height", "width"), [(90, 160), (160, 90), (64, 64)])
def test_vectors_and_logits_are_those_of_transformers(kind: str, height: int, width: int) -> None:
    checkpoint: Checkpoint = families.load(MAKERS[kind][0])(family_checkpoint(kind)).checkpoint  # type: ignore[attr-defined]
    picture = np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)
    values = checkpoint.processor(images=[Image.fromarray(picture)], return_tensors="pt")
    # Lower-casing is the family's own rule where the tokenizer does not do it.
    lowered = [prompt.lower() for prompt in PROMPTS]
    ids = checkpoint.tokenizer(
        lowered, padding="max_length", truncation=True, max_length=checkpoint.max_length, return_tensors="pt"
    )
    with torch.inference_mode():
        expected = checkpoint.model(input_ids=ids["input_ids"], **values)
    with load_embedder(family_artefact(kind)) as embedder:
        frames = FrameBatch(pts_us=np.zeros(1, np.int64), frames=picture[np.newaxis])
        image = embedder.embed_images(to_tower(frames, embedder.manifest.image)).vectors
        text = embedder.embed_texts(PROMPTS)
        logits = image @ text.T * embedder.manifest.logit_scale + (embedder.manifest.logit_bias or 0.0)
    assert np.abs(image - expected.image_embeds.numpy()).max() < 2e-6
    assert np.abs(text - expected.text_embeds.numpy()).max() < 2e-6
    assert np.abs(logits - expected.logits_per_image.numpy()).max() < 2e-5


@pytest.mark.parametrize("kind", KINDS)
def test_a_video_is_indexed_and_searched(kind: str, world: SmallWorld, tmp_path: Path) -> None:
    artefact, store = family_artefact(kind), tmp_path / "S"
    indexed = ok("index", *world.clips[:2], "--store", store, "--encoder", artefact, "--fps", 1, "--json").json()
    assert len(indexed["indexed"]) == 2
    assert all(entry["frames"] > 3 for entry in indexed["indexed"])
    hits = ok("search", store, "a red dog", "-k", 3, "--json").json()["hits"]
    assert len(hits) == 3
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    assert ok("verify", store).code == 0
    again = ok("index", *world.clips[:2], "--store", store, "--encoder", artefact, "--fps", 1, "--json").json()
    assert len(again["skipped"]) == 2
