"""Overlap between two stages, put in from outside: the source runs in a thread, a bounded queue in between."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Generator
from typing import TypeVar

T = TypeVar("T")
_POLL_S = 0.05


class _End:
    """Marks the end of the source, and carries the error that ended it."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def prefetch(source: Callable[[], Generator[T, None, None]], *, depth: int) -> Generator[T, None, None]:
    """Run `source()` in a thread, at most `depth` items ahead, and give its items in order.

    The iterator is made, advanced and closed in the thread, so that a decoder lives and dies in one place. An error of the
    source is raised here after the items before it; closing this generator stops the thread and waits for it.
    """
    items: queue.Queue[T | _End] = queue.Queue(maxsize=depth)
    stopped = threading.Event()

    def put(item: T | _End) -> None:
        while not stopped.is_set():
            try:
                items.put(item, timeout=_POLL_S)
            except queue.Full:
                continue
            return

    def work() -> None:
        end = _End()
        try:
            with contextlib.closing(source()) as source_items:
                for item in source_items:
                    put(item)
                    if stopped.is_set():
                        break
        except BaseException as error:  # noqa: BLE001 (carried over and raised in the consumer)
            end = _End(error)
        put(end)

    thread = threading.Thread(target=work, name="framedex-prefetch", daemon=True)
    thread.start()
    try:
        while True:
            item = items.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        stopped.set()
        thread.join()
