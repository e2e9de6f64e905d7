"""The SmolVLM runner keeps the runner contract, and gives what transformers' own forward gives."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import SmolVLMForConditionalGeneration

from contracts.equality_suite import EqualitySuite
from contracts.runner_suite import OPTIONS, QUESTION, SCORINGS, TOLERANCE, RunnerSuite, logprobs, noise, prepared
from framedex.errors import ArtefactError, DeviceError, UsageError
from framedex.mllm import load_runner
from framedex.mllm.base import Ask, PreparedFrames, Runner
from framedex.mllm.engine import TransformersRunner
from framedex.mllm.options import Dtype, Limits, RunnerOptions
from framedex.mllm.smolvlm import SmolVlm
from framedex.mllm.tokens import WRITTEN_TOKENS
from plain_mllm import Inputs, PlainModel, channels_first
from plain_smolvlm import plain_smolvlm
from smolvlm_checkpoints import make_smolvlm, tiny_smolvlm


@pytest.fixture
def runner() -> Iterator[Runner]:
    with load_runner(tiny_smolvlm(), threads=1) as runner:
        yield runner


class TestSmolVlm(RunnerSuite):
    """The suite."""


class TestPlainSmolVlm(EqualitySuite):
    """Equality with the plain model."""

    def plain(self) -> PlainModel:
        return plain_smolvlm(tiny_smolvlm())


def test_asks_that_share_frames_answer_as_if_each_had_its_own(runner: Runner) -> None:
    shared = prepared(runner, 3)
    orders = [OPTIONS[start:] + OPTIONS[:start] for start in range(4)]
    together = runner.answer([Ask(frames=shared, question=QUESTION, options=order) for order in orders])
    apart = [runner.answer([Ask(frames=prepared(runner, 3), question=QUESTION, options=order)])[0] for order in orders]
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
        ask = Ask(frames=black, question=QUESTION, options=OPTIONS)
        (answer,) = runner.answer([ask])
    plain = plain_smolvlm(folder)

    def nearly_black(frames: PreparedFrames) -> tuple[str, Inputs]:
        # transformers leaves a picture of zeros out; the nearest that it takes in must answer alike.
        text, _ = plain.media(frames)
        pixels = channels_first(frames, mean=[0.0] * 3, std=[1.0] * 3)
        pixels[0, 0, 0, 0] = 1e-12
        return text, {"pixel_values": pixels[None]}

    expected = replace(plain, media=nearly_black).option_logprobs(ask)
    assert np.abs(np.subtract(answer.option_logprobs, expected)).max() < TOLERANCE


def test_a_checkpoint_in_float16_answers_as_its_float32_weights(tmp_path: Path) -> None:
    half, full = make_smolvlm(tmp_path / "half", dtype="float16"), tmp_path / "full"
    model = SmolVLMForConditionalGeneration.from_pretrained(half, dtype=torch.float32)
    shutil.copytree(half, full)
    model.save_pretrained(full)
    ask = Ask(frames=None, question=QUESTION, options=OPTIONS)
    with load_runner(half, threads=1) as one, load_runner(full, threads=1) as other:
        assert one.answer([ask])[0].option_logprobs == other.answer([ask])[0].option_logprobs
        assert one.key != other.key


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_other_dtypes_answer_nearly_alike_and_have_keys_of_their_own(runner: Runner, dtype: Dtype) -> None:
    ask = Ask(frames=prepared(runner, 2), question=QUESTION, options=OPTIONS)
    with load_runner(tiny_smolvlm(), threads=1, options=RunnerOptions(dtype=dtype)) as rough:
        difference = logprobs(rough.answer([ask])) - logprobs(runner.answer([ask]))
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


def test_the_key_tells_templates_dtypes_and_versions_apart_but_not_limits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def key(**options: Any) -> str:
        with load_runner(tiny_smolvlm(), threads=1, options=RunnerOptions(**options)) as runner:
            return runner.key

    whole = key()
    assert key(limits=Limits(frames=1, tokens=7, cache_nbytes=0), token_folder=tmp_path, device="cpu") == whole
    keys = {whole, key(dtype="bfloat16"), key(dtype="float16")}
    with monkeypatch.context() as changed:
        changed.setattr("framedex.mllm.engine.transformers", SimpleNamespace(__version__="5.99.0"))
        keys.add(key())
    with monkeypatch.context() as changed:
        changed.setattr("framedex.mllm.engine.tokenizers", SimpleNamespace(__version__="0.99.0"))
        keys.add(key())
    for name, value in {
        "SCORING_VERSION": 99,
        "ATTENTION": "eager",
        "WRITTEN_TOKENS": 17,
        "PARSER_VERSION": 99,
    }.items():
        with monkeypatch.context() as changed:
            changed.setattr(f"framedex.mllm.engine.{name}", value)
            keys.add(key())
    with monkeypatch.context() as changed:
        changed.setattr(SmolVlm, "rules_version", 2)
        keys.add(key())
    with monkeypatch.context() as changed:
        changed.setattr(SmolVlm, "template", replace(SmolVlm.template, version="smolvlm-2"))
        keys.add(key())
    assert len(keys) == 11
    assert key() == whole


def checkpoint_that_writes(folder: Path, **fields: object) -> Path:
    """The tiny checkpoint with fields of its generation_config.json changed."""
    shutil.copytree(tiny_smolvlm(), folder)
    path = folder / "generation_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    return folder


@pytest.mark.parametrize("penalty", [1.05, 1.3])
def test_a_penalty_on_repetition_counts_as_in_the_plain_models_generate(
    runner: Runner, tmp_path: Path, penalty: float
) -> None:
    folder = checkpoint_that_writes(tmp_path / "penalty", repetition_penalty=penalty)
    asks = [
        Ask(frames=frames, question=question, options=order, scoring="generate")
        for frames in (None, prepared(runner, 3), prepared(runner, 2, seed=1))
        for question in (QUESTION, "Which?")
        for order in (OPTIONS, OPTIONS[::-1])
    ]
    plain = plain_smolvlm(folder)
    with load_runner(folder, threads=1) as penalised:
        answers = penalised.answer(asks)
        assert penalised.key != runner.key
    assert [answer.written for answer in answers] == [plain.written(ask, most=WRITTEN_TOKENS) for ask in asks]
    if penalty > 1.1:
        assert [answer.written for answer in answers] != [answer.written for answer in runner.answer(asks)]


@pytest.mark.parametrize(
    ("field", "value"),
    [("no_repeat_ngram_size", 2), ("suppress_tokens", [7]), ("min_new_tokens", 3), ("num_beams", 2)],
)
def test_what_generate_would_do_beyond_that_is_named_and_not_left_out(
    runner: Runner, tmp_path: Path, field: str, value: object
) -> None:
    folder = checkpoint_that_writes(tmp_path / "more", **{field: value})
    asks = [Ask(frames=None, question=QUESTION, options=OPTIONS, scoring=way) for way in SCORINGS]
    with load_runner(folder, threads=1) as more:
        *scored, answer = more.answer(asks)
        assert more.key != runner.key
    assert (answer.status, answer.choice, answer.written) == ("invalid", None, "")
    assert f"generation_config.json asks for {field} {value!r}, which framedex does not run" in answer.status_detail
    assert logprobs(scored[:1]).tolist() == logprobs(runner.answer(asks[:1])).tolist()


def test_fields_that_change_nothing_are_no_reason_to_refuse(runner: Runner, tmp_path: Path) -> None:
    folder = checkpoint_that_writes(tmp_path / "neutral", num_beams=1, min_length=0, suppress_tokens=[], top_k=20)
    with load_runner(folder, threads=1) as neutral:
        assert neutral.key == runner.key


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "generation_config.json: expected JSON"),
        ("[]", "generation_config.json: expected a JSON object, got a list"),
        ('{"eos_token_id": "x"}', "expected eos_token_id to be a token id or a list of them, got 'x'"),
        ('{"eos_token_id": [1, true]}', "expected eos_token_id to be a token id or a list of them"),
        ('{"repetition_penalty": "x"}', "expected repetition_penalty to be a number above 0, got 'x'"),
        ('{"repetition_penalty": 0}', "expected repetition_penalty to be a number above 0, got 0"),
        ('{"max_new_tokens": "x"}', "how answers are written does not hold"),
    ],
)
def test_a_generation_config_that_does_not_hold_is_refused(tmp_path: Path, text: str, message: str) -> None:
    folder = shutil.copytree(tiny_smolvlm(), tmp_path / "checkpoint")
    (folder / "generation_config.json").write_text(text)
    with pytest.raises(ArtefactError, match=re.escape(message)):
        load_runner(folder, threads=1)


def test_the_processs_threads_are_put_back(runner: Runner) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        runner.answer([Ask(frames=None, question=QUESTION, options=OPTIONS)])
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
        runner.answer([Ask(frames=None, question=QUESTION, options=OPTIONS)])


@pytest.mark.parametrize(
    ("file", "changes", "message"),
    [
        (
            "preprocessor_config.json",
            {"max_image_size": {"longest_edge": 24}},
            "24 pixels have 3 .* cannot join 2 by 2",
        ),
        ("preprocessor_config.json", {"max_image_size": {"longest_edge": 4}}, "frames of 4 pixels have 0 patches"),
        ("config.json", {"scale_factor": -2}, "4 patches of 8 along an edge, which the model cannot join -2 by -2"),
    ],
)
def test_a_processor_of_another_checkpoint_is_refused(
    tmp_path: Path, file: str, changes: dict[str, object], message: str
) -> None:
    folder = shutil.copytree(tiny_smolvlm(), tmp_path / "checkpoint")
    path = folder / file
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(ArtefactError, match=message):
        load_runner(folder, threads=1)


def test_a_processor_that_counts_other_tokens_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_smolvlm(), tmp_path / "checkpoint")
    (folder / "processor_config.json").write_text('{"image_seq_len": 64}')
    with pytest.raises(ArtefactError, match="expected image_seq_len 4 for frames of 32 pixels, got 64"):
        load_runner(folder, threads=1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"dtype": "int8"}, "dtype auto, float32, bfloat16, float16; got 'auto' and 'int8'"),
        ({"device": "tpu"}, "expected device auto, cpu, cuda"),
    ],
)
def test_settings_are_checked(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_runner(tiny_smolvlm(), threads=1, options=RunnerOptions(**wrong))
    with pytest.raises(UsageError, match="threads of 1 or more, got 0"):
        load_runner(tiny_smolvlm(), threads=0)


@pytest.mark.parametrize("wrong", [{"frames": 0}, {"tokens": 0}, {"cache_nbytes": -1}])
def test_limits_are_checked(wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="frames and tokens at a time of 1 or more and a cache of 0 bytes or more"):
        Limits(**wrong)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory. Tried"), MemoryError("out of memory")])
def test_short_memory_halves_what_is_read_at_a_time_and_says_so(runner: Runner, error: Exception) -> None:
    """The text model of the loaded checkpoint is made to fail as torch or NumPy does, beyond so many tokens."""
    asks = [
        Ask(frames=prepared(runner, n, seed=n), question=QUESTION, options=order)
        for n in (2, 3, 2)
        for order in (OPTIONS, OPTIONS[::-1], OPTIONS[1:] + OPTIONS[:1])
    ]
    expected = logprobs(runner.answer(asks))
    with load_runner(tiny_smolvlm(), threads=1, options=RunnerOptions(limits=Limits(frames=4, tokens=4000))) as short:
        assert isinstance(short, TransformersRunner)
        refuse_beyond(short, error, tokens=130)
        got = short.answer(asks)
        assert np.abs(logprobs(got) - expected).max() < TOLERANCE
        assert re.search(
            r"memory was short; went on with 1 frames and 125 tokens .* instead of 4 and 4000", short.trouble
        )
        told = short.trouble
        short.answer(asks)
        assert short.trouble == told
        refuse_beyond(short, error, tokens=5)
        with pytest.raises(
            DeviceError, match=r"torch failed on cpu with 1 frames and 1 tokens at a time .*out of memory"
        ):
            short.answer(asks)


def refuse_beyond(runner: TransformersRunner, error: Exception, *, tokens: int) -> None:
    family, _ = runner._opened()

    def refuse(module: torch.nn.Module, arguments: tuple[Any, ...], named: dict[str, torch.Tensor]) -> None:
        if named["inputs_embeds"].shape[:2].numel() > tokens:
            raise error

    family.language_model.register_forward_pre_hook(refuse, with_kwargs=True)
