"""The SmolVLM runner keeps the runner contract, and gives what transformers' own forward gives."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import SmolVLMForConditionalGeneration

from contracts.runner_suite import OPTIONS, QUESTION, TOLERANCE, RunnerSuite, logprobs, mixed, noise, prepared
from framedex.errors import ArtefactError, DeviceError, UsageError
from framedex.mllm import load_runner
from framedex.mllm.base import Ask, Runner
from framedex.mllm.checkpoint import Checkpoint
from framedex.mllm.load import Dtype
from framedex.mllm.prompt import prompt_text
from framedex.mllm.smolvlm import SmolVlmRunner
from smolvlm_checkpoints import make_smolvlm, tiny_smolvlm


@pytest.fixture
def runner() -> Iterator[Runner]:
    with load_runner(tiny_smolvlm(), threads=1) as runner:
        yield runner


class TestSmolVlm(RunnerSuite):
    """The suite."""


@torch.inference_mode()
def plain(folder: Path, ask: Ask, option: str) -> float:
    """Prompt and option in one row through the model's own forward, pixels and all."""
    model = SmolVLMForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    times_s = None if ask.frames is None else ask.frames.times_s.tolist()
    duration_s = 0.0 if ask.frames is None else ask.frames.duration_s
    text = prompt_text(ask.question, ask.options, scoring="option", seq_len=4, times_s=times_s, duration_s=duration_s)
    n_prompt = len(tokenizer.encode(text).ids)
    ids = torch.tensor([tokenizer.encode(f"{text} {option}").ids])
    pixels = None if ask.frames is None else torch.from_numpy(ask.frames.pixels)[None]
    logits = model(input_ids=ids, attention_mask=torch.ones_like(ids), pixel_values=pixels).logits
    rows = torch.arange(n_prompt, ids.shape[1])
    return float(logits[0].log_softmax(-1)[rows - 1, ids[0, rows]].sum())


def test_log_probabilities_are_those_of_the_models_own_forward(runner: Runner) -> None:
    asks = mixed(runner)
    for ask, answer in zip(asks, runner.answer(asks, scoring="option"), strict=True):
        expected = [plain(tiny_smolvlm(), ask, option) for option in ask.options]
        assert np.abs(np.subtract(answer.option_logprobs, expected)).max() < TOLERANCE


def test_letters_are_the_next_tokens_of_the_models_own_forward(runner: Runner) -> None:
    model = SmolVLMForConditionalGeneration.from_pretrained(tiny_smolvlm(), dtype=torch.float32).eval()
    tokenizer = Tokenizer.from_file(str(tiny_smolvlm() / "tokenizer.json"))
    text = prompt_text(QUESTION, OPTIONS, scoring="letter", seq_len=4)
    with torch.inference_mode():
        probabilities = model(input_ids=torch.tensor([tokenizer.encode(text).ids])).logits[0, -1].softmax(-1)
    (answer,) = runner.answer([Ask(frames=None, question=QUESTION, options=OPTIONS)], scoring="letter")
    for letter, logprob in zip("ABCD", answer.option_logprobs, strict=True):
        spelt = [tokenizer.encode(spelling).ids for spelling in (letter, f" {letter}", f"({letter}")]
        expected = sum(float(probabilities[ids[0]]) for ids in spelt if len(ids) == 1)
        assert logprob == pytest.approx(np.log(expected), abs=TOLERANCE)


def test_the_batch_size_changes_nothing(runner: Runner) -> None:
    asks = mixed(runner) * 2
    with SmolVlmRunner(Checkpoint.open(tiny_smolvlm()), threads=1, batch=2) as small:
        difference = logprobs(small.answer(asks, scoring="option")) - logprobs(runner.answer(asks, scoring="option"))
    assert np.abs(difference).max() < TOLERANCE


def test_asks_that_share_frames_answer_as_if_each_had_its_own(runner: Runner) -> None:
    shared = prepared(runner, 3)
    orders = [OPTIONS[start:] + OPTIONS[:start] for start in range(4)]
    together = runner.answer(
        [Ask(frames=shared, question=QUESTION, options=order) for order in orders], scoring="option"
    )
    apart = runner.answer(
        [Ask(frames=prepared(runner, 3), question=QUESTION, options=order) for order in orders], scoring="option"
    )
    assert np.abs(logprobs(together) - logprobs(apart)).max() < TOLERANCE


