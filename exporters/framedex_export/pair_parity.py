"""Measures a pair scorer's graphs and preprocessing against the torch network run whole, and refuses those that differ."""

from __future__ import annotations

import numpy as np
import torch

from framedex.contracts import TowerBatch
from framedex.errors import ArtefactError
from framedex.pair import gate
from framedex.pair.artefact import PairArtefact
from framedex.pair.base import PairFrames
from framedex.pair.manifest import PairParity
from framedex.pair.onnxruntime import OnnxRuntimePairScorer
from framedex_export.battery import pictures, tower_pixels
from framedex_export.families import PairFamily

MAX_GREY_LEVELS = 1

_BATCH = 4
# Of the battery: noise and a scene of one size, a thin frame, and scenes wide, tall and upright.
_PICTURES = (0, 1, 3, 9, 13, 15, 17, 19)
_TEXTS = (
    "a dog jumps over the fence",
    "nothing",
    "What colour is the car on the left?",
    "a close-up of a hand that cuts a tomato",
    "two striped things move to the right",
    "the quick brown fox jumps over the lazy dog " * 12,
)


def measure(family: PairFamily, artefact: PairArtefact, *, tokenizer_texts: int) -> PairParity:
    """Compare an artefact with its checkpoint on the same pixels and texts, from uint8 pixels and text to logits and scores.

    Ours: the frame graph once per picture, the text graph once per text, the pair graph. The reference's: the network whole for
    every pair. The preprocessing is compared apart, over the whole battery.

    Args:
        family: the checkpoint, which is the reference.
        artefact: made from it.
        tokenizer_texts: how many texts had equal ids, to be recorded.

    Raises:
        DeviceError: ONNX Runtime cannot run the artefact's graphs.
    """
    manifest = artefact.manifest
    every = list(pictures())
    levels = tower_pixels(every, manifest.image)
    grey = np.abs(family.levels(family.process(every)) - levels).max()
    chosen = [every[number] for number in _PICTURES]
    frames = PairFrames(
        video_key="0" * 32,
        batch=TowerBatch(pts_us=np.arange(len(chosen), dtype=np.int64), pixels=levels[list(_PICTURES)]),
        sizes=np.array([picture.shape[:2] for picture in chosen], np.int32),
    )
    expected = family.outputs(frames.batch.pixels, _TEXTS)
    got = np.full_like(expected, np.nan)
    with OnnxRuntimePairScorer(
        artefact, threads=torch.get_num_threads(), batch=_BATCH, rule=None, cache_nbytes=0, gated=False
    ) as scorer:
        for row, texts, outputs in scorer.outputs(frames, _TEXTS):
            got[texts, row] = outputs
    return PairParity(
        images=len(chosen),
        texts=len(_TEXTS),
        tokenizer_texts=tokenizer_texts,
        preprocessing_max_grey_levels=int(np.rint(grey)),
        output_max_difference=gate.farthest(got, expected),
        output_deviation=float(expected.std(dtype=np.float64)),
        scores={
            rule: gate.measure(got, expected, rule=rule, manifest=manifest, sizes=frames.sizes).scores
            for rule in manifest.rules
        },
    )


def require(parity: PairParity) -> None:
    """Refuse figures beyond the bars: logits, scores and their order, and preprocessing within one grey level.

    The bars of logits and order are `framedex.pair.gate`'s.

    Raises:
        ArtefactError: the first figure that is not reached.
    """
    most = gate.most_difference(parity.output_deviation)
    # Written so that NaN does not pass.
    if not parity.output_max_difference <= most:
        raise ArtefactError(
            f"parity: output_max_difference is {parity.output_max_difference:.6g}, expected {most:.6g} or less against the torch "
            "model; nothing was written"
        )
    for rule, scores in parity.scores.items():
        if not gate.keeps_order(rule, scores):
            raise ArtefactError(
                f"parity: rank_agreement of {rule} is {scores.rank_agreement:.6f}, expected {gate.MIN_RANK_AGREEMENT} or more "
                "against the torch model; nothing was written"
            )
    if parity.preprocessing_max_grey_levels > MAX_GREY_LEVELS:
        raise ArtefactError(
            f"parity: preprocessing differs by {parity.preprocessing_max_grey_levels} grey levels from the checkpoint's "
            f"processor, expected {MAX_GREY_LEVELS} at most; nothing was written"
        )


def prove(artefact: PairArtefact) -> None:
    """Prove an artefact on its own reference set, as whoever uses it will.

    Raises:
        DeviceError: it would be refused, with the figures.
    """
    with OnnxRuntimePairScorer(
        artefact, threads=torch.get_num_threads(), batch=_BATCH, rule=None, cache_nbytes=0
    ) as scorer:
        scorer.prove()
