"""Training micro-siglip on the micro-world.

    framedex microworld train -o FOLDER

Frames and texts are drawn afresh at every step from the seed spaces "train" and "texts". The measurement at the end is made
on real video files of the space "clips", which training never draws from. The same seed, threads and versions on one
machine give the same checkpoint.
"""

import json
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import transformers

from framedex.errors import UsageError
from framedex.microworld.checkpoint import load_checkpoint, save_checkpoint
from framedex.microworld.evaluate import score_checkpoint
from framedex.microworld.fit import BATCH, Report, fit
from framedex.microworld.make import GENERATOR_VERSION, make_world
from framedex.microworld.model import build_model
from framedex.microworld.probe import draw_probes, probe_recall
from framedex.microworld.tokenizer import train_tokenizer

STEPS = 3000
HELD_OUT_SEED, HELD_OUT_CLIPS = 900_002, 48


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
    tokenizer = train_tokenizer(folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build_model(vocab_size=tokenizer.vocab_size)
    n_parameters = sum(parameter.numel() for parameter in model.parameters())
    report(f"micro-siglip: {n_parameters} parameters, {tokenizer.vocab_size} pieces, {steps} steps of {BATCH} frames")
    probes = draw_probes()
    fit(model, tokenizer, probes, steps=steps, seed=seed, report=report)
    probe_float32 = probe_recall(model, tokenizer, probes)
    train_s = time.monotonic() - started

    save_checkpoint(model, tokenizer, folder)
    saved, saved_tokenizer, _ = load_checkpoint(folder)
    probe_saved = probe_recall(saved, saved_tokenizer, probes)
    with tempfile.TemporaryDirectory() as scratch:
        world = make_world(Path(scratch), clips=HELD_OUT_CLIPS, seed=HELD_OUT_SEED)
        held_out = score_checkpoint(folder, world.captions)
    report(f"held-out clips: recall@1 {held_out.at_1:.3f}, chance {held_out.chance:.3f}, {held_out.n_pairs} pairs")
    summary = {
        "seed": seed,
        "steps": steps,
        "batch": BATCH,
        "train_s": round(train_s, 1),
        "threads": torch.get_num_threads(),
        "n_parameters": n_parameters,
        "generator_version": GENERATOR_VERSION,
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__, "numpy": np.__version__},
        "held_out": {"seed": HELD_OUT_SEED, "clips": HELD_OUT_CLIPS, **asdict(held_out)},
        "probe": {
            "recall_float32": probe_float32.at_1,
            "recall_saved": probe_saved.at_1,
            "n_pairs": probe_saved.n_pairs,
        },
    }
    (folder / "training.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
