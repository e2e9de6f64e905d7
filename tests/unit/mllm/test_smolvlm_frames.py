"""Preprocessing equals the checkpoint's own processor to the last bit, and its files are read as transformers reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import SmolVLMImageProcessorPil
from transformers.models.smolvlm.video_processing_smolvlm import SmolVLMVideoProcessor

from framedex.errors import ArtefactError
from framedex.mllm.pictures import normalised
from framedex.mllm.smolvlm import FrameRules, read_frame_rules, resized

NAMES = ("processor_config.json", "video_preprocessor_config.json", "preprocessor_config.json")


def noise(n: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * 1000 + width).integers(0, 256, (n, height, width, 3), np.uint8)


def to_pixels(frames: np.ndarray, rules: FrameRules) -> np.ndarray:
    pictures = resized(frames, rules)
    assert pictures.shape == (len(frames), rules.side, rules.side, 3)
    return normalised(pictures, rescale_factor=rules.rescale_factor, mean=rules.mean, std=rules.std)


def reference(frames: np.ndarray, processor: SmolVLMImageProcessorPil) -> np.ndarray:
    images = list(frames)
    return np.asarray(processor(images, do_image_splitting=False, input_data_format="channels_last")["pixel_values"][0])


@given(height=st.integers(1, 90), width=st.integers(1, 90), longest_edge=st.integers(2, 70), side=st.integers(1, 40))
@settings(max_examples=60)
def test_pixels_are_the_processors(height: int, width: int, longest_edge: int, side: int) -> None:
    frames = noise(1, height, width)
    processor = SmolVLMImageProcessorPil(size={"longest_edge": longest_edge}, max_image_size={"longest_edge": side})
    got = to_pixels(frames, FrameRules(longest_edge=longest_edge, side=side))
    assert got.dtype == np.float32
    assert np.array_equal(got, reference(frames, processor))


@pytest.mark.parametrize(("height", "width"), [(360, 640), (1080, 1920), (640, 361)])
def test_pixels_at_the_sizes_of_real_checkpoints(height: int, width: int) -> None:
    frames = noise(2, height, width)
    processor = SmolVLMImageProcessorPil(size={"longest_edge": 2048}, max_image_size={"longest_edge": 512})
    assert np.array_equal(to_pixels(frames, FrameRules(longest_edge=2048, side=512)), reference(frames, processor))


def test_every_rule_counts(tmp_path: Path) -> None:
    odd: dict[str, Any] = {
        "resample": 2,
        "rescale_factor": 0.01,
        "image_mean": [0.1, 0.2, 0.3],
        "image_std": [0.4, 0.5, 0.6],
        "size": {"longest_edge": 50},
        "max_image_size": {"longest_edge": 24},
    }
    processor = SmolVLMImageProcessorPil(**odd)
    processor.save_pretrained(tmp_path)
    rules = read_frame_rules(tmp_path)
    frames = noise(3, 33, 47)
    assert np.array_equal(to_pixels(frames, rules), reference(frames, processor))
    plain = FrameRules(longest_edge=50, side=24)
    assert all(
        rules.as_json()[name] != value
        for name, value in plain.as_json().items()
        if name not in ("longest_edge", "side")
    )


def test_a_file_that_says_nothing_means_the_classs_defaults(tmp_path: Path) -> None:
    (tmp_path / "preprocessor_config.json").write_text("{}")
    rules, processor = read_frame_rules(tmp_path), SmolVLMImageProcessorPil()
    assert rules == FrameRules()
    frames = noise(1, 30, 50)
    assert np.array_equal(to_pixels(frames, rules), reference(frames, processor))


@pytest.mark.parametrize(
    "processor",
    [
        {
            "size": {"longest_edge": 100},
            "video_sampling": {"fps": 1, "max_frames": 8, "video_size": {"longest_edge": 60}},
        },
        {"video_sampling": {"fps": 1, "max_frames": 8, "video_size": {"longest_edge": 60}}},
        {"size": {"longest_edge": 100}},
    ],
)
def test_the_first_size_is_the_video_processors(tmp_path: Path, processor: dict[str, Any]) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(processor))
    expected = SmolVLMVideoProcessor.from_pretrained(tmp_path, local_files_only=True)
    assert read_frame_rules(tmp_path).longest_edge == expected.size["longest_edge"]


def test_files_go_by_the_order_of_transformers(tmp_path: Path) -> None:
    sizes = dict(zip(("nested", *NAMES), (10, 20, 30, 40), strict=True))
    for name in reversed(NAMES):
        said: dict[str, Any] = {"size": {"longest_edge": sizes[name]}}
        if name == "processor_config.json":
            said = {"video_processor": {"size": {"longest_edge": sizes["nested"]}}, "image_processor": said}
        (tmp_path / name).write_text(json.dumps(said))
        expected = SmolVLMVideoProcessor.from_pretrained(tmp_path, local_files_only=True)
        assert read_frame_rules(tmp_path).longest_edge == expected.size["longest_edge"]
    for name in NAMES[1:]:
        (tmp_path / name).unlink()
    (tmp_path / NAMES[0]).write_text(json.dumps({"image_processor": {"size": {"longest_edge": 20}}}))
    assert read_frame_rules(tmp_path).longest_edge == 20


@pytest.mark.parametrize(
    ("processor", "message"),
    [
        ({"do_normalize": False}, "expected do_normalize true, got False"),
        ({"size": {"height": 3, "width": 4}}, "by longest_edge, 'longest_edge' is missing"),
        ({"size": 384}, "do not hold"),
        ({"size": {"longest_edge": float("inf")}}, "do not hold: cannot convert float infinity to integer"),
        ({"size": {"longest_edge": 5000}}, "1 to 4096 pixels, got size 5000"),
        ({"image_std": [0.5, 0.0, 0.5]}, "deviations that are not 0"),
        ({"resample": 9}, "got 9"),
    ],
)
def test_other_rules_are_refused(tmp_path: Path, processor: dict[str, Any], message: str) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(processor))
    with pytest.raises(ArtefactError, match=message):
        read_frame_rules(tmp_path)


def test_no_processor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="no processor; expected processor_config"):
        read_frame_rules(tmp_path)
