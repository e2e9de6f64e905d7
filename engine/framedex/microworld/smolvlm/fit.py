"""The training loop of micro-smolvlm: first one frame, then more and more."""

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import SmolVLMForConditionalGeneration, TokenizersBackend
from transformers.modeling_outputs import BaseModelOutputWithPooling

from framedex.microworld.seeds import generator
from framedex.microworld.smolvlm.model import visual_tokens_per_frame
from framedex.microworld.smolvlm.rows import (
    TrainingBatch,
    TrainingRow,
    collate,
    draw_caption_row,
    draw_row,
    draw_unseen_row,
)
from framedex.microworld.smolvlm.stories import Story

ROWS = 16
CAPTION_ROWS = 64
# Once a row may hold several frames, this share of rows asks what its frames do not show.
UNSEEN_RATE = 0.15
# Share of the steps, and the largest number of frames in that part; 0 for single frames without a prompt.
CURRICULUM = ((0.15, 0), (0.27, 1), (0.1, 2), (0.2, 4), (0.28, 8))
_PEAK_RATE = 1.5e-3
_WEIGHT_DECAY = 0.02
_WARM_UP_STEPS = 50
_COOL_DOWN_SHARE = 0.3
_MAX_GRADIENT = 1.0
_REPORT_EVERY = 50

Report = Callable[[str], None]


def fit(
    model: SmolVLMForConditionalGeneration,
    tokenizer: TokenizersBackend,
    stories: Sequence[Story],
    *,
    steps: int,
    seed: int,
    report: Report,
) -> None:
    """Train `model` in place, all but its vision tower; progress goes to `report`, line by line."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=_PEAK_RATE, weight_decay=_WEIGHT_DECAY, betas=(0.9, 0.98))
    started = time.monotonic()
    losses: list[float] = []
    right: list[float] = []
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = _rate(step, steps)
        batch = _draw_batch(model, tokenizer, stories, step, steps, seed)
        loss, share_right = _loss(model, batch)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(trained, _MAX_GRADIENT)
        optimiser.step()
        losses.append(loss.item())
        right.append(share_right)
        done = step + 1
        if done % _REPORT_EVERY == 0 or done == steps:
            report(
                f"step {done}: up to {max_frames(step, steps)} frames, loss {np.mean(losses[-_REPORT_EVERY:]):.3f}, "
                f"right {np.mean(right[-_REPORT_EVERY:]):.3f}, {time.monotonic() - started:.0f} s"
            )


def max_frames(step: int, steps: int) -> int:
    """The largest number of frames in a row of this step."""
    passed = 0.0
    for share, frames in CURRICULUM:
        passed += share
        if step < passed * steps:
            return frames
    return CURRICULUM[-1][1]


def _rate(step: int, steps: int) -> float:
    """Learning rate: linear warm-up, the peak, and linearly down to zero over the last part."""
    return _PEAK_RATE * min(1.0, (step + 1) / _WARM_UP_STEPS, (steps - step) / (_COOL_DOWN_SHARE * steps))


def _draw_batch(
    model: SmolVLMForConditionalGeneration,
    tokenizer: TokenizersBackend,
    stories: Sequence[Story],
    step: int,
    steps: int,
    seed: int,
) -> TrainingBatch:
    """Draw rows of one number of frames."""
    rng = generator(seed, "asks", step + 1)
    most = max_frames(step, steps)
    seq_len = visual_tokens_per_frame(model)
    n_frames = int(rng.integers(1, most + 1)) if most else 0
    rows: list[TrainingRow] = []
    while len(rows) < (ROWS if most else CAPTION_ROWS):
        story = stories[int(rng.integers(len(stories)))]
        if not most:
            row = draw_caption_row(story, tokenizer=tokenizer, seq_len=seq_len, rng=rng)
        elif most > 1 and rng.random() < UNSEEN_RATE:
            few = int(rng.integers(n_frames + 1))
            row = draw_unseen_row(story, few, tokenizer=tokenizer, seq_len=seq_len, rng=rng)
        else:
            row = draw_row(story, n_frames, tokenizer=tokenizer, seq_len=seq_len, rng=rng)
        if row is not None:
            rows.append(row)
    return collate(rows, pad_id=tokenizer.pad_token_id)


def _loss(model: SmolVLMForConditionalGeneration, batch: TrainingBatch) -> tuple[Tensor, float]:
    """Cross-entropy of the answers' tokens, and the share of questions whose right option is the likeliest."""
    visual = model.model.connector(batch.tokens).flatten(0, 1)
    logits = model(
        input_ids=batch.ids,
        attention_mask=batch.visible,
        position_ids=batch.places,
        mm_encoder_outputs={"image": BaseModelOutputWithPooling(pooler_output=[visual])},
        use_cache=False,
    ).logits
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch.labels.flatten())
    right = [int(logits[row, c.place, c.options].argmax()) == c.gold for row, c in batch.choices if c.contested]
    return loss, float(np.mean(right)) if right else 0.0
