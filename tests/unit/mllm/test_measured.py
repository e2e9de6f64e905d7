"""How much is worked on at a time: what a model takes of memory is measured, and what is free decides."""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from contracts.runner_suite import OPTIONS, QUESTION, SCORINGS, logprobs, noise
from framedex.errors import DeviceError
from framedex.mllm import load_runner
from framedex.mllm.base import Ask
from framedex.mllm.engine import TransformersRunner
from framedex.mllm.measured import Costs, Measured, _largest_frame
from framedex.mllm.options import Limits, RunnerOptions
from framedex.mllm.peak_memory import peak_memory
from framedex.mllm.tree import TokenTree
from framedex.torch_device import at_most
from llava_onevision_checkpoints import tiny_llava_onevision
from smolvlm_checkpoints import tiny_smolvlm
from videollama3_checkpoints import tiny_videollama3

MIB = 1 << 20
CPU = torch.device("cpu")
CONTEXT = 512
FAMILIES = pytest.mark.parametrize("checkpoint", [tiny_smolvlm, tiny_llava_onevision, tiny_videollama3])
COSTS = Costs(frame_nbytes=3 * MIB, token_nbytes=40_000, pair_nbytes=8, position_nbytes=4000, context=CONTEXT)
Checkpoint = Callable[[], Path]


def opened(checkpoint: Checkpoint, **options: object) -> TransformersRunner:
    runner = load_runner(checkpoint(), threads=1, options=RunnerOptions(device="cpu", **options))  # type: ignore[arg-type]
    assert isinstance(runner, TransformersRunner)
    return runner


@functools.cache
def costs_of(checkpoint: Checkpoint) -> Costs:
    with opened(checkpoint) as runner:
        family, reading = runner._opened()
        with at_most(1):
            return Costs.of(family, reading.language, context=CONTEXT, device=CPU)


def limits(free_nbytes: int, *, most: Limits | None = None, device: str = "cpu") -> Limits:
    most = most or Limits(cache_nbytes=0)
    return Measured.fitting(COSTS, most=most, free_nbytes=free_nbytes, device=torch.device(device)).limits


@FAMILIES
@torch.inference_mode()
@at_most(1)
def test_larger_batches_take_no_more_than_was_measured(checkpoint: Checkpoint) -> None:
    costs, peak = costs_of(checkpoint), peak_memory(CPU)
    with opened(checkpoint) as runner:
        family, reading = runner._opened()
        language = reading.language
        assert Costs.of(family, language, context=CONTEXT, device=CPU) == costs
        assert reading.work.forwards == reading.work.tower_frames == 0
        pictures = runner.prepare(noise(8), origin_us=0, last_us=10_000_000).pixels
        for n in (1, 3, 8):
            tokens, nbytes = peak.of(partial(family.tower, np.stack(pictures[:n])))
            assert nbytes <= costs.tower_nbytes(n)
        visual = tokens.flatten(0, 1)
        for lengths in ((512,), (400, 112), (256, 255), (20,) * 16):
            rows = [(family.placeholder_id,) * length for length in lengths]
            shown = [visual[torch.arange(length) % len(visual)] for length in lengths]
            prefix, read_nbytes = peak.of(partial(language.prefixes, rows, shown))
            tree = TokenTree()
            tree.add([0] * max(lengths))
            hidden, tree_nbytes = peak.of(partial(language.trees, prefix, [tree] * len(lengths)))
            _, said_nbytes = peak.of(partial(language.logprobs, hidden[0], range(len(tree)), [0] * len(tree)))
            assert max(read_nbytes, tree_nbytes, said_nbytes) <= costs.language_nbytes(len(lengths) * max(lengths))


@FAMILIES
def test_no_frame_is_made_larger_than_the_one_that_was_measured(checkpoint: Checkpoint) -> None:
    with opened(checkpoint) as runner:
        family, _ = runner._opened()
        largest = _largest_frame(family).nbytes
        for size in ((64, 64), (100, 100), (120, 160), (240, 320), (360, 640), (720, 1280), (1080, 1920), (1280, 720)):
            assert family.resized(np.zeros((1, *size, 3), np.uint8)).nbytes <= largest


