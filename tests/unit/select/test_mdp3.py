"""MDP3 against a twin that takes determinants, one set at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest

import framedex
from framedex.errors import UsageError
from framedex.select.mdp3 import likeness


def unit(n: int, d: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def take(embeddings: np.ndarray, prompt: np.ndarray, budget: int, **parameters: float) -> list[int]:
    times = np.arange(len(embeddings))
    got = framedex.select("mdp3", budget=budget, pts_us=times, embeddings=embeddings, prompt=prompt, **parameters)
    return got.rows.tolist()


def worth(rows: list[int], given: int, kernel: np.ndarray, relevance: np.ndarray, balance: float) -> float:
    """(2 / balance)·Σ log r + log det of the rows given a row: det of both over that of the one."""
    both = [given, *rows] if given >= 0 else rows
    _, logdet = np.linalg.slogdet(kernel[np.ix_(both, both)])
    return 2 / balance * sum(math.log(relevance[row]) for row in rows) + logdet


def by_determinants(embeddings: np.ndarray, prompt: np.ndarray, k: int, length: int, balance: float) -> list[int]:
    kernel, relevance = likeness(embeddings, embeddings), likeness(embeddings, prompt[None])[:, 0]
    states: dict[int, tuple[float, int, list[int]]] = {0: (0.0, -1, [])}  # used: value, last row, rows
    for first in range(0, len(embeddings), length):
        inside = range(first, min(first + length, len(embeddings)))
        after: dict[int, tuple[float, int, list[int]]] = {}
        for used in sorted(states, reverse=True):
            value, last, rows = states[used]
            chosen: list[int] = []
            while True:
                total = value + (worth(chosen, last, kernel, relevance, balance) if chosen else 0)
                now = used + len(chosen)
                if now not in after or total > after[now][0] + 1e-9:
                    after[now] = (total, max(chosen, default=last), rows + chosen)
                free = [row for row in inside if row not in chosen]
                if now == k or not free:
                    break
                gains = [worth([*chosen, row], last, kernel, relevance, balance) for row in free]
                chosen = [*chosen, free[int(np.argmax(gains))]]
        states = after
    return sorted(states[k][2])


def test_the_kernel_of_frames_at_right_angles() -> None:
    # |x - y|² = 2: the mean of exp(-8), exp(-4), exp(-2), exp(-1), exp(-1/2)
    kernel = likeness(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32))
    np.testing.assert_allclose(kernel, [[1, 0.225679], [0.225679, 1]], atol=1e-6)


def test_one_frame_is_the_most_relevant() -> None:
    embeddings = unit(40, 6, 0)
    assert take(embeddings, embeddings[17], 1) == [17]


def test_an_equal_frame_adds_nothing() -> None:
    embeddings = np.array([[1, 0], [1, 0], [0.6, 0.8]], dtype=np.float32)
    # log det of the equal pair is -inf; at a balance of 2 the third costs log r = log k(0.8 apart) and log(1 - k²)
    assert take(embeddings, embeddings[0], 2, balance=2) == [0, 2]


@pytest.mark.parametrize(
    ("n", "k", "length", "balance"), [(12, 5, 12, 0.2), (23, 6, 5, 0.2), (30, 8, 7, 2.0), (9, 4, 1, 1.0)]
)
@pytest.mark.parametrize("seed", [0, 1])
def test_it_is_what_determinants_say(n: int, k: int, length: int, balance: float, seed: int) -> None:
    embeddings, prompt = unit(n, 5, seed), unit(1, 5, 100 + seed)[0]
    expected = by_determinants(embeddings, prompt, k, length, balance)
    assert take(embeddings, prompt, k, segment=length, balance=balance) == expected


def test_more_frames_than_the_vectors_can_tell_apart() -> None:
    rows = np.repeat(unit(5, 6, 1), 24, axis=0) + 0.02 * unit(120, 6, 2)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    for budget in (32, 60, 119):
        assert len(take(rows, rows[40], budget)) == budget
    assert len({row // 24 for row in take(rows, rows[40], 5, balance=20)}) == 5  # one of every picture


def test_segments_are_32_frames_for_small_budgets_and_128_for_others() -> None:
    embeddings, prompt = unit(140, 8, 3), unit(1, 8, 4)[0]
    assert take(embeddings, prompt, 32) == take(embeddings, prompt, 32, segment=32)
    assert take(embeddings, prompt, 33) == take(embeddings, prompt, 33, segment=128)


@pytest.mark.parametrize("parameters", [{"balance": 0}, {"balance": 1e-320}, {"segment": 0}])
def test_parameters_out_of_range(parameters: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=r"sampler 'mdp3', (balance|segment): expected"):
        take(unit(3, 2, 0), unit(1, 2, 0)[0], 1, **parameters)


def test_the_least_balance_takes_the_most_relevant() -> None:
    embeddings, prompt = unit(50, 6, 5), unit(1, 6, 6)[0]
    best = np.argsort(-likeness(embeddings, prompt[None])[:, 0], kind="stable")[:7]
    assert take(embeddings, prompt, 7, balance=1e-6) == sorted(best.tolist())
