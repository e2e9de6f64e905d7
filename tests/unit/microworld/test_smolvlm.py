"""micro-smolvlm: its training takes the same steps each time, and the bundled model looks at what it is shown."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from framedex.microworld.checkpoint import BUNDLED as SIGLIP
from framedex.microworld.checkpoint import load_checkpoint
from framedex.microworld.make import make_world
from framedex.microworld.smolvlm.checkpoint import BUNDLED
from framedex.microworld.smolvlm.evaluate import score_checkpoint
from framedex.microworld.smolvlm.fit import CURRICULUM, fit, max_frames
from framedex.microworld.smolvlm.model import build_model, image_processor
from framedex.microworld.smolvlm.stories import draw_stories
from framedex.microworld.smolvlm.tokenizer import train_tokenizer


def test_the_bundled_model_is_small_half_and_of_the_real_class() -> None:
    weights = load_file(BUNDLED / "model.safetensors")
    assert {value.dtype for value in weights.values()} == {torch.float16}
    assert sum(value.numel() for value in weights.values()) <= 4_000_000
    assert json.loads((BUNDLED / "config.json").read_text())["architectures"] == ["SmolVLMForConditionalGeneration"]


def test_its_vision_tower_is_micro_siglips() -> None:
    ours, theirs = load_file(BUNDLED / "model.safetensors"), load_file(SIGLIP / "model.safetensors")
    shared = {name: name.removeprefix("model.") for name in ours if name.startswith("model.vision_model.")}
    assert len(shared) > 30
    assert all(torch.equal(ours[name], theirs[their_name]) for name, their_name in shared.items())


def test_with_the_evidence_it_answers_without_it_it_guesses(tmp_path: Path) -> None:
    world = make_world(tmp_path, clips=24, seed=41)
    arms = score_checkpoint(BUNDLED, world.questions, threads=1)
    assert arms["evidence"].share >= arms["no-evidence"].share + 0.2
    assert arms["evidence"].share >= 0.6
    # about 90 questions: three standard deviations around 25 % are 14 points
    assert abs(arms["no-video"].share - 0.25) < 0.14


def test_the_curriculum_grows() -> None:
    frames = [max_frames(step, 1000) for step in range(1000)]
    assert frames == sorted(frames)
    assert set(frames) == {most for _, most in CURRICULUM}
    assert sum(share for share, _ in CURRICULUM) == pytest.approx(1)


def test_the_same_seed_takes_the_same_steps() -> None:
    def weights() -> list[np.ndarray]:
        siglip, _, _ = load_checkpoint(SIGLIP)
        tokenizer = train_tokenizer()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = build_model(tokenizer, siglip)
        before = model.model.vision_model.embeddings.patch_embedding.weight.detach().clone()
        stories = draw_stories(0, 4, tower=model.model.vision_model, processor=image_processor())
        fit(model, tokenizer, stories, steps=4, seed=0, report=lambda _line: None)
        assert torch.equal(before, model.model.vision_model.embeddings.patch_embedding.weight)
        return [parameter.detach().numpy() for parameter in model.parameters() if parameter.requires_grad]

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        first, again = weights(), weights()
    finally:
        torch.set_num_threads(threads)
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
