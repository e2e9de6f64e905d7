"""Log-probabilities of answers from a SmolVLM: the tower, the prompts, and the options after them. All in torch, no files.

The prompt is read once; its keys and values are reused for every option of more than one token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import DynamicCache, SmolVLMForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutputWithPooling

from framedex.mllm.tokens import Ids, Prompt


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prefill:
    """A batch of prompts that the model has read, padded on the left.

    Attributes:
        mask: int64 (b, t), 1 where a token is.
        logprobs: float32 (b, vocabulary), of the token after each prompt.
        cache: keys and values of the prompts.
    """

    mask: torch.Tensor
    logprobs: torch.Tensor
    cache: DynamicCache


@torch.inference_mode()
def visual_tokens(model: SmolVLMForConditionalGeneration, pixels: NDArray[np.float32], *, batch: int) -> torch.Tensor:
    """What the language model sees of n >= 1 frames, `batch` of them at a time.

    The tower and the connector are called themselves: `get_image_features` would take a frame whose pixels are all 0 for padding
    and leave it out.

    Args:
        model: in evaluation mode.
        pixels: float32 (n, 3, side, side), normalised.
        batch: >= 1.

    Returns:
        (n, seq_len, hidden) in the model's dtype.
    """
    parts = []
    for start in range(0, len(pixels), batch):
        part = torch.tensor(pixels[start : start + batch], dtype=model.dtype)
        parts.append(model.model.connector(model.model.vision_model(pixel_values=part).last_hidden_state))
    return torch.cat(parts)


@torch.inference_mode()
def prefill(
    model: SmolVLMForConditionalGeneration, prompts: Sequence[Ids], visual: Sequence[torch.Tensor], *, pad_id: int
) -> Prefill:
    """Read b >= 1 prompts.

    Args:
        model: in evaluation mode.
        prompts: their ids.
        visual: (frames, seq_len, hidden) of each prompt that shows any, in the prompts' order.
        pad_id: any id but the image token's.
    """
    longest = max(map(len, prompts))
    ids = torch.full((len(prompts), longest), pad_id)
    mask = torch.zeros((len(prompts), longest), dtype=torch.int64)
    for row, prompt in enumerate(prompts):
        ids[row, longest - len(prompt) :] = torch.tensor(prompt)
        mask[row, longest - len(prompt) :] = 1
    seen = BaseModelOutputWithPooling(pooler_output=[frames.flatten(0, 1) for frames in visual])
    output = model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=(mask.cumsum(1) - 1).clamp(min=0),
        mm_encoder_outputs={"image": seen} if visual else None,
        use_cache=True,
        logits_to_keep=1,
    )
    logprobs = output.logits[:, -1].float().log_softmax(-1)
    return Prefill(mask=mask, logprobs=logprobs, cache=output.past_key_values)


@torch.inference_mode()
def option_logprobs(
    model: SmolVLMForConditionalGeneration, read: Prefill, prompts: Sequence[Prompt], *, batch: int
) -> list[list[float]]:
    """For each prompt the log-probability of each option: the sum over its tokens, without an end.

    Args:
        model: that read the prompts.
        read: what it made of them; its cache stays as it is.
        prompts: with options, in the batch's order.
        batch: options that are read at once, >= 1.
    """
    totals = [[float(read.logprobs[row, ids[0]]) for ids in prompt.options] for row, prompt in enumerate(prompts)]
    rest = [
        (row, option) for row, prompt in enumerate(prompts) for option, ids in enumerate(prompt.options) if len(ids) > 1
    ]
    for start in range(0, len(rest), batch):
        part = rest[start : start + batch]
        more = _continuations(
            model, read, [row for row, _ in part], [prompts[row].options[option] for row, option in part]
        )
        for (row, option), logprob in zip(part, more, strict=True):
            totals[row][option] += logprob
    return totals


def letter_logprobs(read: Prefill, prompts: Sequence[Prompt]) -> list[list[float]]:
    """For each prompt the log-probability of each letter, its spellings added."""
    return [
        [float(read.logprobs[row, list(ids)].logsumexp(0)) for ids in prompt.letters]
        for row, prompt in enumerate(prompts)
    ]


def _continuations(
    model: SmolVLMForConditionalGeneration, read: Prefill, rows: Sequence[int], options: Sequence[Ids]
) -> list[float]:
    """Log-probabilities of each option's tokens after its first; `rows` says whose prompt precedes it."""
    longest = max(map(len, options)) - 1
    # Padded on the right, where no token of the option can see it.
    ids = torch.zeros((len(options), longest), dtype=torch.int64)
    targets = torch.zeros_like(ids)
    present = torch.zeros_like(ids)
    for row, option in enumerate(options):
        ids[row, : len(option) - 1] = torch.tensor(option[:-1])
        targets[row, : len(option) - 1] = torch.tensor(option[1:])
        present[row, : len(option) - 1] = 1
    mask = read.mask[list(rows)]
    output = model(
        input_ids=ids,
        attention_mask=torch.cat([mask, present], dim=1),
        position_ids=mask.sum(1, keepdim=True) + torch.arange(longest),
        past_key_values=DynamicCache(
            [(layer.keys[list(rows)], layer.values[list(rows)]) for layer in read.cache.layers]
        ),
    )
    logprobs = output.logits.float().log_softmax(-1).gather(2, targets[:, :, None])[:, :, 0]
    return [float(total) for total in (logprobs * present).sum(1)]
