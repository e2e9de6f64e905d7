"""LLaVA-OneVision: 196 visual tokens a frame, one newline after the last; the prompt says nothing of times.

Source: transformers 5.23, `models/llava_onevision`: `replace_video_token` of processing_llava_onevision.py and the chat template
that the published checkpoints carry; pixels as video_processing_llava_onevision.py with Pillow's filters; features and newline
from `LlavaOnevisionModel.get_video_features`, whose pooling is within a frame.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import torch
from PIL import Image

from framedex.contracts import Pixels
from framedex.errors import ArtefactError
from framedex.keys import Json
from framedex.mllm.base import PreparedFrames
from framedex.mllm.checkpoint import Checkpoint
from framedex.mllm.family import Shown, Template
from framedex.mllm.load import Loaded
from framedex.mllm.pictures import check_filter_and_colours, normalised, processor_rules

TURN_START = "<|im_start|>"
TURN_END = "<|im_end|>"
VIDEO = "<video>"
ANSWER_CUE = f"{TURN_START}assistant\n"

# What the processor's class takes where the files say nothing.
_DEFAULT_SIZE: dict[str, int] = {"height": 384, "width": 384}
_CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


def turn_text(media: str, said: str) -> str:
    """The whole prompt, up to where the answer begins."""
    return f"{TURN_START}user {media}\n{said}{TURN_END}{ANSWER_CUE}"


def answer_text(option: str) -> str:
    """An option as the model would write it after the prompt."""
    return option


TEMPLATE = Template(
    version="llava-onevision-1",
    placeholder=VIDEO,
    turn_end=TURN_END,
    special=(TURN_START, TURN_END, VIDEO),
    turn=turn_text,
    answer=answer_text,
    cue=ANSWER_CUE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRules:
    """How a checkpoint wants its frames.

    Attributes:
        height: pixels after the resize.
        width: likewise.
        resample: Pillow's filter.
        rescale_factor: that makes 0..255 to 0..1.
        mean: subtracted from R, G, B after that.
        std: divided by, likewise.
    """

    height: int
    width: int
    resample: int = int(Image.Resampling.BICUBIC)
    rescale_factor: float = 1 / 255
    mean: tuple[float, ...] = _CLIP_MEAN
    std: tuple[float, ...] = _CLIP_STD

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise ValueError(f"expected a size of 1 pixel or more, got {self.height} x {self.width}")
        check_filter_and_colours(self.resample, self.mean, self.std)

    def as_json(self) -> dict[str, Json]:
        """Every rule, for a key."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def read_frame_rules(folder: Path) -> FrameRules:
    """The rules of a checkpoint's processor files.

    Raises:
        ArtefactError: no processor file, or one that asks for something else than resize, rescale and normalise.
        StorageError: a file cannot be read.
    """
    path, processor = processor_rules(folder)
    if processor.get("do_center_crop"):
        raise ArtefactError(f"{path}: expected do_center_crop false, got {processor['do_center_crop']}")
    try:
        size = processor.get("size") or _DEFAULT_SIZE
        return FrameRules(
            height=int(size["height"]),
            width=int(size["width"]),
            resample=int(processor.get("resample", Image.Resampling.BICUBIC)),
            rescale_factor=float(processor.get("rescale_factor", 1 / 255)),
            mean=tuple(map(float, processor.get("image_mean", _CLIP_MEAN))),
            std=tuple(map(float, processor.get("image_std", _CLIP_STD))),
        )
    except KeyError as error:
        raise ArtefactError(f"{path}: expected size by height and width, {error} is missing") from error
    except (TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise ArtefactError(f"{path}: the frames' rules do not hold: {error}") from error


class LlavaOnevision:
    """A `LlavaOnevisionForConditionalGeneration` checkpoint.

    Raises:
        ArtefactError: the checkpoint's files do not fit each other.
        StorageError: a file cannot be read.
    """

    model_type: ClassVar[str] = "llava_onevision"
    architecture: ClassVar[str] = "LlavaOnevisionForConditionalGeneration"
    template: ClassVar[Template] = TEMPLATE
    rules_version: ClassVar[int] = 1

    def __init__(self, checkpoint: Checkpoint, loaded: Loaded) -> None:
        self._model = loaded.model
        self._frames = read_frame_rules(checkpoint.folder)
        vision = loaded.model.config.vision_config
        side = int(vision.image_size)
        if (self._frames.height, self._frames.width) != (side, side):
            raise ArtefactError(
                f"{checkpoint.folder}: the processor makes frames of {self._frames.height} x {self._frames.width} pixels, "
                f"the tower takes {side} x {side}; the processor and config.json are not of one checkpoint"
            )
        # Two by two patches become one token, an odd one at an edge becomes one too.
        self._tokens = math.ceil(side // int(vision.patch_size) / 2) ** 2

    @property
    def rules(self) -> Mapping[str, Json]:
        """The frames' rules."""
        return self._frames.as_json()

    @property
    def placeholder_id(self) -> int:
        """The video token."""
        return int(self._model.config.video_token_id)

    @property
    def language_model(self) -> torch.nn.Module:
        """A Qwen2."""
        return cast(torch.nn.Module, self._model.model.language_model)

    def resized(self, frames: Pixels) -> Pixels:
        """Resize to the tower's size, whatever the aspect ratio."""
        size = (self._frames.width, self._frames.height)
        return np.stack([np.asarray(Image.fromarray(frame).resize(size, self._frames.resample)) for frame in frames])

    def check(self, frames: PreparedFrames) -> None:
        """Raise ValueError where pictures are not of the tower's size."""
        size = (self._frames.height, self._frames.width, 3)
        shape = frames.pixels[0].shape if len(frames) else ()
        if shape != size:
            raise ValueError(
                f"[answer] expected pixels (n >= 1, {', '.join(map(str, size))}), got {(len(frames), *shape)}; "
                "use this runner's prepare"
            )

    def shown(self, frames: PreparedFrames) -> Shown:
        """All frames in a row, and the newline."""
        return Shown(text=VIDEO * (len(frames) * self._tokens + 1))

    def tower(self, pictures: Pixels) -> torch.Tensor:
        """Tower, projector and pooling."""
        rules = self._frames
        pixels = normalised(pictures, rescale_factor=rules.rescale_factor, mean=rules.mean, std=rules.std)
        taken = torch.from_numpy(pixels).to(device=self._model.device, dtype=self._model.dtype)
        # As one video: its tokens frame by frame, then the newline.
        features = self._model.get_video_features(pixel_values_videos=taken[None], return_dict=True).pooler_output[0]
        return cast(torch.Tensor, features[:-1].reshape(len(pictures), self._tokens, -1))

    def visual(self, tokens: Sequence[torch.Tensor], shown: Shown) -> torch.Tensor:  # noqa: ARG002 - the contract's
        """All tokens of all frames, and the newline."""
        newline = self._model.model.image_newline[None]
        return torch.cat([*tokens, newline.to(tokens[0])])
