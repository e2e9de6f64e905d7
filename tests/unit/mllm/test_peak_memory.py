"""The memory that a step of torch's takes is counted to the byte."""

from __future__ import annotations

import numpy as np
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
