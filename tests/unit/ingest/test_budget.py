"""One number of threads, divided."""

from __future__ import annotations

import pytest

from framedex.ingest import Budget


@pytest.mark.parametrize(
    ("threads", "videos", "workers", "decoder_threads"),
    [(1, 10, 1, 1), (2, 10, 2, 1), (2, 1, 1, 2), (8, 3, 3, 2), (8, 0, 1, 8), (64, 5000, 64, 1)],
)
def test_a_decoder_per_thread_or_per_video(threads: int, videos: int, workers: int, decoder_threads: int) -> None:
    budget = Budget.split(threads, videos=videos)
    assert (budget.workers, budget.decoder_threads, budget.embedder_threads) == (workers, decoder_threads, threads)


def test_the_last_video_has_the_threads_of_those_that_are_done() -> None:
    budget = Budget.split(8, videos=100)
    assert (budget.threads_of(last=False), budget.threads_of(last=True)) == (1, 8)


def test_in_words() -> None:
    assert str(Budget.split(2, videos=9)).startswith("threads: 2; 2 decode processes of 1 thread")
