"""Calls that wait, several at a time: for requests to a server, in threads that nobody has to wait for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(call: Callable[[T], R], items: Sequence[T], *, threads: int) -> Iterator[tuple[int, R]]:
    """Call with each item, and give positions and results as they come; items are begun in order.

    Where a call raises, or the caller lets go, nothing more is begun, and what is under way is left to end by itself: the threads
    are daemons, so that neither an error nor Ctrl-C waits for a slow server.

    Raises:
        BaseException: what a call raised first.
    """
    to_do: SimpleQueue[tuple[int, T]] = SimpleQueue()
    done: SimpleQueue[tuple[int, R, None] | tuple[int, None, BaseException]] = SimpleQueue()
    let_go = Event()
    for position, item in enumerate(items):
        to_do.put((position, item))

    def work() -> None:
        while not let_go.is_set():
            try:
                position, item = to_do.get_nowait()
            except Empty:
                return
            try:
                done.put((position, call(item), None))
            except BaseException as error:  # noqa: BLE001 - raised where the results are waited for
                let_go.set()
                done.put((position, None, error))

    try:
        for _ in range(min(threads, len(items))):
            Thread(target=work, daemon=True).start()
        for _ in items:
            position, result, error = done.get()
            if error is not None:
                raise error
            yield position, result  # type: ignore[misc]  # None only beside an error
    finally:
        let_go.set()
