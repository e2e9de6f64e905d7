"""The answer stage of bench/throughput.py: an MLLM's answers per second, and what its arithmetic alone would take."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
from safetensors import safe_open

from framedex.contracts import FrameBatch
from framedex.mllm import load_runner
from framedex.mllm.base import Answer, Ask
from framedex.mllm.checkpoint import Checkpoint
from framedex.mllm.work import Work
from harness import median_s
from stages import BUDGET, Decoded, Machine, Stage

ASKS = 8
OPTIONS = ("red", "green", "blue", "yellow")


def time_answer(video: Decoded, mllm: str, machine: Machine, *, threads: int, repeats: int) -> tuple[Stage, bool]:
    """Questions with four options on up to 8 frames each, no two on the same frames; and whether all at once equals one by one.

    Each time the frames are new to the model. What the questions share is worked out once, and only once in the ceiling, too.
    """
    batch = FrameBatch(
        pts_us=np.concatenate([part.pts_us for part in video.frames]),
        frames=np.concatenate([part.frames for part in video.frames]),
    )
    number = count()
    with load_runner(mllm, threads=threads) as runner:
        frames = runner.prepare(batch, origin_us=video.summary.first_pts_us, last_us=video.summary.last_pts_us)
        n = min(BUDGET, len(frames))
        rows = [np.unique((np.arange(n) * len(frames) // n + ask) % len(frames)) for ask in range(ASKS)]

        def fresh() -> list[Ask]:
            new = replace(frames, source=str(next(number)))
            return [Ask(frames=new.take(taken), question="Which colour appears?", options=OPTIONS) for taken in rows]

        before = runner.work
        together = runner.answer(fresh())
        work = runner.work - before
        alone = [answer for ask in fresh() for answer in runner.answer([ask])]
        seconds = median_s(lambda: runner.answer(fresh()), repeats=repeats)
    equal = all(
        np.allclose(one.option_logprobs, other.option_logprobs, atol=1e-4)
        for one, other in zip(together, alone, strict=True)
    )
    flop = answer_flop(Checkpoint.open(mllm).folder, together, work)
    stage = Stage(
        name="answer",
        unit="answers/s",
        items=ASKS,
        seconds=seconds,
        ceiling_s=flop / machine.gemm_flop_per_s,
        rounds=ASKS,
    )
    return stage, equal


def answer_flop(checkpoint: Path, answers: list[Answer], work: Work) -> int:
    """Multiplications and additions by weights: two per weight and patch in the tower, per weight and token in the text model.

    Attention between tokens is left out, embeddings are look-ups, and the output layer is counted for options only.
    """
    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    vision = config["vision_config"]
    patches = int(vision["image_size"] // vision["patch_size"]) ** 2
    counts = {"vision": 0, "text": 0, "embedding": 0}
    for path in checkpoint.glob("*.safetensors"):
        with safe_open(str(path), "np") as file:
            for name in file.keys():  # noqa: SIM118 - not a mapping
                size = math.prod(file.get_slice(name).get_shape())
                kind = "vision" if "vision_model" in name else "embedding" if "embed_tokens" in name else "text"
                counts[kind] += size
    option_tokens = sum(sum(answer.option_tokens) for answer in answers)
    return (
        2 * counts["vision"] * patches * work.tower_frames
        + 2 * counts["text"] * (work.prefix_tokens + work.suffix_tokens)
        + 2 * counts["embedding"] * option_tokens
    )
