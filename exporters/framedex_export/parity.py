"""Measures an artefact's towers, preprocessing and tokenizer against the torch checkpoint, and refuses those that differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from framedex.contracts import FrameBatch, Pixels, TowerBatch, Vectors
from framedex.embed.artefact import Artefact
from framedex.embed.base import Embedder
from framedex.embed.gate import bar
from framedex.embed.manifest import ImageRules, Parity
from framedex.embed.onnxruntime import OnnxRuntimeEmbedder
from framedex.embed.text import TextEncoder
from framedex.embed.tower import to_tower
from framedex.errors import ArtefactError
from framedex_export.battery import pictures, texts
from framedex_export.families import Family

MIN_COSINE = bar("fp32").cosine
MAX_GREY_LEVELS = 1

_BATCH = 8


def measure(encoder: Family, artefact: Artefact, *, tokenizer_texts: int) -> Parity:
    """Compare an artefact with its checkpoint over the battery, from picture and text to unit vector.

    Ours: `to_tower`, then ONNX Runtime. The reference's: its own preprocessing, then torch; its own tokenizer, then torch.

    Args:
        encoder: the checkpoint, which is the reference.
        artefact: made from it.
        tokenizer_texts: how many texts had equal ids, to be recorded.

    Raises:
        DeviceError: ONNX Runtime cannot run the artefact's graphs.
    """
    with OnnxRuntimeEmbedder(artefact, threads=torch.get_num_threads(), batch=_BATCH) as embedder:
        return _measure(encoder, artefact, embedder, tokenizer_texts)


def require(parity: Parity) -> None:
    """Refuse figures below the bar: every cosine >= 0.9999, preprocessing within one grey level.

    Raises:
        ArtefactError: the first figure that is not reached.
    """
    for name in ("image_min_cosine", "text_min_cosine", "batch_min_cosine"):
        got = getattr(parity, name)
        # Written so that NaN does not pass.
        if not got >= MIN_COSINE:
            raise ArtefactError(
                f"parity: {name} is {got:.6f}, expected {MIN_COSINE} or more against the torch model; nothing was written"
            )
    if parity.preprocessing_max_grey_levels > MAX_GREY_LEVELS:
        raise ArtefactError(
            f"parity: preprocessing differs by {parity.preprocessing_max_grey_levels} grey levels from the checkpoint's "
            f"processor, expected {MAX_GREY_LEVELS} at most; nothing was written"
        )


def _measure(encoder: Family, artefact: Artefact, embedder: Embedder, tokenizer_texts: int) -> Parity:
    images = list(pictures())
    processed = encoder.process(images)
    pixels = _to_tower(images, artefact.manifest.image)
    ours = _embed(embedder, pixels)
    alone = np.concatenate([_embed(embedder, pixels[row : row + 1]) for row in range(len(pixels))])
    image_cosines = _cosines(encoder.image_vectors(processed), ours)
    battery = texts()
    # A text of which the rules leave nothing is refused by the embedder, not embedded.
    empty = TextEncoder(artefact.tokenizer, artefact.manifest.text).encode(battery).empty
    words = [text for text, nothing in zip(battery, empty, strict=True) if not nothing]
    text_cosines = _cosines(encoder.text_vectors(encoder.text.ids(words)), embedder.embed_texts(words))
    return Parity(
        images=len(images),
        image_min_cosine=float(image_cosines.min()),
        image_mean_cosine=float(image_cosines.mean()),
        preprocessing_max_grey_levels=int(np.rint(np.abs(encoder.levels(processed) - pixels).max())),
        texts=len(words),
        text_min_cosine=float(text_cosines.min()),
        text_mean_cosine=float(text_cosines.mean()),
        tokenizer_texts=tokenizer_texts,
        batch_min_cosine=float(_cosines(alone, ours).min()),
    )


def _to_tower(images: Sequence[Pixels], rules: ImageRules) -> Pixels:
    first = np.zeros(1, np.int64)
    # Sizes differ, so each picture is a batch of its own.
    batches = [to_tower(FrameBatch(pts_us=first, frames=image[np.newaxis]), rules) for image in images]
    return np.concatenate([batch.pixels for batch in batches])


def _embed(embedder: Embedder, pixels: Pixels) -> Vectors:
    order = np.arange(len(pixels), dtype=np.int64)
    return embedder.embed_images(TowerBatch(pts_us=order, pixels=pixels)).vectors


def _cosines(first: Vectors, second: Vectors) -> NDArray[np.float64]:
    a, b = first.astype(np.float64), second.astype(np.float64)
    dots = np.einsum("nd,nd->n", a, b)
    cosines: NDArray[np.float64] = dots / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return cosines
