"""The VideoLLaMA3 family keeps the runner contract, and gives what transformers' own forward gives."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from contracts.equality_suite import EqualitySuite, moving, partly_static
from contracts.runner_suite import OPTIONS, QUESTION, RunnerSuite
from framedex.errors import ArtefactError
from framedex.mllm import load_runner
from framedex.mllm.base import Ask, Runner
from plain_mllm import PlainModel
from videollama3_checkpoints import plain_videollama3, tiny_videollama3


@pytest.fixture
def runner() -> Iterator[Runner]:
    with load_runner(tiny_videollama3(), threads=1) as runner:
        yield runner


class TestVideoLlama3(RunnerSuite):
    """The suite."""


class TestPlainVideoLlama3(EqualitySuite):
    """Equality with the plain model."""

    def plain(self) -> PlainModel:
        return plain_videollama3(tiny_videollama3())

    def test_pruning_bites_and_depends_on_the_frame_shown_before(self) -> None:
        with self.runner() as runner:
            still = self.video(runner, partly_static(4), source="still")
            moves = self.video(runner, moving(4), source="moves")
            asks = [
                Ask(frames=frames, question=QUESTION, options=OPTIONS)
                for frames in (moves, still, still.take(np.array([0, 3])), still.take(np.array([2, 3])))
            ]
            moved, stood, far, near = (answer.prompt_tokens for answer in runner.answer(asks))
            assert stood < moved
            assert near < far


def test_a_processor_of_another_checkpoint_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_videollama3(), tmp_path / "checkpoint")
    path = folder / "video_preprocessor_config.json"
    for changes, message in (
        ({"patch_size": 7}, "cuts patches of 7 pixels, the tower takes 14"),
        ({"temporal_patch_size": 2}, "expected temporal_patch_size 1, got 2"),
        ({"size": {"shortest_edge": 0}}, "1 or more"),
    ):
        before = path.read_text()
        path.write_text(json.dumps(json.loads(before) | changes))
        with pytest.raises(ArtefactError, match=message):
            load_runner(folder, threads=1)
        path.write_text(before)
