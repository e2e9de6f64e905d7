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


def make_llava_onevision(
    folder: Path,
    *,
    seed: int = 0,
    side: int = SIDE,
    context: int = 1024,
    dtype: str = "float32",
    vision: dict[str, object] | None = None,
    text: dict[str, object] | None = None,
    gain: float = 6.0,
    device: str = "cpu",
) -> Path:
    """Write a checkpoint, tiny unless told; matrices are `gain` times what transformers starts them with, drawn on `device`."""
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
        vision_config=SiglipVisionConfig(
            **{**_TINY, "patch_size": 8, **(vision or {})}, image_size=side, vision_use_head=False
        ).to_dict(),
        text_config=Qwen2Config(
            **{
                **_TINY,
                "num_key_value_heads": 1,
                "max_position_embeddings": context,
                "vocab_size": vocabulary,
                **(text or {}),
            }
        ).to_dict(),
        image_token_index=SPECIAL.index("<image>"),
        video_token_index=SPECIAL.index("<video>"),
    )
    torch.manual_seed(seed)
    with torch.device(device):
        model = LlavaOnevisionForConditionalGeneration(config)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.mul_(gain)
    model.to(getattr(torch, dtype)).save_pretrained(folder)
    LlavaOnevisionImageProcessorPil(size={"height": side, "width": side}).save_pretrained(folder)
    return folder


def make_llava_onevision_7b(folder: Path, *, device: str = "cpu") -> Path:
    """The shape of llava-onevision-qwen2-7b-ov-hf: SigLIP so400m at 384 px and Qwen2-7B; only the tokenizer is smaller."""
    return make_llava_onevision(
        folder,
        side=384,
        context=32768,
        dtype="bfloat16",
        vision={
            "hidden_size": 1152,
            "intermediate_size": 4304,
            "num_hidden_layers": 26,
            "num_attention_heads": 16,
            "patch_size": 14,
        },
        text={
            "vocab_size": 152128,
            "hidden_size": 3584,
            "intermediate_size": 18944,
            "num_hidden_layers": 28,
            "num_attention_heads": 28,
            "num_key_value_heads": 4,
            "rms_norm_eps": 1e-6,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0},
        },
        gain=1.0,
        device=device,
    )


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
