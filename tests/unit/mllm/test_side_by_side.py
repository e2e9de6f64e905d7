"""Calls side by side: each once, begun in order, and nobody waits for those that hang."""

from __future__ import annotations

import threading
import time

import pytest

from framedex.mllm.side_by_side import side_by_side


def test_every_item_is_called_once_and_positions_are_its_own() -> None:
    called: list[int] = []

    def call(item: int) -> int:
        called.append(item)
        time.sleep(0.001 * (item % 3))
        return item * item

    found = dict(side_by_side(call, range(50), threads=7))
    assert found == {position: position * position for position in range(50)}
    assert sorted(called) == list(range(50))
    assert called[0] == 0


def test_no_more_threads_than_asked_for_and_no_item_no_call() -> None:
    lock, now, most = threading.Lock(), [0], [0]

    def call(_: int) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.005)
        with lock:
            now[0] -= 1

    assert len(list(side_by_side(call, range(20), threads=3))) == 20
    assert most[0] == 3
    assert list(side_by_side(call, [], threads=3)) == []


def test_an_error_is_raised_and_nothing_more_is_begun() -> None:
    hanging, called = threading.Event(), []

    def call(item: int) -> int:
        called.append(item)
        if item == 1:
            raise KeyError("one")
        hanging.wait(10)
        return item

    with pytest.raises(KeyError, match="one"):
        list(side_by_side(call, range(100), threads=2))
    hanging.set()
    assert set(called) <= {0, 1, 2}


def test_a_caller_that_lets_go_ends_it() -> None:
    called: list[int] = []

    def call(item: int) -> int:
        called.append(item)
        return item

    results = side_by_side(call, range(10_000), threads=1)
    next(results)
    results.close()  # type: ignore[attr-defined]
    time.sleep(0.05)
    n = len(called)
    time.sleep(0.05)
    assert len(called) == n
