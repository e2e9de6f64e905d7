"""VideoLLaMA3: a token per 28 x 28 pixels, each frame after its time; what hardly changes from frame to frame is left out.

Source: transformers 5.23, `models/video_llama_3`: `replace_video_token` of processing_video_llama_3.py and the chat template that
the published checkpoints carry; `resize`, `patchify` and `_get_compression_mask` of video_processing_video_llama_3.py with
Pillow's filters; features from `VideoLlama3Model.get_video_features`, whose attention is within a frame.

Deviation: that class makes frames smaller the more there are of them (`longest_edge // num_frames`), so that no frame would look
the same to two sets of frames. Here every frame is as large as one of 32 would be, and the key says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from framedex.contracts import Pixels
from framedex.errors import ArtefactError, VideoError
from framedex.keys import Json
from framedex.mllm.base import PreparedFrames
from framedex.mllm.checkpoint import Checkpoint
from framedex.mllm.family import Shown, Template
from framedex.mllm.load import Loaded
from framedex.mllm.pictures import check_filter_and_colours, normalised, processor_rules
from framedex.mllm.token_cache import TokenCache
from framedex.torch_device import at_most

TURN_START = "<|im_start|>"
TURN_END = "<|im_end|>"
VIDEO = "<|video_pad|>"
ANSWER_CUE = f"{TURN_START}assistant\n"

#: A frame is as large as one of so many.
FRAMES = 32

# Mean difference of normalised values, times 255, at or below which a token is left out; and how many stay in any case.
_THRESHOLD, _LEAST = 0.1, 1
_WIDEST = 200
# In memory: a pair of frames takes a byte per token, a frame's patches some 3 MiB.
_NBYTES_OF_PAIRS, _NBYTES_OF_PATCHES = 8 << 20, 64 << 20

# What the processor's class takes where the files say nothing.
_SHORTEST, _LONGEST = 128 * 28 * 28, 768 * 28 * 28
_PATCH, _MERGE = 14, 2
_IMAGENET_MEAN, _IMAGENET_STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)


def turn_text(media: str, said: str) -> str:
    """The whole prompt, up to where the answer begins."""
    return f"{TURN_START}user\n{media}{said}{TURN_END}\n{ANSWER_CUE}"


def answer_text(option: str) -> str:
    """An option as the model would write it after the prompt."""
    return option


def video_text(times_s: Sequence[float], tokens: Sequence[int]) -> str:
    """The media part: each frame after its time.

    Args:
        times_s: n >= 1 times in seconds from the video's first frame.
        tokens: of each frame.
    """
    frames = (f"Time {time:.1f}s:{VIDEO * n}" for time, n in zip(times_s, tokens, strict=True))
    return ",".join(frames) + "\n"


TEMPLATE = Template(
    version="videollama3-1",
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
        shortest_edge: pixels of a frame at least, in area.
        longest_edge: pixels of a video at most, in area, over all frames.
        frames: how many frames that is shared among, whatever the number shown.
        patch: pixels along an edge of a patch.
        merge: patches along an edge of a token.
        prunes: whether tokens are left out that hardly change.
        resample: Pillow's filter.
        rescale_factor: that makes 0..255 to 0..1.
        mean: subtracted from R, G, B after that.
        std: divided by, likewise.
    """

    shortest_edge: int = _SHORTEST
    longest_edge: int = _LONGEST
    frames: int = FRAMES
    patch: int = _PATCH
    merge: int = _MERGE
    prunes: bool = True
    resample: int = int(Image.Resampling.BICUBIC)
    rescale_factor: float = 1 / 255
    mean: tuple[float, ...] = _IMAGENET_MEAN
    std: tuple[float, ...] = _IMAGENET_STD

    def __post_init__(self) -> None:
        if min(self.shortest_edge, self.longest_edge, self.patch, self.merge) < 1:
            raise ValueError("expected size, patch_size and merge_size of 1 or more")
        check_filter_and_colours(self.resample, self.mean, self.std)

    def as_json(self) -> dict[str, Json]:
        """Every rule, for a key."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of a frame after the resize: whole tokens, the area within bounds, the aspect ratio nearly kept.

        Raises:
            VideoError: a frame more than 200 times as long as wide.
        """
        if max(height, width) > _WIDEST * min(height, width):
            raise VideoError(
                f"frames of {width} x {height} pixels: VideoLLaMA3 takes none that are over {_WIDEST} times as long as wide"
            )
        unit, most = self.patch * self.merge, self.longest_edge // self.frames
        rounded = (round(height / unit) * unit, round(width / unit) * unit)
        if rounded[0] * rounded[1] > most:
            shrink = math.sqrt(height * width / most)
            return (
                max(unit, math.floor(height / shrink / unit) * unit),
                max(unit, math.floor(width / shrink / unit) * unit),
            )
        if rounded[0] * rounded[1] < self.shortest_edge:
            grow = math.sqrt(self.shortest_edge / (height * width))
            return math.ceil(height * grow / unit) * unit, math.ceil(width * grow / unit) * unit
        return rounded


