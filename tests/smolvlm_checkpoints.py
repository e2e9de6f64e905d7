"""SmolVLM checkpoint folders of the real class with seeded random weights, tokenizer and processor files included."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from checkpoints import scratch
from mllm_tokenizer import write_tokenizer

SIDE = 32
SPECIAL = (
    "<|im_start|>",
    "<end_of_utterance>",
    "<fake_token_around_image>",
    "<global-img>",
    "<image>",
    "<|endoftext|>",
)
_TINY = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}


def make_smolvlm(
    folder: Path,
    *,
    seed: int = 0,
    side: int = SIDE,
    longest_edge: int = 64,
    context: int = 512,
    dtype: str = "float32",
    vision: dict[str, object] | None = None,
    text: dict[str, object] | None = None,
    scale_factor: int = 2,
    gain: float = 6.0,
    device: str = "cpu",
) -> Path:
    """Write a checkpoint with 2 x 2 visual tokens per frame and a byte-level BPE tokenizer; tiny unless told.

    Options of two words are several tokens, "red" is one; "A" and " A" are one token each. Matrices are `gain` times what
    transformers starts them with, so that pictures and words make a difference to the answers. They are drawn on `device`.
    """
    import torch
    from transformers import (
        LlamaConfig,
        SmolVLMConfig,
        SmolVLMForConditionalGeneration,
        SmolVLMImageProcessorPil,
        SmolVLMVisionConfig,
    )

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = write_tokenizer(folder, SPECIAL)
    size = int(str((text or {}).get("vocab_size", vocabulary)))
    image_token_id = json.loads((folder / "tokenizer.json").read_text())["added_tokens"][SPECIAL.index("<image>")]["id"]
    config = SmolVLMConfig(
        vision_config=SmolVLMVisionConfig(**{**_TINY, "image_size": side, "patch_size": 8, **(vision or {})}).to_dict(),
        text_config=LlamaConfig(
            **{**_TINY, "max_position_embeddings": context, "pad_token_id": 0, **(text or {}), "vocab_size": size}
        ).to_dict(),
        scale_factor=scale_factor,
        image_token_id=image_token_id,
        tie_word_embeddings=True,
    )
    torch.manual_seed(seed)
    with torch.device(device):
        model = SmolVLMForConditionalGeneration(config)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.mul_(gain)
    model.to(getattr(torch, dtype)).save_pretrained(folder)
    SmolVLMImageProcessorPil(
        size={"longest_edge": longest_edge}, max_image_size={"longest_edge": side}
    ).save_pretrained(folder)
    return folder


def make_smolvlm_256m(folder: Path, *, device: str = "cpu") -> Path:
    """The shape of SmolVLM2-256M-Video-Instruct, in bfloat16 as it is published; only the tokenizer is smaller."""
    return make_smolvlm(
        folder,
        side=512,
        longest_edge=2048,
        context=8192,
        dtype="bfloat16",
        vision={
            "hidden_size": 768,
            "intermediate_size": 3072,
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
            "patch_size": 16,
        },
        text={
            "vocab_size": 49280,
            "hidden_size": 576,
            "intermediate_size": 1536,
            "num_hidden_layers": 30,
            "num_attention_heads": 9,
            "num_key_value_heads": 3,
            "rms_norm_eps": 1e-5,
            "rope_parameters": {"rope_type": "default", "rope_theta": 100000.0},
        },
        scale_factor=4,
        gain=1.0,
        device=device,
    )


def make_smolvlm_2b(folder: Path, *, device: str = "cpu") -> Path:
    """The shape of SmolVLM2-2.2B-Instruct: SigLIP so400m at 384 px and SmolLM2-1.7B; only the tokenizer is smaller."""
    return make_smolvlm(
        folder,
        side=384,
        longest_edge=1536,
        context=8192,
        dtype="bfloat16",
        vision={
            "hidden_size": 1152,
            "intermediate_size": 4304,
            "num_hidden_layers": 27,
            "num_attention_heads": 16,
            "patch_size": 14,
        },
        text={
            "vocab_size": 49280,
            "hidden_size": 2048,
            "intermediate_size": 8192,
            "num_hidden_layers": 24,
            "num_attention_heads": 32,
            "num_key_value_heads": 32,
            "rms_norm_eps": 1e-5,
            "rope_parameters": {"rope_type": "default", "rope_theta": 130000.0},
        },
        scale_factor=3,
        gain=1.0,
        device=device,
    )


@functools.cache
def tiny_smolvlm() -> Path:
    """A tiny checkpoint, shared: copy it before changing it."""
    return make_smolvlm(scratch() / "smolvlm")
