"""The training loop of micro-siglip."""

import math
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import SiglipModel, SiglipTokenizer

from framedex.microworld.frames import LabelledFrames, draw_frames
from framedex.microworld.model import image_vectors, text_vectors, token_ids
from framedex.microworld.probe import Probe, probe_recall
from framedex.microworld.seeds import generator
from framedex.microworld.texts import draw_texts

BATCH = 64
_PEAK_RATE = 1e-3
# The logit scale is a logarithm that has to travel from 2.3 to about 4: it learns ten times as fast as the rest.
_LOGIT_RATE_FACTOR = 10.0
_WEIGHT_DECAY = 0.02
_WARM_UP_STEPS = 150
_MAX_GRADIENT = 1.0
_ONE_THING_SHARE = 0.25
_REPORT_EVERY = 100
_PROBE_EVERY = 250

Report = Callable[[str], None]


def fit(
    model: SiglipModel, tokenizer: SiglipTokenizer, probes: Sequence[Probe], *, steps: int, seed: int, report: Report
) -> None:
    """Train `model` in place: first on frames with at most one thing, then with two.

    Progress goes to `report`, line by line; the probes are looked at now and then and decide nothing.
    """
    logit_parameters = [model.logit_scale, model.logit_bias]
    tower_parameters = [*model.vision_model.parameters(), *model.text_model.parameters()]
    optimiser = torch.optim.AdamW(
        [
            {"params": tower_parameters, "weight_decay": _WEIGHT_DECAY, "rate_factor": 1.0},
            {"params": logit_parameters, "weight_decay": 0.0, "rate_factor": _LOGIT_RATE_FACTOR},
        ],
        lr=_PEAK_RATE,
        betas=(0.9, 0.98),
    )
    started = time.monotonic()
    losses: list[float] = []
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = _rate(step, steps) * group["rate_factor"]
        max_things = 1 if step < _ONE_THING_SHARE * steps else 2
        frames = draw_frames(seed, step, n_frames=BATCH, max_things=max_things)
        texts = draw_texts(generator(seed, "texts", step))
        loss = _loss(model, frames, token_ids(tokenizer, texts))
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), _MAX_GRADIENT)
        optimiser.step()
        losses.append(loss.item())
        done = step + 1
        if done % _REPORT_EVERY == 0 or done == steps:
            elapsed_s = time.monotonic() - started
            report(f"step {done}: loss {np.mean(losses[-_REPORT_EVERY:]):.3f}, {elapsed_s:.0f} s")
        if done % _PROBE_EVERY == 0:
            recall = probe_recall(model, tokenizer, probes)
            report(f"step {done}: probe recall@1 {recall.at_1:.3f}, chance {recall.chance:.3f}, {recall.n_pairs} pairs")


def _rate(step: int, steps: int) -> float:
    """Learning rate: linear warm-up, then half a cosine down to zero."""
    return _PEAK_RATE * min(1.0, (step + 1) / _WARM_UP_STEPS) * (0.5 + 0.5 * math.cos(math.pi * step / steps))


def _loss(model: SiglipModel, frames: LabelledFrames, text_ids: Tensor) -> Tensor:
    """SigLIP's sigmoid loss of every frame against every label's text, summed over labels, mean over frames."""
    image_emb = image_vectors(model, torch.from_numpy(frames.pixels))
    text_emb = text_vectors(model, text_ids)
    logits = image_emb @ text_emb.T * model.logit_scale.exp() + model.logit_bias
    log_likelihood = torch.nn.functional.logsigmoid(torch.from_numpy(frames.targets) * logits)
    return -(torch.from_numpy(frames.weights) * log_likelihood).sum() / len(frames.pixels)
