"""Writes an artefact's reference set: what the torch model gives in float32, for runtimes to be proved with when they load."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from framedex.contracts import Vectors
from framedex.embed.manifest import TOKENIZER_NAME, TextRules
from framedex.embed.reference import REFERENCE_NAME, Reference
from framedex.embed.text import TextEncoder
from framedex_export.battery import pictures, tower_pixels
from framedex_export.families import Family

_BATCH = 4
# Of the battery: noise at two sizes and every scene, no flats, which are all alike.
_PICTURES = (0, 1, 3, 5, 7, 9, 11, 13, 15, 16, 17, 19)
_TEXTS = (
    "a dog jumps over the fence",
    "a red circle",
    "the blue square is on the left",
    "what colour is the car?",
    "a person runs on the beach at night",
    "nothing",
    "green and yellow",
    "a close-up of a hand that cuts a tomato",
    "two striped things move to the right",
    "an empty street",
    "the man opens the door",
    "a photo of a cat",
)


def write_reference(encoder: Family, text_rules: TextRules, folder: Path) -> None:
    """Write `reference.npz` beside the tokenizer in `folder`; the file is then listed like any other of the artefact.

    Args:
        encoder: whose towers the graphs are exported from.
        text_rules: the artefact's.
        folder: holds the artefact's tokenizer.json.
    """
    chosen = [picture for number, picture in enumerate(pictures()) if number in _PICTURES]
    pixels = tower_pixels(chosen, encoder.image)
    tokens = TextEncoder(folder / TOKENIZER_NAME, text_rules).encode(_TEXTS)
    kept = [row for row in range(len(_TEXTS)) if not tokens.empty[row]]
    Reference(
        pixels=pixels,
        image_vectors=_run(encoder.image_tower(), torch.from_numpy(pixels)),
        texts=tuple(_TEXTS[row] for row in kept),
        text_vectors=_run(encoder.text_tower(), torch.from_numpy(tokens.ids[kept])),
    ).write(folder / REFERENCE_NAME)


def _run(tower: nn.Module, values: Tensor) -> Vectors:
    with torch.inference_mode():
        rows: Vectors = torch.cat([tower(part) for part in torch.split(values, _BATCH)]).float().numpy()
    return rows
