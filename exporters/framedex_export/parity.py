"""Measures an artefact's towers, preprocessing and tokenizer against the torch checkpoint, and refuses those that differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from framedex.contracts import Pixels, TowerBatch, Vectors
from framedex.embed import gate
from framedex.embed.artefact import Artefact
from framedex.embed.base import Embedder
from framedex.embed.manifest import Parity, Precision
from framedex.embed.onnxruntime import OnnxRuntimeEmbedder
from framedex.embed.reference import Reference, read_reference
from framedex.embed.text import TextEncoder
from framedex.embed.torch import TorchEmbedder
from framedex.errors import ArtefactError
from framedex_export.battery import pictures, texts, tower_pixels
from framedex_export.families import Family

MAX_GREY_LEVELS = 1

_BATCH = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Expected:
    """The battery by the checkpoint's own preprocessing and tokenizer and torch in float32, and what ours is given.

    Attributes:
        pixels: uint8 (n, H, W, 3), by `to_tower`.
        levels: of the checkpoint's preprocessing, float64 (n, H, W, 3), 0 to 255.
        image_vectors: float32 (n, d), unit rows.
        texts: without those of which the rules leave nothing: an embedder refuses them.
        text_vectors: float32 (m, d), unit rows.
    """

    pixels: Pixels
    levels: NDArray[np.float64]
    image_vectors: Vectors
    texts: tuple[str, ...]
    text_vectors: Vectors


def expect(encoder: Family, artefact: Artefact) -> Expected:
    """Run the battery through the checkpoint.

    Args:
        encoder: the checkpoint, which is the reference.
        artefact: made from it, in any precision.
    """
    images, battery = list(pictures()), texts()
    processed = encoder.process(images)
    empty = TextEncoder(artefact.tokenizer, artefact.manifest.text).encode(battery).empty
    words = tuple(text for text, nothing in zip(battery, empty, strict=True) if not nothing)
    return Expected(
        pixels=tower_pixels(images, artefact.manifest.image),
        levels=encoder.levels(processed),
        image_vectors=encoder.image_vectors(processed),
        texts=words,
        text_vectors=encoder.text_vectors(encoder.text.ids(words)),
    )


def measure(expected: Expected, artefact: Artefact, *, tokenizer_texts: int) -> Parity:
    """Compare an artefact with its checkpoint over the battery, from picture and text to unit vector.

    Ours: `to_tower`, then the artefact's graphs; every graph that it has, and the worst of them counts.

    Args:
        expected: of the checkpoint.
        artefact: made from it.
        tokenizer_texts: how many texts had equal ids, to be recorded.

    Raises:
        DeviceError: a runtime cannot run the artefact's graphs.
    """
    pixels, words = expected.pixels, expected.texts
    measured = []
    for embedder in _runtimes(artefact):
        with embedder:
            together = _embed(embedder, pixels)
            alone = np.concatenate([_embed(embedder, pixels[row : row + 1]) for row in range(len(pixels))])
            image_cosines = gate.cosines(expected.image_vectors, together)
            text_cosines = gate.cosines(expected.text_vectors, embedder.embed_texts(words))
            measured.append(
                {
                    "image_min_cosine": float(image_cosines.min()),
                    "image_mean_cosine": float(image_cosines.mean()),
                    "text_min_cosine": float(text_cosines.min()),
                    "text_mean_cosine": float(text_cosines.mean()),
                    "batch_min_cosine": float(gate.cosines(alone, together).min()),
                    **_ranks(embedder, read_reference(artefact)),
                }
            )
    return Parity(
        images=len(pixels),
        preprocessing_max_grey_levels=int(np.rint(np.abs(expected.levels - pixels).max())),
        texts=len(words),
        tokenizer_texts=tokenizer_texts,
        **{name: min(figures[name] for figures in measured) for name in measured[0]},
    )


def require(parity: Parity, precision: Precision) -> None:
    """Refuse figures below the bar of `precision`; preprocessing must be within one grey level in all.

    Raises:
        ArtefactError: the first figure that is not reached.
    """
    least = gate.bar(precision)
    bars = {
        "image_min_cosine": least.cosine,
        "text_min_cosine": least.cosine,
        "batch_min_cosine": gate.bar("fp32").cosine,
        "image_ranks": least.ranks,
        "text_ranks": least.ranks,
    }
    for name, expected in bars.items():
        got = getattr(parity, name)
        # Written so that NaN does not pass.
        if not got >= expected:
            raise ArtefactError(
                f"parity: {name} is {got:.6f}, expected {expected} or more in {precision} against the torch model in float32; "
                f"nothing was written{'' if precision == 'fp32' else ', use a higher precision'}"
            )
    if parity.preprocessing_max_grey_levels > MAX_GREY_LEVELS:
        raise ArtefactError(
            f"parity: preprocessing differs by {parity.preprocessing_max_grey_levels} grey levels from the checkpoint's "
            f"processor, expected {MAX_GREY_LEVELS} at most; nothing was written"
        )


def _runtimes(artefact: Artefact) -> Iterator[Embedder]:
    """What runs each of the artefact's graphs here as they say; ONNX Runtime on the CPU takes casts to half precision out."""
    threads = torch.get_num_threads()
    manifest = artefact.manifest
    if manifest.precision in ("fp16-mixed", "bf16"):
        yield TorchEmbedder(artefact, threads=threads, batch=_BATCH, gated=False)
    if manifest.precision == "bf16":  # which ONNX Runtime's CPU cannot run
        return
    yield OnnxRuntimeEmbedder(artefact, threads=threads, batch=_BATCH, gated=False)
    if manifest.precision != "fp16-mixed" and (manifest.towers.image.fused or manifest.towers.text.fused):
        yield OnnxRuntimeEmbedder(artefact, threads=threads, batch=_BATCH, gated=False, fused=False)


def _ranks(embedder: Embedder, reference: Reference) -> dict[str, float]:
    """Rank agreement over the reference set, which has no pictures that are nearly alike."""
    images, words = _embed(embedder, reference.pixels), embedder.embed_texts(reference.texts)
    of_images = gate.measure(images, reference.image_vectors, others=reference.text_vectors, got_are_prompts=False)
    of_texts = gate.measure(words, reference.text_vectors, others=reference.image_vectors, got_are_prompts=True)
    return {"image_ranks": of_images.ranks, "text_ranks": of_texts.ranks}


def _embed(embedder: Embedder, pixels: Pixels) -> Vectors:
    order = np.arange(len(pixels), dtype=np.int64)
    return embedder.embed_images(TowerBatch(pts_us=order, pixels=pixels)).vectors
