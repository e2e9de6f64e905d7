"""LLaVA-OneVision's frames and prompts are those of its own processor."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LlavaOnevisionImageProcessorPil, LlavaOnevisionProcessor
from transformers.image_utils import SizeDict

from framedex.errors import ArtefactError
from framedex.mllm.base import PreparedFrames
from framedex.mllm.checkpoint import Checkpoint
from framedex.mllm.llava_onevision import VIDEO, FrameRules, LlavaOnevision, read_frame_rules, turn_text
from framedex.mllm.load import Loaded
from framedex.mllm.pictures import normalised
from llava_onevision_checkpoints import tiny_llava_onevision


def family(folder: Path, *, side: int, patch: int) -> LlavaOnevision:
    """The rules alone, over a model that is never called."""
    vision = SimpleNamespace(image_size=side, patch_size=patch)
    model = SimpleNamespace(config=SimpleNamespace(vision_config=vision, video_token_id=4))
    return LlavaOnevision(Checkpoint.open(folder), Loaded(model=model, unused_weights=0))


@given(height=st.integers(1, 90), width=st.integers(1, 90))
@settings(max_examples=30)
def test_pixels_are_the_processors(height: int, width: int) -> None:
    frame = np.random.default_rng(height * 1000 + width).integers(0, 256, (1, height, width, 3), np.uint8)
    processor: Any = LlavaOnevisionImageProcessorPil(size={"height": 40, "width": 40})
    resized = processor.resize(frame[0].transpose(2, 0, 1), SizeDict(height=40, width=40), resample=processor.resample)
    expected = processor.normalize(
        processor.rescale(resized, processor.rescale_factor), processor.image_mean, processor.image_std
    )
    rules = read_frame_rules(tiny_llava_onevision())
    pictures = family(tiny_llava_onevision(), side=40, patch=8).resized(frame)
    got = normalised(pictures, rescale_factor=rules.rescale_factor, mean=rules.mean, std=rules.std)
    assert np.array_equal(got[0], expected.astype(np.float32))


@pytest.mark.parametrize(("side", "patch", "n"), [(40, 8, 3), (40, 10, 1), (40, 13, 7)])
def test_a_video_has_as_many_tokens_as_the_processor_counts(side: int, patch: int, n: int) -> None:
    processor: Any = object.__new__(LlavaOnevisionProcessor)
    processor.num_image_tokens, processor.video_token = (side // patch) ** 2, VIDEO
    expected = processor.replace_video_token({"pixel_values_videos": [torch.zeros(n, 3, side, side)]}, 0)
    frames = PreparedFrames(
        pts_us=np.arange(n, dtype=np.int64),
        times_s=np.arange(float(n)),
        duration_s=9.0,
        pixels=(np.zeros((side, side, 3), np.uint8),) * n,
    )
    assert family(tiny_llava_onevision(), side=side, patch=patch).shown(frames).text == expected


def test_the_whole_text() -> None:
    assert turn_text(VIDEO * 2, "Which?") == "<|im_start|>user <video><video>\nWhich?<|im_end|><|im_start|>assistant\n"
    assert turn_text("", "Which?") == "<|im_start|>user \nWhich?<|im_end|><|im_start|>assistant\n"


def test_rules_are_those_of_the_files(tmp_path: Path) -> None:
    odd: dict[str, Any] = {
        "size": {"height": 30, "width": 20},
        "resample": 2,
        "rescale_factor": 0.01,
        "image_mean": [0.1, 0.2, 0.3],
        "image_std": [0.4, 0.5, 0.6],
    }
    LlavaOnevisionImageProcessorPil(**odd).save_pretrained(tmp_path)
    rules = read_frame_rules(tmp_path)
    assert rules == FrameRules(
        height=30, width=20, resample=2, rescale_factor=0.01, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6)
    )
    (tmp_path / "preprocessor_config.json").write_text("{}")
    assert read_frame_rules(tmp_path) == FrameRules(height=384, width=384)


@pytest.mark.parametrize(
    ("processor", "message"),
    [
        ({"size": {"shortest_edge": 384}}, "expected size by height and width, 'height' is missing"),
        ({"size": {"height": 0, "width": 3}}, "1 pixel or more"),
        ({"size": {"height": float("inf"), "width": 3}}, "do not hold: cannot convert float infinity to integer"),
        ({"do_center_crop": True}, "expected do_center_crop false"),
        ({"image_std": [1, 1]}, "three deviations"),
        ({"do_rescale": False}, "expected do_rescale true"),
    ],
)
def test_other_rules_are_refused(tmp_path: Path, processor: dict[str, Any], message: str) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(processor))
    with pytest.raises(ArtefactError, match=message):
        read_frame_rules(tmp_path)
