"""What several samplers do with a budget: fill it up, share it out, spread it evenly."""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from framedex.select.base import Rows, Scores


def best_rows(scores: Scores, k: int) -> Rows:
    """Rows of the k highest scores, sorted by row; ties go to the earlier frame."""
    return np.sort(np.argsort(-scores, kind="stable")[:k])


def top_up(rows: Rows, scores: Scores, k: int) -> Rows:
    """Exactly k rows: those given, once each, and the best of the others; of more than k the best k.

    Args:
        rows: any order, repeats allowed.
        scores: float64 (n,), finite, n >= k.
        k: wanted.
    """
    given = np.unique(rows)
    if len(given) >= k:
        return given[best_rows(scores[given], k)]
    others = np.delete(np.arange(len(scores), dtype=np.int64), given)
    return np.sort(np.concatenate([given, others[best_rows(scores[others], k - len(given))]]))


def centres(k: int, n: int) -> Rows:
    """Middles of k equal segments of n rows, k <= n: ⌊(2i + 1)·n / 2k⌋."""
    return (2 * np.arange(k, dtype=np.int64) + 1) * n // (2 * max(k, 1))


def softmax(values: Scores, temperature: float) -> Scores:
    """Shares exp(x / temperature), summing to 1."""
    shares = np.exp((values - values.max()) / temperature)
    return np.asarray(shares / shares.sum())


def largest_remainder(shares: Scores, seats: int) -> NDArray[np.int64]:
    """Whole seats by shares that sum to 1: each share's whole part, the rest by largest remainder; ties to the earlier."""
    exact = shares * seats
    whole = np.floor(exact).astype(np.int64)
    left = seats - int(whole.sum())
    whole[np.argsort(-(exact - whole), kind="stable")[:left]] += 1
    return whole


def by_quotient(weights: Scores, sizes: NDArray[np.int64], seats: int) -> NDArray[np.int64]:
    """Whole seats by highest quotient weight / (seats + 1) while there is room (D'Hondt); one each before any second.

    Args:
        weights: float64 (m,), > 0; ties go to the earlier.
        sizes: most seats of each, >= 1.
        seats: at most the sum of sizes.
    """
    got = np.zeros(len(weights), dtype=np.int64)
    got[np.argsort(-weights, kind="stable")[:seats]] = 1
    queue = [(-weights[at] / 2, at) for at in range(len(weights)) if sizes[at] > 1]
    heapq.heapify(queue)
    for _ in range(seats - int(got.sum())):
        _, at = heapq.heappop(queue)
        got[at] += 1
        if got[at] < sizes[at]:
            heapq.heappush(queue, (-weights[at] / (int(got[at]) + 1), at))
    return got
