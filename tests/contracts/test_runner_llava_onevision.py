"""The LLaVA-OneVision family keeps the runner contract, and gives what transformers' own forward gives."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.equality_suite import EqualitySuite
from contracts.runner_suite import RunnerSuite
from framedex.errors import ArtefactError
from framedex.mllm import load_runner
from framedex.mllm.base import Runner
from llava_onevision_checkpoints import plain_llava_onevision, tiny_llava_onevision
from plain_mllm import PlainModel


@pytest.fixture
def runner() -> Iterator[Runner]:
    with load_runner(tiny_llava_onevision(), threads=1) as runner:
        yield runner


class TestLlavaOnevision(RunnerSuite):
    """The suite."""

    says_times = False


class TestPlainLlavaOnevision(EqualitySuite):
    """Equality with the plain model."""

    def plain(self) -> PlainModel:
        return plain_llava_onevision(tiny_llava_onevision())


def test_a_processor_of_another_checkpoint_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_llava_onevision(), tmp_path / "checkpoint")
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"size": {"height": 48, "width": 48}}))
    with pytest.raises(ArtefactError, match="makes frames of 48 x 48 pixels, the tower takes 40 x 40"):
        load_runner(folder, threads=1)
