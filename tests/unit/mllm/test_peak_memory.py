"""The memory that a step of torch's takes is counted to the byte."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from framedex.mllm.peak_memory import peak_memory

KIB = 1 << 10
CPU = torch.device("cpu")


def floats(n_kib: int) -> torch.Tensor:
    return torch.zeros(n_kib * KIB // 4)


def test_what_is_there_at_a_time_counts_and_not_what_is_gone() -> None:
    def step() -> torch.Tensor:
        first = floats(64)
        second = first + 1  # 128
        del first
        third = second * 2  # 128 again
        del second
        return torch.cat([third, third])  # 192

    made, nbytes = peak_memory(CPU).of(step)
    assert (made.nbytes, nbytes) == (128 * KIB, 192 * KIB)


def test_a_view_takes_nothing() -> None:
    _, nbytes = peak_memory(CPU).of(lambda: floats(64).reshape(2, -1)[:, ::2].expand(3, -1, -1))
    assert nbytes == 64 * KIB


def test_what_a_step_reads_counts_weights_left_out() -> None:
    layer = torch.nn.Linear(64, 64, bias=False)
    array = np.zeros((64, 64), np.float32)
    with torch.inference_mode():
        _, nbytes = peak_memory(CPU).of(lambda: layer(torch.from_numpy(array)))
    assert nbytes == 2 * 64 * 64 * 4


def test_operators_that_are_made_of_others_are_looked_into() -> None:
    query = torch.zeros(1, 1, 128, 8)
    mask = torch.ones(1, 1, 128, 128, dtype=torch.bool)

    def attend() -> torch.Tensor:
        return torch.nn.functional.scaled_dot_product_attention(query, query, query, attn_mask=mask)

    with torch.inference_mode():
        _, nbytes = peak_memory(CPU).of(attend)
    # The mask is made float32 inside.
    assert nbytes >= query.nbytes + 5 * mask.nbytes


def test_the_same_step_gives_the_same_number_and_one_does_not_count_for_the_next() -> None:
    peak = peak_memory(CPU)
    kept, first = peak.of(lambda: floats(8) + 1)
    _, second = peak.of(lambda: floats(8) + 1)
    assert first == second == 2 * kept.nbytes


def test_on_a_gpu_what_a_library_makes_once_and_keeps_is_of_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch's counters of a GPU are stood in for: no step of this test runs on one."""
    there = most = 1000  # weights

    def take(nbytes: int) -> None:
        nonlocal there, most
        there += nbytes
        most = max(most, there)

    def forget(_device: torch.device) -> None:
        nonlocal most
        most = there

    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _device: there)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda _device: most)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", forget)
    has_work_space = False

    def step() -> None:
        nonlocal has_work_space
        if not has_work_space:
            take(32 << 20)
        has_work_space = True
        take(64)
        take(-64)

    peak = peak_memory(torch.device("cuda"))
    assert [peak.of(step)[1] for _ in range(3)] == [64, 64, 64]
