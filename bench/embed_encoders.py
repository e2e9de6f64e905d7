"""The encoders of bench/embed.py: each family at its base shape with random weights and a text tower of one layer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness import ROOT
from ingest_clips import make_checkpoint

sys.path.insert(0, str(ROOT / "tests"))  # the tests' own makers of checkpoints
from family_checkpoints import make_clip, make_cris, make_naflex, make_siglip2

#: Family, and what writes its checkpoint into a folder.
Maker = tuple[str, Callable[[Path], Path]]


def makers(*, quick: bool) -> Mapping[str, Maker]:
    """Encoders by the name of their published shape; small ones under the same names where `quick`."""
    small = (
        {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 1, "num_attention_heads": 2}
        if quick
        else {}
    )
    square: dict[str, Any] = {"image_size": 224, "patch_size": 16, **small}
    sheet: dict[str, Any] = {"patch_size": 16, "num_patches": 256, **small}
    text = {"vocab_size": 1000, **small, "num_hidden_layers": 1}
    cris: dict[str, Any] = (
        {"width": 8, "blocks": (1, 1, 1, 1), "dim": 64} if quick else {"width": 64, "blocks": (3, 4, 6, 3), "dim": 1024}
    )
    return {
        "siglip-b16-224": ("siglip", lambda folder: make_checkpoint(folder, *((128, 2) if quick else (768, 12)))),
        "siglip2-b16-224": ("siglip2", lambda folder: make_siglip2(folder, vision=square, text=text)),
        "siglip2-b16-naflex": (
            "siglip2",
            lambda folder: make_naflex(folder, vision=sheet, patch=16, max_patches=256, text=text),
        ),
        "clip-b16": ("clip", lambda folder: make_clip(folder, vision=square, text=text, dim=512)),
        "cris-r50": (
            "cris",
            lambda folder: make_cris(folder, text_width=128 if quick else 512, variance=(0.2, 0.4), **cris),
        ),
    }