@pytest.mark.parametrize(
    ("checkpoint", "free_mib"),
    [(tiny_smolvlm, 24), (tiny_smolvlm, 100), (tiny_llava_onevision, 24), (tiny_videollama3, 24)],
)
def test_a_runner_that_is_short_of_memory_begins_with_less_and_keeps_to_it(
    checkpoint: Checkpoint, free_mib: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(checkpoint) as plenty:
        video = plenty.prepare(noise(6), origin_us=0, last_us=10_000_000)
        asks = [
            Ask(frames=frames, question=QUESTION, options=OPTIONS[turn:] + OPTIONS[:turn], scoring=scoring)
            for frames in (None, *(video.take(np.arange(start, start + 3)) for start in range(4)))
            for turn in range(2)
            for scoring in SCORINGS
        ]
        expected = plenty.answer(asks)
        assert plenty.trouble == ""
        assert plenty.provenance["limits"] == "by memory"
        assert (plenty.provenance["frames_at_once"], plenty.provenance["tokens_at_once"]) == ("8", "1024")
    monkeypatch.setattr("framedex.mllm.pace.free_nbytes", lambda device: free_mib * MIB)
    with opened(checkpoint, cache_nbytes=0) as short:
        short._pace.began  # noqa: B018 - measures
        frames, tokens = (int(short.provenance[f"{what}_at_once"]) for what in ("frames", "tokens"))
        assert (tokens < 1024) == (free_mib == 24)
        assert (f"of memory are free: {frames} frames and {tokens} tokens at a time" in short.trouble) == (
            tokens < 1024
        )
        answers, nbytes = peak_memory(CPU).of(lambda: short.answer(asks))
        costs = costs_of(checkpoint)
        assert nbytes <= max(costs.tower_nbytes(frames), costs.language_nbytes(tokens)) <= free_mib * MIB / 2
        assert np.abs(logprobs(answers) - logprobs(expected)).max() < 1e-4


def test_less_free_memory_never_makes_larger_batches() -> None:
    chosen = [limits(free_mib * MIB) for free_mib in (0, 1, 2, 5, 10, 20, 50, 100, 200, 500)]
    for less, more in pairwise(chosen):
        assert less.frames <= more.frames
        assert less.tokens <= more.tokens
    assert chosen[0] == Limits(frames=1, tokens=1, cache_nbytes=0)
    assert chosen[-1] == Limits(cache_nbytes=0)
    assert len(set(chosen)) >= 6


def test_batches_are_the_largest_halves_that_fit_into_half_of_what_is_free() -> None:
    # 3 MiB a frame; by hand 256 tokens: 256 · 40,000 + 256 · 512 · 8 + 256 · 4000 = 12,312,576 bytes.
    assert COSTS.language_nbytes(256) == 12_312_576
    assert limits(2 * 12_312_576) == Limits(frames=2, tokens=256, cache_nbytes=0)
    assert limits(2 * 12_312_576 - 2) == Limits(frames=2, tokens=128, cache_nbytes=0)
    assert limits(24 * MIB).frames == 4
    assert limits(24 * MIB - 2).frames == 2


def test_rows_are_no_longer_than_the_context_and_trees_than_their_bound() -> None:
    tokens = 100_000
    pairs = max(tokens * CONTEXT, 4096 * (CONTEXT + 4096))
    assert COSTS.language_nbytes(tokens) == tokens * 40_000 + pairs * 8 + 256 * 4000


def test_the_cache_counts_where_it_is_kept_and_never_takes_it_all() -> None:
    free = 96 * MIB
    assert limits(free).frames == 8
    assert limits(free, most=Limits(cache_nbytes=48 * MIB)).frames == 8
    assert limits(free - MIB, most=Limits(cache_nbytes=48 * MIB)).frames == 4
    assert limits(free, most=Limits(cache_nbytes=1 << 40)).frames == 8
    on_gpu = limits(31 * MIB, most=Limits(cache_nbytes=1 << 40), device="cuda")
    assert on_gpu.frames == 8


def test_limits_that_are_told_are_taken_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framedex.mllm.pace.free_nbytes", lambda device: 0)
    told = Limits(frames=5, tokens=700)
    with opened(tiny_smolvlm, limits=told) as runner:
        runner.answer([Ask(frames=None, question=QUESTION, options=OPTIONS)])
        assert [runner.provenance[name] for name in ("frames_at_once", "tokens_at_once", "limits")] == [
            "5",
            "700",
            "told",
        ]
        assert runner.trouble == ""


def test_where_free_memory_is_not_told_the_most_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framedex.mllm.pace.free_nbytes", lambda device: None)
    with opened(tiny_smolvlm) as runner:
        runner.answer([Ask(frames=None, question=QUESTION, options=OPTIONS)])
        assert (runner.provenance["tokens_at_once"], runner.provenance["limits"]) == ("1024", "usual")
        assert runner.trouble == ""


def test_a_model_that_does_not_even_fit_to_be_measured_takes_one_at_a_time_and_says_so() -> None:
    """The language model is made to fail as torch does."""
    error: RuntimeError = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate more")

    def refuse(*_: object) -> None:
        raise error

    with opened(tiny_smolvlm) as runner:
        family, _ = runner._opened()
        hook = family.language_model.register_forward_pre_hook(refuse)
        assert (runner._pace.began.frames, runner._pace.began.tokens) == (1, 1)
        assert "of memory are free: 1 frames and 1 tokens at a time instead of 8 and 1024" in runner.trouble
        hook.remove()
        assert runner.answer([Ask(frames=None, question=QUESTION, options=OPTIONS)])[0].status == "ok"
    error = RuntimeError("a kernel is missing")
    with opened(tiny_smolvlm) as runner:
        family, _ = runner._opened()
        family.language_model.register_forward_pre_hook(refuse)
        with pytest.raises(DeviceError, match=r"torch failed on cpu .*a kernel is missing"):
            runner.answer([Ask(frames=None, question=QUESTION, options=OPTIONS)])


def test_nothing_is_measured_before_something_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(*_: object, **__: object) -> None:
        pytest.fail("measured")

    monkeypatch.setattr("framedex.mllm.measured.Costs.of", measure)
    with opened(tiny_smolvlm) as runner:
        assert "limits" not in runner.provenance
        assert runner.prepare(noise(2), origin_us=0, last_us=1_000_000).pixels
    assert "limits" not in runner.provenance
    with pytest.raises(ValueError, match="is closed"):
        _ = runner._pace.began
