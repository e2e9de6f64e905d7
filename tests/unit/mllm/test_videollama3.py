"""VideoLLaMA3's frames and prompts are those of its own processor, its size of frames fixed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from transformers import VideoLlama3ImageProcessorPil, VideoLlama3Processor
from transformers.video_utils import VideoMetadata

from framedex.contracts import Pixels
from framedex.errors import ArtefactError, VideoError
from framedex.mllm.checkpoint import Checkpoint
from framedex.mllm.load import Loaded
from framedex.mllm.videollama3 import (
    FRAMES,
    VIDEO,
    FrameRules,
    KeptTokens,
    VideoLlama3,
    patches,
    read_frame_rules,
    turn_text,
    video_text,
)
from videollama3_checkpoints import PROCESSOR, tiny_videollama3


def family(folder: Path) -> VideoLlama3:
    """The rules alone, over a model that is never called."""
    model = SimpleNamespace(config=SimpleNamespace(vision_config=SimpleNamespace(patch_size=14), video_token_id=4))
    return VideoLlama3(Checkpoint.open(folder), Loaded(model=model, unused_weights=0))


@given(height=st.integers(8, 300), width=st.integers(8, 300))
@settings(max_examples=30)
def test_patches_are_the_processors(height: int, width: int) -> None:
    frame = np.random.default_rng(height * 1000 + width).integers(0, 256, (1, height, width, 3), np.uint8)
    size = {**PROCESSOR["size"], "longest_edge": PROCESSOR["size"]["longest_edge"] // FRAMES}  # type: ignore[dict-item, index]
    processor: Any = VideoLlama3ImageProcessorPil(size=size, merge_size=2)
    expected = processor([frame[0]], input_data_format="channels_last", return_tensors="np")
    got = patches(family(tiny_videollama3()).resized(frame), read_frame_rules(tiny_videollama3()))
    _, rows, columns = expected["image_grid_thw"][0]
    assert got.shape == (1, rows * columns // 4, 4 * 3 * 14 * 14)
    assert np.array_equal(got.reshape(rows * columns, -1), expected["pixel_values"])


def test_a_frame_is_as_large_as_one_of_32_whatever_is_shown() -> None:
    rules = FrameRules(longest_edge=32 * 640 * 360, shortest_edge=28 * 28)
    assert rules.size(360, 640) == (336, 616)
    assert replace(rules, longest_edge=16384 * 14 * 14 * 4).size(360, 640) == (364, 644)
    assert rules.size(28, 28) == (28, 28)
    assert replace(rules, shortest_edge=56 * 56).size(20, 20) == (56, 56)
    with pytest.raises(VideoError, match=r"frames of 2010 x 10 pixels: .* over 200 times as long as wide"):
        rules.size(10, 2010)


@given(
    kept=st.lists(st.integers(1, 6), min_size=1, max_size=8),
    fps=st.sampled_from([1.0, 2.0, 24000 / 1001]),
    first=st.integers(0, 10**6),
)
def test_a_video_as_the_processor_writes_it(kept: list[int], fps: float, first: int) -> None:
    processor: Any = object.__new__(VideoLlama3Processor)
    processor.video_token = VIDEO
    indices = list(range(first, first + len(kept)))
    mask = torch.zeros(len(kept), 6, dtype=torch.bool)
    for row, n in enumerate(kept):
        mask[row, :n] = True
    video = {
        "video_grid_thw": torch.tensor([[len(kept), 4, 6]]),
        "video_merge_sizes": torch.tensor([2]),
        "video_compression_mask": mask.flatten(),
        "video_metadata": [VideoMetadata(total_num_frames=10**9, fps=fps, frames_indices=indices)],
    }
    expected = processor.replace_video_token(video, 0)
    assert video_text([index / fps for index in indices], kept) == f"{expected}\n"


def test_the_whole_text() -> None:
    assert turn_text(video_text([0.0, 2.25], [2, 1]), "Which?") == (
        "<|im_start|>user\nTime 0.0s:<|video_pad|><|video_pad|>,Time 2.2s:<|video_pad|>\n"
        "Which?<|im_end|>\n<|im_start|>assistant\n"
    )
    assert turn_text("", "Which?") == "<|im_start|>user\nWhich?<|im_end|>\n<|im_start|>assistant\n"


def kept_tokens(frames: Pixels, rules: FrameRules) -> NDArray[np.bool_]:
    return KeptTokens(rules).of([str(number) for number in range(len(frames))], list(frames))


def test_what_hardly_changes_is_left_out() -> None:
    rules = read_frame_rules(tiny_videollama3())
    frames = np.zeros((4, 56, 56, 3), np.uint8)
    frames[1, :28, 28:] = 1  # a grey level on all of the second token
    frames[2] = frames[1]
    frames[3] = frames[2]
    # 255 · 2/255 · k/2352 > 0.1 from 118 values on.
    frames[3, 28, 0, 0], frames[3, 30:44, 28:31, :] = 255, 1
    kept = kept_tokens(frames, rules)
    assert kept[0].all()
    assert kept[1].tolist() == [False, True, False, False]
    assert kept[2].tolist() == [True, False, False, False], "one stays in any case"
    assert kept[3].tolist() == [False, False, True, True]
    assert kept_tokens(frames[[1, 3]], rules)[1].tolist() == [False, False, True, True]
    assert kept_tokens(frames, replace(rules, prunes=False)).all()
    assert kept_tokens(frames[:1], rules).all()


def kept_at_once(frames: Pixels, rules: FrameRules) -> NDArray[np.bool_]:
    """As the processor does it: all frames of a set side by side."""
    cut = torch.from_numpy(patches(frames, rules))
    kept = torch.ones(cut.shape[:2], dtype=torch.bool)
    kept[1:] = (cut[1:] - cut[:-1]).abs().mean(dim=-1) * 255 > 0.1
    kept[kept.sum(dim=1) < 1, :1] = True
    return kept.numpy()


@given(data=st.data())
@settings(max_examples=20)
def test_what_is_kept_of_frames_and_pairs_changes_nothing(data: st.DataObject) -> None:
    rules = read_frame_rules(tiny_videollama3())
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    frames = np.repeat(rng.integers(0, 256, (1, 56, 84, 3), np.uint8), 6, axis=0)
    for number in range(1, 6):
        # So many values moved by one grey level that a token's mean lies on either side of the threshold, and now and then at it.
        moved = rng.permutation(frames[number].size)[: rng.integers(400, 900)]
        frames[number].flat[moved] ^= 1
    kept = KeptTokens(rules)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_NBYTES_OF_PAIRS", "_NBYTES_OF_PATCHES"):
            patch.setattr(f"framedex.mllm.videollama3.{name}", data.draw(st.sampled_from([0, 20, 60_000])))
        bounded = KeptTokens(rules)
    subset = st.lists(st.integers(0, 5), min_size=1, max_size=6, unique=True).map(sorted)
    for rows in data.draw(st.lists(subset, min_size=1, max_size=6)):
        expected = kept_at_once(frames[rows], rules)
        for each in (kept, bounded):
            assert np.array_equal(each.of([f"key {row}" for row in rows], [frames[row] for row in rows]), expected)


def test_rules_are_those_of_the_files(tmp_path: Path) -> None:
    path = tmp_path / "preprocessor_config.json"
    path.write_text("{}")
    assert read_frame_rules(tmp_path) == FrameRules()
    path.write_text(json.dumps({"min_pixels": 10, "max_pixels": 99, "use_token_compression": False, "merge_size": 1}))
    assert read_frame_rules(tmp_path) == FrameRules(shortest_edge=10, longest_edge=99, prunes=False, merge=1)
    for wrong in ({"size": 5}, {"max_pixels": float("inf")}):
        path.write_text(json.dumps(wrong))
        with pytest.raises(ArtefactError, match="do not hold"):
            read_frame_rules(tmp_path)
