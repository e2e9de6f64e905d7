"""micro-siglip: a SigLIP model small enough to train on two cores and to ship with the package."""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import SiglipConfig, SiglipModel, SiglipTextConfig, SiglipTokenizer, SiglipVisionConfig

from framedex.microworld.frames import TOWER_SIZE
from framedex.microworld.tokenizer import EOS_ID, MAX_TOKENS

_WIDTH = 128
_INITIAL_LOG_SCALE = 2.3
_INITIAL_BIAS = -5.0


def build_model(*, vocab_size: int) -> SiglipModel:
    """Return an untrained float32 model of about 0.8 million parameters; weights come from torch's global generator."""
    text = SiglipTextConfig(
        vocab_size=vocab_size,
        hidden_size=_WIDTH,
        intermediate_size=2 * _WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=MAX_TOKENS,
        pad_token_id=EOS_ID,
        bos_token_id=None,
        eos_token_id=EOS_ID,
    )
    vision = SiglipVisionConfig(
        hidden_size=_WIDTH,
        intermediate_size=2 * _WIDTH,
        num_hidden_layers=3,
        num_attention_heads=4,
        image_size=TOWER_SIZE,
        patch_size=6,
    )
    model = SiglipModel(SiglipConfig(text_config=text.to_dict(), vision_config=vision.to_dict()))
    with torch.no_grad():
        model.logit_scale.fill_(_INITIAL_LOG_SCALE)
        model.logit_bias.fill_(_INITIAL_BIAS)
    return model


def image_vectors(model: SiglipModel, pixels: Tensor) -> Tensor:
    """Embed (n, 48, 48, 3) uint8 RGB; returns (n, 128) unit vectors in the model's dtype."""
    values = (pixels.to(model.dtype) / 255.0 - 0.5) / 0.5
    pooled = model.get_image_features(pixel_values=values.permute(0, 3, 1, 2)).pooler_output
    return torch.nn.functional.normalize(pooled, dim=-1)


def text_vectors(model: SiglipModel, input_ids: Tensor) -> Tensor:
    """Embed (m, 16) token ids padded to full length; returns (m, 128) unit vectors in the model's dtype."""
    pooled = model.get_text_features(input_ids=input_ids).pooler_output
    return torch.nn.functional.normalize(pooled, dim=-1)


def token_ids(tokenizer: SiglipTokenizer, texts: Sequence[str]) -> Tensor:
    """Encode m texts as (m, 16) int64 ids, padded to full length and cut there."""
    encoded: Tensor = tokenizer(list(texts), padding="max_length", truncation=True, return_tensors="pt")["input_ids"]
    return encoded
