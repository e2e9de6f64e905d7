"""What the families' frame rules share: where they are written, and the arithmetic that ends them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from framedex.contracts import Pixels
from framedex.errors import ArtefactError
from framedex.mllm.checkpoint import read_json


def processor_rules(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The file that speaks of a video's frames, and what it says of them, in the order in which transformers looks.

    Raises:
        ArtefactError: no processor file, or one that asks for something else than resize, rescale and normalise.
        StorageError: a file cannot be read.
    """
    path, rules = _processor(folder)
    for step in ("do_resize", "do_rescale", "do_normalize"):
        if rules.get(step, True) is not True:
            raise ArtefactError(f"{path}: expected {step} true, got {rules[step]}; framedex always does it")
    return path, rules


def check_filter_and_colours(resample: int, mean: Sequence[float], std: Sequence[float]) -> None:
    """Raise ValueError where Pillow has no such filter or the colours cannot be normalised so."""
    if resample not in set(Image.Resampling):
        raise ValueError(f"expected a resample of {[int(kind) for kind in Image.Resampling]}, got {resample}")
    if len(mean) != 3 or len(std) != 3 or not all(std):
        raise ValueError(f"expected three means and three deviations that are not 0, got {mean}, {std}")


def normalised(
    pictures: Pixels, *, rescale_factor: float, mean: Sequence[float], std: Sequence[float]
) -> NDArray[np.float32]:
    """Rescale and normalise as transformers' Pillow processors do, to the last bit.

    Args:
        pictures: uint8 (n, H, W, 3).
        rescale_factor: that makes 0..255 to 0..1.
        mean: subtracted from R, G, B after that.
        std: divided by, likewise.

    Returns:
        float32 (n, 3, H, W).
    """
    # A picture has 256 values at most, so every sum is worked out once and looked up.
    unit = (np.arange(256).astype(np.float64) * rescale_factor).astype(np.float32)
    table = (unit[:, None] - np.array(mean, np.float32)) / np.array(std, np.float32)
    pixels = np.empty((len(pictures), 3, *pictures.shape[1:3]), np.float32)
    for channel in range(3):
        pixels[:, channel] = table[:, channel][pictures[..., channel]]
    return pixels


def _processor(folder: Path) -> tuple[Path, dict[str, Any]]:
    whole = folder / "processor_config.json"
    nested = read_json(whole) if whole.is_file() else {}
    if isinstance(nested.get("video_processor"), dict):
        return whole, nested["video_processor"]
    for name in ("video_preprocessor_config.json", "preprocessor_config.json"):
        if (folder / name).is_file():
            return folder / name, read_json(folder / name)
    if isinstance(nested.get("image_processor"), dict):
        return whole, nested["image_processor"]
    raise ArtefactError(
        f"{folder}: no processor; expected processor_config.json, video_preprocessor_config.json or preprocessor_config.json"
    )
