"""A quick look at a model in training: recall@1 on held-out clips rendered in memory, without a codec."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import SiglipModel, SiglipTokenizer

from framedex.microworld.draw import draw_clip
from framedex.microworld.evidence import Interval, evidence
from framedex.microworld.frames import squash
from framedex.microworld.model import image_vectors, text_vectors, token_ids
from framedex.microworld.recall import Recall, score_pair, summarise
from framedex.microworld.render import render
from framedex.microworld.spec import scenes

PROBE_SEED, PROBE_CLIPS = 900_001, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A held-out clip as frames in memory, one per second, for a quick look during training.

    Attributes:
        pixels: (n, 48, 48, 3) uint8 RGB.
        times_s: (n,) seconds from the first frame.
        questions: (caption, evidence) of each track.
    """

    pixels: Tensor
    times_s: NDArray[np.float64]
    questions: tuple[tuple[str, tuple[Interval, ...]], ...]


def draw_probes() -> tuple[Probe, ...]:
    """Draw the probes; they are the same whatever the training's seed."""
    return tuple(_draw_probe(index) for index in range(PROBE_CLIPS))


def _draw_probe(index: int) -> Probe:
    spec = draw_clip(PROBE_SEED, index)
    seconds = math.floor((spec.n_frames - 1) / spec.fps) + 1
    numbers = {math.floor(second * spec.fps): None for second in range(seconds)}
    frames = [squash(render(scene)) for number, scene in enumerate(scenes(spec)) if number in numbers]
    captions = [track.thing.caption for track in spec.tracks]
    return Probe(
        pixels=torch.from_numpy(np.stack(frames)),
        times_s=np.array([float(number / spec.fps) for number in numbers]),
        questions=tuple(zip(captions, evidence(spec), strict=True)),
    )


def probe_recall(model: SiglipModel, tokenizer: SiglipTokenizer, probes: Sequence[Probe]) -> Recall:
    """Measure recall@1 over all probes."""
    pairs = []
    with torch.inference_mode():
        for probe in probes:
            ids = token_ids(tokenizer, [caption for caption, _ in probe.questions])
            scores = (text_vectors(model, ids) @ image_vectors(model, probe.pixels).T).numpy()
            for row, (_, intervals) in zip(scores, probe.questions, strict=True):
                pairs.append(score_pair(row, probe.times_s, intervals))
    return summarise(pairs)