def test_a_black_frame_is_a_frame_even_where_its_pixels_are_all_zero(tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_smolvlm(), tmp_path / "checkpoint")
    rules = folder / "preprocessor_config.json"
    rules.write_text(json.dumps(json.loads(rules.read_text()) | {"image_mean": [0.0] * 3, "image_std": [1.0] * 3}))
    batch = noise(2)
    frames = batch.frames.copy()
    frames[0] = 0
    with load_runner(folder, threads=1) as runner:
        black = runner.prepare(type(batch)(pts_us=batch.pts_us.copy(), frames=frames), origin_us=0, last_us=10**7)
        assert not black.pixels[0].any()
        (answer,) = runner.answer([Ask(frames=black, question=QUESTION, options=OPTIONS)], scoring="option")
        # transformers leaves a picture of zeros out; the nearest that it takes in must answer alike.
        nearly = black.pixels.copy()
        nearly[0, 0, 0, 0] = 1e-12
        ask = Ask(
            frames=type(black)(pts_us=black.pts_us, times_s=black.times_s, duration_s=black.duration_s, pixels=nearly),
            question=QUESTION,
            options=OPTIONS,
        )
    assert answer.option_logprobs[1] == pytest.approx(plain(folder, ask, OPTIONS[1]), abs=TOLERANCE)


def test_a_checkpoint_in_float16_answers_as_its_float32_weights(tmp_path: Path) -> None:
    half, full = make_smolvlm(tmp_path / "half", dtype="float16"), tmp_path / "full"
    model = SmolVLMForConditionalGeneration.from_pretrained(half, dtype=torch.float32)
    shutil.copytree(half, full)
    model.save_pretrained(full)
    ask = Ask(frames=None, question=QUESTION, options=OPTIONS)
    with load_runner(half, threads=1) as one, load_runner(full, threads=1) as other:
        assert (
            one.answer([ask], scoring="option")[0].option_logprobs
            == other.answer([ask], scoring="option")[0].option_logprobs
        )
        assert one.key != other.key


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_other_dtypes_answer_nearly_alike_and_have_keys_of_their_own(runner: Runner, dtype: Dtype) -> None:
    ask = Ask(frames=prepared(runner, 2), question=QUESTION, options=OPTIONS)
    with SmolVlmRunner(Checkpoint.open(tiny_smolvlm()), threads=1, dtype=dtype) as rough:
        difference = logprobs(rough.answer([ask], scoring="option")) - logprobs(runner.answer([ask], scoring="option"))
        assert 0 < np.abs(difference).max() < 0.5
        assert rough.key != runner.key


def test_the_key_tells_weights_rules_and_tokenizers_apart_but_not_places(tmp_path: Path) -> None:
    def key(folder: Path) -> str:
        with load_runner(folder, threads=1) as runner:
            return runner.key

    copy = shutil.copytree(tiny_smolvlm(), tmp_path / "copy")
    assert key(copy) == key(tiny_smolvlm())
    rules = copy / "preprocessor_config.json"
    rules.write_text(json.dumps(json.loads(rules.read_text()) | {"resample": 2}))
    assert len({key(copy), key(tiny_smolvlm()), key(make_smolvlm(tmp_path / "other", seed=1))}) == 3


def test_the_processs_threads_are_put_back(runner: Runner) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        runner.answer([Ask(frames=None, question=QUESTION, options=OPTIONS)], scoring="option")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_log_probabilities_that_are_not_finite_are_a_device_error(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(tiny_smolvlm(), tmp_path / "checkpoint")
    weights = load_file(folder / "model.safetensors")
    weights["model.text_model.norm.weight"] *= 3e38
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with load_runner(folder, threads=1) as runner, pytest.raises(DeviceError, match="not finite in float32"):
        runner.answer([Ask(frames=None, question=QUESTION, options=OPTIONS)], scoring="option")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_image_size": {"longest_edge": 24}}, "frames of 24 pixels have 3 patches of 8 .* cannot join 2 by 2"),
        ({"max_image_size": {"longest_edge": 4}}, "frames of 4 pixels have 0 patches"),
    ],
)
def test_a_processor_of_another_checkpoint_is_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    folder = shutil.copytree(tiny_smolvlm(), tmp_path / "checkpoint")
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(ArtefactError, match=message):
        load_runner(folder, threads=1)


def test_a_processor_that_counts_other_tokens_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_smolvlm(), tmp_path / "checkpoint")
    (folder / "processor_config.json").write_text('{"image_seq_len": 64}')
    with pytest.raises(ArtefactError, match="expected image_seq_len 4 for frames of 32 pixels, got 64"):
        load_runner(folder, threads=1)


@pytest.mark.parametrize("wrong", [{"threads": 0}, {"threads": 1, "batch": 0}, {"threads": 1, "dtype": "int8"}])
def test_settings_are_checked(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="1 or more and dtype float32, bfloat16, float16"):
        SmolVlmRunner(Checkpoint.open(tiny_smolvlm()), **wrong)  # type: ignore[arg-type]
