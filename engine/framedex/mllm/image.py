"""Frames to the pixels that SmolVLM's tower takes: the checkpoint's own preprocessing of a video's frames.

Source: transformers 5.23, `models/smolvlm/image_processing_pil_smolvlm.py` with `do_image_splitting=False`, which is what
`video_processing_smolvlm.py` does with Pillow's filters. With torchvision that class takes bicubic where Lanczos is asked for, so
its pixels differ a little from these.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from framedex.contracts import Pixels
from framedex.errors import ArtefactError
from framedex.keys import Json
from framedex.mllm.checkpoint import read_json

# The processor's own bound; above it its rounding is another.
_LONGEST_EDGE_MAX = 4096

# What the processor's class takes where the files say nothing.
_DEFAULT_LONGEST_EDGE = 4 * 364
_DEFAULT_SIDE = 364
_HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRules:
    """How a checkpoint wants its frames.

    Attributes:
        longest_edge: pixels of the longer edge after the first resize, which keeps the aspect ratio.
        side: pixels of both edges after the second, which does not.
        resample: Pillow's filter.
        rescale_factor: that makes 0..255 to 0..1.
        mean: subtracted from R, G, B after that.
        std: divided by, likewise.
    """

    longest_edge: int = _DEFAULT_LONGEST_EDGE
    side: int = _DEFAULT_SIDE
    resample: int = int(Image.Resampling.LANCZOS)
    rescale_factor: float = 1 / 255
    mean: tuple[float, ...] = _HALF
    std: tuple[float, ...] = _HALF

    def __post_init__(self) -> None:
        if not 1 <= self.longest_edge <= _LONGEST_EDGE_MAX or not 1 <= self.side <= _LONGEST_EDGE_MAX:
            raise ValueError(
                f"expected edges of 1 to {_LONGEST_EDGE_MAX} pixels, got size {self.longest_edge}, max_image_size {self.side}"
            )
        if self.resample not in set(Image.Resampling):
            raise ValueError(f"expected a resample of {[int(kind) for kind in Image.Resampling]}, got {self.resample}")
        if len(self.mean) != 3 or len(self.std) != 3 or not all(self.std):
            raise ValueError(f"expected three means and three deviations that are not 0, got {self.mean}, {self.std}")

    def as_json(self) -> dict[str, Json]:
        """Every rule, for a key."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def read_frame_rules(folder: Path) -> FrameRules:
    """The rules of a checkpoint's processor files, in the order in which transformers looks for a video's.

    Raises:
        ArtefactError: no processor file, or one that asks for something else than resize, rescale and normalise.
        StorageError: a file cannot be read.
    """
    path, processor = _processor(folder)
    for step in ("do_resize", "do_rescale", "do_normalize"):
        if processor.get(step, True) is not True:
            raise ArtefactError(f"{path}: expected {step} true, got {processor[step]}; framedex always does it")
    sampling = processor.get("video_sampling") or {}
    try:
        # Where a file has both, transformers lets `size` win.
        size = processor.get("size") or sampling.get("video_size") or {"longest_edge": _DEFAULT_LONGEST_EDGE}
        return FrameRules(
            longest_edge=int(size["longest_edge"]),
            side=int(processor.get("max_image_size", {"longest_edge": _DEFAULT_SIDE})["longest_edge"]),
            resample=int(processor.get("resample", Image.Resampling.LANCZOS)),
            rescale_factor=float(processor.get("rescale_factor", 1 / 255)),
            mean=tuple(map(float, processor.get("image_mean", _HALF))),
            std=tuple(map(float, processor.get("image_std", _HALF))),
        )
    except KeyError as error:
        raise ArtefactError(f"{path}: expected size and max_image_size by longest_edge, {error} is missing") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise ArtefactError(f"{path}: the frames' rules do not hold: {error}") from error


def to_pixels(frames: Pixels, rules: FrameRules) -> NDArray[np.float32]:
    """Resize twice and normalise.

    Args:
        frames: uint8 (n, H, W, 3), RGB.
        rules: the checkpoint's.

    Returns:
        float32 (n, 3, side, side), equal to the processor's to the last bit.
    """
    mean, std = np.array(rules.mean, np.float32), np.array(rules.std, np.float32)
    pixels = np.empty((len(frames), 3, rules.side, rules.side), np.float32)
    first = _first_size(frames.shape[1], frames.shape[2], rules.longest_edge)
    for row, frame in enumerate(frames):
        # Two uint8 steps: one resize straight to the side gives other pixels.
        picture = Image.fromarray(frame).resize(first, rules.resample).resize((rules.side, rules.side), rules.resample)
        unit = (np.asarray(picture).astype(np.float64) * rules.rescale_factor).astype(np.float32)
        pixels[row] = ((unit - mean) / std).transpose(2, 0, 1)
    return pixels


def _first_size(height: int, width: int, longest_edge: int) -> tuple[int, int]:
    """Width and height of the first resize: the shorter edge is cut to an integer, then made even."""
    aspect = width / height
    if width >= height:
        short = int(longest_edge / aspect)
        return longest_edge, max(short + short % 2, 1)
    short = int(longest_edge * aspect)
    return max(short + short % 2, 1), longest_edge


def _processor(folder: Path) -> tuple[Path, dict[str, Any]]:
    """The file that speaks of a video's frames, and what it says of them."""
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
