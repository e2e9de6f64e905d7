"""The shapes of bench/oracle.py: checkpoints with random weights, whole ones and small ones with the same parts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import ROOT

sys.path.insert(0, str(ROOT / "tests"))  # the tests' own makers of checkpoints
from llava_onevision_checkpoints import make_llava_onevision, make_llava_onevision_7b
from smolvlm_checkpoints import make_smolvlm, make_smolvlm_2b, make_smolvlm_256m

_SMALL: dict[str, Any] = {
    "hidden_size": 256,
    "intermediate_size": 768,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Makers of checkpoints, each of a folder and with the device on which weights are drawn.

    Attributes:
        name: in words.
        whole: the published shape.
        small: for --quick.
    """

    name: str
    whole: Callable[..., Path]
    small: Callable[..., Path]


def _small_256m(folder: Path, *, device: str) -> Path:
    vision = {**_SMALL, "intermediate_size": 1024, "patch_size": 16}
    return make_smolvlm(
        folder,
        side=256,
        longest_edge=512,
        context=4096,
        vision=vision,
        text=_SMALL,
        scale_factor=4,
        gain=1.0,
        device=device,
    )


def _small_2b(folder: Path, *, device: str) -> Path:
    vision = {**_SMALL, "patch_size": 14}
    return make_smolvlm(
        folder,
        side=256,
        longest_edge=1024,
        context=4096,
        dtype="bfloat16",
        vision=vision,
        text=_SMALL,
        scale_factor=3,
        gain=1.0,
        device=device,
    )


def _small_7b(folder: Path, *, device: str) -> Path:
    vision, text = {**_SMALL, "patch_size": 14}, {**_SMALL, "num_key_value_heads": 2}
    return make_llava_onevision(
        folder, side=196, context=4096, dtype="bfloat16", vision=vision, text=text, gain=1.0, device=device
    )


SHAPES = {
    "256m": Shape(name="SmolVLM2-256M", whole=make_smolvlm_256m, small=_small_256m),
    "2b": Shape(name="SmolVLM2-2.2B", whole=make_smolvlm_2b, small=_small_2b),
    "7b": Shape(name="LLaVA-OneVision 7B", whole=make_llava_onevision_7b, small=_small_7b),
}
