"""VideoLLaMA3 checkpoint folders of the real class with seeded random weights, and the plain model on them."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import torch

from checkpoints import scratch
from framedex.mllm.base import PreparedFrames
from framedex.mllm.videollama3 import TURN_END, VideoLlama3, turn_text
from mllm_tokenizer import write_tokenizer
from plain_mllm import Inputs, PlainModel, channels_first

PATCH, MERGE = 14, 2
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|image_pad|>", "<|video_pad|>")
_TINY = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}

#: Frames of 42 x 70 become 56 x 56, which is 2 x 2 tokens.
PROCESSOR = {
    "video_processor_type": "VideoLlama3VideoProcessor",
    "size": {"shortest_edge": 56 * 56, "longest_edge": 32 * 84 * 84},
    "patch_size": PATCH,
    "merge_size": MERGE,
    "use_token_compression": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "resample": 3,
}


def make_videollama3(folder: Path, *, seed: int = 0, context: int = 1024, gain: float = 6.0) -> Path:
    """Write a tiny checkpoint; matrices are `gain` times what transformers starts them with."""
    from transformers import (
        Qwen2Config,
        VideoLlama3Config,
        VideoLlama3ForConditionalGeneration,
        VideoLlama3VisionConfig,
    )

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = write_tokenizer(folder, SPECIAL)
    config = VideoLlama3Config(
        vision_config=VideoLlama3VisionConfig(**_TINY, patch_size=PATCH).to_dict(),
        text_config=Qwen2Config(
            **_TINY, num_key_value_heads=1, max_position_embeddings=context, vocab_size=vocabulary
        ).to_dict(),
        image_token_id=SPECIAL.index("<|image_pad|>"),
        video_token_id=SPECIAL.index("<|video_pad|>"),
    )
    torch.manual_seed(seed)
    model = VideoLlama3ForConditionalGeneration(config)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.mul_(gain)
    model.save_pretrained(folder)
    (folder / "video_preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    return folder


@functools.cache
def tiny_videollama3() -> Path:
    """A tiny checkpoint, shared: copy it before changing it."""
    return make_videollama3(scratch() / "videollama3")


def plain_videollama3(folder: Path) -> PlainModel:
    """The plain model: pixels of the whole set, and the mask of the tokens that are kept, both worked out token by token."""

    def media(frames: PreparedFrames) -> tuple[str, Inputs]:
        pixels = channels_first(frames, mean=[0.5] * 3, std=[0.5] * 3)
        n, _, height, width = pixels.shape
        grid = [n, height // PATCH, width // PATCH]
        unit = PATCH * MERGE
        rows, kept = [], []
        for number in range(n):
            n_kept = 0
            for top in range(0, height, unit):
                for left in range(0, width, unit):
                    token = pixels[number, :, top : top + unit, left : left + unit]
                    for y in range(0, unit, PATCH):
                        rows += [token[:, y : y + PATCH, x : x + PATCH].flatten() for x in range(0, unit, PATCH)]
                    before = pixels[number - 1, :, top : top + unit, left : left + unit]
                    kept.append(number == 0 or float((token - before).abs().mean()) * 255 > 0.1)
                    n_kept += kept[-1]
            if not n_kept:
                kept[-(height // unit) * (width // unit)] = True
        per_frame = np.array(kept).reshape(n, -1).sum(axis=1)
        text = ",".join(
            f"Time {time:.1f}s:{'<|video_pad|>' * int(tokens)}"
            for time, tokens in zip(frames.times_s.tolist(), per_frame, strict=True)
        )
        return text + "\n", {
            "pixel_values_videos": torch.stack(rows),
            "video_grid_thw": torch.tensor([grid]),
            "video_merge_sizes": torch.tensor([MERGE]),
            "video_compression_mask": torch.tensor(kept),
        }

    return PlainModel(
        folder=folder, architecture=VideoLlama3.architecture, media=media, turn=turn_text, lead="", turn_end=TURN_END
    )
