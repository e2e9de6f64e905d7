"""A checkpoint of SmolVLM2-256M's shape goes through the runner: 64 visual tokens a frame, 8 frames of 512 pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from framedex.contracts import FrameBatch
from framedex.mllm import load_runner
from framedex.mllm.base import Ask
from smolvlm_checkpoints import make_smolvlm_256m

QUESTION, OPTIONS = "What colour is the dog?", ("red", "a striped thing", "blue", "green")


@pytest.mark.slow
def test_the_256m_shape_answers_and_a_batch_is_one_by_one(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (8, 360, 640, 3), np.uint8)
    batch = FrameBatch(pts_us=np.arange(8, dtype=np.int64) * 1_000_000, frames=frames)
    with load_runner(make_smolvlm_256m(tmp_path / "checkpoint"), threads=2) as runner:
        shown = runner.prepare(batch, origin_us=0, last_us=60_000_000)
        assert [picture.shape for picture in shown.pixels] == [(512, 512, 3)] * 8
        asks = [
            Ask(frames=shown, question=QUESTION, options=OPTIONS),
            Ask(frames=shown.take(np.array([1, 6])), question=QUESTION, options=OPTIONS[::-1]),
            Ask(frames=None, question=QUESTION, options=OPTIONS),
        ]
        together = runner.answer(asks)
        alone = [runner.answer([ask])[0] for ask in asks]
        (letters,) = runner.answer([replace(asks[2], scoring="letter")])
    assert [answer.status for answer in (*together, letters)] == ["ok"] * 4
    assert together[0].prompt_tokens - together[2].prompt_tokens > 8 * 64
    for one, other in zip(together, alone, strict=True):
        assert one.option_tokens == other.option_tokens
        assert np.abs(np.subtract(one.option_logprobs, other.option_logprobs)).max() < 1e-4
