"""Whatever an answer depends on is in its key."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from contracts.store_samples import new_store, put
from framedex.datasets import Question
from framedex.index import Row
from framedex.keys import is_key
from framedex.mllm import load_runner
from framedex.mllm.base import Scoring
from framedex.mllm.options import RunnerOptions
from framedex.sweep import frames as sweep_frames
from framedex.sweep.answer_key import ShownVideo, answer_key, answer_keys
from framedex.sweep.asks import AskKey, distinct_asks
from framedex.sweep.choose import Choice, frame_set_id
from framedex.sweep.frames import frames_key
from framedex.sweep.questions import SweptQuestion
from llava_onevision_checkpoints import tiny_llava_onevision
from smolvlm_checkpoints import tiny_smolvlm

VIDEO_KEY = "5" * 32
PTS_US = (0, 1_000_000, 2_000_000)
VIDEO = ShownVideo(frames="f" * 32, origin_us=0, last_us=9_000_000)
ASKED: dict[str, Any] = {
    "mllm_key": "a" * 32,
    "scoring": "letter",
    "video": VIDEO,
    "frame_set_id": frame_set_id(VIDEO_KEY, PTS_US),
    "question": "What colour is the dog?",
    "options": ("red", "blue", "green"),
}


@pytest.fixture
def row(tmp_path: Path) -> Row:
    return put(new_store(tmp_path / "S"))


def key(**changes: Any) -> str:
    asked = {**ASKED, **changes}
    return answer_key(asked.pop("mllm_key"), asked.pop("scoring"), **asked)


def test_equal_ingredients_give_equal_keys() -> None:
    assert key() == key(options=list(ASKED["options"])) == key(video=dataclasses.replace(VIDEO))
    assert is_key(key())


@pytest.mark.parametrize(
    "changes",
    [
        {"frame_set_id": frame_set_id(VIDEO_KEY, (0, 1_000_000, 3_000_000))},  # a frame
        {"frame_set_id": frame_set_id(VIDEO_KEY, PTS_US[:2])},
        {"frame_set_id": frame_set_id(VIDEO_KEY, PTS_US[::-1])},  # their order
        {"frame_set_id": frame_set_id("6" * 32, PTS_US)},  # of another video
        {"frame_set_id": ""},  # no frames
        {"video": dataclasses.replace(VIDEO, frames="e" * 32)},  # the decoder, its version, the timing
        {"video": dataclasses.replace(VIDEO, origin_us=1)},  # what the prompt says of times
        {"video": dataclasses.replace(VIDEO, last_us=9_000_001)},
        {"question": "What colour is the cat?"},
        {"options": ("red", "green", "blue")},  # their order
        {"options": ("red", "blue", "green", "white")},
        {"options": ("red\nB. blue", "green")},
        {"scoring": "option"},
        {"scoring": "generate"},
        {"mllm_key": "b" * 32},
    ],
)
def test_every_ingredient_is_in_the_key(changes: dict[str, Any]) -> None:
    assert key(**changes) != key()


def test_a_prompt_that_is_worded_otherwise_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    from framedex.mllm import prompt

    before = key()
    monkeypatch.setitem(prompt._INSTRUCTIONS, "letter", "Name the letter.")
    assert key() != before


def test_without_frames_the_video_is_none_of_its_business() -> None:
    other = ShownVideo(frames="0" * 32, origin_us=5, last_us=6)
    assert key(frame_set_id="", video=other) == key(frame_set_id="")


@pytest.mark.parametrize("package", ["av", "pillow"])
def test_another_version_of_what_decodes_a_frame_is_another_frame(
    row: Row, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ShownVideo.of(row)
    version = sweep_frames.version
    monkeypatch.setattr(sweep_frames, "version", lambda name: "0.0.0" if name == package else version(name))
    assert ShownVideo.of(row) != before


def test_another_decoder_or_timing_is_another_frame(row: Row) -> None:
    folder = dataclasses.replace(row, source=dataclasses.replace(row.source, folder_fps="3"))
    retimed = dataclasses.replace(row, timing="reconstructed")
    assert len({frames_key(each) for each in (row, folder, retimed)}) == 3


def mllm_key(checkpoint: Path, dtype: str = "float32") -> str:
    with load_runner(checkpoint, threads=1, options=RunnerOptions(dtype=dtype)) as runner:  # type: ignore[arg-type]
        return runner.key


def _changed(folder: Path, file: str, **values: Any) -> Path:
    copy = Path(shutil.copytree(tiny_smolvlm(), folder))
    value = json.loads((copy / file).read_text())
    (copy / file).write_text(json.dumps({**value, **values}))
    return copy


def test_what_a_model_is_makes_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights, resolution, colours, dtype, and the library's version."""
    plain = mllm_key(tiny_smolvlm())
    assert plain == mllm_key(Path(shutil.copytree(tiny_smolvlm(), tmp_path / "copy"))), (
        "where it lies is not part of it"
    )
    others = [
        mllm_key(tiny_llava_onevision()),
        mllm_key(tiny_smolvlm(), "bfloat16"),
        mllm_key(_changed(tmp_path / "edge", "preprocessor_config.json", size={"longest_edge": 96})),
        mllm_key(_changed(tmp_path / "mean", "preprocessor_config.json", image_mean=[0.5, 0.5, 0.4])),
        mllm_key(_changed(tmp_path / "config", "config.json", note="another file")),
    ]
    # The engine's own: what this module imports under the name may be another object.
    from framedex.mllm import engine

    monkeypatch.setattr(engine.transformers, "__version__", "0.0.0")
    others.append(mllm_key(tiny_smolvlm()))
    assert len({plain, *others}) == 1 + len(others)


def test_the_keys_of_a_videos_asks_are_all_different(row: Row) -> None:
    asked = Question(id="q", video="v", question="?", options=("a", "b", "c"), answer=1)
    choices = [
        Choice(
            question=SweptQuestion(asked=asked, gold=1, prompts=("?",)),
            arm="select" if pts else "no-video",
            rows=tuple(range(len(pts))),
            pts_us=pts,
            frame_set_id=frame_set_id(row.video_key, pts),
        )
        for pts in (PTS_US, PTS_US[:1], ())
    ]
    scorings: list[Scoring] = ["option", "letter"]
    asks = distinct_asks(choices, "cyclic")
    keys = answer_keys(row, asks, ["a" * 32, "b" * 32], scorings)
    assert len(set(keys.values())) == len(keys) == 2 * len(asks) * 2 == 36
    order = (1, 2, 0)
    assert keys["a" * 32, "letter", AskKey(frame_set_id="", question_id="q", order=order)] == answer_key(
        "a" * 32, "letter", video=ShownVideo.of(row), frame_set_id="", question="?", options=("b", "c", "a")
    )
