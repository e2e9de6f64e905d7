"""LLaVA-OneVision checkpoint folders of the real class with seeded random weights, and the plain model on them."""

from __future__ import annotations

import functools
from pathlib import Path

from checkpoints import scratch
from framedex.mllm.base import PreparedFrames
from framedex.mllm.llava_onevision import TURN_END, VIDEO, LlavaOnevision, turn_text
from mllm_tokenizer import write_tokenizer
from plain_mllm import Inputs, PlainModel, channels_first

SIDE = 40
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<image>", "<video>")
_TINY = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
_MEAN, _STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]

#: Of a frame: 5 x 5 patches, joined two by two.
TOKENS = 9


def make_llava_onevision(folder: Path, *, seed: int = 0, context: int = 1024, gain: float = 6.0) -> Path:
    """Write a tiny checkpoint; matrices are `gain` times what transformers starts them with."""
    import torch
    from transformers import (
        LlavaOnevisionConfig,
        LlavaOnevisionForConditionalGeneration,
        LlavaOnevisionImageProcessorPil,
        Qwen2Config,
        SiglipVisionConfig,
    )

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = write_tokenizer(folder, SPECIAL)
    config = LlavaOnevisionConfig(
        vision_config=SiglipVisionConfig(**_TINY, image_size=SIDE, patch_size=8, vision_use_head=False).to_dict(),
        text_config=Qwen2Config(
            **_TINY, num_key_value_heads=1, max_position_embeddings=context, vocab_size=vocabulary
        ).to_dict(),
        image_token_index=SPECIAL.index("<image>"),
        video_token_index=SPECIAL.index("<video>"),
    )
    torch.manual_seed(seed)
    model = LlavaOnevisionForConditionalGeneration(config)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.mul_(gain)
    model.save_pretrained(folder)
    LlavaOnevisionImageProcessorPil(size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
    return folder


@functools.cache
def tiny_llava_onevision() -> Path:
    """A tiny checkpoint, shared: copy it before changing it."""
    return make_llava_onevision(scratch() / "llava-onevision")


def plain_llava_onevision(folder: Path) -> PlainModel:
    """The plain model: the video as one, its newline inside."""

    def media(frames: PreparedFrames) -> tuple[str, Inputs]:
        pixels = channels_first(frames, mean=_MEAN, std=_STD)
        return VIDEO * (TOKENS * len(frames) + 1), {"pixel_values_videos": pixels[None]}

    return PlainModel(
        folder=folder, architecture=LlavaOnevision.architecture, media=media, turn=turn_text, lead="", turn_end=TURN_END
    )