def read_frame_rules(folder: Path) -> FrameRules:
    """The rules of a checkpoint's processor files.

    Raises:
        ArtefactError: no processor file, or one that asks for something else than resize, rescale, normalise and prune.
        StorageError: a file cannot be read.
    """
    path, processor = processor_rules(folder)
    if processor.get("temporal_patch_size", 1) != 1:
        raise ArtefactError(f"{path}: expected temporal_patch_size 1, got {processor['temporal_patch_size']}")
    try:
        size = processor.get("size") or {}
        return FrameRules(
            shortest_edge=int(processor.get("min_pixels") or size.get("shortest_edge", _SHORTEST)),
            longest_edge=int(processor.get("max_pixels") or size.get("longest_edge", _LONGEST)),
            patch=int(processor.get("patch_size", _PATCH)),
            merge=int(processor.get("merge_size", _MERGE)),
            prunes=bool(processor.get("use_token_compression", True)),
            resample=int(processor.get("resample", Image.Resampling.BICUBIC)),
            rescale_factor=float(processor.get("rescale_factor", 1 / 255)),
            mean=tuple(map(float, processor.get("image_mean", _IMAGENET_MEAN))),
            std=tuple(map(float, processor.get("image_std", _IMAGENET_STD))),
        )
    except (TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise ArtefactError(f"{path}: the frames' rules do not hold: {error}") from error


def patches(pictures: Pixels, rules: FrameRules) -> NDArray[np.float32]:
    """Normalise and cut: uint8 (n, h, w, 3) to float32 (n, tokens, merge² · 3 · patch²), as the processor's `patchify`."""
    pixels = normalised(pictures, rescale_factor=rules.rescale_factor, mean=rules.mean, std=rules.std)
    n, channels, height, width = pixels.shape
    rows, columns = height // (rules.patch * rules.merge), width // (rules.patch * rules.merge)
    cut = pixels.reshape(n, channels, rows, rules.merge, rules.patch, columns, rules.merge, rules.patch)
    return np.ascontiguousarray(cut.transpose(0, 2, 5, 3, 6, 1, 4, 7)).reshape(n, rows * columns, -1)


class KeptTokens:
    """Which tokens stand in a prompt: those of the first frame, then those that differ from the frame shown before.

    Windows share most of their pairs of neighbours, and sets of frames their frames: what was found for a pair is kept, and for a
    while what a frame was normalised to.

    Args:
        rules: of the checkpoint.
    """

    def __init__(self, rules: FrameRules) -> None:
        self._rules = rules
        self._pairs = TokenCache(_NBYTES_OF_PAIRS)
        self._patches = TokenCache(_NBYTES_OF_PATCHES)

    def of(self, keys: Sequence[str], pictures: Sequence[Pixels]) -> NDArray[np.bool_]:
        """Tokens of a set of n >= 1 frames.

        Args:
            keys: of the frames.
            pictures: uint8 (h, w, 3) of each, of one size.

        Returns:
            bool (n, tokens).
        """
        height, width = (edge // (self._rules.patch * self._rules.merge) for edge in pictures[0].shape[:2])
        kept = np.ones((len(pictures), height * width), np.bool_)
        if self._rules.prunes:
            with at_most(1):  # a pair is too little work for several threads, which would wait for each other
                for row in range(1, len(pictures)):
                    kept[row] = self._pair(keys[row - 1 : row + 1], pictures[row - 1 : row + 1]).numpy()
        return kept

    def _pair(self, keys: Sequence[str], pictures: Sequence[Pixels]) -> torch.Tensor:
        """Of the second of two frames; in torch as the processor, so that a difference at the threshold falls alike."""
        key = " ".join(keys)
        kept = self._pairs.get(key)
        if kept is None:
            before, after = (self._cut(*each) for each in zip(keys, pictures, strict=True))
            kept = (after - before).abs().mean(dim=-1) * 255 > _THRESHOLD
            if kept.sum() < _LEAST:
                kept[:_LEAST] = True
            self._pairs.put(key, kept)
        return kept

    def _cut(self, key: str, picture: Pixels) -> torch.Tensor:
        cut = self._patches.get(key)
        if cut is None:
            cut = torch.from_numpy(patches(picture[None], self._rules)[0])
            self._patches.put(key, cut)
        return cut


class VideoLlama3:
    """A `VideoLlama3ForConditionalGeneration` checkpoint.

    Raises:
        ArtefactError: the checkpoint's files do not fit each other.
        StorageError: a file cannot be read.
    """

    model_type: ClassVar[str] = "video_llama_3"
    architecture: ClassVar[str] = "VideoLlama3ForConditionalGeneration"
    template: ClassVar[Template] = TEMPLATE
    rules_version: ClassVar[int] = 1

    def __init__(self, checkpoint: Checkpoint, loaded: Loaded) -> None:
        self._model = loaded.model
        self._frames = read_frame_rules(checkpoint.folder)
        self._kept = KeptTokens(self._frames)
        patch = int(loaded.model.config.vision_config.patch_size)
        if patch != self._frames.patch:
            raise ArtefactError(
                f"{checkpoint.folder}: the processor cuts patches of {self._frames.patch} pixels, the tower takes {patch}; "
                "the processor and config.json are not of one checkpoint"
            )

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
        """Resize to whole tokens; frames of one video to one size."""
        height, width = self._frames.size(frames.shape[1], frames.shape[2])
        filtered = self._frames.resample
        return np.stack([np.asarray(Image.fromarray(frame).resize((width, height), filtered)) for frame in frames])

    def check(self, frames: PreparedFrames) -> None:
        """Raise ValueError where pictures are not whole tokens."""
        unit = self._frames.patch * self._frames.merge
        shape = frames.pixels[0].shape if len(frames) else (0, 0, 3)
        if not shape[0] or shape[0] % unit or shape[1] % unit:
            raise ValueError(
                f"[answer] expected pixels (n >= 1, H, W, 3), H and W multiples of {unit}, got {(len(frames), *shape)}; "
                "use this runner's prepare"
            )

    def shown(self, frames: PreparedFrames) -> Shown:
        """Each frame after its time, less the tokens that hardly change."""
        kept = self._kept.of(frames.keys(), frames.pixels)
        return Shown(text=video_text(frames.times_s.tolist(), kept.sum(axis=1).tolist()), kept=tuple(kept))

    def tower(self, pictures: Pixels) -> torch.Tensor:
        """Tower and projector; all tokens, as what is left out depends on the frame shown before."""
        rules, model = self._frames, self._model
        cut = torch.from_numpy(patches(pictures, rules)).to(device=model.device, dtype=model.dtype)
        grid = [len(pictures), pictures.shape[1] // rules.patch, pictures.shape[2] // rules.patch]
        features = model.model.get_video_features(
            pixel_values_videos=cut.reshape(math.prod(grid), -1),
            video_grid_thw=torch.tensor([grid], device=model.device),
            video_merge_sizes=torch.tensor([rules.merge], device=model.device),
            return_dict=True,
        ).pooler_output[0]
        return cast(torch.Tensor, features.reshape(len(pictures), -1, features.shape[-1]))

    def visual(self, tokens: Sequence[torch.Tensor], shown: Shown) -> torch.Tensor:
        """The tokens that are kept."""
        assert shown.kept is not None, "this family's own"
        return torch.cat([each[torch.from_numpy(kept)] for each, kept in zip(tokens, shown.kept, strict=True)])
