"""Overlap: order, errors, and that nothing is left running."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest

from framedex.prefetch import prefetch


def counting(n: int, closed: list[str]) -> Generator[int, None, None]:
    try:
        yield from range(n)
    finally:
        closed.append(threading.current_thread().name)


def test_items_come_in_order_and_the_source_is_closed_in_its_thread() -> None:
    closed: list[str] = []
    assert list(prefetch(lambda: counting(50, closed), depth=2)) == list(range(50))
    assert closed == ["framedex-prefetch"]


def test_an_error_comes_after_the_items_before_it() -> None:
    def failing() -> Generator[int, None, None]:
        yield 1
        raise ValueError("second")

    items = prefetch(failing, depth=4)
    assert next(items) == 1
    with pytest.raises(ValueError, match="second"):
        next(items)


def test_leaving_early_stops_and_closes_the_source() -> None:
    closed: list[str] = []
    items = prefetch(lambda: counting(10_000_000, closed), depth=2)
    assert next(items) == 0
    items.close()
    assert closed == ["framedex-prefetch"]
    assert not [thread for thread in threading.enumerate() if thread.name == "framedex-prefetch"]


def test_the_source_runs_at_most_depth_ahead() -> None:
    made: list[int] = []

    def recording() -> Generator[int, None, None]:
        for value in range(100):
            made.append(value)
            yield value

    items = prefetch(recording, depth=3)
    next(items)
    items.close()
    assert len(made) <= 1 + 3 + 1 + 1  # given, queued, waiting for a place, and one made after the place came free
