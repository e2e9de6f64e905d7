"""Where an MLLM runs is chosen once, and what is short of memory is told from other failures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from framedex.errors import DeviceError, MissingDependency, UsageError
from framedex.mllm.device import Place, is_out_of_memory
from framedex.mllm.options import Limits, RunnerOptions


def test_the_cpu_takes_float32_and_limits_of_its_own() -> None:
    place = Place.choose(RunnerOptions(device="cpu"))
    assert (place.device.type, place.label, place.dtype, place.limits) == ("cpu", "cpu", "float32", Limits())
    mine = Limits(frames=3, tokens=5)
    assert Place.choose(RunnerOptions(device="cpu", dtype="bfloat16", limits=mine)).limits == mine
    less = Place.choose(RunnerOptions(device="cpu", cache_nbytes=5)).limits
    assert less == replace(place.limits, cache_nbytes=5)
    auto = Place.choose(RunnerOptions())
    assert auto.device.type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert auto.dtype == ("bfloat16" if torch.cuda.is_available() else "float32")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_not_replaced() -> None:
    with pytest.raises((MissingDependency, DeviceError), match="MLLM on CUDA"):
        Place.choose(RunnerOptions(device="cuda"))


def test_float32_is_not_run_in_fewer_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_float32_matmul_precision", lambda: "high")
    with pytest.raises(UsageError, match=r"MLLM in float32: .* is 'high', expected 'highest'"):
        Place.choose(RunnerOptions(device="cpu"))
    assert Place.choose(RunnerOptions(device="cpu", dtype="bfloat16")).dtype == "bfloat16"


def test_short_memory_is_told_from_other_failures() -> None:
    with pytest.raises(RuntimeError) as short:
        torch.empty(1 << 58)
    assert is_out_of_memory(short.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    with pytest.raises(MemoryError) as numpys:
        np.empty(1 << 58, np.uint8)
    assert is_out_of_memory(numpys.value)
    assert is_out_of_memory(RuntimeError("unable to mmap 5 bytes from file <x>: Cannot allocate memory (12)"))
    with pytest.raises(RuntimeError) as other:
        torch.ones(2) @ torch.ones(3)
    assert not is_out_of_memory(other.value)


def test_limits_halve_down_to_one_at_a_time() -> None:
    limits: Limits | None = Limits(frames=5, tokens=9, cache_nbytes=7)
    seen = []
    while limits is not None:
        seen.append((limits.frames, limits.tokens, limits.cache_nbytes))
        limits = limits.halved()
    assert seen == [(5, 9, 7), (2, 4, 7), (1, 2, 7), (1, 1, 7)]
