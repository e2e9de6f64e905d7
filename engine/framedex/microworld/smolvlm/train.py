"""Training micro-smolvlm on the micro-world's multiple-choice questions.

Stories and questions come from the seed spaces "stories" and "asks". The measurement at the end is made on real video files of
the space "clips", which training never draws from. The same seed, threads and versions on one machine give the same
checkpoint.
"""

import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from framedex.errors import UsageError
from framedex.microworld.checkpoint import BUNDLED as SIGLIP
from framedex.microworld.checkpoint import load_checkpoint
from framedex.microworld.make import GENERATOR_VERSION, make_world
from framedex.microworld.smolvlm.checkpoint import save_checkpoint
from framedex.microworld.smolvlm.evaluate import BUDGET, Accuracy, score_checkpoint
from framedex.microworld.smolvlm.fit import CURRICULUM, ROWS, Report, fit
from framedex.microworld.smolvlm.model import build_model, image_processor
from framedex.microworld.smolvlm.stories import FRAMES_PER_STORY, draw_stories
from framedex.microworld.smolvlm.tokenizer import train_tokenizer
from framedex.mllm.smolvlm import TEMPLATE

STEPS = 1200
HELD_OUT_SEED, HELD_OUT_CLIPS = 900_003, 64
_STORIES = 2000


def train(folder: Path, *, steps: int, seed: int, threads: int, report: Report) -> None:
    """Train a model on `threads` threads of torch and write its checkpoint and `training.json` into `folder`.

    Raises:
        UsageError: `steps` or `seed` out of range.
    """
    if steps < 1 or seed < 0:
        raise UsageError(f"training: got steps={steps}, seed={seed}; expected steps >= 1 and seed >= 0")
    torch.set_num_threads(threads)
    # Progress is ours to tell.
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = train_tokenizer()
    siglip, _, _ = load_checkpoint(SIGLIP)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build_model(tokenizer, siglip)
    n_parameters = sum(parameter.numel() for parameter in model.parameters())
    report(f"micro-smolvlm: {n_parameters} parameters, {len(tokenizer)} tokens, {steps} steps of {ROWS} rows")
    stories = draw_stories(seed, _STORIES, tower=model.model.vision_model, processor=image_processor())
    report(f"{_STORIES * FRAMES_PER_STORY} frames through the tower, {time.monotonic() - started:.0f} s")
    fit(model, tokenizer, stories, steps=steps, seed=seed, report=report)
    train_s = time.monotonic() - started

    with tempfile.TemporaryDirectory() as scratch:
        world = make_world(Path(scratch) / "world", clips=HELD_OUT_CLIPS, seed=HELD_OUT_SEED)
        unrounded = Path(scratch) / "float32"
        save_checkpoint(model, tokenizer, unrounded)
        float32 = score_checkpoint(unrounded, world.questions, threads=threads)
        save_checkpoint(model.half(), tokenizer, folder)
        saved = score_checkpoint(folder, world.questions, threads=threads)
    for arm, accuracy in saved.items():
        report(f"held-out clips, {arm}: {accuracy.share:.3f} of {accuracy.asked} (float32 {float32[arm].share:.3f})")
    summary = {
        "seed": seed,
        "steps": steps,
        "rows": ROWS,
        "curriculum": [list(part) for part in CURRICULUM],
        "stories": _STORIES,
        "train_s": round(train_s, 1),
        "threads": torch.get_num_threads(),
        "n_parameters": n_parameters,
        "generator_version": GENERATOR_VERSION,
        "template_version": TEMPLATE.version,
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__, "numpy": np.__version__},
        "held_out": {
            "seed": HELD_OUT_SEED,
            "clips": HELD_OUT_CLIPS,
            "budget": BUDGET,
            "chance": 0.25,
            "saved": _figures(saved),
            "float32": _figures(float32),
        },
    }
    (folder / "training.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


def _figures(arms: Mapping[str, Accuracy]) -> dict[str, Any]:
    return {arm: {**asdict(accuracy), "share": round(accuracy.share, 4)} for arm, accuracy in arms.items()}
